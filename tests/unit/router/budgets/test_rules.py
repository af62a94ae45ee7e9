"""The purse and the account: grants, returns, leases, windows, and what is told."""

from decimal import Decimal

import orjson
import pytest

from router.budgets.lease import MARGIN_S, BudgetLease, Reserve
from router.budgets.ledger import BudgetLedger
from router.budgets.life import ANSWER_S, IDLE_S, RENEW_S, Reservation, Reservations
from router.budgets.rules import ASK_AGAIN_S, CLOCKS_S, LEASE_S, REMEMBER_S, day_of, window_bounds
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
    ledger.receive(claim, now_s)
    budget = ledger.decide(now_s)
    lease.receive(budget, now_s)
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
    first.receive(budget, NOON_S)
    returned = exchange(ledger, first, NOON_S)
    assert returned is not None
    assert granted(ledger, first) == CENT
    second.receive(returned, NOON_S)
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


def test_a_claim_that_cannot_be_met_is_met_as_soon_as_it_can_and_while_it_waits_others_get_no_more_than_they_need() -> (
    None
):
    ledger = BudgetLedger(ACME)
    holder, large, small = funded(ledger), BudgetLease(ACME, "w2"), BudgetLease(ACME, "w3")
    large.reserve("large", Decimal("0.9"), NOON_S, TIMEOUT_S)
    exchange(ledger, large, NOON_S)
    small.reserve("small", CENT, NOON_S, TIMEOUT_S)
    exchange(ledger, small, NOON_S)
    assert granted(ledger, small) == CENT
    holder.receive(ledger.decide(NOON_S), NOON_S)
    exchange(ledger, holder, NOON_S)
    assert granted(ledger, large) == Decimal("0.9")


def test_a_claim_that_is_not_repeated_is_forgotten() -> None:
    ledger = BudgetLedger(ACME)
    funded(ledger)
    lease = BudgetLease(ACME, "w2")
    lease.reserve("large", Decimal("0.9"), NOON_S, TIMEOUT_S)
    exchange(ledger, lease, NOON_S)
    assert ledger.decide(NOON_S + REMEMBER_S - 0.1).scarce
    assert not ledger.decide(NOON_S + REMEMBER_S).scarce


def test_a_claim_of_an_earlier_day_that_is_forgotten_makes_nobody_a_holder() -> None:
    ledger = BudgetLedger(ACME)
    lease = funded(ledger)
    claim = lease.claim(NOON_S + RENEW_S + 1)
    assert claim is not None
    tomorrow = BudgetLedger(ACME)
    tomorrow.receive(claim, window_bounds(DAY)[1].timestamp() + CLOCKS_S)
    assert not tomorrow.holdings


def test_an_answer_to_an_earlier_claim_changes_no_cap() -> None:
    ledger = BudgetLedger(ACME)
    lease = BudgetLease(ACME, "w1")
    lease.reserve("c", CENT, NOON_S, TIMEOUT_S)
    claim = lease.claim(NOON_S)
    assert claim is not None
    ledger.receive(claim, NOON_S)
    answer = ledger.decide(NOON_S)
    lease.reserve("c", CENT, NOON_S, TIMEOUT_S)
    assert lease.claim(NOON_S + ANSWER_S / 2) is None
    again = lease.claim(NOON_S + ANSWER_S)
    assert again is not None
    assert again.sequence == claim.sequence + 1
    lease.receive(answer, NOON_S)
    assert lease.reserve("c", CENT, NOON_S + ANSWER_S, TIMEOUT_S) is Reserve.LATER


def test_a_claim_that_is_read_twice_counts_once() -> None:
    ledger = BudgetLedger(ACME)
    lease = BudgetLease(ACME, "w1")
    lease.reserve("c", CENT, NOON_S, TIMEOUT_S)
    claim = lease.claim(NOON_S)
    assert claim is not None
    for _ in range(2):
        ledger.receive(claim, NOON_S)
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


def test_a_worker_whose_grant_was_forgotten_begins_under_another_name_and_need_not_earn_back_what_it_had_used() -> None:
    lease = funded(BudgetLedger(ACME))
    lease.settle("first", CENT)
    holder, at_s = lease.holder, NOON_S + RENEW_S + 1
    forgetful = BudgetLedger(ACME, version=1000)
    exchange(forgetful, lease, at_s)
    assert lease.reserve("second", CENT, at_s, TIMEOUT_S) is Reserve.LATER
    exchange(forgetful, lease, at_s)
    assert lease.reserve("second", CENT, at_s, TIMEOUT_S) is Reserve.DONE
    assert lease.holder != holder


