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
from typing import Protocol

import structlog
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from router.admission import Admission, Hold, Identified, Refuse
from router.dead_letters import DeadLetterLimit
from router.errors import Answer, UpstreamFailure
from router.fleet import Fleet
from router.history import refusal, settle_all
from router.job import Job
from router.retry import Chance
from router.session import Action, Answered, Call, Event, Failed, Finish, Session, Started, Wait, Woke
from schemas.costs import CallStarted, CostEvent
from schemas.dead_letters import DeadLetter
from schemas.requests import Request
from schemas.responses import ErrorDetail, Response
from schemas.vocabulary import ErrorCode, Status
from streams.codec import Unreadable, read_request, replay_suffix, trace_id, trace_of
from streams.delivery import Delivery
from streams.keys import presented_key, without_key
from streams.lane import Lane
from streams.publisher import Publisher, Trace
from streams.request_log import RequestLog

log = structlog.get_logger()


class Provider(Protocol):
    """Whoever makes the calls."""

    async def call(self, request: Request, call: Call, trace: Trace) -> Answer | UpstreamFailure:
        """Make one call. Raises nothing that the network may cause."""
        ...


@dataclass(frozen=True, slots=True)
class Intake:
    """What a request may ask for beside what its message says."""

    max_request_bytes: int
    default_deadline_s: float
    reply_to_allowed: frozenset[str]


