"""What the owner of the tenants' shares tells, and what it need not tell."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from router.models.model_state import STALE_S
from router.sharing.member import Member
from router.tenancy.allotment import SIGN_OF_LIFE_S, TenantAllotment
from router.tenancy.limiter import TenantLimiters
from router.tenants import Tenant
from schemas.tenant_shares import ALL_TENANTS, TenantDemand, TenantShares, WorkerDemand
from tests.stage import NOW_S

TENANTS = {name: Tenant(name, requests_per_minute=100) for name in ("acme", "globex")}
NO_STANDS: Mapping[str, TenantDemand] = MappingProxyType({})


def demand(
    worker: str,
    sequence: int,
    now_s: float,
    stands: Mapping[str, TenantDemand] = NO_STANDS,
    *,
    heeds_signs: bool = True,
) -> WorkerDemand:
    return WorkerDemand(
        worker=worker,
        epoch=1,
        sequence=sequence,
        as_of=datetime.fromtimestamp(now_s, UTC),
        tenants={name: stands.get(name, TenantDemand()) for name in TENANTS},
        heeds_signs=heeds_signs,
    )


def told(allotment: TenantAllotment, now_s: float) -> list[TenantShares]:
    return [one for one in allotment.shares(now_s) if one is not None]


def settled(*, heeds_signs: bool = True) -> TenantAllotment:
    """Return an allotment whose one worker has the whole of both limits, has said so, and was told last."""
    allotment = TenantAllotment(TENANTS, at_rest=0)
    allotment.ingest(demand("a", 1, NOW_S, heeds_signs=heeds_signs), NOW_S)
    assert [one.tenant for one in told(allotment, NOW_S)] == ["acme", "globex", ALL_TENANTS]
    has_all = dict.fromkeys(TENANTS, TenantDemand(share_per_minute=100))
    allotment.ingest(demand("a", 2, NOW_S, has_all, heeds_signs=heeds_signs), NOW_S)
    assert told(allotment, NOW_S + 0.5) == []
    return allotment


def keep_alive(allotment: TenantAllotment, until_s: float, *, heeds_signs: bool = True) -> list[TenantShares]:
    has_all = dict.fromkeys(TENANTS, TenantDemand(share_per_minute=100))
    found, now_s, sequence = list[TenantShares](), NOW_S + 1, 3
    while now_s <= until_s:
        allotment.ingest(demand("a", sequence, now_s, has_all, heeds_signs=heeds_signs), now_s)
        found += told(allotment, now_s)
        now_s, sequence = now_s + 1, sequence + 1
    return found


def test_one_record_for_all_tenants_confirms_what_has_not_changed() -> None:
    signs = keep_alive(settled(), NOW_S + 3 * SIGN_OF_LIFE_S)
    assert [one.tenant for one in signs] == 3 * [ALL_TENANTS]


def test_workers_of_an_earlier_version_are_told_each_share_again() -> None:
    again = keep_alive(settled(heeds_signs=False), NOW_S + SIGN_OF_LIFE_S, heeds_signs=False)
    assert sorted(one.tenant for one in again) == [ALL_TENANTS, "acme", "globex"]


def test_a_worker_that_is_told_so_goes_on_with_its_shares() -> None:
    limiters = TenantLimiters(TENANTS, Member("a", 1))
    allotment = TenantAllotment(TENANTS, at_rest=0)
    allotment.ingest(demand("a", 1, NOW_S), NOW_S)
    for shares in told(allotment, NOW_S):
        limiters.follow(shares)
    later_s = NOW_S + STALE_S + 5
    for sign in keep_alive(allotment, later_s):
        limiters.follow(sign)
    assert limiters.has_shares(later_s)
    assert not limiters.has_shares(later_s + STALE_S)


def test_nothing_is_confirmed_before_all_that_it_confirms_was_told() -> None:
    allotment = settled()
    allotment.not_told("acme")
    later_s = NOW_S + SIGN_OF_LIFE_S
    allotment.ingest(demand("a", 3, later_s), later_s)
    first, *_, last = told(allotment, later_s)
    assert (first.tenant, last.tenant) == ("acme", ALL_TENANTS)


def test_who_needs_more_disturbs_its_own_tenant_alone() -> None:
    allotment = settled()
    allotment.ingest(demand("b", 1, NOW_S + 1), NOW_S + 1)
    assert {one.tenant for one in told(allotment, NOW_S + 1)} == {"acme", "globex"}, "a worker more"
    for second in range(2, 8):
        for worker in ("a", "b"):
            life = Member(worker, 1)
            has = {
                name: TenantDemand(share_per_minute=allotment.granted(name, life).share_per_minute) for name in TENANTS
            }
            allotment.ingest(demand(worker, 10 + second, NOW_S + second, has), NOW_S + second)
        told(allotment, NOW_S + second)
    stands = {
        "acme": TenantDemand(admitted=50, share_per_minute=50, limited=True),
        "globex": TenantDemand(share_per_minute=50),
    }
    allotment.ingest(demand("a", 20, NOW_S + 8, stands), NOW_S + 8)
    assert {one.tenant for one in told(allotment, NOW_S + 8)} == {"acme"}


def test_an_heir_goes_on_with_what_one_record_has_confirmed() -> None:
    allotment = TenantAllotment(TENANTS, at_rest=0)
    allotment.ingest(demand("a", 1, NOW_S), NOW_S)
    shares = [one for one in told(allotment, NOW_S) if one.tenant != ALL_TENANTS]
    later_s = NOW_S + 2 * STALE_S
    sign = TenantShares(tenant=ALL_TENANTS, as_of=datetime.fromtimestamp(later_s - 1, UTC))
    heir, late = TenantAllotment(TENANTS), TenantAllotment(TENANTS)
    heir.restore([*shares, sign], later_s)
    late.restore(shares, later_s)
    assert heir.granted("acme", Member("a", 1)).share_per_minute == 100
    assert late.granted("acme", Member("a", 1)).share_per_minute is None
