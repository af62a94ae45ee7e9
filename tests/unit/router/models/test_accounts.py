from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest

from router.catalogue import Account, Catalogue
from router.charges import Charge
from router.errors import UpstreamFailure
from router.models.accounts import MOST_REFUSED_S, REFUSED_S, TRIAL_POLL_S, rotate
from router.models.model_state import Permit
from router.models.pool import ModelPool
from router.request.session import Call
from router.route import Estimate
from router.sharing.rate_limit import MINUTE_S
from schemas.health import BreakerState
from schemas.responses import Usage
from schemas.vocabulary import AccountLimit, AttemptOutcome, SkipReason
from tests.stage import ALPHA, ANSWER, BETA, NOW_S, ONE, TWO, UNAVAILABLE, Play, rate_limited

REFUSED = UpstreamFailure(AttemptOutcome.AUTHENTICATION, "no such key", status_code=401)
NOT_FOR_THIS_MODEL = UpstreamFailure(AttemptOutcome.AUTHENTICATION, "no access to the model", status_code=403)
A, B = Account("a"), Account("b")


def with_accounts(*accounts: Account, catalogue: Catalogue = ONE) -> Catalogue:
    return replace(catalogue, accounts={ALPHA.provider_name: accounts})


def limited(name: str, **limits: int) -> Account:
    return Account(name, limits={AccountLimit(limit): most for limit, most in limits.items()})


def called(pool: ModelPool, count: int = 1, now_s: float = NOW_S, estimate: Estimate | None = None) -> list[Permit]:
    return [pool.call(ALPHA, now_s, estimate or Estimate(10, 10)) for _ in range(count)]


def call(pool: ModelPool, now_s: float = NOW_S, estimate: Estimate | None = None) -> Permit:
    (permit,) = called(pool, 1, now_s, estimate)
    return permit


# --- whose turn it is ---


def test_turns_go_by_weight_and_as_evenly_as_can_be() -> None:
    saved: Mapping[str, int] = {}
    turns = ""
    for _ in range(7):
        taken, saved = rotate(saved, {"a": 5, "b": 1, "c": 1})
        turns += taken
    assert turns == "aabacaa", "nginx's own example"


def test_without_accounts_a_call_has_none() -> None:
    assert call(ModelPool(ONE)).account is None


def test_accounts_take_turns_by_weight() -> None:
    pool = ModelPool(with_accounts(Account("a", weight=2), B))
    assert Counter(permit.account for permit in called(pool, 30)) == {"a": 20, "b": 10}


# --- refused ---


def test_a_refused_account_rests_and_the_others_go_on() -> None:
    pool = ModelPool(with_accounts(A, B))
    first, second = called(pool, 2)
    pool.failed(first, REFUSED, 0.1, NOW_S)
    pool.answered(second, 0.1, NOW_S)
    assert pool.readiness(ALPHA, NOW_S).now(NOW_S)
    assert {permit.account for permit in called(pool, 10)} == {"b"}
    assert pool.breaker(ALPHA).state is BreakerState.CLOSED
    assert pool.reading(ALPHA, NOW_S).error_rate == 0


def test_when_all_are_refused_the_model_waits_and_says_why() -> None:
    pool = ModelPool(with_accounts(A, B))
    for permit in called(pool, 2):
        pool.failed(permit, REFUSED, 0.1, NOW_S)
    readiness = pool.readiness(ALPHA, NOW_S)
    assert (readiness.at_s, readiness.reason) == (NOW_S + REFUSED_S, SkipReason.ACCOUNTS_REFUSED)


def test_refusals_of_calls_that_were_under_way_together_count_once() -> None:
    pool = ModelPool(with_accounts(A))
    for permit in called(pool, 20):
        pool.failed(permit, REFUSED, 0.1, NOW_S)
    assert pool.readiness(ALPHA, NOW_S).at_s == NOW_S + REFUSED_S


