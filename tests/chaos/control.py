"""What all workers share, health and budgets: its changelogs are lost, or the broker while they are read back."""

import asyncio
import time
from datetime import UTC, datetime
from decimal import Decimal

from schemas.budgets import Budget
from schemas.topics import Topic
from streams.kafka.clients import admin
from streams.topics import create_topics
from tests.chaos.link import LIST_OFFSETS, OFFSET_FETCH
from tests.chaos.records import configure
from tests.chaos.scene import PATIENCE_S, Scene
from tests.chaos.state import health, truncate
from tests.harness import Worker, far_deadline

CHANGELOGS = (Topic.MODEL_PANES, Topic.ACCOUNTS)
KNOWN = "known"
BUDGET = f"[tenants.{KNOWN}]\ndaily_budget_usd = 100"
AWAY_S = 75.0
"""Longer than a recovery waits for any one answer: here 43 s for requests, 35 s for what is shared."""


async def changelogs_truncated(scene: Scene) -> None:
    """All that the control app keeps is deleted while nobody runs: it is made again from what it was made of."""
    await _open(scene)
    scene.kill()
    for topic in CHANGELOGS:
        await configure(scene, topic, {"cleanup.policy": "delete"})  # from a compacted topic brokers delete nothing
        await truncate(scene, topic)
        await configure(scene, topic, {"cleanup.policy": "compact"})
    scene.start(2)
    await _accounts_and_health_again(scene)


async def changelogs_deleted(scene: Scene) -> None:
    """The changelogs are deleted under running workers and created again; then those workers are killed."""
    await _open(scene)
    names = [scene.pipeline.settings.topic(topic) for topic in CHANGELOGS]
    async with admin(scene.pipeline.settings) as client:
        await client.delete_topics(names)
        await scene.publish(60, tenant=KNOWN)
        await asyncio.sleep(3)
        created = await create_topics(client, scene.pipeline.settings)
    scene.expect(sorted(created) == sorted(names), f"{created} were missing")
    await _accounts_and_health_again(scene)
    scene.kill()
    scene.start(2)
    await _accounts_and_health_again(scene)


async def away_in_a_recovery(scene: Scene) -> None:
    """A worker's heir asks, for requests and for what is shared, where to go on, and the broker has gone."""
    await scene.open(linked=True, tenants=BUDGET)
    assert scene.link is not None
    (leaver,) = scene.start(TURNOUT_BROKERS=scene.pipeline.settings.brokers)
    await scene.until_ready()  # so that the heir knows nothing of its own
    (heir,) = scene.start()
    await _accounts_and_health(scene)
    topic = scene.pipeline.settings.topic
    scene.link.cut_when_asked((OFFSET_FETCH, topic(Topic.REQUESTS)), (LIST_OFFSETS, topic(Topic.ACCOUNTS)))
    await scene.stop(leaver)
    await scene.until("the heir asks where to go on", lambda: scene.link is not None and scene.link.is_cut)
    recovered = _recoveries(heir)
    await scene.publish(60, tenant=KNOWN, deadline=far_deadline())
    await asyncio.sleep(AWAY_S)
    scene.expect(_recoveries(heir) == recovered, "the heir has recovered although the broker was away")
    await scene.heal()
    await _accounts_and_health_again(scene)
    scene.expect(scene.alive == [heir], f"the heir ended by itself with {heir.process.returncode}")
    scene.start()
    await scene.until_ready()
    await _accounts_and_health_again(scene)


def _recoveries(worker: Worker) -> int:
    return worker.log.read_text().count("this worker keeps the shared health")


async def _open(scene: Scene) -> None:
    await scene.open(tenants=BUDGET)
    scene.start(2)
    await _accounts_and_health(scene)


async def _accounts_and_health(scene: Scene) -> None:
    await scene.until_ready()
    await scene.until_answered(await scene.publish(100, tenant=KNOWN))
    await _until_told(scene)


async def _accounts_and_health_again(scene: Scene) -> None:
    """Health is told anew, every request is answered, and what was spent is what was billed."""
    since = datetime.now(UTC)
    ids = await scene.publish(60, tenant=KNOWN)
    give_up_s = time.monotonic() + PATIENCE_S
    while not any(one.as_of > since and one.workers == len(scene.alive) for one in await health(scene)):
        scene.expect(time.monotonic() < give_up_s, f"nobody tells the health of models: {(await health(scene))[-1:]}")
        await asyncio.sleep(0.3)
    await scene.until_answered(ids)
    await _until_told(scene)
    versions = [budget.version for budget in await _budgets(scene)]
    scene.expect(versions == sorted(versions), f"budgets were told that nobody believes: {versions}")


async def _until_told(scene: Scene) -> None:
    """Wait until the accounts tell exactly what the bill says."""
    give_up_s = time.monotonic() + PATIENCE_S
    await scene.until_committed()
    billed = {event.event_id: event.cost_usd or Decimal(0) for event in await scene.pipeline.costs()}
    spent_usd = sum(billed.values(), Decimal(0))
    while not (told := await _budgets(scene)) or told[-1].spent_usd != spent_usd:
        scene.expect(time.monotonic() < give_up_s, f"{spent_usd} USD are billed, and told is {told[-1:]}")
        await asyncio.sleep(0.3)


async def _budgets(scene: Scene) -> list[Budget]:
    return [Budget.decode(record.value or b"") for record in await scene.pipeline.records(Topic.BUDGETS)]
