"""Budgets: money is reserved before a call and settled after it, by many workers at once, and never beyond the limit.

    BudgetLease (a worker's)  ──Claim: "so much I keep, so much I need"──>  BudgetLedger (the owner's, one a tenant)
          ^                                                                 │
          └────────── Budget: spent, limits, and each holder's grant ───────┘

The owner knows what was spent, from the cost events, and what it has granted. What a holder was granted and has not
been seen to spend counts as spent, so for every window, at every moment:

    spent + sum over holders of (granted - drawn)  <=  limit

A holder reserves inside its grant only. So spend and reservations stay inside the limit whatever the interleaving, as
long as a call costs no more than its estimate; nothing here needs clocks that agree.

Here are the rules and the windows; `router.budgets.lease` is the worker's end, by lives (`router.budgets.life`), and
`router.budgets.ledger` the owner's.

Rules:
1. Grants are of one UTC day, and cumulative. At midnight a lease begins a new life, with nothing. The old one gives
   back what it has not reserved, and then what its last calls did not cost; the rest counts for the month until its
   lease is over. A holder's day is that of its own clock: a grant is of the day that its claim names, within `CLOCKS_S`
   of the owner's midnight of either day, and counts in that day's window.
2. A holder lowers its own cap before it tells so, and takes up a grant only if it answers its latest claim: so a grant
   and a return that cross each other cannot both count. A claim may be answered more than once.
3. A cost event draws on a grant if the worker that reserved for it published it; it carries the holder's name then. One
   that an heir publishes draws on no reservation, and counts twice until the reservation, or the lease of a worker
   that has ended, is over.
4. A reservation whose end is never told is over after its call's time and a margin. It is returned to the owner, not to
   the lease: by then the cost event has been written. That of a call that was certainly not made is free at
   once.
5. A holder that is not heard of for a lease loses its grant. A worker that got no answer for half a lease, by its own
   clock, or whose grant was forgotten, spends no more of it, and begins a new life under another name.
6. A call that finds too little waits in the lease, in order. What is granted, or becomes free, goes to those who wait
   before it is seen; a grant can thus be neither idle nor returned while a request waits for it.
7. What waits is granted whole if there is enough, before any cushion. When it cannot be met though it is not hopeless,
   the budget is *scarce*: every holder returns what it has not reserved, and what settling frees; the owner meets the
   claim as soon as there is enough.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from router.tenants import Tenant

LEASE_S = 180.0
"""Longer than a crash, the recovery of its calls by an heir, and their longest time."""
ASK_AGAIN_S = 1.0
"""A lease repeats so often what its requests wait for; the owner remembers it for `REMEMBER_S`."""
REMEMBER_S = 3.0
DAY_S = 86_400
CLOCKS_S = 120.0
"""How far the clock of a worker may be from the owner's: so near midnight, claims of both days are met."""
ZERO = Decimal(0)


def day_of(now_s: float) -> str:
    """Return the UTC day, such as 2026-01-31."""
    return _day(int(now_s // DAY_S))


def open_days(now_s: float) -> frozenset[str]:
    """Return the UTC days that it may be by the clocks of workers."""
    return frozenset(day_of(now_s + apart_s) for apart_s in (-CLOCKS_S, 0.0, CLOCKS_S))


@lru_cache(maxsize=64)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * DAY_S, UTC).strftime("%Y-%m-%d")


@lru_cache(maxsize=64)
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
