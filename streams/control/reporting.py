"""A worker's two ends of what all share, health, limits and quality: it tells the others what it sees, and follows."""

import asyncio
from collections.abc import Callable, Iterable

import structlog
from aiokafka.errors import KafkaError

from router.models.pool import ModelPool
from router.quality.flaws import FlawCounter
from router.tenancy.limiter import TenantLimiters
from schemas.health import ModelHealth, ModelStats
from schemas.quality import ModelQuality
from schemas.tenant_shares import TenantShares, WorkerDemand
from schemas.topics import Topic
from streams.control.following import changes
from streams.internal_records import read_internal
from streams.ports import Clock, LogReader
from streams.publisher import Publisher

log = structlog.get_logger()

REPORT_LOOK_S = 0.1
"""How often to look whether there is something to tell; `router.models.stats` decides."""
FLAWS_EVERY_S = 5.0
"""How often the flaws of answers are told; a worker that is killed takes what it has not told with it."""
SHARE_TIMEOUT_S = 5.0
"""How long a starting worker waits for its shares of the limits, seconds; then it begins with its joining share."""


class Reporter:
    """Publishes the pool's reports as they become due, and changes that no request of this worker brought about."""

    def __init__(
        self,
        pool: ModelPool,
        limiters: TenantLimiters,
        publisher: Publisher,
        clock: Clock,
        announce: Callable[[], None],
        flaws: FlawCounter,
    ) -> None:
        self._announce = announce
        self._flaws = flaws
        self._flaws_s = clock()
        self._pool = pool
        self._limiters = limiters
        self._publisher = publisher
        self._clock = clock

    async def run(self) -> None:
        """Report for ever."""
        while True:
            self._announce()
            now_s = self._clock()
            try:
                await self._publish(self._pool.take_reports(now_s), self._limiters.take_report(now_s))
                if now_s - self._flaws_s >= FLAWS_EVERY_S:
                    self._flaws_s = now_s
                    await self._publish_flaws(now_s)
            except KafkaError as error:
                log.warning("a report to the other workers is lost", error=str(error))
            await asyncio.sleep(REPORT_LOOK_S)

    async def _publish(self, reports: Iterable[ModelStats], demand: WorkerDemand | None) -> None:
        if demand is not None:
            await self._publisher.tenant_demand(demand)
        for stats in reports:
            await self._publisher.model_stats(stats)

    async def _publish_flaws(self, now_s: float) -> None:
        await asyncio.gather(*map(self._publisher.quality_counts, self._flaws.take(now_s)))

    async def leave(self) -> None:
        """Tell the last of it, so that nothing is kept for this worker any more."""
        try:
            async with asyncio.timeout(SHARE_TIMEOUT_S):
                now_s = self._clock()
                await self._publish_flaws(now_s)
                await self._publish(self._pool.leave(now_s), self._limiters.leave(now_s))
        except (KafkaError, TimeoutError) as error:
            log.warning("could not say goodbye to the other workers", error=str(error))


class Follower:
    """Follows the models' health and quality and the shares of the tenants' limits, without a group."""

    def __init__(
        self,
        pool: ModelPool,
        limiters: TenantLimiters,
        topic_name: Callable[[Topic], str],
        clock: Clock,
    ) -> None:
        self.latest: dict[str, ModelHealth] = {}
        """The last health of each model, however old."""
        self.latest_shares: dict[str, TenantShares] = {}
        """The last shares of each tenant's limits, however old."""
        self._pool = pool
        self._limiters = limiters
        self._health_topic, self._shares_topic = topic_name(Topic.MODEL_HEALTH), topic_name(Topic.TENANT_SHARES)
        self._quality_topic = topic_name(Topic.MODEL_QUALITY)
        self._clock = clock
        self._caught_up = asyncio.Event()
        self._has_shares = asyncio.Event()

    async def run(self, reader: LogReader) -> None:
        """Follow for ever."""
        limits = (self._shares_topic,) if self._limiters else ()
        async for batch in changes(reader, self._health_topic, self._quality_topic, *limits):
            for topic, value in batch:
                self._take(topic, value)
            if not batch:
                self._caught_up.set()
            if not self._caught_up.is_set():
                continue
            if self._pool.has_shares(self._clock()) and self._limiters.has_shares(self._clock()):
                self._has_shares.set()

    async def caught_up(self) -> None:
        """Wait until what stood on the topics has been read."""
        await self._caught_up.wait()

    async def shares(self) -> None:
        """Wait until this worker knows its shares and what stood on the topics, or for `SHARE_TIMEOUT_S` once."""
        try:
            async with asyncio.timeout(SHARE_TIMEOUT_S):
                await self._has_shares.wait()
        except TimeoutError:
            log.warning("no share of the limits has come; starting with the joining share", waited_s=SHARE_TIMEOUT_S)
            self._has_shares.set()

    def _take(self, topic: str, value: bytes) -> None:
        now_s = self._clock()
        if topic == self._shares_topic:
            shares = read_internal(TenantShares, value, topic, now_s, lambda told: told.as_of)
            if shares is not None:
                self.latest_shares[shares.tenant] = shares
                self._limiters.follow(shares)
            return
        if topic == self._quality_topic:
            quality = read_internal(ModelQuality, value, topic, now_s, lambda told: told.as_of)
            if quality is not None:
                self._pool.quality.follow(quality)
            return
        health = read_internal(ModelHealth, value, topic, now_s, lambda told: told.as_of)
        if health is not None:
            self.latest[health.request_model] = health
            self._pool.follow(health, now_s)
