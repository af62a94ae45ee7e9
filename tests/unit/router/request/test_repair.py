"""A session whose answer has to fit a strict schema: repaired once, then the next model, in the end the last answer."""

from dataclasses import replace
from decimal import Decimal

from router.errors import Answer
from router.request.session import Call, Finish, Session, Started, Wait
from schemas.requests import JsonObject, Request
from schemas.responses import AnswerMessage, Usage
from schemas.vocabulary import AttemptOutcome, Certainty, ErrorCode, SchemaResult, Status
from tests.stage import ALPHA, BETA, NOW_S, ONE, TIMEOUT, UNAVAILABLE, Play, make_catalogue, make_job, rate_limited

SCHEMA: JsonObject = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
USAGE = Usage(input_tokens=10, output_tokens=20)
NOT_JSON = "$.n: the value is not of type"


def asked(*, strict: bool = True, **fields: object) -> Request:
    described = {"name": "number", "schema": SCHEMA, "strict": strict}
    shape = {"type": "json_schema", "json_schema": described}
    return Request.model_validate({"prompt": "How many?", "max_tokens": 100, "response_format": shape, **fields})


def said(content: str, finish_reason: str = "stop") -> Answer:
    return Answer(AnswerMessage(content=content), finish_reason, "m-2026", "id-1", USAGE)


GOOD, BAD, WORSE = said('{"n": 1}'), said('{"n": "one"}'), said('{"n": "two"}')


def repaired_call(play: Play) -> Request:
    repair = play.calls[-1].repair
    assert repair is not None
    return repair


def test_an_answer_that_fits_completes_and_says_so() -> None:
    play = Play(request=asked())
    play.start()
    play.answer(GOOD)
    assert play.response.status is Status.COMPLETED
    assert play.response.schema_check is not None
    assert play.response.schema_check.result is SchemaResult.PASSED
    assert play.calls[0].repair is None


def test_an_answer_that_does_not_fit_is_asked_for_again_at_the_same_model_with_what_is_wrong() -> None:
    play = Play(request=asked())
    play.start()
    play.answer(BAD)
    assert play.called == ["alpha", "alpha"]
    question, own, complaint = repaired_call(play).chat_messages()
    assert question["content"] == "How many?"
    assert own["content"] == BAD.message.content
    assert NOT_JSON in str(complaint["content"])
    play.answer(GOOD)
    response = play.response
    assert response.status is Status.COMPLETED
    assert response.message == GOOD.message
    assert [attempt.outcome for attempt in response.attempts] == [
        AttemptOutcome.SCHEMA_VIOLATION,
        AttemptOutcome.SUCCEEDED,
    ]
    assert NOT_JSON in (response.attempts[0].detail or "")
    assert "asked again, since its answer did not fit" in (response.route_reason or "")


def test_every_try_is_written_ahead_under_a_number_of_its_own_and_billed_as_metered() -> None:
    play = Play(request=asked())
    play.start()
    play.answer(BAD)
    play.answer(WORSE)
    play.answer(GOOD)
    costs = play.finish.costs
    assert [cost.attempt for cost in costs] == [1, 2, 3]
    assert [cost.event_id for cost in costs] == [call.started.event_id for call in play.calls]
    assert len({cost.event_id for cost in costs}) == 3
    assert {cost.certainty for cost in costs} == {Certainty.METERED}
    assert [cost.error_type for cost in costs] == ["schema_violation", "schema_violation", None]
    assert play.response.cost_usd == sum(cost.cost_usd or 0 for cost in costs)
    assert play.response.cost_usd == Decimal("0.000050") * 2 + Decimal("0.000150")


def test_the_bound_of_a_repair_holds_the_answer_and_the_complaint_too() -> None:
    play = Play(request=asked())
    play.start()
    play.answer(said('{"n": "' + "x" * 1_000 + '"}'))
    first, second = (call.started for call in play.calls)
    assert first.input_tokens is not None
    assert second.input_tokens is not None
    assert second.input_tokens > first.input_tokens + 600
    assert second.cost_usd is not None
    assert first.cost_usd is not None
    assert second.cost_usd > first.cost_usd


def test_after_one_repair_the_next_model_is_asked_afresh_and_the_first_not_again() -> None:
    play = Play(request=asked())
    play.start()
    play.answer(BAD)
    play.answer(WORSE)
    assert play.called == ["alpha", "alpha", "beta"]
    assert play.calls[2].repair is None
    play.answer(BAD)
    assert repaired_call(play).chat_messages()[1]["content"] == BAD.message.content
    play.answer(WORSE)
    assert play.called == ["alpha", "alpha", "beta", "beta"]
    assert isinstance(play.finish, Finish)


def test_when_nobodys_answer_fits_the_request_fails_with_the_last_answer() -> None:
    play = Play(ONE, asked())
    play.start()
    play.answer(BAD)
    play.answer(WORSE)
    response = play.response
    assert response.status is Status.FAILED
    assert response.error is not None
    assert response.error.code is ErrorCode.SCHEMA_VIOLATION
    assert NOT_JSON in response.error.message
    assert response.message == WORSE.message
    assert (response.finish_reason, response.usage) == ("stop", USAGE)
    assert (response.request_model, response.provider_name) == ("alpha", "one")
    assert response.schema_check is not None
    assert response.schema_check.result is SchemaResult.VIOLATED


