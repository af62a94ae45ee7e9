from router.dialects.chat import ChatCompletions
from router.dialects.dialect import Asked
from router.dialects.wire import OPENAI, Wire
from schemas.requests import JsonObject, Request
from tests.unit.streams.providers.replies import answer_of, completion


def body_of(request: JsonObject, wire: Wire = OPENAI) -> JsonObject:
    return ChatCompletions().body(Asked(Request.model_validate(request), "theirs", 100, wire))


def sent(messages: list[JsonObject]) -> object:
    return body_of({"messages": [*messages]})["messages"]


def test_a_responses_own_message_can_be_sent_back_as_it_is() -> None:
    call: JsonObject = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = answer_of(completion({"content": None, "tool_calls": [call], "odd": 1})).message.model_dump()
    assert message["extra"] == {"odd": 1}
    question: JsonObject = {"role": "user", "content": "hi"}
    result: JsonObject = {"role": "tool", "tool_call_id": "c", "content": "42"}
    assert sent([question, message, result]) == [
        question,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        result,
    ]


def test_no_null_of_an_earlier_answer_reaches_a_provider() -> None:
    earlier: JsonObject = {
        "role": "assistant",
        "content": "hello",
        "tool_calls": None,
        "function_call": None,
        "refusal": None,
        "audio": None,
    }
    assert sent([{"role": "user", "content": "hi"}, earlier, {"role": "user", "content": "so?"}]) == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"},
        {"role": "user", "content": "so?"},
    ]


def test_the_limit_goes_under_the_name_that_the_provider_heeds() -> None:
    assert body_of({"prompt": "x"})["max_completion_tokens"] == 100
    other = body_of({"prompt": "x"}, Wire(max_tokens_field="max_tokens"))
    assert (other["max_tokens"], "max_completion_tokens" in other) == (100, False)


def test_parameters_are_dropped_and_renamed_for_a_provider_that_wants_it() -> None:
    wire = Wire(drops=frozenset({"temperature", "parallel_tool_calls"}), renames={"seed": "random_seed"})
    body = body_of({"prompt": "x", "temperature": 1, "parallel_tool_calls": True, "seed": 7, "top_p": 0.5}, wire)
    assert body == {
        "model": "theirs",
        "messages": [{"role": "user", "content": "x"}],
        "max_completion_tokens": 100,
        "random_seed": 7,
        "top_p": 0.5,
    }
