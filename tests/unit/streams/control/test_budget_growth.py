"""Partitions are added to the costs topic: a tenant's cost events go on in another one, and all of them count."""

import asyncio
from dataclasses import replace
from decimal import Decimal

from router.tenants import Tenant
from schemas.topics import Topic
from tests.fakes.scene import Json, Scene, played
from tests.stage import TWO

CATALOGUE = replace(TWO, tenants={name: Tenant(name, daily_budget_usd=Decimal(9)) for name in ("a", "b", "c", "d")})


def spent(scene: Scene) -> dict[str, Decimal]:
    return {budget["tenant"]: Decimal(budget["spent_usd"]) for budget in scene.messages(Topic.BUDGETS)}


def costs(scene: Scene) -> dict[str, Decimal]:
    sums = dict.fromkeys(CATALOGUE.tenants, Decimal(0))
    events: dict[str, Json] = {event["event_id"]: event for event in scene.messages(Topic.COSTS)}
    for event in events.values():
        sums[event["tenant"]] += Decimal(event["cost_usd"])
    return sums


async def spend(scene: Scene, round_: str) -> None:
    ids = []
    for number in range(10):
        for tenant in CATALOGUE.tenants:
            ids.append(f"{round_}-{tenant}-{number}")
            scene.publish(ids[-1], partition=number % 2, tenant=tenant)
    await scene.answered(*ids)
    await scene.until(lambda: spent(scene) == costs(scene))


@played(catalogue=CATALOGUE)
async def test_events_on_new_partitions_are_counted_by_the_owner_and_by_its_heir(scene: Scene) -> None:
    first, _ = await scene.start("w1", "w2")
    await spend(scene, "before")
    scene.world.grow(Topic.COSTS, 7)
    await spend(scene, "grown")
    used = {event.partition for event in scene.timeline if event.what == Topic.COSTS}
    assert max(used) >= 2
    first.kill()
    await spend(scene, "taken-over")
    await asyncio.sleep(30)
    assert spent(scene) == costs(scene)
