"""What a dialect has no words for, each with the field and the reason; and what it passes over or on as it is."""

import pytest

from router.dialects.dialect import Asked, Untranslatable
from router.dialects.registry import DIALECTS
from router.dialects.wire import DialectName, Wire
from schemas.requests import JsonObject, Request

ANTHROPIC, GEMINI, RESPONSES, BEDROCK = (
    DialectName.ANTHROPIC,
    DialectName.GEMINI,
    DialectName.RESPONSES,
    DialectName.BEDROCK,
)
NATIVE = (ANTHROPIC, GEMINI, RESPONSES, BEDROCK)
APART = (ANTHROPIC, GEMINI, BEDROCK)
"""Those who hold what the system says apart from the conversation."""


def body_of(
    dialect: DialectName, request: JsonObject, max_tokens: int = 4096, drops: frozenset[str] = frozenset()
) -> JsonObject:
    asked = Asked(Request.model_validate(request), "theirs", max_tokens, Wire(dialect, drops=drops))
    return DIALECTS[dialect].body(asked)


def user(*parts: JsonObject) -> JsonObject:
    return {"messages": [{"role": "user", "content": [*parts]}]}


def image(url: str) -> JsonObject:
    return user({"type": "image_url", "image_url": {"url": url}})


TOOL: JsonObject = {"type": "function", "function": {"name": "f"}}
CALL: JsonObject = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED: list[JsonObject] = [
    {"role": "user", "content": "go"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c", "content": "done"},
]

CASES: list[tuple[tuple[DialectName, ...], JsonObject, str]] = [
    # parameters
    (NATIVE, {"prompt": "x", "logit_bias": {"7": 1}}, "logit_bias: "),
    (APART, {"prompt": "x", "logprobs": True}, "logprobs: "),
    (NATIVE, {"prompt": "x", "prediction": {"type": "content", "content": "y"}}, "prediction: "),
    (NATIVE, {"prompt": "x", "web_search_options": {}}, "web_search_options: "),
    (NATIVE, {"prompt": "x", "modalities": ["text", "audio"]}, "modalities: "),
    (NATIVE, {"prompt": "x", "functions": [{"name": "f"}]}, "functions: "),
    ((ANTHROPIC, RESPONSES, BEDROCK), {"prompt": "x", "seed": 7}, "seed: "),
    ((ANTHROPIC, RESPONSES, BEDROCK), {"prompt": "x", "presence_penalty": 0.1}, "presence_penalty: "),
    ((RESPONSES,), {"prompt": "x", "stop": "."}, "stop: "),
    ((GEMINI, BEDROCK), {"prompt": "x", "tools": [TOOL], "parallel_tool_calls": False}, "parallel_tool_calls: "),
    (APART, {"prompt": "x", "verbosity": "low"}, "verbosity: "),
    ((ANTHROPIC,), {"prompt": "x", "service_tier": "flex"}, "service_tier: Anthropic Messages has no 'flex'"),
    (APART, {"prompt": "x", "service_tier": "scale"}, "service_tier: "),
    ((ANTHROPIC, BEDROCK), {"prompt": "x", "temperature": 1.5}, "temperature: "),
    ((ANTHROPIC, GEMINI), {"prompt": "x", "reasoning_effort": "much"}, "reasoning_effort: 'much' is known to no"),
    ((BEDROCK,), {"prompt": "x", "reasoning_effort": "low"}, "reasoning_effort: "),
    ((ANTHROPIC,), {"prompt": "x", "reasoning_effort": "low", "temperature": 0.5}, "temperature: "),
    (
        (ANTHROPIC,),
        {"prompt": "x", "reasoning_effort": "low", "tools": [TOOL], "tool_choice": "required"},
        "reasoning_effort: Anthropic Messages does not think where tool_choice forces a tool",
    ),
    # the form of the answer, and tools
    ((ANTHROPIC, BEDROCK), {"prompt": "x", "response_format": {"type": "json_object"}}, "response_format: "),
    (NATIVE, {"prompt": "x", "response_format": {"type": "grammar"}}, "response_format: only json_object and"),
    (NATIVE, {"prompt": "x", "tools": [{"type": "custom", "custom": {}}]}, "tools[0]: a tool of type 'custom'"),
    (NATIVE, {"prompt": "x", "tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "tool_choice: only auto"),
    ((BEDROCK,), {"messages": [*CALLED]}, "tools: "),
    ((BEDROCK,), {"messages": [*CALLED], "tools": [TOOL], "tool_choice": "none"}, "tool_choice: "),
    # messages
    (NATIVE, {"messages": [{"role": "function", "name": "f", "content": "2"}]}, "messages[0]: the role 'function'"),
    (NATIVE, {"messages": [{"role": "user", "name": "Ann", "content": "x"}]}, "messages[0].name: "),
    (APART, {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}, "messages: "),
    (APART, {"messages": [{"role": "user", "content": " "}]}, "messages: the last one is not the user's, or says"),
    ((BEDROCK,), {"messages": [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]}, "messages: "),
    (NATIVE, user({"type": "video_url", "video_url": {"url": "x"}}), "messages[0].content[0]: a part of type"),
    (
        NATIVE,
        {"messages": [{**CALLED[1], "tool_calls": [{"id": "c", "type": "custom", "custom": {}}]}, CALLED[0]]},
        "messages[0].tool_calls: ",
    ),
    (
        NATIVE,
        {
            "messages": [
                {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "[1"}}]},
                CALLED[0],
            ]
        },
        "messages[0].tool_calls: the arguments of 'f' are no JSON object",
    ),
    (
        APART,
        user({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}),
        "messages[0].content[0].cache_control.ttl: only the cache of five minutes has a price in the catalogue",
    ),
    # media
    ((GEMINI, BEDROCK), image("https://example.org/a.png"), "messages[0].content[0]: "),
    (NATIVE, image("data:image/svg+xml,<svg/>"), "messages[0].content[0]: the data URL is not base64"),
    ((ANTHROPIC, BEDROCK), image("data:image/tiff;base64,AAAA"), "messages[0].content[0]: "),
    (
        (ANTHROPIC, RESPONSES, BEDROCK),
        user({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}),
        "messages[0].content[0]: ",
    ),
    (APART, user({"type": "file", "file": {"file_id": "file-1"}}), "messages[0].content[0]: "),
]


