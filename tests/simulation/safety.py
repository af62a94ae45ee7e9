"""What must never happen, whatever goes wrong: `tests.simulation.checker` has the list."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from schemas.vocabulary import AttemptOutcome, Policy
from tests.simulation.evidence import Evidence, Json, place_of
from tests.simulation.history import BOTH, LETTER, History, Limits, Published, Written

LONGEST_CALL_S = 20.0
"""No worker waits longer for a call."""
TOLD_S = 60.0
"""After so long the accounts tell what was spent, whatever went wrong."""
ANSWERING = frozenset({"answer", "without_usage"})
"""What a provider sends is an answer."""
LOSING = frozenset({"lose", "kill", "cut", "freeze", "stop"})
"""After these a record is delivered again."""
NANO = 10**9


def answered_once(evidence: Evidence) -> Iterator[str]:
    for case, records in evidence.cases.items():
        answers, expects = evidence.answered.get(case, []), records[0].expects
        if expects == LETTER:
            if answers:
                yield f"{case} is no request and was answered"
        elif not answers:
            yield f"{case} was never answered"
        if sum(not _was_on_its_way(evidence.history, answer) for answer, _ in answers) > 1:
            moments = (
                f"{evidence.since_began_s(one.at_s)} by {one.writer} ({told['status']})" for one, told in answers
            )
            yield f"{case} was answered twice, at {', '.join(moments)}"
    for case in evidence.answered.keys() - evidence.cases.keys():
        yield f"{case} was answered, and never asked"


def answered_truly(evidence: Evidence) -> Iterator[str]:
    fate_of = {call.key: call.fate for call in evidence.history.called}
    answering: Counter[str] = Counter()
    charged = evidence.charged()
    for key, events in evidence.costs.items():
        in_batch = key in evidence.place_of_batch_call and charged[key] and events[0][1]["outcome"] == "succeeded"
        if fate_of.get(key) in ANSWERING or in_batch:
            answering[evidence.case_of.get(place_of(events[0][1]), "")] += 1
    for case, records in evidence.cases.items():
        for answer, message in evidence.answered.get(case, ()):
            if not _is_theirs(message, records[0]):
                at = evidence.since_began_s(answer.at_s)
                yield f"{case} of {records[0].tenant} was answered to {message['tenant']} at {at}"
            if message["status"] == "completed" and not answering[case] and not message.get("cached"):
                yield f"{case} was completed, and no provider has answered it"


def _is_theirs(message: Json, first: Published) -> bool:
    return first.tenant == "hostile" or message["tenant"] in {first.tenant, "unknown", "default"}


def _was_on_its_way(history: History, answer: Written) -> bool:
    """Say whether its worker's client may have had it under way when the link broke, or did not hear of its writing."""
    return any(
        trouble.whom == answer.writer
        and trouble.what in {"cut", "mend", "lose"}
        and trouble.from_s <= answer.at_s <= trouble.to_s + history.client_gives_up_s
        for trouble in history.troubles
    )


def buried_once(evidence: Evidence) -> Iterator[str]:
    may_repeat = any(trouble.what in LOSING for trouble in evidence.history.troubles)
    for place, count in evidence.letters.items():
        records = evidence.cases.get(evidence.case_of.get(place, ""), [])
        if not records or records[0].expects not in {LETTER, BOTH}:
            yield f"the request at {place} became a dead letter"
        if count > 1 and not may_repeat:
            yield f"the record at {place} has {count} dead letters"
    for case, records in evidence.cases.items():
        if records[0].expects in {LETTER, BOTH} and not evidence.letters[records[0].partition, records[0].offset]:
            yield f"{case} has no dead letter"


def billed(evidence: Evidence) -> Iterator[str]:
    charged = evidence.charged()
    for key in sorted(charged.keys() - evidence.costs.keys()):
        yield f"call {key} was charged {charged[key]} nano-dollars and has no cost event"
    for key, events in evidence.costs.items():
        certainties = sorted({event["certainty"] for _, event in events})
        prices = sorted({event["cost_nano_usd"] for _, event in events})
        if len(prices) > 1 and not _is_told_late(evidence, events):
            yield f"call {key} has {len(prices)} prices: {prices}, {certainties}"
        _, event = events[0]
        if event["certainty"] == "metered" and charged[key] != event["cost_nano_usd"]:
            yield f"call {key} is billed {event['cost_nano_usd']} and was charged {charged[key]}"
        if event["certainty"] == "unknown" and charged[key] > event["cost_nano_usd"]:
            yield f"call {key} of unknown cost is billed {event['cost_nano_usd']} and was charged {charged[key]}"
        is_in_batch = key in evidence.place_of_batch_call  # its line may be missing
        if event["outcome"] == "cut_off" and not evidence.troubles and not is_in_batch:
            yield f"call {key} was cut off, and nothing was done to any worker"


