"""Which requests have a shadow, of which model, and who judges it."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from router.experiments import Experiment
from router.identity import Identity
from router.job import Job
from router.shadow_rules import ShadowRules, lot_of
from router.shadows.choice import SHADOW_S, Shadow, judge_job, judge_of, shadow_job, shadow_of
from router.tenants import Tenant, TenantMode
from schemas.costs import SHADOW_TENANT
from schemas.requests import Request
from schemas.responses import AnswerMessage, Response
from schemas.vocabulary import Policy, Purpose, Status, Tier
from tests.stage import NOW_S, Play, make_job

RULES = ShadowRules(1.0, Decimal(5), ("alpha", "beta", "gamma"), "gamma")
ASKED = Request(prompt="Write a poem about the sea.", max_tokens=100)


def answered() -> Response:
    play = Play()
    play.start()
    play.answer()
    return play.response


def job(request_id: str = "r-1", tenant: Tenant | None = None, request: Request = ASKED) -> Job:
    name = "acme" if tenant is None else tenant.name
    return replace(make_job(request), identity=Identity(name, request_id, None), tenant=tenant)


ANSWERED = answered()


def test_a_share_of_the_requests_has_one_and_the_same_ones_whenever_they_come() -> None:
    rules = replace(RULES, share=0.1)
    chosen = [shadow_of(rules, job(f"r-{number}"), ANSWERED) for number in range(5000)]
    again = [shadow_of(rules, job(f"r-{number}"), ANSWERED) for number in range(5000)]
    assert chosen == again
    assert 430 < sum(one is not None for one in chosen) < 570  # 3 standard deviations


def test_a_larger_share_has_all_of_a_smaller_one() -> None:
    small = {n for n in range(2000) if shadow_of(replace(RULES, share=0.05), job(f"r-{n}"), ANSWERED)}
    large = {n for n in range(2000) if shadow_of(replace(RULES, share=0.10), job(f"r-{n}"), ANSWERED)}
    assert small < large


def test_each_other_model_is_asked_as_often_and_read_first_in_half_of_the_cases() -> None:
    found = [shadow_of(RULES, job(f"r-{number}"), ANSWERED) for number in range(2000)]
    shadows = [one for one in found if one is not None]
    assert ANSWERED.request_model == "alpha"
    models = Counter(one.model for one in shadows)
    assert set(models) == {"beta", "gamma"}
    assert all(930 < count < 1070 for count in models.values())
    first = Counter((one.model, one.reads_first) for one in shadows)
    assert all(430 < count < 570 for count in first.values())


def test_lots_of_other_names_are_independent() -> None:
    both = sum(lot_of("a", "t", f"{n}") < 0.5 and lot_of("b", "t", f"{n}") < 0.5 for n in range(4000))
    assert 900 < both < 1100


@pytest.mark.parametrize(
    "change",
    [
        {"status": Status.FAILED},
        {"cached": True},
        {"message": None},
        {"message": AnswerMessage(content=None, embeddings=[[0.1]])},
        {"task": None},
        {"difficulty": None},
    ],
)
def test_what_no_model_has_answered_now_has_none(change: dict[str, object]) -> None:
    assert shadow_of(RULES, job(), ANSWERED.model_copy(update=change)) is None


def test_a_request_that_names_its_model_has_none() -> None:
    pinned = Request(prompt="Hello", model="alpha")
    assert shadow_of(RULES, job(request=pinned), ANSWERED) is None


def test_a_tenant_that_wants_none_has_none_and_who_pays_for_them_neither() -> None:
    assert shadow_of(RULES, job(tenant=Tenant("acme", shadow_calls=False)), ANSWERED) is None
    assert shadow_of(RULES, job(tenant=Tenant(SHADOW_TENANT)), ANSWERED) is None
    assert shadow_of(RULES, job(tenant=Tenant("acme")), ANSWERED) is not None


@pytest.mark.parametrize("mode", list(TenantMode))
def test_the_models_of_a_tenant_hold_for_shadow_and_judge_in_each_mode(mode: TenantMode) -> None:
    own = Tenant("acme", models=frozenset({"alpha", "beta"}), mode=mode)
    found = [shadow_of(RULES, job(f"r-{n}", own), ANSWERED) for n in range(50)]
    assert {one.model for one in found if one is not None} == {"beta"}
    assert judge_of(RULES, job(tenant=own), ("alpha", "beta")) is None
    assert judge_of(RULES, job(), ("alpha", "beta")) == "gamma"
    alone = Tenant("acme", models=frozenset({"alpha"}), mode=mode)
    assert shadow_of(RULES, job(tenant=alone), ANSWERED) is None


def test_no_model_judges_its_own_answer() -> None:
    assert judge_of(RULES, job(), ("alpha", "gamma")) is None
    assert judge_of(RULES, job(), ("gamma", "beta")) is None
    assert judge_of(replace(RULES, judge=None), job(), ("alpha", "beta")) is None


def test_the_shadow_is_the_same_question_to_one_model_at_the_expense_of_who_pays_for_it() -> None:
    request = Request(
        prompt="Hello", tier=Tier.FAST, policy=Policy.COST, max_latency_ms=5, reply_to="there", max_cost_usd=Decimal(1)
    )
    shadow = shadow_job(job(request=request), Shadow("beta", reads_first=True), RULES, NOW_S + 9)
    asked = shadow.request
    assert (asked.prompt, asked.model, asked.tier, asked.policy, asked.max_latency_ms) == (
        "Hello",
        "beta",
        None,
        None,
        None,
    )
    assert (asked.reply_to, asked.max_cost_usd) == (None, Decimal(1))
    assert (shadow.identity.tenant, shadow.identity.request_id) == (SHADOW_TENANT, "r-1")
    assert shadow.tenant == Tenant(SHADOW_TENANT, daily_budget_usd=Decimal(5))
    assert (shadow.deadline_s, shadow.purpose) == (NOW_S + 9 + SHADOW_S, Purpose.SHADOW)
    assert shadow.event_id(1) != job(request=request).event_id(1)


def test_the_judges_calls_are_numbered_after_the_shadows() -> None:
    shadow = shadow_job(job(), Shadow("beta", reads_first=True), RULES, NOW_S)
    judge = judge_job(shadow, Request(prompt="?", model="gamma"), 2, NOW_S + 3)
    assert (judge.first_attempt, judge.purpose, judge.request.model) == (3, Purpose.JUDGE, "gamma")


EXPERIMENTS = (
    Experiment("cheap", 0.2, Policy.COST, shadow=True),
    Experiment("slack", 0.3, quality_slack=0.5, shadow=True),
)


def test_an_experiment_has_its_share_beside_that_of_the_models() -> None:
    rules = replace(RULES, share=0.1, experiments=EXPERIMENTS)
    found = [shadow_of(rules, job(f"r-{number}"), ANSWERED) for number in range(4000)]
    shadows = [one for one in found if one is not None]
    names = Counter("models" if one.experiment is None else one.experiment.name for one in shadows)
    assert 320 < names["models"] < 480
    assert 700 < names["cheap"] < 900
    assert 1080 < names["slack"] < 1320


def test_a_request_with_a_policy_or_slack_of_its_own_is_in_no_experiments_shadow() -> None:
    rules = replace(RULES, share=0.0, experiments=(replace(EXPERIMENTS[0], share=1.0),))
    assert shadow_of(rules, job(), ANSWERED) is not None
    for request in (Request(prompt="x", policy=Policy.LATENCY), Request(prompt="x", quality_slack=0.0)):
        assert shadow_of(rules, job(request=request), ANSWERED) is None


def test_the_policy_chooses_among_the_models_and_tiers_of_the_tenant() -> None:
    own = Tenant("acme", models=frozenset({"alpha"}), tiers=frozenset({Tier.FAST}), mode=TenantMode.SHADOW)
    shadow = shadow_job(job(tenant=own), Shadow(None, reads_first=True, experiment=EXPERIMENTS[0]), RULES, NOW_S)
    assert (shadow.request.model, shadow.request.policy, shadow.request.quality_slack) == (None, Policy.COST, None)
    assert shadow.arm == "cheap"
    assert shadow.tenant == Tenant(
        SHADOW_TENANT, daily_budget_usd=Decimal(5), models=own.models, tiers=own.tiers, mode=TenantMode.ENFORCE
    )
