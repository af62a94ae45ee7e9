"""The policy `value`: the cheapest candidate that is expected to answer about as well as the best one."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from router.catalogue import Catalogue, Model, Price
from router.job import Job
from router.models.pool import ModelPool
from router.quality.prior import Prior
from router.request.plan import Plan, make_plan
from router.request.value import TYPICAL_ANSWER_TOKENS
from router.tasks.analysis import Analysis
from router.tasks.features import Features
from router.tenants import Tenant, TenantMode
from schemas.quality import ModelQuality
from schemas.requests import Request
from schemas.vocabulary import Difficulty, Form, Policy, Task, Tier
from tests.stage import ALPHA, BETA, GAMMA, NOW_S, PROMPT, UNPRICED, make_catalogue, make_job, trip

EASY = Analysis(Task.QA, Tier.BALANCED, "it said so", difficulty=0.2)
HARD = replace(EASY, difficulty=0.9)


def expecting(model: Model, *scores: float) -> Model:
    easy, medium, hard = scores * (3 if len(scores) == 1 else 1)
    return replace(model, expected_quality=Prior((easy, medium, hard)))


CHEAP = expecting(ALPHA, 0.9, 0.7, 0.4)
MIDDLE = expecting(BETA, 0.92, 0.88, 0.6)
BEST = expecting(GAMMA, 0.93, 0.9, 0.85)
THREE = replace(make_catalogue(BEST, MIDDLE, CHEAP), default_policy=Policy.VALUE)


def plan(
    analysis: Analysis = EASY,
    *,
    catalogue: Catalogue = THREE,
    request: Request | None = None,
    job: Job | None = None,
    pool: ModelPool | None = None,
) -> Plan:
    return make_plan(job or make_job(request), analysis, pool or ModelPool(catalogue), NOW_S)


def names(planned: Plan) -> list[str]:
    return [candidate.model.name for candidate in planned.candidates]


def learnt(model: Model, mean: float, weight: float, form: Form = Form.SHORT_STATEMENT) -> ModelQuality:
    return ModelQuality(
        request_model=model.name,
        task=Task.QA,
        difficulty=Difficulty.EASY,
        form=form,
        as_of=datetime(2026, 11, 28, tzinfo=UTC),
        mean=mean,
        weight=weight,
    )


# --- who comes first ---


def test_an_easy_prompt_goes_to_the_cheapest_and_a_hard_one_to_the_best() -> None:
    assert names(plan(EASY)) == ["alpha", "beta", "gamma"]
    assert names(plan(HARD)) == ["gamma", "beta", "alpha"]
    medium = replace(EASY, difficulty=0.5)
    assert names(plan(medium)) == ["beta", "gamma", "alpha"]


def test_it_says_what_was_expected_of_each_and_why_this_one() -> None:
    planned = plan(HARD)
    assert planned.policy is Policy.VALUE
    assert planned.route.reason == (
        "tier balanced: it said so; quality expected of hard qa (short statement): gamma 0.85 ± 0.15, "
        "beta 0.60 ± 0.21, alpha 0.40 ± 0.21"
    )
    assert [candidate.why for candidate in planned.candidates] == [
        "cheapest within 0.05 of gamma, the best",
        "more than 0.05 below gamma, the best",
        "more than 0.05 below gamma, the best",
    ]


@pytest.mark.parametrize(("slack", "first"), [(0.0, "gamma"), (0.4, "beta"), (0.6, "alpha")])
def test_the_slack_is_the_requests_its_tenants_or_the_catalogues(slack: float, first: str) -> None:
    assert names(plan(HARD, request=Request(prompt=PROMPT, quality_slack=slack)))[0] == first
    assert names(plan(HARD, catalogue=replace(THREE, quality_slack=slack)))[0] == first


def test_what_is_learnt_moves_the_choice() -> None:
    pool = ModelPool(THREE)
    pool.quality.follow(learnt(CHEAP, 0.5, 100))
    assert names(plan(pool=pool)) == ["beta", "gamma", "alpha"]
    pool.quality.follow(learnt(CHEAP, 0.95, 400))
    assert names(plan(pool=pool))[0] == "alpha"


def test_of_two_equals_the_one_that_is_better_known_comes_first_where_there_is_no_slack() -> None:
    one, other = expecting(ALPHA, 0.8), expecting(BETA, 0.8)
    pool = ModelPool(replace(make_catalogue(one, other), default_policy=Policy.VALUE, quality_slack=0))
    pool.quality.follow(learnt(other, 0.8, 500))
    assert names(plan(pool=pool)) == ["beta", "alpha"]


def test_of_two_that_cost_the_same_the_better_one_comes_first() -> None:
    worse, better = expecting(ALPHA, 0.87), expecting(replace(ALPHA, name="beta"), 0.9)
    catalogue = replace(make_catalogue(worse, better), default_policy=Policy.VALUE, quality_slack=0.1)
    assert names(plan(catalogue=catalogue)) == ["beta", "alpha"]


def test_what_is_learnt_of_one_form_moves_the_choice_for_that_form_most() -> None:
    pool = ModelPool(THREE)
    pool.quality.follow(learnt(CHEAP, 0.5, 100, Form.CHOICES))
    pool.quality.follow(learnt(CHEAP, 0.95, 400, Form.SHORT_STATEMENT))
    assert names(plan(pool=pool))[0] == "alpha"
    choices = replace(EASY, features=Features(choices=True))
    assert names(plan(choices, pool=pool))[0] == "beta"


def test_the_likely_cost_decides_and_not_the_bound() -> None:
    # the bound of a long answer makes `chatty` the dearer one, a typical answer does not
    terse = replace(expecting(ALPHA, 0.9), price=Price(Decimal(20), Decimal(1)))
    chatty = replace(expecting(BETA, 0.9), price=Price(Decimal(1), Decimal(4)))
    catalogue = replace(make_catalogue(terse, chatty), default_policy=Policy.VALUE)
    asked = Request(prompt="word " * 100, max_tokens=4_000)
    planned = plan(catalogue=catalogue, request=asked)
    bounds = {candidate.model.name: candidate.upper_usd or Decimal(0) for candidate in planned.candidates}
    assert bounds["beta"] > bounds["alpha"]
    assert TYPICAL_ANSWER_TOKENS * 4 + 130 < 20 * 100
    assert names(planned) == ["beta", "alpha"]


def test_a_model_of_unknown_price_comes_last_of_its_kind() -> None:
    catalogue = replace(make_catalogue(expecting(UNPRICED, 0.9), expecting(GAMMA, 0.9)), default_policy=Policy.VALUE)
    assert names(plan(catalogue=catalogue)) == ["gamma", "unpriced"]


# --- who may be the best ---


def test_the_best_is_the_best_of_those_that_the_request_may_use() -> None:
    capped = Request(prompt=PROMPT, max_tokens=1000, max_cost_usd=Decimal("0.007"))
    planned = plan(HARD, request=capped)
    assert names(planned) == ["beta", "alpha"]
    assert planned.candidates[0].why == "cheapest within 0.05 of beta, the best"
    assert "gamma" not in planned.route.reason


def test_a_pinned_tier_limits_the_candidates_to_its_floor_and_an_analysed_one_does_not() -> None:
    floors = {**THREE.quality_floors, Tier.POWERFUL: 7, Tier.BALANCED: 7}
    catalogue = replace(THREE, quality_floors=floors, last_resort=False)
    assert names(plan(EASY, catalogue=catalogue)) == ["alpha", "beta", "gamma"]
    pinned = Request(prompt=PROMPT, tier=Tier.POWERFUL)
    assert names(plan(EASY, catalogue=catalogue, request=pinned)) == ["beta", "gamma"]


def test_a_tenant_with_tiers_of_its_own_has_the_models_of_the_tiers_chain() -> None:
    catalogue = replace(THREE, chains={**THREE.chains, Tier.FAST: (CHEAP, MIDDLE)}, last_resort=False)
    acme = Tenant("acme", tiers=frozenset({Tier.FAST}))
    job = replace(make_job(), tenant=acme)
    assert names(plan(HARD, catalogue=catalogue, job=job)) == ["beta", "alpha"]
    shadow = replace(job, tenant=replace(acme, mode=TenantMode.SHADOW))
    assert names(plan(HARD, catalogue=catalogue, job=shadow)) == ["gamma", "beta", "alpha"]


def test_what_is_below_a_pinned_tiers_floor_is_the_last_resort() -> None:
    catalogue = replace(THREE, quality_floors={**THREE.quality_floors, Tier.POWERFUL: 9})
    planned = plan(EASY, catalogue=catalogue, request=Request(prompt=PROMPT, tier=Tier.POWERFUL))
    assert names(planned) == ["gamma", "beta", "alpha"]
    assert planned.candidates[1].why == "last resort outside the chain"


def test_an_open_breaker_keeps_its_place_so_that_it_is_probed() -> None:
    pool = ModelPool(THREE)
    trip(pool, CHEAP)
    assert names(plan(pool=pool)) == ["alpha", "beta", "gamma"]


def test_a_pinned_model_is_the_only_candidate() -> None:
    planned = plan(request=Request(prompt=PROMPT, model="beta"))
    assert names(planned) == ["beta"]
    assert planned.candidates[0].why == "model pinned by the request"


def test_a_catalogue_of_many_models_tells_the_first_eight() -> None:
    many = [replace(expecting(ALPHA, 0.9), name=f"m{number:02}") for number in range(12)]
    planned = plan(catalogue=replace(make_catalogue(*many), default_policy=Policy.VALUE))
    assert planned.route.reason.count("0.90 ±") == 8
    assert planned.route.reason.endswith(" and 4 more")


# --- exploring ---


def drawn(*numbers: float) -> Iterator[float]:
    yield from numbers


def test_nothing_is_explored_unless_the_catalogue_says_so() -> None:
    def never() -> float:
        raise AssertionError("no lot is drawn")

    make_plan(make_job(), EASY, ModelPool(THREE), NOW_S, never)


def test_an_explored_request_goes_by_drawn_qualities() -> None:
    catalogue = replace(THREE, explored_share=0.1)
    # the lot of the request, then two numbers for each model: the cosine of half a turn is -1, of none 1
    lots = drawn(0.05, 0.5, 0.5, 0.5, 0.5, 0.9, 0.0)
    planned = make_plan(make_job(), HARD, ModelPool(catalogue), NOW_S, lambda: next(lots))
    assert names(planned)[0] == "alpha"
    assert planned.candidates[0].why == "explored: cheapest within 0.05 of alpha, the best"


def test_a_request_outside_the_explored_share_goes_by_what_is_expected() -> None:
    lots = drawn(0.1)
    planned = make_plan(make_job(), HARD, ModelPool(replace(THREE, explored_share=0.1)), NOW_S, lambda: next(lots))
    assert names(planned)[0] == "gamma"


# --- health ---


def looked_at_as(latency_s: float, model: Model, catalogue: Catalogue = THREE) -> ModelPool:
    pool = ModelPool(catalogue)
    for _ in range(2 * catalogue.health.min_requests):
        pool.answered(pool.call(model, NOW_S), latency_s, NOW_S)
    return pool


def test_a_slow_model_keeps_its_place_before_models_that_are_expected_to_answer_worse() -> None:
    slow = looked_at_as(2.0, BEST)
    assert slow.view(BEST, NOW_S).severity == 1
    assert names(plan(HARD, pool=slow)) == ["gamma", "beta", "alpha"]


def test_a_slow_model_yields_to_one_that_is_expected_to_answer_as_well() -> None:
    slow = looked_at_as(2.0, CHEAP)
    assert names(plan(EASY)) == ["alpha", "beta", "gamma"]
    assert names(plan(EASY, pool=slow)) == ["beta", "gamma", "alpha"]


def test_an_unhealthy_model_stands_behind_all_others() -> None:
    down = looked_at_as(5.0, BEST)
    assert down.view(BEST, NOW_S).severity == 2
    assert names(plan(HARD, pool=down)) == ["beta", "alpha", "gamma"]
