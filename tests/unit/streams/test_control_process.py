"""Processes that keep for all workers, and workers that keep nothing."""

import asyncio
from dataclasses import replace

from router.tenants import Tenant
from schemas.topics import Topic
from streams.control.keepers import ROLES
from tests.fakes.provider import Character, Fate
from tests.fakes.scene import JOINED_S, SETTINGS, Json, Scene, played
from tests.stage import TWO

QUICK = {"alpha": Character(1, 2, median_s=0.1)}
FAILING = {"alpha": Character(1, 2, chances={Fate.ERROR: 1.0}), "beta": Character(3, 6, median_s=0.1)}
LIMITED = replace(TWO, tenants={"acme": Tenant("acme", requests_per_minute=30)})


def health(scene: Scene) -> Json:
    return [found for found in scene.messages(Topic.MODEL_HEALTH) if found.get("request_model") == "alpha"][-1]


async def start(scene: Scene, *workers: str) -> None:
    for name in workers:
        scene.world.start(name, control=False)
    await asyncio.sleep(JOINED_S)


async def ask(scene: Scene, count: int, prefix: str, **fields: object) -> list[Json]:
    names = [f"{prefix}-{number}" for number in range(count)]
    for number, name in enumerate(names):
        scene.publish(name, partition=number % 2, **fields)  # type: ignore[arg-type]  # what a request may have
        await asyncio.sleep(0.1)
    return await scene.answered(*names)


def keepers(scene: Scene) -> dict[str, set[str]]:
    """Return the topics that each member of the control group has."""
    members = scene.world.control.assignments.items()
    return {member.partition("#")[0]: {tp.topic for tp in tps} for member, tps in members if tps}


@played(LIMITED, characters=QUICK)
async def test_workers_without_control_follow_report_and_keep_to_limits_and_the_process_that_keeps_is_none_of_them(
    scene: Scene,
) -> None:
    scene.world.start_control("keeper")
    await start(scene, "w1", "w2")
    assert keepers(scene).keys() == {"keeper"}
    await asyncio.sleep(30)
    responses = await ask(scene, 80, "r", tenant="acme")
    assert 20 <= sum(response["status"] == "completed" for response in responses) <= 31
    assert (health(scene)["workers"], set(health(scene)["shares"])) == (2, {"w1", "w2"})


@played(characters=FAILING)
async def test_when_the_process_that_keeps_is_killed_another_goes_on_and_requests_do_not_wait_for_it(
    scene: Scene,
) -> None:
    first = scene.world.start_control("one")
    await start(scene, "w1", "w2")
    scene.world.start_control("two")
    await asyncio.sleep(JOINED_S)
    assert keepers(scene)["one"] | keepers(scene)["two"] == set(ROLES)
    assert all(len(topics) < len(ROLES) for topics in keepers(scene).values()), "each has a part of it"
    first.kill()
    await ask(scene, 60, "r")
    await asyncio.sleep(SETTINGS.session_timeout_s + 5)
    assert keepers(scene) == {"two": set(ROLES)}
    await ask(scene, 20, "s")
    assert health(scene)["status"] == "unhealthy"
    assert health(scene)["workers"] == 2


@played(characters=QUICK)
async def test_workers_that_keep_share_the_roles(scene: Scene) -> None:
    await scene.start("w1", "w2")
    assert keepers(scene).keys() == {"w1", "w2"}
    assert keepers(scene)["w1"].isdisjoint(keepers(scene)["w2"])
    roles = {name: worker.worker.roles() for name, worker in scene.world.workers.items()}
    assert [roles["w1"]["health"], roles["w2"]["health"]].count(True) == 1
