"""One life of a lease: what a worker was granted of one day under one name, and what it has made of that.

A life is never reset. One that sees midnight, or lapses, is followed by another, which begins with nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from math import inf

from router.budgets.rules import ASK_AGAIN_S, LEASE_S, ZERO
from schemas.budgets import BudgetClaim, Grant

RENEW_S = 30.0
"""How often a holder without anything to ask repeats its claim, so that its lease goes on."""
ANSWER_S = 2.0
"""How long a claim waits for its answer before it is made again."""
IDLE_S = 60.0
"""How long a grant may lie unused before it is returned."""
LOW_WATER = 4
"""A lease asks for more when less than one part in this many of its last grant is left."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """The most that a call may cost. It is over at `until_s` if its end is never told."""

    amount: Decimal
    until_s: float


class Reservations:
    """The open reservations of a life by call; `total` is their sum, whatever happens to them."""

    __slots__ = ("_by_call", "total")

    def __init__(self) -> None:
        self.total = ZERO
        self._by_call: dict[str, Reservation] = {}

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._by_call

    def __iter__(self) -> Iterator[Reservation]:
        return iter(self._by_call.values())

    def __len__(self) -> int:
        return len(self._by_call)

    def put(self, call_id: str, reservation: Reservation) -> None:
        """Add a reservation, in the place of another one of the same call."""
        self.pop(call_id)
        self._by_call[call_id] = reservation
        self.total += reservation.amount

    def pop(self, call_id: str) -> Reservation | None:
        """Take a reservation out."""
        reservation = self._by_call.pop(call_id, None)
        if reservation is not None:
            self.total -= reservation.amount
        return reservation

    def expire(self, now_s: float) -> Decimal:
        """Take out what is over, and return how much that was."""
        over = [call_id for call_id, one in self._by_call.items() if now_s >= one.until_s]
        return sum((one.amount for call_id in over if (one := self.pop(call_id))), ZERO)


@dataclass(slots=True)
class Life:
    """What one holder may spend of one day, cumulative, and how far it has come."""

    tenant: str
    holder: str
    day: str
    ends_s: float
    """The end of the day."""
    cap: Decimal = ZERO
    used: Decimal = ZERO
    reservations: Reservations = field(default_factory=Reservations)
    used_s: float = 0.0
    """When something was last asked of it."""
    top_up: Decimal = ZERO
    """The lease runs low: what to ask for before a call has to wait."""
    _last_grant: Decimal = ZERO
    _claim: BudgetClaim | None = None
    _claimed_s: float = 0.0
    _is_met: bool = True
    """More has been granted since the last claim."""
    _answered: int = 0
    _forgotten: bool = False
    _confirmed_s: float = 0.0
    """The last answered claim was made then: the lease runs from there."""

    @property
    def left(self) -> Decimal:
        """What may still be reserved."""
        return self.cap - self.used - self.reservations.total

    @property
    def is_answered(self) -> bool:
        """Whether no claim is on its way."""
        return self._claim is None or self._claim.sequence == self._answered

    def is_over(self, now_s: float) -> bool:
        """Say whether nothing more of it may be spent.

        The day has ended, the owner has forgotten what it had granted, or it may think that the holder is gone.
        """
        has_lapsed = self.cap > 0 and now_s - self._confirmed_s >= LEASE_S / 2
        return has_lapsed or self._forgotten or now_s >= self.ends_s

    def was_answered_within(self, seconds: float, now_s: float) -> bool:
        """Say whether the owner has answered a claim that is not older."""
        return now_s - self._confirmed_s < seconds

    def reserve(self, call_id: str, reservation: Reservation) -> bool:
        """Take it out of what is left, if there is enough."""
        left = self.left - reservation.amount
        if left < 0:
            return False
        self.reservations.put(call_id, reservation)
        if left < self._last_grant / LOW_WATER:
            self.top_up = max(self.top_up, reservation.amount)
        return True

    def settle(self, call_id: str, cost: Decimal) -> bool:
        """Put the cost in the place of the reservation; say whether there was one."""
        if self.reservations.pop(call_id) is None:
            return False
        self.used += cost
        return True

    def hand_over(self, call_id: str, cost: Decimal, until_s: float) -> None:
        """Make a reservation of what was settled again: the heir of the request publishes the cost event."""
        self.used -= cost
        self.reservations.put(call_id, Reservation(cost, until_s))

    def receive(self, grant: Grant) -> None:
        """Take up a grant, unless it answers an earlier claim than the last."""
        if self._claim is None or grant.sequence != self._claim.sequence:
            return
        self._answered = grant.sequence
        self._confirmed_s = self._claimed_s
        if grant.granted_usd > self.cap:
            self._last_grant = grant.granted_usd - self.cap
            self._is_met = True
        self._forgotten = grant.granted_usd < self.cap  # the holder alone lowers it
        self.cap = grant.granted_usd

    def is_idle(self, now_s: float) -> bool:
        """Say whether something is left, and nothing was asked for in the last `IDLE_S`."""
        return self.left > 0 and now_s - self.used_s > IDLE_S

    def is_due(self, now_s: float) -> bool:
        """Say whether the owner has to hear of the holder."""
        return self.cap > 0 and now_s - self._claimed_s > RENEW_S

    def due_s(self, now_s: float) -> float:
        """Return when time alone will bring something about; infinity while it holds nothing and asks for nothing."""
        moments = [one.until_s for one in self.reservations]
        if not self.is_answered:
            moments.append(self._claimed_s + ANSWER_S)
        if self.cap > 0:
            moments += [self._claimed_s + RENEW_S, self._confirmed_s + LEASE_S / 2, self.ends_s]
        if self.left > 0:
            moments.append(max(now_s, self.used_s + IDLE_S))
        return min(moments, default=inf)

    def is_waiting_for(self, needed: Decimal, wanted: Decimal, now_s: float) -> bool:
        """Say whether the owner knows of just that want and has granted nothing yet."""
        claim = self._claim
        if claim is None or self._is_met or (claim.needed_usd, claim.wanted_usd) != (needed, wanted):
            return False
        return now_s - self._claimed_s < ASK_AGAIN_S

    def may_claim(self, now_s: float) -> bool:
        """Say whether the last claim has been answered, or is lost."""
        return self.is_answered or now_s - self._claimed_s >= ANSWER_S

    def give_back(self) -> None:
        """Keep only what is spent and reserved; the owner is told by the next claim."""
        self.cap = min(self.cap, self.used + self.reservations.total)

    def expire(self, now_s: float) -> bool:
        """Give back reservations whose end was never told: by now their cost events are written, by an heir."""
        over = self.reservations.expire(now_s)
        self.cap -= over
        return over > 0

    def claim(self, needed: Decimal, wanted: Decimal, now_s: float) -> BudgetClaim:
        """Return what to tell the owner: it will not spend more than its cap, unless it is granted more."""
        self._claim = BudgetClaim(
            tenant=self.tenant,
            holder=self.holder,
            day=self.day,
            sequence=1 if self._claim is None else self._claim.sequence + 1,
            cap_usd=self.cap,
            left_usd=max(ZERO, self.left),
            needed_usd=needed,
            wanted_usd=wanted,
        )
        self._claimed_s = now_s
        self._is_met = False
        self.top_up = ZERO
        return self._claim
