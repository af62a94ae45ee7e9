"""Budgets: money is reserved before a call and settled after it, by many workers at once, and never beyond the limit.

    Purse (a worker's)  ──Claim: "so much I keep, so much I need"──>  Account (the owner's, one a tenant)
          ^                                                                 │
          └────────── Budget: spent, limits, and each holder's grant ───────┘

The owner knows what was spent, from the cost events, and what it has granted. What a holder was granted and has not
been seen to spend counts as spent, so for every window, at every moment:

    spent + sum over holders of (granted - drawn)  <=  limit

A holder reserves inside its grant only. So spend and reservations stay inside the limit whatever the interleaving, as
long as a call costs no more than its estimate; nothing here needs clocks that agree.

Rules:
1. Grants are of one UTC day, and cumulative. At midnight a purse is empty; the old day's grants count for the month
   until their lease is over.
2. A holder lowers its own cap before it tells so, and takes up a grant only if it answers its latest claim: so a grant
   and a return that cross each other cannot both count.
3. A cost event draws on a grant if the worker that reserved for it published it; it carries the holder's name then. One
   that an heir publishes draws on nobody's, and counts twice until the lease of the worker that has ended is over.
4. A reservation whose end is never told is over after its call's time and a margin. It is returned to the owner, not to
   the purse: by then the cost event has been written by somebody.
5. A holder that is not heard of for a lease loses its grant. A worker that got no answer for half a lease, by its own
   clock, spends no more of it, and starts anew under another name.
6. When a claim cannot be met though it is not hopeless, the budget is *scarce*: every holder returns what it has not
   reserved, and what settling frees.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from enum import Enum, auto

import orjson

from router.tenants import Tenant
from schemas.budgets import Budget, BudgetClaim, BudgetState, BudgetWindow, Grant
from schemas.message import NANO_USD

LEASE_S = 180.0
"""Longer than a crash, the recovery of its calls by an heir, and their longest time."""
RENEW_S = 30.0
"""How often a holder is heard of that has nothing to say."""
ANSWER_S = 2.0
"""A claim without an answer for so long is made again."""
IDLE_S = 60.0
"""A grant that is not used for so long is returned."""
MARGIN_S = 30.0
"""How long after its call's time a reservation is over by itself."""
SHARE = 2
"""A claim gets one part in (SHARE x holders) of what is free, if it needs no more."""
LOW_WATER = 4
"""A purse asks for more when less than one part in so many of its last grant is left."""
KEPT_S = 86_400.0
"""So long after its end a window still takes late events."""
ZERO = Decimal(0)
WHOLE = Decimal(1)


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


def _told_as(name: str) -> tuple[str, datetime]:
    return "day" if len(name) > len("2026-01") else "month", window_bounds(name)[0]


def limits_of(tenant: Tenant, day: str) -> dict[str, Decimal]:
    """Return the limited windows of the day, with their limits."""
    limits = {day: tenant.daily_budget_usd, day[:7]: tenant.monthly_budget_usd}
    return {window: limit for window, limit in limits.items() if limit is not None}


class Reserve(Enum):
    """What becomes of a reservation."""

    DONE = auto()
    LATER = auto()
    """Not now: more has been asked for."""


@dataclass(slots=True)
class _Hold:
    amount: Decimal
    day: str
    holder: str
    until_s: float


