"""Deltas of many workers, merged by one owner after another, against a list of everything that was told."""

from collections import Counter
from dataclasses import dataclass, replace
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from router.catalogue import HealthRules
from router.models.aggregator import AHEAD_S, HealthAggregator
from router.models.histogram import RELATIVE_ERROR, SCALE, Histogram
from router.models.panes import FAILURES, Pane, pane_number
from schemas.health import ModelHealth, ModelStats
from schemas.vocabulary import AttemptOutcome
from tests.examples import examples
from tests.stage import ALPHA, NOW_S, ONE

WINDOW_S = 60.0
CATALOGUE = replace(ONE, health=HealthRules(window_s=WINDOW_S, min_requests=5))
OUTCOMES = st.sampled_from([AttemptOutcome.TIMEOUT, AttemptOutcome.UNAVAILABLE, AttemptOutcome.RATE_LIMITED])


@dataclass(frozen=True, slots=True)
class Told:
    """A delta, and what is in it."""

    stats: ModelStats
    latencies_ms: tuple[float, ...]
    failed: Counter[AttemptOutcome]

    @property
    def errors(self) -> int:
        return sum(number for outcome, number in self.failed.items() if outcome in FAILURES)


class MergeMachine(RuleBasedStateMachine):
    """Deltas are written late, twice and in any order; an owner that ends leaves what it has stored of them."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = NOW_S
        self.sequence = count()
        self.aggregator = HealthAggregator(CATALOGUE, ALPHA)
        self.on_its_way: list[Told] = []
        self.log: list[Told] = []
        self.position = 0
        self.committed = 0
        self.taken: dict[int, Told] = {}
        """By offset, what is in a pane."""
        self.dirty: dict[int, Pane] = {}
        self.stored: dict[int, bytes] = {}
        self.stored_to: dict[int, int] = {}
        self.published: ModelHealth | None = None

    @rule(
        worker=st.sampled_from("abc"),
        age_s=st.integers(0, 40),
        latencies_ms=st.lists(st.floats(1, 60_000), max_size=4),
        failed=st.lists(OUTCOMES, max_size=3),
    )
    def a_worker_tells(self, worker: str, age_s: int, latencies_ms: list[float], failed: list[AttemptOutcome]) -> None:
        histogram = Histogram()
        for latency_ms in latencies_ms:
            histogram.add(latency_ms)
        outcomes = Counter(failed)
        stats = ModelStats(
            worker=worker,
            epoch=1,
            sequence=next(self.sequence),
            request_model=ALPHA.name,
            second=int(self.now_s) - age_s,
            outcomes={AttemptOutcome.SUCCEEDED: len(latencies_ms), **outcomes},
            latency_buckets=histogram.buckets,
            latency_scale=SCALE,
        )
        self.on_its_way.append(Told(stats, tuple(latencies_ms), outcomes))

    @precondition(lambda self: self.on_its_way)
    @rule(data=st.data())
    def one_is_written(self, data: st.DataObject) -> None:
        self.log.append(self.on_its_way.pop(data.draw(st.integers(0, len(self.on_its_way) - 1))))

    @precondition(lambda self: self.position < len(self.log))
    @rule()
    def one_is_delivered(self) -> None:
        offset, told = self.position, self.log[self.position]
        self.position += 1
        pane = self.aggregator.ingest(told.stats, self.now_s, offset)
        in_time = self.now_s - self.aggregator.kept_s < told.stats.second < self.now_s + AHEAD_S
        is_known = any(one is told for one in self.taken.values())
        assert (pane is not None) == (in_time and not is_known)
        if pane is not None:
            self.taken[offset] = told
            self.dirty[pane.number] = pane

    @precondition(lambda self: self.position == len(self.log) > self.committed)
    @rule(data=st.data())
    def one_is_written_twice(self, data: st.DataObject) -> None:
        self.log.append(self.log[data.draw(st.integers(self.committed, len(self.log) - 1))])

    @rule(seconds=st.sampled_from([0.5, 5.0, WINDOW_S / 2, WINDOW_S, 2 * WINDOW_S]))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds

    @precondition(lambda self: self.dirty)
    @rule(data=st.data())
    def the_owner_ends_while_it_stores(self, data: st.DataObject) -> None:
        self._store(data.draw(st.sampled_from(sorted(self.dirty))))
        self.the_owner_ends()

    @rule()
    def the_owner_stores(self) -> None:
        for pane in self.aggregator.expire(self.now_s):
            self.dirty[pane.number] = pane
        for number in list(self.dirty):
            self._store(number)
        self.dirty.clear()
        self.committed = self.position

    @rule()
    def the_owner_ends(self) -> None:
        self.aggregator = HealthAggregator(CATALOGUE, ALPHA)
        self.aggregator.restore(map(Pane.restored, self.stored.values()), self.published, self.now_s)
        self.taken = {
            offset: told
            for offset, told in self.taken.items()
            if offset < self.stored_to.get(pane_number(told.stats.second), 0)
        }
        self.position = self.committed
        self.dirty.clear()

    def _store(self, number: int) -> None:
        self.stored[number] = self.dirty[number].stored()
        self.stored_to[number] = self.dirty[number].read_to

    @invariant()
    def what_was_taken_counts_once_while_it_is_in_the_window(self) -> None:
        oldest = pane_number(self.now_s - WINDOW_S)
        inside = [told for told in self.taken.values() if pane_number(told.stats.second) > oldest]
        answers = sorted(latency_ms for told in inside for latency_ms in told.latencies_ms)
        errors = sum(told.errors for told in inside)
        health = self.published = self.aggregator.health(self.now_s)
        assert health.requests == len(answers) + errors
        timeouts = sum(told.failed[AttemptOutcome.TIMEOUT] for told in inside)
        assert health.error_rate == errors / max(1, health.requests)
        assert health.timeout_rate == timeouts / max(1, health.requests)
        if answers:
            exact_ms = answers[int(0.99 * (len(answers) - 1))]
            assert health.p99_ms is not None
            assert abs(health.p99_ms - exact_ms) <= RELATIVE_ERROR * 1.001 * exact_ms


TestMerge = MergeMachine.TestCase
TestMerge.settings = settings(max_examples=examples(60), stateful_step_count=40, deadline=None)
