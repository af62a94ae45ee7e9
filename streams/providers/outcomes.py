"""From HTTP to the router's words: one table for status codes, one for httpx's errors, and the forms of Retry-After."""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import MappingProxyType

import httpx
import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from router.errors import Answer, UpstreamFailure
from schemas.message import Tokens
from schemas.requests import JsonObject
from schemas.responses import AnswerMessage, Usage
from schemas.vocabulary import AttemptOutcome

DETAIL_CHARS = 300
"""Of what a provider says, so much is kept."""

STATUS_OUTCOMES: Mapping[int, AttemptOutcome] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: AttemptOutcome.AUTHENTICATION,
        HTTPStatus.PAYMENT_REQUIRED: AttemptOutcome.AUTHENTICATION,
        HTTPStatus.FORBIDDEN: AttemptOutcome.AUTHENTICATION,
        HTTPStatus.REQUEST_TIMEOUT: AttemptOutcome.TIMEOUT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: AttemptOutcome.CONTEXT_TOO_LONG,
        HTTPStatus.TOO_MANY_REQUESTS: AttemptOutcome.RATE_LIMITED,
        HTTPStatus.NOT_FOUND: AttemptOutcome.UNAVAILABLE,
    }
)
"""Other 4xx are the request's fault, everything else is the provider's."""

CODE_OUTCOMES: Mapping[str, AttemptOutcome] = MappingProxyType(
    {
        "context_length_exceeded": AttemptOutcome.CONTEXT_TOO_LONG,
        "string_above_max_length": AttemptOutcome.CONTEXT_TOO_LONG,
        "content_filter": AttemptOutcome.CONTENT_FILTERED,
        "content_policy_violation": AttemptOutcome.CONTENT_FILTERED,
        "insufficient_quota": AttemptOutcome.AUTHENTICATION,
        "invalid_api_key": AttemptOutcome.AUTHENTICATION,
    }
)
"""OpenAI's `error.code` says more than the status."""

ERROR_OUTCOMES: tuple[tuple[type[httpx.RequestError], AttemptOutcome], ...] = (
    (httpx.ConnectError, AttemptOutcome.UNREACHABLE),
    (httpx.ConnectTimeout, AttemptOutcome.UNREACHABLE),
    (httpx.TimeoutException, AttemptOutcome.TIMEOUT),
    (httpx.RequestError, AttemptOutcome.DISCONNECTED),
)
"""The first class that fits. Only what is unreachable has certainly not been sent, and so not been charged."""


class _Usage(BaseModel):
    """OpenAI's usage, and what others who speak its dialect call the same: Anthropic's gateways, DeepSeek."""

    class _PromptDetails(BaseModel):
        cached_tokens: Tokens | None = None
        cache_write_tokens: Tokens | None = None

    class _CompletionDetails(BaseModel):
        reasoning_tokens: Tokens | None = None

    prompt_tokens: Tokens
    completion_tokens: Tokens
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    prompt_cache_hit_tokens: Tokens | None = None
    cache_read_input_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None

    def usage(self) -> Usage:
        prompt, completion = self.prompt_tokens_details, self.completion_tokens_details
        cached = _first(
            prompt.cached_tokens if prompt else None, self.prompt_cache_hit_tokens, self.cache_read_input_tokens
        )
        written = _first(prompt.cache_write_tokens if prompt else None, self.cache_creation_input_tokens)
        parts = (cached or 0) + (written or 0)
        # More than the whole can be no part of it: they were counted beside it, as Anthropic's own API does.
        apart = parts if parts > self.prompt_tokens else 0
        return Usage(
            input_tokens=self.prompt_tokens + apart,
            output_tokens=self.completion_tokens,
            cached_input_tokens=cached,
            cache_write_tokens=written,
            reasoning_tokens=completion.reasoning_tokens if completion else None,
        )


def _first(*counts: int | None) -> int | None:
    """Return the first count that is more than zero, or else the first that is told."""
    told = [count for count in counts if count is not None]
    return next((count for count in told if count), told[0] if told else None)