def test_a_refused_account_is_tried_by_one_call_at_a_time_and_rests_longer_each_time() -> None:
    pool, now_s, rest_s = ModelPool(with_accounts(A)), NOW_S, REFUSED_S
    pool.failed(call(pool), REFUSED, 0.1, now_s)
    for _ in range(6):
        now_s += rest_s
        assert pool.readiness(ALPHA, now_s).now(now_s)
        trial = call(pool, now_s)
        assert pool.readiness(ALPHA, now_s).at_s == now_s + TRIAL_POLL_S
        pool.failed(trial, REFUSED, 0.1, now_s)
        rest_s = min(rest_s * 2, MOST_REFUSED_S)
        assert pool.readiness(ALPHA, now_s).at_s == now_s + rest_s
    now_s += rest_s
    pool.answered(call(pool, now_s), 0.1, now_s)
    called(pool, now_s=now_s)
    assert pool.readiness(ALPHA, now_s).now(now_s), "it was answered, so its key is good"


@pytest.mark.parametrize(("failure", "rests_too"), [(REFUSED, True), (NOT_FOR_THIS_MODEL, False)])
def test_a_key_that_is_refused_rests_for_all_models_of_its_provider(
    failure: UpstreamFailure, *, rests_too: bool
) -> None:
    sibling = replace(BETA, provider_name=ALPHA.provider_name)
    catalogue = replace(with_accounts(A, catalogue=TWO), models={"alpha": ALPHA, "beta": sibling})
    pool = ModelPool(catalogue)
    pool.failed(call(pool), failure, 0.1, NOW_S)
    assert not pool.readiness(ALPHA, NOW_S).now(NOW_S)
    assert pool.readiness(sibling, NOW_S).now(NOW_S) is not rests_too


# --- limited ---


def test_a_key_that_is_replaced_is_tried_at_once_and_calls_with_the_one_before_say_nothing_of_it() -> None:
    pool = ModelPool(with_accounts(A, B, catalogue=TWO))
    first, late, other = (pool.call(ALPHA, NOW_S, Estimate(10, 10)) for _ in range(3))
    assert [one.account for one in (first, late, other)] == ["a", "b", "a"]
    pool.failed(first, REFUSED, 0.1, NOW_S)
    assert pool.account_rests(ALPHA, NOW_S) == {"a": "refused", "b": None}
    pool.key_replaced(ALPHA.provider_name, "a")
    pool.failed(other, REFUSED, 0.2, NOW_S)
    assert pool.account_rests(ALPHA, NOW_S) == {"a": None, "b": None}
    assert Counter(permit.account for permit in called(pool, 10)) == {"a": 5, "b": 5}, "and not one call at a time"


def test_a_key_that_is_replaced_does_not_end_the_rest_of_a_limit() -> None:
    pool = ModelPool(with_accounts(A, B))
    pool.failed(call(pool), rate_limited(5.0), 0.1, NOW_S)
    pool.key_replaced(ALPHA.provider_name, "a")
    assert pool.account_rests(ALPHA, NOW_S) == {"a": "limited", "b": None}


def test_a_limited_account_rests_as_long_as_it_is_told() -> None:
    pool = ModelPool(with_accounts(A, B))
    first, second = called(pool, 2)
    pool.failed(first, rate_limited(7), 0.1, NOW_S)
    assert pool.readiness(ALPHA, NOW_S).now(NOW_S)
    pool.failed(second, rate_limited(5), 0.1, NOW_S)
    readiness = pool.readiness(ALPHA, NOW_S)
    assert (readiness.at_s, readiness.reason) == (NOW_S + 5, SkipReason.RATE_LIMIT)
    assert {permit.account for permit in called(pool, 3, NOW_S + 5)} == {"b"}


def test_a_model_that_is_overloaded_is_not_its_accounts_fault() -> None:
    pool = ModelPool(with_accounts(A, B))
    pool.failed(call(pool), replace(UNAVAILABLE, retry_after_s=7), 0.1, NOW_S)
    assert pool.readiness(ALPHA, NOW_S).at_s == NOW_S + 7


def test_requests_per_minute_hold_for_each_account() -> None:
    pool = ModelPool(with_accounts(limited("a", requests_per_minute=3), limited("b", requests_per_minute=5)))
    made = Counter(permit.account for permit in called(pool, 8))
    assert made == {"a": 3, "b": 5}
    readiness = pool.readiness(ALPHA, NOW_S)
    assert (readiness.at_s, readiness.reason, readiness.limited) == (NOW_S + MINUTE_S, SkipReason.RATE_LIMIT, True)


