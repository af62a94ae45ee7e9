"""How the limits of tenants are divided between workers by what each needs, by `router.sharing.allotment` for each.

One worker at a time keeps it. It is made again from what was published last and the next words of every worker:
a worker tells the whole of where it stands each time, so nothing has to be stored.

A limit is divided anew at once where a worker may need more than it has, or has not taken over yet what it was given.
Limits that leave everybody room wait for their turn: of these, a few are divided in each round, the longest undivided
first. What has come of it is told where a share has changed, or where the limit is so nearly used up that the exact sum
matters; beside that one record says that all others still hold.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import NamedTuple

from router.models.aggregator import AHEAD_S
from router.models.model_state import STALE_S
from router.sharing.allotment import HEADROOM, Claim, allot, joining_share
from router.sharing.member import GONE_S, Member
from router.sharing.rate_limit import MINUTE_S
from router.tenants import Tenant
from schemas.message import MOST_SMALL_COUNT
from schemas.tenant_shares import ALL_TENANTS, TenantDemand, TenantShare, TenantShares, WorkerDemand

EARLIER = Member("", 0)
"""Stands for all workers that were gone before this allotment was made."""
AT_REST = 500
"""Shares of limits at rest, workers times tenants, that are divided in a round: about 3 ms."""
NEARLY_USED_UP = 0.8
"""From this part of the limit on, each change of what all have let in is told; below it nothing hangs on it."""
SIGN_OF_LIFE_S = 10.0
"""What has not changed is confirmed after this time, seconds: silence would end it, after `STALE_S`."""


@dataclass(slots=True)
class _View:
    """The last word of one life of a worker."""

    sequence: int
    heard_s: float
    heeds_signs: bool


class Granted(NamedTuple):
    """What a worker was given of a tenant's limits; None of a limit that there is not."""

    share_per_minute: int | None = None
    places: int | None = None


NOTHING = Granted()


class _Stand(NamedTuple):
    """Where a worker stands with a tenant's limits, as `schemas.tenant_shares.TenantDemand` in a fifth of its bytes."""

    admitted: int
    share_per_minute: int | None
    limited: bool
    under_way: int
    places: int | None
    waiting: bool


@dataclass(slots=True)
class _Limits:
    """One tenant's limits, and how everybody stands with them."""

    tenant: Tenant
    stands: dict[Member, _Stand] = field(default_factory=dict)
    gone: dict[Member, int] = field(default_factory=dict)
    """Requests of the minute by workers that are gone."""
    granted: dict[Member, Granted] = field(default_factory=dict)
    told_s: float | None = None
    """When all that is granted was told last; None if it is not certain that it was."""
    told_admitted: int = 0

    @property
    def admitted(self) -> int:
        """Requests of the minute, by all."""
        return sum(self.gone.values()) + sum(stand.admitted for stand in self.stands.values())

    def is_content(self, life: Member) -> bool:
        """Say whether the worker has taken over its shares, and needs no more than these."""
        stand, share = self.stands[life], self.granted.get(life)
        if share is None or stand.limited or stand.waiting:
            return False
        tenant = self.tenant
        return _suffices(
            tenant.requests_per_minute, share.share_per_minute, stand.share_per_minute, stand.admitted
        ) and _suffices(tenant.concurrent_requests, share.places, stand.places, stand.under_way)

    def is_news(self, admitted: int) -> bool:
        """Say whether others have to hear of this sum."""
        matters = NEARLY_USED_UP * (self.tenant.requests_per_minute or 0)
        return self.told_admitted != admitted and max(self.told_admitted, admitted) >= matters

    def divide(self) -> bool:
        """Divide the limits anew; say whether that has changed any share."""
        tenant = self.tenant
        lives = sorted(self.stands, key=str)
        stands = [self.stands[life] for life in lives]
        before = [self.granted.get(life, NOTHING) for life in lives]
        rates = _divide(
            tenant.requests_per_minute,
            [
                (share.share_per_minute, stand.share_per_minute, stand.admitted, stand.limited)
                for share, stand in zip(before, stands, strict=True)
            ],
            sum(self.gone.values()),
        )
        places = _divide(
            tenant.concurrent_requests,
            [
                (share.places, stand.places, stand.under_way, stand.waiting)
                for share, stand in zip(before, stands, strict=True)
            ],
        )
        granted = {life: Granted(*both) for life, *both in zip(lives, rates, places, strict=True)}
        has_changed = granted != self.granted
        if has_changed:
            self.granted = granted
        return has_changed

    def tell(self, now_s: float) -> TenantShares:
        """Return all that is granted."""
        self.told_s, self.told_admitted = now_s, self.admitted
        return TenantShares(
            tenant=self.tenant.name,
            as_of=datetime.fromtimestamp(now_s, UTC),
            requests_per_minute=self.tenant.requests_per_minute,
            concurrent_requests=self.tenant.concurrent_requests,
            admitted=self.told_admitted,
            shares=tuple(
                TenantShare.model_construct(  # a thousand of them at a time; the sums were checked as they came
                    worker=life.worker,
                    epoch=life.epoch,
                    share_per_minute=share.share_per_minute,
                    places=share.places,
                    admitted=self.stands[life].admitted,
                )
                for life, share in self.granted.items()
                if life in self.stands
            ),
        )