@dataclass(slots=True)
class Purse:
    """What one worker may spend of one tenant's budget. `process` names the worker's process, once for ever."""

    tenant: Tenant
    process: str
    beyond: int = 0
    """In shadow mode: calls that would not have been made."""
    _life: int = 1
    _day: str = ""
    _cap: Decimal = ZERO
    _used: Decimal = ZERO
    _reserved: Decimal = ZERO
    _holds: dict[str, _Hold] = field(default_factory=dict)
    _drawn: dict[str, str] = field(default_factory=dict)
    _last_grant: Decimal = ZERO
    _needed: Decimal = ZERO
    _wanted: Decimal = ZERO
    _returning: bool = False
    _cap_fell: bool = False
    _sequence: int = 0
    _answered: int = 0
    _sent_s: float = 0.0
    _lease_from_s: float = 0.0
    _used_s: float = 0.0
    _budget: Budget | None = None

    @property
    def holder(self) -> str:
        """The name under which it holds grants."""
        return f"{self.process}.{self._life}"

    def can_pay(self, amount: Decimal, now_s: float) -> bool:
        """Say whether the budget may still have so much; what is spent never comes back within a window."""
        if not self.tenant.enforced:
            return True
        return self._rest_usd(now_s) >= amount

    def is_contended(self, now_s: float) -> bool:
        """Say whether the owner is there and cannot give enough, rather than not there."""
        return self._is_scarce and now_s - self._lease_from_s < 2 * ANSWER_S

    def reserve(self, call_id: str, amount: Decimal, now_s: float, timeout_s: float) -> Reserve:
        """Take the most that a call may cost out of the purse."""
        self._start_anew(now_s)
        if not self.tenant.enforced:
            self.beyond += self._rest_usd(now_s) < amount
            return Reserve.DONE
        left = self._left
        if amount > left:
            self._needed = min(self._needed, amount) if self._needed else amount
            self._wanted += amount
            return Reserve.LATER
        if left - amount < self._last_grant / LOW_WATER:
            self._wanted = max(self._wanted, amount)
        self._reserved += amount
        self._holds[call_id] = _Hold(amount, self._day, self.holder, now_s + timeout_s + MARGIN_S)
        self._used_s = now_s
        return Reserve.DONE

    def settle(self, call_id: str, cost: Decimal) -> None:
        """Put the true cost in the place of the reservation; what is unknown keeps its estimate."""
        hold = self._holds.pop(call_id, None)
        if hold is None:
            return
        if cost:
            self._drawn[call_id] = hold.holder
        if self._is_current(hold):
            self._reserved -= hold.amount
            self._used += cost
            self._returning |= self._is_scarce

    def drawn_by(self, call_id: str) -> str | None:
        """Return who had reserved for a settled call, once: its cost event carries the name."""
        return self._drawn.pop(call_id, None)

    def heard(self, budget: Budget) -> None:
        """Take in what the owner says; an answer to an earlier claim than the last changes no cap."""
        if self._budget is not None and budget.version < self._budget.version:
            return
        self._budget = budget
        grant = next((one for one in budget.grants if one.holder == self.holder and one.day == self._day), None)
        if grant is None or grant.sequence != self._sequence or self._answered == self._sequence:
            self._returning |= self._is_scarce and self._left > 0
            return
        self._answered = self._sequence
        self._lease_from_s = self._sent_s
        if grant.granted_usd > self._cap:
            self._last_grant = grant.granted_usd - self._cap
        self._cap = grant.granted_usd
        self._returning |= self._is_scarce and self._left > 0

    def claim(self, now_s: float) -> BudgetClaim | None:
        """Return what to tell the owner now, if there is anything."""
        self._start_anew(now_s)
        if self._sequence != self._answered and now_s - self._sent_s < ANSWER_S:
            return None
        self._expire(now_s)
        is_idle = self._left > 0 and now_s - self._used_s > IDLE_S
        is_due = self._cap > 0 and now_s - self._sent_s > RENEW_S
        if not any((self._wanted, self._returning, self._cap_fell, is_idle, is_due, self._sequence != self._answered)):
            return None
        if self._returning or is_idle:
            self._cap = min(self._cap, self._used + self._reserved)
        self._sequence += 1
        self._sent_s = now_s
        claim = BudgetClaim(
            tenant=self.tenant.name,
            holder=self.holder,
            day=self._day,
            sequence=self._sequence,
            cap_usd=self._cap,
            left_usd=max(ZERO, self._left),
            needed_usd=self._needed,
            wanted_usd=self._wanted,
        )
        self._needed = self._wanted = ZERO
        self._returning = self._cap_fell = False
        return claim

    @property
    def _left(self) -> Decimal:
        return self._cap - self._used - self._reserved

    @property
    def _is_scarce(self) -> bool:
        return self._budget is not None and self._budget.scarce

    def _rest_usd(self, now_s: float) -> Decimal:
        limits = limits_of(self.tenant, day_of(now_s))
        told = self._budget.windows if self._budget else ()
        spent = {(one.window, one.window_start): one.spent_usd for one in told}
        return min(limit - spent.get(_told_as(window), ZERO) for window, limit in limits.items())

    def _is_current(self, hold: _Hold) -> bool:
        return (hold.day, hold.holder) == (self._day, self.holder)

    def _start_anew(self, now_s: float) -> None:
        """Begin with nothing on a new day, and under a new name when the lease may be over."""
        has_lapsed = self._cap > 0 and now_s - self._lease_from_s >= LEASE_S / 2
        if has_lapsed:
            self._life += 1
        if has_lapsed or day_of(now_s) > self._day:
            self._day = day_of(now_s)
            self._cap = self._used = self._reserved = self._last_grant = ZERO
            self._needed = self._wanted = ZERO
            self._sequence = self._answered = 0
            self._returning = self._cap_fell = False

    def _expire(self, now_s: float) -> None:
        for call_id, hold in list(self._holds.items()):
            if now_s >= hold.until_s:
                del self._holds[call_id]
                if self._is_current(hold):
                    self._reserved -= hold.amount
                    self._cap -= hold.amount
                    self._cap_fell = True


