"""Lines of results read as live calls' replies do: usage, caches, errors, filters, broken lines."""

import json
from decimal import Decimal
from typing import Any

import orjson
import pytest

from router.batches.apis import BATCH_APIS
from router.batches.line import BatchLine, LineEnd
from router.charges import Charge
from router.dialects.registry import DIALECTS
from router.dialects.wire import BatchForm, DialectName
from router.errors import Answer, UpstreamFailure
from schemas.responses import Usage
from schemas.vocabulary import AttemptOutcome
from streams.config.charges import charge_rules
from streams.providers.batch_lines import BatchLineReader
from streams.providers.line_stream import Line
from streams.providers.outcomes import OutcomeReader
from streams.providers.secrets import Scrubber
from tests.unit.streams.providers.replies import NOW_S

KEY = "sk-turnout-secret-0123456789"


def reader(form: BatchForm, dialect: DialectName, provider: str) -> BatchLineReader:
    outcomes = OutcomeReader(Scrubber([KEY]), DIALECTS[dialect], charge_rules(provider))
    return BatchLineReader(BATCH_APIS[form], outcomes)


OPENAI = reader(BatchForm.OPENAI, DialectName.CHAT, "openai")
CLAUDE = reader(BatchForm.ANTHROPIC, DialectName.ANTHROPIC, "anthropic")
GEMINI = reader(BatchForm.GEMINI, DialectName.GEMINI, "google")


def read(by: BatchLineReader, line: object, **how: bool) -> BatchLine:
    return by.read(3, Line(line if isinstance(line, bytes) else orjson.dumps(line), **how), NOW_S)


def openai(body: object, status: int = 200) -> dict[str, Any]:
    return {"id": "batch_req_1", "custom_id": "a", "response": {"status_code": status, "body": body}, "error": None}


def completion(**more: object) -> dict[str, Any]:
    message = {"role": "assistant", "content": "Two."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    return {"id": "chatcmpl-1", "model": "gpt-4.1", "choices": [choice], "usage": usage, **more}


def answer(line: BatchLine) -> Answer:
    assert line.end is LineEnd.ANSWERED
    assert isinstance(line.outcome, Answer)
    return line.outcome


def failure(line: BatchLine) -> UpstreamFailure:
    assert isinstance(line.outcome, UpstreamFailure)
    return line.outcome


def test_an_answer_has_its_usage_in_the_tier_of_batches() -> None:
    cached = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    cached["prompt_tokens_details"] = {"cached_tokens": 4}  # type: ignore[assignment]  # as OpenAI nests it
    line = read(OPENAI, openai(completion(usage=cached, service_tier="default")))
    assert (line.number, line.custom_id) == (3, "a")
    found = answer(line)
    assert (found.message.content, found.response_id, found.response_model) == ("Two.", "chatcmpl-1", "gpt-4.1")
    assert found.usage == Usage(input_tokens=10, output_tokens=2, cached_input_tokens=4, service_tier="batch")


def test_a_tier_of_another_price_stays() -> None:
    usage = answer(read(OPENAI, openai(completion(service_tier="priority")))).usage
    assert usage is not None
    assert usage.service_tier == "priority"


def test_claudes_caches_are_read() -> None:
    usage = {"input_tokens": 5, "output_tokens": 7, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20}
    message = {
        "id": "msg_1",
        "type": "message",
        "model": "claude",
        "content": [{"type": "text", "text": "Hi."}],
        "stop_reason": "max_tokens",
        "usage": {**usage, "service_tier": "batch"},
    }
    found = answer(read(CLAUDE, {"custom_id": "a", "result": {"type": "succeeded", "message": message}}))
    assert found.finish_reason == "length"
    assert found.usage == Usage(
        input_tokens=125, output_tokens=7, cached_input_tokens=100, cache_write_tokens=20, service_tier="batch"
    )


def test_geminis_answers_and_blocked_prompts_are_read() -> None:
    counts = {"promptTokenCount": 8, "candidatesTokenCount": 7, "totalTokenCount": 15}
    part = {"content": {"parts": [{"text": "Hi."}], "role": "model"}, "finishReason": "STOP"}
    found = answer(read(GEMINI, {"key": "a", "response": {"candidates": [part], "usageMetadata": counts}}))
    assert found.message.content == "Hi."
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 8}}
    line = read(GEMINI, {"key": "a", "response": blocked})
    assert (line.end, failure(line).category) == (LineEnd.FAILED, AttemptOutcome.CONTENT_FILTERED)


