"""When to call the same model again, and how many calls may be retries at all."""

from collections import deque
from collections.abc import Callable

from router.catalogue import RetryRules

Chance = Callable[[], float]
"""Returns a number from 0 up to, but not, 1."""


def backoff_s(rules: RetryRules, failures: int, chance: Chance) -> float:
    """Return the pause after the `failures`-th failure in seconds: exponential, with full jitter.

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
    """
    return chance() * min(rules.max_s, rules.base_s * 2.0 ** (failures - 1))


BUDGET_WINDOW_S = 10


class RetryBudget:
    """Keeps a storm of failures from becoming a storm of calls: retries are a share of the first calls, and a floor.

    A retry is every call of a request after its first, of whatever model. Memory: two counts a second of the window.
    Source: Finagle's RetryBudget (20 % of the requests of the last 10 s and 10 a second).
    """

    __slots__ = ("_firsts", "_retries", "_rules")

    def __init__(self, rules: RetryRules) -> None:
        self._rules = rules
        self._firsts = _Recent()
        self._retries = _Recent()

    def ready_at(self, now_s: float) -> float:
        """Return when a retry may be made: `now_s`, or the second after which to ask again."""
        second = int(now_s)
        allowed = self._rules.budget_ratio * self._firsts.total(second)
        allowed += self._rules.budget_floor_per_s * BUDGET_WINDOW_S
        return now_s if self._retries.total(second) + 1 <= allowed else float(second + 1)

    def called(self, now_s: float, *, retry: bool) -> None:
        """Count a call."""
        (self._retries if retry else self._firsts).add(int(now_s))


class _Recent:
    """How often something happened in the last `BUDGET_WINDOW_S` seconds."""

    __slots__ = ("_counts", "_total")

    def __init__(self) -> None:
        self._counts: deque[list[int]] = deque()
        self._total = 0

    def add(self, second: int) -> None:
        if not self._counts or self._counts[-1][0] < second:
            self._counts.append([second, 0])
        self._counts[-1][1] += 1
        self._total += 1

    def total(self, second: int) -> int:
        while self._counts and self._counts[0][0] <= second - BUDGET_WINDOW_S:
            self._total -= self._counts.popleft()[1]
        return self._total
