"""Whether two answers say the same, by what each comes to."""

import orjson
import pytest

from router.request.agreement import MOST_CHARS, Outcome, agree, outcome_of
from schemas.requests import JsonObject
from schemas.responses import AnswerMessage
from schemas.vocabulary import Task

PROSE = "The sea is wide, and the ships that cross it are many; nobody has counted them all, nor will anybody."


def said(text: str | None, **fields: object) -> AnswerMessage:
    return AnswerMessage.model_validate({"content": text, **fields})


@pytest.mark.parametrize(
    ("text", "task", "outcome"),
    [
        ("So he has 4 + 5 = 9 eggs, and sells them for $18.", Task.MATH, ("number", "18")),
        ("Step by step.\n#### 1,200.00", Task.REASONING, ("number", "1200")),
        (r"Hence \boxed{\frac{1}{2}}, or rather \boxed{42}.", Task.MATH, ("number", "42")),
        ("**Answer: B**", Task.QA, ("choice", "B")),
        ("The answer is (C) because the others are not.", Task.QA, ("choice", "C")),
        ("(B) Paris", Task.QA, ("choice", "B")),
        ("B", Task.CLASSIFICATION, ("choice", "B")),
        ("Positive.", Task.CLASSIFICATION, ("words", "positive")),
        ("  ＰＯＳＩＴＩＶＥ ", Task.CLASSIFICATION, ("words", "positive")),  # noqa: RUF001 - full width, on purpose
        ("Johann Wolfgang von Goethe", Task.QA, ("words", "johann wolfgang von goethe")),
        ("$1,234.50", Task.EXTRACTION, ("number", "1234.5")),
        ("-0", Task.MATH, ("number", "0")),
        ('{"b": 1.0, "a": [2]}', Task.EXTRACTION, ("json", '{"a":[2],"b":1}')),
        ('```json\n{"a": 1}\n```', Task.EXTRACTION, ("json", '{"a":1}')),
    ],
)
def test_an_answer_comes_to_its_end(text: str, task: Task, outcome: tuple[str, str]) -> None:
    assert outcome_of(said(text), task) == Outcome(*outcome)


@pytest.mark.parametrize(
    "message", [said(PROSE), said(""), said(None), said("No.", refusal="No."), said("9" * MOST_CHARS + "1")]
)
def test_prose_an_empty_answer_and_a_refusal_come_to_nothing(message: AnswerMessage) -> None:
    assert outcome_of(message, Task.CREATIVE) is None
    assert agree(message, message, Task.CREATIVE) is None


def test_numbers_agree_by_value_and_words_by_their_letters() -> None:
    assert agree(said("It is 18 dollars."), said("#### 18.00"), Task.MATH)
    assert agree(said("It is 18 dollars."), said("#### 19"), Task.MATH) is False
    assert agree(said("Positive"), said("positive."), Task.CLASSIFICATION)
    assert agree(said("Positive"), said("negative"), Task.CLASSIFICATION) is False
    assert agree(said("Positive"), said(PROSE), Task.CLASSIFICATION) is False


def test_calls_of_tools_agree_by_name_and_arguments() -> None:
    def call(arguments: JsonObject | str, name: str = "find_train") -> JsonObject:
        written = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
        return {"id": f"call-{written}", "type": "function", "function": {"name": name, "arguments": written}}

    one = said(None, tool_calls=[call({"from": "Huế", "to": "Vinh"})])
    assert agree(one, said(None, tool_calls=[call('{ "to": "Vinh",\n "from": "Huế" }')]), Task.UNKNOWN)
    assert agree(one, said(None, tool_calls=[call({"from": "Huế", "to": "Hà Nội"})]), Task.UNKNOWN) is False
    assert agree(one, said(None, tool_calls=[call({"from": "Huế", "to": "Vinh"}, "book")]), Task.UNKNOWN) is False
    assert agree(one, said("I would look for a train."), Task.UNKNOWN) is False
