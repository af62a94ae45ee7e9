"""The ways to be unkind: how they are chosen, and what they add to a price."""

from decimal import Decimal

import orjson
import pytest
from pydantic import ValidationError

from sandbox.provider import unkind
from sandbox.provider.charges import Extras
from sandbox.provider.dialects.chat import ChatCompletions
from sandbox.provider.dialects.dialect import Address
from sandbox.provider.unkind import KIND, UNKIND, Unkindness, read_unkindness


def test_all_is_everything_and_nothing_is_the_default() -> None:
    assert read_unkindness("all") == UNKIND
    assert read_unkindness("{}") == KIND
    assert all(getattr(UNKIND, name) != getattr(KIND, name) for name in Unkindness.model_fields)


def test_a_way_survives_its_own_json() -> None:
    assert read_unkindness(UNKIND.model_dump_json()) == UNKIND


@pytest.mark.parametrize(
    ("chosen", "charged"),
    [
        ([], []),
        (["4xx"], [400, 429]),
        (["5xx"], [500, 503, 529]),
        ([429, "529"], [429, 529]),
    ],
)
def test_statuses_are_charged_by_number_or_by_class(chosen: list[object], charged: list[int]) -> None:
    way = Unkindness.model_validate({"charges_statuses": chosen})

    assert [status for status in (400, 429, 500, 503, 529) if way.charges(status)] == charged


@pytest.mark.parametrize(
    "text",
    ["some", '{"charges_statuses": ["200"]}', '{"image_usd": -1}', '{"generous": true}', '{"reasoning": "below"}'],
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        read_unkindness(text)


def test_every_way_is_in_the_documented_table() -> None:
    for name in Unkindness.model_fields:
        assert f"    {name} " in (unkind.__doc__ or "")


def test_extras_are_what_the_request_holds_at_the_prices_chosen() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    body = {
        "model": "gpt-4.1",
        "messages": [{"role": "user", "content": [picture, picture]}, {"role": "user", "content": [picture]}],
        "service_tier": "priority",
        "web_search_options": {},
    }
    ask = ChatCompletions().read(orjson.dumps(body), Address())

    assert UNKIND.extras(ask) == Extras(Decimal(40), Decimal(2), 3, Decimal("0.005"), 1, Decimal("0.035"))
    assert KIND.extras(ask) == Extras(images=3, searches=1)
