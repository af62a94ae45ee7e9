"""The history of a play with its records read: what the checker's rules look at. It parses JSON itself."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.history import History, Published, Trouble, Written

Json = dict[str, Any]
Place = tuple[int, int]
"""Partition and offset in the requests topic."""


@dataclass(slots=True)
class Evidence:
    """What happened, by case, by call and by place."""

    history: History
    cases: dict[str, list[Published]] = field(default_factory=lambda: defaultdict(list))
    case_of: dict[Place, str] = field(default_factory=dict)
    case_of_call: dict[str, str] = field(default_factory=dict)
    """By event id, of what was written ahead."""
    answered: dict[str, list[tuple[Written, Json]]] = field(default_factory=lambda: defaultdict(list))
    """The answers of each case, in order."""
    ahead: dict[str, float] = field(default_factory=dict)
    """When the write-ahead record of a call was written first, by event id."""
    costs: dict[str, list[tuple[Written, Json]]] = field(default_factory=lambda: defaultdict(list))
    """The cost events of each call, by event id."""
    letters: Counter[Place] = field(default_factory=Counter)
    lettered_s: dict[Place, float] = field(default_factory=dict)
    waits: dict[str, Written] = field(default_factory=dict)
    """The record by which each case waited for a batch first."""
    handed_over: set[Place] = field(default_factory=set)
    """The records whose requests were let wait; later records of these cases join."""
    waits_since: dict[Place, float] = field(default_factory=dict)
    """When all was written that lets a request wait, by the place of the record that was handed over."""
    came_back: dict[str, float] = field(default_factory=dict)
    """When a case was first handed to live calls after all."""
    waits_last: dict[str, Json] = field(default_factory=dict)
    """The last record of each case that has waited."""
    place_of_batch_call: dict[str, Place] = field(default_factory=dict)
    """Of the record that was handed over, by the event id of its call in a batch."""
    held: dict[str, Json] = field(default_factory=dict)
    """What budgets hold for calls in batches, by event id."""
    freed: dict[str, Json] = field(default_factory=dict)
    """Which of these were never charged."""
    budgets: dict[str, tuple[Written, Json]] = field(default_factory=dict)
    """What was told last of each tenant's budget."""
    called_s: dict[str, float] = field(default_factory=dict)
    """When a case was called for first."""

    @property
    def troubles(self) -> list[Trouble]:
        """What was done to workers."""
        return [one for one in self.history.troubles if one.what != "spell"]

    @property
    def is_calm(self) -> bool:
        """Whether nothing was done to any worker or model."""
        return not self.history.troubles

    def charged(self) -> Counter[str]:
        """Return what the providers charged for each call, in nano-dollars: by event id, as far as there is one."""
        events = {
            event["upstream_call_id"]: key
            for key, told in self.costs.items()
            for _, event in told
            if event.get("upstream_call_id")
        }
        charged: Counter[str] = Counter()
        for charge in self.history.charged:
            charged[events.get(charge.key, charge.key)] += charge.nano_usd
        return charged

    def waited_s(self, case: str, record: Published) -> float:
        """Return when a record had let its request wait for a batch, or found that it does; never: infinity."""
        if (first := self.waits.get(case)) is None:
            return float("inf")
        place = record.partition, record.offset
        return self.waits_since.get(place, float("inf")) if place in self.handed_over else first.at_s

    def since_began_s(self, at_s: float) -> str:
        """Return a moment as people read it."""
        return f"{at_s - self.history.began_s:.2f} s"


def read(history: History) -> Evidence:
    """Read the records of a history."""
    evidence = Evidence(history)
    for published in history.published:
        evidence.case_of[published.partition, published.offset] = published.case
        evidence.cases[published.case].append(published)
    for record in history.written:
        if (take := _TAKES.get(record.topic.removeprefix("llm.").removesuffix(".v1"))) is not None:
            take(evidence, record)
    for call in history.called:
        case = evidence.case_of_call.get(call.key, "")
        evidence.called_s[case] = min(evidence.called_s.get(case, call.began_s), call.began_s)
    return evidence


def _dead_letter(evidence: Evidence, record: Written) -> None:
    place = _place_of_letter(record)
    evidence.letters[place] += 1
    evidence.lettered_s.setdefault(place, record.at_s)


def _response(evidence: Evidence, record: Written) -> None:
    message = _json(record)
    case = evidence.case_of.get(place_of(message), f"the record at {place_of(message)}")
    evidence.answered[case].append((record, message))


def _call(evidence: Evidence, record: Written) -> None:
    message = _json(record)
    evidence.ahead.setdefault(message["event_id"], record.at_s)
    evidence.case_of_call[message["event_id"]] = evidence.case_of.get(place_of(message), "")


def _cost(evidence: Evidence, record: Written) -> None:
    message = _json(record)
    evidence.costs[message["event_id"]].append((record, message))


def _budget(evidence: Evidence, record: Written) -> None:
    if record.value is not None:
        message = _json(record)
        evidence.budgets[message["tenant"]] = record, message


def _waiting(evidence: Evidence, record: Written) -> None:
    if record.value is None:
        return
    message = _json(record)
    place = place_of(message)
    case = evidence.case_of.get(place, f"the record at {place}")
    evidence.waits.setdefault(case, record)
    evidence.waits_last[case] = message
    if message["state"] == "waiting":
        event_id = message["call"]["event_id"]
        evidence.case_of_call[event_id] = case
        evidence.place_of_batch_call[event_id] = place
        evidence.handed_over.add(place)
    if message["state"] == "returned":
        evidence.came_back.setdefault(case, record.at_s)


def _batch_request(evidence: Evidence, record: Written) -> None:
    message = json.loads(dict(record.headers)["turnout-waiting"])
    if message["call"].get("reserved_usd") is None:  # else a reservation is written last
        evidence.waits_since.setdefault(place_of(message), record.at_s)


def _reservation(evidence: Evidence, record: Written) -> None:
    message = _json(record)
    event_id = message["event_id"]
    (evidence.freed if message["is_released"] else evidence.held)[event_id] = message
    if (place := evidence.place_of_batch_call.get(event_id)) is not None:
        evidence.waits_since.setdefault(place, record.at_s)


_TAKES = {
    "dead-letters": _dead_letter,
    "responses": _response,
    "calls": _call,
    "costs": _cost,
    "budgets": _budget,
    "waiting": _waiting,
    "batch-requests": _batch_request,
    "budget-reservations": _reservation,
}


def place_of(message: Json) -> Place:
    """Return which request a response, a call or a cost event is of."""
    return message["request_partition"], message["request_offset"]


def _json(record: Written) -> Json:
    message: Json = json.loads(record.value or b"{}")
    return message


def _place_of_letter(record: Written) -> Place:
    headers = {key: value.decode() for key, value in record.headers}
    partition = next(key for key in headers if key.endswith("partition"))
    return int(headers[partition]), int(headers[partition.replace("partition", "offset")])
