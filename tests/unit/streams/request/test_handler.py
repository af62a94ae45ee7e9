"""One request through a whole worker in memory: what is published, in which order, and what is not."""

import asyncio
import random

import pytest

from schemas.topics import Topic
from streams.publisher import Publisher
from tests.fakes.link import Weather
from tests.fakes.loop import START_S
from tests.fakes.provider import Character, Fate
from tests.fakes.scene import SETTINGS, Scene, played

SLOW = {"alpha": Character(1, 2, median_s=5.0, spread=0.0)}
DEAF = {"alpha": Character(1, 2, median_s=3600.0, spread=0.0), "beta": Character(3, 6, median_s=3600.0, spread=0.0)}
COPIES = SETTINGS.model_copy(update={"reply_to_allowed": ("copies",)})


@played()
async def test_a_request_is_written_ahead_then_called_for_then_answered_then_billed_then_committed(
    scene: Scene,
) -> None:
    await scene.start("w1")
    scene.publish("r-1", metadata={"team": "blue"})
    (response,) = await scene.answered("r-1")
    await scene.until(lambda: scene.committed() == 1)
    places = [scene.first(what) for what in (Topic.CALLS, "call", Topic.RESPONSES, Topic.COSTS)]
    assert places == sorted(places)
    assert response["status"] == "completed"
    (ahead,), (cost,), (call,) = scene.messages(Topic.CALLS), scene.messages(Topic.COSTS), scene.calls()
    assert ahead["event_id"] == cost["event_id"] == call.key
    assert cost["cost_nano_usd"] == scene.world.providers.invoice[0].nano_usd
    assert cost["certainty"] == "metered"


@played(weather=Weather(fastest_s=1.0, slowest_s=1.0))
async def test_no_call_is_made_before_the_broker_has_acknowledged_its_write_ahead_record(scene: Scene) -> None:
    scene.world.start("w1")
    await asyncio.sleep(40)
    scene.publish()
    await scene.answered("r-1")
    written = next(event for event in scene.timeline if event.what == Topic.CALLS)
    called = next(event for event in scene.timeline if event.what == "call")
    assert called.at_s == pytest.approx(written.at_s + 1.0, rel=0, abs=0.01)  # the acknowledgement's way back


