"""One request from its record to its acknowledged outcome.

The order, and why: the write-ahead record before the call, so that no charge goes unnoticed; the response before its
cost events, so that a crash in between leaves of a call either its response, from which the same cost event is made
again, or nothing, and then it is billed as unknown, but never two prices for one event id. The offset comes last.
"""

import asyncio
from asyncio import Task
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil
from typing import Protocol

import structlog
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from router.dead_letters import DeadLetterLimit
from router.errors import Answer, UpstreamFailure
from router.job import Job
from router.models.pool import ModelPool
from router.request.attempts import refusal, settle_all
from router.request.session import Action, Answered, Call, Event, Failed, Finish, Session, Started, Wait, Woke
from router.retry import Chance
from router.tenancy.admission import Admission, Defer, Identified, Refuse
from schemas.costs import CallStarted, CostEvent
from schemas.dead_letters import DeadLetter
from schemas.requests import Request
from schemas.responses import ErrorDetail, Response
from schemas.vocabulary import ErrorCode, Status
from streams.codec import Delivery, Unreadable, replay_suffix, trace_id, trace_of
from streams.control.budget_client import BudgetClient
from streams.kafka.fence import Fence
from streams.ops.metrics import Metrics
from streams.ops.request_log import RequestLog
from streams.publisher import Publisher, Trace
from streams.request.api_keys import without_key
from streams.request.partition_state import PartitionState
from streams.request.reader import ParsedRequest, RequestReader
from streams.request.replay_signature import ReplaySignature, presented

log = structlog.get_logger()


HAND_ON_S = 5.0
"""So long a request that is given up tries to hand on what is known of its calls; the broker may be away."""


class Provider(Protocol):
    """Whoever makes the calls."""

    async def call(self, request: Request, call: Call, trace: Trace) -> Answer | UpstreamFailure:
        """Make one call. Raises nothing that the network may cause."""
        ...


