"""The faults that can be scripted per model while the simulated provider runs.

Not charged, because no answer is generated:

    status_500, status_502, status_503, status_429
                            that status, or another by status, after delay_s;
                            retry_after_s adds the header that
                            retry_after_form chooses
    outage                  503 for duration_s, which is required; with hang,
                            no answer at all
    unauthorized            401, code invalid_api_key
    context_too_long        400, code context_length_exceeded
    content_filter          400, code content_filter; Bedrock answers that its
                            guardrail has intervened, Gemini that it has blocked
                            the prompt, whose tokens it tells and charges
    refused                 RST as soon as the request is read, before any byte
    reset                   RST after delay_s, else after the model's latency
    hang                    the request is read and never answered
    listener                the port is closed and every connection reset for
                            duration_s, which is required; calls already being
                            generated are still charged

Charged, whatever becomes of the bytes:

    slow                    the answer after factor times the latency
    content_filter_finish   200, no content, finish_reason content_filter
    hang_after_headers      200 and the headers, never a body
    slow_body               the body in 10 pieces over delay_s (default 10)
    truncated_body          half of the declared body, then FIN
    wrong_content_length    a content-length of half the body, then all of it on
                            a kept connection
    invalid_json            half of the JSON, with the content-length of that
    missing_usage           200 without usage
    empty_choices           200 with no choices
    schema_violation        200, JSON that breaks the schema that was asked for,
                            and arguments that break a tool's; else as always
    charged_but_silent      nothing is sent

`model` is a model's name or "*" (the default), `rate` the share of calls hit,
`count` how many are hit at most, `duration_s` how long the fault lasts. The
oldest fault that hits wins. Durations are in simulated seconds: the time scale
applies to them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from math import ceil
from random import Random
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

EVERY_MODEL = "*"
_MS_PER_S = 1000


class FaultKind(StrEnum):
    """What goes wrong; the module's docstring says how each one looks and whether it is charged."""

    STATUS_500 = "status_500"
    STATUS_502 = "status_502"
    STATUS_503 = "status_503"
    STATUS_429 = "status_429"
    OUTAGE = "outage"
    UNAUTHORIZED = "unauthorized"
    CONTEXT_TOO_LONG = "context_too_long"
    CONTENT_FILTER = "content_filter"
    REFUSED = "refused"
    RESET = "reset"
    HANG = "hang"
    LISTENER = "listener"
    SLOW = "slow"
    CONTENT_FILTER_FINISH = "content_filter_finish"
    HANG_AFTER_HEADERS = "hang_after_headers"
    SLOW_BODY = "slow_body"
    TRUNCATED_BODY = "truncated_body"
    WRONG_CONTENT_LENGTH = "wrong_content_length"
    INVALID_JSON = "invalid_json"
    MISSING_USAGE = "missing_usage"
    EMPTY_CHOICES = "empty_choices"
    SCHEMA_VIOLATION = "schema_violation"
    CHARGED_BUT_SILENT = "charged_but_silent"

    @property
    def charged(self) -> bool:
        """Whether the answer is generated, and so paid for."""
        return self in _CHARGED


_CHARGED = frozenset(
    {
        FaultKind.SLOW,
        FaultKind.CONTENT_FILTER_FINISH,
        FaultKind.HANG_AFTER_HEADERS,
        FaultKind.SLOW_BODY,
        FaultKind.TRUNCATED_BODY,
        FaultKind.WRONG_CONTENT_LENGTH,
        FaultKind.INVALID_JSON,
        FaultKind.MISSING_USAGE,
        FaultKind.EMPTY_CHOICES,
        FaultKind.SCHEMA_VIOLATION,
        FaultKind.CHARGED_BUT_SILENT,
    }
)


class RetryAfterForm(StrEnum):
    """The ways in which providers say when to come back."""

    SECONDS = "seconds"
    HTTP_DATE = "http-date"
    RETRY_AFTER_MS = "retry-after-ms"
    X_RATELIMIT_RESET_REQUESTS = "x-ratelimit-reset-requests"
    X_RATELIMIT_RESET = "x-ratelimit-reset"


