"""Ten seconds of one model, as all workers saw them: deltas that merge in any order, each exactly once.

A pane knows up to which offset of their topic its deltas are in it, so what is delivered again to the next owner counts
once. What each worker did stays in it while it is needed for the limits, a minute; then it is sums, whatever the number
of workers.
"""

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


class StoredPane(BaseModel):
    """A pane as the table's changelog keeps it, JSON."""

    model_config = ConfigDict(frozen=True)

    number: Count
    outcomes: dict[AttemptOutcome, Count]
    buckets: dict[Bucket, Count]
    tokens: Count
    read_to: Count
    calls: dict[Count, dict[str, Count]] = {}
    accounts: dict[str, dict[str, dict[Count, tuple[Count, Count, Count]]]] = {}


@dataclass(slots=True)
class Pane:
    """What happened to a model in one pane.

    `calls` are those that began, by second and worker; `accounts` what each account was used for, by worker and second.
    Both are there until the pane is settled.
    """

    number: int
    outcomes: Counter[AttemptOutcome] = field(default_factory=Counter)
    latency: Histogram = field(default_factory=Histogram)
    tokens: int = 0
    read_to: int = 0
    """The offset below which every delta of the pane is in it."""
    calls: dict[int, dict[str, int]] = field(default_factory=dict)
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

    def merge(self, stats: ModelStats, offset: int | None = None) -> bool:
        """Add one delta; False if it is in already. Deltas of a topic come in the order of their offsets.

        Raises:
            ValueError: its histogram has another scale.
        """
        if stats.latency_scale != SCALE:
            raise ValueError(f"latency_scale is {stats.latency_scale}; this version merges scale {SCALE}")
        if offset is not None:
            if offset < self.read_to:
                return False
            self.read_to = offset + 1
        self.outcomes.update(stats.outcomes)
        for bucket, hits in stats.latency_buckets.items():
            self.latency.add_to_bucket(bucket, hits)
        self.tokens += stats.input_tokens + stats.output_tokens
        if stats.calls:
            by_worker = self.calls.setdefault(stats.second, {})
            by_worker[stats.worker] = by_worker.get(stats.worker, 0) + stats.calls
        for account, told in stats.accounts.items():
            use = Use(told.calls, told.input_tokens, told.output_tokens)
            if use != NOTHING:
                seconds = self.accounts.setdefault(account, {}).setdefault(stats.worker, {})
                seconds[stats.second] = seconds.get(stats.second, NOTHING).plus(use)
        return True

    def settle(self) -> bool:
        """Forget what each worker did, once no minute reaches into the pane; False if it is forgotten already."""
        if not self.calls and not self.accounts:
            return False
        self.calls, self.accounts = {}, {}
        return True

    def stored(self) -> bytes:
        """Return the pane for the changelog."""
        stored = StoredPane(
            number=self.number,
            outcomes=dict(self.outcomes),
            buckets=self.latency.buckets,
            tokens=self.tokens,
            read_to=self.read_to,
            calls=self.calls,
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
            read_to=stored.read_to,
            calls=stored.calls,
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