@pytest.mark.parametrize(
    "limit",
    [{"tokens_per_minute": 1500}, {"input_tokens_per_minute": 500}, {"output_tokens_per_minute": 1000}],
)
def test_tokens_per_minute_hold_by_the_estimate_and_then_by_what_was_told(limit: dict[str, int]) -> None:
    pool, estimate = ModelPool(with_accounts(limited("a", **limit))), Estimate(400, 900)
    permit = call(pool, estimate=estimate)
    assert not pool.readiness(ALPHA, NOW_S, estimate).now(NOW_S)
    pool.answered(permit, 1, NOW_S + 1, Usage(input_tokens=50, output_tokens=50))
    assert pool.readiness(ALPHA, NOW_S + 1, estimate).now(NOW_S + 1)


@pytest.mark.parametrize(("charge", "counts"), [(Charge.FREE, False), (Charge.UNKNOWN, True)])
def test_a_call_that_failed_counts_as_estimated_unless_it_was_free(charge: Charge, *, counts: bool) -> None:
    pool, estimate = ModelPool(with_accounts(limited("a", tokens_per_minute=1000))), Estimate(500, 500)
    pool.failed(call(pool, estimate=estimate), replace(UNAVAILABLE, charge=charge), 0.1, NOW_S)
    assert pool.readiness(ALPHA, NOW_S, estimate).now(NOW_S) is not counts


def test_a_call_that_was_not_made_leaves_its_tokens() -> None:
    pool, estimate = ModelPool(with_accounts(limited("a", tokens_per_minute=1000))), Estimate(500, 500)
    pool.abandoned(call(pool, estimate=estimate))
    assert pool.readiness(ALPHA, NOW_S, estimate).now(NOW_S)
    pool.abandoned(call(pool, estimate=estimate), NOW_S)
    assert not pool.readiness(ALPHA, NOW_S, estimate).now(NOW_S), "this one may have been made"


# --- one request ---


@pytest.mark.parametrize("is_settled", [True, False])
def test_a_call_that_was_part_of_another_one_is_no_request_and_its_tokens_count_once(*, is_settled: bool) -> None:
    pool = ModelPool(with_accounts(limited("a", requests_per_minute=2, tokens_per_minute=1000)))
    leads, part = called(pool, 2, estimate=Estimate(300, 0))
    assert not pool.readiness(ALPHA, NOW_S + 1, Estimate(300, 0)).now(NOW_S + 1)
    pool.answered(leads, 0.1, NOW_S + 1, Usage(input_tokens=400, output_tokens=0))
    pool.joined(part, NOW_S, NOW_S + 1, is_settled=is_settled)
    for tokens in (600, 601) if is_settled else (300, 301):
        assert pool.readiness(ALPHA, NOW_S + 1, Estimate(tokens, 0)).now(NOW_S + 1) is (tokens % 100 == 0)


def test_a_request_goes_on_with_the_next_account_at_once_and_its_bill_names_each() -> None:
    play = Play(with_accounts(A, B))
    play.start()
    play.fail(REFUSED)
    play.answer(ANSWER)
    assert [call.account for call in play.calls] == ["a", "b"]
    assert play.called == ["alpha", "alpha"]
    assert [cost.account for cost in play.finish.costs] == ["b"]


def test_a_request_leaves_a_model_whose_accounts_are_all_refused() -> None:
    play = Play(with_accounts(A, catalogue=TWO))
    play.start()
    action = play.fail(REFUSED)
    assert isinstance(action, Call)
    assert (action.model.name, action.account) == ("beta", None)


def test_a_request_waits_for_an_account_that_is_limited_when_the_other_one_is_refused() -> None:
    pool = ModelPool(with_accounts(A, B))
    _, second = called(pool, 2)
    pool.failed(second, rate_limited(5), 0.1, NOW_S)
    play = Play(pool=pool)
    play.start()
    play.fail(REFUSED, latency_s=0.5)
    assert play.wait_s == 4.5
    play.wake()
    play.answer(ANSWER)
    assert [call.account for call in play.calls] == ["a", "b"]
