"""What every message of Turnout has in common: frozen, versioned, JSON by orjson, money as exact decimals."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Self

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

SCHEMA_VERSION = 1
NANO_USD = Decimal("0.000000001")
MOST_USD = Decimal(1_000_000_000_000)
"""The largest amount that is believed."""


def _nine_places(amount: Decimal) -> str:
    return f"{amount:.9f}"


def _written_out(amount: Decimal) -> str:
    return f"{amount:f}"  # str() has exponents


SchemaVersion = Annotated[
    int, Field(ge=1, le=1000, strict=True, description="Rises when the meaning of a field changes.")
]
Usd = Annotated[
    Decimal,
    Field(ge=0, le=MOST_USD, max_digits=40, description="US dollars, a decimal string with 9 places."),
    PlainSerializer(_nine_places, return_type=str),
]
UsdPerMtok = Annotated[
    Decimal,
    Field(ge=0, le=1_000_000_000, max_digits=40, description="US dollars per million tokens, a decimal string."),
    PlainSerializer(_written_out, return_type=str),
]
Tokens = Annotated[int, Field(ge=0, le=100_000_000)]
Count = Annotated[int, Field(ge=0, le=2**53)]
MOST_SMALL_COUNT = 1_000_000_000
SmallCount = Annotated[
    int, Field(ge=0, le=MOST_SMALL_COUNT, description="A part of a count: a million of them add up to one.")
]
EpochMs = Annotated[int, Field(ge=0, le=253_402_300_799_999, description="Milliseconds since 1970; until 9999.")]
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Timestamp = Annotated[AwareDatetime, Field(description="RFC 3339, UTC.")]
Identifier = Annotated[
    str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$", strip_whitespace=True)
]
TopicName = Annotated[str, StringConstraints(min_length=1, max_length=249, pattern=r"^[A-Za-z0-9._-]+$")]


class Message(BaseModel):
    """A record's value on one of Turnout's topics. Readers ignore fields that they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    type_name: ClassVar[str]
    """The CloudEvents type, `ce_type`."""

    def encode(self) -> bytes:
        """Return the value as it goes on the topic: UTF-8 JSON."""
        return orjson.dumps(self.model_dump(), option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read a record's value.

        Raises:
            orjson.JSONDecodeError: the bytes are not JSON in UTF-8.
            pydantic.ValidationError: a field is missing or wrong.
        """
        return cls.model_validate(orjson.loads(value))


def utc_from_ms(epoch_ms: int) -> datetime:
    """Return the moment that Kafka's clock calls `epoch_ms` (milliseconds since 1970, UTC)."""
    return datetime.fromtimestamp(epoch_ms / 1000, tz=UTC)
