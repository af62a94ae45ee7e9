from dataclasses import replace

import pytest

from router.catalogue import HealthRules
from router.models.health import PANE_S, Reading, Window
from router.models.histogram import RELATIVE_ERROR
from schemas.health import HealthStatus

RULES = HealthRules()
NOW_S = 1_800_000_000.0
WELL = Reading(requests=100, error_rate=0.0, timeout_rate=0.0, p50_ms=300.0, p99_ms=900.0)


def window(*, answers: int = 0, errors: int = 0, timeouts: int = 0, at_s: float = NOW_S) -> Window:
    counted = Window(RULES.window_s)
    for _ in range(answers):
        counted.add(at_s, 300)
    for _ in range(errors):
        counted.add(at_s, 5, error=True)
    for _ in range(timeouts):
        counted.add(at_s, 20_000, error=True, timeout=True)
    return counted


@pytest.mark.parametrize(
    ("reading", "status"),
    [
        (WELL, HealthStatus.HEALTHY),
        (replace(WELL, p99_ms=1500.0, error_rate=0.02), HealthStatus.HEALTHY),
        (replace(WELL, p99_ms=1500.1), HealthStatus.DEGRADED),
        (replace(WELL, error_rate=0.021), HealthStatus.DEGRADED),
        (replace(WELL, p99_ms=3000.0, error_rate=0.05, timeout_rate=0.03), HealthStatus.DEGRADED),
        (replace(WELL, p99_ms=3000.1), HealthStatus.UNHEALTHY),
        (replace(WELL, error_rate=0.051), HealthStatus.UNHEALTHY),
        (replace(WELL, timeout_rate=0.031), HealthStatus.UNHEALTHY),
        (replace(WELL, requests=50), HealthStatus.HEALTHY),
        (replace(WELL, requests=49, error_rate=1.0), HealthStatus.IDLE),
        (Reading(100, 1.0, 0.0, None, None), HealthStatus.UNHEALTHY),
        (Reading(0, 0.0, 0.0, None, None), HealthStatus.IDLE),
    ],
)
def test_a_verdict_is_above_its_threshold_and_needs_enough_requests(reading: Reading, status: HealthStatus) -> None:
    assert reading.status(RULES) is status


def test_a_window_counts_timeouts_as_errors_too() -> None:
    reading = window(answers=90, errors=6, timeouts=4).read(NOW_S)
    assert (reading.requests, reading.error_rate, reading.timeout_rate) == (100, 0.1, 0.04)


def test_a_quick_refusal_does_not_make_a_model_look_fast_and_a_timeout_makes_it_look_slow() -> None:
    assert window(answers=10, errors=90).read(NOW_S).p50_ms == pytest.approx(300, rel=RELATIVE_ERROR)
    assert window(answers=50, timeouts=50).read(NOW_S).p99_ms == pytest.approx(20_000, rel=RELATIVE_ERROR)


def test_a_window_of_refusals_alone_has_no_latency() -> None:
    reading = window(errors=60).read(NOW_S)
    assert (reading.p50_ms, reading.p99_ms) == (None, None)


def test_the_window_slides() -> None:
    counted = window(errors=10)
    counted.add(NOW_S + 200, 300)
    assert counted.read(NOW_S + 200).requests == 11
    assert counted.read(NOW_S + RULES.window_s - PANE_S - 1).requests == 11
    assert counted.read(NOW_S + RULES.window_s + PANE_S).requests == 1
    assert counted.read(NOW_S + 1000).requests == 0


def test_a_reading_is_at_most_a_second_old() -> None:
    counted = window(answers=1)
    assert counted.read(NOW_S).requests == 1
    counted.add(NOW_S + 0.5, 300)
    assert counted.read(NOW_S + 0.5).requests == 1
    assert counted.read(NOW_S + 1.1).requests == 2


def test_what_came_before_a_recovery_is_forgotten_at_once() -> None:
    counted = window(errors=100)
    assert counted.read(NOW_S).requests == 100
    counted.forget()
    assert counted.read(NOW_S).requests == 0
    assert not counted.counts_as_failing(RULES, NOW_S)


@pytest.mark.parametrize(
    ("counted", "failing"),
    [
        (window(answers=95, errors=5), False),
        (window(answers=94, errors=6), True),
        (window(answers=97, timeouts=3), False),
        (window(answers=96, timeouts=4), True),
        (window(answers=43, errors=6), False),
        (window(answers=44, errors=6), True),
    ],
)
def test_a_window_is_failing_above_the_rates_that_are_unhealthy(counted: Window, failing: bool) -> None:  # noqa: FBT001 - a table
    assert counted.counts_as_failing(RULES, NOW_S) is failing


def test_whether_a_window_is_failing_is_said_of_this_very_moment() -> None:
    counted = window(answers=44, errors=5)
    counted.read(NOW_S)
    counted.add(NOW_S, 5, error=True)
    assert counted.counts_as_failing(RULES, NOW_S)
    assert not counted.counts_as_failing(RULES, NOW_S + 1000)


def test_a_window_that_nobody_reads_keeps_no_more_than_its_panes() -> None:
    counted = Window(RULES.window_s)
    for second in range(0, 100_000, 5):
        counted.add(NOW_S + second, 300)
    assert len(counted._panes) <= RULES.window_s / PANE_S + 1
