"""How long a model's batches take, and whether they are late: over a window of those that have ended.

A model's batches are late when the last `LATE_IN_A_ROW` of them were. Then new batches are kept away for `AWAY_S`,
after which one may show that it is better; the next one that is late keeps them away again.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

WINDOW_S = 7 * 86_400.0
MOST = 200
"""Batches that are remembered of one model."""
LATE_IN_A_ROW = 2
MOST_MARGIN_S = 3600.0
"""The margin before a deadline grows no further with the time that reading takes, seconds."""
AWAY_S = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Ran:
    """A batch that has ended, seconds."""

    ended_s: float
    took_s: float
    """From its creation to its end; of one that was late, what it had taken until its first deadline, at least."""
    was_late: bool = False
    read_s: float = 0.0
    """From its end until the last of its answers was published."""


class Durations:
    """Of one model at one provider."""

    __slots__ = ("_ran",)

    def __init__(self, ran: Iterable[Ran] = ()) -> None:
        self._ran = deque(ran, MOST)

    def add(self, ran: Ran) -> None:
        """Remember a batch that has ended."""
        self._ran.append(ran)

    def all(self) -> tuple[Ran, ...]:
        """Return all that are remembered."""
        return tuple(self._ran)

    def took_s(self, share: float, now_s: float) -> float | None:
        """Return the time in which a share (0 to 1) of the window's batches ended; None of none."""
        return _quantile([one.took_s for one in self._within(now_s)], share)

    def read_s(self, share: float, now_s: float) -> float:
        """Return the time in which a share of the window's batches was published after its end; 0 of none."""
        return _quantile([one.read_s for one in self._within(now_s)], share) or 0.0

    def late_until_s(self, now_s: float) -> float | None:
        """Return until when new batches are kept away; None if they are not."""
        last = list(self._within(now_s))[-LATE_IN_A_ROW:]
        if len(last) < LATE_IN_A_ROW or not all(one.was_late for one in last):
            return None
        until_s = last[-1].ended_s + AWAY_S
        return until_s if until_s > now_s else None

    def _within(self, now_s: float) -> Iterable[Ran]:
        return (one for one in self._ran if one.ended_s > now_s - WINDOW_S)


def _quantile(values: list[float], share: float) -> float | None:
    """Return the smallest value that a share of all do not exceed: the nearest rank."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)] if values else None


@dataclass(frozen=True, slots=True)
class DeadlineRules:
    """When requests are handed back to the live path."""

    margin_s: float = 300.0
    """The least time before its deadline that the live path has for a request."""
    most_margin_s: float = MOST_MARGIN_S


def margin_s(rules: DeadlineRules, durations: Durations, now_s: float) -> float:
    """Return how long before its deadline a request is handed back: the setting, and as long as reading takes.

    A batch that ends just before is still published in time, as 99 of a hundred are read within that.
    """
    return min(rules.margin_s + durations.read_s(0.99, now_s), max(rules.most_margin_s, rules.margin_s))


def takes_s(rules: DeadlineRules, durations: Durations, now_s: float) -> float | None:
    """Return how long before its first deadline a batch has to go; None: nothing is known of this model's batches."""
    took = durations.took_s(0.99, now_s)
    return None if took is None else took + margin_s(rules, durations, now_s)
