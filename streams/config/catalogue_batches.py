"""`batch` of a provider and of a model in the catalogue: what they cost in batches, and how large these may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from router.catalogue import BatchTerms, Price, PriceWindow
from router.dialects.wire import BatchForm, DialectName
from router.errors import CatalogueError
from streams.config.catalogue_prices import RawPrices, checked_price, decimal

HALF = Decimal("0.5")
"""What all of the vendors below take off. Sources: platform.openai.com, "Batch API"; platform.claude.com, "Batch
processing"; ai.google.dev, "Batch API"; learn.microsoft.com, "Azure OpenAI batch deployments"; docs.mistral.ai, "Batch
inference"; console.groq.com, "Batch processing"."""

Discount = Annotated[Decimal, BeforeValidator(decimal), Field(ge=0, lt=1, decimal_places=6)]
_Requests = Annotated[int, Field(ge=1, le=10_000_000)]
_Bytes = Annotated[int, Field(ge=1000, le=100_000_000_000)]
_Enqueued = Annotated[int, Field(ge=1, le=1_000_000_000_000)]


def _table(value: object) -> object:
    """Take true for a table that says nothing, and false for none."""
    if isinstance(value, bool):
        return {} if value else None
    if not isinstance(value, dict | BaseModel):
        raise ValueError("must be true, false or a table, such as { discount = 0.5 }")  # noqa: TRY004 - pydantic's way
    return value


class RawBatch(BaseModel):
    """`[providers.NAME.batch]`."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    form: Annotated[BatchForm, Field(strict=False)] | None = None
    discount: Discount = HALF
    window_h: Annotated[int, Field(ge=1, le=720)] | None = None
    max_requests: _Requests | None = None
    max_bytes: _Bytes | None = None
    max_enqueued_tokens: _Enqueued | None = None


class RawModelBatch(RawPrices):
    """`[models.NAME.batch]`: what differs from its provider's."""

    discount: Discount | None = None
    max_enqueued_tokens: _Enqueued | None = None


OfProvider = Annotated[RawBatch | None, BeforeValidator(_table)]
OfModel = Annotated[RawModelBatch | None, BeforeValidator(_table)]


@dataclass(frozen=True, slots=True)
class _Limits:
    window_h: int
    max_requests: int
    max_bytes: int
    discounts_cached: bool = True
    """Whether the discount is on cached input too."""


_LIMITS: Mapping[BatchForm, _Limits] = MappingProxyType(
    {
        # platform.openai.com, "Batch API": 50,000 requests, 200 MB, 24 h; Groq the same, of up to 7 days
        BatchForm.OPENAI: _Limits(24, 50_000, 200_000_000),
        # learn.microsoft.com, "Azure OpenAI quotas and limits": 100,000 requests, 200 MB; jobs are meant to take 24 h
        BatchForm.AZURE: _Limits(24, 100_000, 200_000_000),
        # docs.mistral.ai, "Batch inference": a million requests, files of 512 MB, 24 h unless asked for otherwise
        BatchForm.MISTRAL: _Limits(24, 1_000_000, 512_000_000),
        # platform.claude.com, "Batch processing": 100,000 requests, 256 MB, 24 h
        BatchForm.ANTHROPIC: _Limits(24, 100_000, 256_000_000),
        # ai.google.dev, "Batch API": files of 2 GB, expires after 48 h; cached tokens are priced as without a batch; of
        # requests no number is told
        BatchForm.GEMINI: _Limits(48, 1_000_000, 2_000_000_000, discounts_cached=False),
    }
)
FORMS: Mapping[DialectName, tuple[BatchForm, ...]] = MappingProxyType(
    {
        DialectName.CHAT: (BatchForm.OPENAI, BatchForm.MISTRAL),
        DialectName.RESPONSES: (BatchForm.OPENAI,),
        DialectName.AZURE: (BatchForm.AZURE,),
        DialectName.ANTHROPIC: (BatchForm.ANTHROPIC,),
        DialectName.GEMINI: (BatchForm.GEMINI,),
    }
)
"""In which forms a provider of a dialect may have batches, its own first. Bedrock reads them from a bucket alone."""


def checked_form(key: str, dialect: DialectName, raw: RawBatch | None) -> BatchForm | None:
    """Return the form in which a provider, of this key, has batches; None without them.

    Raises:
        CatalogueError: its dialect has none, or not in this form; one sentence with key and fix.
    """
    if raw is None:
        return None
    forms = FORMS.get(dialect, ())
    if not forms:
        raise CatalogueError(f'{key}.batch is set, and dialect "{dialect}" has no batches here; remove it.')
    if raw.form is None:
        return forms[0]
    if raw.form not in forms:
        known = " or ".join(f'"{form}"' for form in forms)
        raise CatalogueError(f'{key}.batch.form is "{raw.form}"; with dialect "{dialect}" it is {known}.')
    return raw.form


def checked_terms(  # noqa: PLR0913 - what both tables say, and what they are about
    key: str,
    provider: RawBatch | None,
    form: BatchForm | None,
    own: RawModelBatch | None,
    *,
    price: Price | None,
    windows: Sequence[PriceWindow],
    context_tokens: int,
) -> BatchTerms | None:
    """Return at which prices a model, of this key, answers in batches; None if it does not, or says nothing of them.

    Prices of its own hold at all hours; otherwise all of its prices have the discount.

    Raises:
        CatalogueError: it says more than its provider has, or its prices are impossible; one sentence with key and fix.
    """
    if own is None:
        return None
    if provider is None or form is None:
        raise CatalogueError(f"{key}.batch is set, and its provider has no batch; set it there, or remove it here.")
    if own.is_priced and own.discount is not None:
        raise CatalogueError(f"{key}.batch has prices and a discount; remove one of both.")
    limits = _LIMITS[form]
    terms = BatchTerms(
        form=form,
        price=checked_price(f"{key}.batch", own, context_tokens),
        window_s=3600.0 * (provider.window_h or limits.window_h),
        max_requests=provider.max_requests or limits.max_requests,
        max_bytes=provider.max_bytes or limits.max_bytes,
        max_enqueued_tokens=own.max_enqueued_tokens or provider.max_enqueued_tokens,
    )
    if terms.price is not None or price is None:
        return terms
    factor = 1 - (provider.discount if own.discount is None else own.discount)
    cheaper = tuple(replace(window, price=_discounted(window.price, factor, limits)) for window in windows)
    return replace(terms, price=_discounted(price, factor, limits), price_windows=cheaper)


def _discounted(price: Price, factor: Decimal, limits: _Limits) -> Price:
    cheaper = price.times(factor, Decimal(0))
    if limits.discounts_cached:
        return cheaper
    tiers = tuple(
        replace(tier, cached_input_usd_per_mtok=full.cached_input_usd_per_mtok)
        for tier, full in zip(cheaper.tiers, price.tiers, strict=True)
    )
    return replace(cheaper, cached_input_usd_per_mtok=price.cached_input_usd_per_mtok, tiers=tiers)
