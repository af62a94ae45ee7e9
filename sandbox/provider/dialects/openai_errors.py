"""OpenAI's error object, which chat completions, responses and embeddings share.

Source: https://platform.openai.com/docs/guides/error-codes.
"""

from dataclasses import dataclass

import orjson

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
        404, "The model does not exist.", "invalid_request_error", "model_not_found", "model"
    ),
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


def openai_error(problem: Problem) -> ErrorResponse:
    """Return the problem as OpenAI says it."""
    words = _WORDS[problem.kind]
    error = {
        "message": problem.message or words.message,
        "type": words.type,
        "param": problem.param or words.param,
        "code": words.code,
    }
    return ErrorResponse(problem.status or words.status, orjson.dumps({"error": error}))
