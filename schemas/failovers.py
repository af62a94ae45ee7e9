"""`llm.failovers.v1`: a model's breaker or health has changed, and what stands in for it."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from schemas.message import SCHEMA_VERSION, Message, SchemaVersion, Timestamp


class FailoverKind(StrEnum):
    """Whose state has changed."""

    BREAKER = "breaker"
    HEALTH = "health"


class Failover(Message):
    """A transition of one model: of one worker's breaker, or of the health that all workers share."""

    type_name: ClassVar[str] = "turnout.failover"

    schema_version: SchemaVersion = SCHEMA_VERSION
    occurred_at: Timestamp
    request_model: str
    provider_name: str
    from_state: str
    to_state: str
    reason: str
    alternatives: tuple[str, ...] = Field(
        description="The other models of the chains it stands in that may be called, in order."
    )
    worker: str
    kind: FailoverKind = FailoverKind.BREAKER
    requests: int | None = Field(default=None, ge=0, description="Calls in the window, as far as the observer knows.")
    error_rate: float | None = Field(default=None, ge=0, le=1)
    timeout_rate: float | None = Field(default=None, ge=0, le=1)
    p99_ms: float | None = None
