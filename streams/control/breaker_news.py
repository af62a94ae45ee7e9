"""Publishes changes of this worker's breakers; nothing waits for it."""

import asyncio
from asyncio import Task

import structlog

from router.models.pool import ModelPool
from streams.publisher import Publisher

log = structlog.get_logger()


class BreakerNews:
    """Called whenever breakers may have changed."""

    def __init__(self, pool: ModelPool, publisher: Publisher) -> None:
        self._pool = pool
        self._publisher = publisher
        self._publishing: set[Task[int]] = set()

    def announce(self) -> None:
        """Log and publish each change since the last call, with what may be called instead."""
        for transition in self._pool.take_transitions():
            log.warning(
                "breaker changed",
                request_model=transition.model.name,
                from_state=transition.from_state,
                to_state=transition.to_state,
                reason=transition.reason,
            )
            alternatives = self._pool.alternatives(transition.model)
            publishing = asyncio.create_task(self._publisher.failover(transition, alternatives))
            self._publishing.add(publishing)
            publishing.add_done_callback(self._publishing.discard)
