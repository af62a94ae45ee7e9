from dataclasses import replace
from decimal import Decimal

import pytest

from router.catalogue import Catalogue
from router.dialects.anthropic import ADDED_TOKENS
from router.dialects.wire import DialectName, Wire
from router.errors import RequestRejected
from router.models.pool import ModelPool
from router.request.plan import Plan, make_plan
from router.tasks.analysis import Analysis
from router.tenants import Tenant, TenantMode
from schemas.requests import JsonObject, Request
from schemas.vocabulary import ErrorCode, Policy, SkipReason, Task, Tier
from tests.stage import ALPHA, BETA, GAMMA, NOW_S, PROMPT, TWO, UNPRICED, make_catalogue, make_job, trip

ANALYSIS = Analysis(Task.CREATIVE, Tier.POWERFUL, "it said so")
THREE = make_catalogue(ALPHA, BETA, others=(GAMMA,))


def plan(request: Request | None = None, catalogue: Catalogue = TWO, pool: ModelPool | None = None) -> Plan:
    return make_plan(make_job(request), ANALYSIS, pool or ModelPool(catalogue), NOW_S)


def names(planned: Plan) -> list[str]:
    return [candidate.model.name for candidate in planned.candidates]


def skipped(planned: Plan) -> dict[str, str]:
    return {skip.request_model: skip.reason for skip in planned.skipped}


# --- order ---


def test_by_default_the_candidates_are_the_chain_of_the_tier_that_the_analysis_found() -> None:
    planned = plan(catalogue=replace(TWO, chains={**TWO.chains, Tier.POWERFUL: (BETA, ALPHA)}))
    assert names(planned) == ["beta", "alpha"]
    assert planned.route.tier is Tier.POWERFUL
    assert planned.route.reason == "tier powerful: it said so"
    assert planned.policy is Policy.CHAIN
    assert [candidate.why for candidate in planned.candidates] == ["chain powerful, place 1", "chain powerful, place 2"]


def test_a_pinned_tier_beats_the_analysis() -> None:
    chains = {**TWO.chains, Tier.FAST: (BETA,)}
    planned = plan(Request(prompt=PROMPT, tier=Tier.FAST), replace(TWO, chains=chains, last_resort=False))
    assert names(planned) == ["beta"]
    assert planned.route.reason == "tier fast pinned by the request"
    assert planned.route.task is Task.CREATIVE


def test_a_pinned_model_is_the_only_candidate_even_outside_the_chain() -> None:
    assert names(plan(Request(prompt=PROMPT, model="gamma"), THREE)) == ["gamma"]


def test_cost_takes_the_cheapest_first_of_those_that_are_good_enough() -> None:
    catalogue = make_catalogue(GAMMA, BETA, ALPHA, floor=7)
    planned = plan(Request(prompt=PROMPT, policy=Policy.COST), replace(catalogue, last_resort=False))
    assert names(planned) == ["beta", "gamma"]
    assert planned.candidates[0].why == "cheapest of quality 7 or more"


def test_cost_takes_a_model_of_unknown_price_last() -> None:
    assert names(plan(Request(prompt=PROMPT, policy=Policy.COST), make_catalogue(UNPRICED, GAMMA, ALPHA))) == [
        "alpha",
        "gamma",
        "unpriced",
    ]


def test_latency_goes_by_the_measured_p99_and_by_the_typical_one_until_there_is_one() -> None:
    quick, slow = replace(ALPHA, typical_latency_ms=900), replace(BETA, typical_latency_ms=100)
    catalogue = replace(make_catalogue(quick, slow), default_policy=Policy.LATENCY)
    assert names(plan(catalogue=catalogue)) == ["beta", "alpha"]
    pool = ModelPool(catalogue)
    pool.answered(pool.call(quick, NOW_S), 0.05, NOW_S)
    planned = plan(pool=pool)
    assert names(planned) == ["alpha", "beta"]
    assert planned.candidates[0].why == "fastest of quality 5 or more"
    assert planned.policy is Policy.LATENCY


# --- last resort ---


def test_other_models_stand_behind_the_chain_the_best_first() -> None:
    planned = plan(catalogue=make_catalogue(BETA, others=(ALPHA, GAMMA)))
    assert names(planned) == ["beta", "gamma", "alpha"]
    assert planned.candidates[1].why == "last resort outside the chain"


def test_a_last_resort_that_is_out_is_none() -> None:
    pool = ModelPool(THREE)
    trip(pool, GAMMA)
    assert names(plan(pool=pool)) == ["alpha", "beta"]


def test_without_last_resort_the_chain_is_all() -> None:
    assert names(plan(catalogue=replace(THREE, last_resort=False))) == ["alpha", "beta"]


# --- what does not fit ---


def test_a_model_whose_context_is_too_small_is_skipped_and_the_plan_says_by_how_much() -> None:
    small = replace(ALPHA, context_tokens=500)
    planned = plan(Request(prompt="word " * 400, max_tokens=100), make_catalogue(small, BETA))
    assert names(planned) == ["beta"]
    assert skipped(planned)["alpha"].startswith("context: up to 7")


def test_a_request_that_fits_nowhere_is_rejected() -> None:
    small = make_catalogue(replace(ALPHA, context_tokens=500))
    with pytest.raises(RequestRejected, match="no model can take this request") as raised:
        plan(Request(prompt="word " * 4_000), small)
    assert raised.value.code is ErrorCode.NO_ELIGIBLE_MODEL


