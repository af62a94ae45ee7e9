"""What must happen at last, and by when: `tests.simulation.checker` has the list."""

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator

from tests.simulation.evidence import Evidence, Json
from tests.simulation.history import LETTER, Limits
from tests.simulation.safety import finished_by

GRACE_S = 3.0
TROUBLE_S = 40.0
CALLED_S = 1.0
SILENCE_S = 30.0
COMMITTED_S = 2.5
BEFORE_S = 45.0
"""So long after a trouble its consequences may last."""
RESERVED_S = 51.0
"""The longest time of a call, and the margin after which its reservation is over by itself."""
LANE_RESERVED_S = 62.0
"""The same of a call in a batch, which the worker keeps until the ledger has it."""
HOLDER = "turnout-holder"
"""The header of a cost event that names who had reserved for its call."""
ROOM = 2.0
"""A tenant has room if so many times what it has spent and may be spending is inside its budget."""
ONE_CALL_NANO_USD = 20_000_000
"""More than any request here may cost."""


def in_time(evidence: Evidence) -> Iterator[str]:
    for case, records in evidence.cases.items():
        first = records[0]
        if first.expects == LETTER or case not in evidence.answered:
            continue
        answered_s = evidence.answered[case][0][0].at_s
        due_s = max(first.deadline_s, first.at_s) + GRACE_S
        for trouble in evidence.troubles:
            if trouble.from_s <= answered_s and trouble.to_s >= first.at_s - TROUBLE_S:
                due_s += TROUBLE_S + trouble.to_s - trouble.from_s
        if answered_s > due_s:
            yield f"{case} was answered {answered_s - first.deadline_s:.1f} s after its deadline"


def never_starved(evidence: Evidence) -> Iterator[str]:
    """One that asks for the answer cache is left out: an earlier answer may do, or another's call is waited for."""
    history = evidence.history
    spells = [(trouble.from_s, trouble.to_s + BEFORE_S) for trouble in history.troubles]
    spent: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for case, records in evidence.cases.items():
        for answer, message in evidence.answered.get(case, ())[:1]:
            spent[records[0].tenant].append((answer.at_s, int(float(message.get("cost_usd") or 0) * 1e9)))
    for case, records in evidence.cases.items():
        first, limits = records[0], history.tenants.get(records[0].tenant)
        if (
            first.ttl_s is not None
            or not first.is_plain
            or limits is None
            or limits.per_minute is not None
            or case not in evidence.answered
        ):
            continue
        answer, message = evidence.answered[case][0]
        if any(from_s <= answer.at_s and first.at_s <= to_s for from_s, to_s in spells):
            continue
        if not _has_room(limits, sum(cost for at_s, cost in spent[first.tenant] if at_s <= answer.at_s)):
            continue
        if case not in evidence.waits:
            yield from _called_for(evidence, case, first.at_s, message)
        if evidence.is_calm and message["status"] != "completed":
            yield f"{case} had room, all models are well, and it was {message['status']}: {message.get('error')}"


def _called_for(evidence: Evidence, case: str, at_s: float, message: Json) -> Iterator[str]:
    called_s = evidence.called_s.get(case)
    if called_s is None:
        yield f"{case} had room and was never called for: {message.get('error')}"
    elif called_s > at_s + CALLED_S:
        yield f"{case} had room and was called for only after {called_s - at_s:.2f} s"


def never_held_up(evidence: Evidence) -> Iterator[str]:
    """What waits for a batch holds up no offset: it is committed soon after all before it is finished or waits."""
    history = evidence.history
    if not evidence.is_calm:
        return
    latest = finished_by(evidence)
    reached: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for commit in history.committed:
        reached[commit.partition].append((commit.offset, commit.at_s))
    for case in evidence.waits:
        for record in evidence.cases.get(case, ()):
            finished_s = latest[record.partition][record.offset]
            passed = (at_s for offset, at_s in reached[record.partition] if offset > record.offset)
            passed_s = next(passed, float("inf"))
            if passed_s > finished_s + COMMITTED_S:
                yield f"{case} waits for a batch, and held its partition up for {passed_s - finished_s:.1f} s"


