"""A worker looks at a lease when something is asked of it or due, and claims just what it would if it always looked."""

from decimal import Decimal

import pytest

from router.budgets.lease import BudgetLease
from router.budgets.ledger import BudgetLedger
from router.budgets.rules import window_bounds
from router.tenants import Tenant
from schemas.budgets import BudgetClaim
from streams.control.budget_client import BudgetClient
from tests.stage import NOW_S

ACME = Tenant("acme", daily_budget_usd=Decimal(1))
CENT = Decimal("0.01")
STEP_S = 0.5


def claims(lease: BudgetLease, look: list[BudgetClaim], ledger: BudgetLedger | None, now_s: float) -> None:
    """Answer what was claimed."""
    if ledger is not None and look:
        for claim in look:
            ledger.receive(claim, now_s)
        lease.receive(ledger.decide(now_s), now_s)


@pytest.mark.parametrize("owner_is_there", [True, False])
@pytest.mark.parametrize("from_s", [NOW_S, window_bounds("2027-01-15")[1].timestamp() - 20])
def test_what_is_claimed_by_due_times_is_what_looking_all_the_time_would_claim(
    from_s: float, *, owner_is_there: bool
) -> None:
    now_s = from_s
    client = BudgetClient({"acme": ACME}, "w@1", lambda: now_s)
    by_due, swept = client.of(ACME), BudgetLease(ACME, "w@1")
    assert by_due is not None
    ledgers = [BudgetLedger(ACME) if owner_is_there else None for _ in range(2)]
    told: tuple[list[tuple[float, BudgetClaim]], ...] = ([], [])
    asked = {2: "a", 3: "b", 90: "c", 400: "d"}
    ended = {10: "a", 12: "b", 100: "c"}  # the end of d is never told
    for step in range(900):
        now_s = from_s + step * STEP_S
        for lease in (by_due, swept):
            if step in asked:
                lease.reserve(asked[step], CENT, now_s, 20)
            if step in ended:
                lease.settle(ended[step], CENT)
        looks = (client.claims(now_s), [claim for claim in [swept.claim(now_s)] if claim is not None])
        for lease, look, ledger, found in zip((by_due, swept), looks, ledgers, told, strict=True):
            found += [(now_s, claim) for claim in look]
            claims(lease, look, ledger, now_s)
    assert told[0] == told[1]
    assert len(told[0]) > 5


def test_leases_that_hold_nothing_are_not_looked_at() -> None:
    tenants = {name: Tenant(name, daily_budget_usd=Decimal(1)) for name in ("a", "b", "c")}
    now_s = NOW_S
    client = BudgetClient(tenants, "w@1", lambda: now_s)
    lease = client.of(tenants["b"])
    assert lease is not None
    lease.reserve("call", CENT, now_s, 20)
    assert [claim.tenant for claim in client.claims(now_s)] == ["b"]
    lease.release("call")
    seen = set(client.due(now_s + 1))
    assert seen == {"b"}
