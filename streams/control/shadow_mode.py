"""Tenants in shadow mode: what their limits would have refused, for the metrics and, once a minute, for the log."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from router.tenancy.admission import Admission
from router.tenants import TenantMode
from schemas.vocabulary import ErrorCode
from streams.control.budget_client import BudgetClient

log = structlog.get_logger()

LOG_S = 60.0


@dataclass(frozen=True, slots=True)
class WouldRefuse:
    """So often since its start a worker would have refused a tenant for a limit, if limits were enforced."""

    tenant: str
    limit: ErrorCode
    """The code that the rejection would have had."""
    count: int


@dataclass(frozen=True, slots=True)
class Shadow:
    """Counts what is beyond the limits of tenants in shadow mode."""

    admission: Admission
    budget_client: BudgetClient

    def refusals(self) -> Iterator[WouldRefuse]:
        """Tell of every tenant in shadow mode and every limit that was exceeded."""
        for (tenant, limit), count in sorted(self.admission.beyond_limits.items()):
            if self.admission.tenants[tenant].mode is TenantMode.SHADOW:
                yield WouldRefuse(tenant, limit, count)
        for tenant, count in self.budget_client.beyond():
            yield WouldRefuse(tenant, ErrorCode.BUDGET_EXHAUSTED, count)

    async def log(self) -> None:
        """Write a line a minute for each tenant and limit that was exceeded in it, and the rest at the end."""
        told: dict[tuple[str, ErrorCode], int] = {}
        try:
            while True:
                await asyncio.sleep(LOG_S)
                self._write(told)
        finally:
            self._write(told)

    def _write(self, told: dict[tuple[str, ErrorCode], int]) -> None:
        for one in self.refusals():
            more = one.count - told.get((one.tenant, one.limit), 0)
            if more:
                told[one.tenant, one.limit] = one.count
                log.warning("shadow limit exceeded", tenant=one.tenant, limit=one.limit, requests=more)