@dataclass(slots=True)
class Holding:
    """What one worker was granted for a day, cumulative, and how much of it has been seen to be spent."""

    granted: Decimal = ZERO
    drawn: Decimal = ZERO
    sequence: int = 0
    heard_s: float = 0.0

    @property
    def outstanding(self) -> Decimal:
        """What may still be spent."""
        return max(ZERO, self.granted - self.drawn)


@dataclass(frozen=True, slots=True)
class Crossing:
    """The spend of a window has reached a share of its budget. Each share is told once a window."""

    tenant: str
    window: str
    share: Decimal
    """One of the tenant's `alert_at`, or 1: the budget is exhausted."""
    state: BudgetState
    spent_usd: Decimal
    limit_usd: Decimal


@dataclass(slots=True)
class Account:
    """One tenant's money, as the owner keeps it: what was spent, by window, and what is granted, by day and holder."""

    tenant: Tenant
    offset: int = -1
    """Of the last cost event that counts; all of a tenant's lie in one partition."""
    version: int = 0
    spent: dict[str, Decimal] = field(default_factory=dict)
    told: dict[str, Decimal] = field(default_factory=dict)
    """The highest share of the budget whose crossing was told, by window."""
    holdings: dict[tuple[str, str], Holding] = field(default_factory=dict)
    _pending: dict[str, BudgetClaim] = field(default_factory=dict)

    @classmethod
    def load(cls, tenant: Tenant, value: bytes) -> "Account":
        """Make the account again from what `dump` returned."""
        stored = orjson.loads(value)
        return cls(
            tenant,
            offset=stored["offset"],
            version=stored["version"],
            spent={window: Decimal(amount) for window, amount in stored["spent"].items()},
            told={window: _told_share(tenant, text) for window, text in stored["told"].items()},
            holdings={
                (day, holder): Holding(Decimal(granted), Decimal(drawn), sequence, heard_s)
                for day, holder, granted, drawn, sequence, heard_s in stored["holdings"]
            },
        )

    def dump(self) -> bytes:
        """Return everything but claims that wait: they are made again."""
        return orjson.dumps(
            {
                "offset": self.offset,
                "version": self.version,
                "spent": {window: str(amount) for window, amount in self.spent.items()},
                "told": {window: str(share) for window, share in self.told.items()},
                "holdings": [
                    (*key, str(one.granted), str(one.drawn), one.sequence, one.heard_s)
                    for key, one in self.holdings.items()
                ],
            }
        )

    def spend(self, day: str, cost: Decimal, holder: str | None) -> None:
        """Count a cost event, of the day on which its call was made."""
        for window in (day, day[:7]):
            self.spent[window] = self.spent.get(window, ZERO) + cost
        holding = self.holdings.get((day, holder or ""))
        if holding is not None:
            holding.drawn += cost

    def hear(self, claim: BudgetClaim, now_s: float) -> None:
        """Take in a claim; one that is not newer than the last says nothing."""
        holding = self.holdings.setdefault((claim.day, claim.holder), Holding())
        if claim.sequence <= holding.sequence:
            return
        holding.sequence = claim.sequence
        holding.heard_s = now_s
        holding.granted = min(holding.granted, claim.cap_usd)
        self._pending.pop(claim.holder, None)
        if claim.wanted_usd:
            self._pending[claim.holder] = claim

    def taken_over(self, now_s: float) -> None:
        """Give every holder a whole lease: nobody knows when the owner before heard of it."""
        for holding in self.holdings.values():
            holding.heard_s = now_s

    def decide(self, now_s: float) -> Budget:
        """Grant what can be granted, forget what is over, and return what to tell everybody."""
        day = day_of(now_s)
        self._forget(day, now_s)
        limits = limits_of(self.tenant, day)
        scarce = False
        for holder, claim in self._pending.items():
            if claim.day != day:
                continue
            free = min((limit - self._committed(window) for window, limit in limits.items()), default=ZERO)
            holders = sum(of_day == day for of_day, _ in self.holdings)
            needed = max(ZERO, claim.needed_usd - claim.left_usd)
            grant = max(needed, (free / (SHARE * holders)).quantize(NANO_USD, ROUND_DOWN))
            if grant <= free:
                self.holdings[day, holder].granted += grant
            else:
                scarce |= needed > 0 and all(
                    limit - self.spent.get(window, ZERO) >= needed for window, limit in limits.items()
                )
        self._pending.clear()
        self.version += 1
        return self._budget(day, limits, now_s, scarce=scarce)

    def crossings(self, now_s: float) -> list[Crossing]:
        """Return which budgets have been crossed since the last call; each is told once a window."""
        found: list[Crossing] = []
        for window, limit in limits_of(self.tenant, day_of(now_s)).items():
            spent, told = self.spent.get(window, ZERO), self.told.get(window, ZERO)
            for share in self._shares_reached(window, limit):
                if share > told:
                    self.told[window] = share
                    found.append(Crossing(self.tenant.name, window, share, _state_at(share), spent, limit))
        return found

    def _committed(self, window: str) -> Decimal:
        """What is spent of the window, and what is granted and has not been seen to be spent."""
        granted = (one.outstanding for (day, _), one in self.holdings.items() if day.startswith(window))
        return self.spent.get(window, ZERO) + sum(granted, ZERO)

    def _forget(self, day: str, now_s: float) -> None:
        for key, holding in list(self.holdings.items()):
            if now_s >= holding.heard_s + LEASE_S:
                del self.holdings[key]
        past = [window for window in self.spent if window < day[: len(window)] and not self._is_recent(window, now_s)]
        for window in past:
            del self.spent[window]
            self.told.pop(window, None)

    @staticmethod
    def _is_recent(window: str, now_s: float) -> bool:
        return now_s < window_bounds(window)[1].timestamp() + KEPT_S

    def _shares_reached(self, window: str, limit: Decimal) -> list[Decimal]:
        """Return the shares of the budget that the spend has reached, rising; the last of all is 1."""
        spent = self.spent.get(window, ZERO)
        return [share for share in sorted({*self.tenant.alert_at, WHOLE}) if spent >= limit * share]

    def _budget(self, day: str, limits: dict[str, Decimal], now_s: float, *, scarce: bool) -> Budget:
        windows = tuple(self._window(window, limits.get(window)) for window in (day, day[:7]))
        tightest = max(windows, key=lambda one: _ORDER.index(one.state))
        return Budget(
            tenant=self.tenant.name,
            **vars(tightest),
            as_of=datetime.fromtimestamp(now_s, UTC),
            windows=windows,
            grants=tuple(
                Grant(holder=holder, day=of_day, granted_usd=one.granted, sequence=one.sequence)
                for (of_day, holder), one in self.holdings.items()
                if of_day == day
            ),
            scarce=scarce,
            version=self.version,
        )

    def _window(self, window: str, limit: Decimal | None) -> BudgetWindow:
        reached = [] if limit is None else self._shares_reached(window, limit)
        return BudgetWindow(
            window=_told_as(window)[0],
            window_start=window_bounds(window)[0],
            window_end=window_bounds(window)[1],
            spent_usd=self.spent.get(window, ZERO),
            limit_usd=limit,
            state=_state_at(reached[-1]) if reached else BudgetState.WITHIN,
            crossed=float(reached[-1]) if reached else None,
        )


def _state_at(share: Decimal) -> BudgetState:
    return BudgetState.EXHAUSTED if share >= WHOLE else BudgetState.WARNED


def _told_share(tenant: Tenant, text: str) -> Decimal:
    """Read a share; before there were several thresholds, the state was stored."""
    states = {BudgetState.WARNED: min(tenant.alert_at, default=ZERO), BudgetState.EXHAUSTED: WHOLE}
    return states[BudgetState(text)] if text in states else Decimal(text)


_ORDER = tuple(BudgetState)
