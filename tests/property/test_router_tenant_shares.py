"""A tenant's limits hold over all workers, however they come, go and ask."""

from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.sharing.allotment import joining_share
from router.tenancy.allotment import AT_REST
from router.tenants import Tenant, TenantMode
from schemas.vocabulary import ErrorCode
from tests.examples import examples
from tests.stage import NOW_S
from tests.tenant_cluster import TICK_S, TenantCluster

LIMIT = 120
PLACES = 12
BY_MINUTE = Tenant("acme", requests_per_minute=LIMIT)
AT_A_TIME = Tenant("acme", concurrent_requests=PLACES)
AS_MANY_AS_THERE_ARE = st.sampled_from([AT_REST, 0])
"""With a few limits each is divided in every round; with very many, only those of which somebody needs more."""
EITHER = pytest.mark.parametrize("at_rest", [AT_REST, 0])


def cluster_of(
    tenant: Tenant, *workers: str, lag_s: float = 0.05, takes_s: float = 0.2, at_rest: int = AT_REST
) -> TenantCluster:
    cluster = TenantCluster(tenant, NOW_S, lag_s=lag_s, takes_s=takes_s, at_rest=at_rest)
    for worker in workers:
        cluster.join(worker)
    cluster.play(5)
    return cluster


STEPS = st.lists(
    st.tuples(
        st.floats(0.1, 25),
        st.sampled_from(["join", "leave", "kill", "owner", "burst", "burst", "stream", "stream", "return"]),
        st.integers(0, 5),
        st.integers(1, 200),
    ),
    min_size=3,
    max_size=14,
)


@settings(max_examples=examples(60), deadline=None)
@given(steps=STEPS, lag_s=st.sampled_from([0.01, 0.3, 1.5]), at_rest=AS_MANY_AS_THERE_ARE)
def test_the_requests_a_minute_hold_over_any_minute_however_workers_come_go_and_burst(
    steps: list[tuple[float, str, int, int]], lag_s: float, at_rest: int
) -> None:
    cluster = cluster_of(BY_MINUTE, "w", lag_s=lag_s, at_rest=at_rest)
    names = (f"w{number}" for number in range(1000))
    joined = untold = 0
    for for_s, what, which, many in steps:
        present = sorted(cluster.workers)
        worker = present[which % len(present)] if present else None
        if what == "join" and len(present) < 4:
            cluster.join(next(names))
            joined += 1
        elif worker is None:
            pass
        elif what == "leave":
            cluster.leave(worker)
        elif what in ("kill", "return"):
            # what it had not told by then, or the owner had not told, nobody can know
            since_s = cluster.now_s - 2.5 * TICK_S - lag_s
            untold += sum(at_s > since_s and by == worker for at_s, by in cluster.admitted)
            cluster.kill(worker)
            if what == "return":
                cluster.join(worker)
                joined += 1
        elif what == "owner":
            cluster.change_owner()
        else:
            cluster.ask(worker, many, 0 if what == "burst" else for_s)
        cluster.play(for_s)
    cluster.play(70)
    floors = len({by for _, by in cluster.admitted})
    assert cluster.most_in_a_minute() <= LIMIT + joining_share(LIMIT) * joined + untold + floors


@settings(max_examples=examples(40), deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.floats(0.1, 8), st.sampled_from(["join", "kill", "burst", "stream"]), st.integers(0, 5)),
        min_size=3,
        max_size=12,
    ),
    takes_s=st.sampled_from([0.3, 4.0]),
    at_rest=AS_MANY_AS_THERE_ARE,
)
def test_the_requests_at_a_time_hold_however_workers_come_go_and_burst(
    steps: list[tuple[float, str, int]], takes_s: float, at_rest: int
) -> None:
    cluster = cluster_of(AT_A_TIME, "w", takes_s=takes_s, at_rest=at_rest)
    names = (f"w{number}" for number in range(1000))
    for for_s, what, which in steps:
        present = sorted(cluster.workers)
        if what == "join" and len(present) < 4:
            cluster.join(next(names))
        elif what == "kill" and len(present) > 1:
            cluster.kill(present[which % len(present)])
        elif what in ("burst", "stream"):
            cluster.ask(present[which % len(present)], 30, 0 if what == "burst" else for_s)
        cluster.play(for_s)
    cluster.play(70)
    lives = len({by for _, by in cluster.admitted})
    assert cluster.most_under_way <= PLACES + lives


@EITHER
def test_workers_that_know_each_other_share_the_limit_by_demand_and_use_it_whole(at_rest: int) -> None:
    cluster = cluster_of(BY_MINUTE, "a", "b", "c", "d", at_rest=at_rest)
    cluster.ask("b", 80, over_s=240)
    cluster.play(60)
    cluster.ask("a", 600, over_s=180)
    cluster.play(180)
    assert cluster.most_in_a_minute() <= LIMIT
    last_minute = Counter(by for at_s, by in cluster.admitted if at_s >= cluster.now_s - 60)
    assert last_minute["b"] == pytest.approx(20, abs=2), "whoever needs little gets it"
    assert last_minute["a"] >= 0.85 * (LIMIT - 20), "and the rest is whoever's needs it"
    assert {(by, code) for _, by, code in cluster.refused} == {("a", ErrorCode.RATE_EXCEEDED)}


