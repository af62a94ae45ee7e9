"""One request from its record to its acknowledged outcome.

The order, and why: the write-ahead record before the call, so that no charge goes unnoticed; the response before its
cost events (`streams.request.outcomes` says why); the offset comes last.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import ceil

import structlog

from router.dead_letters import DeadLetterLimit
from router.errors import Answer
from router.identity import Identity
from router.job import Job
from router.models.pool import ModelPool
from router.request.attempts import refusal
from router.request.joining import manner_of
from router.request.session import Action, Answered, Call, Event, Failed, Finish, Session, Started, Wait, Woke
from router.retry import Chance
from router.tenancy.admission import Admission, Defer, Identified, Refuse
from schemas.costs import CallStarted
from schemas.requests import Request
from schemas.responses import ErrorDetail
from schemas.vocabulary import ErrorCode, Status
from streams.codec import Delivery, Referenced, Unreadable, trace_id, trace_of
from streams.control.budget_client import BudgetClient
from streams.ports import Clock, Fence, Provider
from streams.publisher import Publisher
from streams.request.answer_cache import AnswerCache, CacheTurn
from streams.request.hand_over import HandOvers, came_back
from streams.request.handling import Handling, Slot, waited
from streams.request.joined_calls import JoinedCalls, Seat
from streams.request.outcomes import Outcomes, Written, dead_letter_of
from streams.request.partition_state import PartitionState
from streams.request.reader import ParsedRequest, RequestReader
from streams.request.references import References
from streams.request.shadow_calls import ShadowCalls

log = structlog.get_logger()

HAND_ON_S = 5.0
"""How long a request that is given up tries to hand on what is known of its calls, seconds; the broker may be away."""


@dataclass(frozen=True, slots=True)
class Handler:
    """Serves requests one by one, as many at a time as it is called."""

    request_reader: RequestReader
    references: References
    pool: ModelPool
    admission: Admission
    budget_client: BudgetClient
    provider: Provider
    joined_calls: JoinedCalls
    publisher: Publisher
    outcomes: Outcomes
    answer_cache: AnswerCache
    hand_overs: HandOvers
    dead_letter_limit: DeadLetterLimit
    announce: Callable[[], None]
    """Called after each decision: breakers may have changed."""
    fence: Fence
    clock: Clock
    chance: Chance
    shadow_calls: ShadowCalls | None = None
    """None: no request is asked of another model too."""

    def open(self, delivery: Delivery) -> ParsedRequest:
        """Read the record."""
        return self.request_reader.open(delivery, self.clock())

    async def handle(self, parsed: ParsedRequest, state: PartitionState, slot: Slot) -> None:
        """Bring one record to its end; when this returns, all its output is acknowledged.

        The slot is left while the request waits, and when nothing more is decided about it. If this is cancelled
        before the outcome is being published, nothing is published and the record must not be acknowledged; from then
        on it ends in spite of a cancellation.

        Raises:
            TooManyDeadLetters: nothing more may be taken; the record must not be acknowledged.
        """
        trace = trace_of(dict(parsed.delivery.headers))
        if parsed.returned is not None and parsed.identity is not None:
            handling = Handling(parsed.delivery, state, slot, trace, is_back=True)
            await self._handle(parsed, handling)
            await self.hand_overs.answered(parsed.identity, parsed.returned, handling)
            return
        self.dead_letter_limit.count(parsed.received_s, parsed.proven)
        handling = Handling(parsed.delivery, state, slot, trace, isinstance(parsed.reading, Referenced))
        if not isinstance(parsed.reading, Referenced):
            await self._handle(parsed, handling)
            return
        async with self.references.followed(parsed, parsed.reading, slot) as followed:
            await self._handle(followed, handling)

    async def _handle(self, parsed: ParsedRequest, handling: Handling) -> None:
        reading, entry, identity = parsed.reading, parsed.entry, parsed.identity
        if isinstance(reading, Unreadable):
            # judged before anything else is taken: what is merely waiting for its turn must not dilute the share
            reason = f"{reading.code}: {reading.reason}"
            self.dead_letter_limit.count_dead_letter(parsed.received_s, reason, parsed.proven)
            await self._refuse_unreadable(reading, parsed, handling)
            return
        if entry is None or identity is None or isinstance(reading, Referenced):
            raise AssertionError("a request that was read has no identity")
        if isinstance(entry, Refuse):
            job = self._job(Identified(reading, None), identity, handling, parsed)
            await self._once(identity, None, handling, lambda earlier: self._refuse(job, entry, handling, earlier))
            return
        job = self._job(entry, identity, handling, parsed)
        copy_to = self._copy_to(reading)
        await self._once(identity, copy_to, handling, lambda earlier: self._serve(job, parsed, handling, earlier))

    def _job(self, entry: Identified, identity: Identity, handling: Handling, parsed: ParsedRequest) -> Job:
        job = Job(
            request=entry.request,
            identity=identity,
            origin=handling.delivery.origin,
            received_s=parsed.received_s,
            deadline_s=parsed.deadline_s,
            trace_id=trace_id(handling.trace),
            tenant=entry.tenant,
            key=handling.delivery.key,
            written_at_ms=handling.delivery.timestamp_ms,
        )
        return job if parsed.returned is None else came_back(job, parsed.returned, parsed.waiting)

    def _copy_to(self, request: Request) -> str | None:
        return request.reply_to if request.reply_to in self.request_reader.reply_to_allowed else None

    async def _once(
        self,
        identity: Identity,
        copy_to: str | None,
        handling: Handling,
        work: Callable[[tuple[CallStarted, ...]], Awaitable[object]],
    ) -> None:
        """Do the work unless it has been done; if it is being done, wait for that.

        Where the id was another request's, that is the answer, and the id stays the other request's.
        """
        state, key = handling.state, identity.key
        while (other_delivery := state.running(key)) is not None:
            handling.slot.leave()
            await other_delivery
        found = state.answered.find(identity)
        if found is not None:
            handling.slot.leave()
            if found.is_the_same(identity.asked):
                await self.outcomes.again(identity, found.offset, copy_to, handling)
            else:
                await self._refuse_reuse(identity.refused(), handling)
            return
        waits = None if handling.is_back else state.waiting.find(identity)
        if waits is not None:
            handling.slot.leave()
            if waits.is_the_same(identity.asked):
                await self.hand_overs.joined(waits, handling)
            else:
                await self._refuse_reuse(identity.refused(), handling)
            return
        earlier = state.start(key, asyncio.get_running_loop().create_future())
        try:
            await work(earlier)
        finally:
            state.stop(key)
        if not handling.is_back:  # an earlier owner may have written late that it waits
            state.waiting.look_whether_overtaken(identity)

    async def _refuse_reuse(self, identity: Identity, handling: Handling) -> None:
        message = "request_id: was given to a request with another body before; give each request an id of its own"
        error = ErrorDetail(code=ErrorCode.ID_REUSED, message=message, field="request_id")
        now_s = self.clock()
        response = refusal(identity, None, handling.delivery.origin, error, now_s, now_s)
        await self._once(identity, None, handling, lambda _earlier: self._end(Finish(response, ()), handling, None))

    async def _refuse_unreadable(self, reading: Unreadable, parsed: ParsedRequest, handling: Handling) -> None:
        handling.slot.leave()
        await self.fence.passed()
        await self._dead_letter(parsed, reading.code, reading.reason, reading.request_id)
        if parsed.identity is None:
            return
        is_ours = reading.code == ErrorCode.INTERNAL_ERROR
        code = ErrorCode.INTERNAL_ERROR if is_ours else ErrorCode.INVALID_REQUEST
        error = ErrorDetail(code=code, message=reading.reason, field=reading.field)
        response = refusal(parsed.identity, None, handling.delivery.origin, error, parsed.received_s, self.clock())
        if is_ours:
            response = response.model_copy(update={"status": Status.FAILED})
        await self._once(
            parsed.identity, None, handling, lambda _earlier: self._end(Finish(response, ()), handling, None)
        )

    async def _refuse(self, job: Job, refuse: Refuse, handling: Handling, earlier: tuple[CallStarted, ...]) -> None:
        error = ErrorDetail(
            code=refuse.code,
            message=refuse.message,
            field=refuse.field,
            retry_after_ms=None if refuse.retry_after_s is None else ceil(refuse.retry_after_s * 1000),
        )
        await self._end(Session(job, self.pool, self.chance).refuse(error, self.clock(), earlier), handling, None)

    async def _serve(
        self, job: Job, parsed: ParsedRequest, handling: Handling, earlier: tuple[CallStarted, ...]
    ) -> None:
        reply_to = job.request.reply_to
        if reply_to is not None and self._copy_to(job.request) is None:
            message = f"topic {reply_to!r} is not in TURNOUT_REPLY_TO_ALLOWED of this worker"
            error = ErrorDetail(code=ErrorCode.REPLY_TO_NOT_ALLOWED, message=message, field="reply_to")
            response = refusal(job.identity, job.request, job.origin, error, job.received_s, self.clock())
            await self._end(Finish(response, ()), handling, None)
            return
        if not handling.is_back and (refused := await self._admission_of(job, handling)) is not None:
            await self._refuse(job, refused, handling, earlier)
            return
        with self.answer_cache.turn(job, begun=bool(earlier)) as turn:
            try:
                finish = await self._answered(job, parsed, handling, earlier, turn)
            finally:
                if not handling.is_back:
                    self.admission.release(job.tenant)
            if finish is not None:
                written = await self._end(finish, handling, reply_to)
                await turn.written(written)
                if self.shadow_calls is not None:
                    self.shadow_calls.offer(job, written, handling)

    async def _answered(
        self, job: Job, parsed: ParsedRequest, handling: Handling, earlier: tuple[CallStarted, ...], turn: CacheTurn
    ) -> Finish | None:
        """Answer from the cache, or have a model answer; None: the request waits for a batch now."""
        session = Session(job, self.pool, self.chance, self.budget_client.of(job.tenant))
        try:
            if (hit := await turn.hit(handling.slot)) is not None:
                return hit
            live: Job | None = job
            if not handling.is_back:
                live = await self.hand_overs.entered(job, handling, turn.followed, begun=bool(earlier))
            if live is None:
                return None
            if live is not job:
                session = Session(live, self.pool, self.chance, self.budget_client.of(job.tenant))
            return await self._run(session, live, handling, earlier)
        except asyncio.CancelledError:
            if await self._hand_on(session.abandon(self.clock()), handling):
                session.handed_on()
            raise
        except Exception as problem:
            if not handling.is_back and handling.state.waiting.find(job.identity) is not None:
                raise  # it is handed over at least in part, and will be answered: delivered again, it goes on there
            log.exception("a defect of Turnout: the request ends as failed", request_id=job.request_id)
            reason = f"{type(problem).__name__} in the worker; see its log"
            self.dead_letter_limit.count_dead_letter(
                self.clock(), f"{ErrorCode.INTERNAL_ERROR}: {reason}", parsed.proven
            )
            await self._dead_letter(parsed, ErrorCode.INTERNAL_ERROR, reason, job.request_id)
            return session.break_off(reason, self.clock())

    async def _admission_of(self, job: Job, handling: Handling) -> Refuse | None:
        entry, since_s = Identified(job.request, job.tenant), self.clock()
        deadline_s = self.hand_overs.live_deadline_s(job)
        decision = self.admission.admit(entry, since_s, deadline_s)
        while isinstance(decision, Defer):
            await self._wait(Wait(decision.until_s), handling)
            decision = self.admission.admit(entry, self.clock(), deadline_s, since_s)
        return decision if isinstance(decision, Refuse) else None

    async def _wait(self, wait: Wait, handling: Handling) -> None:
        await waited(wait, handling.slot, self.budget_client, self.clock)

    async def _run(self, session: Session, job: Job, handling: Handling, earlier: tuple[CallStarted, ...]) -> Finish:
        action = self._tell(session, Started(self.clock(), earlier))
        while not isinstance(action, Finish):
            match action:
                case Call():
                    event: Event = await self._call(session, action, job, handling)
                case Wait():
                    await self._wait(action, handling)
                    event = Woke(self.clock())
            action = self._tell(session, event)
        return action

    async def _call(self, session: Session, call: Call, job: Job, handling: Handling) -> Answered | Failed:
        if (manner := manner_of(job, call, self.clock())) is not None:
            try:
                seat = await self.joined_calls.seat(manner, job, call)
            except BaseException:
                session.call_off(is_written=False)
                raise
            if seat is not None:
                return await self._call_together(session, seat, handling)
        await self._write_ahead(session, call.started, handling)
        called_s = self.clock()
        result = await self.provider.call(call.repair or job.request, call, handling.trace)
        now_s = self.clock()
        if isinstance(result, Answer):
            return Answered(now_s, result, now_s - called_s)
        return Failed(now_s, result, now_s - called_s)

    async def _call_together(self, session: Session, seat: Seat, handling: Handling) -> Answered | Failed:
        try:
            await self._write_ahead(session, session.join(seat.call_id), handling)
            return await seat.called(handling.trace)
        finally:
            seat.leave()

    async def _write_ahead(self, session: Session, started: CallStarted, handling: Handling) -> None:
        is_written = False
        try:
            await self.fence.passed()
            is_written = True
            await self._write(started, handling)
            await self.fence.passed()  # the worker may have been frozen since, or the broker away
        except BaseException:
            session.call_off(is_written=is_written)
            raise

    async def _hand_on(self, ended: tuple[CallStarted, ...], handling: Handling) -> bool:
        """Write down what came of the calls of a request that is given up; say whether its next owner can know it.

        If not it counts them as cut off.
        """
        if handling.state.is_lost or not self.fence.is_open():
            return not ended
        try:
            async with asyncio.timeout(HAND_ON_S):
                for call in ended:
                    await self._write(call, handling)
        except TimeoutError:
            return False
        return True

    async def _write(self, call: CallStarted, handling: Handling) -> None:
        handling.state.call_written(await self.publisher.call_started(call, handling.delivery, handling.trace))

    def _tell(self, session: Session, event: Event) -> Action:
        action = session.receive(event)
        self.announce()
        return action

    async def _end(self, finish: Finish, handling: Handling, reply_to: str | None) -> Written:
        handling.slot.leave()
        try:
            return await self.outcomes.finish(finish, handling, reply_to)
        finally:
            self.budget_client.hand_over(finish.costs)  # those that were not told in the holder's name

    async def _dead_letter(self, parsed: ParsedRequest, code: str, reason: str, request_id: str | None) -> None:
        # readable or not, whose key it showed is told, so that it can be replayed without the key
        letter = dead_letter_of(parsed.delivery, code, reason, request_id, parsed.proven or None)
        await self.outcomes.dead_letter(parsed.delivery, letter)