class _Choice(BaseModel):
    class _Message(BaseModel):
        role: str = "assistant"
        content: str | None = None
        tool_calls: list[JsonObject] | None = None
        refusal: str | None = None

    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str | None = None
    model: str | None = None
    choices: list[_Choice]
    usage: _Usage | None = None


def from_exception(error: httpx.RequestError) -> UpstreamFailure:
    """Return what an error of the transport means. Its text is not passed on: it may hold the address."""
    outcome = next(outcome for kind, outcome in ERROR_OUTCOMES if isinstance(error, kind))
    if outcome is AttemptOutcome.UNREACHABLE:
        return UpstreamFailure(outcome, "no connection")
    return UpstreamFailure(outcome, type(error).__name__, maybe_charged=True)


def from_response(status_code: int, headers: httpx.Headers, body: bytes, now_s: float) -> Answer | UpstreamFailure:
    """Return what a whole HTTP response means. Seconds are since 1970."""
    if status_code == HTTPStatus.OK:
        return _from_completion(body)
    code, message = _error_of(body)
    outcome = CODE_OUTCOMES.get(code) or STATUS_OUTCOMES.get(status_code)
    if outcome is None:
        client_error = HTTPStatus.BAD_REQUEST <= status_code < HTTPStatus.INTERNAL_SERVER_ERROR
        outcome = AttemptOutcome.INVALID_REQUEST if client_error else AttemptOutcome.UNAVAILABLE
    return UpstreamFailure(
        outcome,
        f"HTTP {status_code}: {message}"[:DETAIL_CHARS],
        status_code=status_code,
        retry_after_s=retry_after_s(headers, now_s),
    )


def _from_completion(body: bytes) -> Answer | UpstreamFailure:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _malformed("the body is not JSON", None)
    try:
        completion = _Completion.model_validate(data)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        return _malformed(f"{place or 'body'}: {error.errors()[0]['msg']}", _usage_of(data))
    usage = completion.usage.usage() if completion.usage else None
    if not completion.choices:
        return _malformed("choices: empty", usage)
    choice = completion.choices[0]
    said = choice.message
    return Answer(
        AnswerMessage(role=said.role, content=said.content, tool_calls=said.tool_calls, refusal=said.refusal),
        choice.finish_reason,
        completion.model,
        completion.id,
        usage,
    )


def _usage_of(data: object) -> Usage | None:
    if not isinstance(data, Mapping):
        return None
    try:
        return _Usage.model_validate(data.get("usage")).usage()
    except ValidationError:
        return None


def _malformed(why: str, usage: Usage | None) -> UpstreamFailure:
    return UpstreamFailure(
        AttemptOutcome.MALFORMED, why[:DETAIL_CHARS], status_code=HTTPStatus.OK, maybe_charged=True, usage=usage
    )


def _error_of(body: bytes) -> tuple[str, str]:
    try:
        error = orjson.loads(body)["error"]
        return str(error.get("code")), str(error.get("message"))
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        return "", "no error object in the body"


def retry_after_s(headers: httpx.Headers, now_s: float) -> float | None:
    """Return for how long the provider asks to be left alone, in seconds, or None if it does not say.

    Forms: `retry-after-ms`; `retry-after` in seconds or as an HTTP date; `x-ratelimit-reset*` in seconds, as a moment
    since 1970 (seconds or milliseconds), or as a duration such as `6m0s`. Of several resets the latest counts.
    """
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return max(0.0, milliseconds / 1000)
    if (after := headers.get("retry-after")) is not None:
        return _seconds(after, now_s)
    resets = (_seconds(value, now_s) for name, value in headers.items() if name.startswith("x-ratelimit-reset"))
    return max((reset for reset in resets if reset is not None), default=None)


_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_UNITS_S = (3600.0, 60.0, 1.0, 0.001)
_A_YEAR_S = 31_536_000.0


def _seconds(text: str, now_s: float) -> float | None:
    text = text.strip()
    number = _number(text)
    if number is not None:
        if number > _A_YEAR_S * 1000:
            number /= 1000
        return max(0.0, number - now_s if number > _A_YEAR_S else number)
    if text and (match := _DURATION.fullmatch(text)):
        return sum(float(part) * unit for part, unit in zip(match.groups(), _UNITS_S, strict=True) if part)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now_s)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
