"""The purse and the account: grants, returns, leases, windows, and what is told."""

from decimal import Decimal

import orjson
import pytest

from router.budgets.lease import ANSWER_S, IDLE_S, MARGIN_S, RENEW_S, Purse, Reserve
from router.budgets.ledger import Account
from router.budgets.rules import LEASE_S, day_of, window_bounds
from router.tenants import Tenant, TenantMode
from schemas.budgets import Budget, BudgetState

NOON_S = 1_800_014_400.0
DAY = day_of(NOON_S)
TIMEOUT_S = 20.0
CENT = Decimal("0.01")
ACME = Tenant("acme", daily_budget_usd=Decimal(1))


def exchange(account: Account, purse: Purse, now_s: float) -> Budget | None:
    """Let the purse claim, the account decide, and the purse hear of it."""
    claim = purse.claim(now_s)
    if claim is None:
        return None
    account.hear(claim, now_s)
    budget = account.decide(now_s)
    purse.heard(budget)
    return budget


def funded(account: Account, process: str = "w1", amount: Decimal = CENT) -> Purse:
    """Return a purse that has reserved a call, `first`."""
    purse = Purse(account.tenant, process)
    assert purse.reserve("first", amount, NOON_S, TIMEOUT_S) is Reserve.LATER
    exchange(account, purse, NOON_S)
    assert purse.reserve("first", amount, NOON_S, TIMEOUT_S) is Reserve.DONE
    return purse


def granted(account: Account, purse: Purse, day: str = DAY) -> Decimal:
    return account.holdings[day, purse.holder].granted


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
    account = Account(ACME)
    first = funded(account)
    assert granted(account, first) == Decimal("0.5")
    second = funded(account, "w2")
    assert granted(account, second) == Decimal("0.125")
    assert first.claim(NOON_S) is None


def test_a_purse_that_runs_low_asks_for_more_before_it_is_empty() -> None:
    account = Account(ACME)
    purse = funded(account)
    assert purse.reserve("big", Decimal("0.4"), NOON_S, TIMEOUT_S) is Reserve.DONE
    claim = purse.claim(NOON_S)
    assert claim is not None
    assert claim.needed_usd == 0 < claim.wanted_usd


def test_what_a_call_did_not_cost_is_left_in_the_purse_and_its_event_draws_on_the_grant() -> None:
    account = Account(ACME)
    purse = funded(account, amount=Decimal("0.5"))
    assert purse.reserve("second", CENT, NOON_S, TIMEOUT_S) is Reserve.LATER
    purse.settle("first", Decimal("0.1"))
    assert purse.drawn_by("first") == purse.holder
    assert purse.drawn_by("first") is None
    assert purse.reserve("second", CENT, NOON_S, TIMEOUT_S) is Reserve.DONE
    account.spend(DAY, Decimal("0.1"), purse.holder)
    assert account.holdings[DAY, purse.holder].outstanding == granted(account, purse) - Decimal("0.1")


def test_a_call_that_cost_nothing_has_no_event_and_leaves_nothing_behind() -> None:
    purse = funded(Account(ACME))
    purse.settle("first", Decimal(0))
    assert purse.drawn_by("first") is None


def test_at_the_edge_the_budget_is_scarce_and_holders_return_what_they_have_not_reserved() -> None:
    account = Account(ACME)
    first, second = funded(account, "w1"), Purse(ACME, "w2")
    assert second.reserve("big", Decimal("0.9"), NOON_S, TIMEOUT_S) is Reserve.LATER
    budget = exchange(account, second, NOON_S)
    assert budget is not None
    assert budget.scarce
    first.heard(budget)
    exchange(account, first, NOON_S)
    assert granted(account, first) == CENT
    assert second.reserve("big", Decimal("0.9"), NOON_S, TIMEOUT_S) is Reserve.LATER
    exchange(account, second, NOON_S)
    assert second.reserve("big", Decimal("0.9"), NOON_S, TIMEOUT_S) is Reserve.DONE


