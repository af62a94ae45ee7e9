from dataclasses import replace
from decimal import Decimal

import pytest

from router.cost import call_started
from router.errors import UpstreamFailure
from router.identity import Identity
from router.models.pool import ModelPool
from router.obstacle import Obstacle
from router.request.attempts import UNKNOWN_TENANT, AttemptLog, Ending, refusal, settle_all
from router.request.plan import Plan, make_plan
from router.request.steps import Answered, Failed
from router.tasks.analysis import Analysis
from schemas.costs import CallStarted
from schemas.requests import Request
from schemas.responses import ErrorDetail, Response, Usage
from schemas.vocabulary import AttemptOutcome, Certainty, ErrorCode, PriceStatus, SkipReason, Status, Task, Tier
from tests.stage import ALPHA, ANSWER, NOW_S, ORIGIN, PROMPT, TIMEOUT, TWO, UNAVAILABLE, make_job

JOB = make_job(Request(prompt=PROMPT, max_tokens=100, tenant="acme", metadata={"team": "sea"}))
ANALYSIS = Analysis(Task.CREATIVE, Tier.POWERFUL, "it said so")
PLAN = make_plan(JOB, ANALYSIS, ModelPool(TWO), NOW_S)
CANDIDATE = PLAN.candidates[0]
ERROR = ErrorDetail(code=ErrorCode.FALLBACK_EXHAUSTED, message="nobody")


def call(attempt: int = 1) -> CallStarted:
    return call_started(JOB, PLAN.route, CANDIDATE, attempt, TWO, NOW_S)


def end(attempt_log: AttemptLog, plan: Plan | None = PLAN, analysis: Analysis | None = ANALYSIS) -> Response:
    return attempt_log.response(Ending(Status.FAILED, error=ERROR), plan, analysis, NOW_S + 2.5)


# --- certainty and cost of an attempt ---


def test_an_answer_costs_what_its_usage_says() -> None:
    attempt_log = AttemptLog(JOB)
    attempt_log.answered(call(), CANDIDATE, Answered(NOW_S, ANSWER, 0.5))
    (attempt,) = attempt_log.attempts
    assert (attempt.outcome, attempt.certainty) == (AttemptOutcome.SUCCEEDED, Certainty.METERED)
    assert (attempt.cost_usd, attempt.latency_ms) == (Decimal("0.00005"), 500)
    assert attempt_log.spent_usd == attempt_log.cost_usd == Decimal("0.00005")


def test_an_answer_without_usage_costs_an_estimate() -> None:
    attempt_log = AttemptLog(JOB)
    attempt_log.answered(call(), CANDIDATE, Answered(NOW_S, replace(ANSWER, usage=None), 0.5))
    (attempt,) = attempt_log.attempts
    assert attempt.certainty is Certainty.ESTIMATED
    assert attempt.usage is not None
    assert attempt.usage.input_tokens == CANDIDATE.bound.input_tokens
    assert attempt.usage.output_tokens > 0


@pytest.mark.parametrize("told", [None, Decimal("0.07")])
def test_a_call_without_a_price_costs_what_the_provider_says_and_is_not_metered(told: Decimal | None) -> None:
    attempt_log, unpriced = AttemptLog(JOB), CANDIDATE._replace(terms=None, upper_usd=None, unpriced="a web search")
    started = call_started(JOB, PLAN.route, unpriced, 1, TWO, NOW_S)
    usage = Usage(input_tokens=10, output_tokens=5, provider_cost_usd=told)
    attempt_log.answered(started, unpriced, Answered(NOW_S, replace(ANSWER, usage=usage), 0.5))
    (attempt,), (event,) = attempt_log.attempts, attempt_log.costs()
    assert attempt.cost_usd == event.cost_usd == told
    assert attempt.certainty is event.certainty is (Certainty.METERED if told is None else Certainty.ESTIMATED)
    assert event.price_status is PriceStatus.UNKNOWN


