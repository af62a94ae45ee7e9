"""The owner's ledger of one tenant: what claims that come late, twice or out of order may do."""

from decimal import Decimal

import orjson

from router.budgets.ledger import BudgetLedger
from router.budgets.rules import day_of
from router.tenants import Tenant
from schemas.budgets import BudgetClaim
from schemas.message import MOST_USD

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
    ledger.receive(first, NOON_S)
    once = ledger.decide(NOON_S).grants[0].granted_usd
    ledger.receive(claim(2, str(once), "0.2"), NOON_S + 1)
    twice = ledger.decide(NOON_S + 1).grants[0].granted_usd
    assert twice > once
    ledger.receive(first, NOON_S + 2)
    assert ledger.decide(NOON_S + 2).grants[0].granted_usd == twice, "else others are granted what w1 may still spend"


def test_the_offset_that_an_earlier_version_stored_holds_until_its_partition_is_known() -> None:
    tenant = Tenant("acme", daily_budget_usd=Decimal(1))
    stored = b'{"offset":7,"version":1,"spent":{},"told":{},"holdings":[]}'
    ledger = BudgetLedger.load(tenant, stored)
    assert ledger.counted_to(3) == 7
    assert BudgetLedger.load(tenant, ledger.dump()).counted_to(3) == 7
    ledger.count_to(3, 9)
    assert (ledger.counted_to(3), ledger.counted_to(0)) == (9, -1)


def test_each_partition_has_its_own_offset_and_an_earlier_version_reads_one() -> None:
    tenant = Tenant("acme", daily_budget_usd=Decimal(1))
    ledger = BudgetLedger(tenant)
    ledger.count_to(1, 100)
    assert orjson.loads(ledger.dump())["offset"] == 100
    ledger.count_to(5, 2)
    restored = BudgetLedger.load(tenant, ledger.dump())
    assert [restored.counted_to(partition) for partition in (0, 1, 5)] == [-1, 100, 2]


def test_a_sum_that_is_beyond_what_can_be_told_is_told_as_the_most() -> None:
    ledger = BudgetLedger(Tenant("acme", daily_budget_usd=Decimal(1)))
    for _ in range(2):
        ledger.spend(DAY, MOST_USD, None)
    assert [window.spent_usd for window in ledger.decide(NOON_S).windows] == [MOST_USD, MOST_USD]


def test_a_budget_names_the_grants_that_are_news_and_all_of_them_if_it_is_not_known_who_heard() -> None:
    ledger = BudgetLedger(Tenant("acme", daily_budget_usd=Decimal(1)))
    other = claim(1, "0", "0.2").model_copy(update={"holder": "w2"})
    ledger.receive(claim(1, "0", "0.2"), NOON_S)
    ledger.receive(other, NOON_S)
    assert [one.holder for one in ledger.decide(NOON_S).grants] == ["w1", "w2"]
    assert ledger.decide(NOON_S + 1).grants == ()
    ledger.receive(other, NOON_S + 2)
    assert [one.holder for one in ledger.decide(NOON_S + 2).grants] == ["w2"], "a claim that comes again is answered"
    ledger.tell_all()
    assert [one.holder for one in ledger.decide(NOON_S + 3).grants] == ["w1", "w2"]


def test_a_grant_that_is_met_later_is_news() -> None:
    ledger = BudgetLedger(Tenant("acme", daily_budget_usd=Decimal(1)))
    ledger.receive(claim(1, "0", "0.9"), NOON_S)
    held = ledger.decide(NOON_S).grants[0].granted_usd
    other = claim(1, "0", "0.2").model_copy(update={"holder": "w2"})
    ledger.receive(other, NOON_S + 1)
    assert [one.granted_usd for one in ledger.decide(NOON_S + 1).grants] == [0], "answered, and not met"
    ledger.receive(claim(2, "0.1", "0"), NOON_S + 2)
    told = {one.holder: one.granted_usd for one in ledger.decide(NOON_S + 2).grants}
    assert held > told["w1"]
    assert told["w2"] >= Decimal("0.2")
