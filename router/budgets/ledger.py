"""The owner's end of a tenant's budget: what was spent and what is granted. Rules: `router.budgets.rules`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from operator import itemgetter
from typing import Annotated

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from router.budgets.holdings import Holding, HoldingKey, Holdings
from router.budgets.rules import (
    REMEMBER_S,
    ZERO,
    day_of,
    limits_of,
    open_days,
    told_as,
    window_bounds,
)
from router.tenants import Tenant
from schemas.budgets import Budget, BudgetClaim, BudgetState, BudgetWindow, Grant
from schemas.message import MOST_USD, NANO_USD, Count, Day, EpochMs, Usd

GRANT_SHARE = 2
"""A claim gets one part in (SHARE x holders) of what is free, if it needs no more."""
LATE_EVENTS_TAKEN_S = 86_400.0
"""How long after its end a window still takes late events, seconds."""
WHOLE = Decimal(1)
RESERVATIONS = -1
"""Stands for the one partition of `llm.budget-reservations.v1` among those of the cost events."""


def _is_window(name: str) -> str:
    try:
        window_bounds(name)
    except OverflowError:
        raise ValueError("its end is beyond what can be told") from None
    return name


_Offset = Annotated[int, Field(ge=-1, le=2**63 - 1)]
_Window = Annotated[str, AfterValidator(_is_window)]


class _StoredLedger(BaseModel):
    """A ledger as the table keeps it, JSON."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    offset: _Offset
    """For earlier versions."""
    offsets: dict[Annotated[int, Field(ge=0)], _Offset] | None = None
    version: EpochMs
    """It goes on from the clock."""
    spent: dict[_Window, Usd]
    reserved: dict[_Window, Annotated[Decimal, Field(ge=-MOST_USD, le=MOST_USD, max_digits=40)]] = {}
    reserved_to: _Offset = -1
    told: dict[_Window, str]
    holdings: tuple[tuple[Day, str, Usd, Usd, Count, float], ...]


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
class BudgetLedger:
    """One tenant's money, as the owner keeps it: what was spent, by window, and what is granted, by day and holder."""

    tenant: Tenant
    offsets: dict[int, int] = field(default_factory=dict)
    """Of the last cost event that counts, by partition: one, unless partitions were added since."""
    unplaced: int = -1
    """The same where it was stored without its partition, as earlier versions did."""
    version: int = 0
    spent: dict[str, Decimal] = field(default_factory=dict)
    reserved: dict[str, Decimal] = field(default_factory=dict)
    """What is held for calls of the batch lane, by the window in which they were decided on. A sum of what was held and
    what was freed; as these come on two topics, it may be below 0 for a moment."""
    told: dict[str, Decimal] = field(default_factory=dict)
    """The highest share of the budget whose crossing was told, by window."""
    holdings: Holdings = field(default_factory=Holdings)
    _pending: dict[str, BudgetClaim] = field(default_factory=dict)
    _news: dict[HoldingKey, None] = field(default_factory=dict)
    """Holdings whose claim was not answered yet, or of which more was granted since: the next budget tells them."""

    @classmethod
    def load(cls, tenant: Tenant, value: bytes) -> "BudgetLedger":
        """Make the ledger again from what `dump` returned.

        Raises:
            ValueError: it did not.
        """
        stored = _StoredLedger.model_validate_json(value)
        ledger = cls(
            tenant,
            offsets={
                **(stored.offsets or {}),
                **({RESERVATIONS: stored.reserved_to} if stored.reserved_to >= 0 else {}),
            },
            unplaced=stored.offset if stored.offsets is None else -1,
            version=stored.version,
            spent=stored.spent,
            reserved=stored.reserved,
            told={window: _told_share(tenant, text) for window, text in stored.told.items()},
        )
        for day, holder, granted, drawn, sequence, heard_s in sorted(stored.holdings, key=itemgetter(-1)):
            ledger.holdings.put((day, holder), Holding(granted, drawn, sequence, heard_s))
        return ledger

    def dump(self) -> bytes:
        """Return everything but claims that wait: they are made again."""
        offsets = {str(one): offset for one, offset in self.offsets.items() if one != RESERVATIONS}
        reserved_to = self.offsets.get(RESERVATIONS)
        return orjson.dumps(
            {
                "offset": max(offsets.values(), default=self.unplaced),  # for earlier versions
                **({"offsets": offsets} if offsets else {}),
                **({} if reserved_to is None else {"reserved_to": reserved_to}),
                **({"reserved": _texts(self.reserved)} if self.reserved else {}),
                "version": self.version,
                "spent": _texts(self.spent),
                "told": _texts(self.told),
                "holdings": [
                    (*key, str(one.granted), str(one.drawn), one.sequence, one.heard_s)
                    for key, one in self.holdings.items()
                ],
            }
        )

    def counted_to(self, partition: int) -> int:
        """Return the offset of the partition's last cost event that counts; -1 without one."""
        return self.offsets.get(partition, -1 if partition == RESERVATIONS else self.unplaced)

    def count_to(self, partition: int, offset: int) -> None:
        """Note that the partition's events up to the offset are counted."""
        self.offsets[partition] = offset
        if partition != RESERVATIONS:
            self.unplaced = -1

    def spend(self, day: str, cost: Decimal, holder: str | None) -> None:
        """Count a cost event, of the day on which its call was made."""
        for window in (day, day[:7]):
            self.spent[window] = min(self.spent.get(window, ZERO) + cost, MOST_USD)
        self._draw(day, cost, holder)

    def reserve(self, day: str, amount: Decimal, holder: str | None) -> None:
        """Hold an amount for a call that was decided on that day, out of what its holder was granted, until `free`."""
        for window in (day, day[:7]):
            self.reserved[window] = min(self.reserved.get(window, ZERO) + amount, MOST_USD)
        self._draw(day, amount, holder)

    def free(self, day: str, amount: Decimal) -> None:
        """Hold it no more: the call is settled."""
        for window in (day, day[:7]):
            self.reserved[window] = max(self.reserved.get(window, ZERO) - amount, -MOST_USD)

    def _draw(self, day: str, amount: Decimal, holder: str | None) -> None:
        self.holdings.draw((day, holder or ""), amount)

    def held(self, window: str) -> Decimal:
        """Return what is held in a window for calls of the batch lane."""
        return max(ZERO, self.reserved.get(window, ZERO))

    def receive(self, claim: BudgetClaim, now_s: float) -> None:
        """Take in a claim, unless it is not newer than the last one, or of an earlier day of which nothing is held."""
        key = claim.day, claim.holder
        known = self.holdings.get(key)
        if known is None and claim.day < min(open_days(now_s)):
            return
        self._news[key] = None
        if known is not None and claim.sequence <= known.sequence:
            return
        self.holdings.heard(key, claim.sequence, claim.cap_usd, now_s)
        if claim.wanted_usd:
            self._pending[claim.holder] = claim  # in its old place, if it has one
        else:
            self._pending.pop(claim.holder, None)

    def taken_over(self, now_s: float) -> None:
        """Give every holder a whole lease: it is not known when the owner before heard of it."""
        self.holdings.taken_over(now_s)

    def tell_all(self) -> None:
        """Tell all grants again by the next budget: it is not known which of them were heard."""
        self._news = dict.fromkeys(self.holdings)

    def decide(self, now_s: float) -> Budget:
        """Grant what can be granted, forget what is over, and return what to tell everybody.

        Of the grants only those are told whose holder waits for an answer, or was granted more: a lease heeds no other.
        What requests wait for is granted whole, if there is enough, and first of all what has waited longest; a claim
        that cannot be met is kept for a while. While there is one nothing is granted beyond what is waited for.
        """
        days = open_days(now_s)
        self._forget(now_s)
        scarce = False
        for holder, claim in list(self._pending.items()):
            if claim.day not in days:
                continue
            day = claim.day
            limits = limits_of(self.tenant, day)
            needed = claim.needed_usd
            free = min((limit - self._committed(window) for window, limit in limits.items()), default=ZERO)
            waited_for = min(claim.wanted_usd, free) if needed else ZERO
            grant = max(needed, waited_for, ZERO if scarce else self._fair_part(free, day))
            if grant <= free:
                self.holdings.grant((day, holder), grant)
                self._news[day, holder] = None
            elif needed and all(limit - self.spent.get(window, ZERO) >= needed for window, limit in limits.items()):
                scarce = True
                continue
            del self._pending[holder]
        self.version += 1
        return self._budget(now_s, scarce=scarce)

    def _fair_part(self, free: Decimal, day: str) -> Decimal:
        return (free / (GRANT_SHARE * self.holdings.holders(day))).quantize(NANO_USD, ROUND_DOWN)

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
        """What is spent of the window, what is held, and what is granted and has not been seen to be either."""
        return self.spent.get(window, ZERO) + self.held(window) + self.holdings.outstanding(window)

    def _forget(self, now_s: float) -> None:
        day = min(open_days(now_s))
        self.holdings.forget(now_s)
        for holder, claim in list(self._pending.items()):
            heard = self.holdings.get((claim.day, holder))
            if heard is None or claim.day < day or now_s >= heard.heard_s + REMEMBER_S:
                del self._pending[holder]
        past = [window for window in self.spent if window < day[: len(window)] and not self._is_recent(window, now_s)]
        for window in past:
            del self.spent[window]
        for window in [one for one in self.reserved if one < day[: len(one)] and not self._is_recent(one, now_s)]:
            del self.reserved[window]
            self.told.pop(window, None)

    @staticmethod
    def _is_recent(window: str, now_s: float) -> bool:
        return now_s < window_bounds(window)[1].timestamp() + LATE_EVENTS_TAKEN_S

    def _shares_reached(self, window: str, limit: Decimal) -> list[Decimal]:
        """Return the shares of the budget that the spend has reached, rising; the last of all is 1."""
        spent = self.spent.get(window, ZERO)
        return [share for share in sorted({*self.tenant.alert_at, WHOLE}) if spent >= limit * share]

    def _budget(self, now_s: float, *, scarce: bool) -> Budget:
        day, days = day_of(now_s), open_days(now_s)
        news, self._news = self._news, {}
        limits = limits_of(self.tenant, day)
        windows = tuple(self._window(window, limits.get(window)) for window in (day, day[:7]))
        tightest = max(windows, key=lambda one: _ORDER.index(one.state))
        return Budget(
            tenant=self.tenant.name,
            **{name: value for name, value in vars(tightest).items() if name != "reserved_usd"},
            as_of=datetime.fromtimestamp(now_s, UTC),
            windows=windows,
            grants=tuple(
                Grant(holder=holder, day=of_day, granted_usd=one.granted, sequence=one.sequence)
                for of_day, holder in news
                if of_day in days and (one := self.holdings.get((of_day, holder))) is not None
            ),
            scarce=scarce,
            version=self.version,
        )

    def _window(self, window: str, limit: Decimal | None) -> BudgetWindow:
        reached = [] if limit is None else self._shares_reached(window, limit)
        return BudgetWindow(
            window=told_as(window)[0],
            window_start=window_bounds(window)[0],
            window_end=window_bounds(window)[1],
            spent_usd=self.spent.get(window, ZERO),
            limit_usd=limit,
            state=_state_at(reached[-1]) if reached else BudgetState.WITHIN,
            crossed=float(reached[-1]) if reached else None,
            reserved_usd=self.held(window),
        )


def _texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {window: str(amount) for window, amount in amounts.items()}


def _state_at(share: Decimal) -> BudgetState:
    return BudgetState.EXHAUSTED if share >= WHOLE else BudgetState.WARNED


def _told_share(tenant: Tenant, text: str) -> Decimal:
    """Read a share; before there were several thresholds, the state was stored."""
    states = {BudgetState.WARNED: min(tenant.alert_at, default=ZERO), BudgetState.EXHAUSTED: WHOLE}
    if text in states:
        return states[BudgetState(text)]
    try:
        share = Decimal(text)
    except ArithmeticError:
        share = Decimal("NaN")
    if not (share.is_finite() and ZERO <= share <= WHOLE):
        raise ValueError("a share is between 0 and 1")
    return share


_ORDER = tuple(BudgetState)
