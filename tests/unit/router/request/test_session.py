from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from router.catalogue import BreakerRules, RetryRules
from router.charges import Charge
from router.errors import UpstreamFailure
from router.models.pool import ModelPool
from router.request.session import Answered, Call, Failed, Finish, SessionError, Started, Wait, Woke
from router.sharing.rate_limit import MINUTE_S
from schemas.costs import CallStarted, cost_event_id
from schemas.health import BreakerState
from schemas.requests import Request
from schemas.responses import Usage
from schemas.vocabulary import AttemptOutcome, Certainty, ErrorCode, Policy, Status, Tier, TokenCountSource
from tests.stage import (
    ALPHA,
    ANSWER,
    BETA,
    GAMMA,
    LATENCY_S,
    NOW_S,
    ONE,
    PROMPT,
    TIMEOUT,
    TWO,
    UNAVAILABLE,
    UNPRICED,
    Play,
    make_catalogue,
    rate_limited,
    trip,
)

UPPER_USD = Decimal("0.000234")
"""The most that one call of alpha costs here: 34 tokens in, 100 out."""


def earlier_calls(count: int) -> tuple[CallStarted, ...]:
    """The write-ahead records of a worker that made so many calls and crashed during the last one."""
    play = Play()
    play.start()
    for _ in range(count - 1):
        play.fail(AttemptOutcome.TIMEOUT)
    return tuple(call.started for call in play.calls)


# --- the way through ---


def test_a_request_that_is_answered_ends_completed_with_its_answer_and_its_exact_cost() -> None:
    play = Play()
    assert isinstance(play.start(), Call)
    play.answer()
    response = play.response
    assert response.status is Status.COMPLETED
    assert (response.request_model, response.provider_name) == ("alpha", "one")
    assert (response.response_model, response.provider_response_id) == ("alpha-2026", "id-1")
    assert response.message == ANSWER.message
    assert response.finish_reason == "stop"
    assert response.usage == ANSWER.usage
    assert response.cost_usd == Decimal("0.000050000")
    assert response.latency_ms == 500
    assert response.error is None
    (cost,) = play.finish.costs
    assert (cost.cost_nano_usd, cost.certainty, cost.is_fallback) == (50_000, Certainty.METERED, False)


def test_a_call_carries_its_write_ahead_record_its_token_limit_and_its_time() -> None:
    play = Play()
    call = play.start()
    assert isinstance(call, Call)
    assert call.started.event_id == cost_event_id("default", "r-1", "llm.requests.v1-3-42", 1)
    assert (call.started.outcome, call.started.certainty) == (AttemptOutcome.CUT_OFF, Certainty.UNKNOWN)
    assert call.started.cost_usd == UPPER_USD
    assert call.max_tokens == 100
    assert call.timeout_s == ALPHA.timeout_s


def test_a_call_may_not_take_longer_than_the_deadline() -> None:
    play = Play(deadline_s=25)
    play.start()
    play.fail(TIMEOUT, latency_s=20)
    assert play.calls[-1].timeout_s == pytest.approx(5)


def test_an_answer_without_usage_is_billed_as_estimated() -> None:
    play = Play()
    play.start()
    play.answer(replace(ANSWER, usage=None))
    (cost,) = play.finish.costs
    assert cost.certainty is Certainty.ESTIMATED
    assert cost.cost_usd == play.response.cost_usd
    assert cost.cost_nano_usd


def test_an_answer_after_the_deadline_is_still_an_answer() -> None:
    play = Play(deadline_s=1)
    play.start()
    play.answer(latency_s=2)
    assert play.response.status is Status.COMPLETED


# --- rule 1: what does not fit is an error ---


def misuse_before_the_start(play: Play) -> None:
    play.session.receive(Woke(NOW_S))


def misuse_start_twice(play: Play) -> None:
    play.start()
    play.start()


def misuse_answer_during_a_wait(play: Play) -> None:
    waiting(play)
    play.session.receive(Answered(NOW_S, ANSWER, 1))


