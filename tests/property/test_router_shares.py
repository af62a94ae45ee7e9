"""The parts of a joined call always add up to the whole, and no part is more than its member can be asked to pay."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from router.catalogue import Price
from router.cost import price_of, upper_cost
from router.request.share import Share, shares
from router.route import Estimate
from schemas.message import NANO_USD
from schemas.responses import Usage

WEIGHTS = st.lists(st.integers(0, 20_000), min_size=1, max_size=64).filter(any)
PRICES = st.decimals(0, 100, places=7)
"""Down to a ten-thousandth of a nano-dollar a token."""


@given(st.integers(0, 10**12), WEIGHTS)
def test_the_parts_add_up_and_are_near_their_weights(whole: int, weights: list[int]) -> None:
    parts = shares(whole, weights)
    exact = [Fraction(whole * weight, sum(weights)) for weight in weights]
    assert sum(parts) == whole
    assert all(0 <= each - part < 1 for part, each in zip(parts[:-1], exact[:-1], strict=True))
    assert 0 <= parts[-1] - exact[-1] < len(weights)


@given(PRICES, WEIGHTS, st.data())
def test_money_and_tokens_of_all_members_are_those_of_the_call(
    price_usd: Decimal, weights: list[int], data: st.DataObject
) -> None:
    price = Price(price_usd, Decimal(0))
    usage = Usage(input_tokens=data.draw(st.integers(0, sum(weights))), output_tokens=0)
    cost_usd = price_of(price, usage)
    members = [Share(tuple(weights), place, leads=place == 0) for place in range(len(weights))]
    assert sum(member.usd(cost_usd) or 0 for member in members) == cost_usd
    assert sum(member.usage(usage).input_tokens for member in members) == usage.input_tokens


@given(PRICES, WEIGHTS, st.data())
def test_the_bounds_of_all_members_cover_the_call(price_usd: Decimal, weights: list[int], data: st.DataObject) -> None:
    price = Price(price_usd, Decimal(0))
    tokens = data.draw(st.integers(0, sum(weights)) | st.just(sum(weights)))
    cost_usd = price_of(price, Usage(input_tokens=tokens, output_tokens=0))
    bounds = [upper_cost([price], Estimate(weight, 0)) or Decimal(0) for weight in weights]
    assert sum(bounds) >= cost_usd
    for place, bound in enumerate(bounds):
        assert (Share(tuple(weights), place, leads=False).usd(cost_usd) or 0) <= bound + len(weights) * NANO_USD
