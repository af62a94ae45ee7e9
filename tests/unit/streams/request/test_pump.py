"""Requests of whole workers in memory as partitions come and go: drains, bounds, turns."""

import asyncio

from schemas.topics import Topic
from tests.fakes.link import Weather
from tests.fakes.provider import Character, Fate
from tests.fakes.scene import SETTINGS, Scene, played

SLOW = {"alpha": Character(1, 2, median_s=3.0, spread=0.0)}
SLOWER = {"alpha": Character(1, 2, median_s=18.0, spread=0.0)}


@played(characters=SLOW)
async def test_an_offset_waits_for_the_oldest_request_though_later_ones_have_ended(scene: Scene) -> None:
    await scene.start("w1")
    scene.world.providers.models["alpha"].median_s = 15.0
    scene.publish("slow")
    await scene.until(scene.calls)
    scene.world.providers.models["alpha"].median_s = 0.1
    for number in range(5):
        scene.publish(f"quick-{number}")
    await scene.answered(*(f"quick-{number}" for number in range(5)))
    await asyncio.sleep(3)
    assert scene.committed() == 0
    await scene.answered("slow")
    await scene.until(lambda: scene.committed() == 6)


@played(characters=SLOW)
async def test_a_stop_ends_what_is_under_way_and_commits_it(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.publish()
    await scene.until(scene.calls)
    await worker.stop()
    assert len(scene.responses("r-1")) == 1
    assert scene.committed() == 1


@played(characters=SLOWER)
async def test_what_a_drain_gives_up_is_not_acknowledged_and_its_heir_answers_it(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.publish(deadline="2027-01-15T08:03:00Z")
    await scene.until(scene.calls)
    await worker.stop()
    assert scene.committed() == 0
    assert not scene.responses("r-1")
    await scene.start("w2")
    (response,) = await scene.answered("r-1")
    await scene.until(lambda: scene.committed() == 1)
    assert [attempt["outcome"] for attempt in response["attempts"]] == ["cut_off", "succeeded"]
    assert {cost["certainty"] for cost in scene.messages(Topic.COSTS)} == {"unknown", "metered"}


@played(characters=SLOWER)
async def test_a_commit_at_the_end_of_a_drain_passes_nothing_that_was_given_up(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.publish("given-up", deadline="2027-01-15T08:03:00Z")
    await scene.until(scene.calls)
    scene.world.providers.models["alpha"].median_s = 1.0
    scene.publish("being-published")
    await asyncio.sleep(0.5)
    worker.link.weather = Weather(lost_before=1.0)
    await worker.stop()
    assert scene.committed() == 0
    await scene.start("w2")
    await scene.answered("given-up", "being-published")


@played(characters={"alpha": Character(1, 2, chances={Fate.ERROR: 1.0}), "beta": Character(3, 6, median_s=18.0)})
async def test_what_came_of_the_calls_of_a_request_that_is_given_up_is_handed_on(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.publish(deadline="2027-01-15T08:03:00Z")
    await scene.until(lambda: len(scene.calls()) == 3)
    await worker.stop()
    ahead = scene.messages(Topic.CALLS)
    assert [call["attempt"] for call in ahead if call["attempt_json"]] == [1, 2]
    scene.world.providers.models["alpha"].chances.clear()
    await scene.start("w2")
    (response,) = await scene.answered("r-1")
    outcomes = [attempt["outcome"] for attempt in response["attempts"]]
    assert outcomes == ["unavailable", "unavailable", "cut_off", "succeeded"]
    await scene.until(lambda: len(scene.messages(Topic.COSTS)) == 2)


@played(characters=SLOW, settings=SETTINGS.model_copy(update={"max_in_flight": 3}))
async def test_no_more_requests_are_under_way_than_the_bound(scene: Scene) -> None:
    await scene.start("w1")
    for number in range(12):
        scene.publish(f"r-{number}")
    await scene.answered(*(f"r-{number}" for number in range(12)))
    calls = scene.calls()
    assert max(sum(one.began_s <= call.began_s < one.ended_s for one in calls) for call in calls) == 3


@played(characters=SLOW, settings=SETTINGS.model_copy(update={"max_in_flight": 2, "max_held": 4}))
async def test_a_full_worker_reads_no_further_until_half_is_done(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    for number in range(4):
        scene.publish(f"r-{number}")
    await asyncio.sleep(1)
    for number in range(4, 30):
        scene.publish(f"r-{number}")
    await asyncio.sleep(1)
    assert worker.ports.intake.handed_over == 4
    assert worker.worker.pump.held_back == 1
    await scene.answered(*(f"r-{number}" for number in range(30)), within_s=120)


@played(characters=SLOW, settings=SETTINGS.model_copy(update={"max_span": 5}))
async def test_a_partition_is_not_read_far_ahead_of_its_oldest_request_and_the_others_are(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.world.providers.models["alpha"].median_s = 15.0
    scene.publish("slow")
    await scene.until(scene.calls)
    scene.world.providers.models["alpha"].median_s = 0.1
    for number in range(5):
        scene.publish(f"a-{number}")
        await asyncio.sleep(1)
    for number in range(5, 20):
        scene.publish(f"a-{number}")
        scene.publish(f"b-{number}", partition=1)
    await scene.answered(*(f"b-{number}" for number in range(5, 20)), within_s=5)
    assert worker.ports.intake.handed_over < 1 + 20 + 15
    assert not scene.responses("slow")
    await scene.answered("slow", *(f"a-{number}" for number in range(20)))


@played(
    characters={"alpha": Character(1, 2, median_s=1.0, spread=0.0)},
    settings=SETTINGS.model_copy(update={"max_in_flight": 2}),
)
async def test_tenants_take_turns_whatever_the_burst_of_another(scene: Scene) -> None:
    await scene.start("w1")
    for number in range(20):
        scene.publish(f"loud-{number}", tenant="loud")
    await scene.until(scene.calls)
    scene.publish("quiet", tenant="quiet")
    await scene.answered("quiet", within_s=5)
    assert len(scene.messages(Topic.RESPONSES)) < 10


@played(
    characters={
        "alpha": Character(1, 2, chances={Fate.ERROR: 1.0}),
        "beta": Character(3, 6, chances={Fate.ERROR: 1.0}),
    },
    settings=SETTINGS.model_copy(update={"max_in_flight": 1}),
)
async def test_a_request_that_waits_leaves_its_place_to_another(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("failing")
    await scene.until(lambda: len(scene.calls()) >= 2)
    scene.publish_bytes(b'{"request_id": "unreadable", "prompt": 7}')
    await scene.answered("unreadable", within_s=5)
    assert not scene.responses("failing")
