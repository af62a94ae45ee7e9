"""The prices of a model in `catalogue.toml`: unit prices, context tiers, and windows of time, checked together."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import combinations
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from router.catalogue import DAY_MS, ContextTier, Price, PriceWindow
from router.errors import CatalogueError

LONGEST = 10**15
"""Longer whole numbers are out of every range, and Python itself refuses to write them out or to convert them."""


def decimal(value: object) -> object:
    """Take a short whole number for a decimal."""
    return Decimal(value) if type(value) is int and abs(value) <= LONGEST else value


UsdPerMtok = Annotated[Decimal, BeforeValidator(decimal), Field(ge=0, le=100_000, decimal_places=9)]


class _RawRates(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    input_usd_per_mtok: UsdPerMtok | None = None
    output_usd_per_mtok: UsdPerMtok | None = None
    cached_input_usd_per_mtok: UsdPerMtok | None = None
    cache_write_usd_per_mtok: UsdPerMtok | None = None

    @property
    def is_priced(self) -> bool:
        """Say whether it names any price."""
        return any(getattr(self, name) is not None for name in _RawRates.model_fields)


class RawContextTier(_RawRates):
    """`[[models.NAME.context_tiers]]`."""

    above_input_tokens: Annotated[int, Field(ge=1, le=100_000_000)]


class RawPrices(_RawRates):
    """What a model and each of its windows have in common."""

    context_tiers: tuple[RawContextTier, ...] = Field(default=(), strict=False)


class RawPriceWindow(RawPrices):
    """`[[models.NAME.price_windows]]`."""

    from_utc: time | None = None
    until_utc: time | None = None
    valid_from: date | None = None
    valid_until: date | None = None


def checked_price(key: str, raw: RawPrices, context_tokens: int) -> Price | None:
    """Return the price, None if there is none.

    Raises:
        CatalogueError: a price is missing or impossible, or the tiers are; one sentence with key and fix.
    """
    if not raw.is_priced:
        if raw.context_tiers:
            raise CatalogueError(
                f"{key}.input_usd_per_mtok is missing; add it, as context_tiers need a price below them."
            )
        return None
    per_input, per_output = _checked_rates(key, raw)
    tiers = tuple(_checked_tiers(key, raw.context_tiers, context_tokens))
    return Price(per_input, per_output, raw.cached_input_usd_per_mtok, raw.cache_write_usd_per_mtok, tiers)


def checked_windows(
    key: str, windows: Sequence[RawPriceWindow], price: Price | None, context_tokens: int
) -> tuple[PriceWindow, ...]:
    """Return the windows, no two of which hold at once.

    Raises:
        CatalogueError: a window is empty, always open, without prices, or overlaps another; or nothing holds outside.
    """
    if windows and price is None:
        raise CatalogueError(f"{key}.input_usd_per_mtok is missing; add the price that holds outside of price_windows.")
    checked = [
        _checked_window(f"{key}.price_windows[{place}]", raw, context_tokens) for place, raw in enumerate(windows)
    ]
    for (one_place, one), (other_place, other) in combinations(enumerate(checked), 2):
        if _overlap(one, other):
            raise CatalogueError(
                f"{key}.price_windows[{other_place}] overlaps price_windows[{one_place}]; "
                "change the times or days of one."
            )
    return tuple(checked)


def _checked_rates(key: str, raw: _RawRates) -> tuple[Decimal, Decimal]:
    per_input, per_output, per_cached = raw.input_usd_per_mtok, raw.output_usd_per_mtok, raw.cached_input_usd_per_mtok
    if per_input is None or per_output is None:
        missing = "input_usd_per_mtok" if per_input is None else "output_usd_per_mtok"
        raise CatalogueError(f"{key}.{missing} is missing; add it, or leave all prices out if they are not known.")
    if (per_input == 0) != (per_output == 0):
        free = "input_usd_per_mtok" if per_input == 0 else "output_usd_per_mtok"
        raise CatalogueError(
            f"{key}.{free} is 0 while the other price is not; correct it, or leave all prices out if not known."
        )
    if per_cached is not None and per_cached > per_input:
        raise CatalogueError(
            f"{key}.cached_input_usd_per_mtok is {per_cached}, more than input_usd_per_mtok, {per_input}; "
            "lower it or leave it out."
        )
    return per_input, per_output


def _checked_tiers(key: str, raw: Sequence[RawContextTier], context_tokens: int) -> Iterator[ContextTier]:
    before = 0
    for place, tier in enumerate(raw):
        own_key, above = f"{key}.context_tiers[{place}]", tier.above_input_tokens
        if above <= before:
            raise CatalogueError(
                f"{own_key}.above_input_tokens is {above}, not more than the {before} of the tier before it; "
                "put them in order."
            )
        if above >= context_tokens:
            raise CatalogueError(
                f"{own_key}.above_input_tokens is {above}, which no request exceeds: context_tokens is "
                f"{context_tokens}; lower it or remove the tier."
            )
        per_input, per_output = _checked_rates(own_key, tier)
        yield ContextTier(per_input, per_output, tier.cached_input_usd_per_mtok, tier.cache_write_usd_per_mtok, above)
        before = above


def _checked_window(key: str, raw: RawPriceWindow, context_tokens: int) -> PriceWindow:
    price = checked_price(key, raw, context_tokens)
    if price is None:
        raise CatalogueError(f"{key}.input_usd_per_mtok is missing; a window states its prices in whole.")
    if (raw.from_utc is None) != (raw.until_utc is None):
        missing, there = ("from_utc", "until_utc") if raw.from_utc is None else ("until_utc", "from_utc")
        raise CatalogueError(f"{key}.{missing} is missing; add it beside {there}, or leave both out for the whole day.")
    if raw.from_utc is None and raw.valid_from is None and raw.valid_until is None:
        raise CatalogueError(f"{key} says no time; add from_utc and until_utc, or valid_from or valid_until.")
    if raw.from_utc is not None and raw.from_utc == raw.until_utc:
        raise CatalogueError(f"{key}.until_utc is the same as from_utc; leave both out for the whole day.")
    if raw.valid_from is not None and raw.valid_until is not None and raw.valid_from >= raw.valid_until:
        raise CatalogueError(
            f"{key}.valid_until is {raw.valid_until}, not after valid_from, {raw.valid_from}; it is the first day "
            "without the price."
        )
    return PriceWindow(
        price,
        0 if raw.from_utc is None else _of_day_ms(raw.from_utc),
        # midnight at the end of a window is that of its own day
        DAY_MS if raw.until_utc is None else _of_day_ms(raw.until_utc) or DAY_MS,
        _midnight_ms(raw.valid_from),
        _midnight_ms(raw.valid_until),
    )


def _of_day_ms(moment: time) -> int:
    return ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 1000 + moment.microsecond // 1000


def _midnight_ms(day: date | None) -> int | None:
    if day is None:
        return None
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def _overlap(one: PriceWindow, other: PriceWindow) -> bool:
    """Say whether both hold at some moment: if they do, then also at one at which one of them begins."""
    from_ms = max(one.valid_from_ms or 0, other.valid_from_ms or 0)
    day_ms = from_ms - from_ms % DAY_MS
    beginnings = (from_ms, *(day_ms + window.from_ms for window in (one, other)))
    return any(one.holds(at_ms) and other.holds(at_ms) for at_ms in beginnings)