def misuse_fail_during_a_wait(play: Play) -> None:
    waiting(play)
    play.session.receive(Failed(NOW_S, UNAVAILABLE, 1))


def misuse_wake_during_a_call(play: Play) -> None:
    play.start()
    play.session.receive(Woke(NOW_S))


def misuse_answer_twice(play: Play) -> None:
    play.start()
    play.answer()
    play.answer()


def misuse_wake_after_the_end(play: Play) -> None:
    play.start()
    play.answer()
    play.session.receive(Woke(NOW_S))


def misuse_after_giving_up(play: Play) -> None:
    play.start()
    play.session.abandon(play.now_s)
    play.answer()


def waiting(play: Play) -> None:
    for model in (ALPHA, BETA):
        play.pool.failed(play.pool.call(model, NOW_S), rate_limited(10), 0.1, NOW_S)
    assert isinstance(play.start(), Wait)


@pytest.mark.parametrize(
    ("misuse", "sentence"),
    [
        (misuse_before_the_start, "Woke before the start"),
        (misuse_start_twice, "Started twice"),
        (misuse_answer_during_a_wait, "Answered without a call"),
        (misuse_fail_during_a_wait, "Failed without a call"),
        (misuse_wake_during_a_call, "Woke during a call"),
        (misuse_answer_twice, "Answered after the end"),
        (misuse_wake_after_the_end, "Woke after the end"),
        (misuse_after_giving_up, "Answered after the end"),
    ],
)
def test_an_event_that_was_not_asked_for_is_an_error(misuse: Callable[[Play], None], sentence: str) -> None:
    with pytest.raises(SessionError, match=f"^{sentence}$"):
        misuse(Play())


# --- rule 2: deadline, plan, cap ---


def test_a_request_that_arrives_after_its_deadline_is_rejected_without_a_call() -> None:
    play = Play(deadline_s=0)
    assert isinstance(play.start(), Finish)
    assert play.response.status is Status.REJECTED
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.DEADLINE_EXCEEDED
    assert play.finish.costs == ()
    assert play.response.task is not None


def test_a_deadline_in_the_middle_of_the_chain_ends_the_request_as_failed() -> None:
    play = Play(deadline_s=10)
    play.start()
    play.fail(TIMEOUT, latency_s=10)
    assert play.response.status is Status.FAILED
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.DEADLINE_EXCEEDED
    assert [attempt.outcome for attempt in play.response.attempts] == [AttemptOutcome.TIMEOUT]
    assert play.called == ["alpha"]


def test_a_model_above_the_cap_is_skipped_before_the_call_and_the_response_says_so() -> None:
    catalogue = make_catalogue(GAMMA, ALPHA)
    play = Play(catalogue, Request(prompt=PROMPT, max_tokens=100, max_cost_usd=Decimal("0.0003")))
    play.start()
    play.answer()
    assert play.called == ["alpha"]
    (skipped,) = play.response.skipped
    assert skipped.request_model == "gamma"
    assert skipped.reason == "cost: up to 0.001170000 USD, above the cap of 0.0003"


def test_a_cap_below_every_model_is_rejected_as_the_callers_to_raise() -> None:
    play = Play(request=Request(prompt=PROMPT, max_cost_usd=Decimal("0.000001")))
    play.start()
    assert play.called == []
    assert play.response.status is Status.REJECTED
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.COST_CAP_EXCEEDED
    assert play.response.error.field == "max_cost_usd"
    assert play.response.cost_usd == 0


def test_the_estimates_of_calls_of_unknown_outcome_count_as_spent() -> None:
    cap = 2 * UPPER_USD + UPPER_USD / 2
    play = Play(ONE, Request(prompt=PROMPT, max_tokens=100, max_cost_usd=cap))
    play.start()
    play.fail(TIMEOUT)
    play.fail(TIMEOUT)
    assert play.called == ["alpha", "alpha"], "a third call could pass the cap"
    assert play.response.status is Status.FAILED
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.FALLBACK_EXHAUSTED
    assert play.response.cost_usd == 2 * UPPER_USD
    assert [cost.certainty for cost in play.finish.costs] == [Certainty.UNKNOWN] * 2


