"""A session whose tenant has a budget: it reserves, waits, settles, and ends when nothing can be paid."""

from decimal import Decimal

from router.budgets.lease import BudgetLease, Reserve
from router.budgets.ledger import BudgetLedger
from router.budgets.rules import day_of
from router.models.pool import ModelPool
from router.request.session import BUDGET_WAIT_S, Answered, Call, Failed, Finish, Session, Started, Wait, Woke
from router.tenants import Tenant
from schemas.budgets import Budget
from schemas.vocabulary import ErrorCode, Status
from tests.stage import ANSWER, LATENCY_S, NOW_S, ONE, TIMEOUT, UNPRICED, make_catalogue, make_job

ACME = Tenant("acme", daily_budget_usd=Decimal("0.001"))


def exchange(ledger: BudgetLedger, lease: BudgetLease, now_s: float) -> Budget | None:
    claim = lease.claim(now_s)
    if claim is None:
        return None
    ledger.hear(claim, now_s)
    budget = ledger.decide(now_s)
    lease.heard(budget)
    return budget


def session(lease: BudgetLease, deadline_s: float = 60.0) -> Session:
    return Session(make_job(deadline_s=deadline_s), ModelPool(ONE), lambda: 0.0, lease)


def ended(action: object) -> tuple[Status, ErrorCode]:
    assert isinstance(action, Finish)
    assert action.response.error is not None
    return action.response.status, action.response.error.code


def test_it_waits_for_its_first_grant_then_calls_and_settles() -> None:
    ledger, lease = BudgetLedger(ACME), BudgetLease(ACME, "w1")
    one = session(lease)
    wait = one.receive(Started(NOW_S))
    assert isinstance(wait, Wait)
    assert wait.until_s - NOW_S < 0.1
    exchange(ledger, lease, NOW_S)
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
    lease.heard(ledger.decide(NOW_S))
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
