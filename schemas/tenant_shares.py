"""How workers share the limits of tenants: what each tells of its demand, and the shares that are handed out for it.

Between workers only.
"""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from schemas.message import SCHEMA_VERSION, Count, Message, SchemaVersion, SmallCount, Timestamp

ALL_TENANTS = ""
"""In the place of a tenant: what was told of each of them before still holds."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class TenantDemand(_Part):
    """Where one worker stands with one tenant's limits."""

    admitted: SmallCount = Field(default=0, description="Requests let in during the last minute.")
    share_per_minute: SmallCount | None = Field(default=None, description="Requests a minute that it allows itself.")
    limited: bool = Field(default=False, description="Lately it had no room for a request.")
    under_way: SmallCount = Field(default=0, description="Requests under way; the most since its last word.")
    places: SmallCount | None = Field(default=None, description="Requests at a time that it allows itself.")
    waiting: bool = Field(default=False, description="Lately a request had to wait for a place.")


class WorkerDemand(Message):
    """`llm.tenant-demand.v1`: where one worker stands with all limits. The whole of it, so that none need arrive."""

    type_name: ClassVar[str] = "turnout.tenant-demand"

    schema_version: SchemaVersion = SCHEMA_VERSION
    worker: str
    epoch: Count = Field(description="Rises when the worker starts anew.")
    sequence: Count
    as_of: Timestamp
    tenants: dict[str, TenantDemand] = Field(default_factory=dict)
    leaving: bool = Field(default=False, description="The worker's last word: it lets no more requests in.")
    heeds_signs: bool = Field(
        default=False, description="One record for all tenants is enough to tell it that its shares still hold."
    )


class TenantShare(_Part):
    """What one life of a worker may have of a tenant's limits, and what it had when it last told."""

    worker: str
    epoch: Count
    share_per_minute: SmallCount | None = None
    places: SmallCount | None = None
    admitted: SmallCount = 0


class TenantShares(Message):
    """`llm.tenant-shares.v1`: how one tenant's limits are divided between the workers.

    Without a tenant's name: what was told of each tenant before still holds.
    """

    type_name: ClassVar[str] = "turnout.tenant-shares"

    schema_version: SchemaVersion = SCHEMA_VERSION
    tenant: str
    as_of: Timestamp
    requests_per_minute: Count | None = Field(default=None, description="The catalogue's limit, for all workers.")
    concurrent_requests: Count | None = Field(default=None, description="The catalogue's limit, for all workers.")
    admitted: Count = Field(default=0, description="Requests let in lately by all, ended workers included.")
    shares: tuple[TenantShare, ...] = ()