def test_failures_that_were_certainly_not_charged_spend_nothing() -> None:
    play = Play(ONE, Request(prompt=PROMPT, max_tokens=100, max_cost_usd=UPPER_USD))
    play.start()
    play.fail(UNAVAILABLE)
    play.fail(UNAVAILABLE)
    play.answer()
    assert play.response.status is Status.COMPLETED
    assert len(play.response.attempts) == 3
    assert len(play.finish.costs) == 1


def test_an_unusable_answer_that_said_its_usage_is_metered() -> None:
    usage = Usage(input_tokens=7, output_tokens=9)
    play = Play()
    play.start()
    play.fail(UpstreamFailure(AttemptOutcome.MALFORMED, "no JSON", charge=Charge.UNKNOWN, usage=usage))
    play.answer()
    first, second = play.finish.costs
    assert (first.certainty, first.cost_nano_usd) == (Certainty.METERED, 7 * 1_000 + 9 * 2_000)
    assert play.response.cost_usd == (first.cost_usd or 0) + (second.cost_usd or 0)


def test_a_cost_that_is_not_known_is_null_and_never_zero() -> None:
    play = Play(make_catalogue(UNPRICED))
    play.start()
    play.answer()
    (cost,) = play.finish.costs
    assert play.response.status is Status.COMPLETED
    assert play.response.cost_usd is None
    assert (cost.cost_usd, cost.cost_nano_usd) == (None, None)


# --- rule 3: rounds ---


def test_the_chain_is_gone_through_in_its_order() -> None:
    play = Play(make_catalogue(ALPHA, BETA, GAMMA), Request(prompt=PROMPT, tier=Tier.POWERFUL))
    play.start()
    play.fail(AttemptOutcome.TIMEOUT)
    play.fail(AttemptOutcome.MALFORMED)
    play.answer()
    assert play.called == ["alpha", "beta", "gamma"]
    assert [attempt.attempt for attempt in play.response.attempts] == [1, 2, 3]
    assert play.response.route_reason is not None
    assert play.response.route_reason.endswith("chain powerful, place 3")


def test_a_model_that_may_be_retried_has_its_attempts_and_then_it_is_the_next_ones_turn() -> None:
    play = Play(TWO)
    play.start()
    for _ in range(6):
        play.fail(AttemptOutcome.UNAVAILABLE)
    assert play.called == ["alpha", "alpha", "beta", "beta", "alpha", "alpha"]
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.FALLBACK_EXHAUSTED
    assert play.response.error.message == "6 calls failed; the last one was unavailable of alpha: trouble"


def test_after_everybody_once_it_is_everybody_again() -> None:
    play = Play(make_catalogue(ALPHA, BETA, GAMMA))
    play.start()
    for _ in range(6):
        play.fail(AttemptOutcome.TIMEOUT)
    assert play.called == ["alpha", "beta", "gamma"] * 2


def test_a_retry_waits_for_its_backoff() -> None:
    play = Play(chance=lambda: 0.5)
    play.start()
    assert isinstance(play.fail(), Wait)
    assert play.wait_s == pytest.approx(0.5 * TWO.retry.base_s)
    assert isinstance(play.wake(), Call)
    assert play.called == ["alpha", "alpha"]


def test_waking_too_early_is_no_reason_to_call_too_early() -> None:
    play = Play(chance=lambda: 0.5)
    play.start()
    play.fail()
    assert isinstance(play.session.receive(Woke(play.now_s)), Wait)


def test_a_pause_that_outlasts_the_deadline_ends_the_request_at_once() -> None:
    slow = replace(ONE, retry=RetryRules(base_s=8.0))
    play = Play(slow, deadline_s=5, chance=lambda: 0.9)
    play.start()
    assert isinstance(play.fail(), Finish)
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.DEADLINE_EXCEEDED
    assert "alpha: pause after a failure" in play.response.error.message