def test_a_grant_goes_to_those_who_wait_before_anybody_else_and_they_are_told() -> None:
    told: list[str] = []
    ledger, lease = BudgetLedger(ACME), BudgetLease(ACME, "w1", told.append)
    for call_id, cents in (("first", 40), ("too much", 50), ("third", 30)):
        assert lease.reserve(call_id, cents * CENT, NOON_S, TIMEOUT_S) is Reserve.LATER
    exchange(BudgetLedger(Tenant("acme", daily_budget_usd=80 * CENT)), lease, NOON_S)
    assert told == ["first", "third"]
    assert lease.reserved_usd == 70 * CENT
    assert lease.reserve("newcomer", 11 * CENT, NOON_S, TIMEOUT_S) is Reserve.LATER
    assert not ledger.holdings


def test_a_grant_is_held_for_who_waits_however_long_the_lease_had_been_idle() -> None:
    ledger, lease = BudgetLedger(ACME), BudgetLease(ACME, "w1")
    assert lease.reserve("first", CENT, NOON_S, TIMEOUT_S) is Reserve.LATER
    exchange(ledger, lease, NOON_S + 2 * IDLE_S)
    lease.claim(NOON_S + 2 * IDLE_S + 0.02)
    assert lease.reserve("first", CENT, NOON_S + 2 * IDLE_S + 0.1, TIMEOUT_S) is Reserve.DONE


def test_what_was_granted_while_the_budget_is_scarce_is_held_for_who_waits_too() -> None:
    ledger, first, second = BudgetLedger(ACME), BudgetLease(ACME, "w1"), BudgetLease(ACME, "w2")
    first.reserve("small", 60 * CENT, NOON_S, TIMEOUT_S)
    second.reserve("large", 50 * CENT, NOON_S, TIMEOUT_S)
    for lease in (first, second):
        claim = lease.claim(NOON_S)
        assert claim is not None
        ledger.receive(claim, NOON_S)
    budget = ledger.decide(NOON_S)
    assert budget.scarce
    first.receive(budget, NOON_S)
    exchange(ledger, first, NOON_S + 0.02)
    assert first.reserve("small", 60 * CENT, NOON_S + 0.5, TIMEOUT_S) is Reserve.DONE


def test_two_that_need_as_much_one_after_the_other_are_both_asked_for_at_once() -> None:
    ledger = BudgetLedger(Tenant("acme", daily_budget_usd=2 * CENT))
    lease = funded(ledger)
    assert lease.reserve("second", CENT, NOON_S, TIMEOUT_S) is Reserve.LATER
    exchange(ledger, lease, NOON_S)
    assert lease.reserve("second", CENT, NOON_S, TIMEOUT_S) is Reserve.DONE


def test_what_cannot_be_met_is_asked_for_once_a_second() -> None:
    ledger = BudgetLedger(ACME)
    ledger.spend(DAY, Decimal(1), None)
    lease = BudgetLease(ACME, "w1")
    lease.reserve("first", CENT, NOON_S, TIMEOUT_S)
    claimed_s = [now_s for tick in range(150) if exchange(ledger, lease, now_s := NOON_S + tick / 50) is not None]
    assert claimed_s == [NOON_S, NOON_S + ASK_AGAIN_S, NOON_S + 2 * ASK_AGAIN_S]


def test_who_does_not_wait_any_more_gets_no_reservation() -> None:
    ledger, lease = BudgetLedger(ACME), BudgetLease(ACME, "w1")
    lease.reserve("first", CENT, NOON_S, TIMEOUT_S)
    claim = lease.claim(NOON_S)
    assert claim is not None
    lease.release("first")
    ledger.receive(claim, NOON_S)
    lease.receive(ledger.decide(NOON_S), NOON_S)
    assert lease.reserved_usd == 0


def test_a_call_that_comes_again_has_one_reservation() -> None:
    lease = funded(BudgetLedger(ACME))
    assert lease.reserve("first", 2 * CENT, NOON_S + 1, TIMEOUT_S) is Reserve.DONE
    assert lease.reserved_usd == 2 * CENT
    reservations = Reservations()
    reservations.put("first", Reservation(CENT, NOON_S))
    reservations.put("first", Reservation(2 * CENT, NOON_S))
    assert (reservations.total, len(reservations)) == (2 * CENT, 1)


def test_a_cost_that_somebody_else_tells_is_reserved_until_it_is_counted_and_then_returned() -> None:
    ledger = BudgetLedger(ACME)
    lease = funded(ledger)
    lease.settle("first", CENT)
    lease.hand_over("first", NOON_S + 20)
    lease.hand_over("first", NOON_S + 25)
    assert (lease.reserved_usd, lease.drawn_by("first")) == (CENT, None)
    before = granted(ledger, lease)
    exchange(ledger, lease, NOON_S + 20 + MARGIN_S)
    assert granted(ledger, lease) == before - CENT
    assert lease.reserved_usd == 0


