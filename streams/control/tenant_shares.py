"""The owner of the tenants' shares: one worker at a time hears what all of them need, and hands out the limits."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from aiokafka.errors import KafkaError

from router.tenancy.allotment import TenantAllotment
from router.tenants import Tenant
from schemas.tenant_shares import ALL_TENANTS, TenantShares, WorkerDemand
from streams.control.owner_term import UnsureError
from streams.internal_records import read_internal
from streams.ports import Clock, Fence, Received
from streams.publisher import Publisher
from streams.slices import in_slices

log = structlog.get_logger()

SHARES_EVERY_S = 0.5
AT_ONCE = 50
"""Records that are published together."""


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
        self._is_restored = False
        self._heard: list[Received] = []

    def take_over(self) -> None:
        """Begin with what was published last; `watch` reads it, and until then keeps what it hears."""
        self._aggregator, self._is_restored = TenantAllotment(self._tenants), False

    def give_up(self) -> None:
        """Forget the allotments: another worker hands them out."""
        self._aggregator = None
        self._heard.clear()

    def ingest(self, batch: Sequence[Received]) -> None:
        """Hear the workers."""
        if not self._is_restored:
            self._heard.extend(batch)
            return
        for received in batch:
            self._take(received)

    def _take(self, received: Received) -> None:
        value, topic = received.delivery.value, received.delivery.origin.topic
        if self._aggregator is not None and value is not None:
            demand = read_internal(WorkerDemand, value, topic, self._clock(), lambda told: told.as_of)
            if demand is not None:
                self._aggregator.ingest(demand, self._clock())
        received.acknowledge()

    async def watch(self) -> None:
        """Hand out and publish, for ever."""
        while True:
            await asyncio.sleep(SHARES_EVERY_S)
            allotment = self._aggregator
            if allotment is None or not self._fence.is_open():  # frozen: another may have handed them out since
                continue
            try:
                if not self._is_restored:
                    await self._restore(allotment)
                await self._hand_out(allotment)
            except UnsureError:
                log.info("the tenants' limits may be another worker's to hand out: nothing more is told")
            except KafkaError as error:
                log.warning("the shares of the tenants' limits could not be published", error=str(error))

    async def _restore(self, allotment: TenantAllotment) -> None:
        published = list(self._latest.values())
        async for _ in in_slices(allotment.restoring(published, self._clock())):
            pass
        if self._aggregator is allotment:
            self._is_restored = True
            heard, self._heard = self._heard, []
            self.ingest(heard)
            log.info("this worker hands out the tenants' limits")

    async def _hand_out(self, allotment: TenantAllotment) -> None:
        news: list[TenantShares] = []
        async for shares in in_slices(allotment.shares(self._clock())):
            if shares is None:
                continue
            # what confirms all that stands before it goes out when that is written
            if len(news) >= AT_ONCE or (news and shares.tenant == ALL_TENANTS):
                await self._publish(news, allotment)
                news = []
            news.append(shares)
        await self._publish(news, allotment)

    async def _publish(self, news: Sequence[TenantShares], allotment: TenantAllotment) -> None:
        """Publish, if no other worker can hand them out by now.

        Raises:
            KafkaError: it is not known whether all was written.
            UnsureError: another worker may hand them out: of another assignment, or since this one was frozen.
        """
        try:
            self._be_sure(allotment)
            await asyncio.gather(*map(self._publisher.tenant_shares, news))
        except (KafkaError, UnsureError):
            for shares in news:
                allotment.not_told(shares.tenant)
            raise

    def _be_sure(self, allotment: TenantAllotment) -> None:
        if self._aggregator is not allotment or not self._fence.is_open():
            raise UnsureError
