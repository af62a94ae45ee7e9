"""The purse and the account: grants, returns, leases, windows, and what is told."""

from decimal import Decimal

import orjson
import pytest

from router.budgets.lease import ANSWER_S, IDLE_S, MARGIN_S, RENEW_S, BudgetLease, Reserve
from router.budgets.ledger import BudgetLedger
from router.budgets.rules import LEASE_S, day_of, window_bounds
from router.tenants import Tenant, TenantMode
from schemas.budgets import Budget, BudgetState

NOON_S = 1_800_014_400.0
DAY = day_of(NOON_S)
TIMEOUT_S = 20.0
CENT = Decimal("0.01")
ACME = Tenant("acme", daily_budget_usd=Decimal(1))


def exchange(ledger: BudgetLedger, lease: BudgetLease, now_s: float) -> Budget | None:
    """Let the purse claim, the account decide, and the purse hear of it."""
    claim = lease.claim(now_s)
    if claim is None:
        return None
    ledger.hear(claim, now_s)
    budget = ledger.decide(now_s)
    lease.heard(budget)
    return budget


def funded(ledger: BudgetLedger, process: str = "w1", amount: Decimal = CENT) -> BudgetLease:
    """Return a purse that has reserved a call, `first`."""
    lease = BudgetLease(ledger.tenant, process)
    assert lease.reserve("first", amount, NOON_S, TIMEOUT_S) is Reserve.LATER
    exchange(ledger, lease, NOON_S)
    assert lease.reserve("first", amount, NOON_S, TIMEOUT_S) is Reserve.DONE
    return lease


def granted(ledger: BudgetLedger, lease: BudgetLease, day: str = DAY) -> Decimal:
    return ledger.holdings[day, lease.holder].granted


def test_days_and_months_are_utc() -> None:
    assert day_of(1_769_903_999.9) == "2026-01-31"
    assert [bound.isoformat() for bound in window_bounds("2026-01-31")] == [
        "2026-01-31T00:00:00+00:00",
        "2026-02-01T00:00:00+00:00",
    ]
    assert [bound.isoformat() for bound in window_bounds("2026-12")] == [
        "2026-12-01T00:00:00+00:00",
        "2027-01-01T00:00:00+00:00",
    ]


def test_far_from_the_limit_a_grant_is_half_of_what_is_left_among_the_holders() -> None:
    ledger = BudgetLedger(ACME)
    first = funded(ledger)
    assert granted(ledger, first) == Decimal("0.5")
    second = funded(ledger, "w2")
    assert granted(ledger, second) == Decimal("0.125")
    assert first.claim(NOON_S) is None


def test_a_purse_that_runs_low_asks_for_more_before_it_is_empty() -> None:
    ledger = BudgetLedger(ACME)
    lease = funded(ledger)
    assert lease.reserve("big", Decimal("0.4"), NOON_S, TIMEOUT_S) is Reserve.DONE
    claim = lease.claim(NOON_S)
    assert claim is not None
    assert claim.needed_usd == 0 < claim.wanted_usd


def test_what_a_call_did_not_cost_is_left_in_the_purse_and_its_event_draws_on_the_grant() -> None:
    ledger = BudgetLedger(ACME)
    lease = funded(ledger, amount=Decimal("0.5"))
    assert lease.reserve("second", CENT, NOON_S, TIMEOUT_S) is Reserve.LATER
    lease.settle("first", Decimal("0.1"))
    assert lease.drawn_by("first") == lease.holder
    assert lease.drawn_by("first") is None
    assert lease.reserve("second", CENT, NOON_S, TIMEOUT_S) is Reserve.DONE
    ledger.spend(DAY, Decimal("0.1"), lease.holder)
    assert ledger.holdings[DAY, lease.holder].outstanding == granted(ledger, lease) - Decimal("0.1")


def test_a_call_that_cost_nothing_has_no_event_and_leaves_nothing_behind() -> None:
    lease = funded(BudgetLedger(ACME))
    lease.settle("first", Decimal(0))
    assert lease.drawn_by("first") is None


def test_at_the_edge_the_budget_is_scarce_and_holders_return_what_they_have_not_reserved() -> None:
    ledger = BudgetLedger(ACME)
    first, second = funded(ledger, "w1"), BudgetLease(ACME, "w2")
    assert second.reserve("big", Decimal("0.9"), NOON_S, TIMEOUT_S) is Reserve.LATER
    budget = exchange(ledger, second, NOON_S)
    assert budget is not None
    assert budget.scarce
    first.heard(budget)
    exchange(ledger, first, NOON_S)
    assert granted(ledger, first) == CENT
    assert second.reserve("big", Decimal("0.9"), NOON_S, TIMEOUT_S) is Reserve.LATER
    exchange(ledger, second, NOON_S)
    assert second.reserve("big", Decimal("0.9"), NOON_S, TIMEOUT_S) is Reserve.DONE


