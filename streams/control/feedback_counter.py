"""The feedback counter: counts each score in the cell of the answer it is about, and the workers' counts of answers.

A feedback whose response is not there yet waits for `PATIENCE_S`; others go on meanwhile, and the cells know which
records before their last one still wait. One that is sent twice counts once, and one that is corrected replaces the
first. What does not count is told, with the reason.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import Counter

from router.quality.answers import KnownAnswer
from router.quality.cell import SHADOWS_JUDGE, THOUSAND, Source, pane_of
from router.quality.feedback import FeedbackResult, NotCounted, Proven
from router.quality.given import Given, digest_of
from router.quality.rules import FeedbackRules
from router.quality.table import Cell
from schemas.dead_letters import DeadLetter
from schemas.quality import QualityCounts
from schemas.shadow_answers import ShadowAnswer
from streams.codec import Delivery
from streams.control.answer_finder import AnswerFinder
from streams.control.quality_term import QualityTerm, Waiting
from streams.internal_records import read_internal
from streams.ports import Clock
from streams.publisher import Publisher

log = structlog.get_logger()

PATIENCE_S = 10.0
"""How long a feedback waits for its response, seconds: a source has mostly read the response that it judges."""
MOST_WAITING = 1000
"""Of one partition; beyond that the one that has waited longest waits no more."""
WAITING_EVERY_S = 1.0
"""How often to look whether the responses that are waited for are there."""
FEEDBACK = Counter(
    "turnout_feedback",
    "Feedback records that the worker has dealt with as the owner of the quality, by what became of them.",
    ("result",),
    registry=None,
)


@dataclass(frozen=True, slots=True)
class FeedbackCounter:
    """Counts what the owner has read, in its term."""

    publisher: Publisher
    clock: Clock
    finder: AnswerFinder
    read: Callable[[Delivery, float], Proven | NotCounted]
    dead_letter: Callable[[Delivery, NotCounted], DeadLetter]
    rules: FeedbackRules
    within_s: float
    """How long after its response a feedback counts."""

    async def count(self, term: QualityTerm) -> None:
        """Count what has been read, in its order, and what has waited and can be counted now.

        Raises:
            KafkaError: responses cannot be read; nothing of it is counted yet.
            UnsureError: another worker may be the owner; nothing of it is counted.
        """
        now_s = self.clock()
        others = {term.counts.topic, term.shadow_answers}
        feedback = [(one, self.read(one, now_s)) for one in term.inbox if one.origin.topic not in others]
        due = self._due(term, now_s)
        proven = [(one, reading) for one, reading in feedback if isinstance(reading, Proven)]
        answers = await self._answers(term, [*((one.delivery, one.proven) for one in due), *proven])
        told: list[tuple[Delivery, NotCounted]] = []
        results: Tally[FeedbackResult] = Tally()
        for one in due:
            found = answers[_place(one.delivery)]
            if found is not None or now_s >= one.until_s:
                del term.waiting[one.delivery.origin.partition][one.delivery.origin.offset]
                self._settle(term, one.delivery, one.proven, found or _unknown(one.proven), told, results)
        for delivery, reading in feedback:
            term.looked_at[delivery.origin.partition] = delivery.origin.offset
            if isinstance(reading, NotCounted):
                told.append((delivery, reading))
                continue
            found = answers[_place(delivery)]
            until_s = delivery.written_s(now_s) + PATIENCE_S
            if found is None and now_s < until_s:
                waiting = term.waiting.setdefault(delivery.origin.partition, {})
                waiting[delivery.origin.offset] = Waiting(delivery, reading, until_s)
                continue
            self._settle(term, delivery, reading, found or _unknown(reading), told, results)
        for delivery in term.inbox:
            if delivery.origin.topic == term.counts.topic:
                self._count_answers(term, delivery, now_s)
            elif delivery.origin.topic == term.shadow_answers and (
                result := self._count_verdict(term, delivery, now_s)
            ):
                results[result] += 1
        term.inbox.clear()
        for result, count in results.items():
            FEEDBACK.labels(result).inc(count)
        await self._tell_refused(told)

    def _due(self, term: QualityTerm, now_s: float) -> list[Waiting]:
        """Return what has waited and is to be looked at again: all of it, once a second."""
        if now_s - term.waited_s < WAITING_EVERY_S:
            return []
        term.waited_s = now_s
        due = []
        for waiting in term.waiting.values():
            impatient = max(0, len(waiting) - MOST_WAITING)
            due += [
                Waiting(one.delivery, one.proven, 0.0) if place < impatient else one
                for place, one in enumerate(waiting.values())
            ]
        return due

    async def _answers(
        self, term: QualityTerm, asked: Sequence[tuple[Delivery, Proven]]
    ) -> Mapping[tuple[int, int], KnownAnswer | NotCounted | None]:
        """Return the answer that each feedback is about, by the place of its record; None: it is not there yet."""
        found: dict[tuple[int, int], KnownAnswer | NotCounted | None] = {}
        partitions = sorted({delivery.origin.partition for delivery, _ in asked})
        for partition in partitions:
            own = [(one, proven.feedback, proven.tenant) for one, proven in asked if one.origin.partition == partition]
            offsets = [said.response_offset for _, said, _ in own if said.response_offset is not None]
            at = await self.finder.at(partition, offsets) if offsets else {}
            recent = await self.finder.recent(partition) if len(offsets) < len(own) else None
            term.be_owner()
            for delivery, said, tenant in own:
                place = _place(delivery)
                if said.response_offset is not None:
                    found[place] = _checked(said.response_offset, at, tenant, said.request_id)
                else:
                    found[place] = None if recent is None else recent.find(tenant, said.request_id)
        return found

    def _settle(
        self,
        term: QualityTerm,
        delivery: Delivery,
        proven: Proven,
        found: KnownAnswer | NotCounted,
        told: list[tuple[Delivery, NotCounted]],
        results: Tally[FeedbackResult],
    ) -> None:
        """Count one feedback, or note why not."""
        refused = found if isinstance(found, NotCounted) else self._refusal(delivery, proven, found)
        if refused is not None or isinstance(found, NotCounted):
            told.append((delivery, refused or _unknown(proven)))
            return
        partition, offset = delivery.origin.partition, delivery.origin.offset
        cell = term.cell(found.cell)
        if cell.has_counted(partition, offset):
            return
        feedback = proven.feedback
        source = Source(proven.tenant, feedback.kind, feedback.source)
        digest = digest_of(proven.tenant, feedback.request_id, source)
        thousandths = round(feedback.value * THOUSAND)
        before = term.given.find(partition, digest)
        if before is not None and before.offset > offset:  # it has waited, and was corrected meanwhile
            results[FeedbackResult.REPLACED] += 1
        elif before is not None and (before.thousandths, before.cell) == (thousandths, found.cell):
            results[FeedbackResult.REPEATED] += 1
        else:
            if before is not None:
                term.cell(before.cell).take_back(before.source, before.pane, before.thousandths)
                term.changed.add(before.cell)
            given = Given(
                offset, thousandths, pane_of(delivery.written_s(self.clock())), found.cell, cell.place_of(source)
            )
            cell.add(given.source, given.pane, thousandths)
            term.chunks.add(term.given.add(partition, digest, given))
            results[FeedbackResult.COUNTED if before is None else FeedbackResult.REPLACED] += 1
        cell.count_to(partition, offset, term.unsettled(cell, partition))
        term.changed.add(found.cell)

    def _refusal(self, delivery: Delivery, proven: Proven, found: KnownAnswer) -> NotCounted | None:
        """Return why a feedback on this answer does not count, if it does not."""
        feedback = proven.feedback
        late_s = delivery.written_s(self.clock()) - found.at_s
        if late_s > self.within_s:
            days = self.within_s / 86_400
            reason = f"it came {late_s / 86_400:.1f} days after the response, {days:g} are allowed"
            return NotCounted(FeedbackResult.LATE, f"{reason} (TURNOUT_FEEDBACK_WITHIN_S)")
        if self.rules.ignores(proven.tenant, feedback.source):
            return NotCounted(FeedbackResult.IGNORED, "the catalogue ignores its source")
        return None

    def _count_answers(self, term: QualityTerm, delivery: Delivery, now_s: float) -> None:
        topic = delivery.origin.topic
        counts = read_internal(QualityCounts, delivery.value, topic, now_s, lambda told: told.as_of)
        if counts is None:
            return
        cell = Cell(counts.request_model, counts.task, counts.difficulty)
        if term.cell(cell).count_answers(counts, delivery.origin.offset):
            term.changed.add(cell)

    def _count_verdict(self, term: QualityTerm, delivery: Delivery, now_s: float) -> FeedbackResult | None:
        """Count the scores that a judge gave to an answer and to its shadow's: two cells, and one record."""
        told = read_internal(ShadowAnswer, delivery.value, delivery.origin.topic, now_s, lambda one: one.completed_at)
        if told is None or told.verdict is None:
            return None
        if self.rules.ignores(SHADOWS_JUDGE.tenant, SHADOWS_JUDGE.name):
            return FeedbackResult.IGNORED
        number, offset = term.number(delivery.origin), delivery.origin.offset
        digest = digest_of(told.tenant, told.request_id, SHADOWS_JUDGE)
        before, result = term.given.find(number, digest), FeedbackResult.REPEATED
        pane = pane_of(delivery.written_s(self.clock()))
        for model, score in (
            (told.answered_by, told.verdict.answered_score),
            (told.request_model, told.verdict.shadow_score),
        ):
            place = Cell(model, told.task, told.difficulty, told.form)
            cell, thousandths = term.cell(place), round(score * THOUSAND)
            if cell.has_counted(number, offset):
                continue
            if before is None or before.offset == offset:
                source, result = cell.place_of(SHADOWS_JUDGE), FeedbackResult.COUNTED
                cell.add(source, pane, thousandths)
                if before is None:  # one of the two says that the record has been counted
                    given = Given(offset, thousandths, pane, place, source)
                    term.chunks.add(term.given.add(number, digest, given))
                    before = given
            cell.count_to(number, offset, ())
            term.changed.add(place)
        return result

    async def _tell_refused(self, told: Iterable[tuple[Delivery, NotCounted]]) -> None:
        """Count and log what was not counted, by reason with one example; what cannot be read is a dead letter."""
        by_result: dict[FeedbackResult, list[tuple[Delivery, NotCounted]]] = {}
        for delivery, refused in told:
            by_result.setdefault(refused.result, []).append((delivery, refused))
        for result, refusals in by_result.items():
            FEEDBACK.labels(result).inc(len(refusals))
            delivery, refused = refusals[0]
            log.warning(
                "feedback is not counted",
                result=result,
                records=len(refusals),
                record=str(delivery.origin),
                reason=refused.reason,
                request_id=refused.request_id,
            )
        for delivery, refused in by_result.get(FeedbackResult.UNREADABLE, ()):
            await self.publisher.dead_letter(self.dead_letter(delivery, refused))


