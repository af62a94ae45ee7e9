"""What is counted of a call: all that a provider may charge for, each token once."""

import base64

import orjson
import pytest
import quicktok

from sandbox.provider.answers import compose_choices
from sandbox.provider.ask import Ask
from sandbox.provider.dialects.chat import ChatCompletions
from sandbox.provider.dialects.dialect import Address
from sandbox.provider.metering import FILE_TOKENS, IMAGE_TOKENS, Division, count_input_tokens, measure
from sandbox.provider.models import TokenCounts

LOT = bytes(range(200, 232))
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = '{"type":"function","function":{"name":"f","description":null,"parameters":{}}}'
count = quicktok.get_encoding("o200k_base").count


def request(content: object = "Why is the sky blue?", **fields: object) -> Ask:
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": content}], **fields}
    return ChatCompletions().read(orjson.dumps(body), Address())


def audio(seconds: int) -> dict[str, object]:
    data = base64.b64encode(bytes(16_000 * seconds)).decode()
    return {"type": "input_audio", "input_audio": {"data": data, "format": "mp3"}}


def metered(ask: Ask, division: Division | None = None, *, predicts: bool = False) -> TokenCounts:
    return measure(ask, compose_choices(ask, LOT), LOT, division or Division(), predicts=predicts)


def test_input_tokens_are_contents_plus_the_chats_overhead() -> None:
    asked = request(messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "<|endoftext|>"}])

    assert count_input_tokens(asked) == 3 + 4 + count("Be brief.") + 4 + count("<|endoftext|>")


def test_parts_of_a_content_count_as_their_text() -> None:
    assert count_input_tokens(request([{"type": "text", "text": "Why is the sky blue?"}])) == count_input_tokens(
        request()
    )


@pytest.mark.parametrize(
    ("asked", "tokens"),
    [
        (request("", tools=[{"type": "function", "function": {"name": "f"}}]), count(TOOL)),
        (
            request("", response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": SCHEMA}}),
            count(orjson.dumps(SCHEMA).decode()),
        ),
        (request("", messages=[{"role": "user", "content": "", "name": "Ada"}]), 1 + count("Ada")),
        (
            request("", messages=[{"role": "assistant", "tool_calls": [{"id": "x" * 40}]}]),
            count('[{"id":"' + "x" * 40 + '"}]'),
        ),
        (request([{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}] * 3), 3 * IMAGE_TOKENS),
        (request([{"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}}]), FILE_TOKENS),
        (request([audio(seconds=7)]), 70),
    ],
    ids=["tools", "schema", "name", "tool calls", "images", "file", "audio"],
)
def test_what_is_not_text_counts_too(asked: Ask, tokens: int) -> None:
    assert count_input_tokens(asked) == 3 + 4 + tokens


def test_each_choice_is_output() -> None:
    answers = compose_choices(request(n=3), LOT)

    assert metered(request(n=3)).output_tokens == sum(count(answer.text) for answer in answers)
    assert metered(request(n=3)).input_tokens == metered(request()).input_tokens


def test_lots_divide_what_is_there_and_never_more() -> None:
    asked = request([{"type": "text", "text": "Listen."}, audio(seconds=2)])
    counts = metered(asked, Division(cached=True, written=True, reasoning=True))

    assert counts.audio_input_tokens == 20
    assert counts.cached_input_tokens > 0
    assert counts.cache_write_tokens > 0
    assert counts.cached_input_tokens + counts.cache_write_tokens + 20 <= counts.input_tokens
    assert 0 < counts.reasoning_tokens < counts.output_tokens
    assert metered(asked) == TokenCounts(counts.input_tokens, counts.output_tokens, audio_input_tokens=20)


def test_a_rejected_prediction_is_output_up_to_the_limit() -> None:
    prediction = {"type": "content", "content": "word " * 300}
    asked = request(prediction=prediction)
    plain = metered(asked)

    assert metered(asked, predicts=True).rejected_tokens == count("word " * 300)
    assert metered(asked, predicts=True).output_tokens == plain.output_tokens + count("word " * 300)
    assert (
        metered(request(prediction=prediction, max_tokens=plain.output_tokens + 9), predicts=True).rejected_tokens == 9
    )


def test_a_spoken_answer_is_audio() -> None:
    counts = metered(request(modalities=["text", "audio"]))

    assert counts.audio_output_tokens == counts.output_tokens > 0
