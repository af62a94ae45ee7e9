"""Money: the bill's decimals against exact fractions, and estimates against what can come."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from router.catalogue import Price
from router.cost import BYTES_PER_TOKEN, estimate_tokens, input_bound, nano_usd, price_of
from router.route import Estimate
from schemas.requests import Request
from schemas.responses import Usage

NANO = 10**9
PRICES = st.decimals(0, 1000, places=6, allow_nan=False, allow_infinity=False)
TOKENS = st.integers(0, 100_000_000)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    input_tokens = draw(TOKENS)
    return Usage(
        input_tokens=input_tokens,
        output_tokens=draw(TOKENS),
        cached_input_tokens=draw(st.none() | st.integers(0, input_tokens)),
        reasoning_tokens=draw(st.none() | TOKENS),
        cache_write_tokens=draw(st.none() | TOKENS),
    )


@given(input_usd=PRICES, output_usd=PRICES, cached_usd=st.none() | PRICES, usage=usages())
def test_a_price_is_the_exact_one_rounded_once_half_to_even(
    input_usd: Decimal, output_usd: Decimal, cached_usd: Decimal | None, usage: Usage
) -> None:
    cached = usage.cached_input_tokens or 0
    exact = (
        (usage.input_tokens - cached) * Fraction(input_usd)
        + cached * Fraction(input_usd if cached_usd is None else cached_usd)
        + usage.output_tokens * Fraction(output_usd)
    ) / 1_000_000
    amount = price_of(Price(input_usd, output_usd, cached_usd), usage)
    assert Fraction(amount) == Fraction(round(exact * NANO), NANO)
    assert amount.as_tuple().exponent == -9
    assert nano_usd(amount) == Fraction(amount) * NANO


@given(
    input_usd=PRICES,
    output_usd=PRICES,
    bound=st.builds(Estimate, TOKENS, TOKENS),
    data=st.data(),
)
def test_what_stays_inside_the_estimate_costs_no_more_than_it(
    input_usd: Decimal, output_usd: Decimal, bound: Estimate, data: st.DataObject
) -> None:
    input_tokens = data.draw(st.integers(0, bound.input_tokens))
    usage = Usage(
        input_tokens=input_tokens,
        output_tokens=data.draw(st.integers(0, bound.output_tokens)),
        cached_input_tokens=data.draw(st.none() | st.integers(0, input_tokens)),
    )
    price = Price(input_usd, output_usd, data.draw(st.none() | st.decimals(0, input_usd, places=6)))
    assert price_of(price, usage) <= price_of(price, bound)


@given(prompt=st.text(min_size=1), more=st.text(min_size=1))
def test_a_longer_prompt_has_no_smaller_bound_and_none_is_below_its_estimate(prompt: str, more: str) -> None:
    bound = input_bound(Request(prompt=prompt))
    assert bound > estimate_tokens(prompt) >= len(prompt.encode()) / BYTES_PER_TOKEN
    assert input_bound(Request(prompt=prompt + more)) >= bound
    assert input_bound(Request(prompt=prompt, system_prompt=more)) >= bound