def test_what_can_never_be_paid_is_known_and_makes_nobody_return_anything() -> None:
    account = Account(ACME)
    account.spend(DAY, Decimal("0.95"), None)
    purse = Purse(ACME, "w1")
    assert purse.can_pay(Decimal("0.06"), NOON_S)
    assert purse.reserve("c", Decimal("0.06"), NOON_S, TIMEOUT_S) is Reserve.LATER
    budget = exchange(account, purse, NOON_S)
    assert budget is not None
    assert not budget.scarce
    assert not purse.can_pay(Decimal("0.06"), NOON_S)
    assert purse.can_pay(Decimal("0.05"), NOON_S)


def test_an_answer_to_an_earlier_claim_changes_no_cap() -> None:
    account = Account(ACME)
    purse = Purse(ACME, "w1")
    purse.reserve("c", CENT, NOON_S, TIMEOUT_S)
    claim = purse.claim(NOON_S)
    assert claim is not None
    account.hear(claim, NOON_S)
    answer = account.decide(NOON_S)
    purse.reserve("c", CENT, NOON_S, TIMEOUT_S)
    assert purse.claim(NOON_S + ANSWER_S / 2) is None
    again = purse.claim(NOON_S + ANSWER_S)
    assert again is not None
    assert again.sequence == claim.sequence + 1
    purse.heard(answer)
    assert purse.reserve("c", CENT, NOON_S + ANSWER_S, TIMEOUT_S) is Reserve.LATER


def test_a_claim_that_is_read_twice_counts_once() -> None:
    account = Account(ACME)
    purse = Purse(ACME, "w1")
    purse.reserve("c", CENT, NOON_S, TIMEOUT_S)
    claim = purse.claim(NOON_S)
    assert claim is not None
    for _ in range(2):
        account.hear(claim, NOON_S)
        account.decide(NOON_S)
    assert granted(account, purse) == Decimal("0.5")


def test_a_reservation_whose_end_is_never_told_is_returned_to_the_account() -> None:
    account = Account(ACME)
    purse = funded(account)
    over_s = NOON_S + TIMEOUT_S + MARGIN_S
    exchange(account, purse, over_s - 1)
    before = granted(account, purse)
    exchange(account, purse, over_s)
    assert granted(account, purse) == before - CENT
    purse.settle("first", CENT)
    assert purse.drawn_by("first") is None


def test_an_idle_grant_is_returned() -> None:
    account = Account(ACME)
    purse = funded(account)
    purse.settle("first", CENT)
    exchange(account, purse, NOON_S + IDLE_S + 1)
    assert granted(account, purse) == CENT


def test_a_holder_is_heard_of_now_and_then_and_loses_its_grant_when_it_is_not() -> None:
    account = Account(ACME)
    purse = funded(account)
    assert purse.claim(NOON_S + RENEW_S - 1) is None
    assert exchange(account, purse, NOON_S + RENEW_S + 1) is not None
    account.decide(NOON_S + RENEW_S + LEASE_S)
    assert (DAY, purse.holder) in account.holdings
    account.decide(NOON_S + RENEW_S + 1 + LEASE_S)
    assert (DAY, purse.holder) not in account.holdings


def test_a_worker_that_gets_no_answer_stops_spending_before_its_grant_is_given_away_and_begins_under_another_name() -> (
    None
):
    account = Account(ACME)
    purse = funded(account)
    holder = purse.holder
    assert purse.reserve("late", CENT, NOON_S + LEASE_S / 2 - 1, TIMEOUT_S) is Reserve.DONE
    assert purse.reserve("later", CENT, NOON_S + LEASE_S / 2, TIMEOUT_S) is Reserve.LATER
    assert purse.holder != holder
    purse.settle("late", CENT)
    assert purse.drawn_by("late") == holder


def test_a_new_day_begins_with_nothing_granted_and_the_month_remembers_grants_of_the_old_one() -> None:
    account = Account(Tenant("acme", daily_budget_usd=Decimal(1), monthly_budget_usd=Decimal("1.2")))
    purse = Purse(account.tenant, "w1")
    night_s = window_bounds(DAY)[1].timestamp()
    for _ in range(2):
        purse.reserve("first", Decimal("0.2"), night_s - 10, TIMEOUT_S)
        exchange(account, purse, night_s - 10)
    old = granted(account, purse)
    assert old >= Decimal("0.2")
    assert purse.reserve("new", Decimal("0.1"), night_s + 1, TIMEOUT_S) is Reserve.LATER
    exchange(account, purse, night_s + 1)
    new = granted(account, purse, day_of(night_s + 1))
    assert Decimal("0.1") <= new <= Decimal("1.2") - old
    purse.settle("first", Decimal("0.2"))
    account.spend(DAY, Decimal("0.2"), purse.drawn_by("first"))
    assert account.holdings[DAY, purse.holder].outstanding == old - Decimal("0.2")
    assert account.spent == {DAY: Decimal("0.2"), DAY[:7]: Decimal("0.2")}


