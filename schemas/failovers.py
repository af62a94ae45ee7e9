"""`llm.failovers.v1`: a model's breaker or health has changed, and what stands in for it."""

from typing import ClassVar

from pydantic import Field

from schemas.message import SCHEMA_VERSION, Message, SchemaVersion, Timestamp


class Failover(Message):
    """A transition of one model, seen by one worker."""

    type_name: ClassVar[str] = "turnout.failover"

    schema_version: SchemaVersion = SCHEMA_VERSION
    occurred_at: Timestamp
    request_model: str
    provider_name: str
    from_state: str
    to_state: str
    reason: str
    alternatives: tuple[str, ...] = Field(description="The other models of the chains it stands in, in order.")
    worker: str
