"""What was not paid again: answers from the cache, and input that providers had in their own caches."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast

from schemas.message import NANO_USD
from warehouse.store import Store


@dataclass(frozen=True, slots=True)
class TenantHits:
    """A tenant's answers from the cache in a period."""

    tenant: str
    cached: int
    saved_usd: Decimal


@dataclass(frozen=True, slots=True)
class CachedAnswers:
    """Of the requests that ended in a period."""

    completed: int
    cached: int
    """Of the completed ones: answered with what had been answered before."""
    saved_usd: Decimal
    tenants: tuple[TenantHits, ...] = ()
    """Those with such answers, who saved most first."""

    def __str__(self) -> str:
        share = self.cached / self.completed if self.completed else 0
        return (
            f"{self.cached:,} of {self.completed:,} answers came from the cache ({share:.1%}), "
            f"which saved {self.saved_usd:.6f} USD."
        )


@dataclass(frozen=True, slots=True)
class PromptCaches:
    """Of the calls of a period whose usage is known."""

    input_tokens: int
    cached_tokens: int
    """Of the input: read from a provider's cache."""
    written_tokens: int
    """Of the input: written into one."""
    saved_usd: Decimal
    """Against the same input without a cache; negative where writing has cost more than reading has saved."""

    def __str__(self) -> str:
        share = self.cached_tokens / self.input_tokens if self.input_tokens else 0
        saved = f"saved {self.saved_usd:.6f}" if self.saved_usd >= 0 else f"cost {-self.saved_usd:.6f} more"
        return (
            f"{share:.1%} of the input was read from the providers' own caches, {self.written_tokens:,} tokens were "
            f"written into them: that {saved} USD."
        )


def cached_answers(store: Store, since: date, until: date) -> CachedAnswers:
    """Return what the cache has answered of the requests that ended in the period, UTC days.

    Raises:
        WarehouseError: the database refuses.
    """
    ((completed, cached, saved),) = store.query(
        """
        SELECT count(*), coalesce(sum(CASE WHEN cached THEN 1 ELSE 0 END), 0), coalesce(sum(saved_usd), 0)
        FROM responses WHERE status = 'completed' AND completed_on >= ? AND completed_on <= ?
        """,
        since,
        until,
    )
    rows = store.query(
        """
        SELECT tenant, sum(answers), coalesce(sum(saved_usd), 0) FROM cached_answers WHERE day >= ? AND day <= ?
        GROUP BY tenant ORDER BY 3 DESC, 1
        """,
        since,
        until,
    )
    tenants = (TenantHits(str(name), int(cast("int", hits)), Decimal(cast("Decimal", usd))) for name, hits, usd in rows)
    whole = int(cast("int", completed)), int(cast("int", cached)), Decimal(cast("Decimal", saved))
    return CachedAnswers(*whole, tuple(tenants))


def prompt_caches(store: Store, since: date, until: date) -> PromptCaches:
    """Return what the providers' caches were worth for the calls of the period, UTC days.

    Raises:
        WarehouseError: the database refuses.
    """
    ((given, cached, written, saved),) = store.query(
        """
        SELECT
            coalesce(sum(input_tokens), 0), coalesce(sum(cached_input_tokens), 0),
            coalesce(sum(cache_write_tokens), 0), coalesce(sum(saved_usd), 0)
        FROM prompt_caches WHERE day >= ? AND day <= ?
        """,
        since,
        until,
    )
    read, wrote = int(cast("int", cached)), int(cast("int", written))
    return PromptCaches(int(cast("int", given)), read, wrote, Decimal(cast("Decimal", saved)).quantize(NANO_USD))
