"""Whether two answers to one request say the same, without a model that reads them.

What is compared is the end of what an answer comes to, the first of these that it has:

| what           | it is there if                                       | the same if                                |
|----------------|------------------------------------------------------|--------------------------------------------|
| calls of tools | the message calls tools                              | names and arguments are, keys in any order |
| JSON           | the text is an object or a list, also in a fence     | it is, keys in any order, 1.0 as 1         |
| a final answer | it ends with one: boxed, after `####` or `answer is` | as a number, a choice or words, see below  |
| a number       | of a `math` task, or where there is hardly more      | its value is: 1,200.00 as 1200             |
| a choice       | it begins with a lone letter from A to J, as in (B)  | the letter is                              |
| words          | the text has at most `SHORT_WORDS`                   | they are, without case and marks           |

A longer text comes to nothing that can be compared: two essays agree about nothing that is told here.
"""

import re
import unicodedata
from decimal import Decimal
from typing import Final, NamedTuple

import orjson
from pydantic import JsonValue

from schemas.responses import AnswerMessage
from schemas.vocabulary import Task

SHORT_WORDS: Final = 12
"""A label, a name or a short sentence has up to so many."""
MOST_CHARS: Final = 100_000
"""Of a longer answer nothing is compared: reading it would hold others up."""
END_CHARS: Final = 400
"""A final answer stands in the last so many characters."""

_NUMBER: Final = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|-?\.\d+")
_BOXED: Final = re.compile(r"\\boxed\{([^{}]{1,200})\}")
_HASHES: Final = re.compile(r"####\s*([^\n]{1,200})")
_ANSWER_IS: Final = re.compile(r"\banswer(?: is|:)\**:?\s*([^\n]{1,200})", re.IGNORECASE)
_CHOICE: Final = re.compile(r"\(?([A-J])\)?(?:[.):,]|\s*$)")
_FENCE: Final = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?```\s*", re.DOTALL)


class Outcome(NamedTuple):
    """What an answer comes to."""

    kind: str
    value: str


def outcome_of(message: AnswerMessage, task: Task) -> Outcome | None:
    """Return what an answer comes to; None if it is nothing that can be compared."""
    if message.tool_calls:
        called = sorted(_written(_call(call)) for call in message.tool_calls)
        return Outcome("calls", "\n".join(called))
    text = (message.content or "").strip()
    if not text or len(text) > MOST_CHARS or message.refusal:
        return None
    if (document := _json(text)) is not None:
        return Outcome("json", _written(document))
    return _of_text(text, task)


def agree(one: AnswerMessage, other: AnswerMessage, task: Task) -> bool | None:
    """Say whether two answers come to the same; None if the first comes to nothing that can be compared."""
    first = outcome_of(one, task)
    return None if first is None else first == outcome_of(other, task)


def _of_text(text: str, task: Task) -> Outcome | None:
    end = text[-END_CHARS:]
    for form in (_BOXED, _HASHES, _ANSWER_IS):
        if found := form.findall(end):
            return _short(found[-1])
    numbers = _NUMBER.findall(end)
    if task is Task.MATH and numbers:
        return Outcome("number", _value(numbers[-1]))
    if (choice := _CHOICE.match(text)) is not None:
        return Outcome("choice", choice[1])
    return _short(text) if len(text.split()) <= SHORT_WORDS else None


def _short(text: str) -> Outcome:
    """Tell a number with its signs, a choice, or words."""
    said = text.strip().strip("*_`$. ")
    numbers = _NUMBER.findall(said)
    if len(numbers) == 1 and len(said.split()) <= 2:  # noqa: PLR2004  (the number, and its unit)
        return Outcome("number", _value(numbers[0]))
    if (choice := _CHOICE.match(said)) is not None:
        return Outcome("choice", choice[1])
    plain = unicodedata.normalize("NFKC", said).casefold()
    return Outcome("words", " ".join(re.sub(r"[^\w\s/%+-]", " ", plain).split()))


def _value(number: str) -> str:
    return f"{Decimal(number.replace(',', '')).normalize() + 0:f}"


def _json(text: str) -> JsonValue | None:
    fenced = _FENCE.fullmatch(text)
    inner = fenced[1].strip() if fenced else text
    if not inner.startswith(("{", "[")):
        return None
    try:
        document: JsonValue = orjson.loads(inner)
    except orjson.JSONDecodeError:
        return None
    return document


def _call(call: JsonValue) -> JsonValue:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return call
    arguments = function.get("arguments")
    known = _json(arguments) if isinstance(arguments, str) else arguments
    return {"name": function.get("name"), "arguments": arguments if known is None else known}


def _written(value: JsonValue) -> str:
    return orjson.dumps(_once(value), option=orjson.OPT_SORT_KEYS).decode()


def _once(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            return {name: _once(one) for name, one in value.items()}
        case list():
            return [_once(one) for one in value]
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
    return value