def _checked(
    offset: int, at: Mapping[int, KnownAnswer | None], tenant: str, request_id: str
) -> KnownAnswer | NotCounted | None:
    """Return the answer at the offset, if it is the one that is meant; None if nothing lies there."""
    if offset not in at:
        return None
    found = at[offset]
    if found is None:
        reason = (
            f"the response at offset {offset} holds no answer of a model that can be judged; one from the cache is "
            "judged under its origin_request_id"
        )
        return NotCounted(FeedbackResult.NO_ANSWER, reason, request_id=request_id)
    if (found.tenant, found.request_id) != (tenant, request_id):
        reason = f"response_offset: at {offset} lies the response to another request; correct it or leave it out"
        return NotCounted(FeedbackResult.OTHER_RESPONSE, reason, request_id=request_id)
    return found


def _unknown(proven: Proven) -> NotCounted:
    if proven.feedback.response_offset is not None:
        reason = f"response_offset: nothing lies at {proven.feedback.response_offset} of the responses' partition"
    else:
        reason = (
            "no such request of the tenant was answered lately in the partition of this number; key the record as its "
            "request, and give `response_offset`, which a consumer of responses knows"
        )
    return NotCounted(FeedbackResult.UNKNOWN, reason, request_id=proven.feedback.request_id)


def _place(delivery: Delivery) -> tuple[int, int]:
    return delivery.origin.partition, delivery.origin.offset