class TenantAllotment:
    """The shares of all tenants' limits. Not for several threads."""

    def __init__(self, tenants: Mapping[str, Tenant], at_rest: int = AT_REST) -> None:
        """Begin with nothing known; in each round, `at_rest` shares are divided for which nobody has asked."""
        self._divided_at_rest = at_rest
        self._limits = {tenant.name: _Limits(tenant) for tenant in tenants.values() if tenant.is_limited}
        self._views: dict[Member, _View] = {}
        self._lives: defaultdict[str, dict[Member, None]] = defaultdict(dict)
        """Those in view, by worker."""
        self._gone: dict[Member, _View] = {}
        """Whose requests have not left the minute yet."""
        self._restless = dict.fromkeys(self._limits)
        """Tenants whose limits have to be divided in the next round."""
        self._at_rest: dict[str, None] = {}
        """The others, the longest undivided first."""
        self._confirmed_s = float("-inf")

    def granted(self, tenant: str, life: Member) -> Granted:
        """Return what a life of a worker was given last of a tenant's limits."""
        return self._limits[tenant].granted.get(life, NOTHING)

    def restore(self, published: Iterable[TenantShares], now_s: float) -> None:
        """Go on where another process stopped: a worker that had a share then counts as heard of just now."""
        for _ in self.restoring(published, now_s):
            pass

    def restoring(self, published: Iterable[TenantShares], now_s: float) -> Iterator[str]:
        """Do the same step by step: a tenant at a time, which is returned."""
        told = list(published)
        confirmed_s = max((one.as_of.timestamp() for one in told if one.tenant == ALL_TENANTS), default=0.0)
        for last in told:
            limits = self._limits.get(last.tenant)
            if limits is None or now_s - max(last.as_of.timestamp(), confirmed_s) > STALE_S:
                continue  # the workers have stopped using it
            for share in last.shares:
                life = Member(share.worker, share.epoch)
                if life not in self._views:
                    self._see(life, _View(-1, now_s, heeds_signs=False))
                limits.stands[life] = _stand(
                    TenantDemand(admitted=share.admitted, share_per_minute=share.share_per_minute, places=share.places)
                )
                limits.granted[life] = Granted(share.share_per_minute, share.places)
            elsewhere = last.admitted - sum(share.admitted for share in last.shares)
            self._gone.setdefault(EARLIER, _View(-1, now_s, heeds_signs=False))
            limits.gone[EARLIER] = min(max(0, elsewhere), MOST_SMALL_COUNT)
            if (last.requests_per_minute, last.concurrent_requests) == (
                limits.tenant.requests_per_minute,
                limits.tenant.concurrent_requests,
            ):
                limits.told_s, limits.told_admitted = last.as_of.timestamp(), last.admitted
            yield last.tenant

    def ingest(self, demand: WorkerDemand, now_s: float) -> None:
        """Merge a worker's demand, unless it is older than the last."""
        life = Member(demand.worker, demand.epoch)
        known = self._views.get(life) or self._gone.get(life)
        is_history = abs(demand.as_of.timestamp() - now_s) > AHEAD_S or (known and demand.sequence <= known.sequence)
        others = [other for other in self._lives.get(life.worker, ()) if other != life]
        if is_history or any(other.epoch > life.epoch for other in others):
            return
        for earlier in others:
            self._retire(earlier)
        if self._gone.pop(life, None) is not None:
            self._forget(life)
        self._see(life, _View(demand.sequence, now_s, demand.heeds_signs))
        for name, limits in self._limits.items():
            self._stand(name, limits, life, demand.tenants.get(name))
        if demand.leaving:
            self._retire(life)

    def not_told(self, tenant: str) -> None:
        """Note that what was to be told of a tenant did not get out: it is told by the next round."""
        if (limits := self._limits.get(tenant)) is not None:
            limits.told_s = None
            self._disturb(tenant)
        elif tenant == ALL_TENANTS:
            self._confirmed_s = float("-inf")

    def shares(self, now_s: float) -> Iterator[TenantShares | None]:
        """Give the shares that hold from now on and are to be told; None of a tenant of which nothing is.

        Each is divided as it is asked for: between two of them demands may come in.
        """
        for life in [life for life, view in self._views.items() if now_s - view.heard_s > GONE_S]:
            self._retire(life)
        for life in [life for life, view in self._gone.items() if now_s - view.heard_s >= MINUTE_S]:
            del self._gone[life]
            self._forget(life)
        for name in [*self._restless, *self._of_those_at_rest()]:
            yield self._divided(name, now_s)
        yield from self._signs(now_s)

    def _of_those_at_rest(self) -> list[str]:
        found: list[str] = []
        size = 0
        for name in self._at_rest:
            size += max(1, len(self._limits[name].stands))
            if size > self._divided_at_rest and (found or not self._divided_at_rest):
                break
            found.append(name)
        return found

    def _divided(self, name: str, now_s: float) -> TenantShares | None:
        limits = self._limits[name]
        has_changed = limits.divide()
        self._restless.pop(name, None)
        self._at_rest.pop(name, None)
        is_at_rest = all(map(limits.is_content, limits.stands))
        (self._at_rest if is_at_rest else self._restless)[name] = None
        if has_changed or limits.is_news(limits.admitted) or self._must_be_repeated(limits, now_s):
            return limits.tell(now_s)
        return None

    def _signs(self, now_s: float) -> Iterator[TenantShares]:
        """Confirm what has not changed: by one record for all, or by each once more to workers of earlier versions."""
        if now_s - self._confirmed_s < SIGN_OF_LIFE_S or any(one.told_s is None for one in self._limits.values()):
            return
        self._confirmed_s = now_s
        yield TenantShares(tenant=ALL_TENANTS, as_of=datetime.fromtimestamp(now_s, UTC))
        for limits in self._limits.values():
            if self._must_be_repeated(limits, now_s):
                yield limits.tell(now_s)

    def _must_be_repeated(self, limits: _Limits, now_s: float) -> bool:
        if limits.told_s is None or now_s - limits.told_s < SIGN_OF_LIFE_S:
            return limits.told_s is None
        return not all(view.heeds_signs for view in self._views.values())

    def _stand(self, name: str, limits: _Limits, life: Member, stand: TenantDemand | None) -> None:
        """Note where a worker stands; the limits are divided anew if that may matter."""
        if stand is None:
            if limits.stands.pop(life, None) is not None:
                self._disturb(name)
            return
        limits.stands[life] = _stand(stand)
        if name in self._at_rest and not limits.is_content(life):
            self._disturb(name)

    def _disturb(self, name: str) -> None:
        self._at_rest.pop(name, None)
        self._restless[name] = None

    def _see(self, life: Member, view: _View) -> None:
        self._views[life] = view
        self._lives[life.worker][life] = None

    def _retire(self, life: Member) -> None:
        self._gone[life] = self._views.pop(life)
        del self._lives[life.worker][life]
        if not self._lives[life.worker]:
            del self._lives[life.worker]
        for name, limits in self._limits.items():
            limits.granted.pop(life, None)
            stand = limits.stands.pop(life, None)
            if stand is not None:
                limits.gone[life] = stand.admitted
                self._disturb(name)

    def _forget(self, life: Member) -> None:
        for name, limits in self._limits.items():
            if limits.gone.pop(life, 0):
                self._disturb(name)


def _suffices(limit: int | None, granted: int | None, in_force: int | None, used: int) -> bool:
    if limit is None:
        return True
    return granted is not None and granted == in_force and ceil(used * HEADROOM) <= granted


def _stand(demand: TenantDemand) -> _Stand:
    return _Stand(
        demand.admitted, demand.share_per_minute, demand.limited, demand.under_way, demand.places, demand.waiting
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