@pytest.mark.parametrize(
    ("failure", "certainty", "cost_usd"),
    [
        (UNAVAILABLE, None, None),
        (TIMEOUT, Certainty.UNKNOWN, CANDIDATE.upper_usd),
        (replace(TIMEOUT, usage=Usage(input_tokens=1, output_tokens=1)), Certainty.METERED, Decimal("0.000003")),
    ],
)
def test_a_failure_costs_nothing_or_its_usage_or_its_estimate(
    failure: UpstreamFailure, certainty: Certainty | None, cost_usd: Decimal | None
) -> None:
    attempt_log = AttemptLog(JOB)
    attempt_log.failed(call(), CANDIDATE, Failed(NOW_S, failure, 0.1))
    (attempt,) = attempt_log.attempts
    assert (attempt.certainty, attempt.cost_usd) == (certainty, cost_usd)
    assert (attempt.outcome, attempt.detail) == (failure.category, failure.detail)
    assert attempt.status_code == failure.status_code
    assert attempt_log.spent_usd == (cost_usd or 0)
    assert len(attempt_log.costs()) == (certainty is not None)


def test_a_cut_off_call_costs_its_estimate() -> None:
    attempt_log = AttemptLog(JOB)
    attempt_log.cut_off(call())
    (attempt,) = attempt_log.attempts
    assert (attempt.outcome, attempt.certainty) == (AttemptOutcome.CUT_OFF, Certainty.UNKNOWN)
    assert attempt.latency_ms is None
    assert attempt_log.spent_usd == CANDIDATE.upper_usd


def test_what_is_handed_on_is_taken_over_as_it_ended_and_handed_on_once() -> None:
    first, second = AttemptLog(JOB), AttemptLog(JOB)
    first.failed(call(1), CANDIDATE, Failed(NOW_S, UNAVAILABLE, 0.1))
    first.failed(call(2), CANDIDATE, Failed(NOW_S, TIMEOUT, 9))
    for ended in first.handed_on():
        second.taken_over(CallStarted.decode(ended.encode()))
    assert second.attempts == first.attempts
    assert second.costs() == first.costs()
    assert second.spent_usd == first.spent_usd == CANDIDATE.upper_usd
    assert second.next_attempt == 3
    assert second.handed_on() == ()


def test_a_call_that_was_cut_off_is_not_handed_on() -> None:
    attempt_log = AttemptLog(JOB)
    attempt_log.taken_over(call())
    assert [attempt.outcome for attempt in attempt_log.attempts] == [AttemptOutcome.CUT_OFF]
    assert attempt_log.handed_on() == ()


def test_the_cost_of_a_request_is_unknown_as_soon_as_that_of_one_charged_call_is() -> None:
    unpriced = CANDIDATE._replace(model=replace(ALPHA, price=None), upper_usd=None)
    attempt_log = AttemptLog(JOB)
    attempt_log.failed(call(1), unpriced, Failed(NOW_S, UNAVAILABLE, 0.1))
    uncharged_usd = attempt_log.cost_usd
    assert uncharged_usd == 0
    attempt_log.answered(call(2), unpriced, Answered(NOW_S, ANSWER, 0.1))
    assert attempt_log.cost_usd is None
    assert end(attempt_log).cost_usd is None


def test_the_next_attempt_comes_after_the_last_one() -> None:
    attempt_log = AttemptLog(JOB)
    assert attempt_log.next_attempt == 1
    attempt_log.cut_off(call(4))
    assert attempt_log.next_attempt == 5


# --- the response ---


def test_a_response_tells_where_the_request_came_from_and_brings_its_tags_back() -> None:
    response = end(AttemptLog(JOB))
    assert (response.request_id, response.tenant, response.metadata) == ("r-1", "acme", {"team": "sea"})
    assert (response.request_topic, response.request_partition, response.request_offset) == (
        ORIGIN.topic,
        ORIGIN.partition,
        ORIGIN.offset,
    )
    assert (response.received_at.timestamp(), response.completed_at.timestamp()) == (NOW_S, NOW_S + 2.5)
    assert response.latency_ms == 2500
    assert response.error == ERROR