def test_each_budget_is_crossed_once_and_the_account_remembers_it() -> None:
    account = Account(Tenant("acme", daily_budget_usd=Decimal(1), monthly_budget_usd=Decimal(10)))
    account.spend(DAY, Decimal("0.79"), None)
    assert account.crossings(NOON_S) == []
    account.spend(DAY, CENT, None)
    assert [(one.window, one.state) for one in account.crossings(NOON_S)] == [(DAY, BudgetState.WARNED)]
    account = Account.load(account.tenant, account.dump())
    assert account.crossings(NOON_S) == []
    account.spend(DAY, Decimal(8), None)
    assert {(one.window, one.state) for one in account.crossings(NOON_S)} == {
        (DAY, BudgetState.EXHAUSTED),
        (DAY[:7], BudgetState.WARNED),
    }
    told = account.decide(NOON_S)
    assert (told.window, told.state) == ("day", BudgetState.EXHAUSTED)
    assert [(one.window, one.spent_usd) for one in told.windows] == [("day", Decimal("8.8")), ("month", Decimal("8.8"))]


def test_each_threshold_of_a_window_is_an_event_of_its_own_once_even_if_several_are_crossed_at_a_time() -> None:
    shares = (Decimal("0.5"), Decimal("0.8"), Decimal("0.95"))
    account = Account(Tenant("acme", daily_budget_usd=Decimal(1), alert_at=shares))
    told: list[tuple[Decimal, BudgetState, float | None]] = []
    for spent in ("0.49", "0.01", "0.35", "0.05", "0.09", "0.02"):
        account.spend(DAY, Decimal(spent), None)
        crossed = account.decide(NOON_S).crossed
        told += [(one.share, one.state, crossed) for one in account.crossings(NOON_S)]
        account = Account.load(account.tenant, account.dump())
    assert told == [
        (Decimal("0.5"), BudgetState.WARNED, 0.5),
        (Decimal("0.8"), BudgetState.WARNED, 0.8),
        (Decimal("0.95"), BudgetState.WARNED, 0.95),
        (Decimal(1), BudgetState.EXHAUSTED, 1.0),
    ]
    at_once = Account(account.tenant)
    at_once.spend(DAY, Decimal(2), None)
    assert [one.share for one in at_once.crossings(NOON_S)] == [*shares, Decimal(1)]
    assert at_once.crossings(NOON_S) == []
    unwarned = Account(Tenant("acme", daily_budget_usd=Decimal(1), alert_at=()))
    unwarned.spend(DAY, Decimal("0.99"), None)
    assert (unwarned.crossings(NOON_S), unwarned.decide(NOON_S).state) == ([], BudgetState.WITHIN)


@pytest.mark.parametrize(("state", "told_again"), [("warned", [Decimal(1)]), ("exhausted", []), ("0.8", [Decimal(1)])])
def test_what_an_earlier_version_had_told_is_not_told_again(state: str, told_again: list[Decimal]) -> None:
    account = Account(Tenant("acme", daily_budget_usd=Decimal(1)))
    account.spend(DAY, Decimal(1), None)
    stored = orjson.loads(account.dump())
    earlier = Account.load(account.tenant, orjson.dumps({**stored, "told": {DAY: state}}))
    assert [one.share for one in earlier.crossings(NOON_S)] == told_again


def test_shadow_mode_counts_and_never_blocks() -> None:
    purse = Purse(Tenant("acme", daily_budget_usd=CENT, mode=TenantMode.SHADOW), "w1")
    assert purse.can_pay(Decimal(1), NOON_S)
    assert purse.reserve("c", Decimal(1), NOON_S, TIMEOUT_S) is Reserve.DONE
    assert purse.reserve("d", CENT, NOON_S, TIMEOUT_S) is Reserve.DONE
    assert purse.beyond == 1
    assert purse.claim(NOON_S) is None
