"""The policy `cascade`: the cheapest model answers, its answer is checked, a better one is asked if it is doubted."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.budgets.lease import BudgetLease, Reserve
from router.budgets.ledger import BudgetLedger
from router.catalogue import Agreement, CascadeRules, Catalogue, Price
from router.errors import Answer
from router.models.pool import ModelPool
from router.quality.prior import Prior
from router.request.session import Answered, Call, Failed, Finish, Session, Started, Wait, Woke
from router.tenants import Tenant
from schemas.requests import Request
from schemas.responses import AnswerMessage, Cascade, Usage
from schemas.vocabulary import AnswerCheck, AttemptOutcome, CascadeVerdict, ErrorCode, Policy, SkipReason, Status
from tests.stage import (
    ALPHA,
    BETA,
    GAMMA,
    NOW_S,
    TIMEOUT,
    UNAVAILABLE,
    Play,
    make_catalogue,
    make_job,
    rate_limited,
    trip,
)

CHEAP = replace(ALPHA, expected_quality=Prior((0.8, 0.7, 0.5)))
MIDDLE = replace(BETA, expected_quality=Prior((0.82, 0.72, 0.52)))
BEST = replace(GAMMA, expected_quality=Prior((0.95, 0.95, 0.95)))
ASKED = Request(prompt="How much is 7 times 6? Calculate it step by step.", max_tokens=100)


def catalogue(agreement: Agreement = Agreement.OFF, judge: str | None = None) -> Catalogue:
    three = make_catalogue(BEST, MIDDLE, CHEAP)
    return replace(three, default_policy=Policy.CASCADE, cascade=CascadeRules(agreement, judge))


def said(text: str, finish: str = "stop") -> Answer:
    return Answer(AnswerMessage(content=text), finish, "m", "id", Usage(input_tokens=10, output_tokens=20))


RIGHT, WRONG, CUT = said("The answer is 42."), said("The answer is 41."), said("First, 7 times", "length")


def told(play: Play) -> Cascade:
    assert play.response.cascade is not None
    return play.response.cascade


def checks(play: Play) -> list[tuple[AnswerCheck, bool | None, int | None]]:
    return [(check.check, check.passed, check.attempt) for check in told(play).checks]


# --- free checks ---


def test_the_cheapest_answers_first_and_an_answer_without_a_flaw_is_taken() -> None:
    play = Play(catalogue(), ASKED)
    play.start()
    play.answer(RIGHT)
    assert play.called == ["alpha"]
    assert play.response.policy is Policy.CASCADE
    assert told(play) == Cascade(verdict=CascadeVerdict.ACCEPTED, first_attempt=1)
    assert play.response.route_reason is not None
    assert "cheapest, to be checked; more than 0.05 below gamma, the best" in play.response.route_reason


def test_an_answer_that_is_doubted_is_replaced_by_that_of_a_better_model() -> None:
    play = Play(catalogue(), ASKED)
    play.start()
    play.answer(CUT)
    play.answer(RIGHT)
    assert play.called == ["alpha", "gamma"]
    assert told(play).verdict is CascadeVerdict.ESCALATED
    assert checks(play) == [(AnswerCheck.FINISH, False, None)]
    assert play.response.message == RIGHT.message
    assert play.response.request_model == "gamma"
    assert [attempt.outcome for attempt in play.response.attempts] == [AttemptOutcome.SUCCEEDED] * 2
    assert play.response.cost_usd == sum(cost.cost_usd or 0 for cost in play.finish.costs)
    assert len(play.finish.costs) == 2


def test_the_better_ones_answer_is_not_checked() -> None:
    play = Play(catalogue(), ASKED)
    play.start()
    play.answer(CUT)
    play.answer(CUT)
    assert told(play).verdict is CascadeVerdict.ESCALATED
    assert play.called == ["alpha", "gamma"]


def test_a_better_one_that_fails_is_followed_by_the_next_one_and_the_first_is_not_asked_again() -> None:
    play = Play(catalogue(), ASKED)
    play.start()
    play.answer(CUT)
    play.fail(UNAVAILABLE)
    play.fail(UNAVAILABLE)
    play.answer(RIGHT)
    assert play.called == ["alpha", "gamma", "gamma", "beta"]


@pytest.mark.parametrize("failure", [AttemptOutcome.INVALID_REQUEST, AttemptOutcome.CONTENT_FILTERED])
def test_if_no_better_one_answers_the_first_answer_is_kept(failure: AttemptOutcome) -> None:
    play = Play(catalogue(), ASKED)
    play.start()
    play.answer(CUT)
    play.fail(failure)
    if not isinstance(play.session, Finish) and play.calls[-1].model.name == "beta":
        play.fail(failure)
    assert play.response.status is Status.COMPLETED
    assert told(play).verdict is CascadeVerdict.KEPT
    assert play.response.message == CUT.message
    assert play.response.request_model == "alpha"


def test_a_cap_that_does_not_pay_for_a_better_one_keeps_the_first_answer() -> None:
    two, cap_usd = replace(make_catalogue(BEST, CHEAP), default_policy=Policy.CASCADE), Decimal("0.0013")
    play = Play(two, ASKED.model_copy(update={"max_cost_usd": cap_usd}))
    play.start()
    play.answer(replace(CUT, usage=Usage(input_tokens=30, output_tokens=100)))
    assert play.called == ["alpha"]
    assert told(play).verdict is CascadeVerdict.KEPT
    assert play.response.cost_usd == Decimal("0.00023")
    assert [(skip.request_model, skip.code) for skip in play.response.skipped] == [("gamma", SkipReason.COST_CAP_USED)]


def test_the_deadline_keeps_the_first_answer() -> None:
    play = Play(catalogue(), ASKED, deadline_s=1.0)
    play.start()
    play.answer(CUT, latency_s=1.5)
    assert play.response.status is Status.COMPLETED
    assert told(play).verdict is CascadeVerdict.KEPT


def test_a_first_model_that_cannot_answer_leaves_it_to_the_next_which_is_checked_too() -> None:
    play = Play(catalogue(), ASKED)
    play.start()
    play.fail(AttemptOutcome.AUTHENTICATION)
    assert play.called == ["alpha", "gamma"]
    play.answer(CUT)
    assert told(play) == Cascade(verdict=CascadeVerdict.KEPT, first_attempt=2, checks=told(play).checks), (
        "nobody is better than the best"
    )


def test_without_any_answer_the_request_fails_as_with_every_policy() -> None:
    play = Play(catalogue(), ASKED)
    play.start()
    for _ in range(3):
        play.fail(AttemptOutcome.AUTHENTICATION)
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.FALLBACK_EXHAUSTED
    assert play.response.cascade is None


def test_a_pinned_model_is_not_checked() -> None:
    play = Play(catalogue(Agreement.MODEL), ASKED.model_copy(update={"model": "alpha"}))
    play.start()
    play.answer(CUT)
    assert play.response.cascade is None
    assert play.response.message == CUT.message


# --- agreement ---


def test_two_cheap_models_that_agree_are_believed() -> None:
    play = Play(catalogue(Agreement.MODEL), ASKED)
    play.start()
    play.answer(RIGHT)
    play.answer(said("So it is 42"))
    assert play.called == ["alpha", "beta"]
    assert told(play).verdict is CascadeVerdict.ACCEPTED
    assert checks(play) == [(AnswerCheck.AGREEMENT, True, 2)]
    assert play.response.request_model == "alpha"
    assert len(play.finish.costs) == 2


def test_two_cheap_models_that_disagree_lead_to_the_best() -> None:
    play = Play(catalogue(Agreement.MODEL), ASKED)
    play.start()
    play.answer(WRONG)
    play.answer(RIGHT)
    play.answer(RIGHT)
    assert play.called == ["alpha", "beta", "gamma"]
    assert checks(play) == [(AnswerCheck.AGREEMENT, False, 2)]
    assert told(play).verdict is CascadeVerdict.ESCALATED


def test_with_nobody_else_that_is_cheap_the_same_model_answers_again() -> None:
    two = replace(make_catalogue(BEST, CHEAP), default_policy=Policy.CASCADE, cascade=CascadeRules(Agreement.MODEL))
    play = Play(two, ASKED)
    play.start()
    play.answer(RIGHT)
    assert play.called == ["alpha", "alpha"]
    assert play.calls[0].started.event_id != play.calls[1].started.event_id


def test_prose_is_not_compared_and_takes_no_call() -> None:
    play = Play(catalogue(Agreement.SAMPLE), Request(prompt="Write a poem about the sea.", max_tokens=100))
    play.start()
    play.answer(said("The sea is wide, and the ships that cross it are many; none of them was counted by the poet."))
    assert play.called == ["alpha"]
    assert told(play).checks == ()


def test_a_flaw_takes_no_call_for_a_check() -> None:
    play = Play(catalogue(Agreement.MODEL, "gamma"), ASKED)
    play.start()
    play.answer(CUT)
    assert play.called == ["alpha", "gamma"]
    assert play.calls[1].repair is None


@pytest.mark.parametrize("failure", [UNAVAILABLE, TIMEOUT, rate_limited()])
def test_a_check_whose_call_fails_says_nothing(failure: object) -> None:
    play = Play(catalogue(Agreement.MODEL), ASKED)
    play.start()
    play.answer(RIGHT)
    play.fail(failure)  # type: ignore[arg-type]  # one of them
    assert told(play).verdict is CascadeVerdict.ACCEPTED
    assert checks(play) == [(AnswerCheck.AGREEMENT, None, 2)]
    assert play.response.message == RIGHT.message


def test_no_request_waits_for_a_check() -> None:
    pool = ModelPool(catalogue(Agreement.MODEL))
    trip(pool, MIDDLE)
    play = Play(request=ASKED, pool=pool)
    play.start()
    play.answer(RIGHT)
    assert play.called == ["alpha"]
    assert checks(play) == [(AnswerCheck.AGREEMENT, None, None)]


def test_a_check_takes_from_no_budget_of_retries() -> None:
    none = replace(
        catalogue(Agreement.MODEL), retry=replace(catalogue().retry, budget_ratio=0.0, budget_floor_per_s=1e-9)
    )
    play = Play(none, ASKED)
    play.start()
    play.answer(WRONG)
    play.answer(RIGHT)
    play.answer(RIGHT)
    assert play.called == ["alpha", "beta", "gamma"]


# --- the judge ---


def test_the_judge_is_asked_about_question_and_answer_and_is_believed() -> None:
    play = Play(catalogue(judge="gamma"), ASKED)
    play.start()
    play.answer(RIGHT)
    judged = play.calls[1]
    assert judged.model.name == "gamma"
    assert judged.repair is not None
    assert judged.repair.prompt is not None
    assert ASKED.prompt is not None
    assert ASKED.prompt in judged.repair.prompt
    assert "The answer is 42." in judged.repair.prompt
    play.answer(said("It is right. GOOD"))
    assert told(play).verdict is CascadeVerdict.ACCEPTED
    assert checks(play) == [(AnswerCheck.JUDGE, True, 2)]


def test_what_the_judge_finds_bad_is_answered_by_a_better_model() -> None:
    play = Play(catalogue(judge="beta"), ASKED)
    play.start()
    play.answer(WRONG)
    play.answer(said("BAD"))
    assert play.calls[-1].repair is None
    play.answer(RIGHT)
    assert play.called == ["alpha", "beta", "gamma"]
    assert told(play).verdict is CascadeVerdict.ESCALATED
    assert play.response.message == RIGHT.message


def test_a_judge_without_a_verdict_says_nothing() -> None:
    play = Play(catalogue(judge="gamma"), ASKED)
    play.start()
    play.answer(RIGHT)
    play.answer(said("I would say it is good."))
    assert checks(play) == [(AnswerCheck.JUDGE, None, 2)]
    assert told(play).verdict is CascadeVerdict.ACCEPTED


def test_the_judges_words_are_not_held_to_the_requests_schema() -> None:
    shape = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": {"type": "object"}}}
    play = Play(catalogue(judge="gamma"), ASKED.model_copy(update={"response_format": shape}))
    play.start()
    play.answer(said('{"n": 42}'))
    judged = play.calls[1].repair
    assert judged is not None
    assert judged.response_format is None
    play.answer(said("GOOD"))
    assert told(play).verdict is CascadeVerdict.ACCEPTED
    assert play.response.message == said('{"n": 42}').message


def test_a_judge_that_the_tenant_may_not_use_is_not_asked() -> None:
    job = replace(make_job(ASKED), tenant=Tenant("acme", models=frozenset({"alpha", "beta"})))
    session = Session(job, ModelPool(catalogue(judge="gamma")), lambda: 0.0)
    session.receive(Started(NOW_S))
    finish = session.receive(Answered(NOW_S + 1, RIGHT, 1.0))
    assert isinstance(finish, Finish)
    assert finish.response.cascade is not None
    assert [check.passed for check in finish.response.cascade.checks] == [None]


# --- money ---


def test_a_check_that_the_budget_does_not_pay_for_is_left_out_and_nothing_stays_reserved() -> None:
    acme = Tenant("acme", daily_budget_usd=Decimal("0.0006"))
    ledger, lease = BudgetLedger(acme), BudgetLease(acme, "w1")
    session = Session(make_job(ASKED), ModelPool(catalogue(Agreement.MODEL)), lambda: 0.0, lease)
    action, now_s = session.receive(Started(NOW_S)), NOW_S
    while isinstance(action, Wait):
        if (claim := lease.claim(now_s)) is not None:
            ledger.receive(claim, now_s)
            lease.receive(ledger.decide(now_s), now_s)
        now_s = action.until_s
        action = session.receive(Woke(now_s))
    assert isinstance(action, Call)
    assert action.model.name == "alpha"
    finish = session.receive(Answered(now_s + 1, RIGHT, 1.0))
    assert isinstance(finish, Finish), "no request waits for a check"
    assert finish.response.cascade is not None
    assert [(check.check, check.passed) for check in finish.response.cascade.checks] == [(AnswerCheck.AGREEMENT, None)]
    assert lease.can_pay(Decimal("0.0005"), now_s + 1), "what the check would have cost is free"


def test_a_check_that_would_have_to_wait_for_its_reservation_is_left_out_and_asks_for_none() -> None:
    acme, reserved = Tenant("acme", daily_budget_usd=Decimal(1)), list[str]()
    ledger, lease = BudgetLedger(acme), BudgetLease(acme, "w1", reserved.append)
    job, now_s = make_job(ASKED), NOW_S

    def exchange() -> None:
        if (claim := lease.claim(now_s)) is not None:
            ledger.receive(claim, now_s)
            lease.receive(ledger.decide(now_s), now_s)

    session = Session(job, ModelPool(catalogue(Agreement.MODEL)), lambda: 0.0, lease)
    action = session.receive(Started(now_s))
    while isinstance(action, Wait):
        exchange()
        now_s = action.until_s
        action = session.receive(Woke(now_s))
    number = 0
    while lease.reserve(f"other-{number}", Decimal("0.0005"), now_s, 20.0) is not Reserve.LATER:
        number += 1
    finish = session.receive(Answered(now_s + 1, RIGHT, 1.0))
    assert isinstance(finish, Finish)
    assert finish.response.cascade is not None
    assert [(check.check, check.passed) for check in finish.response.cascade.checks] == [(AnswerCheck.AGREEMENT, None)]
    for _ in range(3):
        exchange()
    assert f"other-{number}" in reserved
    assert job.event_id(2) not in reserved


def test_a_check_that_the_cap_does_not_pay_for_is_left_out() -> None:
    best, middle = (replace(model, price=Price(Decimal(3), Decimal(6))) for model in (BEST, MIDDLE))
    alike = make_catalogue(best, middle, replace(CHEAP, price=Price(Decimal("2.9"), Decimal("5.8"))))
    rules = replace(alike, default_policy=Policy.CASCADE, cascade=CascadeRules(Agreement.MODEL))
    play = Play(rules, ASKED.model_copy(update={"max_cost_usd": Decimal("0.001")}))
    play.start()
    play.answer(replace(RIGHT, usage=Usage(input_tokens=30, output_tokens=100)))
    assert play.called == ["alpha"]
    assert checks(play) == [(AnswerCheck.AGREEMENT, None, None)]


def test_each_call_is_written_ahead_with_a_number_of_its_own() -> None:
    play = Play(catalogue(Agreement.MODEL, "gamma"), ASKED)
    play.start()
    play.answer(RIGHT)
    play.answer(RIGHT)
    play.answer(said("BAD"))
    play.answer(RIGHT)
    assert [call.started.attempt for call in play.calls] == [1, 2, 3, 4]
    assert len({call.started.event_id for call in play.calls}) == 4
    assert [cost.attempt for cost in play.finish.costs] == [1, 2, 3, 4]
    assert told(play).first_attempt == 1


def test_an_heir_begins_anew_and_bills_what_was_called() -> None:
    play = Play(catalogue(Agreement.MODEL), ASKED)
    play.start()
    play.answer(RIGHT)
    handed_on = play.session.abandon(play.now_s)
    assert [call.attempt for call in handed_on] == [1]
    heir = Session(make_job(ASKED), play.pool, lambda: 0.0)
    action = heir.receive(Started(play.now_s, (*handed_on, play.calls[1].started)))
    assert isinstance(action, Call)
    assert action.started.attempt == 3
    action = heir.receive(Answered(play.now_s + 1, RIGHT, 1.0))
    assert isinstance(action, Call)
    finish = heir.receive(Failed(play.now_s + 2, UNAVAILABLE, 1.0))
    assert isinstance(finish, Finish)
    assert finish.response.cascade is not None
    assert finish.response.cascade.first_attempt == 3
    assert {cost.attempt for cost in finish.costs} >= {1, 2, 3}


def test_a_dear_model_of_unknown_price_can_be_what_is_escalated_to() -> None:
    unpriced = replace(BEST, price=None)
    play = Play(replace(make_catalogue(CHEAP, unpriced), default_policy=Policy.CASCADE), ASKED)
    play.start()
    play.answer(CUT)
    assert play.called == ["alpha", "gamma"]
    dear = replace(BEST, price=Price(Decimal(50), Decimal(100)))
    play = Play(replace(make_catalogue(CHEAP, dear), default_policy=Policy.CASCADE), ASKED)
    play.start()
    play.answer(CUT)
    assert play.called == ["alpha", "gamma"]
