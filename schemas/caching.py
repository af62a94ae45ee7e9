"""The exact response cache: what a request may ask of it, and the records of its index, `llm.cache-index.v1`."""

import string
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schemas.message import SCHEMA_VERSION, Count, EpochMs, Message, SchemaVersion, Timestamp, Usd

MAX_TTL_S = 604_800
"""A week. Sooner or later the responses topic keeps the answer no more, and then it is asked for again."""
INDEX_RETENTION_S = MAX_TTL_S + 86_400
"""How long the index keeps a record: as long as an answer may be used, and a day."""
KEY_BITS = 128
KEY_DIGITS = KEY_BITS // 4
"""A question's key is so many hexadecimal digits."""
TENANT_PREFIX = b"tenant/"
FORGOTTEN_PREFIX = b"forgotten/"
"""Before a tenant's name, and before a question's key: the keys of records that say what is to be forgotten. Other keys
are those of answers."""
_HEX = frozenset(string.hexdigits.encode())


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
    followed: Count | None = Field(
        default=None,
        description="How far the index was followed, by the offset of the next record, when the question was put to a "
        "model: what tells to forget it from there on holds for this answer, also if it stands before it.",
    )


class CacheEntry(Message):
    """Where the answer to one question lies, or that a tenant's answers are forgotten.

    The key is the question's, 32 hexadecimal digits; `tenant/NAME` or `forgotten/KEY`, whose answers are to be
    forgotten. A question without a value is forgotten.
    """

    type_name: ClassVar[str] = "turnout.cache-entry"

    schema_version: SchemaVersion = SCHEMA_VERSION
    tenant: str = Field(max_length=256)
    as_of: Timestamp = Field(description="When the answer was given, or was to be forgotten.")
    answer: KeptAnswer | None = Field(
        default=None,
        description="null: no answer is used again that the tenant, or the question that the key names, had asked for "
        "before this record.",
    )


def tenant_key(tenant: str) -> bytes:
    """Return the key of the record that forgets a tenant's answers."""
    return TENANT_PREFIX + tenant.encode()


def forgotten_key(key: str) -> bytes:
    """Return the key of the record that forgets the answer to a question."""
    return FORGOTTEN_PREFIX + key.encode()


def is_question(key: bytes) -> bool:
    """Say whether a record's key is that of a question."""
    return len(key) == KEY_DIGITS and _HEX.issuperset(key)
