"""Ten seconds of one model, as all workers saw them: deltas that merge in any order, each exactly once."""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

from pydantic import BaseModel, ConfigDict

from router.errors import DISPOSITIONS, Blame
from router.models.health import PANE_S
from router.models.histogram import SCALE, Histogram
from router.sharing.account_minute import NOTHING, Use
from schemas.health import Bucket, ModelStats
from schemas.message import Count
from schemas.vocabulary import AttemptOutcome

FAILURES = frozenset(outcome for outcome, said in DISPOSITIONS.items() if said.blame is Blame.MODEL)
"""The outcomes that are held against a model. Those that are not, and are no answers, say nothing about it."""


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


class StoredPane(BaseModel):
    """A pane as the table's changelog keeps it, JSON."""

    model_config = ConfigDict(frozen=True)

    number: Count
    outcomes: dict[AttemptOutcome, Count]
    buckets: dict[Bucket, Count]
    tokens: Count
    calls: dict[str, dict[Count, Count]]
    seen: dict[str, list[tuple[Count, Count]]]
    accounts: dict[str, dict[str, dict[Count, tuple[Count, Count, Count]]]] = {}


@dataclass(slots=True)
class Pane:
    """What happened to a model in one pane.

    `calls` are those that began, by worker and second; `accounts` what each account was used for, likewise.
    """

    number: int
    outcomes: Counter[AttemptOutcome] = field(default_factory=Counter)
    latency: Histogram = field(default_factory=Histogram)
    tokens: int = 0
    calls: dict[str, Counter[int]] = field(default_factory=dict)
    seen: dict[str, SequenceSet] = field(default_factory=dict)
    accounts: dict[str, dict[str, dict[int, Use]]] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """Calls that say something about the model."""
        return self.outcomes[AttemptOutcome.SUCCEEDED] + self.errors

    @property
    def errors(self) -> int:
        """Calls that failed for a reason of the model's."""
        return sum(count for outcome, count in self.outcomes.items() if outcome in FAILURES)

    @property
    def timeouts(self) -> int:
        """Those of the errors that were timeouts."""
        return self.outcomes[AttemptOutcome.TIMEOUT]

    def merge(self, stats: ModelStats) -> bool:
        """Add one delta; False if it is in already.

        Raises:
            ValueError: its histogram has another scale.
        """
        if stats.latency_scale != SCALE:
            raise ValueError(f"latency_scale is {stats.latency_scale}; this version merges scale {SCALE}")
        if not self.seen.setdefault(f"{stats.worker}/{stats.epoch}", SequenceSet()).add(stats.sequence):
            return False
        self.outcomes.update(stats.outcomes)
        for bucket, hits in stats.latency_buckets.items():
            self.latency.add_to_bucket(bucket, hits)
        self.tokens += stats.input_tokens + stats.output_tokens
        if stats.calls:
            self.calls.setdefault(stats.worker, Counter())[stats.second] += stats.calls
        for account, told in stats.accounts.items():
            use = Use(told.calls, told.input_tokens, told.output_tokens)
            if use != NOTHING:
                seconds = self.accounts.setdefault(account, {}).setdefault(stats.worker, {})
                seconds[stats.second] = seconds.get(stats.second, NOTHING).plus(use)
        return True

    def stored(self) -> bytes:
        """Return the pane for the changelog."""
        stored = StoredPane(
            number=self.number,
            outcomes=dict(self.outcomes),
            buckets=self.latency.buckets,
            tokens=self.tokens,
            calls={worker: dict(seconds) for worker, seconds in self.calls.items()},
            seen={source: seen.ranges for source, seen in self.seen.items()},
            accounts={
                account: {worker: dict(seconds) for worker, seconds in workers.items()}
                for account, workers in self.accounts.items()
            },
        )
        return stored.model_dump_json().encode()

    @classmethod
    def restored(cls, value: bytes) -> Self:
        """Read what `stored` wrote.

        Raises:
            pydantic.ValidationError: it did not.
        """
        stored = StoredPane.model_validate_json(value)
        pane = cls(
            number=stored.number,
            outcomes=Counter(stored.outcomes),
            tokens=stored.tokens,
            calls={worker: Counter(seconds) for worker, seconds in stored.calls.items()},
            seen={source: SequenceSet(list(ranges)) for source, ranges in stored.seen.items()},
            accounts={
                account: {
                    worker: {second: Use(*counts) for second, counts in seconds.items()}
                    for worker, seconds in workers.items()
                }
                for account, workers in stored.accounts.items()
            },
        )
        for bucket, hits in stored.buckets.items():
            pane.latency.add_to_bucket(bucket, hits)
        return pane


def pane_number(at_s: float) -> int:
    """Return the pane that holds a moment."""
    return int(at_s // PANE_S)
