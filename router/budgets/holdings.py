"""What was granted of a tenant's budget, by day and holder, with the sums that each decision needs kept beside it.

A sum changes with the one holding that changes, so that a claim costs the same whether there are ten holders or a
thousand.
"""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from dataclasses import dataclass, replace
from decimal import Decimal

from router.budgets.rules import LEASE_S, ZERO
from schemas.message import MOST_USD

HoldingKey = tuple[str, str]
"""Day and holder."""


@dataclass(frozen=True, slots=True)
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


class Holdings:
    """The holdings of one tenant, the one that was not heard of for longest first."""

    __slots__ = ("_by_key", "_holders", "_outstanding")

    def __init__(self) -> None:
        self._by_key: OrderedDict[HoldingKey, Holding] = OrderedDict()
        self._holders: Counter[str] = Counter()
        self._outstanding: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)

    def __contains__(self, key: object) -> bool:
        return key in self._by_key

    def __getitem__(self, key: HoldingKey) -> Holding:
        return self._by_key[key]

    def __iter__(self) -> Iterator[HoldingKey]:
        return iter(self._by_key)

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: HoldingKey) -> Holding | None:
        """Return a holding, if there is one."""
        return self._by_key.get(key)

    def keys(self) -> KeysView[HoldingKey]:
        """Return all days and holders."""
        return self._by_key.keys()

    def values(self) -> ValuesView[Holding]:
        """Return all holdings."""
        return self._by_key.values()

    def items(self) -> ItemsView[HoldingKey, Holding]:
        """Return all with their days and holders."""
        return self._by_key.items()

    def holders(self, day: str) -> int:
        """Return how many hold something of the day."""
        return self._holders[day]

    def outstanding(self, window: str) -> Decimal:
        """Return what is granted of a day or month and has not been seen to be spent."""
        return self._outstanding.get(window, ZERO)

    def put(self, key: HoldingKey, holding: Holding) -> None:
        """Put a holding in the place of the one before, if there is one."""
        self._add(key, holding.outstanding - self._outstanding_of(key))
        self._holders[key[0]] += key not in self._by_key
        self._by_key[key] = holding

    def heard(self, key: HoldingKey, sequence: int, cap: Decimal, now_s: float) -> None:
        """Note a claim: the holder keeps no more than its cap."""
        known = self._by_key.get(key) or Holding()
        self.put(key, replace(known, granted=min(known.granted, cap), sequence=sequence, heard_s=now_s))
        self._by_key.move_to_end(key)

    def grant(self, key: HoldingKey, amount: Decimal) -> None:
        """Grant more."""
        known = self._by_key[key]
        self.put(key, replace(known, granted=known.granted + amount))

    def draw(self, key: HoldingKey, amount: Decimal) -> None:
        """Count what was spent of a grant; nothing, if it is none of these."""
        known = self._by_key.get(key)
        if known is not None:
            self.put(key, replace(known, drawn=min(known.drawn + amount, MOST_USD)))

    def taken_over(self, now_s: float) -> None:
        """Count all as heard of just now."""
        for key, holding in self._by_key.items():
            self._by_key[key] = replace(holding, heard_s=now_s)

    def forget(self, now_s: float) -> None:
        """Forget those that were not heard of for a lease."""
        while self._by_key:
            key = next(iter(self._by_key))
            if now_s < self._by_key[key].heard_s + LEASE_S:
                return
            self._add(key, -self._outstanding_of(key))
            del self._by_key[key]
            self._holders[key[0]] -= 1
            if not self._holders[key[0]]:
                self._forget_day(key[0])

    def _forget_day(self, day: str) -> None:
        del self._holders[day], self._outstanding[day]
        if not any(other.startswith(day[:7]) for other in self._holders):
            del self._outstanding[day[:7]]

    def _outstanding_of(self, key: HoldingKey) -> Decimal:
        known = self._by_key.get(key)
        return ZERO if known is None else known.outstanding

    def _add(self, key: HoldingKey, amount: Decimal) -> None:
        for window in (key[0], key[0][:7]):
            self._outstanding[window] += amount
