"""A worker's lease of a tenant's budget: what its requests reserve, wait for and spend. Rules: `budgets.rules`."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto

from router.budgets.life import ANSWER_S, Life, Reservation
from router.budgets.rules import ZERO, day_of, limits_of, told_as, window_bounds
from router.tenants import Tenant
from schemas.budgets import Budget, BudgetClaim

LOOK_AGAIN_S = 0.5
"""A lease whose requests wait, or that has a past, is looked at so often; others when something is due."""
MARGIN_S = 30.0
"""How long after its call's time a reservation is over by itself."""


class Reserve(Enum):
    """What becomes of a reservation."""

    DONE = auto()
    LATER = auto()
    """Not now: it has been asked for, and is made as soon as there is enough."""


def _unheard(_name: str) -> None:
    """Tell nobody: those that wait look again by themselves."""


@dataclass(frozen=True, slots=True)
class _Want:
    amount: Decimal
    for_s: float

    def from_(self, now_s: float) -> Reservation:
        return Reservation(self.amount, now_s + self.for_s)


class BudgetLease:
    """What one worker may spend of one tenant's budget, by lives (`router.budgets.life`)."""

    def __init__(
        self,
        tenant: Tenant,
        process: str,
        on_reserved: Callable[[str], None] = _unheard,
        on_change: Callable[[str], None] = _unheard,
    ) -> None:
        """Begin with nothing.

        Args:
            tenant: whose budget it is.
            process: names the worker's process, once for ever.
            on_reserved: is told each call that had to wait for its reservation and has it now.
            on_change: is told the tenant whenever more than time has passed: there may be something to claim.
        """
        self.tenant = tenant
        self.beyond = 0
        """In shadow mode: calls that would not have been made."""
        self._process = process
        self._on_reserved = on_reserved
        self._on_change = on_change
        self._lives = 0
        self._budget: Budget | None = None
        self._waiting: dict[str, _Want] = {}
        self._settled: dict[str, tuple[Life, Decimal]] = {}
        """Calls whose cost events this worker has not published yet."""
        self._past: list[Life] = []
        self._life = self._begin(0.0)

    @property
    def holder(self) -> str:
        """The name under which it holds grants."""
        return self._life.holder

    @property
    def reserved_usd(self) -> Decimal:
        """What is reserved for calls whose end is not known, those of earlier days and names included."""
        return sum((life.reservations.total for life in (*self._past, self._life)), ZERO)

    def can_pay(self, amount: Decimal, now_s: float) -> bool:
        """Say whether the budget may still have so much; what is spent never comes back within a window."""
        if not self.tenant.enforced:
            return True
        return self._rest_usd(now_s) >= amount

    def is_contended(self, now_s: float) -> bool:
        """Say whether the owner is there and cannot give enough, rather than not there."""
        return self._is_scarce and self._life.was_answered_within(2 * ANSWER_S, now_s)

    def reserve(self, call_id: str, amount: Decimal, now_s: float, timeout_s: float) -> Reserve:
        """Take the most that a call may cost out of the lease; a call that has to wait for it is told to `on_reserved`.

        A caller that is told, or stops waiting, asks again or calls `release`.
        """
        life = self._present(now_s)
        if not self.tenant.enforced:
            self.beyond += self._rest_usd(now_s) < amount
            return Reserve.DONE
        for one in (*self._past, life):
            one.reservations.pop(call_id)  # made while it waited, perhaps for another model or on another day
        life.used_s = now_s
        self._on_change(self.tenant.name)
        want = _Want(amount, timeout_s + MARGIN_S)
        if life.reserve(call_id, want.from_(now_s)):
            self._waiting.pop(call_id, None)
            return Reserve.DONE
        self._waiting[call_id] = want  # in its old place, if it has one
        return Reserve.LATER

    def release(self, call_id: str) -> None:
        """Give up a reservation, made or waited for, whose call was certainly not made."""
        self._waiting.pop(call_id, None)
        self.settle(call_id, ZERO)

    def settle(self, call_id: str, cost: Decimal) -> None:
        """Put the true cost in the place of the reservation; what is unknown keeps its estimate."""
        for life in (*self._past, self._life):
            if life.settle(call_id, cost) and cost:
                self._settled[call_id] = life, cost
        self._on_change(self.tenant.name)

    def drawn_by(self, call_id: str) -> str | None:
        """Return who had reserved for a settled call, once: its cost event carries the name."""
        life, _ = self._settled.pop(call_id, (None, ZERO))
        return None if life is None else life.holder

    def hand_over(self, call_id: str, now_s: float) -> None:
        """Leave the cost event of a settled call to the request's next owner, who draws on no grant."""
        life, cost = self._settled.pop(call_id, (None, ZERO))
        if life is not None:
            life.hand_over(call_id, cost, now_s + MARGIN_S)

    def receive(self, budget: Budget, now_s: float) -> None:
        """Take in what the owner says, and give what it grants to the calls that wait, the oldest first."""
        if self._budget is not None and budget.version < self._budget.version:
            return
        self._budget = budget
        life = self._present(now_s)
        for grant in budget.grants:
            if (grant.holder, grant.day) == (life.holder, life.day):
                life.receive(grant)
        self._serve(life, now_s)
        self._on_change(self.tenant.name)

    def claim(self, now_s: float) -> BudgetClaim | None:
        """Return what to tell the owner now, if there is anything."""
        life = self._present(now_s)
        self._serve(life, now_s)
        return self._claim_of(life, now_s) or self._claim_of_past(now_s)

    def due_s(self, now_s: float) -> float:
        """Return from when on time alone may bring about a claim; infinity if nothing is held, and nothing waits."""
        if self._waiting or self._past:
            return now_s + LOOK_AGAIN_S
        return max(now_s + LOOK_AGAIN_S, self._life.due_s(now_s))

    def _claim_of(self, life: Life, now_s: float) -> BudgetClaim | None:
        if not life.may_claim(now_s):
            return None
        has_expired = life.expire(now_s)
        needed = min((one.amount for one in self._waiting.values()), default=ZERO)
        wanted = sum((one.amount for one in self._waiting.values()), ZERO) or life.top_up
        gives_back = life.left > 0 and (self._is_scarce or life.is_idle(now_s))
        asks = wanted > 0 and not life.is_waiting_for(needed, wanted, now_s)
        if not (asks or gives_back or has_expired or life.is_due(now_s) or not life.is_answered):
            return None
        if gives_back:
            life.give_back()
        return life.claim(needed, wanted, now_s)

    def _claim_of_past(self, now_s: float) -> BudgetClaim | None:
        """Give back what lives that are over have left: at their end, and as their last calls end."""
        for life in self._past:
            life.expire(now_s)
            if life.left > 0 and life.may_claim(now_s):
                life.give_back()
                return life.claim(ZERO, ZERO, now_s)
        self._past = [life for life in self._past if life.left > 0 or len(life.reservations)]
        return None

    def _serve(self, life: Life, now_s: float) -> None:
        for call_id, want in list(self._waiting.items()):
            if life.reserve(call_id, want.from_(now_s)):
                del self._waiting[call_id]
                self._on_reserved(call_id)

    @property
    def _is_scarce(self) -> bool:
        return self._budget is not None and self._budget.scarce

    def _rest_usd(self, now_s: float) -> Decimal:
        limits = limits_of(self.tenant, day_of(now_s))
        told = self._budget.windows if self._budget else ()
        spent = {(one.window, one.window_start): one.spent_usd for one in told}
        return min(limit - spent.get(told_as(window), ZERO) for window, limit in limits.items())

    def _present(self, now_s: float) -> Life:
        """Return the life of this moment: another one on a new day, and under a new name when the last may be over."""
        if self._life.is_over(now_s):
            self._past.append(self._life)
            self._life = self._begin(now_s)
        return self._life

    def _begin(self, now_s: float) -> Life:
        self._lives += 1
        day = day_of(now_s)
        return Life(self.tenant.name, f"{self._process}.{self._lives}", day, window_bounds(day)[1].timestamp())
