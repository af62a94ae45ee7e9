"""Anthropic's Messages, `POST /v1/messages`.

Sources: https://platform.claude.com/docs/en/api/messages, https://platform.claude.com/docs/en/api/errors,
https://platform.claude.com/docs/en/api/rate-limits and the types of the `anthropic` package, 2.14.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from math import ceil
from uuid import uuid4

import orjson
from pydantic import JsonValue

from sandbox.provider.ask import Ask
from sandbox.provider.connection import Request
from sandbox.provider.dialects.anthropic_request import read_messages
from sandbox.provider.dialects.dialect import Address, Dialect, Keys, parse_object
from sandbox.provider.outcome import Answer, ErrorResponse, FinishReason, Outcome, Problem, ProblemKind

_VERSION = re.compile(rb"20[0-9]{2}-[0-9]{2}-[0-9]{2}")
_FINISH = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "refusal",
}
_ERRORS = {
    ProblemKind.INVALID: (400, "The request is invalid."),
    ProblemKind.MODEL_NOT_FOUND: (404, "model: {model}"),
    ProblemKind.NOT_FOUND: (404, "Not found"),
    ProblemKind.UNAUTHORIZED: (401, "invalid x-api-key"),
    ProblemKind.RATE_LIMITED: (429, "This request would exceed your organization's rate limit."),
    ProblemKind.SERVER_ERROR: (500, "Internal server error"),
    ProblemKind.BAD_GATEWAY: (502, "Bad gateway"),
    ProblemKind.OVERLOADED: (529, "Overloaded"),
    ProblemKind.CONTEXT_TOO_LONG: (400, "prompt is too long: 200001 tokens > 200000 maximum"),
    ProblemKind.CONTENT_FILTER: (400, "Output blocked by content filtering policy"),
    ProblemKind.KEY_REUSED: (422, "This Idempotency-Key was used for another request."),
    ProblemKind.KEY_TOO_LONG: (400, "The Idempotency-Key is too long."),
}
_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class Messages(Dialect):
    """Anthropic's Messages."""

    id_prefix = "msg_"
    caches_by_itself = False
    usage_field = "usage"
    answers_field = "content"

    def refuse(self, request: Request, address: Address, keys: Keys) -> Problem | None:  # noqa: ARG002 - in the headers
        """Ask for the API's version, a date, and for a key, in the older header or in the one of version 2026-10-21."""
        if not _VERSION.fullmatch(request.headers.get(b"anthropic-version", b"")):
            return Problem(ProblemKind.INVALID, "anthropic-version: header is required, such as 2023-06-01")
        key = request.headers.get(b"x-api-key") or request.headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        if not key:
            return Problem(ProblemKind.UNAUTHORIZED, "x-api-key header is required")
        if keys.api_key is not None and key != keys.api_key.encode():
            return Problem(ProblemKind.UNAUTHORIZED)
        return None

    def read(self, body: bytes, address: Address) -> Ask:  # noqa: ARG002 - the model is in the body
        """Read a Messages request."""
        return read_messages(body)

    def write(self, outcome: Outcome) -> dict[str, JsonValue]:
        """Write a message."""
        (answer,) = outcome.answers
        refused = answer.finish_reason is FinishReason.CONTENT_FILTER
        return {
            "id": outcome.id,
            "type": "message",
            "role": "assistant",
            "model": outcome.ask.model,
            "content": list(_content(outcome, answer)),
            "stop_reason": _FINISH[answer.finish_reason],
            "stop_sequence": None,
            "stop_details": {"type": "refusal", "category": None, "explanation": None} if refused else None,
            "usage": _usage(outcome),
        }

    def headers(self, outcome: Outcome) -> str:
        """Name the request."""
        return f"request-id: req_{outcome.id.removeprefix(self.id_prefix)}\r\n"

    def write_error(self, problem: Problem) -> ErrorResponse:
        """Write Anthropic's error object."""
        status, message = _ERRORS[problem.kind]
        status = problem.status or status
        usual = "api_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
        request_id = f"req_{uuid4().hex[:24]}"
        body = {
            "type": "error",
            "error": {"type": _TYPES.get(status, usual), "message": problem.sentence(message)},
            "request_id": request_id,
        }
        return ErrorResponse(status, orjson.dumps(body), f"request-id: {request_id}\r\n")

    def limit_headers(self, limit: int, wait_s: float, now: datetime) -> str:
        """Say it as Anthropic does; the reset is RFC 3339."""
        reset = (now + timedelta(seconds=ceil(wait_s))).strftime("%Y-%m-%dT%H:%M:%SZ")
        return (
            f"retry-after: {ceil(wait_s)}\r\nanthropic-ratelimit-requests-limit: {limit}\r\n"
            f"anthropic-ratelimit-requests-remaining: 0\r\nanthropic-ratelimit-requests-reset: {reset}\r\n"
        )


def _content(outcome: Outcome, answer: Answer) -> Iterator[dict[str, JsonValue]]:
    suffix = outcome.id.removeprefix("msg_")
    if answer.thoughts and outcome.ask.shows_thoughts:
        yield {"type": "thinking", "thinking": answer.thoughts, "signature": f"sig_{suffix}"}
    if answer.tool is not None:
        yield {"type": "tool_use", "id": f"toolu_{suffix}", "name": answer.tool, "input": parse_object(answer.text)}
    elif answer.text:
        yield {"type": "text", "text": answer.text, "citations": None}


def _usage(outcome: Outcome) -> JsonValue:
    """Cached tokens are beside `input_tokens`, thoughts inside `output_tokens`."""
    counts = outcome.counts
    usage: dict[str, JsonValue] = {
        "input_tokens": counts.input_tokens - counts.cached_input_tokens - counts.cache_write_tokens,
        "cache_creation_input_tokens": counts.cache_write_tokens,
        "cache_read_input_tokens": counts.cached_input_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": counts.cache_write_tokens,
            "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": counts.output_tokens,
        "service_tier": "priority" if outcome.service_tier else "standard",
    }
    if outcome.ask.may_search:
        usage["server_tool_use"] = {"web_search_requests": 1, "web_fetch_requests": 0}
    return usage
