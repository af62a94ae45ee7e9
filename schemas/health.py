"""What one worker saw of a model in a second, and what all of them saw in a window: model-stats and model-health."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from schemas.message import SCHEMA_VERSION, Count, Message, SchemaVersion, SmallCount, Timestamp
from schemas.vocabulary import AttemptOutcome

Bucket = Annotated[int, Field(ge=-10_000, le=10_000)]
_Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


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


class AccountStats(BaseModel):
    """One worker's counters for one account of the model's provider, and where the worker stands with it."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    calls: SmallCount = Field(default=0, description="Calls that began in the second.")
    input_tokens: SmallCount = Field(default=0, description="Of the calls that ended in the second.")
    output_tokens: SmallCount = Field(default=0, description="Likewise.")
    input_tokens_under_way: Count = Field(default=0, description="The most that the calls under way may take.")
    output_tokens_under_way: Count = Field(default=0, description="Likewise.")
    shares: dict[str, SmallCount] = Field(
        default_factory=dict, description="What the worker allows itself in a minute, by limit, as in the catalogue."
    )
    limited: list[str] = Field(default_factory=list, description="The limits whose share had no room for requests.")
    told_limits: dict[str, Count] = Field(default_factory=dict, description="By the provider's own headers.")
    rests_until: Timestamp | None = None
    rests_for: str | None = Field(default=None, description="Why it rests: refused or limited.")


class AccountRest(BaseModel):
    """Until when an account rests for one worker, and why."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    until: Timestamp
    reason: str = Field(description="refused or limited.")


class AccountHealth(BaseModel):
    """How one account of the model's provider stands, as all workers have it."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    limits: dict[str, Count] = Field(default_factory=dict, description="The catalogue's, for all workers, by limit.")
    told_limits: dict[str, Count] = Field(default_factory=dict, description="The provider's, by its own headers.")
    used: dict[str, Count] = Field(default_factory=dict, description="In the last minute, calls under way included.")
    shares: dict[str, dict[str, Count]] = Field(default_factory=dict, description="By limit, each worker's share.")
    rests: dict[str, AccountRest] = Field(default_factory=dict, description="The workers for which it rests.")


class ModelStats(Message):
    """One worker's counters for one model for one second, or for a part of it: they add up.

    (worker, epoch, sequence) makes a redelivery count once. A worker without traffic sends empty ones as heartbeats.
    """

    type_name: ClassVar[str] = "turnout.model-stats"

    schema_version: SchemaVersion = SCHEMA_VERSION
    worker: str
    epoch: Count = Field(description="Rises when the worker starts anew.")
    sequence: Count
    request_model: str
    second: Count = Field(description="The second that is counted, since 1970.")
    outcomes: dict[AttemptOutcome, SmallCount] = Field(default_factory=dict)
    latency_buckets: dict[Bucket, SmallCount] = Field(
        default_factory=dict, description="Base-2 exponential histogram of milliseconds: bucket index to count."
    )
    latency_scale: int = Field(description="Bucket i holds values up to 2 ** ((i + 1) / 2 ** scale).")
    input_tokens: SmallCount = 0
    output_tokens: SmallCount = 0
    in_flight: SmallCount = 0
    calls: SmallCount = Field(default=0, description="Calls that began in the second.")
    slow_in_flight: SmallCount = Field(default=0, description="Calls under way, older than the p99 that is degraded.")
    stuck_in_flight: SmallCount = Field(default=0, description="Those of them older than the p99 that is unhealthy.")
    breaker: BreakerState = BreakerState.CLOSED
    brown_out: bool = Field(default=False, description="Most of the worker's latest calls are slow.")
    share_per_minute: SmallCount | None = Field(
        default=None, description="Calls a minute that the worker allows itself."
    )
    limited: bool = Field(default=False, description="Requests had to wait for the share, or went elsewhere.")
    leaving: bool = Field(default=False, description="The worker's last word: it makes no more calls.")
    keeps_shares: bool = Field(
        default=False, description="It goes on with the shares it was told last; those that do not are told each time."
    )
    accounts: dict[str, AccountStats] = Field(
        default_factory=dict, description="By the name of the account; empty where the provider has one key."
    )


class ModelHealth(Message):
    """The merged, windowed health of one model."""

    type_name: ClassVar[str] = "turnout.model-health"

    schema_version: SchemaVersion = SCHEMA_VERSION
    request_model: str
    as_of: Timestamp
    window_s: Count
    status: HealthStatus
    requests: Count
    error_rate: float = Field(ge=0, le=1)
    timeout_rate: float = Field(ge=0, le=1)
    p50_ms: _Milliseconds | None
    p90_ms: _Milliseconds | None
    p99_ms: _Milliseconds | None
    requests_per_minute: float = Field(ge=0, allow_inf_nan=False)
    tokens_per_minute: float = Field(ge=0, allow_inf_nan=False)
    in_flight: Count
    workers: Count
    cause: HealthCause | None = Field(default=None, description="What a verdict that is not good rests on.")
    reason: str | None = Field(default=None, description="The same as a sentence, with the measured value.")
    window_from: Timestamp | None = Field(
        default=None,
        description="Since a recovery the window starts here: what came before says nothing about the now.",
    )
    limit_per_minute: Count | None = Field(default=None, description="The catalogue's limit, for all workers.")
    shares: dict[str, Count] = Field(
        default_factory=dict,
        description="Each worker's share of the limit; of many workers, only of those that have not taken it over.",
    )
    shares_complete: bool = Field(
        default=True, description="All workers are in `shares`. Else those that are not keep theirs."
    )
    report_every_s: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="How long a worker lets what it sees of the model come together before it tells it; 1 without it.",
    )
    breakers: dict[str, BreakerState] = Field(
        default_factory=dict,
        description="Workers whose breaker is not closed, and where it stands; of many, the first by name.",
    )
    breakers_not_closed: Count = Field(default=0, description="At how many workers it is not closed.")
    accounts: dict[str, AccountHealth] = Field(
        default_factory=dict, description="By the name of the account; empty where the provider has one key."
    )