def waits_no_more(evidence: Evidence) -> Iterator[str]:
    """Each request that has waited is answered, and known to be; where nothing goes wrong in time, and by a model."""
    history = evidence.history
    for case, last in evidence.waits_last.items():
        if last["state"] != "answered":
            yield f"{case} is {last['state']} at the end"
        if not evidence.is_calm or case not in evidence.answered or case not in evidence.cases:
            continue
        answer, message = evidence.answered[case][0]
        limits = history.tenants[evidence.cases[case][0].tenant]
        is_free = limits.budget_nano_usd is None or limits.is_shadow
        if answer.at_s > evidence.cases[case][0].deadline_s:
            yield f"{case} waited until {answer.at_s - evidence.cases[case][0].deadline_s:.1f} s after its deadline"
        if is_free and message["status"] != "completed":
            yield f"{case} waited, and was {message['status']}: {message.get('error')}"
    told = {record.key: record for record in history.written if record.topic == "llm.batch-lanes.v1"}
    for record in told.values():
        lane = json.loads(record.value or b"{}")
        states = [batch["state"] for batch in lane["batches"] if batch["state"] != "settled"]
        if lane["waiting"] or states:
            yield f"the batch lane {record.key!r} has {lane['waiting']} waiting and batches {states} at the end"


def _has_room(limits: Limits, spent_nano_usd: int) -> bool:
    budget = limits.budget_nano_usd
    return budget is None or limits.is_shadow or ROOM * spent_nano_usd + ONE_CALL_NANO_USD <= budget


def told_again(evidence: Evidence) -> Iterator[str]:
    history, troubles = evidence.history, evidence.troubles
    for topic in ("llm.model-health.v1", "llm.tenant-shares.v1"):
        moments = sorted(record.at_s for record in history.written if record.topic == topic)
        for begin_s in (history.began_s, *(trouble.to_s for trouble in troubles)):
            end_s = begin_s + SILENCE_S
            is_disturbed = any(trouble.from_s < end_s and trouble.to_s > begin_s for trouble in troubles)
            if is_disturbed or end_s > history.ended_s:
                continue
            if bisect_left(moments, begin_s) == bisect_right(moments, end_s):
                yield f"{topic} was silent for {SILENCE_S} s from {evidence.since_began_s(begin_s)} on"


def left_clean(evidence: Evidence) -> Iterator[str]:
    for left in evidence.history.left:
        for key in left.reserved:
            if not _may_be_reserved(evidence, left.worker, key):
                yield f"{left.worker} has money reserved for call {key} at the end"
        if left.in_flight or left.waiting:
            yield f"{left.worker} has {left.in_flight} requests under way and {left.waiting} waiting at the end"
    yield from evidence.history.defects


def _may_be_reserved(evidence: Evidence, worker: str, key: str) -> bool:
    """Say whether another may have told the call's cost: its worker keeps the reservation until its time is over.

    It never heard the call's end, or has left the cost event to the request's next owner. That one names no holder, or
    itself, if it has made the call since the write-ahead record that this worker sent was lost on its way.
    """
    tried_s = evidence.history.tried_to_wait.get((worker, key))
    if tried_s is not None and key not in evidence.place_of_batch_call:  # that it waits was lost on its way
        return evidence.history.ended_s - tried_s <= LANE_RESERVED_S
    has_tried = (worker, key) in evidence.history.tried_ahead
    told = evidence.costs.get(key, ())
    answers = evidence.answered.get(evidence.case_of_call.get(key, ""), ())
    last_s = max([evidence.ahead.get(key, 0.0), *(answer.at_s for answer, _ in answers)])
    is_elsewhere = all(
        event["outcome"] == "cut_off" or _is_anothers(dict(record.headers).get(HOLDER), worker, has_tried=has_tried)
        for record, event in told
    )
    return is_elsewhere and evidence.history.ended_s - last_s <= RESERVED_S


def _is_anothers(holder: bytes | None, worker: str, *, has_tried: bool) -> bool:
    """Say whether a cost event is not of the worker that may have tried to make the call."""
    if holder is None:
        return True
    return has_tried and holder.decode().partition("@")[0] != worker.partition("@")[0]


RULES: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    in_time,
    never_starved,
    never_held_up,
    waits_no_more,
    told_again,
    left_clean,
)
