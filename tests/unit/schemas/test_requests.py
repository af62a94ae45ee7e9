from decimal import Decimal

import pytest
from pydantic import ValidationError

from schemas.requests import NOT_OVERRIDABLE, PROVIDER_PARAMETERS, JsonObject, Request, is_batch_line
from schemas.responses import AnswerMessage
from schemas.vocabulary import Policy, Tier


def read(fields: object) -> Request:
    return Request.model_validate(fields)


def asked(**fields: object) -> Request:
    return read({"prompt": "hello", **fields})


def said(*messages: JsonObject) -> Request:
    return read({"messages": messages})


def test_a_prompt_is_enough() -> None:
    request = read({"prompt": "hello"})
    assert (request.tenant, request.request_id, request.question) == ("default", None, "hello")
    assert request.chat_messages() == [{"role": "user", "content": "hello"}]


def test_a_system_prompt_goes_before_the_prompt() -> None:
    assert asked(system_prompt="Be brief.").chat_messages() == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hello"},
    ]


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_system_prompt_is_none(empty: str | None) -> None:
    assert len(asked(system_prompt=empty).chat_messages()) == 1


def test_null_is_as_good_as_absent_where_a_field_is_optional() -> None:
    optional = Request.model_fields.keys() | PROVIDER_PARAMETERS | {"stream", "n", "stream_options", "zzz"}
    assert read({**dict.fromkeys(optional), "prompt": "hello"}) == asked()
    body = {**dict.fromkeys(optional), "prompt": "hello"}
    assert read({"custom_id": "a", "method": None, "url": None, "body": body}) == asked(request_id="a")


def test_null_is_as_good_as_absent_inside_parameters_tags_messages_and_the_cache() -> None:
    assert asked(cache={"ttl_s": 60, "tool_calls": None}) == asked(cache={"ttl_s": 60})
    assert asked(parameters={"seed": None, "top_k": 4}).parameters == {"top_k": 4}
    assert asked(metadata={"team": None, "job": "x"}).metadata == {"job": "x"}
    said_so = said({"role": "assistant", "content": None, "tool_calls": None, "refusal": None, "audio": {"id": "a"}})
    assert said_so.chat_messages() == [{"role": "assistant", "content": None, "audio": {"id": "a"}}]


def test_null_inside_a_tool_or_a_schema_is_the_callers() -> None:
    tool: JsonObject = {"type": "function", "function": {"name": "f", "parameters": {"enum": [None], "default": None}}}
    assert asked(tools=[tool]).tools == [tool]


@pytest.mark.parametrize("first", [None, 7])
def test_the_one_of_both_limits_that_is_given_holds(first: int | None) -> None:
    # mozilla-ai/otari issue 769
    assert asked(max_tokens=first, max_completion_tokens=50).max_tokens == (first or 50)
    assert asked(max_tokens=first or 50, max_completion_tokens=None).max_tokens == (first or 50)


def test_a_response_s_own_message_can_be_sent_back_as_it_is() -> None:
    answer = AnswerMessage(content="It is late.").model_dump()
    call: JsonObject = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    called = AnswerMessage(content=None, tool_calls=[call]).model_dump()
    sent = said({"role": "user", "content": "x"}, answer, called, {"role": "tool", "tool_call_id": "1", "content": "2"})
    assert sent.chat_messages()[1:3] == [
        {"role": "assistant", "content": "It is late."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ]


def test_legacy_functions_reach_the_provider() -> None:
    # OpenAI's reference of chat completions: functions, function_call and the role function, deprecated
    call: JsonObject = {"name": "f", "arguments": "{}"}
    messages: list[JsonObject] = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": None, "function_call": call},
        {"role": "function", "name": "f", "content": "2"},
    ]
    request = read({"messages": messages, "functions": [{"name": "f"}], "function_call": "auto"})
    assert request.chat_messages() == messages
    assert request.parameters == {"functions": [{"name": "f"}], "function_call": "auto"}


