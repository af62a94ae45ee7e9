"""Who is let in: a request's key names its tenant, and the tenant's limits say whether it may be served now.

    identify ──> Identified ──> admit ──┬─> Admit ... release
        └──────> Refuse                 ├─> Hold (ask again later) ──> admit
                                        └─> Refuse

Without a key in the catalogue everybody is let in, and the tenant is who the request says. Limits of tenants that the
catalogue names hold even then, on trust.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from router.sharing.member import Member
from router.tenancy.limiter import TenantLimiter, TenantLimiters
from router.tenants import Tenant
from schemas.requests import Request
from schemas.vocabulary import ErrorCode

FREE_PLACE_LOOK_S = 0.1
"""How often a request looks again for a free place among its tenant's."""
SHARE_POLL_S = 0.5
SHARE_WAIT_S = 3.0
"""The longest wait for the worker's share of the minute to grow, while others leave room, in seconds."""
HEADER = "`authorization: Bearer KEY`"


class Presented(Enum):
    """What stands in the place of a key."""

    NOTHING = auto()
    MALFORMED = auto()
    FORGED = auto()
    """The signature of a replayed dead letter that does not hold, or no longer."""


_WHAT_IS_WRONG = {
    Presented.NOTHING: f"has no key; send it once, as the Kafka header {HEADER}",
    Presented.MALFORMED: f"has a malformed key; send it once, as the Kafka header {HEADER}",
    Presented.FORGED: "is a replay whose signature does not hold, or is too old; replay with the workers' own "
    "TURNOUT_REPLAY_KEY",
}


@dataclass(frozen=True, slots=True)
class Vouched:
    """In the place of a key: the signature of a replayed dead letter, which proves its tenant."""

    tenant: str


@dataclass(frozen=True, slots=True)
class Identified:
    """The request as its tenant asks for it; the tenant is None if the catalogue does not name it."""

    request: Request
    tenant: Tenant | None