@played()
async def test_without_a_write_ahead_record_no_call_is_made(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    worker.link.weather = Weather(lost_before=1.0)
    scene.publish()
    await asyncio.sleep(30)
    assert not scene.calls()
    worker.link.weather = Weather()
    await scene.answered("r-1")


@played(characters=SLOW)
async def test_no_offset_passes_a_request_whose_answer_is_not_acknowledged(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.publish()
    await scene.until(scene.calls)
    worker.link.weather = Weather(lost_before=1.0)
    await asyncio.sleep(20)
    assert scene.committed() == 0
    worker.link.weather = Weather()
    await scene.answered("r-1")
    await scene.until(lambda: scene.committed() == 1)
    assert len(scene.calls()) == 1


@played(characters=SLOW)
async def test_no_offset_passes_a_request_whose_cost_event_is_not_acknowledged(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.publish()
    await scene.until(lambda: scene.messages(Topic.RESPONSES))
    worker.link.cut()
    await asyncio.sleep(7)
    worker.link.heal()
    await scene.until(lambda: scene.committed() == 1)
    assert scene.messages(Topic.COSTS)


@played(characters=SLOW)
async def test_a_duplicate_that_is_under_way_joins_the_call(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish()
    await scene.until(scene.calls)
    scene.publish()
    await scene.answered("r-1")
    await scene.until(lambda: scene.committed() == 2)
    assert len(scene.calls()) == len(scene.messages(Topic.RESPONSES)) == 1


@played(settings=COPIES)
async def test_an_id_that_comes_again_is_not_called_for_and_its_stored_answer_is_copied(scene: Scene) -> None:
    scene.world.broker.create("copies")
    await scene.start("w1")
    scene.publish()
    await scene.answered("r-1")
    scene.publish(reply_to="copies")
    await scene.until(lambda: scene.committed() == 2)
    assert len(scene.calls()) == len(scene.messages(Topic.RESPONSES)) == 1
    assert scene.messages("copies") == scene.messages(Topic.RESPONSES)


@played(settings=COPIES)
async def test_an_answer_is_copied_to_a_topic_that_is_allowed(scene: Scene) -> None:
    scene.world.broker.create("copies")
    await scene.start("w1")
    scene.publish(reply_to="copies")
    await scene.answered("r-1")
    await scene.until(lambda: scene.committed() == 1)
    assert scene.messages("copies") == scene.messages(Topic.RESPONSES)


@played()
async def test_a_topic_that_is_not_allowed_gets_nothing_and_the_request_is_rejected(scene: Scene) -> None:
    scene.world.broker.create("copies")
    await scene.start("w1")
    scene.publish(reply_to="copies")
    (response,) = await scene.answered("r-1")
    assert (response["status"], response["error"]["code"]) == ("rejected", "reply_to_not_allowed")
    await scene.until(lambda: scene.committed() == 1)
    assert not scene.messages("copies")
    assert not scene.calls()


@played()
async def test_what_is_no_request_is_buried_first_and_then_refused_by_its_id(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish_bytes(b'{"request_id": "r-1", "prompt": 7}')
    scene.publish_bytes(b"not JSON")
    (response,) = await scene.answered("r-1")
    await scene.until(lambda: scene.committed() == 2)
    assert (response["status"], response["error"]["code"]) == ("rejected", "invalid_request")
    assert scene.first(Topic.DEAD_LETTERS) < scene.first(Topic.RESPONSES)
    assert len([event for event in scene.timeline if event.what == Topic.DEAD_LETTERS]) == 2
    assert len(scene.messages(Topic.RESPONSES)) == 1


@played()
async def test_no_offset_passes_a_dead_letter_that_is_not_acknowledged(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    worker.link.weather = Weather(lost_before=1.0)
    scene.publish_bytes(b"not JSON")
    await asyncio.sleep(20)
    assert scene.committed() == 0
    worker.link.weather = Weather()
    await scene.until(lambda: scene.committed() == 1)
    assert len([event for event in scene.timeline if event.what == Topic.DEAD_LETTERS]) == 1


@played(settings=SETTINGS.model_copy(update={"dead_letter_minimum": 20, "dead_letter_share": 0.5}))
async def test_too_many_dead_letters_halt_the_worker_and_leave_the_rest_on_the_topic(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    for _ in range(60):
        scene.publish_bytes(b"not JSON")
    with pytest.raises(Exception, match="dead letters"):
        await worker.running
    assert scene.committed() < 60
    assert len([event for event in scene.timeline if event.what == Topic.DEAD_LETTERS]) < 60


@played(characters={"alpha": Character(1, 2, chances={Fate.ERROR: 1.0})})
async def test_a_failing_model_is_passed_over_and_its_free_call_is_not_billed(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish()
    (response,) = await scene.answered("r-1")
    await scene.until(lambda: scene.committed() == 1)
    assert response["status"] == "completed"
    assert response["request_model"] == "beta"
    assert [attempt["outcome"] for attempt in response["attempts"]] == ["unavailable", "unavailable", "succeeded"]
    assert [cost["request_model"] for cost in scene.messages(Topic.COSTS)] == ["beta"]
    assert len(scene.messages(Topic.CALLS)) == 3


@played(characters=DEAF)
async def test_a_request_ends_by_its_deadline_and_what_was_called_for_is_billed_as_unknown(scene: Scene) -> None:
    await scene.start("w1")
    deadline_s = START_S + 30
    scene.publish(deadline="2027-01-15T08:00:30Z")
    (response,) = await scene.answered("r-1")
    assert response["status"] == "failed"
    assert scene.timeline[scene.first(Topic.RESPONSES)].at_s <= deadline_s + 0.1
    await scene.until(lambda: scene.committed() == 1)
    costs = scene.messages(Topic.COSTS)
    assert {cost["certainty"] for cost in costs} == {"unknown"}
    assert len(costs) == len(scene.calls())


@played(settings=SETTINGS.model_copy(update={"max_message_bytes": 65_536}))
async def test_an_answer_that_the_topic_does_not_take_becomes_a_failure_without_it(scene: Scene) -> None:
    scene.world.broker.create(Topic.RESPONSES, 2, max_bytes=2000)
    await scene.start("w1")
    scene.world.providers.answer_text = "Certainly. " * 200
    scene.publish()
    (response,) = await scene.answered("r-1")
    await scene.until(lambda: scene.committed() == 1)
    assert response["status"] == "failed"
    assert "larger" in response["error"]["message"]
    assert scene.messages(Topic.COSTS)[0]["certainty"] == "metered"


def test_a_defect_ends_the_request_as_failed_with_a_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    @played()
    async def play(scene: Scene) -> None:
        await scene.start("w1")

        async def broken(*_args: object) -> int:
            raise ZeroDivisionError

        monkeypatch.setattr(Publisher, "call_started", broken)
        scene.publish()
        (response,) = await scene.answered("r-1")
        await scene.until(lambda: scene.committed() == 1)
        assert (response["status"], response["error"]["code"]) == ("failed", "internal_error")
        assert [event.what for event in scene.timeline].count(Topic.DEAD_LETTERS) == 1
        assert not scene.calls()

    play()


@played(weather=Weather(lost_after=0.3, lost_before=0.2))
async def test_lost_acknowledgements_cost_no_request_and_no_second_call(scene: Scene) -> None:
    await scene.start("w1")
    names = [f"r-{number}" for number in range(20)]
    for name in names:
        scene.publish(name, partition=random.randrange(2), deadline="2027-01-15T08:10:00Z")  # noqa: S311 - a test's dice
    await scene.answered(*names, within_s=600)
    await scene.until(lambda: scene.committed() + scene.committed(1) == 20, 600)
    assert len({call.key for call in scene.calls()}) == len(scene.calls()) == 20
    costs = {cost["event_id"]: cost["cost_nano_usd"] for cost in scene.messages(Topic.COSTS)}
    assert costs == {charge.key: charge.nano_usd for charge in scene.world.providers.invoice}
