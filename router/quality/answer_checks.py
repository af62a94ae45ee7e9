"""What can be seen to be wrong with an answer for free, without a model that reads it: the one place that says so.

A cascade doubts an answer by it, and what is learnt of models counts it (`router.quality.flaws`).

| check        | it fails if                                                            |
|--------------|------------------------------------------------------------------------|
| `finish`     | the answer was cut off at its longest                                  |
| `filter`     | the provider's filter cut it off                                       |
| `empty`      | it has no words, calls or audio                                        |
| `refusal`    | the provider marks it as a refusal, or it begins as one; not the words |
|              | of a translation and the like, which are another's                     |
| `schema`     | it does not fit the request's JSON schema, also one that is not strict |
| `arithmetic` | an equation in its text is wrong, such as `26 - 2 = 23`                |

Of a weak model's answers to 660 problems of GSM8K (public ones of RouteLLM), 25 have a wrong equation: 16 % of those
are right, of all 63 %. Of a strong one's, none has.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from schemas.responses import AnswerMessage, SchemaCheck
from schemas.vocabulary import AnswerCheck, SchemaResult, Task


class Doubt(NamedTuple):
    """A check that an answer fails."""

    check: AnswerCheck
    detail: str


CUT_SHORT: Final = frozenset({"length", "max_tokens"})
"""Finish reasons of an answer that reached its limit, in lower case. Asked again, a model would reach it again."""
MOST_EQUATIONS: Final = 200
"""How many equations are looked at, from the beginning of the answer."""
LEFT_CHARS: Final = 120
"""How many characters before the `=` an equation's left side may take."""
ROUNDED: Final = 0.006
"""How far the right side may be off, as a part of it: people and models round."""
ROUNDED_BY: Final = 0.011
"""How far it may be off in any case, in units: 0.333 for a third."""

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.\d{1,9})?"
_LEFT: Final = re.compile(rf"\$?{_NUMBER}(?:\s*[-+*/\u00d7\u00f7]\s*\$?{_NUMBER})+\s*$")
_RIGHT: Final = re.compile(rf"\s*\$?(-?{_NUMBER})(?![\d%]|[.,]\d|\s*[-+*/\u00d7\u00f7^]\s*[\d$(])")
_TERM: Final = re.compile(rf"[-+*/\u00d7\u00f7]|{_NUMBER}")
_BOUND_BEFORE: Final = re.compile(r"[\w.,)(%^$+*/\u00d7\u00f7=-]\s*$")
_REFUSALS: Final = re.compile(
    r"(?:i['\u2019]m sorry|i am sorry|sorry|i apologi[sz]e|unfortunately)?[,.]?\s*(?:but\s+)?"
    r"(?:i can(?:no|['\u2019])t|i can not|i am (?:not able|unable) to|i['\u2019]m (?:not able|unable) to|as an ai)\b",
    re.IGNORECASE,
)
_OTHERS_WORDS: Final = frozenset({Task.TRANSLATION, Task.REWRITE, Task.EXTRACTION})
"""Tasks whose answer is another text's words: that text may be a refusal."""
_REFUSAL_CHARS: Final = 400
"""A refusal is short: a long answer that begins like one goes on to answer."""


def doubts_of(
    message: AnswerMessage, finish_reason: str | None, schema_check: SchemaCheck | None = None, task: Task | None = None
) -> Iterator[Doubt]:
    """Yield what is wrong with an answer; `schema_check` is what its check against the request's schema has shown."""
    finish, text = (finish_reason or "").lower(), (message.content or "").strip()
    if finish in CUT_SHORT:
        yield Doubt(AnswerCheck.FINISH, "it was cut off at its longest, max_tokens")
    elif finish == "content_filter":
        yield Doubt(AnswerCheck.FILTER, "the provider's filter cut it off")
    if not (text or message.tool_calls or message.function_call or message.audio or message.refusal):
        yield Doubt(AnswerCheck.EMPTY, "it is empty")
    if message.refusal or (task not in _OTHERS_WORDS and len(text) <= _REFUSAL_CHARS and _REFUSALS.match(text)):
        yield Doubt(AnswerCheck.REFUSAL, "it refuses")
    if schema_check is not None and schema_check.result is SchemaResult.VIOLATED:
        yield Doubt(AnswerCheck.SCHEMA, schema_check.detail or "it does not fit the request's JSON schema")
    if (wrong := wrong_equation(text)) is not None:
        yield Doubt(AnswerCheck.ARITHMETIC, f"{wrong} is wrong")


def wrong_equation(text: str) -> str | None:
    """Return the first equation of numbers that is wrong: `a - b * c = d` and the like, without brackets."""
    place = -1
    for _ in range(MOST_EQUATIONS):
        place = text.find("=", place + 1)
        if place < 0:
            return None
        window = text[max(0, place - LEFT_CHARS) : place]
        left, right = _LEFT.search(window), _RIGHT.match(text, place + 1)
        if left is None or right is None or _is_part_of_more(window, left.start(), place):
            continue
        if (value := _value(left[0])) is None:
            continue
        told = float(right[1].replace(",", ""))
        if abs(value - told) > max(ROUNDED_BY, ROUNDED * abs(told)):
            return f"{left[0].strip()} = {right[1]}"
    return None


def _is_part_of_more(window: str, start: int, place: int) -> bool:
    """Say whether what stands before an expression belongs to it: a bracket, a name, an operator, the unseen."""
    before = window[:start]
    if not before:
        return place > LEFT_CHARS
    return (_BOUND_BEFORE.search(before) is not None and not before[-1].isspace()) or _ends_in_operator(before)


def _ends_in_operator(before: str) -> bool:
    return before.rstrip()[-1:] in set("+-*/\u00d7\u00f7^=(%")


def _value(expression: str) -> float | None:
    """Return what an expression comes to, products before sums; None if it divides by zero."""
    terms = _TERM.findall(expression)
    total, product, sign = 0.0, float(terms[0].replace(",", "")), 1
    for operator, number in zip(terms[1::2], terms[2::2], strict=True):
        value = float(number.replace(",", ""))
        match operator:
            case "+" | "-":
                total, product, sign = total + sign * product, value, 1 if operator == "+" else -1
            case "*" | "\u00d7":
                product *= value
            case _ if value == 0:
                return None
            case _:
                product /= value
    return total + sign * product
