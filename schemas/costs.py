"""`llm.costs.v1`: one priced upstream call, flat and exact; and `llm.calls.v1`, the same call before it is made."""

from hashlib import sha1
from typing import ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import Field

from schemas.message import EpochMs, Message, SchemaVersion, Timestamp, Tokens, Usd, UsdPerMtok
from schemas.vocabulary import AttemptOutcome, Certainty, IdSource, PriceStatus, Purpose, Task, Tier, TokenCountSource

EVENT_NAMESPACE: UUID = uuid5(NAMESPACE_URL, "https://turnout.dev/cost-event")
_NAMESPACE = EVENT_NAMESPACE.bytes


SHADOW_TENANT = "turnout-shadow"
"""Who pays for shadow calls and judges, in place of the request's tenant."""
COST_SCHEMA_VERSION = 2
"""2: `event_id` tells tenants and records apart. Events of version 1 had ids by request id and attempt alone."""


def cost_event_id(tenant: str, request_id: str, record: str, attempt: int) -> str:
    """Return the id of a call: the same for ever, so that a replay adds nothing to a sum by id.

    Args:
        tenant: who pays.
        request_id: the request's.
        record: the place of its record, `<topic>-<partition>-<offset>`.
        attempt: the number of the call.
    """
    # no part but the last can hold the separator
    name = f"{tenant}\x1f{request_id}\x1f{record}\x1f{attempt}"
    # uuid5's hash by hand, without its `UUID`: version 5 and the variant of RFC 9562 (section 5.5) take six bits
    digits = sha1(_NAMESPACE + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


class CostEvent(Message):
    """One upstream call that may have been charged. Every field is always there; null is "unknown".

    `cached_input_tokens` and `cache_write_tokens` are part of `input_tokens`, `reasoning_tokens` of `output_tokens`.
    """

    type_name: ClassVar[str] = "turnout.cost"

    event_id: str = Field(
        description="Sum by it. UUIDv5 of tenant, request id, record and attempt; in version 1 of id and attempt."
    )
    schema_version: SchemaVersion = COST_SCHEMA_VERSION
    occurred_at: Timestamp
    occurred_at_ms: EpochMs
    request_id: str
    attempt: int = Field(ge=1)
    is_fallback: bool = Field(description="Whether it is not the first call for its request.")
    outcome: AttemptOutcome
    error_type: str | None = None
    certainty: Certainty = Field(
        description="metered: the provider's own usage. estimated: an answer without usage, or with one that does not "
        "add up, or a call that cost something else by the provider's own words. unknown: a call that timed out or was "
        "cut off and may have been charged; its tokens and cost are the upper estimate made before it."
    )
    tenant: str
    task: Task
    tier: Tier
    route_reason: str
    provider_name: str
    request_model: str
    response_model: str | None = None
    input_tokens: Tokens | None
    cached_input_tokens: Tokens | None = None
    cache_write_tokens: Tokens | None = None
    output_tokens: Tokens | None
    reasoning_tokens: Tokens | None = None
    token_count_source: TokenCountSource
    input_usd_per_mtok: UsdPerMtok | None
    cached_input_usd_per_mtok: UsdPerMtok | None
    output_usd_per_mtok: UsdPerMtok | None
    cost_usd: Usd | None
    cost_nano_usd: int | None = Field(
        ge=0, le=2**63 - 1, description="The same, a 64-bit integer of billionths of a US dollar."
    )
    baseline_model: str | None
    baseline_cost_usd: Usd | None = Field(description="What the same tokens cost at the catalogue's baseline model.")
    currency: str = "USD"
    price_status: PriceStatus
    price_catalogue: str
    price_catalogue_version: str
    latency_ms: int | None = None
    trace_id: str | None = Field(description="Of the request's `traceparent`, 32 hexadecimal digits.")
    tags_json: str = Field(description="The request's `metadata`, a JSON object in a string.")
    request_topic: str
    request_partition: int
    request_offset: int
    cache_write_usd_per_mtok: UsdPerMtok | None = None
    provider_cost_usd: Usd | None = Field(
        default=None, description="What the provider itself says that the call cost; to be compared with `cost_usd`."
    )
    service_tier: str | None = Field(
        default=None,
        description="The provider's service tier that the call was served in; until that is known, the one asked for.",
    )
    account: str | None = Field(
        default=None, description="The name of the provider's account that was called with; null where it has one key."
    )
    upstream_call_id: str | None = Field(
        default=None,
        description="Of a call that was made as one with those of other requests: the id of that call, its idempotency "
        "key at the provider. The costs of all events with it add up to what the call was charged. With `batch_id` it "
        "is the `custom_id` of the call's line. Null: the call was made for this request alone, under `event_id`.",
    )
    arm: str | None = Field(
        default=None,
        description="The catalogue's experiment that the request was in, or `control`, or that chose the model of a "
        "shadow; null: it could be in none.",
    )
    batch_id: str | None = Field(
        default=None, description="Of a call in a provider's batch: the provider's id of the batch."
    )
    reserved_usd: Usd | None = Field(
        default=None,
        description="What the tenant's budget has held for the call while it waited in the batch lane; it is free now.",
    )
    purpose: Purpose | None = Field(
        default=None,
        description="`shadow` or `judge`: of a call that answers no request, made after the request's own answer; its "
        f"`tenant` is `{SHADOW_TENANT}`, its `request_id` the request's. Null: a call for the answer.",
    )


class CallStarted(CostEvent):
    """The write-ahead record of a call: its cost event as it stands if nothing more is ever heard of it."""

    type_name: ClassVar[str] = "turnout.call"

    price_json: str | None = Field(
        default=None,
        description="The model's prices in force when the call started, with their context tiers, a JSON object in a "
        "string: the provider's count of the input decides which of them apply.",
    )
    baseline_price_json: str | None = Field(default=None, description="The same of the baseline model.")
    attempt_json: str | None = Field(
        default=None,
        description="What came of the call, as in the response's `attempts`, a JSON object in a string. In a second "
        "record of it: by a worker that gave the request up afterwards, and of each shadow call or judge that ended.",
    )
    id_source: IdSource = Field(default=IdSource.REQUEST, description="Where the request's id comes from.")
