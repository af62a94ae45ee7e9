"""What must hold after every scenario, whatever broke in it.

1. Every accepted request id has exactly one terminal response, and there are no others; what is no request has exactly
   one dead letter.
2. The bill is the invoice: metered calls to the nano-dollar; unknown ones are flagged, and billed with no less than
   they were charged. Against a provider in its unkind ways too, and there is no charge without an event.
3. No committed offset ever went back, or passed a record that was not finished at that moment. Where the scenario
   itself sets offsets, the workers' commits after it are measured anew.
4. No request has two answers that were paid for. Calls cut off by a crash are no more than the killed workers can have
   had in flight, and none if no worker was killed.
5. No more calls were under way at once than the workers may have.
6. What is left of the workers uses as much memory as before.
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypeAlias

import orjson
from aiokafka.structs import ConsumerRecord

from sandbox.reconcile import Reconciliation, UnkindVerdict
from schemas.costs import CostEvent
from schemas.dead_letters import OFFSET, PARTITION
from schemas.responses import Response
from schemas.vocabulary import AttemptOutcome
from streams.codec import replay_suffix
from tests.chaos.commits import Commit

Record: TypeAlias = ConsumerRecord[bytes | None, bytes | None]
NEVER_MS = 2**62
MOST_GROWTH_MB = 96.0
"""More than warm caches and a gone burst of requests leave behind."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All there is to know after a scenario."""

    accepted: Counter[str]
    """Every request id that was published, and how often."""
    unreadable: int
    """Records that were published and are no requests."""
    requests: list[Record]
    answers: list[Record]
    responses: list[Response]
    dead_letters: list[Record]
    costs: list[CostEvent]
    bill: Reconciliation | UnkindVerdict
    commits: list[Commit]
    more_answers: Counter[str]
    """How many answers ids are to have beside the first."""
    set_by_hand: tuple[tuple[int, int], ...]
    """When the scenario itself committed, from and to, in milliseconds; no worker ran then."""
    clock_error_ms: int
    exposed: int
    """Requests that killed workers may have had in flight."""
    most_in_flight: int
    allowed_in_flight: int
    growth_mb: float


@dataclass(slots=True)
class Findings:
    """The sentences that say what does not hold; none if all does."""

    sentences: list[str] = field(default_factory=list)

    def expect(self, holds: bool, sentence: str) -> None:  # noqa: FBT001 - it reads as an assertion
        """Take note unless it holds."""
        if not holds:
            self.sentences.append(sentence)


def check(evidence: Evidence) -> list[str]:
    """Return what does not hold."""
    findings = Findings()
    _answered_once(evidence, findings)
    _billed(evidence, findings)
    _committed_safely(evidence, findings)
    _paid_once(evidence, findings)
    allowed = evidence.allowed_in_flight
    findings.expect(evidence.most_in_flight <= allowed, f"{evidence.most_in_flight} calls at once, {allowed} allowed")
    findings.expect(evidence.growth_mb < MOST_GROWTH_MB, f"a worker grew by {evidence.growth_mb:.0f} MB")
    return findings.sentences


def _answered_once(evidence: Evidence, findings: Findings) -> None:
    answered = Counter(response.request_id for response in evidence.responses)
    wanted = {request_id: 1 + evidence.more_answers[request_id] for request_id in evidence.accepted}
    lost = [request_id for request_id, count in wanted.items() if answered[request_id] < count]
    twice = [request_id for request_id, count in answered.items() if count > wanted.get(request_id, 1)]
    foreign = answered.keys() - evidence.accepted.keys()
    findings.expect(not lost, f"{len(lost)} lost, e.g. {min(lost, default='')}")
    findings.expect(not twice, f"{len(twice)} answered twice, e.g. {min(twice, default='')}")
    findings.expect(not foreign, f"{len(foreign)} answers to nobody, e.g. {min(foreign, default='')}")
    places = {_place_of(letter) for letter in evidence.dead_letters}
    findings.expect(
        len(places) == evidence.unreadable,
        f"{evidence.unreadable} records were no requests, {len(places)} became dead letters",
    )


