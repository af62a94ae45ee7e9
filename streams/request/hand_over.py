"""Hands requests over to the batch lane, and lets their duplicates join.

Of one request first its waiting record is written, then the batch request, then what its budget holds for it; each is
acknowledged before the next, and only then the offset passes. After a crash in between the request comes again: its
waiting record is found, and the same decision is written again. Nobody plans anew, and whoever collects knows a request
by its identity.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog
from aiokafka.errors import MessageSizeTooLargeError

from router.batches.lane import NotWaiting, WhyLive, lane_of
from router.identity import Identity
from router.job import Job, Origin
from router.models.pool import ModelPool
from router.request.lane_entry import BatchLane, HandOver, LaneEntry, reservation_of
from router.request.steps import Wait
from router.retry import Chance
from schemas.budgets import BudgetReservation
from schemas.vocabulary import Lane, WaitingState
from schemas.waiting import Returned, Waiting
from streams.control.budget_client import BudgetClient
from streams.ops.metrics import Metrics
from streams.ports import Clock, Fence
from streams.publisher import Publisher
from streams.request.handling import Handling, waited
from streams.request.waiting_ids import Waits

log = structlog.get_logger()

StoredWaiting = Callable[[int, int], Awaitable[bytes | None]]
"""Reads the record at (partition, offset) of `llm.waiting.v1`, if it is still there."""


@dataclass(frozen=True, slots=True)
class HandOvers:
    """Every method returns when all that it publishes is acknowledged."""

    lane: BatchLane | None
    """None: no model has batches, or nobody collects them."""
    pool: ModelPool
    budget_client: BudgetClient
    publisher: Publisher
    fence: Fence
    stored: StoredWaiting
    metrics: Metrics
    clock: Clock
    chance: Chance
    max_live_deadline_s: float
    """The longest that a request is served by live calls."""

    async def entered(self, job: Job, handling: Handling, followed: int, *, begun: bool) -> Job | None:
        """Hand the request over, and return None, or return it as it is to be served by live calls.

        Args:
            job: the request.
            handling: how it is handled.
            followed: how far the index of the answer cache was followed when there was no answer in it.
            begun: whether calls were made for it.

        Raises:
            CancelledError: the request is given up; if its waiting record is written, it goes on from there.
        """
        if lane_of(job.request, job.tenant, self.pool.catalogue) is Lane.LIVE:
            return job
        why = await self._tried(job, handling, followed, begun=begun)
        if why is None:
            return None
        if why.reason is not None:
            self.metrics.went_live(why.reason)
        return replace(job, lane_note=why.why, deadline_s=self.live_deadline_s(job))

    def live_deadline_s(self, job: Job) -> float:
        """Return until when the request may hold its place: that of the batch lane may be days away."""
        return min(job.deadline_s, max(job.received_s, self.clock()) + self.max_live_deadline_s)

    async def _tried(self, job: Job, handling: Handling, followed: int, *, begun: bool) -> NotWaiting | None:
        if begun:
            return NotWaiting(WhyLive.BEGUN)
        if handling.delivery.value is None or handling.is_referenced:
            return NotWaiting(WhyLive.CONTENT, "its content is not in its record")
        entry = LaneEntry(job, self.lane, self.pool, self.chance, self.budget_client.of(job.tenant), followed)
        try:
            decided = entry.decide(self.clock())
            while isinstance(decided, Wait):
                await waited(decided, handling.slot, self.budget_client, self.clock)
                decided = entry.decide(self.clock())
            if isinstance(decided, NotWaiting):
                return decided
            handling.slot.leave()
            await self.fence.passed()
            entry.may_be_known = True
            return await self._hand_over(decided, job.identity, handling)
        except BaseException:
            entry.give_up(self.clock())
            raise

    async def _hand_over(self, decided: HandOver, identity: Identity, handling: Handling) -> NotWaiting | None:
        offset = await self.publisher.waiting(decided.waiting, self.fence.passed)
        handling.state.waiting.add(decided.waiting, offset)
        try:
            await self._written(decided.waiting, decided.reservation, handling)
        except MessageSizeTooLargeError:
            await self.publisher.waits_no_more(identity, decided.waiting.request_partition)
            handling.state.waiting.remove(identity)
            await handling.slot.take_again()
            return NotWaiting(WhyLive.CONTENT, "it is too large for the batch lane's topic")
        self.metrics.handed_over(decided.call)
        log.info("handed over to the batch lane", request_id=identity.request_id, record=str(handling.delivery.origin))
        return None

    async def _written(self, waiting: Waiting, reservation: BudgetReservation | None, handling: Handling) -> None:
        await self.fence.passed()
        await self.publisher.batch_request(waiting, handling.delivery)
        if reservation is not None and waiting.call is not None:
            await self.fence.passed()
            await self.publisher.budget_reservation(reservation, self.budget_client.drawn_by(waiting.call))

    async def joined(self, waits: Waits, handling: Handling) -> None:
        """Let a request that waits be published again; its record itself, coming again, is handed over again."""
        origin = handling.delivery.origin
        if waits.origin != origin.offset:
            self.metrics.joined()
            log.info("waits already", record=str(origin), waiting_record=waits.offset)
            return
        value = await self.stored(origin.partition, waits.offset)
        waiting = None if value is None else Waiting.decode(value)
        if waiting is None or waiting.state is not WaitingState.WAITING or waiting.call is None:
            return  # it came back meanwhile, so it was handed over
        reserved_usd = waiting.call.reserved_usd
        reservation = None if reserved_usd is None else reservation_of(waiting.call, reserved_usd)
        await self._written(waiting, reservation, handling)

    async def answered(self, identity: Identity, returned: Returned, handling: Handling) -> None:
        """Write down that a request which came back has its response."""
        found, origin = handling.state.answered.find(identity), handling.delivery.origin
        if found is None:
            raise AssertionError("a request that was brought to its end has no response")
        await self.fence.passed()
        await self.publisher.waiting(waits_no_more(identity, origin, found.offset), self.fence.passed)
        handling.state.waiting.remove(identity)
        self.metrics.came_back(returned.reason)


def waits_no_more(identity: Identity, origin: Origin, response_offset: int) -> Waiting:
    """Return what is written of a request that has waited and has its response."""
    return Waiting(
        state=WaitingState.ANSWERED,
        tenant=identity.tenant,
        request_id=identity.request_id,
        id_source=identity.source,
        authenticated=identity.authenticated,
        asked_sha256=identity.asked,
        request_topic=origin.topic,
        request_partition=origin.partition,
        request_offset=origin.offset,
        response_offset=response_offset,
    )


def came_back(job: Job, returned: Returned, waiting: Waiting | None) -> Job:
    """Return the job of a request that came back: its call in a batch is told, and billed by whoever collects."""
    detail = "" if returned.detail is None else f" ({returned.detail})"
    call = None if waiting is None else waiting.call
    return replace(
        job,
        lane_note=f"waited for a batch that did not answer: {returned.reason}{detail}",
        earlier=() if returned.attempt is None else (returned.attempt,),
        first_attempt=1 if call is None else call.attempt + 1,
    )
