"""What runs beside the requests: a worker's part in everything that aggregates over all workers.

Every worker follows what is kept for all, and tells what it sees. Keeping it (`streams.control.keepers`) has a consumer
group of its own: a full pump, or one that drains for half a minute, must not delay health.
"""

import asyncio
from asyncio import Task
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from schemas.topics import Topic
from streams.control.cache_follower import CacheFollower
from streams.control.keepers import ControlParts, Keepers, Work
from streams.control.late_batches import follow_late_batches
from streams.control.reporting import Follower, Reporter
from streams.control.shadow_mode import Shadow


class Control:
    """Follows the other workers and reports to them; keeps for all of them what its group assigns to it."""

    def __init__(self, parts: ControlParts) -> None:
        self._parts = parts
        pool, limiters = parts.pool, parts.admission.limiters
        self._follower = Follower(pool, limiters, parts.settings.topic, parts.clock)
        self._reporter = Reporter(pool, limiters, parts.publisher, parts.clock, parts.announce, parts.flaws)
        self._keepers = Keepers(parts, self._follower) if parts.settings.control else None
        self._tasks: list[Task[None]] = []

    def roles(self) -> Mapping[str, bool]:
        """Return what this process may keep for all, and whether it does."""
        return {} if self._keepers is None else self._keepers.roles()

    async def shares(self) -> None:
        """Wait until this worker knows its shares of the limits."""
        await self._follower.shares()

    async def broken(self) -> None:
        """Wait until something here cannot go on.

        Raises:
            Exception: what it was.
        """
        keeping = [] if self._keepers is None else [asyncio.ensure_future(self._keepers.broken())]
        try:
            done, _ = await asyncio.wait([*keeping, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in keeping:
                task.cancel()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run while the context is open; then say goodbye to the other workers."""
        parts = self._parts
        async with AsyncExitStack() as stack:
            following = await stack.enter_async_context(parts.log.reader())
            works: list[Work] = [self._follower.run(following)]
            cached = await stack.enter_async_context(parts.log.reader())
            works.append(CacheFollower(parts.kept_answers.index, parts.settings.topic, parts.clock).run(cached))
            if parts.pool.catalogue.payers:
                works.append(Shadow(parts.admission, parts.budget_client).log())
            if parts.budget_client:
                budgets = await stack.enter_async_context(parts.log.reader())
                works.append(parts.budget_client.claim(parts.publisher))
                works.append(parts.budget_client.follow(budgets, parts.settings.topic(Topic.BUDGETS)))
            if parts.has_lane:
                lanes, topic = await stack.enter_async_context(parts.log.reader()), Topic.BATCH_LANES
                works.append(follow_late_batches(parts.late_batches, lanes, parts.settings.topic(topic), parts.clock))
            reporting = asyncio.create_task(self._reporter.run())
            self._tasks = [*(asyncio.create_task(work) for work in works), reporting]
            try:
                async with self._kept():
                    try:
                        yield
                    finally:
                        reporting.cancel()
                        await self._reporter.leave()
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    @asynccontextmanager
    async def _kept(self) -> AsyncIterator[None]:
        """Keep meanwhile what is assigned, where this process is one that does."""
        if self._keepers is None:
            yield
            return
        async with self._keepers.running():
            yield