@pytest.mark.parametrize("number", [77001, 0, -1, 2**64 - 1])
def test_a_number_is_taken_for_an_id(number: int) -> None:
    body = {"messages": [{"role": "user", "content": "x"}]}
    assert read({"custom_id": number, "body": body}).request_id == str(number)
    assert (asked(request_id=number).request_id, asked(tenant=number).tenant) == (str(number), str(number))


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_whole_number_may_be_written_as_a_float(name: str) -> None:
    assert asked(**{name: 256.0}).max_tokens == 256


def test_tags_may_be_as_long_as_openai_s() -> None:
    # OpenAI's reference of metadata: values of up to 512 characters, names of up to 64
    tags: dict[str, object] = {"k" * 64: "v" * 512, **{str(number): "v" for number in range(15)}}
    assert asked(metadata=tags).metadata == tags


def test_tools_are_as_many_as_the_provider_takes() -> None:
    tools: list[JsonObject] = [{"type": "function", "function": {"name": f"f{number}"}} for number in range(1000)]
    assert asked(tools=tools).tools == tools


def test_spaces_around_ids_are_taken_away() -> None:
    request = asked(request_id="  a b\t", tenant=" t\n")
    assert (request.request_id, request.tenant) == ("a b", "t")


@pytest.mark.parametrize("request_id", ["ü", "日本", "a/b?c#d", "🚂", "a\u2028b", "x" * 256])
def test_an_id_may_hold_any_printable_characters(request_id: str) -> None:
    assert asked(request_id=request_id).request_id == request_id


def test_max_completion_tokens_is_max_tokens() -> None:
    assert asked(max_completion_tokens=5).max_tokens == 5


@pytest.mark.parametrize(("cap", "usd"), [("0.02", "0.02"), (0.1, "0.1"), (0.1 + 0.2, "0.30000000000000004"), (3, "3")])
def test_a_cost_cap_is_exact_as_text_or_number(cap: object, usd: str) -> None:
    assert asked(max_cost_usd=cap).max_cost_usd == Decimal(usd)


def test_words_of_the_vocabulary_are_read() -> None:
    request = asked(tier="fast", policy="cost")
    assert (request.tier, request.policy) == (Tier.FAST, Policy.COST)


def test_tags_keep_their_types() -> None:
    tags: dict[str, str | float | bool] = {"a": "x", "b": 1, "c": 1.0, "d": True, "e": 2**63, "f": 1e30, "": ""}
    read_tags = asked(metadata=tags).metadata
    assert read_tags == tags
    assert {name: type(tag) for name, tag in read_tags.items()} == {name: type(tag) for name, tag in tags.items()}


def test_stream_and_n_may_say_what_is_so_anyway() -> None:
    assert asked(stream=False, n=1) == asked(stream=None, n=None) == asked()


@pytest.mark.parametrize("name", sorted(PROVIDER_PARAMETERS))
def test_provider_parameters_are_taken_wherever_they_stand(name: str) -> None:
    assert asked(**{name: [1]}).parameters == asked(parameters={name: [1]}).parameters == {name: [1]}


def test_provider_parameters_may_stand_in_both_places() -> None:
    assert asked(seed=1, parameters={"top_k": 4}).parameters == {"seed": 1, "top_k": 4}


def test_the_question_is_the_last_message_of_the_user_without_its_images() -> None:
    request = said(
        {"role": "user", "content": "first"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}, {"text": "b"}, {"text": 1}]},
        {"role": "assistant", "content": "answer"},
    )
    assert request.question == "a\nb"


def test_a_conversation_without_a_user_asks_nothing() -> None:
    assert said({"role": "system", "content": "x"}).question == ""


@pytest.mark.parametrize(
    "message",
    [
        {"role": "developer", "content": "x"},
        {"role": "user", "content": ""},
        {"role": "user", "content": [], "name": "linh"},
        {"role": "assistant", "tool_calls": [{"id": "1", "function": {"arguments": "{}"}}]},
        {"role": "assistant", "content": None, "audio": {"id": "a"}},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "x"}]},
        {"role": "user", "content": "x", "cache_control": {"ttl": [1, 2.5, None, True]}},
    ],
)
def test_a_message_reaches_the_provider_with_all_its_fields_and_no_others(message: JsonObject) -> None:
    assert said(message).chat_messages() == [message]


