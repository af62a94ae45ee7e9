"""`llm.batch-lanes.v1`: what waits for batches of one model, and how those stand that it has."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from schemas.message import SCHEMA_VERSION, Count, Message, SchemaVersion, Timestamp, Usd


class LaneBatch(BaseModel):
    """One batch."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    our_id: str = Field(description="The name that Turnout has given it at the provider.")
    batch_id: str | None = Field(default=None, description="The provider's id of it, once it is known.")
    state: str = Field(description="uploading, creating, running, cancelling, reading or settled.")
    requests: Count
    answered: Count = Field(description="Requests that it has answered.")
    returned: Count = Field(description="Requests that are handed to the live path, as it does not answer them.")
    formed_at: Timestamp
    created_at: Timestamp | None = None
    expected_at: Timestamp | None = Field(
        default=None, description="When half of the model's batches of the last week would have ended."
    )
    ended_at: Timestamp | None = None
    cost_usd: Usd
    saved_usd: Usd = Field(description="What its answers would have cost more in live calls of the same model.")
    detail: str | None = Field(default=None, description="What the provider said of it, shortened.")


class BatchLane(Message):
    """How the batch lane stands for one model with one account of its provider. The last record of a key holds."""

    type_name: ClassVar[str] = "turnout.batch-lane"

    schema_version: SchemaVersion = SCHEMA_VERSION
    as_of: Timestamp
    provider_name: str
    request_model: str
    account: str | None = None
    waiting: Count = Field(description="Requests that are in no batch yet.")
    waiting_since: Timestamp | None = Field(default=None, description="When the first of them came.")
    batches: tuple[LaneBatch, ...] = Field(default=(), description="Those under way, and the last ones that ended.")
    p50_s: float | None = Field(default=None, description="In which time half of the last week's batches ended.")
    p99_s: float | None = None
    late_until: Timestamp | None = Field(
        default=None, description="Its batches are late: until then no new requests should wait for one."
    )