def _is_told_late(evidence: Evidence, events: Sequence[tuple[Written, Json]]) -> bool:
    """Say whether a call that was billed as cut off had an answer on its way, which the next owner has found."""
    is_unknown = any(event["certainty"] == "unknown" for _, event in events)
    answers = evidence.answered.get(evidence.case_of.get(place_of(events[0][1]), ""), ())
    return is_unknown and any(_was_on_its_way(evidence.history, answer) for answer, _ in answers)


def accounted(evidence: Evidence) -> Iterator[str]:
    """The last that is told of a tenant's day is the sum of its cost events, each counted once."""
    spent: Counter[tuple[str, str]] = Counter()
    last_s: dict[str, float] = {}
    for events in evidence.costs.values():
        record, event = events[0]
        spent[event["tenant"], event["occurred_at"][:10]] += event["cost_nano_usd"] or 0
        last_s[event["tenant"]] = max(last_s.get(event["tenant"], 0.0), record.at_s)
    for tenant, at_s in last_s.items():
        if (limits := evidence.history.tenants.get(tenant)) is None or limits.budget_nano_usd is None:
            continue
        if evidence.history.ended_s - at_s < TOLD_S:
            continue
        _, told = evidence.budgets.get(tenant, (None, {"windows": ()}))
        days = {one["window_start"][:10]: one["spent_usd"] for one in told["windows"] if one["window"] == "day"}
        day = max(days, default="")
        if (sum_of := spent[tenant, day]) != round(float(days.get(day, 0)) * NANO):
            yield f"the accounts tell {days.get(day)} dollars of {tenant}, and {sum_of} nano-dollars are billed"


def committed_safely(evidence: Evidence) -> Iterator[str]:
    latest = finished_by(evidence)
    before: dict[int, int] = {}
    for commit in evidence.history.committed:
        if commit.offset < before.get(commit.partition, 0):
            yield f"partition {commit.partition} went back from {before[commit.partition]} to {commit.offset}"
        before[commit.partition] = max(commit.offset, before.get(commit.partition, 0))
        if commit.offset and latest[commit.partition][commit.offset - 1] > commit.at_s:
            yield f"the commit of {commit.offset} in partition {commit.partition} passed an unfinished record"


def finished_by(evidence: Evidence) -> dict[int, list[float]]:
    """Return for each partition, by offset, when everything up to that record was finished."""
    finished: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for case, records in evidence.cases.items():
        answered_s = min((answer.at_s for answer, _ in evidence.answered.get(case, ())), default=float("inf"))
        for record in records:
            lettered_s = evidence.lettered_s.get((record.partition, record.offset), float("inf"))
            end_s = lettered_s if record.expects == LETTER else min(answered_s, evidence.waited_s(case, record))
            finished[record.partition].append((record.offset, end_s))
    latest: dict[int, list[float]] = {}
    for partition, ends in finished.items():
        reached, highest = [], 0.0
        for _, end_s in sorted(ends):
            highest = max(highest, end_s)
            reached.append(highest)
        latest[partition] = reached
    return latest


def _paid_for(response: Json) -> int:
    """Return how many answers of models a response may rest on: one, or in a cascade those that it tells.

    Without a policy its deadline had passed before it was planned anew, and the answers are of the worker before.
    """
    if response["policy"] not in (Policy.CASCADE, None):
        return 1
    return [attempt["outcome"] for attempt in response["attempts"]].count(AttemptOutcome.SUCCEEDED)


def paid_once(evidence: Evidence) -> Iterator[str]:
    for call in evidence.history.called:
        if evidence.ahead.get(call.key, float("inf")) > call.began_s:
            yield f"call {call.key} by {call.caller} was made before its write-ahead record"
    paid: Counter[str] = Counter()
    for events in evidence.costs.values():
        if events[0][1]["outcome"] == "succeeded" and not _is_late(evidence, events[0][1]):
            paid[evidence.case_of.get(place_of(events[0][1]), "")] += 1
    for case, count in paid.items():
        if count > sum(_paid_for(message) for _, message in evidence.answered.get(case, ())):
            yield f"{case} was paid for {count} times"
    for key, count in Counter(call.key for call in evidence.history.called).items():
        if count > 1:
            yield f"call {key} was made {count} times"


