"""Tokens and money: the estimate before a call, the exact price after it, and the cost event of either.

Money is `Decimal`: tokens times price are summed first and rounded once, to nano-dollars, half to even; the most that
a call may cost is rounded up.
"""

from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from math import ceil

import orjson
from pydantic import TypeAdapter

from router.catalogue import Catalogue, Price, Rates
from router.job import Job
from router.parameters import SAME_PRICE_TIERS
from router.route import Candidate, Estimate, Route
from schemas.costs import CallStarted, CostEvent
from schemas.message import MOST_TOKENS, NANO_USD, of_valid
from schemas.responses import Attempt, Usage
from schemas.vocabulary import AttemptOutcome, Certainty, PriceStatus, TokenCountSource

MILLION = Decimal(1_000_000)
ROUNDED_USD, ROUNDED_SHARE = Decimal("0.000001"), Decimal("0.01")
"""A provider rounds what it says that a call cost, some to six places: so far it may be from what its tokens cost."""
BYTES_PER_TOKEN = 4.2
"""UTF-8 bytes a token of o200k. Error on real prompts: English +8 %, Vietnamese +4 %, Chinese -5 %; p95 30-38 %."""


def estimate_tokens(text: str) -> int:
    """Return about how many tokens the text is."""
    return ceil(utf8_bytes(text) / BYTES_PER_TOKEN)


def utf8_bytes(text: str) -> int:
    """Return how many bytes the text has; half of a surrogate pair counts as a question mark."""
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def price_of(price: Price, usage: Usage | Estimate) -> Decimal:
    """Return what the tokens cost, in US dollars with 9 places."""
    rates = price.at(usage.input_tokens)
    cached, written = usage.cached_input_tokens or 0, usage.cache_write_tokens or 0
    input_rate = rates.input_usd_per_mtok
    micro_usd = (usage.input_tokens - cached - written) * input_rate + usage.output_tokens * rates.output_usd_per_mtok
    if cached:
        cached_rate = rates.cached_input_usd_per_mtok
        micro_usd += cached * (input_rate if cached_rate is None else cached_rate)
    if written:
        write_rate = rates.cache_write_usd_per_mtok
        micro_usd += written * (input_rate if write_rate is None else write_rate)
    return _rounded(_with_each_call(micro_usd, price))


def is_priced_tier(usage: Usage, asked_for: str | None) -> bool:
    """Say whether the call was served in the service tier that its price is of: the one that was asked for."""
    served = usage.service_tier
    return served in (None, asked_for) or (
        served in SAME_PRICE_TIERS and (asked_for is None or asked_for in SAME_PRICE_TIERS)
    )


def cost_of(price: Price, usage: Usage, asked_for: str | None = None) -> Decimal:
    """Return what a call cost, in US dollars with 9 places.

    If it was served in another service tier than it was asked for in, that is what the provider says, if it does.
    """
    if usage.provider_cost_usd is not None and not is_priced_tier(usage, asked_for):
        return usage.provider_cost_usd
    return price_of(price, usage)


def certainty_of(usage: Usage, cost_usd: Decimal | None, asked_for: str | None = None) -> Certainty:
    """Return how well the cost of a call with this usage is known.

    Not exactly, if the provider says another one than `cost_usd`, or one where the catalogue has no price (None).
    """
    reliable = usage.doubt is None and is_priced_tier(usage, asked_for) and _is_as_told(cost_usd, usage)
    return Certainty.METERED if reliable else Certainty.ESTIMATED


def _is_as_told(cost_usd: Decimal | None, usage: Usage) -> bool:
    told = usage.provider_cost_usd
    if told is None or cost_usd is None:
        return told is None
    return abs(told - cost_usd) <= max(ROUNDED_USD, told * ROUNDED_SHARE)


def upper_cost(prices: Iterable[Price], bound: Estimate) -> Decimal | None:
    """Return the most that a call inside the bound costs at any of the prices; None if there are none.

    A shorter request may fall into a dearer tier, and the provider may write all of the input into its cache.
    """
    return max([_at_most(price, bound) for price in prices], default=None)


def _at_most(price: Price, bound: Estimate) -> Decimal:
    micro_usd = _with_each_call(_micro_usd(_dearest(price, bound), bound), price)
    return _rounded(micro_usd, ROUND_CEILING)  # so that the bounds of several calls cover them as one, too


def _with_each_call(micro_usd: Decimal, price: Price) -> Decimal:
    return micro_usd + price.per_call_usd * MILLION if price.per_call_usd else micro_usd


def _dearest(price: Price, bound: Estimate) -> Rates:
    if not price.tiers:
        return price
    return max(price.up_to(bound.input_tokens), key=lambda rates: _micro_usd(rates, bound))


def _micro_usd(rates: Rates, bound: Estimate) -> Decimal:
    input_rate, write_rate = rates.input_usd_per_mtok, rates.cache_write_usd_per_mtok
    if write_rate is not None and write_rate > input_rate:
        input_rate = write_rate
    return bound.input_tokens * input_rate + bound.output_tokens * rates.output_usd_per_mtok


