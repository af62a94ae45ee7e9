"""A request for embeddings is planned for the one model that it names, priced by its input alone."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.catalogue import Catalogue, Price
from router.errors import Answer, RequestRejected
from router.models.pool import ModelPool
from router.request.plan import Plan, make_plan
from router.tasks.analysis import Analysis
from schemas.requests import Request
from schemas.responses import AnswerMessage, Usage
from schemas.vocabulary import AttemptOutcome, ErrorCode, Policy, Status, Task, Tier
from tests.stage import ALPHA, BETA, NOW_S, TIMEOUT, UNAVAILABLE, Play, make_catalogue, make_job

SMALL = replace(ALPHA, name="small", price=Price(Decimal("0.02"), Decimal(0)), context_tokens=100, embeds=True)
CATALOGUE = make_catalogue(ALPHA, BETA, others=(SMALL, replace(SMALL, name="other")))
ASKED = Request(model="small", input=["Hello", "the sea"])
VECTORS = AnswerMessage(content=None, embeddings=[[0.5], [0.25]])
ANSWER = Answer(VECTORS, None, "small-3", None, Usage(input_tokens=4, output_tokens=0))


def plan(request: Request, catalogue: Catalogue = CATALOGUE) -> Plan:
    return make_plan(make_job(request), Analysis(Task.UNKNOWN, Tier.FAST, "-"), ModelPool(catalogue), NOW_S)


def test_the_model_that_is_named_is_the_only_candidate_and_is_bounded_by_its_input() -> None:
    (candidate,) = plan(ASKED).candidates
    assert candidate.model is SMALL
    assert candidate.max_tokens == candidate.bound.output_tokens == 0
    assert 2 <= candidate.bound.input_tokens <= 12, "no message is around the texts"
    assert candidate.upper_usd == Decimal(candidate.bound.input_tokens) * Decimal("0.02") / 1_000_000


def test_a_model_that_embeds_answers_no_prompt_and_one_that_answers_does_not_embed() -> None:
    with pytest.raises(RequestRejected, match="'small' embeds and does not answer") as told:
        plan(Request(prompt="Hello", model="small"))
    assert (told.value.code, told.value.field) == (ErrorCode.NO_ELIGIBLE_MODEL, "model")
    with pytest.raises(RequestRejected, match="'alpha' does not embed"):
        plan(Request(model="alpha", input="Hello"))


@pytest.mark.parametrize("policy", Policy)
def test_no_prompt_goes_to_a_model_that_embeds(policy: Policy) -> None:
    planned = plan(Request(prompt="Hello", policy=policy))
    assert {candidate.model.name for candidate in planned.candidates} == {"alpha", "beta"}
    assert planned.skipped == ()


def test_each_input_has_to_fit_the_context_and_not_all_together() -> None:
    assert plan(Request(model="small", input=["word " * 30] * 50)).candidates
    with pytest.raises(RequestRejected, match="do not fit into 100"):
        plan(Request(model="small", input=["a", "word " * 200]))
    with pytest.raises(RequestRejected, match="up to 101 tokens"):
        plan(Request(model="small", input=[7] * 101))


def test_vectors_complete_the_request_and_cost_their_input() -> None:
    play = Play(CATALOGUE, ASKED)
    play.start()
    play.answer(ANSWER)
    assert play.response.status is Status.COMPLETED
    assert play.response.message is not None
    assert play.response.message.embeddings == [[0.5], [0.25]]
    (cost,) = play.finish.costs
    assert (cost.cost_usd, cost.input_tokens, cost.output_tokens) == (Decimal("0.000000080"), 4, 0)
    assert (cost.baseline_model, cost.baseline_cost_usd) == ("small", cost.cost_usd), "nothing to save by comparison"


def test_a_call_that_fails_is_tried_at_the_same_model_and_no_other() -> None:
    play = Play(CATALOGUE, ASKED)
    play.start()
    play.fail(UNAVAILABLE)
    play.fail(TIMEOUT)
    play.answer(ANSWER)
    assert play.called == ["small"] * 3
    assert [cost.outcome for cost in play.finish.costs] == [AttemptOutcome.TIMEOUT, AttemptOutcome.SUCCEEDED]


def test_without_usage_the_input_is_estimated_and_there_is_no_output() -> None:
    play = Play(CATALOGUE, ASKED)
    play.start()
    play.answer(replace(ANSWER, usage=None))
    (cost,) = play.finish.costs
    assert cost.output_tokens == 0
    assert cost.input_tokens == play.calls[0].started.input_tokens


def test_an_input_too_dear_for_the_cap_is_not_called_for() -> None:
    with pytest.raises(RequestRejected) as told:
        plan(Request(model="small", input=["word " * 50] * 2_000, max_cost_usd=Decimal("0.0001")))
    assert told.value.code is ErrorCode.COST_CAP_EXCEEDED
