"""Money: the bill's decimals against exact fractions, and estimates against what can come."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from router.catalogue import DAY_MS, ContextTier, Price, PriceWindow, Rates
from router.cost import nano_usd, price_of, upper_cost
from router.route import Estimate
from schemas.costs import EVENT_NAMESPACE, cost_event_id
from schemas.responses import Usage
from tests.stage import ALPHA

NANO = 10**9
PRICES = st.decimals(0, 1000, places=6, allow_nan=False, allow_infinity=False)
TOKENS = st.integers(0, 100_000_000)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    return draw(usages_within(draw(TOKENS), draw(TOKENS)))


@st.composite
def usages_within(draw: st.DrawFn, most_input: int, most_output: int) -> Usage:
    input_tokens, output_tokens = draw(st.integers(0, most_input)), draw(st.integers(0, most_output))
    cached = draw(st.none() | st.integers(0, input_tokens))
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_input_tokens=cached,
        cache_write_tokens=draw(st.none() | st.integers(0, input_tokens - (cached or 0))),
        reasoning_tokens=draw(st.none() | st.integers(0, output_tokens)),
    )


@st.composite
def rates(draw: st.DrawFn) -> tuple[Decimal, Decimal, Decimal | None, Decimal | None]:
    """Draw the rates of input, output, cached and cache-written input, as a catalogue may have them."""
    input_usd = draw(PRICES)
    return input_usd, draw(PRICES), draw(st.none() | st.decimals(0, input_usd, places=6)), draw(st.none() | PRICES)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    lengths = sorted(draw(st.sets(TOKENS, max_size=3)))
    return Price(*draw(rates()), tiers=tuple(ContextTier(*draw(rates()), above) for above in lengths))


@given(price=prices(), usage=usages())
def test_a_price_is_the_exact_one_rounded_once_half_to_even(price: Price, usage: Usage) -> None:
    in_force: Rates = price
    for tier in price.tiers:
        if usage.input_tokens > tier.above_input_tokens:
            in_force = tier
    cached, written = usage.cached_input_tokens or 0, usage.cache_write_tokens or 0
    input_usd, cached_usd, written_usd = (
        in_force.input_usd_per_mtok if rate is None else rate
        for rate in (None, in_force.cached_input_usd_per_mtok, in_force.cache_write_usd_per_mtok)
    )
    exact = (
        (usage.input_tokens - cached - written) * Fraction(input_usd)
        + cached * Fraction(cached_usd)
        + written * Fraction(written_usd)
        + usage.output_tokens * Fraction(in_force.output_usd_per_mtok)
    ) / 1_000_000
    amount = price_of(price, usage)
    assert Fraction(amount) == Fraction(round(exact * NANO), NANO)
    assert amount.as_tuple().exponent == -9
    assert nano_usd(amount) == Fraction(amount) * NANO


@given(price=prices(), bound=st.builds(Estimate, TOKENS, TOKENS), data=st.data())
def test_what_stays_inside_the_estimate_costs_no_more_than_it(
    price: Price, bound: Estimate, data: st.DataObject
) -> None:
    upper_usd = upper_cost((price,), bound)
    assert upper_usd is not None
    assert price_of(price, data.draw(usages_within(bound.input_tokens, bound.output_tokens))) <= upper_usd


MOMENTS_MS = st.integers(0, 3 * DAY_MS)
WINDOWS = st.builds(
    PriceWindow,
    prices(),
    st.integers(0, DAY_MS - 1),
    st.integers(1, DAY_MS),
    st.none() | MOMENTS_MS,
    st.none() | MOMENTS_MS,
)


@given(
    price=prices(),
    windows=st.lists(WINDOWS, max_size=3),
    from_ms=MOMENTS_MS,
    life_ms=st.integers(0, 2 * DAY_MS),
    data=st.data(),
)
def test_whenever_a_call_starts_its_price_is_among_those_that_it_was_bounded_by(
    price: Price, windows: list[PriceWindow], from_ms: int, life_ms: int, data: st.DataObject
) -> None:
    model = replace(ALPHA, price=price, price_windows=tuple(windows))
    at_ms = from_ms + data.draw(st.integers(0, life_ms))
    assert model.price_at(at_ms) in model.prices_between(from_ms, from_ms + life_ms)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(tenant=NAMES, request_id=NAMES, record=NAMES, attempt=st.integers(1, 99))
def test_the_id_of_a_call_is_uuid5_of_its_parts(tenant: str, request_id: str, record: str, attempt: int) -> None:
    """Source: RFC 9562, section 5.5, as the standard library has it."""
    expected = uuid5(EVENT_NAMESPACE, "\x1f".join((tenant, request_id, record, str(attempt))))
    assert cost_event_id(tenant, request_id, record, attempt) == str(expected)
