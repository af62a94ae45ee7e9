"""Partitions are added to the requests topic while a worker runs in memory."""

import asyncio
from itertools import permutations

import pytest

from schemas.topics import Topic
from tests.fakes.scene import SETTINGS, Scene, played

OLD, NEW = SETTINGS.partitions, 5
BESIDE = (Topic.RESPONSES, Topic.CALLS, Topic.FINISHED_IDS)
BOUNDS = SETTINGS.model_copy(update={"max_in_flight": 4, "max_held": 8})


def orders() -> list[tuple[Topic, ...]]:
    """Return all orders of three topics, and a fourth at each place among them."""
    three = permutations((Topic.REQUESTS, Topic.RESPONSES, Topic.CALLS))
    return [(*order[: place % 4], Topic.FINISHED_IDS, *order[place % 4 :]) for place, order in enumerate(three)]


@pytest.mark.parametrize("order", orders(), ids="-".join)
def test_in_whichever_order_topics_grow_every_request_is_answered_once(order: tuple[Topic, ...]) -> None:
    @played()
    async def play(scene: Scene) -> None:
        await scene.start("w1", "w2")
        ids = []
        for step, topic in enumerate(order):
            scene.world.grow(topic, NEW)
            for number in range(NEW if Topic.REQUESTS in order[: step + 1] else OLD):
                ids.append(f"{step}-{number}")
                scene.publish(ids[-1], partition=number)
            await asyncio.sleep(12)
        await scene.answered(*ids)
        assert [len(scene.responses(one)) for one in ids] == [1] * len(ids)
        assert len(scene.calls()) == len(ids)

    play()


@played(settings=BOUNDS)
async def test_new_partitions_wait_however_much_lies_there_and_the_old_ones_go_on(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.world.grow(Topic.REQUESTS, NEW)
    waiting = [f"new-{number}" for number in range(10 * BOUNDS.max_held)]
    for one in waiting:
        scene.publish(one, partition=OLD)
    await asyncio.sleep(20)
    scene.world.grow(Topic.CALLS, NEW)
    scene.world.grow(Topic.FINISHED_IDS, NEW)
    scene.publish("old", partition=0)
    await scene.answered("old", within_s=5)
    assert not scene.responses(waiting[0])
    metrics = worker.worker._parts.metrics.registry
    missing = {
        topic: metrics.get_sample_value("turnout_topic_partitions_missing", {"topic": topic}) for topic in BESIDE
    }
    assert missing == {Topic.RESPONSES: NEW - OLD, Topic.CALLS: 0, Topic.FINISHED_IDS: 0}
    scene.world.grow(Topic.RESPONSES, NEW)
    await scene.answered(*waiting)
    assert len(scene.calls()) == len(waiting) + 1


@played()
async def test_a_worker_that_starts_meanwhile_serves_what_it_can(scene: Scene) -> None:
    scene.world.grow(Topic.REQUESTS, NEW)
    await scene.start("w1")
    scene.publish("new", partition=NEW - 1)
    scene.publish("old", partition=1)
    await scene.answered("old")
    assert not scene.responses("new")
    for topic in BESIDE:
        scene.world.grow(topic, NEW)
    await scene.answered("new")