def _billed(evidence: Evidence, findings: Findings) -> None:
    bill = evidence.bill
    if isinstance(bill, UnkindVerdict):
        findings.expect(bill.holds, bill.sentence())
        return
    findings.expect(bill.bill_equals_invoice, bill.sentence())
    for name, apart in (("unknown", bill.unknown), ("estimated", bill.estimated)):
        sentence = f"calls of {name} cost are billed {apart.difference_usd} USD less than they were charged"
        findings.expect(apart.billed_nano_usd >= apart.charged_nano_usd or name == "estimated", sentence)


def _committed_safely(evidence: Evidence, findings: Findings) -> None:
    finished_ms = finished_at_ms(evidence)
    offsets = {partition: [offset for offset, _ in ends] for partition, ends in finished_ms.items()}
    latest = {partition: list(accumulate((end for _, end in ends), max)) for partition, ends in finished_ms.items()}
    reached: dict[int, int] = {}
    for commit in evidence.commits:
        if any(began_ms <= commit.at_ms <= ended_ms for began_ms, ended_ms in evidence.set_by_hand):
            reached[commit.partition] = 0  # from here on the workers' own commits start anew
            continue
        partition, before = commit.partition, reached.get(commit.partition, 0)
        findings.expect(commit.offset >= before, f"partition {partition} went back, {before} to {commit.offset}")
        reached[partition] = max(before, commit.offset)
        if (passed := bisect_left(offsets.get(partition, []), commit.offset)) > 0:
            findings.expect(
                latest[partition][passed - 1] <= commit.at_ms + evidence.clock_error_ms,
                f"a commit of {commit.offset} in partition {partition} passed an unfinished record",
            )


def finished_at_ms(evidence: Evidence) -> dict[int, list[tuple[int, int]]]:
    """Return, by partition of the requests, the offset of each record and when its outcome was sent."""
    by_id: dict[str, int] = {}
    for record, response in zip(evidence.answers, evidence.responses, strict=True):
        by_id[response.request_id] = min(record.timestamp, by_id.get(response.request_id, NEVER_MS))
    by_place = {_place_of(letter): letter.timestamp for letter in evidence.dead_letters}
    finished: dict[int, list[tuple[int, int]]] = {}
    for record in evidence.requests:
        request_id = request_id_of(record)
        end = by_place.get((record.partition, record.offset), by_id.get(request_id, NEVER_MS))
        finished.setdefault(record.partition, []).append((record.offset, end))
    return finished


def _paid_once(evidence: Evidence, findings: Findings) -> None:
    # shadows are asked the same besides, and a worker that is killed may have some more of them under way
    events = {event.event_id: event for event in evidence.costs if event.purpose is None}.values()
    answers = Counter(event.request_id for event in events if event.outcome is AttemptOutcome.SUCCEEDED)
    twice = [request_id for request_id, count in answers.items() if count > 1 + evidence.more_answers[request_id]]
    findings.expect(not twice, f"{len(twice)} paid twice, e.g. {min(twice, default='')}")
    cut_off = sum(event.outcome is AttemptOutcome.CUT_OFF for event in events)
    findings.expect(cut_off <= evidence.exposed, f"{cut_off} calls cut off, at most {evidence.exposed} expected")


def request_id_of(record: Record) -> str:
    """Return the id of a request as Turnout reads it, or the one that it gives."""
    place = f"{record.topic}-{record.partition}-{record.offset}"
    replay = replay_suffix(dict(record.headers))
    try:
        found = orjson.loads(record.value or b"")
    except orjson.JSONDecodeError:
        return place
    return str(found.get("request_id", place)) + replay if isinstance(found, dict) else place


def _place_of(letter: Record) -> tuple[int, int]:
    headers = dict(letter.headers)
    return int(headers[PARTITION]), int(headers[OFFSET])
