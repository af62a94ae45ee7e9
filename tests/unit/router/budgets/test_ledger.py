"""The owner's ledger of one tenant: what claims that come late, twice or out of order may do."""

from decimal import Decimal

from router.budgets.ledger import BudgetLedger
from router.budgets.rules import day_of
from router.tenants import Tenant
from schemas.budgets import BudgetClaim

NOON_S = 1_800_014_400.0
DAY = day_of(NOON_S)


def claim(sequence: int, cap: str, wanted: str) -> BudgetClaim:
    return BudgetClaim(
        tenant="acme",
        holder="w1",
        day=DAY,
        sequence=sequence,
        cap_usd=Decimal(cap),
        left_usd=Decimal(0),
        needed_usd=Decimal(wanted),
        wanted_usd=Decimal(wanted),
    )


def test_a_claim_that_comes_again_after_a_newer_one_takes_no_grant_back() -> None:
    ledger = BudgetLedger(Tenant("acme", daily_budget_usd=Decimal(1)))
    first = claim(1, "0", "0.2")
    ledger.hear(first, NOON_S)
    once = ledger.decide(NOON_S).grants[0].granted_usd
    ledger.hear(claim(2, str(once), "0.2"), NOON_S + 1)
    twice = ledger.decide(NOON_S + 1).grants[0].granted_usd
    assert twice > once
    ledger.hear(first, NOON_S + 2)
    assert ledger.decide(NOON_S + 2).grants[0].granted_usd == twice, "else others are granted what w1 may still spend"
