"""Public list prices, from the data inside the package `genai-prices`: no network is asked.

TurnoutError
└── ListPricesMissing    the package is not installed
"""

from datetime import datetime
from decimal import Decimal

from router.catalogue import ContextTier, Price
from router.errors import TurnoutError

INSTALL = 'pip install "turnout[prices]"'


class ListPricesMissing(TurnoutError):  # noqa: N818 - reads as the sentence it starts
    """The optional package is not there. The message says what to install."""


def list_price(model: str, provider_name: str, at: datetime) -> Price | None:
    """Return the price that the model's provider asks at the moment, None if nobody lists the model.

    Raises:
        ListPricesMissing: the package is not installed.
    """
    try:
        from genai_prices import Usage, calc_price  # noqa: PLC0415 - an extra, and it takes a second
        from genai_prices.types import TieredPrices  # noqa: PLC0415 - same
    except ModuleNotFoundError as error:
        raise ListPricesMissing(f"List prices need {error.name}, which comes with: {INSTALL}") from None

    def base_of(price: Decimal | TieredPrices | None) -> Decimal | None:
        return price.base if isinstance(price, TieredPrices) else price

    def above(price: Decimal | TieredPrices | None, tokens: int) -> Decimal | None:
        if not isinstance(price, TieredPrices):
            return price
        return next((tier.price for tier in reversed(price.tiers) if tier.start <= tokens), price.base)

    one = Usage(input_tokens=1, output_tokens=1)
    try:
        found = calc_price(one, model, provider_id=provider_name, genai_request_timestamp=at).model_price
    except LookupError:
        try:  # the catalogue's providers may have names of their own
            found = calc_price(one, model, genai_request_timestamp=at).model_price
        except LookupError:
            return None
    meters: tuple[Decimal | TieredPrices | None, ...] = (
        found.input_mtok,
        found.output_mtok,
        found.cache_read_mtok,
        found.cache_write_mtok,
    )
    per_input, per_output, per_cached, per_write = map(base_of, meters)
    if per_input is None or per_output is None:
        return None
    starts = sorted({tier.start for price in meters if isinstance(price, TieredPrices) for tier in price.tiers})
    tiers = []
    for start in starts:
        tier_input, tier_output, tier_cached, tier_write = (above(price, start) for price in meters)
        tiers.append(ContextTier(tier_input or per_input, tier_output or per_output, tier_cached, tier_write, start))
    return Price(per_input, per_output, per_cached, per_write, tuple(tiers))
