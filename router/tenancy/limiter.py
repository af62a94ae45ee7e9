"""One worker's tenant limiters: how many requests of each tenant it may let in, a minute and at a time.

A tenant's limits are those of all workers together. Each worker keeps to its share of them
(`router.sharing.allotment`), tells where it stands, and follows what is handed out (`router.tenancy.allotment`). A
worker on its own has the whole of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from router.models.model_state import LIMITED_S, STALE_S
from router.sharing.allotment import share_in_force
from router.sharing.member import HEARTBEAT_S, UNTOLD, Member
from router.sharing.rate_limit import RateLimit
from router.tenants import Tenant
from schemas.tenant_shares import ALL_TENANTS, TenantDemand, TenantShare, TenantShares, WorkerDemand

DEMAND_TOLD_EVERY_S = 1.0
"""How often what is not urgent is reported, in seconds."""
FLOOR = 1
"""What a worker lets in that has no share, so that no request is refused because of where it was read."""


@dataclass(frozen=True, slots=True)
class Full:
    """No more requests a minute, here and now."""

    until_s: float
    """From then on there is room, if the share stays as it is."""
    may_grow: bool
    """All workers together have let in fewer than the limit: the share will grow."""


class TenantLimiter:
    """One tenant's limits in one worker."""

    def __init__(self, tenant: Tenant, member: Member | None) -> None:
        self._tenant = tenant
        self._member = member
        self._rate = None if tenant.requests_per_minute is None else RateLimit(tenant.requests_per_minute)
        self._under_way = 0
        self._most_under_way = 0
        self._no_room_s = self._no_place_s = -LIMITED_S
        self._since_s: float | None = None
        self._shares: TenantShares | None = None
        self._confirmed_s = 0.0
        self._own: TenantShare | None = None
        self._told: TenantDemand | None = None
        self._untold = 0

    def full(self, now_s: float) -> Full | None:
        """Say whether the requests of this minute are used up; None if there is room."""
        rate, whole = self._rate, self._tenant.requests_per_minute
        if rate is None or whole is None:
            return None
        rate.per_minute = max(FLOOR, self._share_per_minute(now_s) or 0)
        if not rate.is_full(now_s):
            return None
        self._no_room_s = now_s
        return Full(rate.ready_at(now_s), self._elsewhere(now_s) + rate.made(now_s) < whole)

    def has_place(self, now_s: float) -> bool:
        """Say whether one more may be under way."""
        places = self._places(now_s)
        if places is None or self._under_way < max(FLOOR, places):
            return True
        self._no_place_s = now_s
        return False

    def enter(self, now_s: float, *, counted: bool = True) -> None:
        """Count a request that is let in; one that is `counted` is one of the minute's."""
        self._under_way += 1
        self._most_under_way = max(self._most_under_way, self._under_way)
        if self._rate is not None and counted:
            self._rate.called(now_s)
            self._untold += 1

    def leave(self) -> None:
        """Count its end."""
        self._under_way -= 1

    def follow(self, shares: TenantShares) -> None:
        """Use these shares from now on."""
        self._shares = shares
        self._confirmed_s = shares.as_of.timestamp()
        mine = (one for one in shares.shares if self._member == Member(one.worker, one.epoch))
        self._own = next(mine, None)

    def confirm(self, as_of_s: float) -> None:
        """Go on with the shares that it has: at that moment they still held."""
        self._confirmed_s = max(self._confirmed_s, as_of_s)

    def has_share(self, now_s: float) -> bool:
        """Say whether this worker knows its share."""
        return self._member is None or self._granted(now_s) is not None

    def is_urgent(self, now_s: float) -> bool:
        """Say whether others need to know at once: a share taken over, no room, or many requests untold."""
        told, whole = self._told, self._tenant.requests_per_minute
        return (
            told is None
            or (told.share_per_minute, told.places) != (self._share_per_minute(now_s), self._places(now_s))
            or (self._is_limited(now_s) and not told.limited)
            or (self._is_waiting(now_s) and not told.waiting)
            or (whole is not None and self._untold > whole * UNTOLD)
        )

    def has_news(self, now_s: float) -> bool:
        """Say whether anything has changed since it was told."""
        return self._told != self._demand(now_s)

    def report(self, now_s: float) -> TenantDemand:
        """Return where this worker stands."""
        self._told = self._demand(now_s)
        self._most_under_way, self._untold = self._under_way, 0
        return self._told

    def _demand(self, now_s: float) -> TenantDemand:
        return TenantDemand(
            admitted=0 if self._rate is None else self._rate.made(now_s),
            share_per_minute=self._share_per_minute(now_s),
            limited=self._is_limited(now_s),
            under_way=self._most_under_way,
            places=self._places(now_s),
            waiting=self._is_waiting(now_s),
        )

    def _is_limited(self, now_s: float) -> bool:
        return now_s - self._no_room_s < LIMITED_S

    def _is_waiting(self, now_s: float) -> bool:
        return now_s - self._no_place_s < LIMITED_S

    def _share_per_minute(self, now_s: float) -> int | None:
        own = self._granted(now_s)
        return self._in_force(self._tenant.requests_per_minute, None if own is None else own.share_per_minute, now_s)

    def _places(self, now_s: float) -> int | None:
        own = self._granted(now_s)
        return self._in_force(self._tenant.concurrent_requests, None if own is None else own.places, now_s)

    def _granted(self, now_s: float) -> TenantShare | None:
        return self._own if self._shares is not None and self._is_fresh(now_s) else None

    def _in_force(self, whole: int | None, granted: int | None, now_s: float) -> int | None:
        if whole is None or self._member is None:
            return whole
        if self._since_s is None:
            self._since_s = now_s
        shares = self._shares
        workers = 1 if shares is None else len(shares.shares) + (self._own is None)
        # one that has been silent for long is given nothing until it has spoken again
        is_left_out = shares is not None and self._is_fresh(now_s)
        joining = is_left_out or now_s - self._since_s <= STALE_S
        return share_in_force(whole, granted, joining=joining, workers=workers)

    def _elsewhere(self, now_s: float) -> int:
        """Return what the others have let in during the minute; the whole of the limit if it is not worth hoping."""
        shares = self._shares
        if shares is None:
            return 0
        if not self._is_fresh(now_s):
            return self._tenant.requests_per_minute or 0
        return shares.admitted - (0 if self._own is None else self._own.admitted)

    def _is_fresh(self, now_s: float) -> bool:
        return now_s - self._confirmed_s <= STALE_S


