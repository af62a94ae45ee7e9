"""Requests and answers that the vendors themselves publish: what Turnout sends is theirs, and their answer is read.

A file holds where the example stands (`source`), what a producer writes (`request`), the vendor's own request
(`published`), what Turnout sends beside it (`adds`: how many tokens, and defaults said aloud), the vendor's answer
(`reply`) and how it reads (`answer`).
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import orjson
import pytest
from pydantic import BaseModel, ConfigDict, JsonValue

from router.dialects.dialect import Asked
from router.dialects.registry import DIALECTS
from router.dialects.wire import DialectName, Wire
from router.errors import Answer
from schemas.requests import JsonObject, Request
from streams.providers.exchange import Reply
from streams.providers.outcomes import OutcomeReader
from tests.unit.streams.providers.replies import NOW_S

PUBLISHED = Path(__file__).with_name("published")
NAMES = sorted(path.stem for path in PUBLISHED.glob("*.json"))


class Call(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    arguments: JsonObject


class ReadAnswer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    content: str | None
    finish_reason: str
    response_id: str | None
    tool_calls: list[Call] = []
    usage: tuple[int, int] | None = None


class Example(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    model: str
    max_tokens: int
    request: JsonObject
    published: JsonObject
    adds: JsonObject
    reply: JsonObject
    answer: ReadAnswer


def example(name: str) -> tuple[DialectName, Example]:
    dialect = max((dialect for dialect in DialectName if name.startswith(f"{dialect}-")), key=len)
    return dialect, Example.model_validate_json((PUBLISHED / f"{name}.json").read_bytes())


def listed(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value]


def as_it_is(body: JsonObject) -> JsonObject:
    return body


def of_responses(body: JsonObject) -> JsonObject:
    """A text is one message of the user; a function's `strict` is false where it is left out of a chat completion."""
    read = {**body}
    if isinstance(text := body.get("input"), str):
        read["input"] = [{"role": "user", "content": [{"type": "input_text", "text": text}]}]
    if isinstance(tools := body.get("tools"), list):
        read["tools"] = [{"strict": False, **tool} for tool in tools if isinstance(tool, dict)]
    return read


def of_anthropic(body: JsonObject) -> JsonObject:
    """A result of a tool that is a text is one block of text."""
    text = orjson.dumps(body).decode()
    return orjson.loads(  # type: ignore[no-any-return]  # an object it was, and is
        text.replace('"content":"15 degrees"', '"content":[{"type":"text","text":"15 degrees"}]')
    )


def of_gemini(body: JsonObject) -> JsonObject:
    """Names may be written in both ways, one for a list of one; a schema of JSON stands under a name of its own."""
    text = orjson.dumps(body).decode()
    text = text.replace('"function_declarations"', '"functionDeclarations"').replace(
        '"parameters":', '"parametersJsonSchema":'
    )
    read: JsonObject = orjson.loads(text)
    contents = [content for content in listed(read["contents"]) if isinstance(content, dict)]
    return {**read, "contents": [{**content, "parts": listed(content["parts"])} for content in contents]}


SAME: Mapping[DialectName, Callable[[JsonObject], JsonObject]] = {
    DialectName.RESPONSES: of_responses,
    DialectName.AZURE: as_it_is,
    DialectName.ANTHROPIC: of_anthropic,
    DialectName.GEMINI: of_gemini,
    DialectName.BEDROCK: as_it_is,
}
"""What a vendor's reference says that two ways of writing it mean the same."""


def with_added(body: JsonObject, added: JsonObject) -> JsonObject:
    read = {**body}
    for name, value in added.items():
        before = read.get(name)
        read[name] = with_added(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return read


@pytest.mark.parametrize("name", NAMES)
def test_what_is_sent_is_the_vendors_own_example(name: str) -> None:
    dialect, published = example(name)
    request = Request.model_validate(published.request)
    body = DIALECTS[dialect].body(Asked(request, published.model, published.max_tokens, Wire(dialect)))
    same = SAME[dialect]
    assert same(body) == with_added(same(published.published), published.adds)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_vendor_answers_to_it_is_read(name: str) -> None:
    dialect, published = example(name)
    outcome = OutcomeReader(dialect=DIALECTS[dialect]).from_reply(
        Reply(200, httpx.Headers(), orjson.dumps(published.reply)), NOW_S
    )
    assert isinstance(outcome, Answer), outcome
    functions = [
        (call, function)
        for call in outcome.message.tool_calls or ()
        if isinstance(function := call["function"], dict) and isinstance(function["arguments"], str)
    ]
    calls = [
        Call(id=str(call["id"]), name=str(function["name"]), arguments=orjson.loads(str(function["arguments"])))
        for call, function in functions
    ]
    usage = outcome.usage
    assert published.answer == ReadAnswer(
        content=outcome.message.content,
        finish_reason=outcome.finish_reason or "",
        response_id=outcome.response_id,
        tool_calls=calls,
        usage=None if usage is None else (usage.input_tokens, usage.output_tokens),
    )


def test_every_dialect_that_is_translated_has_an_example() -> None:
    assert {example(name)[0] for name in NAMES} == set(DialectName) - {DialectName.CHAT}
