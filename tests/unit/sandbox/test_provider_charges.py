"""What a call is charged for: every token on one line, at its price, and the sum rounded once."""

from dataclasses import replace
from decimal import Decimal

import pytest

from sandbox.provider.charges import Extras, itemize, total_usd
from sandbox.provider.invoice import InvoiceLine, LineItem
from sandbox.provider.models import REFERENCE_MODELS, ListPrice, ReferenceModel, TokenCounts

PRICE = ListPrice(fresh=Decimal(2), cached=Decimal("0.5"), written=Decimal("2.5"), output=Decimal(8))
COUNTS = TokenCounts(
    input_tokens=100,
    output_tokens=50,
    cached_input_tokens=30,
    cache_write_tokens=20,
    reasoning_tokens=25,
    audio_input_tokens=10,
    audio_output_tokens=5,
    rejected_tokens=15,
)


def micro_usd(lines: tuple[InvoiceLine, ...]) -> dict[LineItem, tuple[int, float]]:
    return {line.item: (line.quantity, float(line.usd * 1_000_000)) for line in lines}


def test_every_token_is_on_exactly_one_line_at_its_price() -> None:
    assert micro_usd(itemize(COUNTS, PRICE, Extras())) == {
        LineItem.INPUT: (40, 80),
        LineItem.CACHED_INPUT: (30, 15),
        LineItem.CACHE_WRITE: (20, 50),
        LineItem.AUDIO_INPUT: (10, 20),
        LineItem.OUTPUT: (5, 40),
        LineItem.REASONING: (25, 200),
        LineItem.REJECTED_PREDICTION: (15, 120),
        LineItem.AUDIO_OUTPUT: (5, 40),
    }


def test_a_tier_multiplies_all_tokens_and_nothing_else() -> None:
    extras = Extras(tier_factor=Decimal("0.5"), images=2, image_usd=Decimal("0.003"))
    lines = micro_usd(itemize(TokenCounts(100, 50), PRICE, extras))

    assert lines[LineItem.SERVICE_TIER] == (1, -300)
    assert total_usd(itemize(TokenCounts(100, 50), PRICE, extras)) == Decimal("0.006300000")


def test_audio_images_and_searches_have_prices_of_their_own() -> None:
    extras = Extras(Decimal(40), images=3, image_usd=Decimal("0.01"), searches=1, search_usd=Decimal("0.025"))
    lines = micro_usd(itemize(COUNTS, PRICE, extras))

    assert lines[LineItem.AUDIO_INPUT] == (10, 400)
    assert lines[LineItem.AUDIO_OUTPUT] == (5, 200)
    assert lines[LineItem.IMAGES] == (3, 30_000)
    assert lines[LineItem.WEB_SEARCH] == (1, 25_000)


@pytest.mark.parametrize("model", REFERENCE_MODELS.values(), ids=lambda model: model.name)
def test_the_lines_of_the_reference_price_add_up_to_it(model: ReferenceModel) -> None:
    lines = itemize(COUNTS, model.price, Extras())

    assert total_usd(lines) == model.price_usd(COUNTS.input_tokens, COUNTS.output_tokens)


def test_a_sum_is_rounded_once_and_half_to_even() -> None:
    cheap = ListPrice(*(Decimal("0.0005"),) * 4)

    assert total_usd(itemize(TokenCounts(1, 0), cheap, Extras())) == 0, "0.5 nano-dollars go down to the even 0"
    assert total_usd(itemize(TokenCounts(1, 2), cheap, Extras())) == Decimal("0.000000002"), "1.5 go up to the even 2"


def test_nothing_is_no_line() -> None:
    assert itemize(TokenCounts(0, 0), PRICE, Extras()) == ()
    assert total_usd(()) == 0


def test_a_tier_may_leave_cached_input_at_its_price() -> None:
    counts = TokenCounts(1_000_000, 1_000_000, cached_input_tokens=500_000)
    price = ListPrice(Decimal(2), Decimal(1), Decimal(2), Decimal(4))
    half = Extras(tier_factor=Decimal("0.5"))
    assert total_usd(itemize(counts, price, half)) == Decimal("2.75")
    assert total_usd(itemize(counts, price, replace(half, cached_at_full=True))) == Decimal(3)