def test_a_batch_line_is_told_by_its_two_fields() -> None:
    assert is_batch_line({"custom_id": "a", "body": {}})
    assert not is_batch_line({"custom_id": "a", "prompt": "x"})


def test_the_id_of_a_batch_line_is_its_custom_id() -> None:
    line = {"custom_id": "a", "body": {"request_id": "b", "prompt": "x", "tenant": "t"}}
    assert (read(line).request_id, read(line).tenant) == ("a", "t")


def test_a_request_of_a_newer_version_may_hold_what_we_do_not_know() -> None:
    assert asked(schema_version=2, mood="cheerful").question == "hello"


REFUSED: list[tuple[JsonObject, str]] = [
    # missing
    ({}, "prompt: give either"),
    ({"request_id": "a", "prompt": None, "messages": None}, "prompt: give either"),
    ({"prompt": "x", "messages": [{"role": "user", "content": "y"}]}, "prompt: give either"),
    ({"messages": [{"role": "user", "content": "y"}], "system_prompt": "z"}, "system_prompt: goes with"),
    # unknown
    ({"promt": "x"}, "promt: unknown field; did you mean 'prompt'"),
    ({"prompt": "x", "requestId": "a"}, "requestId: unknown field; did you mean 'request_id'"),
    ({"prompt": "x", "maxTokens": 5}, "maxTokens: unknown field; did you mean 'max_tokens'"),
    ({"prompt": "x", "top-p": 1}, "top-p: unknown field; did you mean 'top_p'"),
    ({"prompt": "x", "zzz": 0}, "zzz: unknown field; provider parameters go into"),
    ({"prompt": "x", "custom_id": "a"}, "custom_id: unknown field"),
    ({"prompt": "x", "tenant_budget": {"usd": 1}}, "tenant_budget: unknown field"),
    # not to be had
    ({"prompt": "x", "stream_options": {"include_usage": True}}, "stream_options: goes with `stream`"),
    ({"prompt": "x", "stream": True}, "stream: an answer on a topic is whole"),
    ({"prompt": "x", "stream": "yes"}, "stream: "),
    ({"prompt": "x", "n": 3}, "n: a response holds one message"),
    ({"prompt": "x", "n": [1]}, "n: "),
    # batch lines
    ({"custom_id": "a", "body": []}, "body: a batch line's body is an object"),
    ({"custom_id": "a", "body": {"prompt": "x"}, "url": "/v1/embeddings"}, "url: only POST"),
    ({"custom_id": "a", "body": {"prompt": "x"}, "method": "GET"}, "url: only POST"),
    ({"custom_id": "a", "body": {"prompt": "x"}, "method": ["POST"]}, "url: only POST"),
    ({"custom_id": "a", "body": None}, "body: a batch line's body is an object"),
    ({"custom_id": "a", "body": {"prompt": "x"}, "tenant": "t"}, "tenant: belongs into"),
]


