"""Messages are written by a way of their own, which must give the bytes that pydantic's would."""

from datetime import UTC, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, ClassVar

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, PlainSerializer, computed_field

from schemas.message import Message, Usd, _fields, _fields_of
from schemas.requests import Request
from schemas.responses import AnswerMessage, Attempt, Response, Usage
from tests.contract.test_golden import PRODUCED, golden

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=7)), timezone(timedelta(minutes=-210))])
FULL = sorted(name for name, kind in PRODUCED.items() if kind.encode is Message.encode)
"""Examples of the messages that are written whole; others leave out what is as it is by default."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=9,
)
VALUES: dict[type, st.SearchStrategy[Any]] = {
    str: st.text(max_size=20),
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    Decimal: st.decimals(min_value=0, max_value=10**12, allow_nan=False) | st.sampled_from([Decimal("1E+3")]),
    dict: st.dictionaries(st.text(max_size=5), JSON, max_size=3),
    list: st.lists(JSON, max_size=3),
}


def of_pydantic(message: BaseModel) -> bytes:
    return orjson.dumps(message.model_dump(), option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def changed(data: st.DataObject, part: BaseModel) -> BaseModel:
    """Give some fields of a message, and of the parts in it, other values of their type, or none."""
    update: dict[str, object] = {}
    for name, value in part:
        if isinstance(value, BaseModel):
            update[name] = changed(data, value)
        elif isinstance(value, tuple):
            update[name] = tuple(changed(data, one) if isinstance(one, BaseModel) else one for one in value)
        elif data.draw(st.integers(0, 4)) == 0 and (values := VALUES.get(type(value))) is not None:
            optional = type(part).model_fields[name].default is None
            update[name] = data.draw(values | st.none() if optional else values)
        elif hasattr(value, "tzinfo"):
            update[name] = data.draw(st.datetimes(timezones=ZONES))
    return part.model_copy(update=update)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@given(name=st.sampled_from(FULL), data=st.data())
def test_every_message_is_written_as_pydantic_writes_it(name: str, data: st.DataObject) -> None:
    message = PRODUCED[name].decode(golden(name))
    assert message.encode() == of_pydantic(message)
    other = changed(data, message)
    assert isinstance(other, Message)
    assert other.encode() == of_pydantic(other)


@pytest.mark.parametrize("kind", [PRODUCED["call"], PRODUCED["cost-metered"], Response, Attempt, Usage, AnswerMessage])
def test_the_parts_of_a_response_need_no_copy(kind: type[BaseModel]) -> None:
    assert _fields_of(kind) is not BaseModel.model_dump


class Listed(Message):
    type_name: ClassVar[str] = "test.listed"
    amounts: list[Usd] | None = None
    by_name: dict[str, Annotated[int, PlainSerializer(str)]] = Field(default_factory=dict)


class Computed(Message):
    type_name: ClassVar[str] = "test.computed"
    one: int = 1

    @computed_field
    def two(self) -> int:
        return 2 * self.one


@pytest.mark.parametrize(
    "message",
    [
        Listed(amounts=[Decimal("1E-7")], by_name={"a": 1}),
        Listed(),
        Computed(),
        Request.model_validate({"prompt": "p", "max_cost_usd": "1E-3", "schema_version": 9, "later": True}),
    ],
)
def test_what_only_pydantic_knows_how_to_write_it_writes(message: Message) -> None:
    assert message.encode() == of_pydantic(message)


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(TypeError, match="object is no message"):
        _fields(object())