def test_a_response_without_an_answer_names_no_model() -> None:
    response = end(AttemptLog(JOB))
    assert (response.request_model, response.provider_name, response.message, response.usage) == (None,) * 4
    assert response.route_reason == PLAN.route.reason


def test_a_response_to_what_could_not_be_planned_has_what_is_known() -> None:
    response = end(AttemptLog(JOB), None, None)
    assert (response.task, response.tier, response.policy, response.route_reason) == (None,) * 4
    assert end(AttemptLog(JOB), None).tier is Tier.POWERFUL


def test_the_models_that_were_passed_over_are_told_unless_they_were_called_after_all() -> None:
    attempt_log = AttemptLog(JOB)
    attempt_log.passed_over = {
        "alpha": Obstacle(SkipReason.RATE_LIMIT),
        "beta": Obstacle(SkipReason.BREAKER_OPEN),
    }
    attempt_log.answered(call(), CANDIDATE, Answered(NOW_S, ANSWER, 0.5))
    assert [(skip.request_model, skip.reason) for skip in end(attempt_log).skipped] == [("beta", "breaker open")]


# --- refusals and replays ---


def test_a_refusal_of_what_could_not_be_read_has_no_tenant_to_name() -> None:
    response = refusal(Identity(UNKNOWN_TENANT, "r-9", None), None, ORIGIN, ERROR, NOW_S, NOW_S + 1)
    assert (response.status, response.tenant, response.cost_usd) == (Status.REJECTED, UNKNOWN_TENANT, Decimal(0))
    assert response.attempts == ()
    assert response.latency_ms == 1000


def test_a_refusal_of_a_request_names_its_tenant_and_brings_its_tags_back() -> None:
    response = refusal(Identity("acme", "r-9", None), JOB.request, ORIGIN, ERROR, NOW_S, NOW_S)
    assert (response.tenant, response.metadata) == ("acme", {"team": "sea"})


def test_the_cost_events_are_made_again_from_the_records_alone() -> None:
    attempt_log = AttemptLog(JOB)
    attempt_log.cut_off(call(1))
    attempt_log.failed(call(2), CANDIDATE, Failed(NOW_S, UNAVAILABLE, 0.1))
    attempt_log.answered(call(3), CANDIDATE, Answered(NOW_S, ANSWER, 0.5))
    response = Response.decode(end(attempt_log).encode())
    calls = [CallStarted.decode(call(number).encode()) for number in (3, 1, 2)]
    assert settle_all(calls, response.attempts) == attempt_log.costs()
    assert [event.attempt for event in attempt_log.costs()] == [1, 3]


def test_an_attempt_whose_record_is_gone_settles_to_nothing() -> None:
    attempt_log = AttemptLog(JOB)
    attempt_log.answered(call(2), CANDIDATE, Answered(NOW_S, ANSWER, 0.5))
    assert settle_all([], attempt_log.attempts) == ()


def test_a_call_that_the_answer_does_not_tell_of_is_settled_as_its_worker_left_it() -> None:
    own, heirs = AttemptLog(JOB), AttemptLog(JOB)
    own.answered(call(1), CANDIDATE, Answered(NOW_S, ANSWER, 0.5))
    heirs.answered(call(3), CANDIDATE, Answered(NOW_S, ANSWER, 0.5))
    (handed_on,) = heirs.handed_on()
    heirs.called_off(call(4))
    (*_, called_off) = heirs.handed_on()
    events = settle_all([called_off, handed_on, call(2), call(1)], own.attempts)
    assert [(event.attempt, event.certainty) for event in events] == [
        (1, Certainty.METERED),
        (2, Certainty.UNKNOWN),
        (3, Certainty.METERED),
    ]