class TenantLimiters:
    """The limiters of all tenants that have such limits. Not for several threads."""

    def __init__(self, tenants: Mapping[str, Tenant], member: Member | None = None) -> None:
        self._member = member
        self._limiters = {name: TenantLimiter(tenant, member) for name, tenant in tenants.items() if tenant.is_limited}
        self._sequence = 0
        self._told_s = float("-inf")

    def __bool__(self) -> bool:
        """Say whether any tenant is limited."""
        return bool(self._limiters)

    def of(self, tenant: Tenant) -> TenantLimiter | None:
        """Return the tenant's limiter, if it is limited."""
        return self._limiters.get(tenant.name)

    def follow(self, shares: TenantShares) -> None:
        """Use these shares of a tenant's limits from now on; a tenant that is not in the catalogue is passed over."""
        if shares.tenant == ALL_TENANTS:
            for every in self._limiters.values():
                every.confirm(shares.as_of.timestamp())
        elif (limiter := self._limiters.get(shares.tenant)) is not None:
            limiter.follow(shares)

    def has_shares(self, now_s: float) -> bool:
        """Say whether this worker knows its share of every limit."""
        return all(limiter.has_share(now_s) for limiter in self._limiters.values())

    def take_report(self, now_s: float) -> WorkerDemand | None:
        """Return what is due to be told to the other workers; a worker on its own tells nothing."""
        since_s, limiters = now_s - self._told_s, self._limiters.values()
        is_due = since_s >= HEARTBEAT_S or any(limiter.is_urgent(now_s) for limiter in limiters)
        if is_due or (since_s >= DEMAND_TOLD_EVERY_S and any(limiter.has_news(now_s) for limiter in limiters)):
            return self._report(now_s, leaving=False)
        return None

    def leave(self, now_s: float) -> WorkerDemand | None:
        """Return the last words of this worker."""
        return self._report(now_s, leaving=True)

    def _report(self, now_s: float, *, leaving: bool) -> WorkerDemand | None:
        if self._member is None or not self._limiters:
            return None
        self._told_s = now_s
        self._sequence += 1
        return WorkerDemand(
            worker=self._member.worker,
            epoch=self._member.epoch,
            sequence=self._sequence,
            as_of=datetime.fromtimestamp(now_s, UTC),
            tenants={name: limiter.report(now_s) for name, limiter in self._limiters.items()},
            leaving=leaving,
            heeds_signs=True,
        )
