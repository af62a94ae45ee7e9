"""Deltas of many workers, merged by one owner after another, against a list of everything that was told."""

from collections import Counter
from dataclasses import dataclass, replace
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from router.catalogue import HealthRules
from router.models.aggregator import AHEAD_S, PANES_KEPT_S, HealthAggregator
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
    """Deltas come late, twice and in any order; what is not stored when the owner ends comes again."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = NOW_S
        self.sequence = count()
        self.aggregator = HealthAggregator(CATALOGUE, ALPHA)
        self.on_its_way: list[Told] = []
        self.taken: list[Told] = []
        self.unacknowledged: list[Told] = []
        self.dirty: dict[int, Pane] = {}
        self.stored: dict[int, bytes] = {}
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
    def one_is_delivered(self, data: st.DataObject) -> None:
        told = self.on_its_way.pop(data.draw(st.integers(0, len(self.on_its_way) - 1)))
        pane = self.aggregator.ingest(told.stats, self.now_s)
        assert (pane is not None) == (self.now_s - PANES_KEPT_S < told.stats.second < self.now_s + AHEAD_S)
        if pane is not None:
            self.taken.append(told)
            self.unacknowledged.append(told)
            self.dirty[pane.number] = pane

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def one_is_delivered_again(self, data: st.DataObject) -> None:
        assert self.aggregator.ingest(data.draw(st.sampled_from(self.taken)).stats, self.now_s) is None

    @rule(seconds=st.sampled_from([0.5, 5.0, WINDOW_S / 2, WINDOW_S, 2 * WINDOW_S, PANES_KEPT_S]))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds

    @rule()
    def the_owner_stores(self) -> None:
        self.stored.update((number, pane.stored()) for number, pane in self.dirty.items())
        for number in self.aggregator.expire(self.now_s):
            self.stored.pop(number, None)
        self.dirty.clear()
        self.unacknowledged.clear()

    @rule()
    def the_owner_ends(self) -> None:
        self.aggregator = HealthAggregator(CATALOGUE, ALPHA)
        self.aggregator.restore(map(Pane.restored, self.stored.values()), self.published, self.now_s)
        self.taken = [told for told in self.taken if told not in self.unacknowledged]
        self.on_its_way += self.unacknowledged
        self.unacknowledged.clear()
        self.dirty.clear()

    @invariant()
    def what_was_taken_counts_once_while_it_is_in_the_window(self) -> None:
        oldest = pane_number(self.now_s - WINDOW_S)
        inside = [told for told in self.taken if pane_number(told.stats.second) > oldest]
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
