"""The exact response cache: what a request may ask of it, and the records of its index, `llm.cache-index.v1`."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schemas.message import SCHEMA_VERSION, Count, EpochMs, Message, SchemaVersion, Timestamp, Usd

MAX_TTL_S = 604_800
"""A week. Sooner or later the responses topic keeps the answer no more, and then it is asked for again."""
INDEX_RETENTION_S = MAX_TTL_S + 86_400
"""How long the index keeps a record: as long as an answer may be used, and a day."""
TENANT_PREFIX = b"tenant/"
"""Before a tenant's name: the key of a record that says what is to be forgotten. Other keys are those of answers."""


def _whole_number(number: object) -> object:
    return int(number) if isinstance(number, float) and number.is_integer() else number


class CacheWish(BaseModel):
    """What a request asks of the cache."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ttl_s: Annotated[int, Field(strict=True, ge=0, le=MAX_TTL_S), BeforeValidator(_whole_number)] = Field(
        description="Use an answer to the same question that is no older, and keep this one so long, seconds. 0: call "
        "a model, and keep nothing, whatever the tenant's default is."
    )
    tool_calls: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="Answers that call tools are used and kept too."
    )


class KeptAnswer(BaseModel):
    """Where an answer lies on the responses topic, and what is known of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    partition: Annotated[int, Field(ge=0, lt=2**31)]
    offset: Count
    expires_at_ms: EpochMs
    saved_usd: Usd | None = Field(default=None, description="What it has cost, which each use of it saves.")
    origin_request_id: str = Field(max_length=1024, description="The id of the request that it answered.")
    answer_bytes: Count = Field(description="Of its record.")


class CacheEntry(Message):
    """Where the answer to one question lies, or that a tenant's answers are forgotten.

    The key is the question's, 32 hexadecimal digits, or `tenant/NAME`; a question without a value is forgotten.
    """

    type_name: ClassVar[str] = "turnout.cache-entry"

    schema_version: SchemaVersion = SCHEMA_VERSION
    tenant: str = Field(max_length=256)
    as_of: Timestamp = Field(description="When the answer was given, or was to be forgotten.")
    answer: KeptAnswer | None = Field(
        default=None, description="null: nothing that was kept for the tenant before this record is used again."
    )


def tenant_key(tenant: str) -> bytes:
    """Return the key of the record that forgets a tenant's answers."""
    return TENANT_PREFIX + tenant.encode()
