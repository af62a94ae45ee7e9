"""What a worker does with health that others have measured with it: order, exclusion, shares, and doubt."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from router.catalogue import BreakerRules, RetryRules
from router.errors import RequestRejected
from router.models.model_state import STALE_S
from router.models.pool import ModelPool
from router.request.plan import Plan, make_plan
from router.request.session import Call, Wait
from router.retry import BUDGET_WINDOW_S
from router.sharing.member import HEARTBEAT_S, Member
from router.tasks.analysis import analyse
from schemas.health import BreakerState, HealthCause, HealthStatus, ModelHealth
from schemas.requests import Request
from schemas.vocabulary import ErrorCode, Policy, SkipReason, Tier
from tests.stage import ALPHA, BETA, GAMMA, NOW_S, ONE, TWO, UNAVAILABLE, Play, make_catalogue, make_job, trip

ME = Member("me", 1)
THREE = make_catalogue(ALPHA, BETA, others=(GAMMA,))


def health(model: str = "alpha", as_of_s: float = NOW_S, **fields: object) -> ModelHealth:
    known: dict[str, object] = {
        "request_model": model,
        "as_of": datetime.fromtimestamp(as_of_s, UTC),
        "window_s": 300,
        "status": HealthStatus.HEALTHY,
        "requests": 1000,
        "error_rate": 0.0,
        "timeout_rate": 0.0,
        "p50_ms": 200.0,
        "p90_ms": 400.0,
        "p99_ms": 900.0,
        "requests_per_minute": 60,
        "tokens_per_minute": 1000,
        "in_flight": 3,
        "workers": 2,
        **fields,
    }
    return ModelHealth.model_validate(known)


def plan(pool: ModelPool, now_s: float = NOW_S, **fields: object) -> Plan:
    request = Request.model_validate({"prompt": "Write a poem.", "max_tokens": 10, **fields})
    return make_plan(make_job(request), analyse(request.question), pool, now_s)


def names(planned: Plan) -> list[str]:
    return [candidate.model.name for candidate in planned.candidates]


# --- order ---


def test_a_degraded_model_stands_behind_the_others_of_its_chain_and_the_plan_says_why() -> None:
    pool = ModelPool(TWO, ME)
    degraded = health(status=HealthStatus.DEGRADED, cause=HealthCause.LATENCY, reason="p99 of 1000 calls is 1700 ms")
    pool.follow(degraded, NOW_S)
    planned = plan(pool, tier=Tier.POWERFUL)
    assert names(planned) == ["beta", "alpha"]
    assert planned.candidates[1].why == "chain powerful, place 1 (degraded: p99 of 1000 calls is 1700 ms)"


def test_under_value_too_a_degraded_model_stands_behind_the_others() -> None:
    pool = ModelPool(TWO, ME)
    assert names(plan(pool, policy="value", quality_slack=1)) == ["alpha", "beta"]
    degraded = health(status=HealthStatus.DEGRADED, cause=HealthCause.LATENCY, reason="p99 of 1000 calls is 1700 ms")
    pool.follow(degraded, NOW_S)
    planned = plan(pool, policy="value", quality_slack=1)
    assert names(planned) == ["beta", "alpha"]
    assert planned.candidates[1].why == ("cheapest within 1 of beta, the best (degraded: p99 of 1000 calls is 1700 ms)")


def test_a_degraded_model_still_stands_before_the_last_resort() -> None:
    pool = ModelPool(THREE, ME)
    for model in ("alpha", "beta"):
        pool.follow(health(model, status=HealthStatus.DEGRADED), NOW_S)
    assert names(plan(pool)) == ["alpha", "beta", "gamma"]


def test_the_fastest_by_the_shared_p99_comes_first() -> None:
    pool = ModelPool(TWO, ME)
    pool.follow(health("alpha", p99_ms=900.0), NOW_S)
    pool.follow(health("beta", p99_ms=800.0), NOW_S)
    assert names(plan(pool, policy=Policy.LATENCY)) == ["beta", "alpha"]


def test_without_a_shared_p99_the_own_window_decides() -> None:
    pool = ModelPool(TWO, ME)
    pool.answered(pool.call(ALPHA, NOW_S), 1.2, NOW_S)
    assert names(plan(pool, policy=Policy.LATENCY)) == ["beta", "alpha"]
    pool.follow(health("beta", p99_ms=1300.0), NOW_S)
    assert names(plan(pool, policy=Policy.LATENCY)) == ["alpha", "beta"]


# --- max_latency_ms ---


def test_a_model_above_the_requests_latency_is_left_out_and_the_reason_is_said() -> None:
    pool = ModelPool(TWO, ME)
    pool.follow(health("alpha", p99_ms=1300.0), NOW_S)
    planned = plan(pool, max_latency_ms=1299)
    assert names(planned) == ["beta"]
    assert planned.skipped[0].reason == "latency: its p99 is 1300 ms, above the request's 1299 ms"
    assert names(plan(pool, max_latency_ms=1300)) == ["alpha", "beta"]


def test_if_all_are_too_slow_the_request_is_rejected() -> None:
    with pytest.raises(RequestRejected, match="its p99 is 300 ms, above the request's 100 ms") as caught:
        plan(ModelPool(TWO, ME), max_latency_ms=100)
    assert caught.value.code is ErrorCode.NO_ELIGIBLE_MODEL


# --- doubt ---


def test_old_health_is_unknown_and_is_said_so() -> None:
    pool = ModelPool(TWO, ME)
    pool.follow(health(status=HealthStatus.DEGRADED), NOW_S)
    later_s = NOW_S + STALE_S + 12
    planned = plan(pool, later_s)
    assert names(planned) == ["alpha", "beta"]
    assert planned.candidates[0].why.endswith("(shared health unknown: no update for 42 s)")
    assert planned.candidates[1].why.endswith("(shared health unknown: none has come yet)")


def test_health_from_before_the_start_opens_no_breaker() -> None:
    pool = ModelPool(TWO, ME)
    pool.follow(health(status=HealthStatus.UNHEALTHY, as_of_s=NOW_S - 600), NOW_S)
    assert pool.is_closed(ALPHA)


# --- breakers by hearsay ---


def test_unhealthy_opens_the_breaker_once_and_well_again_lets_it_be_probed_at_once() -> None:
    pool = ModelPool(TWO, ME)
    pool.follow(health(status=HealthStatus.UNHEALTHY, reason="6.0% of 1000 calls failed"), NOW_S)
    (opened,) = pool.take_transitions()
    assert (opened.to_state, opened.reason) == (BreakerState.OPEN, "shared health: 6.0% of 1000 calls failed")
    assert pool.readiness(ALPHA, NOW_S + 5).at_s == NOW_S + TWO.breaker.pause_s
    pool.follow(health(as_of_s=NOW_S + 5), NOW_S + 5)
    assert pool.readiness(ALPHA, NOW_S + 5).now(NOW_S + 5)
    for _ in range(TWO.breaker.half_open_probes):
        pool.answered(pool.call(ALPHA, NOW_S + 5), 0.3, NOW_S + 5)
    pool.follow(health(status=HealthStatus.UNHEALTHY, as_of_s=NOW_S + 6), NOW_S + 6)
    assert not pool.is_closed(ALPHA), "unhealthy again is news again"


def test_what_the_own_probes_have_just_shown_is_better_known_than_what_was_heard_before() -> None:
    pool = ModelPool(replace(TWO, breaker=BreakerRules(half_open_probes=1)), ME)
    trip(pool, ALPHA)
    pool.follow(health(status=HealthStatus.UNHEALTHY, as_of_s=NOW_S + 30), NOW_S + 30)
    pool.answered(pool.call(ALPHA, NOW_S + 30), 0.3, NOW_S + 31)
    assert pool.view(ALPHA, NOW_S + 31).severity == 0
    pool.follow(health(status=HealthStatus.UNHEALTHY, as_of_s=NOW_S + 35), NOW_S + 35)
    assert pool.view(ALPHA, NOW_S + 35).severity == 2


# --- brown-out ---


def test_calls_that_do_not_end_stand_the_model_back_then_open_its_breaker_and_yet_it_is_called_before_nobody_is() -> (
    None
):
    pool = ModelPool(ONE)
    for number in range(20):
        pool.call(ALPHA, NOW_S + number / 100)
    assert pool.view(ALPHA, NOW_S + 1.5).severity == 0
    assert pool.view(ALPHA, NOW_S + 1.7).severity == 1
    assert pool.readiness(ALPHA, NOW_S + 2.9).now(NOW_S + 2.9)
    assert not pool.readiness(ALPHA, NOW_S + 3.2).now(NOW_S + 3.2)
    (opened,) = pool.take_transitions()
    assert opened.reason == "10 of the last 20 calls took more than 3000 ms"
    play = Play(ONE, pool=pool)
    play.now_s = NOW_S + 4
    assert isinstance(play.start(), Call)


# --- shares ---


def test_a_worker_keeps_to_its_share_and_says_when_it_has_taken_it_over() -> None:
    pool = ModelPool(ONE, ME)
    assert [report.share_per_minute for report in pool.take_reports(NOW_S)] == [20], "the joining share"
    pool.follow(health(shares={"me": 3}), NOW_S)
    assert [report.share_per_minute for report in pool.take_reports(NOW_S)] == [3]
    assert pool.take_reports(NOW_S) == []
    for _ in range(3):
        assert pool.readiness(ALPHA, NOW_S).now(NOW_S)
        pool.call(ALPHA, NOW_S)
    readiness = pool.readiness(ALPHA, NOW_S)
    assert (readiness.limited, readiness.reason) == (True, SkipReason.RATE_LIMIT)
    pool.turned_away(ALPHA, NOW_S)
    (report,) = pool.take_reports(NOW_S + HEARTBEAT_S)
    assert (report.calls, report.limited, report.second) == (3, True, int(NOW_S))


def test_without_health_for_long_the_limit_is_divided_by_the_last_known_number_of_workers() -> None:
    pool = ModelPool(ONE, ME)
    pool.follow(health(shares={"me": 3, "you": 997}, workers=2), NOW_S)
    pool.readiness(ALPHA, NOW_S)
    (report,) = pool.take_reports(NOW_S + STALE_S + 1)
    assert report.share_per_minute == ALPHA.requests_per_minute // 2


# --- retry budget ---


def test_a_retry_without_budget_waits_and_a_first_call_does_not() -> None:
    catalogue = replace(TWO, retry=RetryRules(budget_ratio=0.001, budget_floor_per_s=1 / BUDGET_WINDOW_S))
    pool = ModelPool(catalogue)
    first = Play(catalogue, pool=pool)
    first.start()
    assert isinstance(first.fail(UNAVAILABLE), Call), "the floor allows one"
    second = Play(catalogue, pool=pool)
    assert isinstance(second.start(), Call)
    assert isinstance(second.fail(UNAVAILABLE), Wait)
    for _ in range(BUDGET_WINDOW_S + 1):
        if isinstance(second.wake(), Call):
            break
    assert len(second.calls) == 2
    assert second.now_s - NOW_S <= BUDGET_WINDOW_S + 1
