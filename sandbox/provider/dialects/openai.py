"""What OpenAI's endpoints share: the bearer key, the error object, and the headers about limits.

Sources: https://platform.openai.com/docs/guides/error-codes and .../docs/guides/rate-limits.
"""

from dataclasses import dataclass
from datetime import datetime

import orjson

from sandbox.provider.connection import Request
from sandbox.provider.dialects.dialect import Address, Dialect, Keys
from sandbox.provider.faults import RetryAfterForm, retry_headers
from sandbox.provider.outcome import ErrorResponse, Problem, ProblemKind


@dataclass(frozen=True, slots=True)
class _Words:
    status: int
    message: str
    type: str
    code: str | None
    param: str | None = None


_WORDS = {
    ProblemKind.INVALID: _Words(400, "The request is invalid.", "invalid_request_error", None),
    ProblemKind.MODEL_NOT_FOUND: _Words(
        404, "The model '{model}' does not exist.", "invalid_request_error", "model_not_found", "model"
    ),
    ProblemKind.NOT_FOUND: _Words(404, "There is nothing under this path.", "invalid_request_error", "unknown_url"),
    ProblemKind.UNAUTHORIZED: _Words(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    ProblemKind.RATE_LIMITED: _Words(
        429, "Rate limit reached: too many requests per minute.", "requests", "rate_limit_exceeded"
    ),
    ProblemKind.SERVER_ERROR: _Words(
        500, "The server had an error while processing your request.", "server_error", None
    ),
    ProblemKind.BAD_GATEWAY: _Words(502, "Bad gateway.", "server_error", None),
    ProblemKind.OVERLOADED: _Words(
        503, "The model is overloaded, please try again later.", "server_error", "overloaded"
    ),
    ProblemKind.CONTEXT_TOO_LONG: _Words(
        400,
        "This model's maximum context length is exceeded: please reduce the length of the messages.",
        "invalid_request_error",
        "context_length_exceeded",
        "messages",
    ),
    ProblemKind.CONTENT_FILTER: _Words(
        400,
        "The response was filtered due to the prompt triggering the content management policy.",
        "invalid_request_error",
        "content_filter",
        "prompt",
    ),
    ProblemKind.KEY_REUSED: _Words(
        422, "This Idempotency-Key was used for another request.", "invalid_request_error", "idempotency_key_reused"
    ),
    ProblemKind.KEY_TOO_LONG: _Words(
        400, "The Idempotency-Key is too long.", "invalid_request_error", "idempotency_key_too_long"
    ),
}


class OpenAiApi(Dialect):
    """An endpoint of OpenAI's."""

    def refuse(self, request: Request, address: Address, keys: Keys) -> Problem | None:  # noqa: ARG002 - all in the headers
        """Any bearer key will do, or none, unless there is one to hold it against."""
        key = keys.api_key
        if key is None or request.headers.get(b"authorization") == b"Bearer " + key.encode():
            return None
        return Problem(ProblemKind.UNAUTHORIZED)

    def write_error(self, problem: Problem) -> ErrorResponse:
        """Write OpenAI's error object."""
        words = _WORDS[problem.kind]
        error = {
            "message": problem.sentence(words.message),
            "type": words.type,
            "param": problem.param or words.param,
            "code": problem.code or words.code,
        }
        return ErrorResponse(problem.status or words.status, orjson.dumps({"error": error}))

    def limit_headers(self, limit: int, wait_s: float, now: datetime) -> str:
        """Say it in OpenAI's ways."""
        forms = (RetryAfterForm.SECONDS, RetryAfterForm.RETRY_AFTER_MS, RetryAfterForm.X_RATELIMIT_RESET_REQUESTS)
        waits = "".join(retry_headers(wait_s, form, now) for form in forms)
        return f"{waits}x-ratelimit-limit-requests: {limit}\r\nx-ratelimit-remaining-requests: 0\r\n"
