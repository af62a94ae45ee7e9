"""How the limits of tenants are divided between workers by what each needs, by `router.sharing.allotment` for each.

One worker at a time keeps it. It is made again from what was published last and the next words of every worker:
a worker tells the whole of where it stands each time, so nothing has to be stored.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from router.models.aggregator import AHEAD_S, GONE_S
from router.models.model_state import STALE_S
from router.sharing.allotment import Claim, allot, joining_share
from router.sharing.member import Member
from router.sharing.rate_limit import MINUTE_S
from router.tenants import Tenant
from schemas.message import MOST_SMALL_COUNT
from schemas.tenant_shares import TenantDemand, TenantShare, TenantShares, WorkerDemand

EARLIER = Member("", 0)
"""Stands for all workers that were gone before this allotment was made."""


@dataclass(slots=True)
class _View:
    """The last word of one life of a worker, by tenant."""

    tenants: Mapping[str, TenantDemand]
    sequence: int
    heard_s: float


class TenantAllotment:
    """The shares of all tenants' limits. Not for several threads."""

    def __init__(self, tenants: Mapping[str, Tenant]) -> None:
        self._tenants = tuple(tenant for tenant in tenants.values() if tenant.is_limited)
        self._views: dict[Member, _View] = {}
        self._gone: dict[Member, _View] = {}
        """Whose requests have not left the minute yet."""
        self._granted: dict[str, dict[Member, TenantShare]] = {tenant.name: {} for tenant in self._tenants}

    def restore(self, published: Iterable[TenantShares], now_s: float) -> None:
        """Go on where another process stopped: a worker that had a share then counts as heard of just now."""
        stood: dict[Member, dict[str, TenantDemand]] = {}
        for last in published:
            if now_s - last.as_of.timestamp() > STALE_S or last.tenant not in self._granted:
                continue  # the workers have stopped using it
            for share in last.shares:
                life = Member(share.worker, share.epoch)
                stood.setdefault(life, {})[last.tenant] = TenantDemand(
                    admitted=share.admitted, share_per_minute=share.share_per_minute, places=share.places
                )
                self._granted[last.tenant][life] = share
            elsewhere = last.admitted - sum(share.admitted for share in last.shares)
            stood.setdefault(EARLIER, {})[last.tenant] = TenantDemand(admitted=min(max(0, elsewhere), MOST_SMALL_COUNT))
        views = {life: _View(tenants, -1, now_s) for life, tenants in stood.items()}
        self._gone.update((life, view) for life, view in views.items() if life == EARLIER)
        self._views.update((life, view) for life, view in views.items() if life != EARLIER)

    def ingest(self, demand: WorkerDemand, now_s: float) -> None:
        """Merge a worker's demand, unless it is older than the last."""
        life = Member(demand.worker, demand.epoch)
        known = self._views.get(life) or self._gone.get(life)
        is_history = abs(demand.as_of.timestamp() - now_s) > AHEAD_S or (known and demand.sequence <= known.sequence)
        others = [other for other in self._views if other.worker == life.worker and other != life]
        if is_history or any(other.epoch > life.epoch for other in others):
            return
        for earlier in others:
            self._retire(earlier)
        self._gone.pop(life, None)
        self._views[life] = _View(demand.tenants, demand.sequence, now_s)
        if demand.leaving:
            self._retire(life)

    def shares(self, now_s: float) -> list[TenantShares]:
        """Return the shares that hold from now on, of every tenant."""
        for life in [life for life, view in self._views.items() if now_s - view.heard_s > GONE_S]:
            self._retire(life)
        for life in [life for life, view in self._gone.items() if now_s - view.heard_s >= MINUTE_S]:
            del self._gone[life]
        return [self._share_out(tenant, now_s) for tenant in self._tenants]

    def _retire(self, life: Member) -> None:
        self._gone[life] = self._views.pop(life)
        for granted in self._granted.values():
            granted.pop(life, None)

    def _share_out(self, tenant: Tenant, now_s: float) -> TenantShares:
        name, nothing = tenant.name, TenantShare(worker="", epoch=0)
        stands = {life: view.tenants[name] for life, view in self._views.items() if name in view.tenants}
        gone = sum(view.tenants[name].admitted for view in self._gone.values() if name in view.tenants)
        granted, lives = self._granted[name], sorted(stands, key=str)
        before = [granted.get(life, nothing) for life in lives]
        rates = _divide(
            tenant.requests_per_minute,
            [
                (share.share_per_minute, stands[life].share_per_minute, stands[life].admitted, stands[life].limited)
                for life, share in zip(lives, before, strict=True)
            ],
            gone,
        )
        places = _divide(
            tenant.concurrent_requests,
            [
                (share.places, stands[life].places, stands[life].under_way, stands[life].waiting)
                for life, share in zip(lives, before, strict=True)
            ],
        )
        self._granted[name] = {
            life: TenantShare(
                worker=life.worker,
                epoch=life.epoch,
                share_per_minute=rate,
                places=place,
                admitted=stands[life].admitted,
            )
            for life, rate, place in zip(lives, rates, places, strict=True)
        }
        return TenantShares(
            tenant=name,
            as_of=datetime.fromtimestamp(now_s, UTC),
            requests_per_minute=tenant.requests_per_minute,
            concurrent_requests=tenant.concurrent_requests,
            admitted=gone + sum(stand.admitted for stand in stands.values()),
            shares=tuple(self._granted[name].values()),
        )


def _divide(
    limit: int | None, stands: Sequence[tuple[int | None, int | None, int, bool]], gone: int = 0
) -> Sequence[int | None]:
    """Divide a limit by how each stands: its share before, the one in force, what it has used, and if it needs more."""
    if limit is None:
        return [None] * len(stands)
    claims = [
        Claim(str(place), granted, joining_share(limit) if in_force is None else in_force, made, held_back)
        for place, (granted, in_force, made, held_back) in enumerate(stands)
    ]
    shares = allot(limit, claims, gone)
    return [shares[claim.worker] for claim in claims]