@pytest.mark.parametrize("outcome", [AttemptOutcome.CONTEXT_TOO_LONG, AttemptOutcome.CONTENT_FILTERED])
def test_a_model_that_would_say_the_same_again_is_not_called_again(outcome: AttemptOutcome) -> None:
    play = Play()
    play.start()
    play.fail(outcome)
    play.fail(AttemptOutcome.TIMEOUT)
    play.fail(outcome)
    assert play.called == ["alpha", "beta", "beta"]
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.FALLBACK_EXHAUSTED


# --- rule 4: limits and breakers ---


def test_a_limited_model_is_passed_over_and_the_response_says_so() -> None:
    play = Play()
    play.pool.failed(play.pool.call(ALPHA, NOW_S), rate_limited(10), 0.1, NOW_S)
    play.start()
    play.answer()
    assert play.called == ["beta"]
    assert [(skip.request_model, skip.reason) for skip in play.response.skipped] == [("alpha", "rate limit")]


def test_an_own_limit_passes_the_model_over_before_the_provider_has_to_say_so() -> None:
    play = Play(make_catalogue(replace(ALPHA, requests_per_minute=1), BETA))
    play.pool.answered(play.pool.call(ALPHA, NOW_S), 0.1, NOW_S)
    play.start()
    assert play.called == ["beta"]


def test_when_all_are_limited_the_request_waits_for_the_first_and_then_calls_it() -> None:
    play = Play()
    play.pool.failed(play.pool.call(ALPHA, NOW_S), rate_limited(30), 0.1, NOW_S)
    play.pool.failed(play.pool.call(BETA, NOW_S), rate_limited(10), 0.1, NOW_S)
    play.start()
    assert play.wait_s == pytest.approx(10)
    assert isinstance(play.wake(), Call)
    assert play.called == ["beta"]


def test_a_429_goes_to_the_next_model_and_blames_nobody() -> None:
    play = Play()
    play.start()
    play.fail(rate_limited())
    play.answer()
    assert play.called == ["alpha", "beta"]
    assert play.pool.breaker(ALPHA).failures == 0
    assert play.pool.reading(ALPHA, play.now_s).requests == 0


def test_a_limit_that_outlasts_the_deadline_ends_the_request_at_once() -> None:
    play = Play(ONE, deadline_s=30)
    play.start()
    play.fail(rate_limited(MINUTE_S))
    assert play.now_s == NOW_S + LATENCY_S
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.DEADLINE_EXCEEDED
    assert play.response.error.message == "nobody is free before the deadline (alpha: rate limit)"


def test_an_open_breaker_is_passed_over() -> None:
    play = Play()
    trip(play.pool, ALPHA)
    play.start()
    play.answer()
    assert play.called == ["beta"]
    assert [(skip.request_model, skip.reason) for skip in play.response.skipped] == [("alpha", "breaker open")]


def test_when_all_breakers_are_open_they_are_bypassed_by_one_probe_a_model() -> None:
    pool = ModelPool(TWO)
    for model in (ALPHA, BETA):
        trip(pool, model, NOW_S - 10)
    plays = [Play(pool=pool) for _ in range(3)]
    for play in plays:
        play.start()
    assert [play.called for play in plays] == [["alpha"], ["beta"], []]
    assert 0 < plays[2].wait_s < 1, "it looks again soon"
    plays[0].answer()
    assert plays[0].response.status is Status.COMPLETED
    assert pool.breaker(ALPHA).state is BreakerState.HALF_OPEN


def test_when_all_breakers_have_just_opened_the_request_waits_before_it_bypasses() -> None:
    play = Play(ONE)
    trip(play.pool, ALPHA)
    assert isinstance(play.start(), Wait)
    assert 0 < play.wait_s < ONE.breaker.pause_s
    assert isinstance(play.wake(), Call)
    first_s = play.now_s
    play.fail(latency_s=0.001)
    play.wake()
    assert play.now_s - first_s > 1, "an outage does not eat up the calls of a request at once"


