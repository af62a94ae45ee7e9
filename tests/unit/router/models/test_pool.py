from dataclasses import replace

import pytest

from router.catalogue import BreakerRules, HealthRules
from router.errors import UpstreamFailure
from router.models.model_state import BYPASS_PAUSE_S, Bypass
from router.models.pool import DEFAULT_COOLDOWN_S, ModelPool
from router.sharing.member import Member
from schemas.health import BreakerState
from schemas.vocabulary import AttemptOutcome, SkipReason, Tier
from tests.stage import ALPHA, BETA, GAMMA, NOW_S, TIMEOUT, TWO, UNAVAILABLE, make_catalogue, rate_limited, trip


@pytest.fixture
def pool() -> ModelPool:
    return ModelPool(TWO)


def answer(pool: ModelPool, count: int = 1, now_s: float = NOW_S) -> None:
    for _ in range(count):
        pool.answered(pool.call(ALPHA, now_s), 0.3, now_s)


def fail(pool: ModelPool, failure: UpstreamFailure, now_s: float = NOW_S) -> None:
    pool.failed(pool.call(ALPHA, now_s), failure, 0.1, now_s)


# --- readiness ---


def test_a_fresh_model_is_ready(pool: ModelPool) -> None:
    readiness = pool.readiness(ALPHA, NOW_S)
    assert readiness.now(NOW_S)
    assert readiness.reason is None


def test_an_open_model_is_ready_when_its_pause_ends(pool: ModelPool) -> None:
    trip(pool, ALPHA)
    readiness = pool.readiness(ALPHA, NOW_S)
    assert (readiness.at_s, readiness.reason) == (NOW_S + TWO.breaker.pause_s, SkipReason.BREAKER_OPEN)
    assert not readiness.now(NOW_S)
    assert readiness.now(NOW_S + TWO.breaker.pause_s)


def test_the_later_of_breaker_and_limit_is_the_reason(pool: ModelPool) -> None:
    fail(pool, rate_limited(50))
    trip(pool, ALPHA)
    readiness = pool.readiness(ALPHA, NOW_S)
    assert (readiness.at_s, readiness.reason) == (NOW_S + 50, SkipReason.RATE_LIMIT)


def test_nobody_knows_when_a_model_is_ready_whose_probes_are_out(pool: ModelPool) -> None:
    trip(pool, ALPHA)
    later_s = NOW_S + 30
    for _ in range(TWO.breaker.half_open_probes):
        assert pool.readiness(ALPHA, later_s).now(later_s)
        pool.call(ALPHA, later_s)
    assert pool.readiness(ALPHA, later_s).at_s is None
    assert not pool.readiness(ALPHA, later_s).now(later_s)


# --- limits ---


def test_a_429_with_retry_after_is_honoured(pool: ModelPool) -> None:
    fail(pool, rate_limited(12.5))
    assert pool.readiness(ALPHA, NOW_S).at_s == NOW_S + 12.5


def test_a_429_that_names_no_time_cools_down_for_the_usual_one(pool: ModelPool) -> None:
    fail(pool, rate_limited())
    assert pool.readiness(ALPHA, NOW_S).at_s == NOW_S + DEFAULT_COOLDOWN_S


def test_a_503_with_retry_after_is_honoured_too(pool: ModelPool) -> None:
    fail(pool, replace(UNAVAILABLE, retry_after_s=7))
    assert pool.readiness(ALPHA, NOW_S).at_s == NOW_S + 7


def test_the_limit_of_one_model_is_not_that_of_another(pool: ModelPool) -> None:
    fail(pool, rate_limited(12.5))
    assert pool.readiness(BETA, NOW_S).now(NOW_S)


# --- breaker ---


def test_consecutive_failures_open_the_breaker_and_leave_a_transition(pool: ModelPool) -> None:
    trip(pool, ALPHA)
    (opened,) = pool.take_transitions()
    assert (opened.model, opened.from_state, opened.to_state) == (ALPHA, BreakerState.CLOSED, BreakerState.OPEN)
    assert (opened.reason, opened.at_s) == ("unavailable: overloaded", NOW_S)
    assert not pool.is_closed(ALPHA)
    assert pool.is_closed(BETA)