@EITHER
def test_a_burst_on_one_of_four_idle_workers_waits_for_its_share_instead_of_being_refused(at_rest: int) -> None:
    cluster = cluster_of(BY_MINUTE, "a", "b", "c", "d", at_rest=at_rest)
    assert {share.share_per_minute for share in cluster.shares.shares} == {LIMIT // 4}
    cluster.ask("a", LIMIT)
    cluster.play(4)
    assert len(cluster.admitted) >= 0.95 * LIMIT
    cluster.ask("b", 20)
    cluster.play(0.01)
    assert len(cluster.refused) >= 20 - LIMIT // 20, "all of them have had the limit, so nothing is worth waiting for"


@EITHER
def test_places_go_to_whoever_needs_them(at_rest: int) -> None:
    cluster = cluster_of(AT_A_TIME, "a", "b", "c", "d", takes_s=1.0, at_rest=at_rest)
    cluster.ask("a", 200)
    cluster.play(6)
    before = len(cluster.admitted)
    cluster.play(4)
    assert len(cluster.admitted) - before >= 0.8 * 4 * PLACES
    assert cluster.most_under_way <= PLACES + 1


def test_with_fewer_requests_a_minute_than_workers_each_still_lets_in_one() -> None:
    cluster = cluster_of(Tenant("acme", requests_per_minute=2), *"abcd")
    for worker in "abcd":
        cluster.ask(worker, 100, over_s=150)
    cluster.play(150)
    assert set(Counter(by for _, by in cluster.admitted)) == set("abcd")
    assert cluster.most_in_a_minute() <= 4


def test_the_requests_of_a_worker_that_is_gone_count_until_they_have_left_the_minute() -> None:
    for owner_too, at_rest in product((False, True), (AT_REST, 0)):
        cluster = cluster_of(BY_MINUTE, "a", "b", at_rest=at_rest)
        cluster.ask("a", 50)
        cluster.play(2)
        cluster.kill("a")
        if owner_too:
            cluster.change_owner()
        cluster.play(8)
        (left,) = cluster.shares.shares
        assert (left.worker, left.share_per_minute) == ("b", LIMIT - 50), owner_too
        cluster.play(70)
        assert cluster.shares.shares[0].share_per_minute == LIMIT


def test_a_worker_that_starts_anew_under_its_name_does_not_take_its_old_share_for_its_own() -> None:
    cluster = cluster_of(BY_MINUTE, "a")
    cluster.ask("a", LIMIT)
    cluster.play(2)
    cluster.kill("a")
    cluster.join("a")
    cluster.ask("a", LIMIT, over_s=30)
    cluster.play(50)
    assert len(cluster.admitted) == LIMIT + joining_share(LIMIT)


def test_a_worker_that_wakes_after_others_were_given_its_share_has_no_more_than_one_that_joins() -> None:
    cluster = cluster_of(BY_MINUTE, "a", "b")
    cluster.play(60)
    cluster.freeze("a")
    cluster.play(10)
    cluster.ask("b", LIMIT)
    cluster.play(5)
    cluster.wake("a")
    cluster.ask("a", LIMIT)
    cluster.play(20)
    assert len(cluster.admitted) <= LIMIT + joining_share(LIMIT)


def test_without_anybody_who_hands_out_shares_workers_divide_the_limit_by_their_number() -> None:
    cluster = cluster_of(BY_MINUTE, "a", "b")
    shares, limiters = cluster.shares, cluster.workers["a"].limiters
    limiter = limiters.of(BY_MINUTE)
    assert limiter is not None
    later_s = shares.as_of.timestamp() + 31
    for _ in range(LIMIT):
        if limiter.full(later_s) is None:
            limiter.enter(later_s)
    demand = limiters.leave(later_s)
    assert demand is not None
    assert (demand.tenants["acme"].admitted, demand.leaving) == (LIMIT // 2, True)


def test_in_shadow_mode_what_is_beyond_the_limit_of_all_workers_is_counted_and_served() -> None:
    cluster = cluster_of(Tenant("acme", requests_per_minute=LIMIT, mode=TenantMode.SHADOW), "a", "b")
    for worker in "ab":
        cluster.ask(worker, 100, over_s=50)
    cluster.play(60)
    assert len(cluster.admitted) == 200
    beyond = sum(one.beyond_limits["acme", ErrorCode.RATE_EXCEEDED] for one in cluster.workers.values())
    assert beyond == pytest.approx(200 - LIMIT, abs=0.05 * LIMIT)
