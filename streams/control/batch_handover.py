"""Hands requests of a batch that is under way to the live path: whose deadline is near, and who needs no line of it.

Who is handed over is stored before it is told. When the next deadline is near is known without a look at every request.
"""

import logging
from collections.abc import Callable

import structlog

from router.batches.durations import Durations, margin_s
from router.batches.stages import Batch, published, returning, returns_told
from schemas.vocabulary import ReturnReason
from streams.control.batch_parts import Batching, BatchParts
from streams.control.batch_returns import BatchReturns

log = structlog.get_logger()


class BatchHandover:
    """Watches the deadlines of one batch, and tells who is handed over.

    Its methods that write raise `KafkaError` if it is not known whether it was written, and `UnsureError` if another
    worker may have the batch.
    """

    def __init__(self, parts: BatchParts, batching: Batching, durations_of: Callable[[Batch], Durations]) -> None:
        self._parts = parts
        self._batching = batching
        self._durations_of = durations_of
        self._returns = BatchReturns(parts, batching.term)
        self._due_s = float(min(batching.members.deadlines))
        """No deadline of those that wait is before this."""

    def due_in_s(self) -> float | None:
        """Return in how many seconds somebody is to be handed over, or None if nobody waits."""
        if not self._batching.batch.waiting & ~self._batching.publishing:
            return None
        return max(0.0, self._due_s - self._margin_s() - self._parts.clock())

    async def hand_over_due(self) -> None:
        """Hand over whose deadline is near."""
        batching, by_s = self._batching, self._parts.clock() + self._margin_s()
        if self._due_s > by_s:
            return
        batch = batching.batch
        who = batching.members.due(batch.waiting & ~batching.publishing, by_s)
        batching.batch = returning(batch, who, ReturnReason.LATE)
        if who:
            await batching.store()
            await self.tell(who, ReturnReason.LATE)
        first_s = batching.members.first_deadline_s(batching.batch.waiting & ~batching.publishing)
        publishing_s = batching.members.first_deadline_s(batching.publishing)
        # what is being published is looked at again soon: it may not come to its end
        self._due_s = min(
            float("inf") if first_s is None else first_s,
            float("inf") if publishing_s is None else max(publishing_s, by_s + 1.0),
        )

    async def tell(self, who: int, reason: ReturnReason) -> None:
        """Hand these to the live path: their return is stored."""
        batching = self._batching
        batch = batching.batch
        await self._returns.hand_on_all(batch, batching.members, who, reason)
        batching.batch = returns_told(batching.batch, who)
        if reason is ReturnReason.CACHED:  # no call is made for them: nothing more is to be told of them
            await self._returns.release_these(batch, batching.members, who)
            batching.batch = published(batching.batch, who)
        await batching.store()
        log.log(
            logging.INFO if reason is ReturnReason.CACHED else logging.WARNING,
            "requests of a batch are handed to the live path",
            batch=batch.our_id,
            requests=who.bit_count(),
            reason=reason,
            detail=batch.detail or None,
        )

    def _margin_s(self) -> float:
        batch = self._batching.batch
        return margin_s(self._parts.deadlines, self._durations_of(batch), self._parts.clock())
