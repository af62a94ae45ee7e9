"""What one worker saw of a model in a second, and what all of them saw in a window: model-stats and model-health."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from schemas.message import SCHEMA_VERSION, Message, SchemaVersion, Timestamp
from schemas.vocabulary import AttemptOutcome


class HealthStatus(StrEnum):
    """The verdict over a model's window. Idle: too few requests for a verdict."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    IDLE = "idle"


class HealthCause(StrEnum):
    """What a verdict that is not good rests on."""

    ERRORS = "errors"
    TIMEOUTS = "timeouts"
    LATENCY = "latency"
    BREAKERS = "breakers"
    """Every worker that has called the model lately leaves it alone."""
    BROWN_OUT = "brown-out"
    """Most calls of the last moments are slow, whatever the window says."""


class BreakerState(StrEnum):
    """Where a model's breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class ModelStats(Message):
    """One worker's counters for one model for one second, or for a part of it: they add up.

    (worker, epoch, sequence) makes a redelivery count once. A worker without traffic sends empty ones as heartbeats.
    """

    type_name: ClassVar[str] = "turnout.model-stats"

    schema_version: SchemaVersion = SCHEMA_VERSION
    worker: str
    epoch: int = Field(description="Rises when the worker starts anew.")
    sequence: int = Field(ge=0)
    request_model: str
    second: int = Field(description="The second that is counted, since 1970.")
    outcomes: dict[AttemptOutcome, int] = Field(default_factory=dict)
    latency_buckets: dict[int, int] = Field(
        default_factory=dict, description="Base-2 exponential histogram of milliseconds: bucket index to count."
    )
    latency_scale: int = Field(description="Bucket i holds values up to 2 ** ((i + 1) / 2 ** scale).")
    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    in_flight: int = Field(default=0, ge=0)
    calls: int = Field(default=0, ge=0, description="Calls that began in the second.")
    slow_in_flight: int = Field(default=0, ge=0, description="Calls under way, older than the p99 that is degraded.")
    stuck_in_flight: int = Field(default=0, ge=0, description="Those of them older than the p99 that is unhealthy.")
    breaker: BreakerState = BreakerState.CLOSED
    brown_out: bool = Field(default=False, description="Most of the worker's latest calls are slow.")
    share_per_minute: int | None = Field(
        default=None, ge=0, description="Calls a minute that the worker allows itself."
    )
    limited: bool = Field(default=False, description="Requests had to wait for the share, or went elsewhere.")
    leaving: bool = Field(default=False, description="The worker's last word: it makes no more calls.")


class ModelHealth(Message):
    """The merged, windowed health of one model."""

    type_name: ClassVar[str] = "turnout.model-health"

    schema_version: SchemaVersion = SCHEMA_VERSION
    request_model: str
    as_of: Timestamp
    window_s: int
    status: HealthStatus
    requests: int = Field(ge=0)
    error_rate: float = Field(ge=0, le=1)
    timeout_rate: float = Field(ge=0, le=1)
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    requests_per_minute: float = Field(ge=0)
    tokens_per_minute: float = Field(ge=0)
    in_flight: int = Field(ge=0)
    workers: int = Field(ge=0)
    cause: HealthCause | None = Field(default=None, description="What a verdict that is not good rests on.")
    reason: str | None = Field(default=None, description="The same as a sentence, with the measured value.")
    window_from: Timestamp | None = Field(
        default=None,
        description="Since a recovery the window starts here: what came before says nothing about the now.",
    )
    limit_per_minute: int | None = Field(default=None, ge=0, description="The catalogue's limit, for all workers.")
    shares: dict[str, int] = Field(default_factory=dict, description="Each worker's share of the limit.")
    breakers: dict[str, BreakerState] = Field(
        default_factory=dict, description="The workers whose breaker is not closed, and where it stands."
    )