def test_while_one_candidate_is_closed_and_limited_the_open_ones_are_not_bypassed() -> None:
    play = Play()
    trip(play.pool, ALPHA, NOW_S - 10)
    play.pool.failed(play.pool.call(BETA, NOW_S), rate_limited(3), 0.1, NOW_S)
    play.start()
    assert play.wait_s == pytest.approx(3)
    play.wake()
    assert play.called == ["beta"]


def test_after_the_pause_a_request_is_the_probe() -> None:
    play = Play(ONE, pool=ModelPool(replace(ONE, breaker=BreakerRules(half_open_probes=1))))
    trip(play.pool, ALPHA, NOW_S - 30)
    play.start()
    assert play.pool.breaker(ALPHA).state is BreakerState.HALF_OPEN
    play.answer()
    assert play.pool.is_closed(ALPHA)


def test_the_last_resort_answers_when_the_whole_chain_is_out() -> None:
    play = Play(make_catalogue(ALPHA, BETA, others=(GAMMA,)))
    for model in (ALPHA, BETA):
        trip(play.pool, model)
    play.start()
    play.answer()
    assert play.response.request_model == "gamma"
    assert play.response.route_reason is not None
    assert play.response.route_reason.endswith("last resort outside the chain")


# --- rule 5: what no model would answer ---


def test_a_request_that_one_provider_calls_invalid_goes_to_the_next_model_and_never_back() -> None:
    play = Play(TWO)
    play.start()
    play.fail(UpstreamFailure(AttemptOutcome.INVALID_REQUEST, "no temperature here", status_code=400))
    assert play.called == ["alpha", "beta"]
    play.fail(AttemptOutcome.TIMEOUT)
    assert play.called == ["alpha", "beta", "beta"]
    assert play.pool.breaker(ALPHA).failures == 0


def test_a_request_that_every_model_refuses_is_rejected_in_the_last_providers_words() -> None:
    play = Play(TWO)
    play.start()
    play.fail(UpstreamFailure(AttemptOutcome.INVALID_REQUEST, "HTTP 400: no temperature here", status_code=400))
    play.fail(UpstreamFailure(AttemptOutcome.INVALID_REQUEST, "HTTP 422: nor here", status_code=422))
    assert play.called == ["alpha", "beta"]
    assert play.response.status is Status.REJECTED
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.UPSTREAM_REJECTED
    assert play.response.error.message == "every model that was called refused the request; beta: HTTP 422: nor here"


def test_an_answer_with_a_usage_that_does_not_add_up_is_billed_by_it_and_is_no_metered_one() -> None:
    play = Play()
    play.start()
    play.answer(replace(ANSWER, usage=Usage(input_tokens=100, output_tokens=50, doubt="usage: it does not add up")))
    attempt = play.response.attempts[-1]
    assert (attempt.certainty, attempt.cost_usd) == (Certainty.ESTIMATED, play.finish.costs[-1].cost_usd)
    assert (play.finish.costs[-1].certainty, play.finish.costs[-1].token_count_source) == (
        Certainty.ESTIMATED,
        "estimate",
    )
    assert play.finish.costs[-1].input_tokens == 100


def test_a_call_that_was_served_in_another_service_tier_has_no_known_price() -> None:
    play = Play()
    play.start()
    play.answer(replace(ANSWER, usage=Usage(input_tokens=100, output_tokens=50, service_tier="priority")))
    event = play.finish.costs[-1]
    assert (event.price_status, event.certainty, event.service_tier) == ("unknown", Certainty.ESTIMATED, "priority")
    assert event.token_count_source is TokenCountSource.PROVIDER


def test_the_providers_own_cost_stands_beside_the_bill() -> None:
    play = Play()
    play.start()
    play.answer(replace(ANSWER, usage=Usage(input_tokens=100, output_tokens=50, provider_cost_usd=Decimal("0.5"))))
    event = play.finish.costs[-1]
    assert (event.provider_cost_usd, event.certainty) == (Decimal("0.5"), Certainty.ESTIMATED)
    assert event.cost_usd != event.provider_cost_usd


