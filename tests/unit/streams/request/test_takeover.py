"""A partition that passes from worker to worker, in memory: what the heir knows, and what the first may still do."""

import asyncio
from functools import partial

import pytest

from schemas.topics import Topic
from streams.ports import Record
from tests.fakes.link import GIVES_UP_S, Link, Weather
from tests.fakes.provider import Character
from tests.fakes.scene import SETTINGS, Scene, played

SESSION_S = SETTINGS.session_timeout_s
LATE = "2027-01-15T08:05:00Z"
SLOW = {"alpha": Character(1, 2, median_s=5.0, spread=0.0)}
RELUCTANT = SETTINGS.model_copy(update={"commit_interval_s": 60.0})
COPIES = RELUCTANT.model_copy(update={"reply_to_allowed": ("copies",)})


@played(settings=RELUCTANT)
async def test_what_was_finished_and_not_committed_is_not_called_for_again(scene: Scene) -> None:
    (first,) = await scene.start("w1")
    scene.publish()
    await scene.answered("r-1")
    await asyncio.sleep(1)
    first.kill()
    assert scene.committed() == 0
    await scene.start("w2")
    await asyncio.sleep(SESSION_S + 60)
    assert scene.committed() == 1
    assert len(scene.calls()) == len(scene.messages(Topic.RESPONSES)) == 1


@played()
async def test_an_id_that_is_published_again_at_the_heir_is_not_called_for_again(scene: Scene) -> None:
    (first,) = await scene.start("w1")
    scene.publish()
    await scene.until(lambda: scene.committed() == 1)
    first.kill()
    await scene.start("w2")
    await asyncio.sleep(SESSION_S)
    scene.publish()
    await scene.until(lambda: scene.committed() == 2)
    assert len(scene.calls()) == len(scene.messages(Topic.RESPONSES)) == 1


@played(settings=COPIES)
async def test_the_heir_copies_an_answer_that_the_first_has_stored(scene: Scene) -> None:
    scene.world.broker.create("copies")
    (first,) = await scene.start("w1")
    scene.publish()
    await scene.answered("r-1")
    await asyncio.sleep(1)
    first.kill()
    await scene.start("w2")
    await asyncio.sleep(SESSION_S)
    scene.publish(reply_to="copies")
    await scene.until(lambda: scene.messages("copies"))
    assert scene.messages("copies") == scene.messages(Topic.RESPONSES)


@played(characters=SLOW)
async def test_a_call_that_a_crash_cut_off_is_billed_as_unknown_and_never_dropped(scene: Scene) -> None:
    (first,) = await scene.start("w1")
    scene.publish(deadline=LATE)
    await scene.until(scene.calls)
    first.kill()
    await scene.start("w2")
    (response,) = await scene.answered("r-1")
    await scene.until(lambda: scene.committed() == 1)
    assert [attempt["outcome"] for attempt in response["attempts"]] == ["cut_off", "succeeded"]
    costs = {cost["event_id"]: cost for cost in scene.messages(Topic.COSTS)}
    charges = {charge.key: charge.nano_usd for charge in scene.world.providers.invoice}
    assert costs.keys() == charges.keys()
    unknown, metered = sorted(costs.values(), key=lambda cost: str(cost["attempt"]))
    assert (unknown["certainty"], metered["certainty"]) == ("unknown", "metered")
    assert unknown["cost_nano_usd"] >= charges[unknown["event_id"]]
    assert metered["cost_nano_usd"] == charges[metered["event_id"]]


@played(settings=RELUCTANT)
async def test_a_response_whose_cost_event_a_crash_cut_off_is_billed_by_the_heir_as_it_was(scene: Scene) -> None:
    (first,) = await scene.start("w1")
    scene.when(Topic.RESPONSES, first.kill)
    scene.publish()
    await scene.answered("r-1")
    assert not scene.messages(Topic.COSTS)
    await scene.start("w2")
    await scene.until(lambda: scene.messages(Topic.COSTS))
    (cost,) = scene.messages(Topic.COSTS)
    assert (cost["certainty"], cost["cost_nano_usd"]) == ("metered", scene.world.providers.invoice[0].nano_usd)
    assert len(scene.calls()) == 1


@played(characters=SLOW)
async def test_a_worker_that_was_frozen_past_its_session_writes_no_second_answer(scene: Scene) -> None:
    await scene.start("w1", "w2")
    scene.publish(deadline=LATE)
    await scene.until(scene.calls)
    owner = next(one for one in scene.world.workers.values() if one.process.name == scene.calls()[0].caller)
    owner.process.freeze()
    await scene.answered("r-1")
    owner.process.thaw()
    await asyncio.sleep(60)
    assert len(scene.messages(Topic.RESPONSES)) == 1
    assert len(scene.calls()) == 2


