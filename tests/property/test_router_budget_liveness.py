"""Who can be paid for is called for within a second, at any rhythm of traffic, and no money is lost on the way."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.budgets.life import IDLE_S
from router.budgets.rules import LEASE_S, window_bounds
from router.tenants import Tenant
from schemas.vocabulary import Status
from tests.budget_cluster import HEIR_S, BudgetCluster, request_of, upper_usd
from tests.examples import examples

NOON_S = 1_800_014_400.0
PROMPT_S = 1.0
"""Within so long a request has to be called for that can be paid for."""
RICH = Tenant("acme", daily_budget_usd=Decimal(20))
WORKERS = st.integers(1, 8)
LAGS_S = st.sampled_from([0.002, 0.02, 0.08])
QUIET_S = [0.0, 0.004, 0.05, 0.7, 3.0, IDLE_S - 0.1, IDLE_S, IDLE_S + 0.01, IDLE_S + 5, LEASE_S / 2 + 1]


def cluster_of(
    tenant: Tenant, workers: int, lag_s: float = 0.02, seed: int = 0, now_s: float = NOON_S
) -> BudgetCluster:
    cluster = BudgetCluster(tenant, now_s, lag_s=lag_s, seed=seed)
    for number in range(workers):
        cluster.join(f"w{number}")
    return cluster


@settings(max_examples=examples(25), deadline=None)
@given(
    workers=WORKERS,
    lag_s=LAGS_S,
    seed=st.integers(0, 2**16),
    rhythm=st.lists(
        st.tuples(st.sampled_from(QUIET_S), st.integers(0, 7), st.sampled_from([1, 100, 4000])), min_size=1, max_size=6
    ),
)
def test_a_request_of_a_quiet_tenant_is_called_for_at_once(
    workers: int, lag_s: float, seed: int, rhythm: list[tuple[float, int, int]]
) -> None:
    cluster = cluster_of(RICH, workers, lag_s, seed)
    for quiet_s, which, max_tokens in rhythm:
        cluster.rest(quiet_s)
        cluster.ask(f"w{which % workers}", max_tokens)
    cluster.play(PROMPT_S + lag_s)
    assert [asked.waited_s for asked in cluster.requests if asked.waited_s > PROMPT_S] == []


@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_eight_quiet_tenants_are_answered_after_a_claim_or_two_each(workers: int) -> None:
    for seed in range(8):
        cluster = cluster_of(RICH, workers, seed=seed)
        cluster.rest(IDLE_S + 1)
        asked = cluster.ask("w0")
        cluster.play(PROMPT_S)
        assert asked.finish is not None
        assert asked.finish.response.status is Status.COMPLETED
        assert cluster.claims <= 2


@settings(max_examples=examples(40), deadline=None)
@given(
    workers=WORKERS,
    lag_s=LAGS_S,
    seed=st.integers(0, 2**16),
    calls=st.integers(2, 60),
    rhythm=st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.01, 0.2, 1.0, 2.5, 30.0, IDLE_S + 1]),
            st.integers(0, 7),
            st.sampled_from([50, 200, 1000]),
            st.integers(1, 40),
            st.booleans(),
        ),
        min_size=2,
        max_size=12,
    ),
)
def test_near_the_limit_too_whatever_can_be_paid_for_is_called_for_at_once(
    workers: int, lag_s: float, seed: int, calls: int, rhythm: list[tuple[float, int, int, int, bool]]
) -> None:
    """Whatever is asked, on any worker, is what the budget pays for besides all that was asked before."""
    limit = Decimal("0.0005") * calls
    cluster = cluster_of(Tenant("acme", daily_budget_usd=limit), workers, lag_s, seed)
    for gap_s, which, max_tokens, many, spread in rhythm:
        cluster.rest(gap_s)
        for number in range(many):
            if cluster.free_usd >= upper_usd(request_of(max_tokens)):
                cluster.ask(f"w{(which + spread * number) % workers}", max_tokens)
    cluster.play(PROMPT_S + lag_s)
    assert [asked.waited_s for asked in cluster.requests if asked.waited_s > PROMPT_S] == []
    assert cluster.spent_usd <= limit


@settings(max_examples=examples(30), deadline=None)
@given(
    workers=WORKERS,
    seed=st.integers(0, 2**16),
    rhythm=st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.01, 0.03, 0.06, 0.2, 1.0, 7.0]),
            st.sampled_from(["ask", "ask", "ask", "rebalance", "rebalance", "kill", "owner"]),
            st.integers(0, 7),
            st.integers(1, 6),
        ),
        min_size=3,
        max_size=16,
    ),
)
def test_rebalances_and_crashes_cost_no_more_than_what_was_called_for(
    workers: int, seed: int, rhythm: list[tuple[float, str, int, int]]
) -> None:
    """Whenever a request is given up, waiting, written ahead, called or answered, the rest of the budget can be had."""
    limit = Decimal("0.02")
    cluster = cluster_of(Tenant("acme", daily_budget_usd=limit), workers, seed=seed)
    for number, (gap_s, what, which, many) in enumerate(rhythm):
        cluster.play(gap_s)
        names = sorted(cluster.workers)
        name = names[which % len(names)]
        match what:
            case "ask":
                for _ in range(many):
                    cluster.ask(name)
            case "rebalance":
                cluster.give_up(name, heir=names[many % len(names)], after_s=gap_s)
            case "kill":
                cluster.kill(name)
                cluster.join(f"w{10 + number}")
            case "owner":
                cluster.change_owner()
        assert cluster.spent_usd + sum(cluster.reserved.values()) <= limit
    cluster.rest(LEASE_S + 2 * HEIR_S)
    assert cluster.reserved == {}
    assert [worker.lease.reserved_usd for worker in cluster.workers.values()] == [0] * workers
    assert all_the_rest_can_be_had(cluster)


def test_a_request_that_is_given_up_before_its_call_again_and_again_leaves_nothing_reserved() -> None:
    """As in rebalances, each while the write-ahead record was not acknowledged yet."""
    cluster = cluster_of(RICH, 1)
    cluster.play(0.1)
    asked = cluster.ask("w0")
    for _ in range(9):
        while not cluster.reserved:
            cluster.play(0.005)
        assert asked.called_s is None
        assert cluster.workers["w0"].lease.reserved_usd == asked.upper_usd
        cluster.give_up("w0", after_s=0.01)
        assert cluster.workers["w0"].lease.reserved_usd == 0
    cluster.play(1)
    assert asked.finish is not None
    assert asked.finish.response.status is Status.COMPLETED
    assert [cost.attempt for cost in asked.finish.costs] == [1]


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_what_yesterday_was_granted_can_be_had_at_once_after_midnight(workers: int) -> None:
    """Of a month's budget: the grants of a day end with it, and what is left of them goes back."""
    night_s = window_bounds("2027-01-15")[1].timestamp()
    tenant = Tenant("acme", daily_budget_usd=Decimal("0.02"), monthly_budget_usd=Decimal("0.02"))
    for seed in range(4):
        cluster = cluster_of(tenant, workers, seed=seed, now_s=night_s - 5)
        for number in range(workers):
            cluster.ask(f"w{number}")
            cluster.play(0.5)
        cluster.play(night_s - cluster.now_s + 0.1 * seed)
        assert all_the_rest_can_be_had(cluster)


def test_what_was_held_while_the_owner_was_away_can_be_had_as_soon_as_it_is_back() -> None:
    cluster = cluster_of(Tenant("acme", daily_budget_usd=Decimal("0.02")), 4)
    for number in range(4):
        cluster.ask(f"w{number}")
        cluster.play(0.5)
    cluster.owner_is_away = True
    cluster.rest(LEASE_S / 2 + 40)
    cluster.owner_is_away = False
    cluster.play(3)
    assert all_the_rest_can_be_had(cluster)


def all_the_rest_can_be_had(cluster: BudgetCluster) -> bool:
    """Ask a worker for all that the budget has left; say whether all of it is called for at once."""
    asked = []
    for size in (4000, 400, 40, 4):
        while cluster.free_usd >= upper_usd(request_of(size)):
            asked.append(cluster.ask(min(cluster.workers), size))
    cluster.play(PROMPT_S)
    assert asked
    return all(one.waited_s <= PROMPT_S for one in asked)