@pytest.mark.parametrize(
    ("told", "certainty"), [(0, Certainty.METERED), (1, Certainty.ESTIMATED), (-1, Certainty.ESTIMATED)]
)
def test_a_cost_is_metered_if_the_provider_names_the_same_but_for_its_rounding(told: int, certainty: Certainty) -> None:
    plain = Play()
    plain.start()
    plain.answer(replace(ANSWER, usage=Usage(input_tokens=1_000_000, output_tokens=50)))
    own = plain.finish.costs[-1].cost_usd
    assert own is not None
    rounded = own * (1 + told * Decimal("0.02")) + Decimal("0.0000004")
    play = Play()
    play.start()
    play.answer(replace(ANSWER, usage=Usage(input_tokens=1_000_000, output_tokens=50, provider_cost_usd=rounded)))
    event = play.finish.costs[-1]
    assert (event.certainty, event.cost_usd) == (certainty, own)
    assert event.token_count_source is TokenCountSource.PROVIDER


def test_a_request_that_the_provider_calls_wrong_whichever_model_is_asked_stops_at_once() -> None:
    play = Play()
    play.start()
    play.fail(UpstreamFailure(AttemptOutcome.INVALID_REQUEST, "temperature: too hot", status_code=400, is_final=True))
    assert play.called == ["alpha"]
    assert play.response.status is Status.REJECTED
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.UPSTREAM_REJECTED
    assert "temperature: too hot" in play.response.error.message
    assert play.pool.breaker(ALPHA).failures == 0


# --- what a request pins ---


def test_a_pinned_model_is_obeyed_and_no_other_is_tried() -> None:
    play = Play(make_catalogue(ALPHA, BETA, others=(GAMMA,)), Request(prompt=PROMPT, model="beta"))
    play.start()
    for _ in range(4):
        play.fail(AttemptOutcome.TIMEOUT)
    play.answer()
    assert play.called == ["beta"] * 5
    assert play.response.route_reason is not None
    assert play.response.route_reason.endswith("model pinned by the request")


def test_a_pinned_tier_is_obeyed_and_the_response_says_so() -> None:
    catalogue = replace(TWO, chains={**TWO.chains, Tier.FAST: (BETA, ALPHA)})
    play = Play(catalogue, Request(prompt=PROMPT, tier=Tier.FAST))
    play.start()
    play.answer()
    assert play.response.request_model == "beta"
    assert play.response.tier is Tier.FAST
    assert play.response.route_reason == "tier fast pinned by the request; chain fast, place 1"
    assert play.finish.costs[0].tier is Tier.FAST


def test_a_pinned_policy_is_obeyed_and_the_response_says_so() -> None:
    play = Play(make_catalogue(GAMMA, ALPHA), Request(prompt=PROMPT, policy=Policy.COST))
    play.start()
    play.answer()
    assert play.response.request_model == "alpha"
    assert play.response.policy is Policy.COST
    assert play.response.route_reason is not None
    assert play.response.route_reason.endswith("cheapest of quality 5 or more")


def test_an_unknown_model_is_rejected_and_the_known_ones_are_named() -> None:
    play = Play(request=Request(prompt=PROMPT, model="delta"))
    play.start()
    assert play.response.status is Status.REJECTED
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.UNKNOWN_MODEL
    assert play.response.error.field == "model"
    assert "alpha, beta" in play.response.error.message


# --- crashes, and defects of our own ---


def test_calls_that_a_crash_cut_off_are_billed_as_unknown_and_the_numbering_goes_on() -> None:
    earlier = earlier_calls(2)
    play = Play()
    call = play.start(*earlier)
    assert isinstance(call, Call)
    assert (call.started.attempt, call.started.is_fallback) == (3, True)
    play.answer()
    assert [attempt.outcome for attempt in play.response.attempts] == [
        AttemptOutcome.CUT_OFF,
        AttemptOutcome.CUT_OFF,
        AttemptOutcome.SUCCEEDED,
    ]
    assert [cost.certainty for cost in play.finish.costs] == [Certainty.UNKNOWN, Certainty.UNKNOWN, Certainty.METERED]
    assert [cost.event_id for cost in play.finish.costs] == [
        cost_event_id("default", "r-1", "llm.requests.v1-3-42", number) for number in (1, 2, 3)
    ]
    assert [cost.cost_usd for cost in play.finish.costs][:2] == [call.cost_usd for call in earlier]
    assert play.response.cost_usd == sum(cost.cost_usd or 0 for cost in play.finish.costs)


