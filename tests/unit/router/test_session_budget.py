"""A session whose tenant has a budget: it reserves, waits, settles, and ends when nothing can be paid."""

from decimal import Decimal

from router.budgets.lease import BudgetLease, Reserve
from router.budgets.ledger import BudgetLedger
from router.budgets.rules import day_of
from router.models.pool import ModelPool
from router.request.reserving import BUDGET_WAIT_S
from router.request.session import Answered, Call, Failed, Finish, Session, Started, Wait, Woke
from router.tenants import Tenant
from schemas.budgets import Budget
from schemas.vocabulary import ErrorCode, Status
from tests.stage import ALPHA, ANSWER, LATENCY_S, NOW_S, ONE, TIMEOUT, UNPRICED, make_catalogue, make_job, trip

ACME = Tenant("acme", daily_budget_usd=Decimal("0.001"))


def exchange(ledger: BudgetLedger, lease: BudgetLease, now_s: float) -> Budget | None:
    claim = lease.claim(now_s)
    if claim is None:
        return None
    ledger.receive(claim, now_s)
    budget = ledger.decide(now_s)
    lease.receive(budget, now_s)
    return budget


def session(lease: BudgetLease, deadline_s: float = 60.0) -> Session:
    return Session(make_job(deadline_s=deadline_s), ModelPool(ONE), lambda: 0.0, lease)


def ended(action: object) -> tuple[Status, ErrorCode]:
    assert isinstance(action, Finish)
    assert action.response.error is not None
    return action.response.status, action.response.error.code


def test_it_waits_for_its_first_grant_then_calls_and_settles() -> None:
    reserved: list[str] = []
    ledger, lease = BudgetLedger(ACME), BudgetLease(ACME, "w1", reserved.append)
    one = session(lease)
    wait = one.receive(Started(NOW_S))
    assert isinstance(wait, Wait)
    exchange(ledger, lease, NOW_S)
    assert reserved == [wait.call_id], "and is woken by it"
    call = one.receive(Woke(wait.until_s))
    assert isinstance(call, Call)
    finish = one.receive(Answered(wait.until_s + LATENCY_S, ANSWER, LATENCY_S))
    assert isinstance(finish, Finish)
    assert lease.drawn_by(finish.costs[0].event_id) == lease.holder


def test_a_call_of_unknown_outcome_keeps_its_estimate() -> None:
    ledger, lease = BudgetLedger(ACME), BudgetLease(ACME, "w1")
    one = session(lease)
    one.receive(Started(NOW_S))
    exchange(ledger, lease, NOW_S)
    call = one.receive(Woke(NOW_S + 0.05))
    assert isinstance(call, Call)
    one.receive(Failed(NOW_S + 20, TIMEOUT, 20.0))
    assert lease.drawn_by(call.started.event_id) == lease.holder


def test_what_the_budget_cannot_pay_is_rejected_at_once_and_no_call_is_made() -> None:
    ledger, lease = BudgetLedger(ACME), BudgetLease(ACME, "w1")
    ledger.spend(day_of(NOW_S), Decimal("0.00099"), None)
    lease.receive(ledger.decide(NOW_S), NOW_S)
    assert ended(session(lease).receive(Started(NOW_S))) == (Status.REJECTED, ErrorCode.BUDGET_EXHAUSTED)


def test_while_others_have_reserved_the_rest_it_waits_and_is_then_rejected() -> None:
    ledger, other, lease = BudgetLedger(ACME), BudgetLease(ACME, "w1"), BudgetLease(ACME, "w2")
    for _ in range(2):
        other.reserve("c", Decimal("0.0009"), NOW_S, 20.0)
        exchange(ledger, other, NOW_S)
    assert other.reserve("d", Decimal("0.0009"), NOW_S, 20.0) is Reserve.LATER
    one, now_s = session(lease), NOW_S
    action = one.receive(Started(now_s))
    while isinstance(action, Wait):
        exchange(ledger, lease, now_s)
        now_s = action.until_s
        action = one.receive(Woke(now_s))
    assert ended(action) == (Status.REJECTED, ErrorCode.BUDGET_EXHAUSTED)
    assert BUDGET_WAIT_S / 2 < now_s - NOW_S <= BUDGET_WAIT_S


def test_while_nobody_keeps_the_accounts_it_waits_until_its_deadline() -> None:
    one, now_s = session(BudgetLease(ACME, "w1"), deadline_s=30.0), NOW_S
    action = one.receive(Started(now_s))
    while isinstance(action, Wait):
        now_s = action.until_s
        action = one.receive(Woke(now_s))
    assert ended(action)[1] is ErrorCode.DEADLINE_EXCEEDED
    assert now_s - NOW_S > 28


def test_a_model_of_unknown_price_is_not_called_for_a_tenant_with_a_budget() -> None:
    one = Session(make_job(), ModelPool(make_catalogue(UNPRICED)), lambda: 0.0, BudgetLease(ACME, "w1"))
    assert ended(one.receive(Started(NOW_S))) == (Status.REJECTED, ErrorCode.BUDGET_EXHAUSTED)


