"""What a call is charged for, line by line. Pure; US dollars, per million tokens where tokens are priced."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from sandbox.provider.invoice import InvoiceLine, LineItem
from sandbox.provider.models import NANO_USD, ListPrice, TokenCounts


@dataclass(frozen=True, slots=True)
class Extras:
    """What is charged beside text. The defaults add nothing."""

    audio_usd_per_mtok: Decimal | None = None
    """None: as much as text."""
    tier_factor: Decimal = Decimal(1)
    images: int = 0
    image_usd: Decimal = Decimal(0)
    searches: int = 0
    search_usd: Decimal = Decimal(0)
    cached_at_full: bool = False
    """Whether the tier leaves the price of cached input as it is."""


def itemize(counts: TokenCounts, price: ListPrice, extras: Extras) -> tuple[InvoiceLine, ...]:
    """Return the lines of a call, none that is of nothing."""
    heard, spoken = counts.audio_input_tokens, counts.audio_output_tokens
    fresh = counts.input_tokens - counts.cached_input_tokens - counts.cache_write_tokens - heard
    written = counts.output_tokens - counts.reasoning_tokens - counts.rejected_tokens - spoken
    audio = extras.audio_usd_per_mtok
    tokens = (
        (LineItem.INPUT, fresh, price.fresh),
        (LineItem.CACHED_INPUT, counts.cached_input_tokens, price.cached),
        (LineItem.CACHE_WRITE, counts.cache_write_tokens, price.written),
        (LineItem.AUDIO_INPUT, heard, price.fresh if audio is None else audio),
        (LineItem.OUTPUT, written, price.output),
        (LineItem.REASONING, counts.reasoning_tokens, price.output),
        (LineItem.REJECTED_PREDICTION, counts.rejected_tokens, price.output),
        (LineItem.AUDIO_OUTPUT, spoken, price.output if audio is None else audio),
    )
    lines = [InvoiceLine(item, count, (count * per_mtok).scaleb(-6)) for item, count, per_mtok in tokens if count]
    if extras.tier_factor != 1:
        tiered = (line.usd for line in lines if not (extras.cached_at_full and line.item is LineItem.CACHED_INPUT))
        tier_usd = sum(tiered, Decimal(0)) * (extras.tier_factor - 1)
        lines.append(InvoiceLine(LineItem.SERVICE_TIER, 1, tier_usd))
    if extras.images and extras.image_usd:
        lines.append(InvoiceLine(LineItem.IMAGES, extras.images, extras.images * extras.image_usd))
    if extras.searches and extras.search_usd:
        lines.append(InvoiceLine(LineItem.WEB_SEARCH, extras.searches, extras.searches * extras.search_usd))
    return tuple(lines)


def total_usd(lines: Iterable[InvoiceLine]) -> Decimal:
    """Return the sum with 9 places, rounded once, half to even."""
    return sum((line.usd for line in lines), Decimal(0)).quantize(NANO_USD, rounding=ROUND_HALF_EVEN)
