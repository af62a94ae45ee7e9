"""Flaws that answers show by themselves, and the same question that is asked again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from router.quality.flaws import AGAIN_WITHIN_S, FlawCounter, answers_of, flaw_of
from router.sharing.member import Member
from schemas.message import utc_from_ms
from schemas.responses import AnswerMessage, Attempt, Cascade, CascadeCheck, Response, SchemaCheck, Usage
from schemas.vocabulary import AnswerCheck, AttemptOutcome, CascadeVerdict, Difficulty, Flaw, SchemaResult, Status, Task

AT = utc_from_ms(1_800_000_000_000)


def attempt(model: str, outcome: AttemptOutcome = AttemptOutcome.SUCCEEDED) -> Attempt:
    return Attempt(attempt=1, provider_name="p", request_model=model, outcome=outcome, started_at=AT, latency_ms=10)


def response(after_s: float = 0, **fields: object) -> Response:
    asked = {
        "request_id": "r",
        "status": Status.COMPLETED,
        "tenant": "acme",
        "task": Task.QA,
        "difficulty": Difficulty.EASY,
        "message": AnswerMessage(content="Yes."),
        "finish_reason": "stop",
        "request_model": "alpha",
        "attempts": (attempt("alpha"),),
        "received_at": AT + timedelta(seconds=after_s),
        "completed_at": AT + timedelta(seconds=after_s + 1),
        "latency_ms": 1000,
        "request_topic": "t",
        "request_partition": 0,
        "request_offset": 0,
        "asked_sha256": 64 * "a",
        **fields,
    }
    return Response.model_validate(asked)


@pytest.mark.parametrize(
    ("fields", "flaw"),
    [
        ({}, None),
        ({"message": AnswerMessage(content="")}, Flaw.EMPTY),
        ({"message": AnswerMessage(content=None)}, Flaw.EMPTY),
        ({"message": AnswerMessage(content=None, tool_calls=[{"id": "1"}])}, None),
        ({"message": AnswerMessage(content=None, refusal="I cannot.")}, Flaw.REFUSED),
        ({"finish_reason": "content_filter"}, Flaw.REFUSED),
        ({"finish_reason": "length"}, Flaw.LENGTH),
        ({"finish_reason": "max_tokens"}, Flaw.LENGTH),
        ({"message": AnswerMessage(content="I'm sorry, but I can't help with that.")}, Flaw.REFUSED),
        ({"message": AnswerMessage(content="He has 26 - 2 = 23 eggs.")}, Flaw.ARITHMETIC),
        ({"message": AnswerMessage(content="He has 26 - 2 = 23"), "finish_reason": "length"}, Flaw.ARITHMETIC),
        ({"message": AnswerMessage(content=" "), "finish_reason": "content_filter"}, Flaw.REFUSED),
        ({"finish_reason": "length", "usage": Usage(input_tokens=9, output_tokens=4096)}, Flaw.LENGTH),
        ({"finish_reason": "length", "usage": Usage(input_tokens=9, output_tokens=120)}, None),
        ({"schema_check": SchemaCheck(result=SchemaResult.VIOLATED)}, Flaw.SCHEMA_VIOLATION),
        ({"schema_check": SchemaCheck(result=SchemaResult.NOT_CHECKED)}, None),
    ],
)
def test_what_an_answer_shows_by_itself(fields: dict[str, object], flaw: Flaw | None) -> None:
    assert flaw_of(response(0, **fields)) is flaw


def test_a_violation_counts_against_the_model_that_gave_it() -> None:
    tries = (
        attempt("beta", AttemptOutcome.SCHEMA_VIOLATION),
        attempt("gamma", AttemptOutcome.TIMEOUT),
        attempt("alpha"),
    )
    found = [(cell.model, flaw) for cell, flaw in answers_of(response(attempts=tries))]
    assert found == [("beta", Flaw.SCHEMA_VIOLATION), ("alpha", None)]


@pytest.mark.parametrize(
    ("verdict", "failed", "first"),
    [
        (CascadeVerdict.ESCALATED, [AnswerCheck.ARITHMETIC], [("beta", Flaw.ARITHMETIC)]),
        (CascadeVerdict.ESCALATED, [AnswerCheck.FINISH, AnswerCheck.REFUSAL], [("beta", Flaw.REFUSED)]),
        (CascadeVerdict.ESCALATED, [AnswerCheck.FINISH], [("beta", Flaw.LENGTH)]),
        # that another answer differs, or a judge's word, shows no flaw
        (CascadeVerdict.ESCALATED, [AnswerCheck.AGREEMENT], [("beta", None)]),
        # the answer in the response is the first one
        (CascadeVerdict.KEPT, [AnswerCheck.ARITHMETIC], []),
    ],
)
def test_an_answer_that_a_cascade_rejected_counts_for_its_model(
    verdict: CascadeVerdict, failed: list[AnswerCheck], first: list[tuple[str, Flaw | None]]
) -> None:
    tries = [attempt(model).model_copy(update={"attempt": place}) for place, model in enumerate(("beta", "alpha"), 1)]
    checks = [CascadeCheck(check=check, passed=False) for check in failed]
    checks.append(CascadeCheck(check=AnswerCheck.JUDGE, passed=True, attempt=3))
    cascade = Cascade(verdict=verdict, first_attempt=1, checks=tuple(checks))
    found = [(cell.model, flaw) for cell, flaw in answers_of(response(attempts=tries, cascade=cascade))]
    assert found == [*first, ("alpha", None)]


@pytest.mark.parametrize(("passed", "counted"), [(True, (1, 0)), (False, (0, 1)), (None, (0, 0))])
def test_what_a_judge_found_of_the_first_answer_counts_for_its_model(
    *, passed: bool | None, counted: tuple[int, int]
) -> None:
    tries = [attempt(model).model_copy(update={"attempt": place}) for place, model in enumerate(("beta", "alpha"), 1)]
    check = CascadeCheck(check=AnswerCheck.JUDGE, passed=passed, attempt=3)
    cascade = Cascade(verdict=CascadeVerdict.ESCALATED, first_attempt=1, checks=(check,))
    counter = FlawCounter(Member("w", 1))
    counter.ended(response(attempts=tries, cascade=cascade))
    found = {one.request_model: (one.judged_good, one.judged_bad) for one in counter.take(1_800_000_000.0)}
    assert found == {"beta": counted, "alpha": (0, 0)}


@pytest.mark.parametrize(
    "fields",
    [
        {"status": Status.REJECTED, "attempts": ()},
        {"difficulty": None},
        {"message": AnswerMessage(content=None, embeddings=[[0.5]])},
    ],
)
def test_what_is_no_answer_counts_for_nothing(fields: dict[str, object]) -> None:
    assert not list(answers_of(response(0, **fields)))


def told(*responses: Response) -> dict[str, dict[Flaw, int]]:
    counter = FlawCounter(Member("w", 1))
    for one in responses:
        counter.ended(one)
    found = list(counter.take(1_800_000_000.0))
    assert [one.sequence for one in found] == list(range(1, len(found) + 1))
    assert not list(counter.take(1_800_000_001.0))
    return {one.request_model: dict(one.flaws) for one in found}


def test_the_same_question_soon_after_counts_against_the_first_answer_once() -> None:
    beta = replace_model(response(20), "beta")
    assert told(response(), beta) == {"alpha": {Flaw.ASKED_AGAIN: 1}, "beta": {}}


def replace_model(one: Response, model: str) -> Response:
    return one.model_copy(update={"request_model": model, "attempts": (attempt(model),)})


def test_a_question_that_is_asked_again_and_again_is_a_habit() -> None:
    asked = [response(20 * number) for number in range(6)]
    assert told(*asked) == {"alpha": {Flaw.ASKED_AGAIN: 1}}


def test_neither_at_once_nor_late_nor_by_another_tenant_is_again() -> None:
    assert told(response(), response(0.5)) == {"alpha": {}}
    assert told(response(), response(AGAIN_WITHIN_S + 10)) == {"alpha": {}}
    assert told(response(), response(20, tenant="other")) == {"alpha": {}}


def test_counts_of_a_worker_that_starts_anew_are_told_apart() -> None:
    first, second = FlawCounter(Member("w", 1)), FlawCounter(replace(Member("w", 1), epoch=2))
    for counter in (first, second):
        counter.ended(response())
    (one,), (other,) = first.take(1.0), second.take(1.0)
    assert (one.epoch, other.epoch) == (1, 2)