def waiting(lease: BudgetLease, pool: ModelPool | None = None) -> tuple[Session, Wait]:
    one = Session(make_job(), pool or ModelPool(ONE), lambda: 0.0, lease)
    wait = one.receive(Started(NOW_S))
    assert isinstance(wait, Wait)
    assert wait.call_id is not None
    return one, wait


def called(lease: BudgetLease, ledger: BudgetLedger) -> tuple[Session, Call]:
    one, _ = waiting(lease)
    exchange(ledger, lease, NOW_S)
    call = one.receive(Woke(NOW_S))
    assert isinstance(call, Call)
    assert lease.reserved_usd == call.started.cost_usd
    return one, call


def test_who_is_given_up_while_it_waits_waits_no_more() -> None:
    ledger, lease = BudgetLedger(ACME), BudgetLease(ACME, "w1")
    one, _ = waiting(lease)
    one.abandon(NOW_S)
    exchange(ledger, lease, NOW_S)
    assert lease.reserved_usd == 0


def test_what_was_reserved_for_a_call_that_has_to_wait_for_something_else_is_free_again() -> None:
    ledger, lease, pool = BudgetLedger(ACME), BudgetLease(ACME, "w1"), ModelPool(ONE)
    one, _ = waiting(lease, pool)
    exchange(ledger, lease, NOW_S)
    assert lease.reserved_usd > 0
    trip(pool, ALPHA)
    wait = one.receive(Woke(NOW_S))
    assert isinstance(wait, Wait)
    assert wait.call_id is None
    assert lease.reserved_usd == 0


def test_a_call_that_is_called_off_before_it_is_written_ahead_is_free_at_once_and_nothing_is_handed_on() -> None:
    lease = BudgetLease(ACME, "w1")
    one, _ = called(lease, BudgetLedger(ACME))
    one.call_off(is_written=False)
    assert lease.reserved_usd == 0
    assert one.abandon(NOW_S) == ()


def test_a_call_that_is_called_off_while_it_is_written_ahead_is_free_when_its_next_owner_can_know() -> None:
    lease = BudgetLease(ACME, "w1")
    one, call = called(lease, BudgetLedger(ACME))
    one.call_off(is_written=True)
    handed_on = one.abandon(NOW_S)
    assert lease.reserved_usd == call.started.cost_usd
    one.handed_on()
    assert lease.reserved_usd == 0
    heir = Session(make_job(), ModelPool(ONE), lambda: 0.0)
    again = heir.receive(Started(NOW_S, handed_on))
    assert isinstance(again, Call)
    assert again.started.attempt == call.started.attempt, "it has not happened"
    finish = heir.receive(Answered(NOW_S + LATENCY_S, ANSWER, LATENCY_S))
    assert isinstance(finish, Finish)
    assert [cost.attempt for cost in finish.costs] == [call.started.attempt]


def test_a_call_that_may_have_been_made_stays_reserved_when_its_request_is_given_up() -> None:
    lease = BudgetLease(ACME, "w1")
    one, call = called(lease, BudgetLedger(ACME))
    one.abandon(NOW_S)
    one.handed_on()
    assert lease.reserved_usd == call.started.cost_usd


def test_the_cost_of_an_ended_call_is_the_next_owners_to_tell_when_the_request_is_given_up() -> None:
    lease = BudgetLease(ACME, "w1")
    one, first = called(lease, BudgetLedger(ACME))
    second = one.receive(Failed(NOW_S + 20, TIMEOUT, 20.0))
    assert isinstance(second, Call)
    assert lease.reserved_usd == second.started.cost_usd
    one.abandon(NOW_S + 20)
    assert lease.drawn_by(first.started.event_id) is None
    assert lease.reserved_usd == (first.started.cost_usd or 0) + (second.started.cost_usd or 0)


def test_a_call_under_way_when_its_session_breaks_off_is_settled_with_its_estimate() -> None:
    lease = BudgetLease(ACME, "w1")
    one, call = called(lease, BudgetLedger(ACME))
    finish = one.break_off("a defect", NOW_S)
    assert [cost.cost_usd for cost in finish.costs] == [call.started.cost_usd]
    assert lease.reserved_usd == 0
    assert lease.drawn_by(call.started.event_id) == lease.holder


def test_a_call_that_could_not_be_written_ahead_costs_nothing_when_its_session_breaks_off() -> None:
    lease = BudgetLease(ACME, "w1")
    one, _ = called(lease, BudgetLedger(ACME))
    one.call_off(is_written=True)
    assert one.break_off("KafkaError in the worker", NOW_S).costs == ()
    assert lease.reserved_usd == 0


def test_a_request_with_little_time_waits_for_a_grant_nearly_to_its_deadline() -> None:
    one = session(BudgetLease(ACME, "w1"), deadline_s=0.3)
    wait = one.receive(Started(NOW_S))
    assert isinstance(wait, Wait)
    assert 0.2 < wait.until_s - NOW_S < 0.3
    assert ended(one.receive(Woke(wait.until_s)))[1] is ErrorCode.DEADLINE_EXCEEDED