def test_a_request_that_is_given_up_hands_on_the_calls_that_have_ended() -> None:
    given_up = Play()
    given_up.start()
    call = given_up.fail(AttemptOutcome.UNAVAILABLE)
    assert isinstance(call, Call)  # under way: nobody knows what comes of it
    (ended,) = given_up.session.abandon(given_up.now_s)
    assert given_up.pool.in_flight(call.model) == 0

    next_owner = Play()
    next_owner.start(ended, call.started)
    next_owner.answer()
    assert [attempt.outcome for attempt in next_owner.response.attempts] == [
        AttemptOutcome.UNAVAILABLE,
        AttemptOutcome.CUT_OFF,
        AttemptOutcome.SUCCEEDED,
    ]
    assert [cost.attempt for cost in next_owner.finish.costs] == [2, 3]


def test_no_number_is_used_twice_even_if_some_earlier_records_are_gone() -> None:
    play = Play()
    call = play.start(*earlier_calls(3)[1:])
    assert isinstance(call, Call)
    assert call.started.attempt == 4


def test_cut_off_calls_count_towards_the_cap() -> None:
    play = Play(ONE, Request(prompt=PROMPT, max_tokens=100, max_cost_usd=UPPER_USD))
    play.start(*earlier_calls(1))
    assert play.called == []
    assert play.response.status is Status.FAILED
    assert play.response.cost_usd == UPPER_USD


def test_a_request_that_crashes_every_worker_ends_after_its_last_attempt() -> None:
    play = Play()
    play.start(*earlier_calls(TWO.retry.max_attempts))
    assert play.called == []
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.FALLBACK_EXHAUSTED
    assert len(play.finish.costs) == TWO.retry.max_attempts


def test_cut_off_calls_of_a_request_whose_deadline_has_passed_are_billed() -> None:
    play = Play(deadline_s=0)
    play.start(*earlier_calls(1))
    assert [cost.certainty for cost in play.finish.costs] == [Certainty.UNKNOWN]
    assert play.response.cost_usd == UPPER_USD


def test_breaking_off_during_a_call_fails_the_request_and_bills_the_call_as_unknown() -> None:
    play = Play()
    play.start()
    finish = play.session.break_off("OSError in the worker", play.now_s)
    assert finish.response.status is Status.FAILED
    assert finish.response.error is not None
    assert finish.response.error.code is ErrorCode.INTERNAL_ERROR
    assert [attempt.outcome for attempt in finish.response.attempts] == [AttemptOutcome.CUT_OFF]
    assert [cost.certainty for cost in finish.costs] == [Certainty.UNKNOWN]
    assert play.pool.in_flight(ALPHA) == 0
    with pytest.raises(SessionError):
        play.answer()


def test_breaking_off_before_the_start_fails_the_request_without_a_bill() -> None:
    finish = Play().session.break_off("defect", NOW_S)
    assert finish.response.status is Status.FAILED
    assert finish.costs == ()
    assert finish.response.task is None


def test_giving_a_session_up_frees_its_probe() -> None:
    play = Play(ONE)
    trip(play.pool, ALPHA, NOW_S - 30)
    play.start()
    assert play.pool.breaker(ALPHA).probes == 1
    play.session.abandon(play.now_s)
    assert play.pool.breaker(ALPHA).probes == 0
    assert play.pool.in_flight(ALPHA) == 0


def test_giving_up_a_session_that_waits_is_nothing_to_the_fleet() -> None:
    play = Play()
    waiting(play)
    play.session.abandon(play.now_s)
    with pytest.raises(SessionError, match="after the end"):
        play.session.receive(Started(NOW_S))
