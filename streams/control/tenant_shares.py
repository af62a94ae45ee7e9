"""The owner of the tenants' shares: one worker at a time hears what all of them need, and hands out the limits."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from aiokafka.errors import KafkaError

from router.tenancy.allotment import TenantAllotment
from router.tenants import Tenant
from schemas.tenant_shares import TenantShares, WorkerDemand
from streams.internal_records import read_internal
from streams.ports import Clock, Fence, Received
from streams.publisher import Publisher

log = structlog.get_logger()

SHARES_EVERY_S = 0.5
SIGN_OF_LIFE_S = 10.0
"""Unchanged shares are published again after this time, seconds: silence would end them, after `STALE_S`."""


class ShareOwner:
    """Keeps the tenants' allotments while this worker owns the demand topic."""

    def __init__(
        self,
        tenants: Mapping[str, Tenant],
        publisher: Publisher,
        clock: Clock,
        latest: Mapping[str, TenantShares],
        fence: Fence,
    ) -> None:
        self._tenants = tenants
        self._publisher = publisher
        self._clock = clock
        self._latest = latest
        self._fence = fence
        self._aggregator: TenantAllotment | None = None
        self._published: dict[str, TenantShares] = {}

    def take_over(self) -> None:
        """Make the allotments from what was published last."""
        self._aggregator = TenantAllotment(self._tenants)
        self._aggregator.restore(self._latest.values(), self._clock())
        self._published = dict(self._latest)
        log.info("this worker hands out the tenants' limits")

    def give_up(self) -> None:
        """Forget the allotments: another worker hands them out."""
        self._aggregator = None

    def ingest(self, batch: Sequence[Received]) -> None:
        """Hear the workers."""
        for received in batch:
            self._take(received.delivery.value, received.delivery.origin.topic)
            received.acknowledge()

    def _take(self, value: bytes | None, topic: str) -> None:
        if self._aggregator is None or value is None:
            return
        demand = read_internal(WorkerDemand, value, topic, self._clock(), lambda told: told.as_of)
        if demand is not None:
            self._aggregator.ingest(demand, self._clock())

    async def watch(self) -> None:
        """Hand out and publish, for ever."""
        while True:
            await asyncio.sleep(SHARES_EVERY_S)
            try:
                await self._tick()
            except KafkaError as error:
                log.warning("the shares of the tenants' limits could not be published", error=str(error))

    async def _tick(self) -> None:
        if self._aggregator is None or not self._fence.is_open():  # frozen: another may have handed them out since
            return
        news = [shares for shares in self._aggregator.shares(self._clock()) if self._is_news(shares)]
        await asyncio.gather(*map(self._publisher.tenant_shares, news))
        self._published.update((shares.tenant, shares) for shares in news)

    def _is_news(self, shares: TenantShares) -> bool:
        before = self._published.get(shares.tenant)
        if before is None or (shares.as_of - before.as_of).total_seconds() >= SIGN_OF_LIFE_S:
            return True
        return shares != before.model_copy(update={"as_of": shares.as_of})
