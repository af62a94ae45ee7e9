"""The catalogue: which models there are, what they cost, in which order they stand in for each other.

These are the checked values. `streams.config.catalogue_file` reads them from `catalogue.toml` and refuses what is
wrong.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from router.dialects.wire import OPENAI, BatchForm, Wire
from router.experiments import Experiment
from router.quality.prior import Prior
from router.quality.rules import FeedbackRules
from router.shadow_rules import ShadowRules
from router.tenants import Tenant
from schemas.vocabulary import AccountLimit, Capability, Lane, Policy, Tier

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Rates:
    """Unit prices in US dollars per million tokens."""

    input_usd_per_mtok: Decimal
    output_usd_per_mtok: Decimal
    cached_input_usd_per_mtok: Decimal | None = None
    """None: cached input costs what other input costs."""
    cache_write_usd_per_mtok: Decimal | None = None
    """None: input that is written into the cache costs what other input costs."""


@dataclass(frozen=True, slots=True)
class ContextTier(Rates):
    """The rates of a whole request with more input than so many tokens."""

    above_input_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Price(Rates):
    """A price list: the rates of short requests, and those of longer ones."""

    tiers: tuple[ContextTier, ...] = ()
    """By rising length."""
    per_call_usd: Decimal = Decimal(0)
    """What a call costs beside its tokens."""

    def at(self, input_tokens: int) -> Rates:
        """Return the rates of a request of so many input tokens, cached ones included."""
        if not self.tiers:
            return self
        return next((tier for tier in reversed(self.tiers) if input_tokens > tier.above_input_tokens), self)

    def times(self, factor: Decimal, per_call_usd: Decimal) -> "Price":
        """Return the price list with a factor on all rates, and with an amount a call."""
        tiers = tuple(_times(tier, factor) for tier in self.tiers)
        return replace(_times(self, factor), tiers=tiers, per_call_usd=self.per_call_usd + per_call_usd)

    def up_to(self, input_tokens: int) -> tuple[Rates, ...]:
        """Return the rates that a request of at most so many input tokens may have."""
        return self, *(tier for tier in self.tiers if input_tokens > tier.above_input_tokens)


R = TypeVar("R", bound=Rates)


def _times(rates: R, factor: Decimal) -> R:
    known = {field.name: getattr(rates, field.name) for field in fields(Rates)}
    return replace(rates, **{name: rate * factor for name, rate in known.items() if rate is not None})


@dataclass(frozen=True, slots=True)
class PriceWindow:
    """A price that holds at certain hours, on certain days, in UTC. Moments are milliseconds, ends exclusive."""

    price: Price
    from_ms: int = 0
    until_ms: int = DAY_MS
    """Of the day. `from_ms` after `until_ms`: past midnight."""
    valid_from_ms: int | None = None
    valid_until_ms: int | None = None
    """Since 1970."""

    def holds(self, at_ms: int) -> bool:
        """Say whether the price is in force at the moment."""
        if self.valid_from_ms is not None and at_ms < self.valid_from_ms:
            return False
        if self.valid_until_ms is not None and at_ms >= self.valid_until_ms:
            return False
        hour_ms = at_ms % DAY_MS
        if self.from_ms < self.until_ms:
            return self.from_ms <= hour_ms < self.until_ms
        return hour_ms >= self.from_ms or hour_ms < self.until_ms

    def switches(self, from_ms: int, until_ms: int) -> Iterator[int]:
        """Yield the moments of the interval, less than a day, at which the price may come into force or lapse."""
        for of_day_ms in (self.from_ms, self.until_ms):
            at_ms = from_ms + (of_day_ms - from_ms) % DAY_MS
            if at_ms <= until_ms:
                yield at_ms
        for at in (self.valid_from_ms, self.valid_until_ms):
            if at is not None and from_ms < at <= until_ms:
                yield at


@dataclass(frozen=True, slots=True)
class BatchTerms:
    """At which prices a model answers in batches, and how large they may be."""

    form: BatchForm
    price: Price | None
    window_s: float
    """How long the provider may take: then it gives up what it has not answered."""
    max_requests: int
    max_bytes: int
    """Of the whole batch, as it is sent."""
    max_enqueued_tokens: int | None = None
    """Of input, in all batches of the model at once that have not ended; None: not known to be limited."""
    price_windows: tuple[PriceWindow, ...] = ()
    """As of `Model`."""


@dataclass(frozen=True, slots=True)
class HealthRules:
    """The thresholds of a verdict over a sliding window. Rates are fractions, latencies milliseconds."""

    window_s: float = 300.0
    min_requests: int = 50
    unhealthy_p99_ms: float = 3000.0
    unhealthy_error_rate: float = 0.05
    unhealthy_timeout_rate: float = 0.03
    degraded_p99_ms: float = 1500.0
    degraded_error_rate: float = 0.02


@dataclass(frozen=True, slots=True)
class Model:
    """One model at one provider."""

    name: str
    provider_name: str
    price: Price | None
    """None: the price is not known; then no cost is ever invented."""
    quality: int
    """1 to 10, the operator's judgement; a tier's floor is compared with it."""
    context_tokens: int
    max_output_tokens: int
    requests_per_minute: int
    typical_latency_ms: int
    """Stands in for the windowed p99 until there is one."""
    timeout_s: float
    """One call's longest time, so that a silent model leaves time for the next one."""
    health: HealthRules | None = None
    """Its own thresholds; None: the catalogue's."""
    price_windows: tuple[PriceWindow, ...] = ()
    """Prices in place of `price` at certain times; no two at once."""
    image_tokens: int | None = None
    audio_tokens: int | None = None
    file_tokens: int | None = None
    """The most input tokens that one such part of a message counts as; None: there is no bound."""
    parameters: frozenset[str] = frozenset()
    """What its provider takes beside OpenAI's own parameters."""
    service_tiers: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    """Factors on the rates, by `service_tier`."""
    surcharges_usd: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    """What a call costs more with a parameter, by its name."""
    image_usd: Decimal = Decimal(0)
    """What an image of a message costs beside its tokens."""
    lacks: frozenset[Capability] = frozenset()
    """What it is known not to be able to do. It is taken to be able to do everything else."""
    embeds: bool = False
    """Whether it makes vectors of texts, and answers nothing."""
    join_inputs: int = 1
    """The most inputs of several requests that are asked in one call; 1: each request is a call of its own."""
    wire: Wire = OPENAI
    """How its provider is asked."""
    upstream_model: str | None = None
    """The provider's name for it; None: the same."""
    expected_quality: Prior | None = None
    """What the operator expects of its answers; None: what `quality` says."""

    batch: BatchTerms | None = None
    """None: it does not answer in batches."""

    @property
    def prior(self) -> Prior:
        """What is expected of its answers before anything was learnt of them."""
        return self.expected_quality or Prior.from_quality(self.quality)

    @property
    def upstream_name(self) -> str:
        """The provider's name for it."""
        return self.upstream_model or self.name

    def in_batches(self) -> "Model | None":
        """Return the model with its prices in batches as its prices, None if it does not answer in batches.

        What another service tier costs in a batch is not known.
        """
        terms = self.batch
        if terms is None:
            return None
        return replace(self, price=terms.price, price_windows=terms.price_windows, service_tiers={})

    def price_at(self, at_ms: int) -> Price | None:
        """Return the price of a call that starts at the moment, in milliseconds since 1970."""
        if not self.price_windows:
            return self.price
        return next((window.price for window in self.price_windows if window.holds(at_ms)), self.price)

    def prices_between(self, from_ms: int, until_ms: int) -> Collection[Price]:
        """Return all prices that a call may have which starts in the interval, ends included."""
        if self.price is None:
            return ()
        if not self.price_windows:
            return (self.price,)
        if until_ms - from_ms >= DAY_MS:
            return {self.price, *(window.price for window in self.price_windows)}
        switches = (at_ms for window in self.price_windows for at_ms in window.switches(from_ms, until_ms))
        prices = (self.price_at(at_ms) for at_ms in (from_ms, *switches))
        return {price for price in prices if price is not None}


