"""The four reference models: prices, latency, uptime and rate limit, kept apart from the router's own catalogue.

The numbers are repeated here on purpose: an invoice computed from the router's own table would agree with any mistake
in it.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from random import Random
from types import MappingProxyType

NANO_USD = Decimal("0.000000001")
Z_99 = 2.3263478740408408
"""The standard normal quantile of 0.99."""


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """What one call is charged for: the input and the output, and what each of them is made of."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    rejected_tokens: int = 0
    """Of a predicted output, generated and thrown away."""


@dataclass(frozen=True, slots=True)
class ListPrice:
    """A public list price in US dollars per million tokens: fresh, cached and cache-written input, and output."""

    fresh: Decimal
    cached: Decimal
    written: Decimal
    output: Decimal
    above_input_tokens: int = 0
    """Requests with more input than that are charged so, all of their tokens."""


def _list_price(*prices: str, above_input_tokens: int = 0) -> ListPrice:
    fresh, cached, written, output = map(Decimal, prices)
    return ListPrice(fresh, cached, written, output, above_input_tokens)


LIST_PRICES: Mapping[str, tuple[ListPrice, ...]] = MappingProxyType(
    {
        "gpt-4.1": (_list_price("2", "0.5", "2", "8"),),
        "claude-sonnet-4.5": (
            _list_price("3", "0.3", "3.75", "15"),
            _list_price("6", "0.6", "7.5", "22.5", above_input_tokens=200_000),
        ),
        "gemini-2.5-flash": (_list_price("0.3", "0.03", "0.3", "2.5"),),
        "deepseek-v3.2": (_list_price("0.28", "0.028", "0.28", "0.40"),),
    }
)
"""The providers' public price lists, by rising length of the input."""


def list_price_of(model: str, input_tokens: int) -> ListPrice | None:
    """Return the public price of a request of that length, None if the model has none beside its reference price."""
    if model not in LIST_PRICES:
        return None
    short, *longer = LIST_PRICES[model]
    return next((price for price in reversed(longer) if input_tokens > price.above_input_tokens), short)


@dataclass(frozen=True, slots=True)
class ReferenceModel:
    """One simulated model; prices are US dollars per million tokens, latencies milliseconds, uptime a share of 1."""

    name: str
    provider: str
    input_usd_per_mtok: Decimal
    output_usd_per_mtok: Decimal
    p50_ms: float
    p99_ms: float
    uptime: float
    requests_per_minute: int

    @property
    def price(self) -> ListPrice:
        """The reference price, which knows no difference between fresh, cached and cache-written input."""
        price = self.input_usd_per_mtok
        return ListPrice(price, price, price, self.output_usd_per_mtok)

    def draw_latency_s(self, rng: Random) -> float:
        """Draw from the log-normal distribution whose median is P50 and whose 99th percentile is P99."""
        sigma = math.log(self.p99_ms / self.p50_ms) / Z_99
        return rng.lognormvariate(math.log(self.p50_ms), sigma) / 1000

    def price_usd(self, input_tokens: int, output_tokens: int) -> Decimal:
        """Return the cost of one call with 9 places: tokens x price is summed first and rounded once, half to even."""
        micro_usd = input_tokens * self.input_usd_per_mtok + output_tokens * self.output_usd_per_mtok
        return (micro_usd / 1_000_000).quantize(NANO_USD, rounding=ROUND_HALF_EVEN)


REFERENCE_MODELS: Mapping[str, ReferenceModel] = MappingProxyType(
    {
        model.name: model
        for model in (
            ReferenceModel("gpt-4.1", "openai", Decimal("4.00"), Decimal("4.00"), 720, 1850, 0.995, 500),
            ReferenceModel("claude-sonnet-4.5", "anthropic", Decimal("7.50"), Decimal("7.50"), 950, 2400, 0.992, 300),
            ReferenceModel("gemini-2.5-flash", "google", Decimal("1.25"), Decimal("5.00"), 180, 520, 0.998, 1000),
            ReferenceModel("deepseek-v3.2", "deepseek", Decimal("0.21"), Decimal("0.21"), 280, 890, 0.997, 800),
        )
    }
)

EMBEDDING_MODEL = ReferenceModel("text-embedding-3-small", "openai", Decimal("0.02"), Decimal(0), 120, 400, 0.999, 3000)
"""The one model that embeds, at OpenAI's public price."""

MODELS: Mapping[str, ReferenceModel] = MappingProxyType({**REFERENCE_MODELS, EMBEDDING_MODEL.name: EMBEDDING_MODEL})
"""All that are served."""

_VENDORS_NAMES = MappingProxyType(
    {
        "gpt-4.1-2025-04-14": "gpt-4.1",
        "claude-sonnet-4-5": "claude-sonnet-4.5",
        "claude-sonnet-4-5-20250929": "claude-sonnet-4.5",
        "anthropic.claude-sonnet-4-5-20250929-v1:0": "claude-sonnet-4.5",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0": "claude-sonnet-4.5",
        "deepseek-chat": "deepseek-v3.2",
        "deepseek.v3.2": "deepseek-v3.2",
    }
)


def find_model(name: str) -> ReferenceModel | None:
    """Return the model that goes by this name, its own or one that a vendor or Bedrock has for it."""
    return MODELS.get(_VENDORS_NAMES.get(name, name))


class RequestLimit:
    """At most `limit` calls in any `window_s` seconds: a log of admissions, as buckets would let twice as many by."""

    def __init__(self, limit: int, window_s: float) -> None:
        self.limit = limit
        self._window_s = window_s
        self._admitted: deque[float] = deque()

    def admit(self, now: float) -> float:
        """Admit a call at monotonic time `now` and return 0, or return the seconds until the next one is possible."""
        admitted = self._admitted
        while admitted and admitted[0] <= now - self._window_s:
            admitted.popleft()
        if len(admitted) < self.limit:
            admitted.append(now)
            return 0.0
        return admitted[0] + self._window_s - now
