"""Any request translates into each dialect or says why not, and any reply of any vendor is read, whatever it holds."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from router.dialects.dialect import Asked, Untranslatable
from router.dialects.registry import DIALECTS
from router.dialects.wire import DialectName, Wire
from router.errors import Answer, UpstreamFailure
from schemas.requests import PROVIDER_PARAMETERS, JsonObject, Request
from streams.providers.exchange import Reply
from streams.providers.outcomes import OutcomeReader

NATIVE = sorted(set(DialectName) - {DialectName.CHAT})
WORDS = st.sampled_from(["", " ", "x", "{}", '{"a": 1}', "[1]", "data:image/png;base64,AAAA", "https://e.org/a"])
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False) | WORDS
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3))
FIELDS = st.sampled_from(
    [
        *("type", "text", "role", "content", "parts", "output", "message", "candidates", "choices", "functionCall"),
        *("name", "args", "toolUse", "input", "id", "thinking", "signature", "reasoningContent", "reasoningText"),
        *("stopReason", "stop_reason", "finishReason", "error", "usage", "usageMetadata", "promptFeedback", "thought"),
        *("status", "incomplete_details", "reason", "arguments", "call_id", "blockReason", "annotations", "citations"),
    ]
)
VENDORS_WORDS = st.sampled_from(
    [
        *(
            "text",
            "tool_use",
            "thinking",
            "message",
            "output_text",
            "function_call",
            "reasoning",
            "end_turn",
            "refusal",
        ),
        *("STOP", "SAFETY", "MAX_TOKENS", "max_tokens", "guardrail_intervened", "incomplete", "failed", "completed"),
    ]
)
REPLIES = st.recursive(
    SCALARS | VENDORS_WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS, inner, max_size=6),
    max_leaves=30,
)
PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image_url", "input_audio", "file", "refusal", "odd"])},
    optional={
        "text": WORDS,
        "refusal": WORDS,
        "image_url": WORDS | st.fixed_dictionaries({"url": WORDS}) | JSON,
        "input_audio": st.fixed_dictionaries({"data": WORDS, "format": WORDS}) | JSON,
        "file": st.fixed_dictionaries({"file_data": WORDS}, optional={"filename": WORDS, "file_id": WORDS}),
        "cache_control": st.just({"type": "ephemeral"}) | JSON,
    },
)
CALLS = st.lists(
    st.fixed_dictionaries(
        {"id": WORDS, "function": st.fixed_dictionaries({"name": WORDS, "arguments": WORDS}) | JSON},
        optional={"extra_content": JSON},
    ),
    max_size=2,
)
MESSAGES = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {
                "role": st.sampled_from(["system", "developer", "user", "tool"]),
                "content": WORDS | st.lists(PARTS, max_size=3),
            },
            optional={"tool_call_id": WORDS, "name": WORDS, "cache_control": JSON},
        ),
        st.fixed_dictionaries(
            {"role": st.just("assistant")},
            optional={
                "content": WORDS | st.lists(PARTS, max_size=2),
                "tool_calls": CALLS,
                "extra": st.dictionaries(st.just("thinking_blocks"), JSON, max_size=1),
                "thinking_blocks": JSON,
            },
        ),
    ),
    min_size=1,
    max_size=5,
)
ASKED = st.fixed_dictionaries(
    {"messages": MESSAGES},
    optional={
        "temperature": st.floats(0, 2),
        "tools": st.lists(
            st.fixed_dictionaries({"type": WORDS | st.just("function"), "function": JSON}, optional={"odd": JSON}),
            max_size=2,
        ),
        "tool_choice": st.sampled_from(["auto", "none", "required", "odd"]) | st.dictionaries(WORDS, JSON, max_size=2),
        "response_format": st.fixed_dictionaries(
            {"type": st.sampled_from(["text", "json_object", "json_schema", "odd"])}, optional={"json_schema": JSON}
        ),
        "parameters": st.dictionaries(
            st.sampled_from(sorted(PROVIDER_PARAMETERS | {"thinking", "top_k"})), JSON | st.just("low"), max_size=3
        ),
    },
)


@pytest.mark.parametrize("dialect", NATIVE)
@given(asked=ASKED, max_tokens=st.integers(1, 10_000))
def test_a_request_translates_or_is_refused(dialect: DialectName, asked: JsonObject, max_tokens: int) -> None:
    request = Request.model_validate(asked)
    field, sent = "", None
    try:
        sent = orjson.loads(orjson.dumps(DIALECTS[dialect].body(Asked(request, "theirs", max_tokens, Wire(dialect)))))
    except Untranslatable as why:
        field = str(why).partition(":")[0].partition("[")[0].partition(".")[0]
    if sent is None:
        assert field in PROVIDER_PARAMETERS | set(Request.model_fields)
    else:
        limits = {
            sent.get(name) for name in ("max_tokens", "max_output_tokens", "max_completion_tokens") if name in sent
        }
        limits |= {sent.get("generationConfig", {}).get("maxOutputTokens")}
        limits |= {sent.get("inferenceConfig", {}).get("maxTokens")}
        assert limits - {None} == {max_tokens}, "the bound of the call reaches the vendor"


@pytest.mark.parametrize("dialect", NATIVE)
@given(reply=REPLIES, status=st.sampled_from([200, 200, 200, 400, 429, 500]))
def test_any_reply_is_read(dialect: DialectName, reply: JsonValue, status: int) -> None:
    outcome = OutcomeReader(dialect=DIALECTS[dialect]).from_reply(Reply(status, {}, orjson.dumps(reply)), 0.0)
    assert isinstance(outcome, Answer | UpstreamFailure)
    if isinstance(outcome, Answer):
        assert status == 200
        orjson.dumps(outcome.message.model_dump(mode="json"))
