from decimal import Decimal

from router.cost import call_started
from router.request.session import Call
from router.route import Candidate, Estimate, Route
from schemas.requests import JsonObject, Request
from schemas.vocabulary import Task, Tier
from streams.providers.chat_completions import body_of
from tests.stage import ALPHA, NOW_S, ONE, make_job
from tests.unit.streams.providers.replies import answer_of, completion


def sent(messages: list[JsonObject]) -> object:
    request = Request.model_validate({"messages": messages})
    candidate = Candidate(ALPHA, "the test's", Estimate(20, 100), Decimal("0.001"), 100)
    started = call_started(make_job(), Route(Task.MATH, Tier.FAST, "the test's"), candidate, 1, ONE, NOW_S)
    return body_of(request, Call(ALPHA, started, 100, 10.0))["messages"]


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
