"""Tenants: who may ask, for what, how much, and by which keys they prove who they are. `[tenants]` of the catalogue.

Of a key only the SHA-256 digest is known. A key is 256 bits of chance, so its plain digest can be published: there is
nothing to guess.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from schemas.vocabulary import Lane, Tier


class TenantMode(StrEnum):
    """What becomes of a request beyond a tenant's limits."""

    ENFORCE = "enforce"
    SHADOW = "shadow"
    """It is counted and served all the same. Keys are checked in this mode too."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key by its digest, 64 hexadecimal digits of SHA-256. Seconds are since 1970."""

    digest: str
    expires_s: float | None = None
    revoked: bool = False

    def holds(self, now_s: float) -> bool:
        """Say whether it proves anything at this moment."""
        return not self.revoked and (self.expires_s is None or now_s < self.expires_s)


@dataclass(frozen=True, slots=True)
class Tenant:
    """The party that pays, and the limits that hold for it. None, and empty sets: no limit."""

    name: str
    keys: tuple[Key, ...] = ()
    tiers: frozenset[Tier] = frozenset()
    models: frozenset[str] = frozenset()
    requests_per_minute: int | None = None
    """Of all workers together, as is the next one."""
    concurrent_requests: int | None = None
    daily_budget_usd: Decimal | None = None
    monthly_budget_usd: Decimal | None = None
    alert_at: tuple[Decimal, ...] = (Decimal("0.8"),)
    """The shares of a budget at which it is warned of, rising."""
    default_max_cost_usd: Decimal | None = None
    quality_slack: float | None = None
    """Of its requests that name none; None: the catalogue's."""
    cache_ttl_s: int | None = None
    """Of its requests that say nothing of the cache; None: they do not use it."""
    lane: Lane | None = None
    batch_if_deadline_s: float | None = None
    """Of its requests that name no lane; None: the catalogue's."""
    shadow_calls: bool = True
    """Whether its requests may be asked of other models too, after their answer, among those that it may use."""
    tags: Mapping[str, str | int | bool] = field(default_factory=lambda: MappingProxyType({}))
    mode: TenantMode = TenantMode.ENFORCE

    @property
    def enforced(self) -> bool:
        """Whether its limits block."""
        return self.mode is TenantMode.ENFORCE

    @property
    def is_limited(self) -> bool:
        """Whether its requests are, by the minute or at a time."""
        return self.requests_per_minute is not None or self.concurrent_requests is not None

    @property
    def has_budget(self) -> bool:
        """Whether its money is limited."""
        return self.daily_budget_usd is not None or self.monthly_budget_usd is not None

    def may_use(self, model: str) -> bool:
        """Say whether the model is among the allowed ones."""
        return not self.enforced or not self.models or model in self.models

    def tier_for(self, tier: Tier) -> Tier:
        """Return the allowed tier that stands in for `tier`: itself, else the next one below, else the next above."""
        if not self.enforced or not self.tiers or tier in self.tiers:
            return tier
        order = list(Tier)
        place = order.index(tier)
        below, above = order[:place], order[place + 1 :]
        return next(other for other in (*reversed(below), *above) if other in self.tiers)