class Fault(BaseModel):
    """One scripted fault, as `POST /sandbox/faults` takes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = EVERY_MODEL
    fault: FaultKind
    rate: Annotated[float, Field(gt=0, le=1)] = 1.0
    count: PositiveInt | None = None
    duration_s: PositiveFloat | None = None
    delay_s: NonNegativeFloat | None = None
    factor: PositiveFloat = 10.0
    hang: bool = False
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    retry_after_s: NonNegativeFloat | None = None
    retry_after_form: RetryAfterForm = RetryAfterForm.SECONDS

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.fault in (FaultKind.OUTAGE, FaultKind.LISTENER) and self.duration_s is None:
            raise ValueError(f"{self.fault} needs duration_s")
        if self.fault is FaultKind.LISTENER and self.model != EVERY_MODEL:
            raise ValueError("listener closes the port for every model: leave out model")
        if self.status is not None and not self.fault.startswith("status_"):
            raise ValueError(f"{self.fault} has no status of its own: leave out status")
        return self


@dataclass(slots=True)
class _Scripted:
    fault: Fault
    ends_at: float | None
    hits_left: int | None

    def active(self, now: float) -> bool:
        return (self.ends_at is None or now < self.ends_at) and self.hits_left != 0


class FaultScript:
    """The faults in force. Times are monotonic seconds, given by the caller."""

    def __init__(self, rng: Random, time_scale: float) -> None:
        self._rng = rng
        self._time_scale = time_scale
        self._scripted: list[_Scripted] = []

    def add(self, fault: Fault, now: float) -> None:
        """Put a fault in force from `now` on."""
        ends_at = None if fault.duration_s is None else now + fault.duration_s * self._time_scale
        self._scripted.append(_Scripted(fault, ends_at, fault.count))

    def clear(self, model: str | None) -> None:
        """Remove the faults scripted for `model`, or all of them."""
        self._scripted = [item for item in self._scripted if model is not None and item.fault.model != model]

    def active(self, now: float) -> list[Fault]:
        """Return the faults in force, oldest first, and forget the ones that are over."""
        self._scripted = [item for item in self._scripted if item.active(now)]
        return [item.fault for item in self._scripted]

    def hit(self, model: str, now: float) -> Fault | None:
        """Return the fault that befalls a call to `model`, if one does."""
        for item in self._scripted:
            fault = item.fault
            if fault.model in (model, EVERY_MODEL) and item.active(now) and self._rng.random() < fault.rate:
                if item.hits_left is not None:
                    item.hits_left -= 1
                return fault
        return None


def retry_headers(wait_s: float, form: RetryAfterForm, now: datetime) -> str:
    """Return the header line that asks to come back `wait_s` seconds after `now`, rounded up to what it can express."""
    match form:
        case RetryAfterForm.SECONDS:
            return f"retry-after: {ceil(wait_s)}\r\n"
        case RetryAfterForm.HTTP_DATE:
            at = datetime.fromtimestamp(ceil((now + timedelta(seconds=wait_s)).timestamp()), UTC)
            return f"retry-after: {format_datetime(at, usegmt=True)}\r\n"
        case RetryAfterForm.RETRY_AFTER_MS:
            return f"retry-after-ms: {ceil(wait_s * 1000)}\r\n"
        case RetryAfterForm.X_RATELIMIT_RESET_REQUESTS:
            return f"x-ratelimit-reset-requests: {go_duration(wait_s)}\r\n"
        case RetryAfterForm.X_RATELIMIT_RESET:
            return f"x-ratelimit-reset: {ceil((now + timedelta(seconds=wait_s)).timestamp())}\r\n"


def go_duration(duration_s: float) -> str:
    """Write a duration the way OpenAI's headers do: `17ms`, `1s`, `1.5s`, `6m0s`, `1h0m0s`."""
    total_ms = ceil(duration_s * _MS_PER_S)
    if 0 < total_ms < _MS_PER_S:
        return f"{total_ms}ms"
    minutes, rest_ms = divmod(total_ms, 60 * _MS_PER_S)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest_ms / _MS_PER_S:g}s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds
