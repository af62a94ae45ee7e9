"""The bound against somebody else's count: the simulated provider's, whose tokens are o200k's."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.bounds import TextBound, byte_bound, input_bound, output_bound
from sandbox.provider.answers import count_tokens
from sandbox.provider.dialects.chat import ChatBody
from sandbox.provider.metering import IMAGE_TOKENS, count_input_tokens
from schemas.requests import JsonObject, Request
from streams.config.tokens import best_text_bound
from tests.stage import ALPHA

MODEL = replace(ALPHA, image_tokens=IMAGE_TOKENS)

TEXTS = st.one_of(
    st.text(),
    st.text("qzxjkvw", min_size=20),
    st.integers(1, 50).map(lambda count: "zq" * count),  # o200k has one token for each of these letters
    st.text("0123456789abcdef"),
    st.text("ABCDEFabcdef0123456789+/="),
    st.text(" \n\t"),
    st.lists(st.sampled_from(["a", "1", "天", "é", "🙂", ";", "hello"])).map(" ".join),
    st.binary().map(bytes.hex),
)
IMAGES = st.just({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}})
PARTS = st.lists(st.one_of(TEXTS.map(lambda text: {"type": "text", "text": text}), IMAGES), min_size=1)
CALLS = TEXTS.map(lambda text: [{"id": "c", "type": "function", "function": {"name": "f", "arguments": text}}])
MESSAGES = st.lists(
    st.one_of(
        st.fixed_dictionaries({"role": st.just("user"), "content": st.one_of(TEXTS, PARTS)}),
        st.fixed_dictionaries({"role": st.just("user"), "content": TEXTS, "name": st.text("abc_", min_size=1)}),
        st.fixed_dictionaries({"role": st.just("assistant"), "content": TEXTS, "tool_calls": CALLS}),
        st.fixed_dictionaries({"role": st.just("tool"), "content": TEXTS, "tool_call_id": st.just("c")}),
    ),
    min_size=1,
    max_size=4,
)
TOOLS = st.one_of(
    TEXTS.map(lambda text: [{"type": "function", "function": {"name": "f", "description": text}}]),
    st.integers(1, 200).map(lambda count: [{"type": "function", "function": {"name": "f"}}] * count),
    st.integers(1, 200).map(lambda count: [{"type": "function", "function": {"name": f"f{n}"}} for n in range(count)]),
)
SCHEMAS = TEXTS.map(
    lambda text: {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object", "title": text}}}
)


@pytest.mark.parametrize("text_bound", [byte_bound, best_text_bound()], ids=["bytes", "tokenizer"])
@given(messages=MESSAGES, tools=st.none() | TOOLS, schema=st.none() | SCHEMAS)
def test_no_request_is_counted_above_its_bound(
    text_bound: TextBound, messages: list[JsonObject], tools: list[JsonObject] | None, schema: JsonObject | None
) -> None:
    sent = {"messages": messages, "tools": tools, "response_format": schema}
    body = orjson.dumps({"model": "m", **{name: value for name, value in sent.items() if value is not None}})
    request = Request.model_validate({name: value for name, value in sent.items() if value is not None})
    bound = input_bound(request, text_bound).tokens(MODEL)
    assert bound is not None
    assert bound >= count_input_tokens(ChatBody.model_validate_json(body).to_ask("m"))


@given(text=TEXTS)
def test_no_prediction_is_counted_above_its_bound(text: str) -> None:
    request = Request.model_validate({"prompt": "hi", "prediction": {"type": "content", "content": text}})
    assert output_bound(request, 10) >= 10 + count_tokens(text)


@given(prompt=st.text(min_size=1), more=st.text(min_size=1))
def test_a_longer_prompt_has_no_smaller_bound(prompt: str, more: str) -> None:
    bound = input_bound(Request(prompt=prompt)).words
    assert input_bound(Request(prompt=prompt + more)).words >= bound
    assert input_bound(Request(prompt=prompt, system_prompt=more)).words >= bound
