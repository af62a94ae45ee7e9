"""`llm.waiting.v1`: a request of the batch lane, from its hand-over to its answer. Between workers."""

from base64 import b64decode, b64encode
from typing import Annotated, ClassVar, Self

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from schemas.caching import MAX_TTL_S
from schemas.costs import CallStarted
from schemas.message import SCHEMA_VERSION, Count, EpochMs, Message, SchemaVersion
from schemas.responses import Attempt, Skipped
from schemas.vocabulary import Difficulty, IdSource, Policy, ReturnReason, WaitingState

Offset = Annotated[int, Field(ge=0, le=2**63 - 1)]
Partition = Annotated[int, Field(ge=0, le=2**31 - 1)]


def _from_base64(text: object) -> object:
    return b64decode(text, validate=True) if isinstance(text, str) else text


Base64 = Annotated[
    bytes,
    BeforeValidator(_from_base64),
    PlainSerializer(lambda value: b64encode(value).decode(), return_type=str),
    Field(description="Base64."),
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Returned(_Part):
    """Why a request goes back to the live path, and what has become of its call in a batch."""

    reason: ReturnReason
    detail: str | None = Field(default=None, description="What the provider said, shortened.")
    batch_id: str | None = Field(default=None, description="The provider's id of the batch it was in, if it was.")
    attempt: Attempt | None = Field(
        default=None,
        description="The call in the batch as it stands; null: there was none. Its cost event is the collector's to "
        "write, whenever it is known whether it was charged.",
    )
    partition: Partition = Field(description="Where its record of `llm.batch-requests.v1` lies.")
    offset: Offset


class WaitingCache(_Part):
    """How the answer cache is used for a request that waits."""

    ttl_s: Annotated[int, Field(ge=1, le=MAX_TTL_S)]
    tool_calls: bool = False
    followed: Offset = Field(description="As `followed` of `llm.cache-index.v1`, when the request was handed over.")


class Waiting(Message):
    """How one request of the batch lane stands. The last record of a key holds; none: it does not wait.

    Its key is `router.identity.Identity.digest` in hexadecimal digits, its partition the one of the request's number.
    """

    type_name: ClassVar[str] = "turnout.waiting"

    schema_version: SchemaVersion = SCHEMA_VERSION
    state: WaitingState
    tenant: str
    request_id: str
    id_source: IdSource = IdSource.REQUEST
    authenticated: bool = False
    asked_sha256: str | None = None
    request_topic: str
    request_partition: Partition
    request_offset: Offset
    request_key: Base64 | None = None
    written_at_ms: EpochMs = Field(default=0, description="The timestamp of the request's record.")
    received_at_ms: EpochMs = Field(default=0, description="When a worker took it.")
    deadline_ms: EpochMs = Field(default=0, description="When it has to be answered.")
    policy: Policy | None = None
    difficulty: Difficulty | None = None
    skipped: tuple[Skipped, ...] = ()
    max_tokens: Count = Field(default=0, description="The longest answer to ask for.")
    call: CallStarted | None = Field(
        default=None,
        description="What was decided: the write-ahead record of the call, with the prices of the batch and with what "
        "was reserved. It is written here, and not on `llm.calls.v1`.",
    )
    cache: WaitingCache | None = Field(default=None, description="null: its answer is not for the cache.")
    returned: Returned | None = None
    response_offset: Offset | None = Field(default=None, description="Where its answer lies in its partition.")

    def encode(self) -> bytes:
        """Return the value as it goes on the topic, without what is as it is by default: there may be a million."""
        return orjson.dumps(self.model_dump(exclude_defaults=True), option=orjson.OPT_UTC_Z)

    @model_validator(mode="after")
    def _check_state(self) -> Self:
        needed = {
            WaitingState.WAITING: ("call",),
            WaitingState.RETURNED: ("call", "returned"),
            WaitingState.ANSWERED: ("response_offset",),
        }.get(self.state, ())
        if (lacking := next((name for name in needed if getattr(self, name) is None), None)) is not None:
            raise ValueError(f"{lacking}: a request that is {self.state} has it")
        return self
