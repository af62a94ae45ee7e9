from dataclasses import replace
from decimal import Decimal

import orjson
import pytest

from router.catalogue import DAY_MS, Catalogue, ContextTier, Model, Price, PriceWindow
from router.cost import call_started, estimate_tokens, nano_usd, price_of, settled, upper_cost
from router.route import Candidate, Estimate, Route
from schemas.costs import CallStarted, CostEvent, cost_event_id
from schemas.requests import Request
from schemas.responses import Attempt, Usage
from schemas.vocabulary import AttemptOutcome, Certainty, PriceStatus, Task, Tier, TokenCountSource
from tests.stage import (
    ALPHA,
    BETA,
    NOW_S,
    PROMPT,
    TWO,
    UNPRICED,
    make_catalogue,
    make_job,
)

PRICE = Price(Decimal("1.25"), Decimal("5.00"), Decimal("0.3125"))
BASELINE = Price(Decimal(4), Decimal(4))


def call_of(model: Model = ALPHA, catalogue: Catalogue = TWO, request: Request | None = None) -> CallStarted:
    bound = Estimate(18, 100)
    upper_usd = price_of(model.price, bound) if model.price else None
    candidate = Candidate(model, "chain fast, place 1", bound, upper_usd, 100)
    return call_started(
        make_job(request), Route(Task.QA, Tier.FAST, "tier fast: short"), candidate, 2, catalogue, NOW_S
    )


def attempt_of(usage: Usage | None, cost_usd: Decimal | None, certainty: Certainty | None) -> Attempt:
    return Attempt(
        attempt=2,
        provider_name="one",
        request_model="alpha",
        response_model="alpha-2026",
        outcome=AttemptOutcome.SUCCEEDED,
        started_at=call_of().occurred_at,
        latency_ms=500,
        usage=usage,
        certainty=certainty,
        cost_usd=cost_usd,
    )


# --- prices ---


def test_the_price_is_the_sum_of_tokens_times_price() -> None:
    assert price_of(PRICE, Usage(input_tokens=1_000_000, output_tokens=2_000_000)) == Decimal("11.25")


def test_a_sum_is_rounded_once_and_half_to_even() -> None:
    half = Price(Decimal("0.0005"), Decimal("0.0005"))
    assert price_of(half, Usage(input_tokens=1, output_tokens=0)) == 0
    assert price_of(half, Usage(input_tokens=3, output_tokens=0)) == Decimal("0.000000002")
    assert price_of(half, Usage(input_tokens=1, output_tokens=1)) == Decimal("0.000000001"), "not two halves of nothing"


def test_cached_tokens_are_part_of_the_input_and_not_counted_twice() -> None:
    usage = Usage(input_tokens=1000, cached_input_tokens=800, output_tokens=0)
    assert price_of(PRICE, usage) == (200 * Decimal("1.25") + 800 * Decimal("0.3125")) / 1_000_000


def test_without_a_price_of_their_own_cached_tokens_cost_what_others_do() -> None:
    usage = Usage(input_tokens=1000, cached_input_tokens=800, output_tokens=0)
    assert price_of(BASELINE, usage) == price_of(BASELINE, Usage(input_tokens=1000, output_tokens=0))


def test_reasoning_and_cache_write_tokens_are_not_counted_twice() -> None:
    plain = Usage(input_tokens=10, output_tokens=20)
    told = Usage(input_tokens=10, output_tokens=20, reasoning_tokens=15, cache_write_tokens=5)
    assert price_of(PRICE, told) == price_of(PRICE, plain)


def test_a_free_model_costs_zero_which_is_not_unknown() -> None:
    free = price_of(Price(Decimal(0), Decimal(0)), Usage(input_tokens=10, output_tokens=20))
    assert free == 0
    assert nano_usd(free) == 0


def test_nano_dollars_are_the_amount_as_a_whole_number() -> None:
    assert nano_usd(Decimal("12.345678901")) == 12_345_678_901