def _rounded(micro_usd: Decimal, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    return (micro_usd / MILLION).quantize(NANO_USD, rounding)


def nano_usd(amount: Decimal) -> int:
    """Return the amount in nano-dollars."""
    return int(amount / NANO_USD)


def call_started(
    job: Job, route: Route, candidate: Candidate, attempt: int, catalogue: Catalogue, now_s: float
) -> CallStarted:
    """Return the write-ahead record of a call: certainty unknown, cost as estimated from above.

    The prices in force travel in it, so that the call can be settled without the catalogue.
    """
    model, bound = candidate.model, candidate.bound
    # there is nothing to compare with: the baseline embeds nothing, and would not have been asked in the shadow
    baseline = None if job.purpose is not None else model if model.embeds else catalogue.baseline
    now_ms = int(now_s * 1000)
    price, baseline_price = candidate.price_at(now_ms), None if baseline is None else baseline.price_at(now_ms)
    rates = _dearest(price, bound) if price else None
    cost_usd = _at_most(price, bound) if price and candidate.unpriced is None else None
    writes = rates is not None and (rates.cache_write_usd_per_mtok or 0) > rates.input_usd_per_mtok
    if bound.input_tokens > MOST_TOKENS or bound.output_tokens > MOST_TOKENS:
        raise ValueError(f"a call of more than {MOST_TOKENS} tokens cannot be written down")
    return of_valid(
        CallStarted,
        event_id=job.event_id(attempt),
        occurred_at=datetime.fromtimestamp(now_s, UTC),
        occurred_at_ms=now_ms,
        request_id=job.request_id,
        attempt=attempt,
        is_fallback=attempt > (1 if job.purpose is None else job.first_attempt),
        outcome=AttemptOutcome.CUT_OFF,
        error_type=AttemptOutcome.CUT_OFF,
        certainty=Certainty.UNKNOWN,
        tenant=job.identity.tenant,
        task=route.task,
        tier=route.tier,
        route_reason=f"{route.reason}; {candidate.why}",
        provider_name=model.provider_name,
        request_model=model.name,
        input_tokens=bound.input_tokens,
        cache_write_tokens=bound.input_tokens if writes else None,
        output_tokens=bound.output_tokens,
        token_count_source=TokenCountSource.ESTIMATE,
        input_usd_per_mtok=rates.input_usd_per_mtok if rates else None,
        cached_input_usd_per_mtok=rates.cached_input_usd_per_mtok if rates else None,
        cache_write_usd_per_mtok=rates.cache_write_usd_per_mtok if rates else None,
        output_usd_per_mtok=rates.output_usd_per_mtok if rates else None,
        cost_usd=cost_usd,
        cost_nano_usd=None if cost_usd is None else nano_usd(cost_usd),
        baseline_model=None if baseline is None else baseline.name,
        baseline_cost_usd=price_of(baseline_price, bound) if baseline_price and candidate.unpriced is None else None,
        price_status=PriceStatus.UNKNOWN if cost_usd is None else PriceStatus.KNOWN,
        price_catalogue=catalogue.name,
        price_catalogue_version=catalogue.version,
        trace_id=job.trace_id,
        tags_json=orjson.dumps(job.request.metadata).decode(),
        request_topic=job.origin.topic,
        request_partition=job.origin.partition,
        request_offset=job.origin.offset,
        id_source=job.identity.source,
        arm=route.arm,
        service_tier=_asked_tier(job.request.parameters.get("service_tier")),
        purpose=job.purpose,
        price_json=_written(price),
        baseline_price_json=_written(baseline_price),
    )


def _asked_tier(service_tier: object) -> str | None:
    return service_tier if isinstance(service_tier, str) else None


_PRICE = TypeAdapter(Price)


@lru_cache
def _written(price: Price | None) -> str | None:
    return None if price is None else _PRICE.dump_json(price, exclude_defaults=True).decode()


@lru_cache
def _read(price_json: str | None) -> Price | None:
    return None if price_json is None else _PRICE.validate_json(price_json)


def price_in(call: CallStarted) -> Price | None:
    """Return the price in force when the call was decided on, as its write-ahead record has it."""
    return _read(call.price_json)


_COST_FIELDS = tuple(CostEvent.model_fields)
_RATES = tuple(field.name for field in fields(Rates))


def settled(call: CallStarted, attempt: Attempt) -> CostEvent | None:
    """Return the cost event of a call that has ended, or None if it was certainly not charged.

    It is made of the write-ahead record and the response's attempt alone, so that a worker which finds both after a
    crash writes the very same event again.
    """
    if attempt.certainty is None:
        return None
    usage = attempt.usage
    known = vars(call) | {
        "outcome": attempt.outcome,
        "error_type": None if attempt.outcome is AttemptOutcome.SUCCEEDED else attempt.outcome,
        "certainty": attempt.certainty,
        "response_model": attempt.response_model,
        "latency_ms": attempt.latency_ms,
        "cost_usd": attempt.cost_usd,
        "cost_nano_usd": None if attempt.cost_usd is None else nano_usd(attempt.cost_usd),
    }
    if usage is not None:
        known |= vars(usage)
        is_priced = is_priced_tier(usage, call.service_tier)
        price, baseline = _read(call.price_json), _read(call.baseline_price_json)
        if price is not None:
            rates = price.at(usage.input_tokens)
            known["price_status"] = PriceStatus.KNOWN if is_priced else PriceStatus.UNKNOWN
            known |= {name: getattr(rates, name) for name in _RATES}
        known["baseline_cost_usd"] = price_of(baseline, usage) if baseline else None
        is_shared = call.upstream_call_id is not None and call.batch_id is None
        if is_shared and call.baseline_model == call.request_model:
            known["baseline_cost_usd"] = attempt.cost_usd  # a share, which its own tokens do not give
        known["token_count_source"] = TokenCountSource.ESTIMATE if usage.doubt else TokenCountSource.PROVIDER
    return of_valid(CostEvent, **{name: known[name] for name in _COST_FIELDS})
