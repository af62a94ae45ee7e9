"""The catalogue: which models there are, what they cost, in which order they stand in for each other.

These are the checked values. `streams.catalogue_file` reads them from `catalogue.toml` and refuses what is wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from schemas.vocabulary import Policy, Tier


@dataclass(frozen=True, slots=True)
class Price:
    """List price in US dollars per million tokens."""

    input_usd_per_mtok: Decimal
    output_usd_per_mtok: Decimal
    cached_input_usd_per_mtok: Decimal | None = None
    """None: cached input costs what other input costs."""


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


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When a model is left alone, and how it comes back."""

    consecutive_failures: int = 5
    pause_s: float = 30.0
    max_pause_s: float = 300.0
    half_open_probes: int = 3
    """Most probes at a time, and the successes that close the breaker."""
    ramp_up_s: float = 10.0
    """After a recovery the model's share of the traffic grows back over so long."""


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
    default_max_cost_usd: Decimal = Decimal("0.10")
    default_max_tokens: int = 4096
    """Sent when a request names no `max_tokens`: without a bound on the answer there is none on its cost."""
    last_resort: bool = True
    """When a whole chain is out, any other healthy model that fits may answer."""
    breaker: BreakerRules = BreakerRules()
    health: HealthRules = HealthRules()
    retry: RetryRules = RetryRules()

    def health_of(self, model: Model) -> HealthRules:
        """Return the thresholds that hold for the model."""
        return model.health or self.health
