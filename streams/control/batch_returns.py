"""Hands requests of a batch to the live path, and frees what budgets hold for calls that were not made."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from router.batches import settling
from router.batches.members import Members, places_in
from router.batches.stages import Batch, Stage
from schemas.budgets import BudgetReservation
from schemas.responses import Attempt
from schemas.vocabulary import ReturnReason, WaitingState
from schemas.waiting import Returned
from streams.batch_requests import BatchRequest, read_batch_request
from streams.control.batch_parts import BatchParts
from streams.control.batch_term import BatchTerm

AT_ONCE = 50
"""Requests that are handed over together."""


@dataclass(frozen=True, slots=True)
class BatchReturns:
    """Every method returns when what it writes is acknowledged, and raises `UnsureError` if it may not write."""

    parts: BatchParts
    term: BatchTerm

    async def hand_on(
        self, batch: Batch, request: BatchRequest, reason: ReturnReason, attempt: Attempt | None, detail: str | None
    ) -> None:
        """Hand a request to the live path. Twice is once: it is the state of its key."""
        returned = Returned(
            reason=reason,
            detail=detail or None,
            batch_id=batch.handle.batch_id if batch.handle else None,
            attempt=attempt,
            partition=request.place.partition,
            offset=request.place.offset,
        )
        waiting = request.waiting.model_copy(update={"state": WaitingState.RETURNED, "returned": returned})
        self.term.be_sure()
        await self.parts.publisher.waiting(waiting)

    async def release(self, request: BatchRequest) -> None:
        """Free what the tenant's budget holds for a call that was certainly not charged."""
        call = request.waiting.call
        if call is None or call.reserved_usd is None:
            return
        reservation = BudgetReservation(
            tenant=call.tenant,
            event_id=call.event_id,
            occurred_at_ms=call.occurred_at_ms,
            amount_usd=call.reserved_usd,
            is_released=True,
        )
        self.term.be_sure()
        await self.parts.publisher.budget_reservation(reservation)

    async def hand_on_all(self, batch: Batch, members: Members, who: int, reason: ReturnReason) -> None:
        """Hand these to the live path, with their calls as they stand."""
        is_sent = batch.stage not in (Stage.UPLOADING, Stage.CREATING) or batch.is_unsure
        detail = batch.detail or f"the batch is {batch.stage}"

        async def one(request: BatchRequest) -> None:
            call = request.waiting.call
            attempt, place = None, members.place_of(request.place.offset)
            if is_sent and call is not None and place is not None and batch.sent >> place & 1:
                attempt = settling.unfinished(call, detail, may_be_charged=True)
            await self.hand_on(batch, request, reason, attempt, detail)

        await self._for_each(batch, members, who, one)

    async def release_all(self, batch: Batch, members: Members) -> None:
        """Free what is held for those that were handed over of a batch that was never created."""
        if batch.handle is None and (who := batch.returned & ~batch.done):
            await self.release_these(batch, members, who)

    async def release_these(self, batch: Batch, members: Members, who: int) -> None:
        """Free what is held for these, whose calls were certainly not made."""
        await self._for_each(batch, members, who, self.release)

    async def _for_each(
        self, batch: Batch, members: Members, who: int, do: Callable[[BatchRequest], Awaitable[None]]
    ) -> None:
        offsets = [members.offsets[place] for place in places_in(who)]
        async with self.parts.records.at(batch.partition, offsets) as records:
            requests = (read_batch_request(record) async for record in records)
            async for some in _together(requests):
                await asyncio.gather(*map(do, some))


async def _together(requests: AsyncIterator[BatchRequest | None]) -> AsyncIterator[Sequence[BatchRequest]]:
    some: list[BatchRequest] = []
    async for request in requests:
        if request is not None:
            some.append(request)
        if len(some) >= AT_ONCE:
            yield some
            some = []
    yield some
