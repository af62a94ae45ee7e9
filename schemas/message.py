"""What every message of Turnout has in common: frozen, versioned, JSON by orjson, money as exact decimals."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, ParamSpec, Self, TypeVar, Union, get_args, get_origin

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints
from pydantic.fields import FieldInfo

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
MOST_TOKENS = 100_000_000
Tokens = Annotated[int, Field(ge=0, le=MOST_TOKENS)]
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
        """Return the value as it goes on the topic: UTF-8 JSON, the same bytes as of `model_dump`."""
        try:
            return orjson.dumps(self, _fields, orjson.OPT_UTC_Z)
        except (
            orjson.JSONEncodeError
        ):  # a key is a number or a word of ours; with this option orjson takes twice as long
            return orjson.dumps(self, _fields, orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read a record's value.

        Raises:
            orjson.JSONDecodeError: the bytes are not JSON in UTF-8.
            pydantic.ValidationError: a field is missing or wrong.
        """
        return cls.model_validate(orjson.loads(value))


P = ParamSpec("P")
M = TypeVar("M", bound=BaseModel)


def of_valid(kind: Callable[P, M], *_: P.args, **fields: P.kwargs) -> M:
    """Return a message, or a part of one, of values that are valid already: what `kind(**fields)` returns, unchecked.

    Checking takes six times as long. It is for the records of each request, whose values were checked where they came
    in, in the catalogue, the request or the provider's reply; `tests/property/test_router_session.py` checks them.
    """
    message: M = object.__new__(kind)  # type: ignore[arg-type]  # a class; declared so that its fields are looked at
    assign = object.__setattr__  # as pydantic's own `model_construct`
    assign(message, "__dict__", _defaults_of(type(message)) | fields)
    assign(message, "__pydantic_fields_set__", set(fields))
    assign(message, "__pydantic_extra__", None)
    assign(message, "__pydantic_private__", None)
    return message


@cache
def _defaults_of(kind: type[BaseModel]) -> dict[str, Any]:
    """Return all fields in their order, since they are written in it; those without a default are always given."""
    return {name: field.default for name, field in kind.model_fields.items()}


def utc_from_ms(epoch_ms: int) -> datetime:
    """Return the moment that Kafka's clock calls `epoch_ms` (milliseconds since 1970, UTC)."""
    return datetime.fromtimestamp(epoch_ms / 1000, tz=UTC)


def _fields(value: object) -> dict[str, Any]:
    """Give orjson the fields of a message or of a part of one, which it writes without the copies of `model_dump`."""
    if not isinstance(value, BaseModel):
        raise TypeError(f"{type(value).__name__} is no message or part of one")
    return _fields_of(type(value))(value)


@cache
def _fields_of(kind: type[BaseModel]) -> Callable[[BaseModel], dict[str, Any]]:
    """Return what gives the fields of a class: `model_dump`, or its equal that knows which of them become texts."""
    omitted = {name: field.exclude_if for name, field in kind.model_fields.items() if field.exclude_if is not None}
    texts: dict[str, Callable[[Any], str]] = {}
    for name, field in kind.model_fields.items():
        own, within = _serializers_of(field)
        if within:
            return BaseModel.model_dump
        texts |= dict.fromkeys([name], own[0]) if own else {}
    by_hand = kind.__pydantic_decorators__
    has_own_way = by_hand.field_serializers or by_hand.model_serializers or by_hand.computed_fields
    if has_own_way or kind.model_config.get("extra") == "allow":
        return BaseModel.model_dump

    def fields(model: BaseModel) -> dict[str, Any]:
        found = vars(model).copy()
        for name, is_omitted in omitted.items():
            if is_omitted(found[name]):
                del found[name]
        for name, text in texts.items():
            if (value := found.get(name)) is not None:
                found[name] = text(value)
        return found

    return fields


def _serializers_of(field: FieldInfo) -> tuple[list[Callable[..., Any]], bool]:
    """Return the serializers of the value itself, or of the value where it is not None, and if there are any within."""
    is_union = get_origin(field.annotation) in (Union, UnionType)
    options = [one for one in get_args(field.annotation) if one is not NoneType] if is_union else [field.annotation]
    metadata = [*field.metadata, *(mark for one in options for mark in getattr(one, "__metadata__", ()))]
    own = [mark.func for mark in metadata if isinstance(mark, PlainSerializer)]
    within = any(_holds_a_serializer(inner) for one in options for inner in get_args(one)[:1])
    return own, within or len(own) > 1 or (bool(own) and len(options) > 1)


def _holds_a_serializer(annotation: object) -> bool:
    marks = getattr(annotation, "__metadata__", ())
    return any(isinstance(mark, PlainSerializer) for mark in marks) or any(
        map(_holds_a_serializer, get_args(annotation))
    )
