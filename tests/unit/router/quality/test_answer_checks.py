"""What can be seen to be wrong with an answer without reading it."""

import pytest

from router.quality.answer_checks import doubts_of, wrong_equation
from schemas.responses import AnswerMessage, SchemaCheck
from schemas.vocabulary import AnswerCheck, SchemaResult, Task


def failed(text: str | None = "The sea is wide.", finish: str | None = "stop", **fields: object) -> list[AnswerCheck]:
    message = AnswerMessage.model_validate({"content": text, **fields})
    return [doubt.check for doubt in doubts_of(message, finish)]


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        (failed(), []),
        (failed(finish="length"), [AnswerCheck.FINISH]),
        (failed(finish="MAX_TOKENS"), [AnswerCheck.FINISH]),
        (failed(finish="content_filter"), [AnswerCheck.FILTER]),
        (failed(""), [AnswerCheck.EMPTY]),
        (failed(" \n"), [AnswerCheck.EMPTY]),
        (failed(None, tool_calls=[{"id": "1"}]), []),
        (failed(None, refusal="No."), [AnswerCheck.REFUSAL]),
        (failed("I'm sorry, but I can't help with that."), [AnswerCheck.REFUSAL]),
        (failed("I cannot answer."), [AnswerCheck.REFUSAL]),
        (failed("As an AI I have no opinion."), [AnswerCheck.REFUSAL]),
        (failed("I cannot stress enough how wide the sea is. " + "It is wide. " * 50), []),
        (failed("I can see the sea."), []),
        (failed("He has 26 - 2 = 23 eggs."), [AnswerCheck.ARITHMETIC]),
    ],
)
def test_each_flaw_is_told(checks: list[AnswerCheck], expected: list[AnswerCheck]) -> None:
    assert checks == expected


def test_a_schema_that_is_not_kept_to_is_a_flaw_even_if_it_is_not_strict() -> None:
    message = AnswerMessage(content="{}")
    violated = SchemaCheck(result=SchemaResult.VIOLATED, detail="name is missing")
    assert [tuple(doubt) for doubt in doubts_of(message, "stop", violated)] == [(AnswerCheck.SCHEMA, "name is missing")]
    assert not list(doubts_of(message, "stop", SchemaCheck(result=SchemaResult.NOT_CHECKED)))


@pytest.mark.parametrize("task", [Task.TRANSLATION, Task.REWRITE, Task.EXTRACTION])
def test_a_refusal_that_is_anothers_words_is_none(task: Task) -> None:
    said = AnswerMessage(content="I cannot come to the meeting.")
    assert not list(doubts_of(said, "stop", None, task))
    assert [doubt.check for doubt in doubts_of(said, "stop", None, Task.QA)] == [AnswerCheck.REFUSAL]
    refused = AnswerMessage(content=None, refusal="I cannot translate this.")
    assert [doubt.check for doubt in doubts_of(refused, "stop", None, task)] == [AnswerCheck.REFUSAL]


@pytest.mark.parametrize(
    "text",
    [
        "26 - 2 = 24",
        "2 + 3 * 4 = 14",
        "100 / 3 = 33.33",
        "1,000 * 1.5 = $1,500",
        "10 × 3 ÷ 2 = 15",  # noqa: RUF001
        "She has 16 - 3 - 4 = <<16-3-4=9>>9 eggs.",
        "x = 3, and x + 2 = 5",
        "2 + x + 3 = 9",  # not of numbers alone
        "(2 + 3) * 4 = 20",
        "a3 * 2 = 7",
        "20% * 50 = 10",
        "2 * 3 = 5 + 1",
        "5 / 0 = 7",
        "f(3 + 4) = 8",
        "2^3 + 1 = 9",
        "2 + 2 == 4",
        "3 + 4 = 7.",
        "1 = 2",
    ],
)
def test_an_equation_that_is_right_or_not_of_numbers_alone_is_no_flaw(text: str) -> None:
    assert wrong_equation(text) is None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("First 2 + 2 = 4, then 4 * 6 = 25 eggs.", "4 * 6 = 25"),
        ("<<2*27-5=52>>52", "2*27-5 = 52"),
        ("$1.50 + $2 = $4", "$1.50 + $2 = 4"),
        ("100 / 3 = 32", "100 / 3 = 32"),
        ("2 + 3 * 4 = 20", "2 + 3 * 4 = 20"),
        ("10 - 4 - 3 = 9", "10 - 4 - 3 = 9"),
    ],
)
def test_the_first_wrong_equation_is_told(text: str, wrong: str) -> None:
    assert wrong_equation(text) == wrong


def test_a_text_of_nothing_but_equations_is_read_within_a_bound() -> None:
    assert wrong_equation("1 + 1 = 2\n" * 10_000 + "1 + 1 = 3") is None
