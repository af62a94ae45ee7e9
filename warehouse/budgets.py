"""Budget use: what each tenant has spent of its budgets in the UTC day and month under way, by the cost events."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import cast

from schemas.budgets import BudgetState
from warehouse.store import Store

LEAST_ELAPSED_SHARE = Decimal(1) / 24
"""Before so much of a window is over, nothing is projected: a few calls would say everything."""
WHOLE = Decimal(1)
_HOUR = Decimal(3600)


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """What the catalogue allows a tenant; None: no limit."""

    tenant: str
    daily_usd: Decimal | None
    monthly_usd: Decimal | None
    alert_at: tuple[Decimal, ...]
    """The shares of a limit at which it is warned of."""


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """One limit and what is spent of it. `window` is `day` or `month`; the limits are the catalogue's of today."""

    tenant: str
    window: str
    starts_at: datetime
    ends_at: datetime
    as_of: datetime
    spent_usd: Decimal
    """Upper estimates of calls that may not have been charged are in it; calls of unknown price are not."""
    limit_usd: Decimal
    alert_at: tuple[Decimal, ...]

    @property
    def share(self) -> Decimal:
        """The part of the limit that is spent."""
        return self.spent_usd / self.limit_usd if self.limit_usd else Decimal(1)

    @property
    def crossed(self) -> tuple[Decimal, ...]:
        """The shares that it has been warned at, rising, and 1 if the limit is reached."""
        return tuple(at for at in sorted({*self.alert_at, WHOLE}) if self.spent_usd >= self.limit_usd * at)

    @property
    def state(self) -> BudgetState:
        """How the tenant stands."""
        if WHOLE in self.crossed:
            return BudgetState.EXHAUSTED
        return BudgetState.WARNED if self.crossed else BudgetState.WITHIN

    @property
    def elapsed_hours(self) -> Decimal:
        """How much of the window is over."""
        return Decimal((self.as_of - self.starts_at).total_seconds()) / _HOUR

    @property
    def hours(self) -> Decimal:
        """How long the window is."""
        return Decimal((self.ends_at - self.starts_at).total_seconds()) / _HOUR

    @property
    def projected_usd(self) -> Decimal | None:
        """What will be spent at the window's end if it goes on as it went so far; None: it is too early to say."""
        if self.elapsed_hours < self.hours * LEAST_ELAPSED_SHARE:
            return None
        return self.spent_usd * self.hours / self.elapsed_hours

    def __str__(self) -> str:
        spent = f"{self.tenant}, this {self.window}: {self.spent_usd:.4f} of {self.limit_usd:.4f} USD, {self.share:.1%}"
        crossed = f"past {self.crossed[-1]:.0%}" if self.crossed else f"below {min((*self.alert_at, WHOLE)):.0%}"
        if self.projected_usd is None:
            return f"{spent}, {crossed}. It is too early to say what it will be at the end."
        pace = f"{self.spent_usd:.4f} x {self.hours:.0f} h / {self.elapsed_hours:.1f} h"
        return (
            f"{spent}, {crossed}. At this pace {pace} = {self.projected_usd:.4f} USD at the end, "
            f"{self.projected_usd / (self.limit_usd or 1):.1%}."
        )


def budget_use(store: Store, limits: Iterable[BudgetLimits], now: datetime) -> tuple[BudgetUse, ...]:
    """Return how far each limit is used at this moment, nearest to its limit first.

    Raises:
        WarehouseError: the database refuses.
    """
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    month = day.replace(day=1)
    windows = {
        "day": (day, day + timedelta(days=1)),
        "month": (month, (month + timedelta(days=31)).replace(day=1)),
    }
    rows = store.query(
        """
        SELECT tenant, coalesce(sum(CASE WHEN occurred_on = ? THEN cost_usd END), 0), coalesce(sum(cost_usd), 0)
        FROM costs WHERE occurred_on >= ? AND occurred_on <= ? GROUP BY tenant
        """,
        *(day.date(), month.date(), day.date()),
    )
    spent = {
        (str(tenant), window): Decimal(cast("Decimal", amount))
        for tenant, *amounts in rows
        for window, amount in zip(windows, amounts, strict=True)
    }
    uses = [
        BudgetUse(
            tenant=limit.tenant,
            window=window,
            starts_at=windows[window][0],
            ends_at=windows[window][1],
            as_of=now,
            spent_usd=spent.get((limit.tenant, window), Decimal(0)),
            limit_usd=limit_usd,
            alert_at=limit.alert_at,
        )
        for limit in limits
        for window, limit_usd in (("day", limit.daily_usd), ("month", limit.monthly_usd))
        if limit_usd is not None
    ]
    return tuple(sorted(uses, key=lambda use: (-use.share, use.tenant, use.window)))