class Slot(Protocol):
    """A request's place among those in flight."""

    def leave(self) -> None:
        """Let somebody else have it."""
        ...

    async def take_again(self) -> None:
        """Wait for another one."""
        ...


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a request came from, and what it takes up."""

    delivery: Delivery
    state: PartitionState
    slot: Slot
    trace: Trace


Stored = Callable[[int, int], Awaitable[bytes | None]]
"""Reads back the response at (partition, offset) of the responses topic, if it is still there."""


@dataclass(slots=True)
class Handler:
    """Serves requests one by one, as many at a time as it is called."""

    request_reader: RequestReader
    pool: ModelPool
    admission: Admission
    replay_signature: ReplaySignature | None
    budget_client: BudgetClient
    provider: Provider
    publisher: Publisher
    dead_letter_limit: DeadLetterLimit
    fence: Fence
    stored: Stored
    request_log: RequestLog
    metrics: Metrics
    clock: Callable[[], float]
    chance: Chance
    duplicates: int = 0
    """Requests that were answered from what had already happened."""
    _announcements: set[Task[int]] = field(default_factory=set)

    def open(self, delivery: Delivery) -> ParsedRequest:
        """Read the record. Raises nothing."""
        return self.request_reader.open(delivery, self.clock())

    async def handle(self, parsed: ParsedRequest, state: PartitionState, slot: Slot) -> None:
        """Bring one record to its end; when this returns, all its output is acknowledged.

        The slot is left while the request waits, and when nothing more is decided about it. If this is cancelled
        before the outcome is being published, nothing is published and the record must not be acknowledged; from then
        on it ends in spite of a cancellation.

        Raises:
            TooManyDeadLetters: nothing more may be taken; the record must not be acknowledged.
        """
        self.dead_letter_limit.take(parsed.received_s)
        place = _Place(parsed.delivery, state, slot, trace_of(dict(parsed.delivery.headers)))
        reading = parsed.reading
        if isinstance(reading, Unreadable):
            # judged before anything else is taken: what is merely waiting for its turn must not dilute the share
            self.dead_letter_limit.count_dead_letter(parsed.received_s, f"{reading.code}: {reading.reason}")
            await self._refuse_unreadable(reading, place, parsed.received_s)
            return
        shown = presented(parsed.delivery, self.replay_signature, parsed.received_s)
        entry = self.admission.identify(reading, shown, parsed.received_s)
        if isinstance(entry, Refuse):
            job = self._job(Identified(reading, None), place, parsed)
            await self._once(job.request_id, None, place, lambda earlier: self._refuse(job, entry, place, earlier))
            return
        job = self._job(entry, place, parsed)
        await self._once(
            job.request_id, self._copy_to(reading), place, lambda earlier: self._serve(job, place, earlier)
        )

    def _job(self, entry: Identified, place: _Place, parsed: ParsedRequest) -> Job:
        request, origin = entry.request, place.delivery.origin
        replay = replay_suffix(dict(place.delivery.headers))
        return Job(
            request=request,
            request_id=(request.request_id or ("dead-letter" if replay else str(origin))) + replay,
            origin=origin,
            received_s=parsed.received_s,
            deadline_s=parsed.deadline_s,
            trace_id=trace_id(place.trace),
            tenant=entry.tenant,
        )

    def _copy_to(self, request: Request) -> str | None:
        return request.reply_to if request.reply_to in self.request_reader.reply_to_allowed else None

    async def _once(
        self,
        request_id: str,
        copy_to: str | None,
        place: _Place,
        work: Callable[[tuple[CallStarted, ...]], Awaitable[None]],
    ) -> None:
        """Do the work unless it has been done; if it is being done, wait for that."""
        state = place.state
        while (other_delivery := state.running(request_id)) is not None:
            place.slot.leave()
            await other_delivery
        offset = state.finished.find(request_id)
        if offset is not None:
            place.slot.leave()
            await _to_the_end(self._answer_again(request_id, offset, copy_to, place))
            return
        earlier = state.start(request_id, asyncio.get_running_loop().create_future())
        try:
            await work(earlier)
        finally:
            state.stop(request_id)

    async def _answer_again(self, request_id: str, offset: int, copy_to: str | None, place: _Place) -> None:
        """See to it that the bill is whole, and send a copy of the stored outcome to whoever asks for one."""
        calls, attempts = place.state.unsettled(request_id)
        await self._publish_costs(settle_all(calls, attempts), place.trace)
        self.duplicates += 1
        log.info("answered already", request_id=request_id, record=str(place.delivery.origin), response_offset=offset)
        if copy_to is None:
            return
        value = await self.stored(place.delivery.origin.partition, offset)
        if value is not None:
            await self._reply(copy_to, Response.decode(value), place)

    async def _refuse_unreadable(self, reading: Unreadable, place: _Place, received_s: float) -> None:
        place.slot.leave()
        await self.fence.passed()
        await _to_the_end(self._publish_dead_letter(place.delivery, reading.code, reading.reason, reading.request_id))
        if reading.request_id is None:
            return
        error = ErrorDetail(code=ErrorCode.INVALID_REQUEST, message=reading.reason, field=reading.field)
        response = refusal(reading.request_id, None, place.delivery.origin, error, received_s, self.clock())
        await self._once(reading.request_id, None, place, lambda _earlier: self._end(Finish(response, ()), place, None))

    async def _refuse(self, job: Job, refuse: Refuse, place: _Place, earlier: tuple[CallStarted, ...]) -> None:
        error = ErrorDetail(
            code=refuse.code,
            message=refuse.message,
            field=refuse.field,
            retry_after_ms=None if refuse.retry_after_s is None else ceil(refuse.retry_after_s * 1000),
        )
        await self._end(Session(job, self.pool, self.chance).refuse(error, self.clock(), earlier), place, None)

    async def _serve(self, job: Job, place: _Place, earlier: tuple[CallStarted, ...]) -> None:
        reply_to = job.request.reply_to
        if reply_to is not None and self._copy_to(job.request) is None:
            message = f"topic {reply_to!r} is not in TURNOUT_REPLY_TO_ALLOWED of this worker"
            error = ErrorDetail(code=ErrorCode.REPLY_TO_NOT_ALLOWED, message=message, field="reply_to")
            response = refusal(job.request_id, job.request, job.origin, error, job.received_s, self.clock())
            await self._end(Finish(response, ()), place, None)
            return
        if (refused := await self._admission_of(job, place)) is not None:
            await self._refuse(job, refused, place, earlier)
            return
        session = Session(job, self.pool, self.chance, self.budget_client.of(job.tenant))
        try:
            finish = await self._run(session, job.request, place, earlier)
        except asyncio.CancelledError:
            await self._hand_on(session.abandon(), place)
            raise
        except Exception as problem:
            log.exception("a defect of Turnout: the request ends as failed", request_id=job.request_id)
            reason = f"{type(problem).__name__} in the worker; see its log"
            self.dead_letter_limit.count_dead_letter(self.clock(), f"{ErrorCode.INTERNAL_ERROR}: {reason}")
            await _to_the_end(
                self._publish_dead_letter(place.delivery, ErrorCode.INTERNAL_ERROR, reason, job.request_id)
            )
            finish = session.break_off(reason, self.clock())
        finally:
            self.admission.release(job.tenant)
        await self._end(finish, place, reply_to)

    async def _admission_of(self, job: Job, place: _Place) -> Refuse | None:
        entry, since_s = Identified(job.request, job.tenant), self.clock()
        decision = self.admission.admit(entry, since_s, job.deadline_s)
        while isinstance(decision, Defer):
            await self._wait(decision.until_s, place)
            decision = self.admission.admit(entry, self.clock(), job.deadline_s, since_s)
        return decision if isinstance(decision, Refuse) else None

    async def _wait(self, until_s: float, place: _Place) -> None:
        """Sleep, and let another request have the slot meanwhile."""
        place.slot.leave()
        await asyncio.sleep(until_s - self.clock())
        await place.slot.take_again()

    async def _run(self, session: Session, request: Request, place: _Place, earlier: tuple[CallStarted, ...]) -> Finish:
        action = self._tell(session, Started(self.clock(), earlier))
        while not isinstance(action, Finish):
            match action:
                case Call():
                    await self.fence.passed()
                    written = await self.publisher.call_started(action.started, place.delivery, place.trace)
                    place.state.call_written(written)
                    called_s = self.clock()
                    result = await self.provider.call(request, action, place.trace)
                    now_s = self.clock()
                    event: Event = (
                        Answered(now_s, result, now_s - called_s)
                        if isinstance(result, Answer)
                        else Failed(now_s, result, now_s - called_s)
                    )
                case Wait():
                    await self._wait(action.until_s, place)
                    event = Woke(self.clock())
            action = self._tell(session, event)
        return action

    async def _hand_on(self, ended: tuple[CallStarted, ...], place: _Place) -> None:
        """Write down what came of the calls of a request that is given up, or its next owner counts them as cut off."""
        if place.state.is_lost or not self.fence.is_open():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(HAND_ON_S):
                for call in ended:
                    place.state.call_written(await self.publisher.call_started(call, place.delivery, place.trace))

    def _tell(self, session: Session, event: Event) -> Action:
        action = session.receive(event)
        self.announce()
        return action

    def announce(self) -> None:
        """Tell everybody which breakers have changed; nothing waits for it."""
        for transition in self.pool.take_transitions():
            log.warning(
                "breaker changed",
                request_model=transition.model.name,
                from_state=transition.from_state,
                to_state=transition.to_state,
                reason=transition.reason,
            )
            alternatives = self.pool.alternatives(transition.model)
            announcement = asyncio.create_task(self.publisher.failover(transition, alternatives))
            self._announcements.add(announcement)
            announcement.add_done_callback(self._announcements.discard)

    async def _end(self, finish: Finish, place: _Place, reply_to: str | None) -> None:
        place.slot.leave()
        await self.fence.passed()
        await _to_the_end(self._publish(finish, place, reply_to))

    async def _publish(self, finish: Finish, place: _Place, reply_to: str | None) -> None:
        response = finish.response

        async def still_ours() -> None:
            await self.fence.passed()
            if place.state.is_lost:  # whoever has the partition now answers, or has read what was written after all
                raise asyncio.CancelledError

        try:
            offset = await self.publisher.response(response, place.delivery, place.trace, still_ours)
        except MessageSizeTooLargeError:
            response = _without_message(response)
            offset = await self.publisher.response(response, place.delivery, place.trace, still_ours)
        place.state.response_written(response.request_id, offset, self.clock())
        if reply_to is not None:
            await self._reply(reply_to, response, place)
        await self._publish_costs(finish.costs, place.trace)
        self.request_log.write(response)
        self.metrics.ended(response)

    async def _reply(self, topic: str, response: Response, place: _Place) -> None:
        try:
            await self.publisher.reply(topic, response, place.delivery, place.trace)
        except KafkaError as error:
            # the answer itself is on its own topic: a missing copy is no reason to hold the partition
            log.warning("no copy sent", reply_to=topic, request_id=response.request_id, error=str(error))

    async def _publish_costs(self, events: tuple[CostEvent, ...], trace: Trace) -> None:
        for event in events:
            await self.publisher.cost(event, trace, self.budget_client.drawn_by(event))

    async def _publish_dead_letter(self, delivery: Delivery, code: str, reason: str, request_id: str | None) -> None:
        origin = delivery.origin
        letter = DeadLetter(
            value=delivery.value,
            headers=tuple(without_key(delivery.headers)),
            topic=origin.topic,
            partition=origin.partition,
            offset=origin.offset,
            timestamp_ms=delivery.timestamp_ms,
            code=code,
            reason=reason,
            request_id=request_id,
            tenant=self._proved_tenant(delivery),
        )
        await self.publisher.dead_letter(letter, delivery.key)
        log.warning("dead letter", code=code, reason=reason, record=str(origin))

    def _proved_tenant(self, delivery: Delivery) -> str | None:
        """Return whose key the record showed, readable or not, so that it can be replayed without the key."""
        if self.admission.is_open:
            return None
        now_s = self.clock()
        found = self.admission.tenant_of(presented(delivery, self.replay_signature, now_s), now_s)
        return None if isinstance(found, Refuse) else found.name


def _without_message(response: Response) -> Response:
    message = "the answer is larger than the responses topic takes; raise its max.message.bytes or lower max_tokens"
    error = ErrorDetail(code=ErrorCode.INTERNAL_ERROR, message=message)
    return response.model_copy(update={"status": Status.FAILED, "message": None, "error": error})


async def _to_the_end(work: Coroutine[None, None, None]) -> None:
    """Do the work whole, even if the caller is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    task.result()
