"""Which prefixes a worker has sent of late, where they are warm, and whether it pays to have one cached.

Requests of one key lie in one partition, so that mostly one worker sees all that share a prefix; what another worker
has sent is not known here, and costs a cache write at the most.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from decimal import Decimal
from math import exp
from typing import NamedTuple

from router.catalogue import Model, Price
from router.dialects.wire import DialectName
from router.prompt_caching.prefix import Prefix

TTL_S = 300.0
"""How long a prefix stays cached after it was used last: Anthropic's and Bedrock's five minutes; OpenAI keeps it for
five to ten. Sources: their guides "Prompt caching"."""
MOST = 4_096
"""Prefixes that are remembered, about 1 kB each."""
MARKED = frozenset({DialectName.ANTHROPIC, DialectName.BEDROCK})
"""Dialects in which nothing is cached but what is marked, and writing has a price."""
CERTAINTY = 2
"""Reads are expected this many times as often as would just pay, before a write is paid for."""


class PromptCache(NamedTuple):
    """What a call says of its prefix."""

    key: str
    is_marked: bool
    """Whether the provider is told to cache it, where it has to be told."""


@dataclass(slots=True)
class _Use:
    """One prefix at one model."""

    used_s: float
    account: str | None
    is_marked: bool


@dataclass(slots=True)
class _Seen:
    seen_s: float
    count: float = 0.0
    """Requests, each worth less as it ages: about how many come within `TTL_S`."""
    uses: dict[str, _Use] = field(default_factory=dict)


class PrefixMemory:
    """The prefixes of one worker. Not for several threads."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def expected_reads(self, prefix: Prefix, now_s: float) -> float:
        """Return how many more requests with the prefix are to be expected while it stays cached, by those before."""
        seen = self._seen.get(prefix.key)
        return 0.0 if seen is None else seen.count * exp((seen.seen_s - now_s) / TTL_S)

    def is_warm(self, prefix: Prefix, model: Model, now_s: float) -> bool:
        """Say whether the model has read the prefix so lately that its provider has it in its cache."""
        use = self._use(prefix, model)
        if use is None or now_s - use.used_s >= TTL_S:
            return False
        return use.is_marked or model.wire.dialect not in MARKED

    def is_marked(self, prefix: Prefix, model: Model, now_s: float) -> bool:
        """Say whether it is warm because its provider was told to cache it."""
        use = self._use(prefix, model)
        return use is not None and use.is_marked and now_s - use.used_s < TTL_S

    def account(self, prefix: Prefix, model: Model, now_s: float) -> str:
        """Return the account by which the model has read the prefix, if it is warm; others have caches of their own."""
        use = self._use(prefix, model)
        return use.account or "" if use is not None and self.is_warm(prefix, model, now_s) else ""

    def called(self, prefix: Prefix, model: Model, account: str | None, now_s: float, *, marked: bool = False) -> None:
        """Note a call that sends the prefix, and whether it is to be cached by a mark."""
        count = self.expected_reads(prefix, now_s) + 1
        seen = self._seen.setdefault(prefix.key, _Seen(now_s))
        seen.seen_s, seen.count = now_s, count
        seen.uses[model.name] = _Use(now_s, account, marked)
        self._seen.move_to_end(prefix.key)
        while len(self._seen) > MOST:
            self._seen.popitem(last=False)

    def _use(self, prefix: Prefix, model: Model) -> _Use | None:
        seen = self._seen.get(prefix.key)
        return None if seen is None else seen.uses.get(model.name)


def caches(model: Model, price: Price | None) -> bool:
    """Say whether a prefix is cheaper at the model the second time, as its provider is asked."""
    if price is None or (model.wire.dialect in MARKED and not model.wire.prompt_cache):
        return False
    cached = price.cached_input_usd_per_mtok
    return cached is not None and cached < price.input_usd_per_mtok


def pays(price: Price, expected_reads: float) -> bool:
    """Say whether writing a prefix into the cache is likely to cost less than the reads of it will save."""
    cached, fresh = price.cached_input_usd_per_mtok, price.input_usd_per_mtok
    if cached is None or cached >= fresh:
        return False
    surcharge = max(Decimal(0), (price.cache_write_usd_per_mtok or fresh) - fresh)
    return Decimal(expected_reads) * (fresh - cached) >= surcharge * CERTAINTY


def saving_usd(price: Price, tokens: int) -> Decimal:
    """Return what reading so many tokens from the cache saves."""
    rates = price.at(tokens)
    cached = rates.cached_input_usd_per_mtok
    return Decimal(0) if cached is None else (rates.input_usd_per_mtok - cached) * tokens / 1_000_000


def prompt_cache_of(
    prefix: Prefix, model: Model, price: Price | None, memory: PrefixMemory, now_s: float
) -> PromptCache | None:
    """Decide what a call says of its prefix; None: nothing.

    A mark is set while the prefix is warm, since without it nothing is read from the cache either, and where writing it
    is likely to pay. The first request with a prefix is expected to be the last.
    """
    if not model.wire.prompt_cache:
        return None
    if model.wire.dialect not in MARKED:
        return PromptCache(prefix.key, is_marked=False)
    if price is None or not caches(model, price):
        return None
    if memory.is_marked(prefix, model, now_s) or pays(price, memory.expected_reads(prefix, now_s)):
        return PromptCache(prefix.key, is_marked=True)
    return None