def test_what_can_never_be_paid_is_known_and_makes_nobody_return_anything() -> None:
    ledger = BudgetLedger(ACME)
    ledger.spend(DAY, Decimal("0.95"), None)
    lease = BudgetLease(ACME, "w1")
    assert lease.can_pay(Decimal("0.06"), NOON_S)
    assert lease.reserve("c", Decimal("0.06"), NOON_S, TIMEOUT_S) is Reserve.LATER
    budget = exchange(ledger, lease, NOON_S)
    assert budget is not None
    assert not budget.scarce
    assert not lease.can_pay(Decimal("0.06"), NOON_S)
    assert lease.can_pay(Decimal("0.05"), NOON_S)


def test_an_answer_to_an_earlier_claim_changes_no_cap() -> None:
    ledger = BudgetLedger(ACME)
    lease = BudgetLease(ACME, "w1")
    lease.reserve("c", CENT, NOON_S, TIMEOUT_S)
    claim = lease.claim(NOON_S)
    assert claim is not None
    ledger.hear(claim, NOON_S)
    answer = ledger.decide(NOON_S)
    lease.reserve("c", CENT, NOON_S, TIMEOUT_S)
    assert lease.claim(NOON_S + ANSWER_S / 2) is None
    again = lease.claim(NOON_S + ANSWER_S)
    assert again is not None
    assert again.sequence == claim.sequence + 1
    lease.heard(answer)
    assert lease.reserve("c", CENT, NOON_S + ANSWER_S, TIMEOUT_S) is Reserve.LATER


def test_a_claim_that_is_read_twice_counts_once() -> None:
    ledger = BudgetLedger(ACME)
    lease = BudgetLease(ACME, "w1")
    lease.reserve("c", CENT, NOON_S, TIMEOUT_S)
    claim = lease.claim(NOON_S)
    assert claim is not None
    for _ in range(2):
        ledger.hear(claim, NOON_S)
        ledger.decide(NOON_S)
    assert granted(ledger, lease) == Decimal("0.5")


def test_a_reservation_whose_end_is_never_told_is_returned_to_the_account() -> None:
    ledger = BudgetLedger(ACME)
    lease = funded(ledger)
    over_s = NOON_S + TIMEOUT_S + MARGIN_S
    exchange(ledger, lease, over_s - 1)
    before = granted(ledger, lease)
    exchange(ledger, lease, over_s)
    assert granted(ledger, lease) == before - CENT
    lease.settle("first", CENT)
    assert lease.drawn_by("first") is None


def test_an_idle_grant_is_returned() -> None:
    ledger = BudgetLedger(ACME)
    lease = funded(ledger)
    lease.settle("first", CENT)
    exchange(ledger, lease, NOON_S + IDLE_S + 1)
    assert granted(ledger, lease) == CENT


def test_a_holder_is_heard_of_now_and_then_and_loses_its_grant_when_it_is_not() -> None:
    ledger = BudgetLedger(ACME)
    lease = funded(ledger)
    assert lease.claim(NOON_S + RENEW_S - 1) is None
    assert exchange(ledger, lease, NOON_S + RENEW_S + 1) is not None
    ledger.decide(NOON_S + RENEW_S + LEASE_S)
    assert (DAY, lease.holder) in ledger.holdings
    ledger.decide(NOON_S + RENEW_S + 1 + LEASE_S)
    assert (DAY, lease.holder) not in ledger.holdings


def test_a_worker_that_gets_no_answer_stops_spending_before_its_grant_is_given_away_and_begins_under_another_name() -> (
    None
):
    ledger = BudgetLedger(ACME)
    lease = funded(ledger)
    holder = lease.holder
    assert lease.reserve("late", CENT, NOON_S + LEASE_S / 2 - 1, TIMEOUT_S) is Reserve.DONE
    assert lease.reserve("later", CENT, NOON_S + LEASE_S / 2, TIMEOUT_S) is Reserve.LATER
    assert lease.holder != holder
    lease.settle("late", CENT)
    assert lease.drawn_by("late") == holder