@dataclass(frozen=True, slots=True)
class Admit:
    """It may be served; tell its end by `release`."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """It is not served, and no call is made."""

    code: ErrorCode
    message: str
    field: str | None = None
    retry_after_s: float | None = None
    """From now; None if that is not known, or if it would not help."""


@dataclass(frozen=True, slots=True)
class Defer:
    """It has to wait; ask again at `until_s`."""

    until_s: float


class Admission:
    """The tenants of one worker; with a `member`, of one among several that share the limits."""

    def __init__(self, tenants: Mapping[str, Tenant], member: Member | None = None) -> None:
        self.tenants = tenants
        self.limiters = TenantLimiters(tenants, member)
        self.beyond_limits: Counter[tuple[str, ErrorCode]] = Counter()
        """By tenant and code: requests refused, and in shadow mode those that would have been."""
        self._keys = {key.digest: (tenant, key) for tenant in tenants.values() for key in tenant.keys}
        """By digest: what of it is compared, and how long that takes, says nothing of a key that has this digest."""

    @property
    def is_open(self) -> bool:
        """Whether requests need no key."""
        return not self._keys

    def identify(self, request: Request, presented: str | Vouched | Presented, now_s: float) -> Identified | Refuse:
        """Find the request's tenant by what was presented, and put the tenant's defaults into the request."""
        if self.is_open:
            tenant = self.tenants.get(request.tenant)
            return Identified(request, None) if tenant is None else Identified(_completed(request, tenant), tenant)
        found = self.tenant_of(presented, now_s)
        if isinstance(found, Refuse):
            return found
        if "tenant" in request.model_fields_set and request.tenant != found.name:
            return Refuse(
                ErrorCode.TENANT_MISMATCH, "the key is another tenant's; correct `tenant` or leave it out", "tenant"
            )
        return Identified(_completed(request, found), found)

    def entered(self, request: Request, tenant_name: str) -> Identified:
        """Return a request that was let in before, as its tenant asks for it now."""
        tenant = self.tenants.get(tenant_name)
        return Identified(request, None) if tenant is None else Identified(_completed(request, tenant), tenant)

    def tenant_of(self, presented: str | Vouched | Presented, now_s: float, what: str = "request") -> Tenant | Refuse:
        """Find the tenant by the digest of a key, or by the signature of a replayed dead letter."""
        if isinstance(presented, Presented):
            return Refuse(ErrorCode.UNAUTHENTICATED, f"the {what} {_WHAT_IS_WRONG[presented]}")
        if isinstance(presented, Vouched):
            tenant = self.tenants.get(presented.tenant)
            if tenant is None or not any(key.holds(now_s) for key in tenant.keys):
                return Refuse(ErrorCode.UNAUTHENTICATED, "the tenant of the replay has no key any more that holds")
            return tenant
        found = self._keys.get(presented)
        if found is None:
            return Refuse(ErrorCode.UNAUTHENTICATED, f"the key is not known; send a key of yours in {HEADER}")
        tenant, key = found
        if not key.holds(now_s):
            ended = "been revoked" if key.revoked else "expired"
            return Refuse(ErrorCode.UNAUTHENTICATED, f"the key has {ended}; use another one")
        return tenant

    def admit(
        self, identified: Identified, now_s: float, deadline_s: float, since_s: float | None = None
    ) -> Admit | Refuse | Defer:
        """Decide whether the request may be served now. `Admit` takes a place among the tenant's, until `release`.

        Args:
            identified: the request.
            now_s: the moment.
            deadline_s: its deadline.
            since_s: when this was asked for the first time; None if that is now.
        """
        request, tenant = identified.request, identified.tenant
        if tenant is None:
            return Admit()
        limiter = self.limiters.of(tenant)
        obstacle: Refuse | Defer | None = _forbidden(request, tenant)
        within_rate = True
        if limiter is not None and obstacle is None:
            waits_until_s = min(deadline_s, (now_s if since_s is None else since_s) + SHARE_WAIT_S)
            obstacle = _too_many_a_minute(tenant, limiter, now_s, waits_until_s)
            within_rate = not isinstance(obstacle, Refuse)
            if obstacle is None or (within_rate and not tenant.enforced):
                obstacle = _too_many_at_a_time(tenant, limiter, now_s, deadline_s if tenant.enforced else now_s)
        if isinstance(obstacle, Defer):
            return obstacle
        if obstacle is not None:
            self.beyond_limits[tenant.name, obstacle.code] += 1
            if tenant.enforced:
                return obstacle
        if limiter is not None:
            limiter.enter(now_s, counted=within_rate)
        return Admit()

    def release(self, tenant: Tenant | None) -> None:
        """Note that an admitted request has ended."""
        if tenant is not None and (limiter := self.limiters.of(tenant)) is not None:
            limiter.leave()


def _too_many_a_minute(
    tenant: Tenant, limiter: TenantLimiter, now_s: float, waits_until_s: float
) -> Refuse | Defer | None:
    full = limiter.full(now_s)
    if full is None:
        return None
    if full.may_grow and now_s < waits_until_s:
        return Defer(min(now_s + SHARE_POLL_S, waits_until_s))
    return Refuse(
        ErrorCode.RATE_EXCEEDED,
        f"the tenant's {tenant.requests_per_minute} requests a minute are used up; try again in "
        f"{full.until_s - now_s:.1f} s under another request id",
        retry_after_s=full.until_s - now_s,
    )


def _too_many_at_a_time(
    tenant: Tenant, limiter: TenantLimiter, now_s: float, deadline_s: float
) -> Refuse | Defer | None:
    if limiter.has_place(now_s):
        return None
    if now_s < deadline_s:
        return Defer(min(now_s + FREE_PLACE_LOOK_S, deadline_s))
    return Refuse(
        ErrorCode.CONCURRENCY_EXCEEDED,
        f"{tenant.concurrent_requests} requests of the tenant were under way until the deadline; send fewer at "
        "a time, or with a later deadline",
    )


def _forbidden(request: Request, tenant: Tenant) -> Refuse | None:
    if request.tier is not None and tenant.tiers and request.tier not in tenant.tiers:
        allowed = ", ".join(tier for tier in type(request.tier) if tier in tenant.tiers)
        return Refuse(
            ErrorCode.NOT_ALLOWED, f"tier {request.tier} is not the tenant's to use; allowed: {allowed}", "tier"
        )
    if request.model is not None and tenant.models and request.model not in tenant.models:
        allowed = ", ".join(sorted(tenant.models))
        return Refuse(
            ErrorCode.NOT_ALLOWED, f"model {request.model!r} is not the tenant's to use; allowed: {allowed}", "model"
        )
    return None


def _completed(request: Request, tenant: Tenant) -> Request:
    changes: dict[str, object] = {}
    if request.tenant != tenant.name:
        changes["tenant"] = tenant.name
    if tenant.tags:
        changes["metadata"] = {**request.metadata, **tenant.tags}
    if request.max_cost_usd is None and tenant.default_max_cost_usd is not None:
        changes["max_cost_usd"] = tenant.default_max_cost_usd
    if request.quality_slack is None and tenant.quality_slack is not None and request.input is None:
        changes["quality_slack"] = tenant.quality_slack
    return request.model_copy(update=changes) if changes else request