@pytest.mark.parametrize(("fields", "complaint"), REFUSED)
def test_what_is_missing_unknown_or_not_to_be_had_is_refused_by_name(fields: JsonObject, complaint: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read(fields)
    assert refused.value.errors()[0]["msg"].removeprefix("Value error, ").startswith(complaint)


@pytest.mark.parametrize("name", sorted(NOT_OVERRIDABLE))
def test_parameters_cannot_override_what_turnout_decides_or_prices_by(name: str) -> None:
    with pytest.raises(ValidationError, match=rf"parameters\.{name}: is decided by Turnout"):
        asked(parameters={name: 1})


WRONG: list[tuple[str, object]] = [
    ("request_id", 4.5),
    ("request_id", True),
    ("request_id", ""),
    ("request_id", "   "),
    ("request_id", "x" * 257),
    ("request_id", "a\nb"),
    ("request_id", "a\x00b"),
    ("request_id", ["a"]),
    ("tenant", ""),
    ("tenant", "a\x7fb"),
    ("tenant", {"id": "a"}),
    ("prompt", 5),
    ("prompt", ""),
    ("prompt", ["hello"]),
    ("system_prompt", False),
    ("tier", "turbo"),
    ("tier", "FAST"),
    ("model", ""),
    ("model", 4.1),
    ("policy", "cheapest"),
    ("max_cost_usd", 0),
    ("max_cost_usd", -1),
    ("max_cost_usd", 10**30),
    ("max_cost_usd", "1e400"),
    ("max_cost_usd", "1e-400"),
    ("max_cost_usd", "1e99999999999999999999"),
    ("max_cost_usd", "NaN"),
    ("max_cost_usd", "Infinity"),
    ("max_cost_usd", "0." + "1" * 100),
    ("max_cost_usd", "a lot"),
    ("max_cost_usd", True),
    ("deadline", "2026-01-31T12:00:00"),
    ("deadline", "2026-01-31"),
    ("deadline", "tomorrow"),
    ("deadline", "1769860800"),
    ("deadline", 1769860800),
    ("deadline", 10**30),
    ("deadline", -1),
    ("deadline", "2026-13-31T12:00:00Z"),
    ("deadline", "2026-01-31T12:00:00+99:00"),
    ("max_tokens", 0),
    ("max_tokens", -1),
    ("max_tokens", 10**30),
    ("max_tokens", 2**63),
    ("max_tokens", 1.5),
    ("max_tokens", "5"),
    ("max_tokens", True),
    ("temperature", -0.1),
    ("temperature", 2.1),
    ("temperature", 1e308),
    ("temperature", "NaN"),
    ("temperature", "0.5"),
    ("temperature", True),
    ("tools", {}),
    ("tool_choice", 5),
    ("tool_choice", ["auto"]),
    ("response_format", "json"),
    ("parameters", [1]),
    ("reply_to", "a/b"),
    ("reply_to", ""),
    ("reply_to", "x" * 250),
    ("reply_to", "a b"),
    ("metadata", []),
    ("metadata", {str(number): 1 for number in range(65)}),
    ("schema_version", 0),
    ("schema_version", -1),
    ("schema_version", 10**30),
    ("schema_version", "1"),
    ("schema_version", True),
]


WRONG_INSIDE: list[tuple[JsonObject, str]] = [
    ({"messages": []}, "messages"),
    ({"messages": {"role": "user", "content": "x"}}, "messages"),
    ({"messages": "hello"}, "messages"),
    ({"messages": ["hello"]}, "messages.0"),
    ({"messages": [{"role": "user", "content": "x"}, {"content": "x"}]}, "messages.1.role"),
    ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
    ({"messages": [{"role": None, "content": "x"}]}, "messages.0.role"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
    ({"messages": [{"role": "user", "content": ["x"]}]}, "messages.0.content"),
    ({"messages": [{"role": "user", "content": {"text": "x"}}]}, "messages.0.content"),
    ({"prompt": "x", "tools": [{}, "search"]}, "tools.1"),
    ({"prompt": "x", "metadata": {"a": {"b": 1}}}, "metadata.a"),
    ({"prompt": "x", "metadata": {"a": [1]}}, "metadata.a"),
    ({"prompt": "x", "metadata": {"a": "x" * 513}}, "metadata.a"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_refused_at_its_field(name: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        asked(**{name: value})
    assert [error["loc"] for error in refused.value.errors()] == [(name,)]


@pytest.mark.parametrize(("fields", "place"), WRONG_INSIDE)
def test_a_wrong_value_inside_a_field_is_refused_at_its_place(fields: JsonObject, place: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read(fields)
    assert ".".join(map(str, refused.value.errors()[0]["loc"])) == place


@pytest.mark.parametrize("role", ["system", "developer", "user", "tool"])
@pytest.mark.parametrize("content", [{}, {"content": None}])
def test_only_an_assistant_may_have_nothing_to_say(role: str, content: JsonObject) -> None:
    with pytest.raises(ValidationError, match=f"content: a message of role '{role}' needs it"):
        said({"role": role, **content})


def test_a_long_name_of_a_tag_is_refused() -> None:
    with pytest.raises(ValidationError, match="at most 256 characters"):
        asked(metadata={"x" * 257: 1})
