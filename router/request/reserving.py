"""A request's side of its tenant's budget: what a call may cost is reserved, waited for, and settled or freed."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from router.budgets.lease import BudgetLease, Reserve
from router.retry import Chance
from router.route import Candidate
from schemas.vocabulary import ErrorCode

BUDGET_POLL_S: Final = 0.8
"""How often to look whether the budget still pays for a call that waits for its reservation; that itself wakes it."""
BUDGET_WAIT_S: Final = 10.0
"""How long a request waits for what others have reserved, if its deadline lets it, seconds."""
LAST_LOOK_S: Final = 0.02
"""How long before the deadline a wait for the budget ends, seconds: there has to be time for a call."""


@dataclass(frozen=True, slots=True)
class InVain:
    """There is no use in waiting for a reservation."""

    code: ErrorCode
    message: str


class Reserving:
    """The reservations of one request; of a tenant without a budget it lets everything pass."""

    def __init__(self, lease: BudgetLease | None) -> None:
        self.waiting_for: str | None = None
        """The call whose reservation is waited for."""
        self._lease = lease
        self._since_s: float | None = None
        self._called_off: str | None = None

    def pays_for(self, candidate: Candidate, now_s: float) -> bool:
        """Say whether the budget pays for a call, reserved by others or not."""
        if self._lease is None:
            return True
        # what has no known price cannot be reserved for
        return candidate.upper_usd is not None and self._lease.can_pay(candidate.upper_usd, now_s)

    def reserve(self, call_id: str, candidate: Candidate, timeout_s: float, now_s: float) -> bool:
        """Reserve the most that the call may cost; False: it has to wait."""
        if self._lease is None or candidate.upper_usd is None:
            return True
        return self._lease.reserve(call_id, candidate.upper_usd, now_s, timeout_s) is not Reserve.LATER

    def wait(self, call_id: str, deadline_s: float, chance: Chance, now_s: float) -> float | InVain:
        """Return when to look again for the call's reservation."""
        if self._lease is None:
            return now_s
        self.waiting_for = call_id
        is_contended, ends_s = self._lease.is_contended(now_s), deadline_s
        if self._since_s is None or not is_contended:
            self._since_s = now_s
        if is_contended:
            ends_s = min(ends_s, self._since_s + BUDGET_WAIT_S)
        until_s = min(now_s + BUDGET_POLL_S * (1 + chance() / 4), ends_s - LAST_LOOK_S)
        if until_s > now_s:
            return until_s
        if is_contended:
            message = "what is left of the tenant's budget is reserved by calls under way; try again later"
            return InVain(ErrorCode.BUDGET_EXHAUSTED, message)
        return InVain(ErrorCode.DEADLINE_EXCEEDED, "no part of the budget was granted before the deadline")

    def called(self) -> None:
        """Note that the call is made that was waited for."""
        self._since_s = self.waiting_for = None

    def stop(self) -> None:
        """Wait for no reservation any more."""
        if self.waiting_for is not None:
            self.release(self.waiting_for)
        self.waiting_for = None

    def release(self, call_id: str) -> None:
        """Free what is reserved for a call that is not made."""
        if self._lease is not None:
            self._lease.release(call_id)

    def settle(self, call_id: str, cost_usd: Decimal | None) -> None:
        """Put what a call has cost in the place of what was reserved for it."""
        if self._lease is not None:
            self._lease.settle(call_id, cost_usd or Decimal(0))

    def called_off(self, call_id: str) -> None:
        """Note a call that was certainly not made; it stays reserved until `handed_on`, or for its time."""
        self._called_off = call_id

    def handed_on(self) -> None:
        """Free what the call that was called off had reserved."""
        if self._called_off is not None:
            self.release(self._called_off)

    def hand_over(self, call_ids: Iterable[str], now_s: float) -> None:
        """Leave what the calls have cost to the worker that goes on with the request."""
        if self._lease is not None:
            for call_id in call_ids:
                self._lease.hand_over(call_id, now_s)