def test_the_last_answer_and_its_own_usage_are_kept_though_later_calls_fail_otherwise() -> None:
    play = Play(request=asked())
    play.start()
    play.answer(BAD)
    play.answer(replace(WORSE, usage=None))
    play.fail(replace(TIMEOUT, usage=USAGE))
    while isinstance(play.fail(TIMEOUT), Call):
        pass
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.SCHEMA_VIOLATION
    assert "the last one was timeout of beta" in play.response.error.message
    assert play.response.message == WORSE.message
    assert play.response.usage is not None
    assert play.response.usage.doubt == "the answer has no usage"


def test_a_repair_that_fails_on_the_way_is_tried_again_as_any_call_is() -> None:
    play = Play(request=asked())
    play.start()
    play.answer(BAD)
    play.fail(UNAVAILABLE)
    assert play.called == ["alpha", "alpha", "alpha"]
    assert repaired_call(play).chat_messages()[1]["content"] == BAD.message.content
    play.fail(UNAVAILABLE)
    assert play.called[-1] == "beta"
    play.answer(GOOD)
    assert play.response.request_model == "beta"


def test_while_its_model_is_limited_a_repair_gives_way_to_the_next_model() -> None:
    play = Play(request=asked())
    play.start()
    play.answer(BAD)
    play.fail(rate_limited(30))
    assert play.called[-1] == "beta"
    assert play.calls[-1].repair is None


def test_an_answer_cut_off_by_max_tokens_is_not_repaired_but_asked_of_the_next_model() -> None:
    play = Play(request=asked())
    play.start()
    play.answer(said('{"n": ', "length"))
    assert play.called == ["alpha", "beta"]
    assert play.calls[1].repair is None


def test_no_repair_is_made_beyond_the_cap() -> None:
    play = Play(ONE, asked(max_cost_usd=Decimal("0.0005")))
    play.start()
    answer = play.answer(replace(BAD, usage=Usage(input_tokens=150, output_tokens=100)))
    assert isinstance(answer, Finish)
    assert play.called == ["alpha"]
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.SCHEMA_VIOLATION
    assert play.response.message == BAD.message


def test_no_repair_is_made_past_the_deadline() -> None:
    play = Play(request=asked(), deadline_s=10)
    play.start()
    play.answer(BAD, latency_s=11)
    assert play.called == ["alpha"]
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.SCHEMA_VIOLATION
    assert "the deadline has passed" in play.response.error.message


def test_what_is_too_long_for_the_context_with_its_repair_goes_to_the_next_model() -> None:
    small = replace(ALPHA, context_tokens=300)
    play = Play(make_catalogue(small, BETA), asked())
    play.start()
    play.answer(said('{"n": "' + "word " * 300 + '"}'))
    assert play.called == ["alpha", "beta"]
    assert play.calls[1].repair is None


def test_no_more_calls_are_made_than_for_any_other_request() -> None:
    catalogue = make_catalogue(*(replace(ALPHA, name=f"m-{number}") for number in range(9)))
    play = Play(catalogue, asked(max_cost_usd=1))
    play.start()
    while isinstance(play.answer(BAD), Call | Wait):
        pass
    assert len(play.calls) == catalogue.retry.max_attempts
    assert play.response.error is not None
    assert play.response.error.code is ErrorCode.SCHEMA_VIOLATION


def test_a_model_whose_answers_do_not_fit_is_well() -> None:
    play = Play(ONE, asked())
    for _ in range(6):
        play = Play(ONE, asked(), pool=play.pool)
        play.start()
        play.answer(BAD)
        play.answer(BAD)
    assert play.pool.is_closed(ALPHA)
    assert play.pool.reading(ALPHA, play.now_s).error_rate == 0


def test_what_is_not_strict_completes_and_says_what_does_not_fit() -> None:
    play = Play(request=asked(strict=False))
    play.start()
    play.answer(BAD)
    assert play.response.status is Status.COMPLETED
    assert play.response.schema_check is not None
    assert play.response.schema_check.result is SchemaResult.VIOLATED
    assert play.response.attempts[0].outcome is AttemptOutcome.SUCCEEDED


def test_a_bad_schema_refuses_the_request_before_any_call() -> None:
    play = Play(request=Request(prompt="x", response_format={"type": "json_schema", "json_schema": {"schema": 7}}))
    play.start()
    assert play.response.status is Status.REJECTED
    assert play.response.error is not None
    assert play.response.error.field == "response_format.json_schema.schema"
    assert not play.calls


def test_a_worker_that_goes_on_counts_the_tries_before_it_and_uses_no_number_twice() -> None:
    play = Play(request=asked())
    play.start()
    play.answer(BAD)
    handed_on = play.session.abandon(play.now_s)
    heir = Session(make_job(asked()), play.pool, lambda: 0.0)
    call = heir.receive(Started(NOW_S + 5, handed_on))
    assert isinstance(call, Call)
    assert call.started.attempt == 2
    assert call.repair is None, "the answer that was to be repaired is gone with its worker"