@dataclass(frozen=True, slots=True)
class Account:
    """One of several keys to a provider, known by its name; the key itself is with `streams.providers` alone."""

    name: str
    weight: int = 1
    """Its part of the calls, against the weights of the provider's other accounts."""
    limits: Mapping[AccountLimit, int] = field(default_factory=dict, hash=False)
    """What the provider allows it in a minute of each model, as OpenAI, Anthropic and Google count."""
    model_limits: Mapping[str, Mapping[AccountLimit, int]] = field(default_factory=dict, hash=False)
    """What differs from that, by model."""

    def limits_of(self, model: str) -> Mapping[AccountLimit, int]:
        """Return its limits for a model; what is not in there is not limited."""
        return {**self.limits, **self.model_limits.get(model, {})}


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When a model is left alone, and how it comes back."""

    consecutive_failures: int = 5
    pause_s: float = 30.0
    max_pause_s: float = 300.0
    half_open_probes: int = 3
    """Most probes at a time, and the successes that close the breaker."""
    ramp_up_s: float = 10.0
    """How long the model's share of the traffic takes to grow back after a recovery, in seconds."""


@dataclass(frozen=True, slots=True)
class RetryRules:
    """How often one request may be called for, how long it pauses in between, and how much all retries may be."""

    max_attempts: int = 6
    attempts_per_model: int = 2
    base_s: float = 0.25
    max_s: float = 8.0
    budget_ratio: float = 0.2
    """Retries a first call, over the last seconds of one worker."""
    budget_floor_per_s: float = 10.0
    """Retries a second that are always allowed."""