def test_transitions_are_taken_once(pool: ModelPool) -> None:
    trip(pool, ALPHA)
    assert pool.take_transitions()
    assert pool.take_transitions() == ()


def test_too_many_errors_in_the_window_open_the_breaker_though_they_are_not_consecutive() -> None:
    pool = ModelPool(replace(TWO, health=HealthRules(min_requests=40)))
    for _ in range(4):
        answer(pool, 12)
        assert pool.is_closed(ALPHA)
        fail(pool, UNAVAILABLE)
    assert not pool.is_closed(ALPHA)
    (opened,) = pool.take_transitions()
    assert opened.reason == "too many errors in the window, the last one unavailable: overloaded"


def test_too_few_requests_are_no_window(pool: ModelPool) -> None:
    for _ in range(4):
        answer(pool, 2)
        fail(pool, UNAVAILABLE)
    assert pool.is_closed(ALPHA)


def test_a_recovery_goes_from_open_over_half_open_to_closed_and_forgets_the_window(pool: ModelPool) -> None:
    trip(pool, ALPHA)
    later_s = NOW_S + 30
    answer(pool, TWO.breaker.half_open_probes, later_s)
    assert [change.to_state for change in pool.take_transitions()] == [
        BreakerState.OPEN,
        BreakerState.HALF_OPEN,
        BreakerState.CLOSED,
    ]
    assert pool.reading(ALPHA, later_s).requests == 0


def test_a_late_answer_from_before_the_opening_closes_nothing(pool: ModelPool) -> None:
    early = [pool.call(ALPHA, NOW_S) for _ in range(5)]
    trip(pool, ALPHA)
    for permit in early:
        pool.answered(permit, 1, NOW_S + 1)
    assert pool.breaker(ALPHA).state is BreakerState.OPEN


def test_a_late_probe_of_an_earlier_opening_is_no_probe_of_this_one() -> None:
    pool = ModelPool(replace(TWO, breaker=BreakerRules(pause_s=30, half_open_probes=2)))
    trip(pool, ALPHA)
    slow = pool.call(ALPHA, NOW_S + 30)
    answer(pool, 2, NOW_S + 30)
    assert pool.is_closed(ALPHA)
    trip(pool, ALPHA, NOW_S + 31)
    pool.answered(slow, 10, NOW_S + 40)
    assert pool.breaker(ALPHA).state is BreakerState.OPEN
    pool.call(ALPHA, NOW_S + 61)
    assert pool.breaker(ALPHA).probes == 1


def test_failures_that_are_not_the_models_do_not_open_its_breaker(pool: ModelPool) -> None:
    for outcome in (AttemptOutcome.INVALID_REQUEST, AttemptOutcome.CONTEXT_TOO_LONG, AttemptOutcome.RATE_LIMITED):
        for _ in range(20):
            fail(pool, UpstreamFailure(outcome, "not its fault"))
    assert pool.is_closed(ALPHA)
    assert pool.reading(ALPHA, NOW_S).requests == 0


def test_requests_that_had_no_time_left_open_no_breaker_and_spoil_no_health() -> None:
    pool = ModelPool(TWO, Member("w1", 1))
    for _ in range(20):
        late = UpstreamFailure(AttemptOutcome.TIMEOUT, "no whole answer in 0.06 s", is_cut_short=True)
        fail(pool, late)
    assert pool.is_closed(ALPHA)
    assert pool.reading(ALPHA, NOW_S).requests == 0
    assert not any(stats.outcomes for stats in pool.take_reports(NOW_S + 2))


@pytest.mark.parametrize("outcome", [AttemptOutcome.RATE_LIMITED, AttemptOutcome.INVALID_REQUEST])
def test_a_probe_that_says_nothing_about_the_model_makes_room_for_another(outcome: AttemptOutcome) -> None:
    pool = ModelPool(TWO)
    trip(pool, ALPHA)
    fail(pool, UpstreamFailure(outcome, "nothing to say"), NOW_S + 30)
    assert pool.breaker(ALPHA).state is BreakerState.HALF_OPEN
    assert pool.breaker(ALPHA).probes == 0