@pytest.mark.parametrize(
    ("dialect", "request_", "reason"), [(one, request, reason) for many, request, reason in CASES for one in many]
)
def test_what_a_dialect_has_no_words_for_is_said(dialect: DialectName, request_: JsonObject, reason: str) -> None:
    with pytest.raises(Untranslatable) as raised:
        body_of(dialect, request_)
    assert str(raised.value).startswith(reason)


def test_a_limit_that_is_too_low_is_none() -> None:
    with pytest.raises(Untranslatable, match="max_tokens: OpenAI Responses takes 16 at least"):
        body_of(RESPONSES, {"prompt": "x"}, 15)
    with pytest.raises(Untranslatable, match="needs 2048 max_tokens, half of them to think with"):
        body_of(ANTHROPIC, {"prompt": "x", "reasoning_effort": "high"}, 2047)


@pytest.mark.parametrize("dialect", NATIVE)
def test_what_changes_no_answer_is_passed_over(dialect: DialectName) -> None:
    plain: JsonObject = {"prompt": "x"}
    as_left_out: JsonObject = {
        "frequency_penalty": 0,
        "logit_bias": {},
        "logprobs": False,
        "modalities": ["text"],
        "parallel_tool_calls": True,
        "presence_penalty": 0,
        "service_tier": "auto",
        "store": False,
        "verbosity": "medium",
        "tool_choice": "auto",
        "response_format": {"type": "text"},
    }
    assert body_of(dialect, plain | as_left_out) == body_of(dialect, plain)


@pytest.mark.parametrize("dialect", NATIVE)
def test_a_parameter_that_is_not_sent_to_a_provider_leaves_no_request_out(dialect: DialectName) -> None:
    asked: JsonObject = {"prompt": "x", "logit_bias": {"7": 1}, "temperature": 1.5}
    dropped = body_of(dialect, asked, drops=frozenset({"logit_bias", "temperature"}))
    assert dropped == body_of(dialect, {"prompt": "x"})


@pytest.mark.parametrize("dialect", NATIVE)
def test_what_the_provider_takes_beside_openais_parameters_reaches_it(dialect: DialectName) -> None:
    body = body_of(dialect, {"prompt": "x", "parameters": {"theirs": [1]}})
    assert (body.get("additionalModelRequestFields") if dialect is BEDROCK else body) == (
        {"theirs": [1]} if dialect is BEDROCK else {**body_of(dialect, {"prompt": "x"}), "theirs": [1]}
    )


def test_no_effort_is_no_thinking() -> None:
    assert body_of(ANTHROPIC, {"prompt": "x", "reasoning_effort": "none"})["thinking"] == {"type": "disabled"}
    config = body_of(GEMINI, {"prompt": "x", "reasoning_effort": "none"})["generationConfig"]
    assert isinstance(config, dict)
    assert config["thinkingConfig"] == {"thinkingBudget": 0}


def test_thinking_leaves_half_of_the_limit_for_the_answer() -> None:
    assert body_of(ANTHROPIC, {"prompt": "x", "reasoning_effort": "high"}, 9000)["thinking"] == {
        "type": "enabled",
        "budget_tokens": 4500,
    }


def test_the_vendors_own_parameters_go_where_they_belong() -> None:
    thinking: JsonObject = {"type": "enabled", "budget_tokens": 2000}
    own: JsonObject = {"prompt": "x", "parameters": {"thinking": thinking, "top_k": 5}}
    assert {name: body_of(ANTHROPIC, own)[name] for name in ("thinking", "top_k")} == {"thinking": thinking, "top_k": 5}
    assert body_of(BEDROCK, own)["additionalModelRequestFields"] == {"thinking": thinking, "top_k": 5}
    safety: list[JsonObject] = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    body = body_of(
        GEMINI, {"prompt": "x", "parameters": {"safety_settings": [*safety], "thinking_config": {"thinkingBudget": 9}}}
    )
    assert body["safetySettings"] == safety
    assert body["generationConfig"] == {"maxOutputTokens": 4096, "thinkingConfig": {"thinkingBudget": 9}}


def test_what_the_system_says_late_is_said_first_where_it_is_held_apart() -> None:
    talk: JsonObject = {
        "messages": [
            {"role": "system", "content": "a"},
            {"role": "user", "content": "b"},
            {"role": "developer", "content": "c"},
            {"role": "user", "content": "d"},
        ]
    }
    assert body_of(ANTHROPIC, talk)["system"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "c"}]
    assert body_of(BEDROCK, talk)["messages"] == [{"role": "user", "content": [{"text": "b"}, {"text": "d"}]}]
    items = body_of(RESPONSES, talk)["input"]
    assert isinstance(items, list)
    assert [item["role"] for item in items if isinstance(item, dict)] == ["system", "user", "system", "user"]
