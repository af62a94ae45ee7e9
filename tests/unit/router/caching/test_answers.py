"""Which answers are kept, and what a response that is made of one says."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.caching.answers import Asker, Wish, answer_again, is_fresh, may_be_kept, saved_usd, wish_of
from router.errors import Answer
from router.identity import Identity
from router.job import Job, Origin
from router.tenants import Tenant
from schemas.caching import CacheWish
from schemas.requests import Request
from schemas.responses import AnswerMessage, Cascade, Response, SchemaCheck, Usage
from schemas.vocabulary import AttemptOutcome, CascadeVerdict, SchemaResult, Status
from tests.stage import ANSWER, NOW_S, UNAVAILABLE, Play, make_job

WISH = Wish(3600)
CALL = {"id": "c-1", "type": "function", "function": {"name": "pay", "arguments": "{}"}}


def response_of(answer: Answer = ANSWER) -> Response:
    play = Play()
    play.start()
    play.answer(answer)
    return play.response


def said(message: AnswerMessage, finish_reason: str | None = "stop") -> Response:
    return response_of(replace(ANSWER, message=message, finish_reason=finish_reason))


def test_a_whole_answer_is_kept() -> None:
    assert may_be_kept(response_of(), WISH)


@pytest.mark.parametrize("finish_reason", ["length", "content_filter", "error", "guardrail_intervened", None, ""])
def test_an_answer_that_did_not_come_to_its_own_end_is_not_kept(finish_reason: str | None) -> None:
    assert not may_be_kept(said(AnswerMessage(content="The sea"), finish_reason), WISH)


def test_a_refusal_and_an_answer_of_nothing_are_not_kept() -> None:
    assert not may_be_kept(said(AnswerMessage(content=None, refusal="No.")), WISH)
    assert not may_be_kept(said(AnswerMessage(content="")), WISH)


@pytest.mark.parametrize("status", [Status.FAILED, Status.REJECTED])
def test_what_failed_is_not_kept_even_with_an_answer_in_it(status: Status) -> None:
    assert not may_be_kept(response_of().model_copy(update={"status": status}), WISH)


@pytest.mark.parametrize("result", list(SchemaResult))
def test_only_what_a_check_has_passed_is_kept(result: SchemaResult) -> None:
    checked = response_of().model_copy(update={"schema_check": SchemaCheck(result=result)})
    assert may_be_kept(checked, WISH) is (result is SchemaResult.PASSED)


@pytest.mark.parametrize("verdict", list(CascadeVerdict))
def test_the_doubted_answer_of_a_cascade_is_not_kept(verdict: CascadeVerdict) -> None:
    doubted = response_of().model_copy(update={"cascade": Cascade(verdict=verdict, first_attempt=1)})
    assert may_be_kept(doubted, WISH) is (verdict is not CascadeVerdict.KEPT)


def test_calls_of_tools_are_kept_only_if_that_is_wished() -> None:
    calling = said(AnswerMessage(content=None, tool_calls=[CALL]), "tool_calls")
    assert not may_be_kept(calling, WISH)
    assert may_be_kept(calling, Wish(3600, tool_calls=True))
    assert not may_be_kept(said(AnswerMessage(content="Paying.", tool_calls=[CALL])), WISH)


def test_an_answer_from_the_cache_is_not_kept_again() -> None:
    assert not may_be_kept(answer_again(response_of(), Asker.of(make_job()), NOW_S), WISH)


def test_an_answer_that_stands_in_a_blob_store_is_not_kept() -> None:
    assert not may_be_kept(response_of().model_copy(update={"dataref": "s3://answers/1"}), WISH)


def test_embeddings_are_kept() -> None:
    assert may_be_kept(said(AnswerMessage(content=None, embeddings=[[0.5]]), None), WISH)


def test_a_request_that_has_a_wish_of_its_own_gets_that_and_no_other_its_tenants() -> None:
    tenant = Tenant("acme", cache_ttl_s=60)
    asked = [None, CacheWish(ttl_s=5, tool_calls=True), CacheWish(ttl_s=0)]
    jobs = [replace(make_job(Request(prompt="Why?", cache=wish)), tenant=tenant) for wish in asked]
    assert [wish_of(job) for job in jobs] == [Wish(60), Wish(5, tool_calls=True), None]
    assert wish_of(make_job()) is None


def test_the_age_that_a_request_takes_is_its_own() -> None:
    stored = response_of()
    answered_s = stored.completed_at.timestamp()
    assert is_fresh(stored, Wish(10), answered_s + 9.9)
    assert not is_fresh(stored, Wish(10), answered_s + 10)


def test_what_is_saved_is_what_succeeded_had_cost() -> None:
    play = Play()
    play.start()
    play.fail(replace(UNAVAILABLE, usage=Usage(input_tokens=1000, output_tokens=0)))
    play.answer()
    failed, answered = play.response.attempts
    assert failed.outcome is AttemptOutcome.UNAVAILABLE
    assert failed.cost_usd
    assert saved_usd(play.response.attempts) == answered.cost_usd
    assert saved_usd([answered.model_copy(update={"cost_usd": None})]) is None


def test_an_answer_again_has_its_own_id_place_tags_and_times_and_costs_nothing() -> None:
    request = Request(request_id="mine", tenant="acme", prompt="Why?", metadata={"team": "b"})
    identity = Identity("acme", "mine", "a" * 64, authenticated=True)
    stored = response_of()
    job = Job(request, identity, Origin("llm.requests.v1", 5, 99), NOW_S + 100, NOW_S + 160)
    again = answer_again(stored, Asker.of(job), NOW_S + 100.25)
    assert (again.request_id, again.origin_request_id) == ("mine", stored.request_id)
    assert (again.request_partition, again.request_offset) == (5, 99)
    assert (again.received_at.timestamp(), again.latency_ms) == (NOW_S + 100, 250)
    assert again.metadata == {"team": "b"}
    assert (again.cached, again.cost_usd, again.saved_usd) == (True, Decimal(0), stored.cost_usd)
    assert (again.attempts, again.usage) == ((), None)
    assert (again.message, again.request_model, again.task) == (stored.message, stored.request_model, stored.task)
    assert (again.asked_sha256, again.authenticated) == ("a" * 64, True)
    assert Response.decode(again.encode()) == again
