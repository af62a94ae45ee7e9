"""What must hold of the answer cache: `tests.simulation.checker` has the list."""

from collections.abc import Callable, Iterator
from datetime import datetime

from tests.simulation.evidence import Evidence, Json, place_of
from tests.simulation.history import Written

HEEDED_S = 2.0
"""Within so long workers heed what is to be forgotten, as `docs/cache.md` says."""
SAME = ("message", "finish_reason", "provider_name", "request_model", "response_model", "asked_sha256", "tenant")
"""What an answer from the cache has in common with the one that it is."""


def answered_by_the_same(evidence: Evidence) -> Iterator[str]:
    """An answer from the cache is that to the same question of the same tenant, a whole one, and young enough."""
    for case, record, message in _hits(evidence):
        asked, origin = evidence.cases[case][0], message["origin_request_id"]
        if asked.ttl_s is None or asked.question != _question(evidence, origin):
            yield f"{case} was answered from the cache with the answer to {origin}, and did not ask for that"
        answers = [one for _, one in evidence.answered.get(origin, ()) if not one.get("cached")]
        if not any(all(one[name] == message[name] for name in SAME) for one in answers):
            yield f"{case} of {message['tenant']} was answered with another answer than {origin} has"
            continue
        first = answers[0]
        if first["status"] != "completed" or first["finish_reason"] != "stop":
            yield f"{case} was answered with what is no whole answer to {origin}"
        age_s = _moment_s(message) - _moment_s(first)
        if asked.ttl_s is not None and age_s > asked.ttl_s:
            yield f"{case} was answered with an answer {age_s:.1f} s old, and takes one of {asked.ttl_s} s"
        events = (told[0][1] for told in evidence.costs.values())
        if any(place_of(event) == place_of(message) and not _is_of_a_batch(evidence, event) for event in events):
            yield f"{case} was answered from the cache by {record.writer}, and has a cost event"


def never_after_a_forget(evidence: Evidence) -> Iterator[str]:
    """What was asked for before it was to be forgotten is not used when that can be known, however late it came."""
    for case, record, message in _hits(evidence):
        called_s = evidence.called_s.get(message["origin_request_id"])
        for forgot in evidence.history.forgot:
            is_before = called_s is not None and called_s < forgot.at_s < record.at_s - HEEDED_S
            if forgot.tenant == message["tenant"] and is_before and not _was_in_trouble(evidence, record, forgot.at_s):
                yield f"{case} was answered with what was to be forgotten {record.at_s - forgot.at_s:.1f} s before"


def _is_of_a_batch(evidence: Evidence, event: Json) -> bool:
    """Say whether it is of the call in a batch that a request had waited for before it came back."""
    case = evidence.case_of.get(place_of(event), "")
    return event["event_id"] in evidence.place_of_batch_call and case in evidence.came_back


def _hits(evidence: Evidence) -> Iterator[tuple[str, Written, Json]]:
    for case, answers in evidence.answered.items():
        for record, message in answers:
            if message.get("cached"):
                yield case, record, message


def _question(evidence: Evidence, case: str) -> str | None:
    records = evidence.cases.get(case, ())
    return records[0].question if records else None


def _moment_s(message: Json) -> float:
    return datetime.fromisoformat(message["completed_at"]).timestamp()


def _was_in_trouble(evidence: Evidence, record: Written, since_s: float) -> bool:
    """Say whether its worker may not have heard."""
    return any(
        trouble.whom == record.writer and trouble.from_s <= record.at_s and trouble.to_s >= since_s
        for trouble in evidence.history.troubles
    )


RULES: tuple[Callable[[Evidence], Iterator[str]], ...] = (answered_by_the_same, never_after_a_forget)