@played()
async def test_a_worker_that_was_frozen_before_its_call_makes_none_when_it_thaws(scene: Scene) -> None:
    started = await scene.start("w1", "w2")
    for worker in started:
        worker.link.weather = Weather(fastest_s=1.0, slowest_s=1.0)
    scene.publish(deadline=LATE)
    await scene.until(lambda: scene.messages(Topic.CALLS))
    assert not scene.calls()
    has_it = [worker for worker in started if worker.worker.pump.in_flight]
    (owner,) = has_it
    owner.process.freeze()
    await scene.answered("r-1")
    owner.process.thaw()
    await asyncio.sleep(60)
    assert owner.process.name not in {call.caller for call in scene.calls()}
    assert len(scene.messages(Topic.RESPONSES)) == 1


@played(characters=SLOW)
async def test_an_answer_that_could_not_be_written_is_not_tried_again_when_the_partition_is_lost(scene: Scene) -> None:
    await scene.start("w1", "w2")
    scene.publish(deadline=LATE)
    await scene.until(scene.calls)
    owner = next(one for one in scene.world.workers.values() if one.process.name == scene.calls()[0].caller)
    await asyncio.sleep(4.9)
    owner.link.weather = Weather(lost_before=1.0)
    await asyncio.sleep(0.5)
    owner.link.cut()
    await scene.answered("r-1")
    await asyncio.sleep(GIVES_UP_S)  # until then the client itself tries again
    owner.link.weather = Weather()
    owner.link.heal()
    await asyncio.sleep(60)
    assert len(scene.messages(Topic.RESPONSES)) == 1
    await scene.until(lambda: scene.committed() == 1)


@played(settings=SETTINGS.model_copy(update={"session_timeout_s": 4.0}))
async def test_an_answer_that_came_late_over_a_broken_link_gives_no_call_a_second_price(scene: Scene) -> None:
    """The client still writes it, beside the heir's; what the heir has billed as unknown stays billed so."""
    for worker in await scene.start("w1", "w2"):
        worker.link.on_send.append(partial(_cut_at_an_answer, scene, worker.link))
    scene.publish(deadline=LATE)
    await scene.until(lambda: scene.messages(Topic.COSTS))
    first = scene.world.providers.calls[0].caller
    (owner,) = (one for one in scene.world.workers.values() if one.process.name == first)
    owner.link.heal()
    await scene.until(lambda: len(scene.messages(Topic.RESPONSES)) == 2)
    await asyncio.sleep(60)
    costs = {(cost["event_id"], cost["cost_nano_usd"]) for cost in scene.messages(Topic.COSTS)}
    assert len({event_id for event_id, _ in costs}) == len(costs) == 2
    assert scene.committed() == 1


def _cut_at_an_answer(scene: Scene, link: Link, record: Record) -> None:
    if record.topic == Topic.RESPONSES and len(scene.calls()) == 1:
        link.cut()


@played(characters=SLOW)
async def test_while_its_ownership_is_uncertain_a_worker_calls_for_nothing_and_answers_nothing(scene: Scene) -> None:
    """Alone in its group it keeps its partitions, and goes on when the coordinator answers again."""
    (worker,) = await scene.start("w1")
    scene.publish(deadline=LATE)
    await scene.until(scene.calls)
    worker.link.cut()
    await asyncio.sleep(SESSION_S * 0.85)
    assert not worker.ports.fence.is_open()
    assert not scene.messages(Topic.RESPONSES)
    worker.link.heal()
    await scene.answered("r-1")
    assert len(scene.messages(Topic.RESPONSES)) == 1


@pytest.mark.parametrize("joins", [1, 2])
def test_a_worker_that_joins_costs_no_request_and_no_second_answer(joins: int) -> None:
    @played(characters=SLOW)
    async def play(scene: Scene) -> None:
        await scene.start("w1")
        names = [f"r-{number}" for number in range(20)]
        for number, name in enumerate(names):
            scene.publish(name, partition=number % 2)
            if number % (20 // joins) == 10 // joins:
                scene.world.start(f"w{number}")
            await asyncio.sleep(1)
        await scene.answered(*names)
        await scene.until(lambda: scene.committed() + scene.committed(1) == 20)
        assert len(scene.messages(Topic.RESPONSES)) == 20
        assert len(scene.calls()) == 20

    play()


@played()
async def test_an_answer_without_acknowledgement_may_stand_there_twice_and_is_billed_once(
    scene: Scene,
) -> None:
    (worker,) = await scene.start("w1")

    def lose_the_next_acknowledgement() -> None:
        worker.link.weather = Weather(lost_after=1.0)
        scene.when(Topic.RESPONSES, lambda: setattr(worker.link, "weather", Weather()))

    scene.when("call", lose_the_next_acknowledgement)
    scene.publish()
    await scene.until(lambda: len(scene.messages(Topic.RESPONSES)) == 2)
    await scene.until(lambda: scene.committed() == 1)
    first, second = scene.messages(Topic.RESPONSES)
    assert first == second
    assert len(scene.calls()) == len(scene.messages(Topic.COSTS)) == 1
