"""The shared health of one model: its figures, its verdicts, and who has which share of its limit."""

from dataclasses import replace
from itertools import pairwise
from math import floor
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from router.catalogue import HealthRules
from router.models.aggregator import HealthAggregator
from router.models.health import DWELL_S, SEVERITY, Reading, Standing
from router.models.histogram import SCALE, Histogram
from router.models.panes import Pane
from router.models.sources import MOST_RANGES, SequenceSet, Sources
from router.sharing.member import GONE_S
from schemas.health import BreakerState, HealthCause, HealthStatus, ModelHealth, ModelStats
from schemas.vocabulary import AttemptOutcome
from tests.stage import ALPHA, NOW_S, ONE

RULES = HealthRules(min_requests=5)
CATALOGUE = replace(ONE, health=RULES)


def delta(worker: str, sequence: int, at_s: float, latencies_ms: list[float], **snapshot: object) -> ModelStats:
    histogram = Histogram()
    for latency_ms in latencies_ms:
        histogram.add(latency_ms)
    fields: dict[str, object] = {
        "worker": worker,
        "epoch": 1,
        "sequence": sequence,
        "request_model": ALPHA.name,
        "second": int(at_s),
        "outcomes": {AttemptOutcome.SUCCEEDED: len(latencies_ms)} if latencies_ms else {},
        "latency_buckets": histogram.buckets,
        "latency_scale": SCALE,
        "calls": len(latencies_ms),
        "share_per_minute": 1000,
        **snapshot,
    }
    return ModelStats.model_validate(fields)


def exact_p99(latencies_ms: list[float]) -> float:
    return sorted(latencies_ms)[floor(0.99 * (len(latencies_ms) - 1))]


def test_the_p99_of_100_000_random_latencies_of_five_workers_is_within_1_percent_of_the_exact_one() -> None:
    dice, aggregator = Random(7), HealthAggregator(CATALOGUE, ALPHA)  # noqa: S311 - a test's dice
    latencies_ms: list[float] = []
    for number in range(1000):
        found = [dice.lognormvariate(6, 0.8) if dice.random() < 0.995 else 20_000 for _ in range(100)]
        latencies_ms += found
        aggregator.ingest(delta(f"w{number % 5}", number, NOW_S + number % 290, found), NOW_S + 290)
    p99_ms = aggregator.health(NOW_S + 290).p99_ms
    assert p99_ms is not None
    assert abs(p99_ms - exact_p99(latencies_ms)) <= 0.01 * exact_p99(latencies_ms)


@given(numbers=st.lists(st.integers(0, 30)))
def test_a_set_of_ranges_is_a_set(numbers: list[int]) -> None:
    seen, known = SequenceSet(), set[int]()
    for number in numbers:
        assert seen.add(number) == (number not in known)
        known.add(number)
    assert {number for first, last in seen.ranges for number in range(first, last + 1)} == known
    assert all(before[1] + 1 < after[0] for before, after in pairwise(seen.ranges)), "neighbours are one range"


def test_panes_that_have_left_the_window_are_dropped_and_later_deltas_of_them_are_not_taken() -> None:
    aggregator = HealthAggregator(CATALOGUE, ALPHA)
    assert aggregator.ingest(delta("a", 0, NOW_S, [100.0]), NOW_S + 1) is not None
    assert aggregator.health(NOW_S + 1).requests == 1
    late_s = NOW_S + aggregator.kept_s
    assert aggregator.ingest(delta("a", 1, NOW_S, [100.0]), late_s) is None
    aggregator.expire(late_s + 10)
    assert aggregator.ingest(delta("a", 2, NOW_S + 500, [100.0]), NOW_S) is None, "from a wrong clock"
    assert aggregator.health(NOW_S + 1).requests == 0


def test_a_pane_holds_what_each_worker_did_no_longer_than_the_minute_of_the_limits() -> None:
    aggregator = HealthAggregator(CATALOGUE, ALPHA)
    panes = [aggregator.ingest(delta(f"w{n}", n, NOW_S, [300.0]), NOW_S + 1, n) for n in range(1000)]
    pane = panes[0]
    assert pane is not None
    assert aggregator.expire(NOW_S + 60) == []
    assert len(pane.stored()) > 9_000
    assert aggregator.expire(NOW_S + 90) == [pane]
    assert aggregator.expire(NOW_S + 91) == [], "once"
    assert len(pane.stored()) < 200
    assert Pane.restored(pane.stored()).requests == 1000


def test_numbers_of_a_source_that_come_with_many_gaps_are_remembered_within_bounds() -> None:
    sources = Sources()
    assert all(sources.ingest(delta("a", 2 * number, NOW_S, []), NOW_S) for number in range(1000))
    assert not sources.ingest(delta("a", 1998, NOW_S, []), NOW_S)
    (source,) = sources._lives.values()
    assert len(source.known.ranges) == MOST_RANGES


def test_slow_calls_under_way_are_in_the_window_before_they_end() -> None:
    aggregator = HealthAggregator(CATALOGUE, ALPHA)
    aggregator.ingest(delta("a", 0, NOW_S, [300.0] * 50), NOW_S + 1)
    assert aggregator.health(NOW_S + 1).status is HealthStatus.HEALTHY
    aggregator.ingest(delta("a", 1, NOW_S + 1, [], in_flight=9, slow_in_flight=9, stuck_in_flight=4), NOW_S + 2)
    found = aggregator.health(NOW_S + 2)
    assert (found.status, found.cause, found.requests) == (HealthStatus.UNHEALTHY, HealthCause.LATENCY, 59)