def test_a_model_above_the_cap_is_skipped() -> None:
    planned = plan(Request(prompt=PROMPT, max_tokens=1000, max_cost_usd=Decimal("0.003")))
    assert names(planned) == ["alpha"]
    assert skipped(planned)["beta"].startswith("cost: up to 0.006")
    assert planned.max_cost_usd == Decimal("0.003")


def test_without_a_cap_of_its_own_a_request_has_the_catalogues() -> None:
    catalogue = replace(TWO, default_max_cost_usd=Decimal("0.003"))
    assert names(plan(Request(prompt=PROMPT, max_tokens=1000), catalogue)) == ["alpha"]


def test_a_cap_that_only_the_price_stands_against_is_rejected_as_too_low() -> None:
    with pytest.raises(RequestRejected, match="raise max_cost_usd or lower max_tokens") as raised:
        plan(Request(prompt=PROMPT, max_cost_usd=Decimal("0.000001")))
    assert (raised.value.code, raised.value.field) == (ErrorCode.COST_CAP_EXCEEDED, "max_cost_usd")


def test_an_unknown_price_is_no_obstacle_unless_the_request_has_a_cap() -> None:
    catalogue = make_catalogue(UNPRICED, ALPHA)
    assert names(plan(catalogue=catalogue)) == ["unpriced", "alpha"]
    planned = plan(Request(prompt=PROMPT, max_cost_usd=Decimal(1)), catalogue)
    assert names(planned) == ["alpha"]
    assert skipped(planned) == {
        "unpriced": "cost: its price is not known, and the request has a cost cap or its tenant a budget"
    }


@pytest.mark.parametrize(
    ("request_cap", "tenant", "is_left_out"),
    [
        (None, None, False),
        (Decimal(1), None, True),
        (None, Tenant("t", daily_budget_usd=Decimal(9)), True),
        (None, Tenant("t", requests_per_minute=9), False),
        (None, Tenant("t", daily_budget_usd=Decimal(9), mode=TenantMode.SHADOW), False),
    ],
)
def test_where_nothing_is_known_to_bound_the_answer_no_capped_or_budgeted_request_goes(
    request_cap: Decimal | None, tenant: Tenant | None, *, is_left_out: bool
) -> None:
    unbounded = replace(ALPHA, wire=Wire(is_bounded=False))
    job = replace(make_job(Request(prompt=PROMPT, max_cost_usd=request_cap)), tenant=tenant)
    planned = make_plan(job, ANALYSIS, ModelPool(make_catalogue(unbounded, BETA)), NOW_S)
    assert names(planned) == (["beta"] if is_left_out else ["alpha", "beta"])
    if is_left_out:
        assert skipped(planned) == {
            "alpha": "cost: its provider is not known to heed a limit of the answer; set "
            "providers.one.max_tokens_field, and the request has a cost cap or its tenant a budget"
        }


def test_what_does_not_translate_leaves_the_model_out_before_it_is_called() -> None:
    asked = Request(prompt=PROMPT, parameters={"seed": 7})
    native = replace(ALPHA, wire=Wire(DialectName.ANTHROPIC))
    planned = plan(asked, make_catalogue(native, BETA))
    assert names(planned) == ["beta"]
    assert skipped(planned) == {"alpha": "dialect: seed: Anthropic Messages has no word for it"}
    assert [skip.code for skip in planned.skipped] == [SkipReason.NOT_TRANSLATABLE]


def test_the_bound_holds_what_a_vendor_adds_of_its_own() -> None:
    tool: JsonObject = {"type": "function", "function": {"name": "f"}}
    native = replace(ALPHA, wire=Wire(DialectName.ANTHROPIC))
    for asked, added in ((Request(prompt=PROMPT), 0), (Request(prompt=PROMPT, tools=[tool]), ADDED_TOKENS)):
        translated, plain = plan(asked, make_catalogue(native, BETA)).candidates
        assert translated.bound.input_tokens == plain.bound.input_tokens + added


def test_a_parameter_that_its_provider_is_not_sent_leaves_no_model_out() -> None:
    asked = Request(prompt=PROMPT, parameters={"logit_bias": {"7": 1}, "odd": 1})
    dropping = replace(ALPHA, wire=Wire(drops=frozenset({"odd"})))
    assert names(plan(asked, make_catalogue(dropping, BETA))) == ["alpha"]


def test_an_unknown_model_is_rejected() -> None:
    with pytest.raises(RequestRejected, match="'delta' is not in the catalogue; known: alpha, beta") as raised:
        plan(Request(prompt=PROMPT, model="delta"))
    assert raised.value.code is ErrorCode.UNKNOWN_MODEL


# --- estimates ---


def test_the_answer_is_bounded_by_the_request_else_by_the_catalogue_and_always_by_the_model() -> None:
    catalogue = replace(TWO, default_max_tokens=3_000)
    for max_tokens, bound in ((10, 10), (None, 3_000), (100_000, ALPHA.max_output_tokens)):
        planned = plan(
            Request(prompt=PROMPT, max_tokens=max_tokens), replace(catalogue, default_max_cost_usd=Decimal(10))
        )
        assert planned.candidates[0].bound.output_tokens == bound
