from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

import orjson
import pytest
from pydantic import ValidationError

from schemas.budgets import Budget, BudgetState
from schemas.message import Message, Usd, UsdPerMtok, utc_from_ms


class Priced(Message):
    type_name: ClassVar[str] = "test.priced"

    amount: Usd
    price: UsdPerMtok


@pytest.mark.parametrize(
    ("amount", "written"),
    [("0", "0.000000000"), ("1E+2", "100.000000000"), ("1E-9", "0.000000001"), ("0.5", "0.500000000")],
)
def test_an_amount_is_written_with_nine_places(amount: str, written: str) -> None:
    assert orjson.loads(Priced(amount=Decimal(amount), price=Decimal(1)).encode())["amount"] == written


@pytest.mark.parametrize(
    ("price", "written"), [("0.21", "0.21"), ("1E+1", "10"), ("0E-7", "0.0000000"), ("5.00", "5.00")]
)
def test_a_price_is_written_as_it_is_and_without_an_exponent(price: str, written: str) -> None:
    assert orjson.loads(Priced(amount=Decimal(0), price=Decimal(price)).encode())["price"] == written


def test_a_message_cannot_be_changed() -> None:
    message = Priced(amount=Decimal(0), price=Decimal(1))
    with pytest.raises(ValidationError, match="frozen"):
        message.amount = Decimal(1)  # type: ignore[misc]  # that it cannot is the claim


@pytest.mark.parametrize("value", [b"", b"[]", b"null", b"{}", b"\xff"])
def test_what_is_no_such_message_is_a_value_error(value: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - readers catch nothing narrower
        Budget.decode(value)


def test_a_time_without_a_zone_is_refused() -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    times = {"window_start": noon, "window_end": noon, "as_of": noon.replace(tzinfo=None)}
    with pytest.raises(ValidationError, match="timezone"):
        Budget.model_validate(
            {"tenant": "a", "window": "day", "spent_usd": 0, "limit_usd": None, "state": BudgetState.WITHIN, **times}
        )


def test_the_clock_of_kafka_is_utc() -> None:
    assert utc_from_ms(1_769_860_800_118) == datetime(2026, 1, 31, 12, 0, 0, 118_000, tzinfo=UTC)
