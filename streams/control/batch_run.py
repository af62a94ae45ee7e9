"""One batch from its forming to its end: makes the steps that `router.batches.stages` names, each stored before.

It is a task of its own, so that a slow batch holds up no other. While a step is under way the deadlines are watched:
whose time is up is handed to the live path at once, whatever the step does.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

import structlog
from aiokafka.errors import KafkaError

from router.batches.batch import (
    BatchCallFailed,
    BatchHandle,
    BatchQueue,
    BatchRefusal,
    BatchSearch,
    BatchState,
    BatchStatus,
)
from router.batches.durations import Durations, Ran
from router.batches.members import Members
from router.batches.polling import poll_s, retry_s
from router.batches.settling import may_lack_charged
from router.batches.stages import (
    Batch,
    Cancelled,
    Created,
    Ended,
    Event,
    Lost,
    NotThere,
    Refused,
    Released,
    Settled,
    Shortened,
    Stage,
    Step,
    Unknown,
    Uploaded,
    advanced,
    next_step,
    restarted,
    returning,
)
from router.errors import DISPOSITIONS, Next
from schemas.vocabulary import AttemptOutcome, ReturnReason
from streams.control.batch_handover import BatchHandover
from streams.control.batch_leftovers import queue_of
from streams.control.batch_lines import Lines, lines_of
from streams.control.batch_parts import BatchParts
from streams.control.batch_results import BatchResults
from streams.control.batch_returns import BatchReturns
from streams.control.batch_spool import NoRoomError, Spool
from streams.control.batch_term import BatchTerm, batch_row
from streams.control.owner_term import UnsureError

log = structlog.get_logger()

FIND_AFTER_S = 10.0
"""How long after a creation of unknown outcome it is looked for: providers list new batches late."""
SINCE_S = 300.0
"""As far as the provider's clock may be behind."""
MOST_SHORT_READS = 3
"""How often results are read again that have fewer answers than the provider has counted."""
GONE = frozenset({404, 410})
MOST_GONE = 3
"""How often in a row a provider has to say that it knows no such batch before that is believed."""
DEFECT_S = 30.0
NO_ROOM_S = 30.0
"""How long a batch waits for room on the disk before it looks again; deadlines are looked at as often meanwhile."""


class Owner(Protocol):
    """Who has the batches."""

    def durations_of(self, batch: Batch) -> Durations:
        """Return how long its model's batches took."""
        ...

    def others_of(self, batch: Batch) -> Sequence[Batch]:
        """Return the other batches of its provider, those that are settled among them."""
        ...

    async def releasing(self, batch: Batch, members: Members) -> None:
        """Store that requests may be read again from its first one on."""
        ...

    async def released(self, batch: Batch, members: Members, who: int, refusal: BatchRefusal) -> None:
        """Collect these anew."""
        ...

    async def settled(self, batch: Batch) -> None:
        """Take in that it is over."""
        ...