def _is_late(evidence: Evidence, event: Json) -> bool:
    """Say whether it is of an answer in a batch to a request that was handed to live calls before."""
    case = evidence.case_of.get(place_of(event), "")
    return event["event_id"] in evidence.place_of_batch_call and case in evidence.came_back


def batched(evidence: Evidence) -> Iterator[str]:
    """No batch is made twice, and no request's line is charged in two; what came back no batch answers."""
    for our_id, count in Counter(created.our_id for created in evidence.history.created).items():
        if count > 1:
            yield f"batch {our_id} was made {count} times"
    lines_of: Counter[str] = Counter()
    for events in evidence.costs.values():
        if events[0][1].get("upstream_call_id") and events[0][1].get("batch_id"):
            lines_of[evidence.case_of.get(place_of(events[0][1]), "")] += 1
    for case, count in lines_of.items():
        if count > 1:
            yield f"{case} has {count} calls in batches"
    for case, answers in evidence.answered.items():
        for answer, message in answers:
            if message.get("lane") == "batch" and evidence.came_back.get(case, answer.at_s) < answer.at_s:
                yield f"{case} was handed to live calls, and answered by a batch"


def freed(evidence: Evidence) -> Iterator[str]:
    """What a budget holds for a call in a batch is freed by its cost event, or because it was never charged."""
    for event_id, held in evidence.held.items():
        events = evidence.costs.get(event_id, ())
        if not events and event_id not in evidence.freed:
            yield f"{held['amount_usd']} USD are held for {event_id} for ever"
        if events and event_id in evidence.freed:
            yield f"{event_id} was told to be free of charge, and is billed"
        for _, event in events:
            if event.get("reserved_usd") != held["amount_usd"]:
                yield f"{event_id} holds {held['amount_usd']} USD, and its cost event frees {event.get('reserved_usd')}"
    for event_id, events in evidence.costs.items():
        if events[0][1].get("reserved_usd") and event_id not in evidence.held:
            yield f"{event_id} frees what was never held"


def bounded(evidence: Evidence) -> Iterator[str]:
    history = evidence.history
    by_worker: dict[str, list[tuple[float, float]]] = defaultdict(list)
    by_tenant: dict[str, list[tuple[float, float]]] = defaultdict(list)
    tenant_of = {key: events[0][1]["tenant"] for key, events in evidence.costs.items()}
    for call in history.called:
        time = call.began_s, min(call.ended_s, call.began_s + LONGEST_CALL_S)
        by_worker[call.caller].append(time)
        by_tenant[tenant_of.get(call.key, "")].append(time)
    for worker, times in by_worker.items():
        if (most := _most_at_once(times)) > history.max_in_flight:
            yield f"{worker} had {most} calls under way at once"
    charged: Counter[str] = Counter()
    for key, nano_usd in evidence.charged().items():
        charged[tenant_of.get(key, "")] += nano_usd
    for tenant, limits in history.tenants.items():
        if limits.budget_nano_usd is not None and not limits.is_shadow and charged[tenant] > limits.budget_nano_usd:
            yield f"{tenant} was charged {charged[tenant]} of {limits.budget_nano_usd} nano-dollars"
        if evidence.is_calm:
            yield from _within_limits(tenant, limits, by_tenant[tenant], len(by_worker))


def _within_limits(tenant: str, limits: Limits, times: Sequence[tuple[float, float]], workers: int) -> Iterator[str]:
    """Where nothing goes wrong the limits hold; each worker may have one at a time, and let one a minute in."""
    if limits.at_a_time is not None and (most := _most_at_once(times)) > max(limits.at_a_time, workers):
        yield f"{tenant} had {most} calls under way at once"
    if limits.per_minute is not None:
        most = _most_at_once([(began_s, began_s + 60.0) for began_s, _ in times])
        if most > limits.per_minute + workers:
            yield f"{tenant} had {most} calls in a minute"


def _most_at_once(times: Sequence[tuple[float, float]]) -> int:
    changes = sorted([(began_s, 1) for began_s, _ in times] + [(ended_s, -1) for _, ended_s in times])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def secret(evidence: Evidence) -> Iterator[str]:
    secrets = [one.encode() for one in evidence.history.secrets]
    for record in evidence.history.written:
        text = b"\n".join((record.key or b"", record.value or b"", *(value for _, value in record.headers)))
        if any(one in text for one in secrets):
            yield f"a key stands in {record.topic}, partition {record.partition}, offset {record.offset}"


RULES: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    answered_once,
    answered_truly,
    buried_once,
    billed,
    accounted,
    committed_safely,
    paid_once,
    batched,
    freed,
    bounded,
    secret,
)
