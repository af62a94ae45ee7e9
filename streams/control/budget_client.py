"""A worker's end of the budgets: its leases, what they claim, and what the owner of the ledgers answers."""

import asyncio
from asyncio import Future
from collections.abc import Iterable, Mapping
from datetime import datetime
from heapq import heappop, heappush
from math import inf

import structlog
from aiokafka.errors import KafkaError

from router.budgets.lease import BudgetLease
from router.tenants import Tenant
from schemas.budgets import Budget, BudgetClaim
from schemas.costs import CostEvent
from schemas.message import utc_from_ms
from streams.control.following import changes
from streams.internal_records import read_internal
from streams.ports import Clock, LogReader
from streams.publisher import Publisher

log = structlog.get_logger()

GATHER_S = 0.01
"""What changes within so short a time is claimed together; `router.budgets.lease` decides what to claim."""
LEASES_LOOK_S = 0.5
"""How often to look whose time has come."""


class BudgetClient:
    """One lease for each tenant with a budget."""

    def __init__(self, tenants: Mapping[str, Tenant], process: str, clock: Clock) -> None:
        self._leases = {
            name: BudgetLease(tenant, process, self._reserved, self._change)
            for name, tenant in tenants.items()
            if tenant.has_budget
        }
        self._clock = clock
        self._changed: dict[str, None] = {}
        self._has_changed = asyncio.Event()
        self._due_s = dict.fromkeys(self._leases, inf)
        self._by_due: list[tuple[float, str]] = []
        """A heap; of a lease's moments the one in `_due_s` is meant."""
        self._waiting: dict[str, Future[None]] = {}

    def __bool__(self) -> bool:
        """Say whether any tenant has a budget."""
        return bool(self._leases)

    def of(self, tenant: Tenant | None) -> BudgetLease | None:
        """Return the tenant's lease, if it has a budget."""
        return None if tenant is None else self._leases.get(tenant.name)

    def drawn_by(self, event: CostEvent) -> str | None:
        """Return who reserved for a call of this worker that is settled."""
        lease = self._leases.get(event.tenant)
        return None if lease is None else lease.drawn_by(event.event_id)

    def hand_over(self, events: Iterable[CostEvent]) -> None:
        """Leave the cost events that this worker has not published to the request's next owner."""
        for event in events:
            if (lease := self._leases.get(event.tenant)) is not None:
                lease.hand_over(event.event_id, self._clock())

    async def reserved(self, call_id: str, within_s: float) -> None:
        """Wait until the call has its reservation, and no longer than so many seconds."""
        waiting = self._waiting[call_id] = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait([waiting], timeout=within_s)
        finally:
            del self._waiting[call_id]

    def _reserved(self, call_id: str) -> None:
        waiting = self._waiting.get(call_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def beyond(self) -> Iterable[tuple[str, int]]:
        """Tell how many calls of a tenant in shadow mode its budget would not have paid for, if any."""
        return [(name, lease.beyond) for name, lease in self._leases.items() if lease.beyond]

    async def claim(self, publisher: Publisher) -> None:
        """Publish claims as they become due, for ever."""
        while True:
            await self._change_or_time()
            await asyncio.gather(*(self._publish(claim, publisher) for claim in self.claims(self._clock())))

    def due(self, now_s: float) -> Iterable[str]:
        """Return whose leases to look at: those that have changed, and those whose time has come."""
        names, self._changed = self._changed, {}
        while self._by_due and self._by_due[0][0] <= now_s:
            due_s, name = heappop(self._by_due)
            if self._due_s[name] == due_s:
                names[name] = None
        return names

    def claims(self, now_s: float) -> list[BudgetClaim]:
        """Return what there is to claim now."""
        found: list[BudgetClaim] = []
        for name in self.due(now_s):
            lease = self._leases[name]
            if (claim := lease.claim(now_s)) is not None:
                found.append(claim)
            due_s = lease.due_s(now_s)
            if due_s != self._due_s[name]:
                self._due_s[name] = due_s
                if due_s < inf:
                    heappush(self._by_due, (due_s, name))
        return found

    async def _change_or_time(self) -> None:
        """Wait for a change, no longer than `LEASES_LOOK_S`."""
        timer = asyncio.get_running_loop().call_later(LEASES_LOOK_S, self._has_changed.set)
        try:
            await self._has_changed.wait()
        finally:
            timer.cancel()
        await asyncio.sleep(GATHER_S)
        self._has_changed.clear()

    def _change(self, name: str) -> None:
        self._changed[name] = None
        self._has_changed.set()

    @staticmethod
    async def _publish(claim: BudgetClaim, publisher: Publisher) -> None:
        try:
            await publisher.budget_claim(claim)
        except KafkaError as error:  # it is made again
            log.warning("a claim on a budget is lost", tenant=claim.tenant, error=str(error))

    async def follow(self, reader: LogReader, topic: str) -> None:
        """Read the compacted budgets topic from its beginning and for ever, without a group."""
        async for batch in changes(reader, topic):
            for _, value in batch:
                self._take(value, topic)

    def _take(self, value: bytes, topic: str) -> None:
        now_s = self._clock()
        budget = read_internal(Budget, value, topic, now_s, _when_told)
        lease = None if budget is None else self._leases.get(budget.tenant)
        if budget is not None and lease is not None:
            lease.receive(budget, now_s)


def _when_told(budget: Budget) -> datetime:
    return utc_from_ms(budget.version)  # versions go on from the owner's clock