def test_a_probe_that_is_given_up_makes_room_for_another(pool: ModelPool) -> None:
    trip(pool, ALPHA)
    permit = pool.call(ALPHA, NOW_S + 30)
    pool.abandoned(permit)
    assert pool.breaker(ALPHA).probes == 0


# --- bypass ---


def test_a_closed_breaker_is_not_bypassed(pool: ModelPool) -> None:
    assert pool.readiness(ALPHA, NOW_S).bypass is None


def test_an_open_breaker_may_be_bypassed_once_in_a_while_by_one_probe(pool: ModelPool) -> None:
    trip(pool, ALPHA)
    assert pool.readiness(ALPHA, NOW_S).bypass == Bypass(NOW_S + BYPASS_PAUSE_S)
    permit = pool.call(ALPHA, NOW_S + BYPASS_PAUSE_S)
    assert pool.readiness(ALPHA, NOW_S + 10).bypass == Bypass(None), "one at a time"
    pool.failed(permit, UNAVAILABLE, 5, NOW_S + 10)
    assert pool.readiness(ALPHA, NOW_S + 10).bypass == Bypass(NOW_S + 10 + BYPASS_PAUSE_S)


def test_a_limit_is_never_bypassed(pool: ModelPool) -> None:
    fail(pool, rate_limited(50))
    trip(pool, ALPHA)
    assert pool.readiness(ALPHA, NOW_S).bypass == Bypass(NOW_S + 50)


# --- the rest ---


def test_calls_in_flight_are_counted_by_model(pool: ModelPool) -> None:
    permits = [pool.call(ALPHA, NOW_S) for _ in range(3)]
    pool.call(BETA, NOW_S)
    assert (pool.in_flight(ALPHA), pool.in_flight(BETA)) == (3, 1)
    pool.answered(permits[0], 1, NOW_S)
    pool.failed(permits[1], TIMEOUT, 1, NOW_S)
    pool.abandoned(permits[2])
    assert pool.in_flight(ALPHA) == 0


def test_a_reading_tells_errors_timeouts_and_latency(pool: ModelPool) -> None:
    answer(pool, 8)
    fail(pool, UNAVAILABLE)
    fail(pool, TIMEOUT)
    reading = pool.reading(ALPHA, NOW_S)
    assert (reading.requests, reading.error_rate, reading.timeout_rate) == (10, 0.2, 0.1)
    assert reading.p50_ms == pytest.approx(300, rel=0.01)


def test_the_alternatives_of_a_model_are_the_others_of_its_chains() -> None:
    catalogue = make_catalogue(ALPHA, BETA, others=(GAMMA,))
    pool = ModelPool(replace(catalogue, chains={**catalogue.chains, Tier.FAST: (GAMMA, ALPHA, BETA)}))
    assert pool.alternatives(ALPHA) == ("gamma", "beta")
    assert pool.alternatives(GAMMA) == ("alpha", "beta")


# --- calls to spare ---


def test_a_well_model_has_calls_to_spare_up_to_half_of_its_limit() -> None:
    few = replace(ALPHA, requests_per_minute=10)
    pool = ModelPool(make_catalogue(few))
    for _ in range(5):
        assert pool.can_spare(few, NOW_S)
        pool.answered(pool.call(few, NOW_S), 0.3, NOW_S)
    assert not pool.can_spare(few, NOW_S)
    assert pool.readiness(few, NOW_S).now(NOW_S)
    assert pool.can_spare(few, NOW_S + 61)


def test_a_model_that_is_not_well_or_comes_back_has_none(pool: ModelPool) -> None:
    trip(pool, ALPHA)
    assert not pool.can_spare(ALPHA, NOW_S)
    assert not pool.can_spare(ALPHA, NOW_S + TWO.breaker.pause_s)
    assert pool.can_spare(BETA, NOW_S)