@pytest.mark.parametrize(
    ("by", "line", "outcome", "charge"),
    [
        (
            OPENAI,
            openai({"error": {"message": "too long", "code": "context_length_exceeded"}}, 400),
            AttemptOutcome.CONTEXT_TOO_LONG,
            Charge.FREE,
        ),
        (OPENAI, openai({"error": {"message": "slow down"}}, 429), AttemptOutcome.RATE_LIMITED, Charge.FREE),
        (
            OPENAI,
            {"custom_id": "a", "response": None, "error": {"code": "request_timeout", "message": "timed out"}},
            AttemptOutcome.TIMEOUT,
            Charge.UNKNOWN,
        ),
        (
            CLAUDE,
            {"custom_id": "a", "result": {"type": "errored", "error": {"type": "timeout_error", "message": "late"}}},
            AttemptOutcome.TIMEOUT,
            Charge.FREE,
        ),
        (
            CLAUDE,
            {"custom_id": "a", "result": {"type": "errored", "error": {"type": "overloaded_error"}}},
            AttemptOutcome.UNAVAILABLE,
            Charge.FREE,
        ),
        (
            GEMINI,
            {"key": "a", "error": {"code": 1, "message": "The operation was cancelled."}},
            AttemptOutcome.UNAVAILABLE,
            Charge.FREE,
        ),
    ],
)
def test_errors_go_by_the_table_of_live_calls(
    by: BatchLineReader, line: object, outcome: AttemptOutcome, charge: Charge
) -> None:
    found = read(by, line)
    assert (found.custom_id, found.end) == ("a", LineEnd.FAILED)
    assert (failure(found).category, failure(found).charge) == (outcome, charge)


@pytest.mark.parametrize(
    ("by", "line", "end"),
    [
        (OPENAI, {"custom_id": "a", "response": None, "error": {"code": "batch_expired"}}, LineEnd.EXPIRED),
        (OPENAI, {"custom_id": "a", "response": None, "error": {"code": "batch_cancelled"}}, LineEnd.CANCELLED),
        (CLAUDE, {"custom_id": "a", "result": {"type": "expired"}}, LineEnd.EXPIRED),
        (CLAUDE, {"custom_id": "a", "result": {"type": "canceled"}}, LineEnd.CANCELLED),
    ],
)
def test_what_was_never_begun_is_free(by: BatchLineReader, line: object, end: LineEnd) -> None:
    found = read(by, line)
    assert (found.custom_id, found.end, failure(found).charge) == ("a", end, Charge.FREE)


@pytest.mark.parametrize(
    ("content", "custom_id"),
    [
        (b'{"id": "x", "custom_id": "a-1", "response": {"stat', "a-1"),
        (b"<html>oops", None),
        (b"[1]", None),
        (b'{"custom_id": "a-1"}', "a-1"),
        (b'{"key": "a-1", "odd": 1}', "a-1"),
    ],
)
def test_a_line_that_cannot_be_read_may_have_been_charged(content: bytes, custom_id: str | None) -> None:
    found = read(OPENAI, content)
    assert (found.custom_id, found.end) == (custom_id, LineEnd.UNREADABLE)
    assert (failure(found).category, failure(found).charge) == (AttemptOutcome.MALFORMED, Charge.UNKNOWN)


def test_a_line_that_is_too_long_says_whose_it_is() -> None:
    found = read(OPENAI, b'{"custom_id": "a-1", "response": {"body": "xxxxx', is_cut=True)
    assert (found.custom_id, found.end) == ("a-1", LineEnd.UNREADABLE)
    assert failure(found).category is AttemptOutcome.ANSWER_TOO_LARGE


def test_no_key_is_repeated() -> None:
    found = read(OPENAI, openai({"error": {"message": f"Incorrect API key provided: {KEY}"}}, 401))
    assert KEY not in failure(found).detail
    said = openai(completion(choices=[{"message": {"content": f"It is {KEY}"}, "finish_reason": "stop"}]))
    assert KEY not in str(answer(read(OPENAI, said)).message.content)


def test_long_numbers_of_a_tools_arguments_are_exact() -> None:
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": {"n": 123456789012345678901234567890}},
    }
    body = completion(choices=[{"message": {"tool_calls": [call]}, "finish_reason": "tool_calls"}])

    found = answer(read(OPENAI, json.dumps(openai(body)).encode()))
    assert found.message.tool_calls is not None
    assert "123456789012345678901234567890" in str(found.message.tool_calls[0])


def test_what_the_provider_says_that_it_cost_is_kept() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12, "cost": 0.25}
    found = answer(read(OPENAI, openai(completion(usage=usage)))).usage
    assert found is not None
    assert found.provider_cost_usd == Decimal("0.25")
