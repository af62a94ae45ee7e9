"""Gemini's generateContent, `POST /v1beta/models/{model}:generateContent`.

Sources: https://ai.google.dev/api/generate-content, https://ai.google.dev/gemini-api/docs/troubleshooting and the
types of the `google-genai` package, 3.6.
"""

import orjson
from pydantic import JsonValue

from sandbox.provider.ask import Ask, MediaKind
from sandbox.provider.connection import Request
from sandbox.provider.dialects.dialect import Address, Dialect, Keys, parse_object
from sandbox.provider.dialects.gemini_request import read_gemini
from sandbox.provider.metering import IMAGE_TOKENS
from sandbox.provider.outcome import Answer, ErrorResponse, FinishReason, Outcome, Problem, ProblemKind

_UNREGISTERED = """\
Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of \
API consumer identity to call this API."""
_NO_MODEL = """\
models/{model} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see \
the list of available models and their supported methods."""
_QUOTA = "You exceeded your current quota, please check your plan and billing details."
_FINISH = {FinishReason.LENGTH: "MAX_TOKENS", FinishReason.CONTENT_FILTER: "SAFETY"}
_ERRORS = {
    ProblemKind.INVALID: (400, "Request contains an invalid argument."),
    ProblemKind.NOT_FOUND: (404, "Requested entity was not found."),
    ProblemKind.MODEL_NOT_FOUND: (404, _NO_MODEL),
    ProblemKind.UNAUTHORIZED: (400, "API key not valid. Please pass a valid API key."),
    ProblemKind.RATE_LIMITED: (429, _QUOTA),
    ProblemKind.SERVER_ERROR: (500, "An internal error has occurred. Please retry."),
    ProblemKind.BAD_GATEWAY: (502, "Bad gateway."),
    ProblemKind.OVERLOADED: (503, "The model is overloaded. Please try again later."),
    ProblemKind.CONTEXT_TOO_LONG: (
        400,
        "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
    ),
    ProblemKind.CONTENT_FILTER: (400, "The prompt was blocked."),
    ProblemKind.KEY_REUSED: (409, "This Idempotency-Key was used for another request."),
    ProblemKind.KEY_TOO_LONG: (400, "The Idempotency-Key is too long."),
}
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""As google.rpc.Code has them."""
_WRONG_KEY: JsonValue = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "API_KEY_INVALID",
    "domain": "googleapis.com",
    "metadata": {"service": "generativelanguage.googleapis.com"},
}


class GenerateContent(Dialect):
    """Gemini's generateContent."""

    id_prefix = ""
    usage_field = "usageMetadata"
    answers_field = "candidates"
    blocks_in_answer = True
    waits_in_body = True
    tells_cache_writes = False

    def refuse(self, request: Request, address: Address, keys: Keys) -> Problem | None:
        """Ask for a key, in a header or in the query."""
        key = request.headers.get(b"x-goog-api-key", address.query.get("key", "").encode())
        if not key:
            return Problem(ProblemKind.UNAUTHORIZED, _UNREGISTERED, status=403)
        if keys.api_key is not None and key != keys.api_key.encode():
            return Problem(ProblemKind.UNAUTHORIZED)
        return None

    def read(self, body: bytes, address: Address) -> Ask:
        """Read a generateContent request."""
        return read_gemini(body, address.model)

    def write(self, outcome: Outcome) -> dict[str, JsonValue]:
        """Write a GenerateContentResponse."""
        body: dict[str, JsonValue] = {}
        if outcome.answers[0].finish_reason is FinishReason.PROMPT_BLOCKED:
            body["promptFeedback"] = {"blockReason": "SAFETY", "safetyRatings": [_rating()]}
        else:
            body["candidates"] = [_candidate(outcome, index, answer) for index, answer in enumerate(outcome.answers)]
        body["usageMetadata"] = _usage(outcome)
        body["modelVersion"] = outcome.ask.model
        body["responseId"] = outcome.id
        return body

    def write_error(self, problem: Problem) -> ErrorResponse:
        """Write Google's error object; when to come back is in its details."""
        status, message = _ERRORS[problem.kind]
        details: list[JsonValue] = []
        if problem.kind is ProblemKind.UNAUTHORIZED and problem.status is None:
            details.append(_WRONG_KEY)
        if problem.wait_s is not None:
            delay = f"{problem.wait_s:.3f}".rstrip("0").rstrip(".")
            details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{delay}s"})
        status = problem.status or status
        error: dict[str, JsonValue] = {
            "code": status,
            "message": problem.sentence(message),
            "status": _STATUSES.get(status, "UNKNOWN"),
        }
        if details:
            error["details"] = details
        return ErrorResponse(status, orjson.dumps({"error": error}))


def _rating() -> JsonValue:
    return {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}


def _candidate(outcome: Outcome, index: int, answer: Answer) -> JsonValue:
    candidate: dict[str, JsonValue] = {"finishReason": _FINISH.get(answer.finish_reason, "STOP"), "index": index}
    if answer.finish_reason is FinishReason.CONTENT_FILTER:
        candidate["safetyRatings"] = [_rating()]
        return candidate
    parts: list[JsonValue] = []
    if answer.thoughts and outcome.ask.shows_thoughts:
        parts.append({"text": answer.thoughts, "thought": True})
    if answer.tool is not None:
        call: JsonValue = {"id": f"{outcome.id}-{index}", "name": answer.tool, "args": parse_object(answer.text)}
        parts.append({"functionCall": call})
    else:
        parts.append({"text": answer.text})
    candidate["content"] = {"parts": parts, "role": "model"}
    if outcome.ask.may_search:
        candidate["groundingMetadata"] = {"webSearchQueries": [outcome.ask.turns[-1].text]}
    return candidate


def _usage(outcome: Outcome) -> JsonValue:
    """Cached tokens are inside the prompt's, thoughts beside the candidates'; what is 0 is left out."""
    counts = outcome.counts
    images = IMAGE_TOKENS * sum(item.kind is MediaKind.IMAGE for turn in outcome.ask.turns for item in turn.media)
    told: dict[str, JsonValue] = {
        "promptTokenCount": counts.input_tokens,
        "candidatesTokenCount": counts.output_tokens - counts.reasoning_tokens,
        "totalTokenCount": counts.input_tokens + counts.output_tokens,
        "cachedContentTokenCount": counts.cached_input_tokens,
        "thoughtsTokenCount": counts.reasoning_tokens,
    }
    modalities = {
        "TEXT": counts.input_tokens - counts.audio_input_tokens - images,
        "IMAGE": images,
        "AUDIO": counts.audio_input_tokens,
    }
    details: list[JsonValue] = [
        {"modality": modality, "tokenCount": tokens} for modality, tokens in modalities.items() if tokens
    ]
    return {**{name: tokens for name, tokens in told.items() if tokens}, "promptTokensDetails": details}