@dataclass(slots=True)
class Handler:
    """Serves requests one by one, as many at a time as it is called."""

    intake: Intake
    fleet: Fleet
    admission: Admission
    provider: Provider
    publisher: Publisher
    dead_letter_limit: DeadLetterLimit
    request_log: RequestLog
    clock: Callable[[], float]
    chance: Chance
    _announcements: set[Task[int]] = field(default_factory=set)

    async def handle(self, delivery: Delivery, lane: Lane) -> None:
        """Bring one record to its end; when this returns, all its output is acknowledged.

        If it is cancelled before the outcome is being published, nothing is published and the record must not be
        acknowledged; from then on it ends in spite of a cancellation.

        Raises:
            TooManyDeadLetters: nothing more may be taken; the record must not be acknowledged.
        """
        received_s = self.clock()
        self.dead_letter_limit.take(received_s)
        trace = trace_of(dict(delivery.headers))
        reading = read_request(delivery.value, self.intake.max_request_bytes)
        if isinstance(reading, Unreadable):
            await self._refuse_unreadable(reading, delivery, lane, trace, received_s)
            return
        entry = self.admission.identify(reading, presented_key(delivery.headers), received_s)
        if isinstance(entry, Refuse):
            job = self._job(Identified(reading, None), delivery, trace, received_s)
            await self._once(
                job.request_id, lane, trace, lambda earlier: self._refuse(job, entry, delivery, lane, trace, earlier)
            )
            return
        job = self._job(entry, delivery, trace, received_s)
        await self._once(job.request_id, lane, trace, lambda earlier: self._serve(job, delivery, lane, trace, earlier))

    def _job(self, entry: Identified, delivery: Delivery, trace: Trace, received_s: float) -> Job:
        request = entry.request
        if request.deadline is None:
            deadline_s = delivery.timestamp_ms / 1000 + self.intake.default_deadline_s
        else:
            deadline_s = request.deadline.timestamp()
        replay = replay_suffix(dict(delivery.headers))
        request_id = (request.request_id or ("dead-letter" if replay else str(delivery.origin))) + replay
        return Job(request, request_id, delivery.origin, received_s, deadline_s, trace_id(trace), entry.tenant)

    async def _once(
        self, request_id: str, lane: Lane, trace: Trace, work: Callable[[tuple[CallStarted, ...]], Awaitable[None]]
    ) -> None:
        """Do the work unless it has been done; if it is being done, wait for that."""
        while (other_delivery := lane.running(request_id)) is not None:
            await other_delivery
        if lane.is_finished(request_id):
            calls, attempts = lane.unsettled(request_id)
            events = settle_all(calls, attempts)
            await _to_the_end(self._publish_costs(events, trace))
            return
        finished = False
        earlier = lane.start(request_id, asyncio.get_running_loop().create_future())
        try:
            await work(earlier)
            finished = True
        finally:
            lane.stop(request_id, finished=finished)

    async def _refuse_unreadable(
        self, reading: Unreadable, delivery: Delivery, lane: Lane, trace: Trace, received_s: float
    ) -> None:
        await _to_the_end(self._bury(delivery, reading.code, reading.reason, reading.request_id))
        if reading.request_id is None:
            return
        error = ErrorDetail(code=ErrorCode.INVALID_REQUEST, message=reading.reason, field=reading.field)
        response = refusal(reading.request_id, None, delivery.origin, error, received_s, self.clock())

        async def answer(_earlier: tuple[CallStarted, ...]) -> None:
            await _to_the_end(self._publish(Finish(response, ()), delivery, lane, trace, None))

        await self._once(reading.request_id, lane, trace, answer)

    async def _refuse(
        self, job: Job, refuse: Refuse, delivery: Delivery, lane: Lane, trace: Trace, earlier: tuple[CallStarted, ...]
    ) -> None:
        error = ErrorDetail(code=refuse.code, message=refuse.message, field=refuse.field)
        finish = Session(job, self.fleet, self.chance).refuse(error, self.clock(), earlier)
        await _to_the_end(self._publish(finish, delivery, lane, trace, None))

    async def _serve(
        self, job: Job, delivery: Delivery, lane: Lane, trace: Trace, earlier: tuple[CallStarted, ...]
    ) -> None:
        reply_to = job.request.reply_to
        if reply_to is not None and reply_to not in self.intake.reply_to_allowed:
            message = f"topic {reply_to!r} is not in TURNOUT_REPLY_TO_ALLOWED of this worker"
            error = ErrorDetail(code=ErrorCode.REPLY_TO_NOT_ALLOWED, message=message, field="reply_to")
            now_s = self.clock()
            response = refusal(job.request_id, job.request, job.origin, error, job.received_s, now_s)
            await _to_the_end(self._publish(Finish(response, ()), delivery, lane, trace, None))
            return
        if (refused := await self._admission_of(job)) is not None:
            await self._refuse(job, refused, delivery, lane, trace, earlier)
            return
        session = Session(job, self.fleet, self.chance)
        try:
            finish = await self._run(session, job.request, delivery, lane, trace, earlier)
        except asyncio.CancelledError:
            session.abandon()
            raise
        except Exception as problem:
            log.exception("a defect of Turnout: the request ends as failed", request_id=job.request_id)
            reason = f"{type(problem).__name__} in the worker; see its log"
            await _to_the_end(self._bury(delivery, ErrorCode.INTERNAL_ERROR, reason, job.request_id))
            finish = session.break_off(reason, self.clock())
        finally:
            self.admission.release(job.tenant)
        await _to_the_end(self._publish(finish, delivery, lane, trace, reply_to))

    async def _admission_of(self, job: Job) -> Refuse | None:
        entry = Identified(job.request, job.tenant)
        decision = self.admission.admit(entry, self.clock(), job.deadline_s)
        while isinstance(decision, Hold):
            await asyncio.sleep(decision.until_s - self.clock())
            decision = self.admission.admit(entry, self.clock(), job.deadline_s)
        return decision if isinstance(decision, Refuse) else None

    async def _run(
        self,
        session: Session,
        request: Request,
        delivery: Delivery,
        lane: Lane,
        trace: Trace,
        earlier: tuple[CallStarted, ...],
    ) -> Finish:
        action = self._tell(session, Started(self.clock(), earlier))
        while not isinstance(action, Finish):
            match action:
                case Call():
                    lane.call_written(await self.publisher.call_started(action.started, delivery, trace))
                    called_s = self.clock()
                    result = await self.provider.call(request, action, trace)
                    now_s = self.clock()
                    event: Event = (
                        Answered(now_s, result, now_s - called_s)
                        if isinstance(result, Answer)
                        else Failed(now_s, result, now_s - called_s)
                    )
                case Wait():
                    await asyncio.sleep(action.until_s - self.clock())
                    event = Woke(self.clock())
            action = self._tell(session, event)
        return action

    def _tell(self, session: Session, event: Event) -> Action:
        action = session.receive(event)
        self.announce()
        return action

    def announce(self) -> None:
        """Tell everybody which breakers have changed; nothing waits for it."""
        for transition in self.fleet.take_transitions():
            log.warning(
                "breaker changed",
                request_model=transition.model.name,
                from_state=transition.from_state,
                to_state=transition.to_state,
                reason=transition.reason,
            )
            alternatives = self.fleet.alternatives(transition.model)
            announcement = asyncio.create_task(self.publisher.failover(transition, alternatives))
            self._announcements.add(announcement)
            announcement.add_done_callback(self._announcements.discard)

    async def _publish(
        self, finish: Finish, delivery: Delivery, lane: Lane, trace: Trace, reply_to: str | None
    ) -> None:
        response = finish.response
        try:
            offset = await self.publisher.response(response, delivery, trace)
        except MessageSizeTooLargeError:
            response = _without_message(response)
            offset = await self.publisher.response(response, delivery, trace)
        lane.response_written(offset)
        if reply_to is not None:
            try:
                await self.publisher.reply(reply_to, response, delivery, trace)
            except KafkaError as error:
                # the answer itself is on its own topic: a missing copy is no reason to hold the partition
                log.warning("no copy sent", reply_to=reply_to, request_id=response.request_id, error=str(error))
        await self._publish_costs(finish.costs, trace)
        self.request_log.write(response)

    async def _publish_costs(self, events: tuple[CostEvent, ...], trace: Trace) -> None:
        for event in events:
            await self.publisher.cost(event, trace)

    async def _bury(self, delivery: Delivery, code: str, reason: str, request_id: str | None) -> None:
        self.dead_letter_limit.bury(self.clock(), f"{code}: {reason}")
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
        )
        await self.publisher.dead_letter(letter, delivery.key)
        log.warning("dead letter", code=code, reason=reason, record=str(origin))


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
