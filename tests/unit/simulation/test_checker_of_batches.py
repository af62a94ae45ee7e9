"""The checker finds what is wrong with what waited for batches: a real play, broken in one way at a time."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from schemas.vocabulary import Policy
from tests.simulation.checker import check
from tests.simulation.history import Committed, History, Written
from tests.simulation.play import planned, play

CALM, SECONDS = 23, 20.0
"""A seed in which nothing goes wrong, and batches take some seconds."""

Break = Callable[[History], object]


@cache
def _played() -> History:
    plan = planned(CALM, SECONDS)
    plan.policy = Policy.CHAIN
    return play(plan)


@pytest.fixture
def history() -> History:
    return deepcopy(_played())


def _message(record: Written) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(record.value or b"{}")
    return message


def _places(history: History, name: str, **fields: object) -> list[int]:
    """Return the places of the records of a topic whose fields are these."""
    topic = f"llm.{name}.v1"
    return [
        place
        for place, record in enumerate(history.written)
        if record.topic == topic and fields.items() <= _message(record).items()
    ]


def _by_batch(history: History) -> int:
    """Return the place of an answer of a batch."""
    return _places(history, "responses", lane="batch")[0]


def _change(history: History, place: int, **fields: object) -> None:
    record = history.written[place]
    history.written[place] = replace(record, value=json.dumps(_message(record) | fields).encode())


def _remove(history: History, name: str, **fields: object) -> None:
    gone = set(_places(history, name, **fields))
    history.written = [record for place, record in enumerate(history.written) if place not in gone]


def _of_a_batch(history: History) -> dict[str, Any]:
    """Return a cost event of a batch that frees what was held."""
    events = (_message(history.written[place]) for place in _places(history, "costs"))
    return next(event for event in events if event.get("batch_id") and event.get("reserved_usd"))


def test_in_a_calm_play_requests_wait_for_batches_and_nothing_is_wrong(history: History) -> None:
    assert check(history) == []
    assert len(_places(history, "responses", lane="batch")) > 1
    assert len(history.created) > 1
    assert not history.troubles


def _lose_an_answer(history: History) -> None:
    del history.written[_by_batch(history)]


def _answer_late(history: History) -> None:
    place = _by_batch(history)
    answer = _message(history.written[place])
    asked = next(
        one
        for one in history.published
        if (one.partition, one.offset) == (answer["request_partition"], answer["request_offset"])
    )
    history.written[place] = replace(history.written[place], at_s=asked.deadline_s + 0.5)


def _answer_without_a_line(history: History) -> None:
    batch_id = _message(history.written[_by_batch(history)])["batch_id"]
    events = [_message(history.written[place]) for place in _places(history, "costs", batch_id=batch_id)]
    lines = {event["upstream_call_id"] for event in events}
    history.charged = [one for one in history.charged if one.key not in lines]


def _charge_a_line_in_two_batches(history: History) -> None:
    charge = next(one for one in history.charged if one.key.startswith("turnout-"))
    history.charged.append(replace(charge, key=f"{charge.key}-again"))


def _make_a_batch_twice(history: History) -> None:
    history.created.append(history.created[0])


def _answer_what_came_back(history: History) -> None:
    answer = history.written[_by_batch(history)]
    place = {name: _message(answer)[name] for name in ("request_partition", "request_offset")}
    waiting = history.written[_places(history, "waiting", **place)[0]]
    value = json.dumps(_message(waiting) | {"state": "returned"}).encode()
    history.written.append(replace(waiting, at_s=answer.at_s - 0.1, value=value))


def _hold_for_ever(history: History) -> None:
    _remove(history, "costs", event_id=_of_a_batch(history)["event_id"])


def _free_what_is_billed(history: History) -> None:
    held = _places(history, "budget-reservations", event_id=_of_a_batch(history)["event_id"])[0]
    record = history.written[held]
    history.written.append(replace(record, value=json.dumps(_message(record) | {"is_released": True}).encode()))


def _free_another_amount(history: History) -> None:
    place = _places(history, "costs", event_id=_of_a_batch(history)["event_id"])[0]
    _change(history, place, reserved_usd="1")


def _free_what_was_not_held(history: History) -> None:
    _remove(history, "budget-reservations", event_id=_of_a_batch(history)["event_id"])


def _let_it_go_before_it_is_handed_over(history: History) -> None:
    place = _places(history, "waiting", state="waiting")[0]
    waiting = _message(history.written[place])
    partition, offset = waiting["request_partition"], waiting["request_offset"]
    at = next(i for i, one in enumerate(history.committed) if one.partition == partition and one.offset > offset)
    history.committed.insert(at, Committed(history.written[place].at_s, partition, offset + 1))


def _hold_an_offset(history: History) -> None:
    waiting = _message(history.written[_places(history, "waiting", state="waiting")[0]])
    partition, offset = waiting["request_partition"], waiting["request_offset"]
    history.committed = [one for one in history.committed if one.partition != partition or one.offset <= offset]


def _forget_that_it_is_answered(history: History) -> None:
    _remove(history, "waiting", state="answered")


def _leave_requests_waiting(history: History) -> None:
    _change(history, _places(history, "batch-lanes")[-1], waiting=3)


def _fail_for_no_reason(history: History) -> None:
    place = next(place for place in _places(history, "responses", lane="batch", tenant="steady"))
    _change(history, place, status="failed")


BREAKS: dict[Break, str] = {
    _lose_an_answer: "was never answered",
    _answer_late: "after its deadline",
    _answer_without_a_line: "no provider has answered it",
    _charge_a_line_in_two_batches: "has no cost event",
    _make_a_batch_twice: "was made 2 times",
    _answer_what_came_back: "was handed to live calls, and answered by a batch",
    _hold_for_ever: "for ever",
    _free_what_is_billed: "was told to be free of charge",
    _free_another_amount: "its cost event frees 1",
    _free_what_was_not_held: "frees what was never held",
    _let_it_go_before_it_is_handed_over: "passed an unfinished record",
    _hold_an_offset: "held its partition up",
    _forget_that_it_is_answered: "at the end",
    _leave_requests_waiting: "3 waiting and batches",
    _fail_for_no_reason: "waited, and was failed",
}


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.__name__.strip("_"))
def test_what_is_broken_is_found(history: History, broken: Break) -> None:
    broken(history)
    found = check(history)
    assert any(BREAKS[broken] in sentence for sentence in found), found