# --- estimates ---


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("a" * 42, 10), ("天" * 14, 10), ("\ud800", 1)])
def test_tokens_are_estimated_from_utf8_bytes(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


# --- the write-ahead record ---


def test_a_call_that_starts_stands_as_unknown_at_its_upper_estimate() -> None:
    call = call_of()
    assert call.event_id == cost_event_id("default", "r-1", "llm.requests.v1-3-42", 2)
    assert (call.certainty, call.outcome) == (Certainty.UNKNOWN, AttemptOutcome.CUT_OFF)
    assert (call.input_tokens, call.output_tokens) == (18, 100)
    assert call.token_count_source is TokenCountSource.ESTIMATE
    assert (call.cost_usd, call.cost_nano_usd) == (Decimal("0.000218"), 218_000)
    assert (call.occurred_at_ms, call.occurred_at.timestamp()) == (NOW_S * 1000, NOW_S)
    assert call.route_reason == "tier fast: short; chain fast, place 1"
    assert (call.request_topic, call.request_partition, call.request_offset) == ("llm.requests.v1", 3, 42)
    assert (call.price_catalogue, call.price_catalogue_version) == ("test", "7")
    assert call.is_fallback


def test_the_unit_prices_and_the_tags_travel_in_the_event() -> None:
    call = call_of(request=Request(prompt=PROMPT, tenant="acme", metadata={"team": "é", "n": 1}))
    assert (call.input_usd_per_mtok, call.output_usd_per_mtok) == (Decimal(1), Decimal(2))
    assert call.cached_input_usd_per_mtok is None
    assert orjson.loads(call.tags_json) == {"team": "é", "n": 1}
    assert (call.tenant, call.trace_id) == ("acme", "t-1")


def test_the_baseline_is_what_the_same_tokens_cost_there() -> None:
    call = call_of(BETA)
    assert call.baseline_model == "alpha"
    assert call.baseline_cost_usd == Decimal("0.000218")
    assert call.cost_usd == Decimal("0.000654")


def test_an_unknown_price_is_null_and_never_zero() -> None:
    call = call_of(UNPRICED, make_catalogue(UNPRICED))
    assert call.price_status is PriceStatus.UNKNOWN
    for nothing in (call.cost_usd, call.cost_nano_usd, call.baseline_cost_usd, call.input_usd_per_mtok):
        assert nothing is None


# --- the settled event ---


def test_a_metered_call_is_settled_with_the_providers_tokens() -> None:
    usage = Usage(input_tokens=10, output_tokens=20, cached_input_tokens=4, reasoning_tokens=7)
    event = settled(call_of(), attempt_of(usage, Decimal("0.00005"), Certainty.METERED))
    assert event is not None
    assert type(event) is CostEvent
    assert (event.outcome, event.error_type) == (AttemptOutcome.SUCCEEDED, None)
    assert (event.certainty, event.token_count_source) == (Certainty.METERED, TokenCountSource.PROVIDER)
    assert (event.input_tokens, event.output_tokens, event.cached_input_tokens, event.reasoning_tokens) == (
        10,
        20,
        4,
        7,
    )
    assert (event.cost_usd, event.cost_nano_usd) == (Decimal("0.00005"), 50_000)
    assert event.baseline_cost_usd == Decimal("0.00005"), "alpha's own price, 1 and 2"
    assert (event.latency_ms, event.response_model) == (500, "alpha-2026")
    assert event.price_status is PriceStatus.KNOWN


def test_a_call_that_was_certainly_not_charged_has_no_event() -> None:
    assert settled(call_of(), attempt_of(None, None, None)) is None


def test_a_call_of_unknown_outcome_keeps_the_tokens_of_its_estimate() -> None:
    call = call_of()
    event = settled(call, attempt_of(None, call.cost_usd, Certainty.UNKNOWN))
    assert event is not None
    assert (event.input_tokens, event.output_tokens, event.cost_usd) == (18, 100, call.cost_usd)
    assert event.token_count_source is TokenCountSource.ESTIMATE
    assert event.baseline_cost_usd == call.baseline_cost_usd


@pytest.mark.parametrize("certainty", list(Certainty))
def test_what_is_read_back_after_a_crash_settles_to_the_very_same_event(certainty: Certainty) -> None:
    call, usage = call_of(), Usage(input_tokens=10, output_tokens=20)
    attempt = attempt_of(usage if certainty is not Certainty.UNKNOWN else None, Decimal("0.00005"), certainty)
    once = settled(call, attempt)
    again = settled(CallStarted.decode(call.encode()), Attempt.model_validate(orjson.loads(attempt.model_dump_json())))
    assert once is not None
    assert again is not None
    assert again.encode() == once.encode()


def test_an_event_has_every_field_and_is_flat() -> None:
    event = settled(call_of(), attempt_of(None, None, Certainty.UNKNOWN))
    assert event is not None
    values = orjson.loads(event.encode())
    assert values.keys() == CostEvent.model_fields.keys()
    assert not any(isinstance(value, dict | list) for value in values.values())


# --- cache, context tiers and windows ---

NIGHT_MS = 1_800_057_600_000
"""2027-01-16, 00:00 UTC."""
HOUR_MS = 3_600_000
LONG = ContextTier(Decimal(10), Decimal(20), above_input_tokens=100)
TIERED = Price(Decimal(1), Decimal(2), Decimal("0.1"), Decimal("1.5"), (LONG,))


def at_night(price: Price, **limits: int) -> PriceWindow:
    return PriceWindow(price, 22 * HOUR_MS, 6 * HOUR_MS, **limits)


def test_input_that_is_written_into_the_cache_has_its_own_price() -> None:
    usage = Usage(input_tokens=100, cached_input_tokens=30, cache_write_tokens=20, output_tokens=10)
    assert price_of(TIERED, usage) == (50 * 1 + 30 * Decimal("0.1") + 20 * Decimal("1.5") + 10 * 2) / 1_000_000


def test_above_a_context_length_its_prices_are_those_of_the_whole_request() -> None:
    assert price_of(TIERED, Usage(input_tokens=100, output_tokens=10)) == Decimal("0.000120")
    assert price_of(TIERED, Usage(input_tokens=101, output_tokens=10)) == Decimal("0.001210")


def test_the_bound_knows_that_a_shorter_request_may_be_the_dearer_one() -> None:
    cheap_when_long = replace(LONG, input_usd_per_mtok=Decimal("0.1"), output_usd_per_mtok=Decimal("0.1"))
    price = Price(Decimal(1), Decimal(2), tiers=(cheap_when_long,))
    assert upper_cost((price,), Estimate(101, 10)) == Decimal("0.000121")


@pytest.mark.parametrize(
    ("hour", "night"), [(21.99, False), (22, True), (23.99, True), (0, True), (5.99, True), (6, False), (12, False)]
)
def test_a_window_past_midnight_holds_on_both_sides_of_it(hour: float, night: bool) -> None:  # noqa: FBT001
    cheap = Price(Decimal("0.1"), Decimal("0.2"))
    model = replace(ALPHA, price_windows=(at_night(cheap),))
    assert model.price_at(NIGHT_MS + int(hour * HOUR_MS)) == (cheap if night else ALPHA.price)


def test_a_window_holds_from_its_first_day_to_the_day_before_its_last() -> None:
    window = PriceWindow(TIERED, valid_from_ms=NIGHT_MS, valid_until_ms=NIGHT_MS + DAY_MS)
    held = [window.holds(NIGHT_MS + moment_ms) for moment_ms in (-1, 0, DAY_MS - 1, DAY_MS)]
    assert held == [False, True, True, False]


def test_a_call_whose_price_may_change_before_it_starts_is_bounded_by_the_dearer_one() -> None:
    dear = Price(Decimal(7), Decimal(7))
    model = replace(ALPHA, price_windows=(at_night(dear, valid_until_ms=NIGHT_MS + DAY_MS),))
    evening_ms = NIGHT_MS + 21 * HOUR_MS
    assert set(model.prices_between(evening_ms, evening_ms + HOUR_MS - 1)) == {ALPHA.price}
    assert set(model.prices_between(evening_ms, evening_ms + HOUR_MS)) == {ALPHA.price, dear}
    assert set(model.prices_between(NIGHT_MS, NIGHT_MS + HOUR_MS)) == {dear}
    assert set(model.prices_between(NIGHT_MS + DAY_MS, NIGHT_MS + 3 * DAY_MS)) == {ALPHA.price, dear}, "bounded roughly"


def test_a_call_is_settled_at_the_price_of_its_start_by_the_length_that_the_provider_counted() -> None:
    window = at_night(TIERED)
    model = replace(ALPHA, price=Price(Decimal(3), Decimal(3)), price_windows=(window,))
    catalogue = make_catalogue(model)
    bound = Estimate(500, 10)
    candidate = Candidate(model, "", bound, None, 10)
    call = call_started(make_job(), Route(Task.QA, Tier.FAST, ""), candidate, 2, catalogue, NIGHT_MS / 1000)
    assert (call.input_usd_per_mtok, call.cost_usd) == (Decimal(10), Decimal("0.0052")), "above 100 tokens, as bounded"
    usage = Usage(input_tokens=100, output_tokens=10, cache_write_tokens=10)
    event = settled(CallStarted.decode(call.encode()), attempt_of(usage, price_of(TIERED, usage), Certainty.METERED))
    assert event is not None
    rates = (event.input_usd_per_mtok, event.cached_input_usd_per_mtok, event.cache_write_usd_per_mtok)
    assert rates == (Decimal(1), Decimal("0.1"), Decimal("1.5"))
    assert event.cost_usd == event.baseline_cost_usd == Decimal("0.000125")


def test_an_announcement_of_before_there_were_price_lists_in_it_still_settles() -> None:
    old = call_of().model_copy(update={"price_json": None, "baseline_price_json": None})
    event = settled(old, attempt_of(Usage(input_tokens=1, output_tokens=1), Decimal("0.000003"), Certainty.METERED))
    assert event is not None
    assert (event.input_usd_per_mtok, event.cost_usd, event.baseline_cost_usd) == (
        Decimal(1),
        Decimal("0.000003"),
        None,
    )