class BatchRun:
    """Brings one batch to its end."""

    def __init__(self, parts: BatchParts, term: BatchTerm, owner: Owner, batch: Batch, members: Members) -> None:
        self.batch = batch
        self.members = members
        self.publishing = 0
        self.term = term
        self._parts = parts
        self._owner = owner
        self._stored = batch
        self._results = BatchResults(parts, self)
        self._returns = BatchReturns(parts, term)
        self._handover = BatchHandover(parts, self, owner.durations_of)
        self._sent: Lines | None = None
        self._failures = self._gone = 0
        self._may_be_uploaded = batch.stage is Stage.UPLOADING

    async def run(self) -> None:
        """Go on until it is settled, or another worker has it."""
        try:
            while self.batch.stage is not Stage.SETTLED and not self.term.is_over:
                try:
                    await self._go_on()
                except UnsureError:
                    self._as_stored()
                    await self._parts.fence.passed(lambda: self.term.is_over)
                except KafkaError as error:
                    log.warning("a batch cannot go on for now", batch=self.batch.our_id, error=str(error))
                    self._as_stored()
                    await asyncio.sleep(retry_s(self._parts.polling, 1, None, self._parts.chance))
                except NoRoomError as error:
                    log.error("a batch waits for room on the disk", batch=self.batch.our_id, error=str(error))  # noqa: TRY400 - the text says what to do
                    self._as_stored()
                    await asyncio.sleep(NO_ROOM_S)
                except Exception:
                    log.exception("a defect of Turnout: the batch is tried again", batch=self.batch.our_id)
                    self._as_stored()
                    await asyncio.sleep(DEFECT_S)
        finally:
            self._forget_lines()

    async def store(self) -> None:
        """Store the batch as it is now.

        Raises:
            KafkaError: it is not known whether it was stored.
            UnsureError: another worker may have it.
        """
        batch = self.batch
        await self.term.put(batch_row(batch))
        self._stored = batch

    def _as_stored(self) -> None:
        """Go on from what is certainly stored, as after a restart."""
        self.batch = restarted(self._stored)
        self.publishing = 0

    async def _go_on(self) -> None:
        if self.batch.untold and (self.batch.stage is not Stage.READING or self.batch.reason is ReturnReason.LATE):
            await self._handover.tell(self.batch.untold, self.batch.reason or ReturnReason.LATE)
        step = next_step(self.batch)
        task = asyncio.ensure_future(self._make(step))
        try:
            while not task.done():
                await asyncio.wait([task], timeout=self._handover.due_in_s())
                await self._handover.hand_over_due()
                if not self.batch.waiting and step in (Step.UPLOAD, Step.POLL) and step is not next_step(self.batch):
                    return  # nobody waits for what this step leads to
            task.result()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task

    async def _make(self, step: Step) -> None:
        """Make one step, and store what has come of it; after a failure, pause."""
        steps = {
            Step.UPLOAD: self._upload,
            Step.FIND: self._find,
            Step.CREATE: self._create,
            Step.POLL: self._poll,
            Step.CANCEL: self._cancel,
            Step.READ: self._read,
            Step.SETTLE: self._settle,
        }
        try:
            await steps[step]()
        except BatchCallFailed as failed:
            await self._failed(step, failed)
        else:
            self._failures = self._gone = 0

    async def _advance(self, event: Event) -> None:
        before = self.batch.stage
        self.batch = advanced(self.batch, event)
        await self.store()
        if before is not self.batch.stage:
            log.info("batch", batch=self.batch.our_id, state=self.batch.stage, detail=self.batch.detail or None)

    async def _upload(self) -> None:
        queue = self._queue()
        if self._may_be_uploaded:  # by a worker before, or by a call of unknown outcome
            found = await self._parts.provider.find_upload(queue, self._search())
            self._may_be_uploaded = False
            if found is not None and self.batch.sent:
                await self._advance(Uploaded(found, self.batch.sent))
                return
        lines = await self._lines(self.batch.waiting, is_new=True)
        if known := lines.known & self.batch.waiting:
            self.batch = returning(self.batch, known, ReturnReason.CACHED)
            await self.store()
            await self._handover.tell(known, ReturnReason.CACHED)
        if not lines.who:
            if self.batch.waiting:
                await self._advance(Refused("none of its requests can be asked in a batch"))
            return
        self.batch = replace(self.batch, sent=lines.who, shared=lines.shared)
        await self.store()
        self.term.be_sure()
        file_id = await self._parts.provider.upload(queue, self.batch.our_id, lines.input)
        await self._advance(Uploaded(file_id, lines.who))

    async def _create(self) -> None:
        queue, batch = self._queue(), self.batch
        lines = await self._lines(batch.sent, is_new=False)
        self.term.be_sure()
        handle = await self._parts.provider.create(queue, batch.our_id, batch.file_id, lines.input)
        await self._advance(Created(handle, self._parts.clock()))
        self._forget_lines()

    async def _find(self) -> None:
        await asyncio.sleep(FIND_AFTER_S * (0.5 + self._parts.chance()))
        self.term.be_sure()
        handle = await self._parts.provider.find(self._queue(), self._search())
        if handle is not None and self._is_still_to_be_read(handle):
            now_s = self._parts.clock()
            await asyncio.sleep(poll_s(self._parts.polling, now_s - self.batch.formed_s, self._parts.chance))
            return  # its lines will say whether it is the other one's: until then this one is neither there nor not
        await self._advance(NotThere() if handle is None else Created(handle, self._parts.clock()))

    def _is_still_to_be_read(self, handle: BatchHandle) -> bool:
        """Say whether another of ours that was found to be this one has not read its lines yet."""
        others = self._owner.others_of(self.batch)
        return any(
            one.handle is not None and one.handle.batch_id == handle.batch_id and one.stage is not Stage.SETTLED
            for one in others
        )

    async def _poll(self) -> None:
        batch, now_s = self.batch, self._parts.clock()
        await asyncio.sleep(poll_s(self._parts.polling, now_s - (batch.created_s or now_s), self._parts.chance))
        status = await self._status()
        if not status.state.has_ended:
            return
        again = status.refusal in (BatchRefusal.TOO_LARGE, BatchRefusal.QUEUE_FULL)
        if status.state is BatchState.FAILED and again and status.refusal is not None and self.batch.waiting:
            await self._release(status.refusal, status.detail)
        await self._advance(Ended(status, self._parts.clock()))

    async def _status(self) -> BatchStatus:
        if self.batch.handle is None:
            raise AssertionError("a batch that runs has a handle")
        return await self._parts.provider.status(self._queue(), self.batch.handle)

    async def _cancel(self) -> None:
        if self.batch.handle is None:
            raise AssertionError("a batch that runs has a handle")
        self.term.be_sure()
        await self._parts.provider.cancel(self._queue(), self.batch.handle)
        await self._advance(Cancelled())

    async def _read(self) -> None:
        batch, may_lack, answerers = self.batch, True, 0
        with Spool(batch.count) as spool:
            if not batch.is_lost:
                status = await self._status()
                answerers = await self._results.spool(self._queue(), spool)
                answered = answerers.bit_count()
                expected = 0 if status.counts is None else status.counts.answered
                if answered < expected and batch.short_reads < MOST_SHORT_READS:
                    await self._advance(Shortened())
                    log.warning("results are short", batch=batch.our_id, answers=answered, expected=expected)
                    await asyncio.sleep(retry_s(self._parts.polling, batch.short_reads + 1, None, self._parts.chance))
                    return
                is_ours = self._is_ours(batch, spool)
                may_lack = may_lack_charged(batch.end, status, answered) or not is_ours
                if is_ours and batch.handle is not None:
                    left = dict.fromkeys((*batch.left, *status.holds))
                    handle = replace(batch.handle, is_certain=True)
                    self.batch = replace(self.batch, handle=handle, left=tuple(left))  # stored with the first results
            await self._results.publish(spool, answerers, may_lack=may_lack)
        await self._settle()

    @staticmethod
    def _is_ours(batch: Batch, spool: Spool) -> bool:
        """Say whether the batch that was found is the one; else ours may be charged where nobody looks."""
        is_certain = batch.handle is None or batch.handle.is_certain
        return is_certain or any(place in spool for place in range(batch.count))

    async def _settle(self) -> None:
        await self._returns.release_all(self.batch, self.members)
        await self._advance(Settled())
        batch = self.batch
        if batch.created_s is not None and batch.ended_s is not None and batch.stage is Stage.SETTLED:
            now_s = self._parts.clock()
            ran = Ran(now_s, batch.ended_s - batch.created_s, batch.was_late, max(0.0, now_s - batch.ended_s))
            self._owner.durations_of(batch).add(ran)
        await self._owner.settled(batch)

    async def _failed(self, step: Step, failed: BatchCallFailed) -> None:
        """Decide what becomes of a batch after a call that has failed, and pause."""
        failure, refusal = failed.failure, failed.refusal
        self._failures += 1
        log.warning(
            "a call about a batch has failed",
            batch=self.batch.our_id,
            step=step.name.lower(),
            failures=self._failures,
            category=failure.category,
            status=failure.status_code,
            detail=failure.detail,
        )
        if step in (Step.UPLOAD, Step.CREATE):
            if step is Step.CREATE and failed.may_have_happened:
                self.batch = advanced(self.batch, Unknown())
            elif refusal is BatchRefusal.TOO_LARGE and self.batch.waiting.bit_count() > 1:
                await self._release(refusal, failure.detail)
                return
            elif refusal in (BatchRefusal.TOO_LARGE, BatchRefusal.INVALID) or _is_final(failure.category):
                await self._advance(Refused(failure.detail))
                return
            self._may_be_uploaded = step is Step.UPLOAD and failed.may_have_happened
        elif failure.status_code in GONE and step in (Step.POLL, Step.READ):
            self._gone += 1
            if self._gone >= MOST_GONE:
                await self._advance(Lost(failure.detail, self._parts.clock()))
                return
        elif step is Step.CANCEL and failure.category is AttemptOutcome.INVALID_REQUEST:
            await self._advance(Cancelled())  # it has ended already
            return
        pause = retry_s(self._parts.polling, self._failures, failure.retry_after_s, self._parts.chance)
        await asyncio.sleep(pause)

    async def _release(self, refusal: BatchRefusal, detail: str) -> None:
        who = self.batch.waiting
        await self._owner.releasing(self.batch, self.members)
        await self._advance(Released(detail))
        await self._owner.released(self.batch, self.members, who, refusal)

    def _queue(self) -> BatchQueue:
        return queue_of(self._parts, self.batch)

    def _search(self) -> BatchSearch:
        batch = self.batch
        others = [one.handle for one in self._owner.others_of(batch) if one.handle is not None]
        return BatchSearch(
            our_id=batch.our_id,
            since_s=batch.formed_s - SINCE_S,
            requests=batch.sent.bit_count(),
            known=frozenset(one.batch_id for one in others if one.is_certain),
            claimed=frozenset(one.batch_id for one in others if not one.is_certain),
        )

    async def _lines(self, who: int, *, is_new: bool) -> Lines:
        """Return the lines of these, written to a file once."""
        if self._sent is None or who not in (self._sent.asked, self._sent.who):
            self._forget_lines()
            self._sent = await lines_of(self._parts, self._queue(), self.batch, self.members, who, is_new=is_new)
        return self._sent

    def _forget_lines(self) -> None:
        if self._sent is not None:
            self._sent.spool.close()
            self._sent = None


def _is_final(category: AttemptOutcome) -> bool:
    return (
        DISPOSITIONS[category].next in (Next.LEAVE_MODEL, Next.STOP) and category is not AttemptOutcome.AUTHENTICATION
    )