def test_a_recovery_by_probes_starts_the_window_anew() -> None:
    aggregator = HealthAggregator(CATALOGUE, ALPHA)
    failed = {AttemptOutcome.UNAVAILABLE: 20}
    aggregator.ingest(delta("a", 0, NOW_S, [], outcomes=failed, breaker=BreakerState.OPEN), NOW_S + 1)
    assert aggregator.health(NOW_S + 1).status is HealthStatus.UNHEALTHY
    aggregator.ingest(delta("a", 1, NOW_S + 30, [300.0] * 3), NOW_S + 31)
    found = aggregator.health(NOW_S + 31)
    assert (found.status, found.requests, found.breakers) == (HealthStatus.IDLE, 0, {})
    assert found.window_from is not None
    aggregator.ingest(delta("a", 2, NOW_S + 40, [300.0] * 9), NOW_S + 41)
    assert aggregator.health(NOW_S + 41).status is HealthStatus.HEALTHY


def test_silence_after_a_takeover_is_no_recovery() -> None:
    aggregator = HealthAggregator(CATALOGUE, ALPHA)
    aggregator.ingest(delta("a", 0, NOW_S, [], breaker=BreakerState.OPEN), NOW_S + 1)
    before = aggregator.health(NOW_S + 1)
    assert (before.status, before.cause) == (HealthStatus.UNHEALTHY, HealthCause.BREAKERS)
    next_owner = HealthAggregator(CATALOGUE, ALPHA)
    next_owner.restore([], before, NOW_S + 3)
    assert next_owner.health(NOW_S + 3).status is HealthStatus.UNHEALTHY
    assert next_owner.health(NOW_S + 3 + GONE_S).status is HealthStatus.IDLE


def test_what_was_published_long_ago_reserves_nothing_for_workers_of_then() -> None:
    aggregator = HealthAggregator(CATALOGUE, ALPHA)
    aggregator.ingest(delta("then", 0, NOW_S, []), NOW_S)
    long_ago = aggregator.health(NOW_S)
    assert long_ago.shares == {"then": ALPHA.requests_per_minute}
    for gap_s, share in ((20, 20), (120, ALPHA.requests_per_minute)):
        next_owner, now_s = HealthAggregator(CATALOGUE, ALPHA), NOW_S + gap_s
        next_owner.restore([], long_ago, now_s)
        next_owner.ingest(delta("now", 0, now_s, [], share_per_minute=20), now_s)
        assert next_owner.health(now_s + 1).shares["now"] == share


def test_a_worker_that_is_silent_or_says_goodbye_is_gone_and_its_calls_are_not() -> None:
    aggregator = HealthAggregator(CATALOGUE, ALPHA)
    aggregator.ingest(delta("a", 0, NOW_S, [300.0] * 400), NOW_S)
    aggregator.ingest(delta("b", 0, NOW_S, [], leaving=True), NOW_S)
    found = aggregator.health(NOW_S + 1)
    assert (found.workers, found.shares) == (1, {"a": ALPHA.requests_per_minute})
    aggregator.ingest(delta("c", 0, NOW_S + 8, [], share_per_minute=20), NOW_S + 8)
    found = aggregator.health(NOW_S + 8)
    assert (found.workers, found.shares) == (1, {"c": ALPHA.requests_per_minute - 400})
    aggregator.ingest(delta("c", 1, NOW_S + 62, [], share_per_minute=600), NOW_S + 62)
    assert aggregator.health(NOW_S + 62).shares == {"c": ALPHA.requests_per_minute}


READINGS = st.builds(
    Reading,
    requests=st.sampled_from([0, 3, 60]),
    error_rate=st.sampled_from([0.0, 0.015, 0.021, 0.045, 0.051]),
    timeout_rate=st.sampled_from([0.0, 0.025, 0.031]),
    p50_ms=st.just(100.0),
    p99_ms=st.sampled_from([100.0, 1300.0, 1501.0, 2900.0, 3001.0]),
)


@given(readings=st.lists(st.tuples(st.floats(0.1, 20), READINGS), max_size=40))
def test_a_status_is_never_better_than_its_entering_thresholds_and_does_not_flap(
    readings: list[tuple[float, Reading]],
) -> None:
    rules, standing, now_s = HealthRules(min_requests=50), Standing(), NOW_S
    for gap_s, reading in readings:
        now_s += gap_s
        before, standing = standing, standing.after(reading, rules, now_s)
        plain = reading.status(rules)
        assert SEVERITY[standing.status] >= SEVERITY[plain]
        if SEVERITY[standing.status] < SEVERITY[before.status] and standing.status is not HealthStatus.IDLE:
            assert now_s - before.since_s >= DWELL_S
            assert SEVERITY[reading.status(rules, scale=0.8)] <= SEVERITY[standing.status]


def test_health_of_the_board_is_a_record() -> None:
    aggregator = HealthAggregator(CATALOGUE, ALPHA)
    aggregator.ingest(delta("a", 0, NOW_S, [300.0] * 9), NOW_S)
    found = aggregator.health(NOW_S + 1)
    assert ModelHealth.decode(found.encode()) == found
