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
        """Return what the providers charged for each call, in nano-dollars."""
        charged: Counter[str] = Counter()
        for charge in self.history.charged:
            charged[charge.key] += charge.nano_usd
        return charged

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
        match record.topic.removeprefix("llm.").removesuffix(".v1"):
            case "dead-letters":
                place = _place_of_letter(record)
                evidence.letters[place] += 1
                evidence.lettered_s.setdefault(place, record.at_s)
            case "responses":
                message = _json(record)
                case = evidence.case_of.get(place_of(message), f"the record at {place_of(message)}")
                evidence.answered[case].append((record, message))
            case "calls":
                message = _json(record)
                evidence.ahead.setdefault(message["event_id"], record.at_s)
                evidence.case_of_call[message["event_id"]] = evidence.case_of.get(place_of(message), "")
            case "costs":
                message = _json(record)
                evidence.costs[message["event_id"]].append((record, message))
            case "budgets" if record.value is not None:
                message = _json(record)
                evidence.budgets[message["tenant"]] = record, message
    for call in history.called:
        case = evidence.case_of_call.get(call.key, "")
        evidence.called_s[case] = min(evidence.called_s.get(case, call.began_s), call.began_s)
    return evidence


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