def test_a_lease_that_ends_gives_back_what_it_has_left_even_if_its_last_claim_was_not_answered() -> None:
    ledger = BudgetLedger(ACME)
    lease = funded(ledger)
    key = DAY, lease.holder
    assert lease.reserve("late", CENT, NOON_S + LEASE_S / 2 - 1, TIMEOUT_S) is Reserve.DONE
    assert lease.claim(NOON_S + LEASE_S / 2 - 0.5) is not None  # and lost
    assert lease.claim(NOON_S + LEASE_S / 2) is None
    exchange(ledger, lease, NOON_S + LEASE_S / 2 - 0.5 + ANSWER_S)
    assert ledger.holdings[key].granted == CENT, "the call of its day is under way still"
    lease.settle("late", Decimal(0))
    assert lease.claim(NOON_S + LEASE_S / 2 + ANSWER_S) is None
    exchange(ledger, lease, NOON_S + LEASE_S / 2 + 2 * ANSWER_S)
    assert ledger.holdings[key].granted == 0
    assert lease.claim(NOON_S + LEASE_S) is None


def test_a_new_day_begins_with_nothing_granted_and_the_month_remembers_grants_of_the_old_one() -> None:
    ledger = BudgetLedger(Tenant("acme", daily_budget_usd=Decimal(1), monthly_budget_usd=Decimal("1.2")))
    lease = BudgetLease(ledger.tenant, "w1")
    night_s = window_bounds(DAY)[1].timestamp()
    for _ in range(2):
        lease.reserve("first", Decimal("0.2"), night_s - 10, TIMEOUT_S)
        exchange(ledger, lease, night_s - 10)
    old, before_midnight = granted(ledger, lease), lease.holder
    assert old >= Decimal("0.2")
    assert lease.reserve("new", Decimal("0.1"), night_s + 1, TIMEOUT_S) is Reserve.LATER
    exchange(ledger, lease, night_s + 1)
    new = granted(ledger, lease, day_of(night_s + 1))
    assert Decimal("0.1") <= new <= Decimal("1.2") - old
    lease.settle("first", Decimal("0.2"))
    ledger.spend(DAY, Decimal("0.2"), lease.drawn_by("first"))
    assert ledger.holdings[DAY, before_midnight].outstanding == old - Decimal("0.2")
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


MIDNIGHT_S = window_bounds(DAY)[1].timestamp()


@pytest.mark.parametrize("ahead_s", [-CLOCKS_S, -30.0, -1.0, 0.0, 1.0, 30.0, CLOCKS_S])
@pytest.mark.parametrize("at_s", [-CLOCKS_S - 1, -45.0, -20.0, -0.5, 0.0, 0.5, 20.0, 45.0, CLOCKS_S + 1])
def test_near_midnight_a_holder_whose_clock_differs_is_granted_of_its_own_day(ahead_s: float, at_s: float) -> None:
    ledger, owners_s = BudgetLedger(ACME), MIDNIGHT_S + at_s
    holders_s = owners_s + ahead_s
    lease = BudgetLease(ACME, "w1")
    assert lease.reserve("first", CENT, holders_s, TIMEOUT_S) is Reserve.LATER
    claim = lease.claim(holders_s)
    assert claim is not None
    ledger.receive(claim, owners_s)
    lease.receive(ledger.decide(owners_s), holders_s)
    assert lease.reserve("first", CENT, holders_s, TIMEOUT_S) is Reserve.DONE
    assert granted(ledger, lease, day_of(holders_s)) >= CENT


def test_what_is_granted_of_two_days_near_midnight_exceeds_the_budget_of_neither() -> None:
    ledger = BudgetLedger(ACME)
    leases = {name: BudgetLease(ACME, name) for name in ("early", "late")}
    clocks = {"early": MIDNIGHT_S + 30, "late": MIDNIGHT_S - 30}
    for number in range(150):
        for name, lease in leases.items():
            lease.reserve(f"{name}-{number}", CENT, clocks[name], TIMEOUT_S)
            if (claim := lease.claim(clocks[name])) is not None:
                ledger.receive(claim, MIDNIGHT_S)
            lease.receive(ledger.decide(MIDNIGHT_S), clocks[name])
    assert {name: lease.reserved_usd for name, lease in leases.items()} == {"early": 1, "late": 1}
    by_day = {day: granted(ledger, leases[name], day) for name, day in (("early", day_of(MIDNIGHT_S)), ("late", DAY))}
    assert set(by_day.values()) == {Decimal(1)}
