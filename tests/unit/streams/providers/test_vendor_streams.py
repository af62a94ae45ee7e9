"""Streams that were not asked for, in the dialects that are translated; the events are the vendors' own examples."""

import httpx
import orjson
import pytest
from pydantic import JsonValue

from router.charges import Charge, ChargeRow, ChargeRules
from router.dialects.registry import DIALECTS
from router.dialects.wire import DialectName
from router.errors import Answer, UpstreamFailure
from schemas.vocabulary import AttemptOutcome
from streams.providers.exchange import Reply
from streams.providers.outcomes import OutcomeReader
from tests.unit.streams.providers.replies import NOW_S, answer_of


def read(dialect: DialectName, *events: JsonValue) -> Answer | UpstreamFailure:
    lines = [f"event: {e['type']}\n" if isinstance(e, dict) and "type" in e else "" for e in events]
    body = "".join(f"{line}data: {orjson.dumps(e).decode()}\n\n" for line, e in zip(lines, events, strict=True))
    reader = OutcomeReader(dialect=DIALECTS[dialect])
    return reader.from_reply(Reply(200, httpx.Headers({"content-type": "text/event-stream"}), body.encode()), NOW_S)


START: JsonValue = {
    "type": "message_start",
    "message": {
        "id": "msg_1nZdL29xx5MUA1yADyHTEsnR8uuvGzszyy",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": "claude-sonnet-4-5",
        "stop_reason": None,
        "usage": {"input_tokens": 25, "output_tokens": 1},
    },
}


def test_a_message_of_anthropic_is_put_together() -> None:
    # platform.claude.com, "Streaming messages": basic streaming request
    answer = read(
        DialectName.ANTHROPIC,
        START,
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "!"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 15}},
        {"type": "message_stop"},
    )
    assert isinstance(answer, Answer)
    assert (answer.message.content, answer.finish_reason) == ("Hello!", "stop")
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (25, 15)


def test_a_thought_and_a_call_of_anthropic_are_put_together() -> None:
    # platform.claude.com, "Streaming messages": with tool use, with extended thinking
    answer = read(
        DialectName.ANTHROPIC,
        START,
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "I need"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "EqQB"}},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "id": "toolu_01T1", "name": "get_weather", "input": {}},
        },
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"loc'}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": 'ation":1}'}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 89}},
    )
    assert isinstance(answer, Answer)
    assert answer.message.reasoning_content == "I need"
    assert answer.message.tool_calls == [
        {"id": "toolu_01T1", "type": "function", "function": {"name": "get_weather", "arguments": '{"location":1}'}}
    ]
    assert answer.finish_reason == "tool_calls"


def test_an_error_amid_a_message_of_anthropic_is_an_error() -> None:
    # platform.claude.com, "Streaming messages": error events
    failure = read(
        DialectName.ANTHROPIC, START, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    )
    assert isinstance(failure, UpstreamFailure)
    assert failure.category is AttemptOutcome.UNAVAILABLE


def text(said: str) -> list[JsonValue]:
    return [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": said}},
    ]


def test_of_a_message_that_breaks_off_the_least_is_not_taken_for_all_of_its_output() -> None:
    answer = read(DialectName.ANTHROPIC, START, *text("Half of it"))
    assert isinstance(answer, Answer)
    assert answer.message.content == "Half of it"
    assert answer.usage is None or answer.usage.doubt is not None


def test_an_error_after_a_message_has_begun_may_have_been_charged() -> None:
    error: JsonValue = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    free = ChargeRules([ChargeRow(Charge.FREE, "the test's", statuses=frozenset({200, 529}))])
    body = "".join(f"data: {orjson.dumps(event).decode()}\n\n" for event in (START, *text("Half"), error))
    reader = OutcomeReader(dialect=DIALECTS[DialectName.ANTHROPIC], charges=free)
    failure = reader.from_reply(Reply(200, httpx.Headers(), body.encode()), NOW_S)
    assert isinstance(failure, UpstreamFailure)
    assert (failure.category, failure.charge) == (AttemptOutcome.UNAVAILABLE, Charge.UNKNOWN)
    assert "Overloaded" in failure.detail


