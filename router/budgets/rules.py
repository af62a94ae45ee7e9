"""Budgets: money is reserved before a call and settled after it, by many workers at once, and never beyond the limit.

    BudgetLease (a worker's)  ──Claim: "so much I keep, so much I need"──>  BudgetLedger (the owner's, one a tenant)
          ^                                                                 │
          └────────── Budget: spent, limits, and each holder's grant ───────┘

The owner knows what was spent, from the cost events, and what it has granted. What a holder was granted and has not
been seen to spend counts as spent, so for every window, at every moment:

    spent + sum over holders of (granted - drawn)  <=  limit

A holder reserves inside its grant only. So spend and reservations stay inside the limit whatever the interleaving, as
long as a call costs no more than its estimate; nothing here needs clocks that agree.

Here are the rules and the windows; `router.budgets.lease` is the worker's end, `router.budgets.ledger` the owner's.

Rules:
1. Grants are of one UTC day, and cumulative. At midnight a lease is empty; the old day's grants count for the month
   until their lease is over.
2. A holder lowers its own cap before it tells so, and takes up a grant only if it answers its latest claim: so a grant
   and a return that cross each other cannot both count.
3. A cost event draws on a grant if the worker that reserved for it published it; it carries the holder's name then. One
   that an heir publishes draws on nobody's, and counts twice until the lease of the worker that has ended is over.
4. A reservation whose end is never told is over after its call's time and a margin. It is returned to the owner, not to
   the lease: by then the cost event has been written by somebody.
5. A holder that is not heard of for a lease loses its grant. A worker that got no answer for half a lease, by its own
   clock, spends no more of it, and starts anew under another name.
6. When a claim cannot be met though it is not hopeless, the budget is *scarce*: every holder returns what it has not
   reserved, and what settling frees.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from router.tenants import Tenant

LEASE_S = 180.0
"""Longer than a crash, the recovery of its calls by an heir, and their longest time."""
ZERO = Decimal(0)


def day_of(now_s: float) -> str:
    """Return the UTC day, such as 2026-01-31."""
    return datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%d")


def window_bounds(name: str) -> tuple[datetime, datetime]:
    """Return start and end (exclusive) of a window: a day such as 2026-01-31, or a month such as 2026-01."""
    if len(name) > len("2026-01"):
        start = datetime.strptime(name, "%Y-%m-%d").replace(tzinfo=UTC)
        return start, start + timedelta(days=1)
    start = datetime.strptime(name, "%Y-%m").replace(tzinfo=UTC)
    return start, (start + timedelta(days=31)).replace(day=1)


def told_as(name: str) -> tuple[str, datetime]:
    """Return by what a window is told: its kind, and its start."""
    return "day" if len(name) > len("2026-01") else "month", window_bounds(name)[0]


def limits_of(tenant: Tenant, day: str) -> dict[str, Decimal]:
    """Return the limited windows of the day, with their limits."""
    limits = {day: tenant.daily_budget_usd, day[:7]: tenant.monthly_budget_usd}
    return {window: limit for window, limit in limits.items() if limit is not None}
