"""A worker's end of the budgets: its leases, what they claim, and what the owner of the ledgers answers."""

import asyncio
from collections.abc import Iterable, Mapping

import structlog
from aiokafka.errors import KafkaError

from router.budgets.lease import BudgetLease
from router.tenants import Tenant
from schemas.budgets import Budget
from schemas.costs import CostEvent
from streams.control.following import changes
from streams.ports import Clock, LogReader
from streams.publisher import Publisher

log = structlog.get_logger()

CLAIM_S = 0.02
"""How often to look whether there is something to claim; `router.budgets.lease` decides."""


class BudgetClient:
    """One lease for each tenant with a budget."""

    def __init__(self, tenants: Mapping[str, Tenant], process: str, clock: Clock) -> None:
        self._leases = {name: BudgetLease(tenant, process) for name, tenant in tenants.items() if tenant.has_budget}
        self._clock = clock

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

    def beyond(self) -> Iterable[tuple[str, int]]:
        """Tell how many calls of a tenant in shadow mode its budget would not have paid for, if any."""
        return [(name, lease.beyond) for name, lease in self._leases.items() if lease.beyond]

    async def claim(self, publisher: Publisher) -> None:
        """Publish claims as they become due, for ever."""
        while True:
            for lease in self._leases.values():
                claim = lease.claim(self._clock())
                if claim is not None:
                    try:
                        await publisher.budget_claim(claim)
                    except KafkaError as error:  # it is made again
                        log.warning("a claim on a budget is lost", tenant=claim.tenant, error=str(error))
            await asyncio.sleep(CLAIM_S)

    async def follow(self, reader: LogReader, topic: str) -> None:
        """Read the compacted budgets topic from its beginning and for ever, without a group."""
        async for batch in changes(reader, topic):
            for _, value in batch:
                self._take(value)

    def _take(self, value: bytes) -> None:
        try:
            budget = Budget.decode(value)
        except ValueError as error:
            log.warning("a record of the budgets topic cannot be read", error=str(error).partition("\n")[0])
            return
        lease = self._leases.get(budget.tenant)
        if lease is not None:
            lease.heard(budget)
