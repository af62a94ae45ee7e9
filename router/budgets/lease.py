"""A worker's lease of a tenant's budget: what it was granted, has reserved and has spent. Rules: `budgets.rules`."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto

from router.budgets.rules import LEASE_S, ZERO, day_of, limits_of, told_as
from router.tenants import Tenant
from schemas.budgets import Budget, BudgetClaim

RENEW_S = 30.0
"""How often a holder is heard of that has nothing to say."""
ANSWER_S = 2.0
"""A claim without an answer for so long is made again."""
IDLE_S = 60.0
"""A grant that is not used for so long is returned."""
MARGIN_S = 30.0
"""How long after its call's time a reservation is over by itself."""
LOW_WATER = 4
"""A lease asks for more when less than one part in so many of its last grant is left."""


class Reserve(Enum):
    """What becomes of a reservation."""

    DONE = auto()
    LATER = auto()
    """Not now: more has been asked for."""


@dataclass(slots=True)
class _Reservation:
    amount: Decimal
    day: str
    holder: str
    until_s: float


@dataclass(slots=True)
class BudgetLease:
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
    _reservations: dict[str, _Reservation] = field(default_factory=dict)
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
        """Take the most that a call may cost out of the lease."""
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
        self._reservations[call_id] = _Reservation(amount, self._day, self.holder, now_s + timeout_s + MARGIN_S)
        self._used_s = now_s
        return Reserve.DONE

    def settle(self, call_id: str, cost: Decimal) -> None:
        """Put the true cost in the place of the reservation; what is unknown keeps its estimate."""
        reservation = self._reservations.pop(call_id, None)
        if reservation is None:
            return
        if cost:
            self._drawn[call_id] = reservation.holder
        if self._is_current(reservation):
            self._reserved -= reservation.amount
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
        return min(limit - spent.get(told_as(window), ZERO) for window, limit in limits.items())

    def _is_current(self, reservation: _Reservation) -> bool:
        return (reservation.day, reservation.holder) == (self._day, self.holder)

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
        for call_id, reservation in list(self._reservations.items()):
            if now_s >= reservation.until_s:
                del self._reservations[call_id]
                if self._is_current(reservation):
                    self._reserved -= reservation.amount
                    self._cap -= reservation.amount
                    self._cap_fell = True