class Agreement(StrEnum):
    """With which other answer the first one of a cascade is compared."""

    OFF = "off"
    MODEL = "model"
    """That of the cheapest other model that is not the best."""
    SAMPLE = "sample"
    """Another one of the same model."""


@dataclass(frozen=True, slots=True)
class CascadeRules:
    """What the first answer of the policy `cascade` is checked by, beside what is free."""

    agreement: Agreement = Agreement.OFF
    judge: str | None = None
    """The name of the model that is asked."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that routing needs to know beforehand."""

    name: str
    version: str
    models: Mapping[str, Model]
    chains: Mapping[Tier, tuple[Model, ...]]
    quality_floors: Mapping[Tier, int]
    baseline: Model
    """What the savings are measured against: every request at this one model."""
    default_policy: Policy = Policy.CHAIN
    quality_slack: float = 0.05
    """The policy `value` takes a cheaper model that is expected to be so much worse than the best one, 0 to 1."""
    explored_share: float = 0.0
    """The share of requests of the policy `value` that try out what is known too little of."""
    default_max_cost_usd: Decimal = Decimal("0.10")
    default_max_tokens: int = 4096
    """Sent when a request names no `max_tokens`: without a bound on the answer there is none on its cost."""
    last_resort: bool = True
    """When a whole chain is out, any other healthy model that fits may answer."""
    lane: Lane = Lane.LIVE
    """Of requests that name none, as their tenants do not."""
    batch_if_deadline_s: float = 3600.0
    """In the lane `auto` a request may wait whose deadline is so far away."""
    breaker: BreakerRules = BreakerRules()
    health: HealthRules = HealthRules()
    retry: RetryRules = RetryRules()
    feedback: FeedbackRules = field(default_factory=FeedbackRules)
    cascade: CascadeRules = CascadeRules()
    experiments: tuple[Experiment, ...] = ()
    shadow_calls: ShadowRules | None = None
    """None: no request is asked of another model too."""
    tenants: Mapping[str, Tenant] = field(default_factory=lambda: MappingProxyType({}))
    accounts: Mapping[str, tuple[Account, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """By provider. One that is not in there has one key, or none, and is called without an account."""

    @property
    def has_batches(self) -> bool:
        """Whether any model answers in batches."""
        return any(model.batch is not None for model in self.models.values())

    @property
    def payers(self) -> Mapping[str, Tenant]:
        """Who may have a budget: the tenants, and who pays for shadow calls."""
        if self.shadow_calls is None:
            return self.tenants
        payer = self.shadow_calls.payer
        return {**self.tenants, payer.name: payer}

    def in_batches(self) -> "Catalogue":
        """Return the catalogue of the models that answer in batches, at the prices that they have there."""
        models = {name: found for name, model in self.models.items() if (found := model.in_batches()) is not None}
        chains = {
            tier: tuple(models[model.name] for model in chain if model.name in models)
            for tier, chain in self.chains.items()
        }
        return replace(self, models=models, chains=chains)

    def health_of(self, model: Model) -> HealthRules:
        """Return the thresholds that hold for the model."""
        return model.health or self.health
