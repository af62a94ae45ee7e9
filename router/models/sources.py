"""The workers that tell deltas, over all models: who is there, what of each is known already, and how often to tell.

A worker numbers its deltas over all of its models. One that comes a second time, because a producer was not sure that
the first had been written, is told by its number; one that is delivered again to another owner, by its offset
(`router.models.panes`).
"""

from bisect import bisect_right
from dataclasses import dataclass, field

from router.sharing.member import GONE_S, REPORT_EVERY_S
from schemas.health import ModelStats

DELTAS_PER_S = 4000
"""So many deltas a second are asked for of all workers, of all models: a tenth of what one core takes
(`make bench-keepers`)."""
MOST_REPORT_EVERY_S = 10.0
"""Longest time between two reports of a worker on a model, seconds. What is bad news is told at once all the same."""
KEPT_S = 300.0
"""A producer gives up a record long before that; then a worker's numbers are forgotten, seconds after its last one."""
MOST_RANGES = 32
"""Of one worker's numbers; below them all numbers count as known."""


class SequenceSet:
    """A set of sequence numbers that is nearly without gaps, as ranges."""

    __slots__ = ("ranges",)

    def __init__(self, ranges: list[tuple[int, int]] | None = None) -> None:
        self.ranges: list[tuple[int, int]] = ranges or []

    def add(self, number: int) -> bool:
        """Put a number in; False if it was there."""
        place = bisect_right(self.ranges, (number, number))
        before = self.ranges[place - 1] if place else None
        after = self.ranges[place] if place < len(self.ranges) else None
        if (before and number <= before[1]) or (after and number == after[0]):
            return False
        first, last = number, number
        if before and before[1] == number - 1:
            first, place = before[0], place - 1
            del self.ranges[place]
        if after and after[0] == number + 1:
            last = after[1]
            del self.ranges[place]
        self.ranges.insert(place, (first, last))
        return True


@dataclass(slots=True)
class _Source:
    """One life of a worker."""

    heard_s: float
    known: SequenceSet = field(default_factory=SequenceSet)


class Sources:
    """The workers of all models, as the owner of the aggregates hears them. Not for several threads."""

    def __init__(self, models: int = 1) -> None:
        """Take the number of models of which they tell."""
        self._models = models
        self._lives: dict[tuple[str, int], _Source] = {}
        self._heard_s: dict[str, float] = {}

    def ingest(self, stats: ModelStats, now_s: float) -> bool:
        """Note the number of a delta; False if it is known."""
        life = (stats.worker, stats.epoch)
        source = self._lives.get(life)
        if source is None:
            source = self._lives[life] = _Source(now_s)
        if not source.known.add(stats.sequence):
            return False
        ranges = source.known.ranges
        if len(ranges) > MOST_RANGES:
            ranges[:2] = [(ranges[0][0], ranges[1][1])]
        source.heard_s = now_s
        return True

    def hear(self, worker: str, now_s: float) -> None:
        """Take in that a worker has just spoken."""
        self._heard_s[worker] = now_s

    def is_present(self, worker: str, now_s: float) -> bool:
        """Say whether a worker has spoken lately, of whichever model."""
        return now_s - self._heard_s.get(worker, float("-inf")) <= GONE_S

    def expire(self, now_s: float) -> None:
        """Forget those that were not heard for long."""
        for worker in [worker for worker, heard_s in self._heard_s.items() if now_s - heard_s > GONE_S]:
            del self._heard_s[worker]
        for life in [life for life, source in self._lives.items() if now_s - source.heard_s > KEPT_S]:
            del self._lives[life]

    @property
    def report_every_s(self) -> float:
        """How long a worker lets what it has seen of a model come together before it tells, seconds."""
        asked = len(self._heard_s) * self._models / DELTAS_PER_S
        return float(round(min(MOST_REPORT_EVERY_S, max(REPORT_EVERY_S, asked))))