def test_a_new_day_begins_with_nothing_granted_and_the_month_remembers_grants_of_the_old_one() -> None:
    ledger = BudgetLedger(Tenant("acme", daily_budget_usd=Decimal(1), monthly_budget_usd=Decimal("1.2")))
    lease = BudgetLease(ledger.tenant, "w1")
    night_s = window_bounds(DAY)[1].timestamp()
    for _ in range(2):
        lease.reserve("first", Decimal("0.2"), night_s - 10, TIMEOUT_S)
        exchange(ledger, lease, night_s - 10)
    old = granted(ledger, lease)
    assert old >= Decimal("0.2")
    assert lease.reserve("new", Decimal("0.1"), night_s + 1, TIMEOUT_S) is Reserve.LATER
    exchange(ledger, lease, night_s + 1)
    new = granted(ledger, lease, day_of(night_s + 1))
    assert Decimal("0.1") <= new <= Decimal("1.2") - old
    lease.settle("first", Decimal("0.2"))
    ledger.spend(DAY, Decimal("0.2"), lease.drawn_by("first"))
    assert ledger.holdings[DAY, lease.holder].outstanding == old - Decimal("0.2")
    assert ledger.spent == {DAY: Decimal("0.2"), DAY[:7]: Decimal("0.2")}


def test_each_budget_is_crossed_once_and_the_account_remembers_it() -> None:
    ledger = BudgetLedger(Tenant("acme", daily_budget_usd=Decimal(1), monthly_budget_usd=Decimal(10)))
    ledger.spend(DAY, Decimal("0.79"), None)
    assert ledger.crossings(NOON_S) == []
    ledger.spend(DAY, CENT, None)
    assert [(one.window, one.state) for one in ledger.crossings(NOON_S)] == [(DAY, BudgetState.WARNED)]
    ledger = BudgetLedger.load(ledger.tenant, ledger.dump())
    assert ledger.crossings(NOON_S) == []
    ledger.spend(DAY, Decimal(8), None)
    assert {(one.window, one.state) for one in ledger.crossings(NOON_S)} == {
        (DAY, BudgetState.EXHAUSTED),
        (DAY[:7], BudgetState.WARNED),
    }
    told = ledger.decide(NOON_S)
    assert (told.window, told.state) == ("day", BudgetState.EXHAUSTED)
    assert [(one.window, one.spent_usd) for one in told.windows] == [("day", Decimal("8.8")), ("month", Decimal("8.8"))]


def test_each_threshold_of_a_window_is_an_event_of_its_own_once_even_if_several_are_crossed_at_a_time() -> None:
    shares = (Decimal("0.5"), Decimal("0.8"), Decimal("0.95"))
    ledger = BudgetLedger(Tenant("acme", daily_budget_usd=Decimal(1), alert_at=shares))
    told: list[tuple[Decimal, BudgetState, float | None]] = []
    for spent in ("0.49", "0.01", "0.35", "0.05", "0.09", "0.02"):
        ledger.spend(DAY, Decimal(spent), None)
        crossed = ledger.decide(NOON_S).crossed
        told += [(one.share, one.state, crossed) for one in ledger.crossings(NOON_S)]
        ledger = BudgetLedger.load(ledger.tenant, ledger.dump())
    assert told == [
        (Decimal("0.5"), BudgetState.WARNED, 0.5),
        (Decimal("0.8"), BudgetState.WARNED, 0.8),
        (Decimal("0.95"), BudgetState.WARNED, 0.95),
        (Decimal(1), BudgetState.EXHAUSTED, 1.0),
    ]
    at_once = BudgetLedger(ledger.tenant)
    at_once.spend(DAY, Decimal(2), None)
    assert [one.share for one in at_once.crossings(NOON_S)] == [*shares, Decimal(1)]
    assert at_once.crossings(NOON_S) == []
    unwarned = BudgetLedger(Tenant("acme", daily_budget_usd=Decimal(1), alert_at=()))
    unwarned.spend(DAY, Decimal("0.99"), None)
    assert (unwarned.crossings(NOON_S), unwarned.decide(NOON_S).state) == ([], BudgetState.WITHIN)


@pytest.mark.parametrize(("state", "told_again"), [("warned", [Decimal(1)]), ("exhausted", []), ("0.8", [Decimal(1)])])
def test_what_an_earlier_version_had_told_is_not_told_again(state: str, told_again: list[Decimal]) -> None:
    ledger = BudgetLedger(Tenant("acme", daily_budget_usd=Decimal(1)))
    ledger.spend(DAY, Decimal(1), None)
    stored = orjson.loads(ledger.dump())
    earlier = BudgetLedger.load(ledger.tenant, orjson.dumps({**stored, "told": {DAY: state}}))
    assert [one.share for one in earlier.crossings(NOON_S)] == told_again


def test_shadow_mode_counts_and_never_blocks() -> None:
    lease = BudgetLease(Tenant("acme", daily_budget_usd=CENT, mode=TenantMode.SHADOW), "w1")
    assert lease.can_pay(Decimal(1), NOON_S)
    assert lease.reserve("c", Decimal(1), NOON_S, TIMEOUT_S) is Reserve.DONE
    assert lease.reserve("d", CENT, NOON_S, TIMEOUT_S) is Reserve.DONE
    assert lease.beyond == 1
    assert lease.claim(NOON_S) is None