def test_an_argument_of_any_depth_stays_the_text_that_it_came_as() -> None:
    written = '{"a":' + "[" * 600 + "]" * 600 + "}"
    answer = read(
        DialectName.ANTHROPIC,
        START,
        {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t", "name": "f"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": written}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 15}},
    )
    assert isinstance(answer, Answer)
    assert [call["function"] for call in answer.message.tool_calls or ()] == [{"name": "f", "arguments": written}]


def test_of_candidates_that_break_off_what_had_come_by_then_is_not_taken_for_all() -> None:
    usage: JsonValue = {"promptTokenCount": 8, "candidatesTokenCount": 2, "totalTokenCount": 10}
    answer = read(
        DialectName.GEMINI, {"candidates": [{"content": {"parts": [{"text": "Once "}]}}], "usageMetadata": usage}
    )
    assert isinstance(answer, Answer)
    assert (answer.message.content, answer.usage) == ("Once ", None)


def test_a_prompt_that_gemini_blocks_is_so_in_a_stream_too() -> None:
    failure = read(DialectName.GEMINI, {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "g"})
    assert isinstance(failure, UpstreamFailure)
    assert failure.category is AttemptOutcome.CONTENT_FILTERED


def test_a_response_of_openai_is_taken_from_its_last_event() -> None:
    # platform.openai.com, "Streaming API responses"
    output: JsonValue = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}]
    usage: JsonValue = {"input_tokens": 37, "output_tokens": 11, "total_tokens": 48}
    answer = read(
        DialectName.RESPONSES,
        {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}},
        {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "delta": "Hi"},
        {
            "type": "response.completed",
            "response": {"id": "resp_1", "status": "completed", "output": output, "usage": usage},
        },
    )
    assert isinstance(answer, Answer)
    assert (answer.message.content, answer.response_id) == ("Hi", "resp_1")
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (37, 11)


def test_candidates_of_gemini_are_put_together() -> None:
    # ai.google.dev, "Generating content": streamGenerateContent with alt=sse
    answer = read(
        DialectName.GEMINI,
        {"candidates": [{"content": {"parts": [{"text": "Hel"}], "role": "model"}, "index": 0}]},
        {
            "candidates": [
                {"content": {"parts": [{"text": "lo"}], "role": "model"}, "finishReason": "STOP", "index": 0}
            ],
            "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6},
            "modelVersion": "gemini-2.5-flash",
        },
    )
    assert isinstance(answer, Answer)
    assert (answer.message.content, answer.finish_reason) == ("Hello", "stop")
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (4, 2)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_an_event_may_have_several_lines_of_data(end: str) -> None:
    # html.spec.whatwg.org, "Server-sent events", 9.2.6
    lines = [
        'data: {"choices":[{"index":0,',
        'data:"delta":{"content":"hi"},"finish_reason":"stop"}]}',
        "",
        "data: [DONE]",
        "",
    ]
    assert answer_of(end.join(lines).encode()).message.content == "hi"


def test_a_line_ends_where_the_specification_has_it_end() -> None:
    # JSON may hold U+2028 and U+0085 as they are; RFC 8259, section 7
    for said in ("a\u2028b", "a\u0085b", "a\u2029b"):
        body = f'data: {{"choices":[{{"index":0,"delta":{{"content":"{said}"}}}}]}}\n\n'
        body += 'data: {"choices":[{"index":0,"delta":{"content":"!"},"finish_reason":"stop"}]}\n\n'
        assert answer_of(body.encode()).message.content == f"{said}!"


def test_events_that_no_blank_line_ends_are_told_apart() -> None:
    body = (
        b'data: {"choices":[{"delta":{"content":"h"}}]}\ndata: {"choices":[{"delta":{"content":"i"}}]}\ndata: [DONE]\n'
    )
    assert answer_of(body).message.content == "hi"
