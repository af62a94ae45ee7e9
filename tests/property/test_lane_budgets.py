"""What budgets hold for the batch lane, through replays in any order, duplicates, and owners that end in between."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import uuid5

from hypothesis import given, settings
from hypothesis import strategies as st

from router.budgets.counted_events import Counted, Kind
from router.budgets.ledger import RESERVATIONS, BudgetLedger
from router.budgets.rules import day_of
from router.job import Origin
from router.tenants import Tenant
from schemas.budgets import BudgetReservation
from schemas.costs import EVENT_NAMESPACE, CostEvent
from schemas.message import utc_from_ms
from streams.codec import Delivery
from streams.control.budget_counting import count_cost, count_reservation
from tests.examples import examples

NOON_S = 1_800_014_400
ACME = Tenant("acme", daily_budget_usd=Decimal(100), monthly_budget_usd=Decimal(1000))
COST = CostEvent.decode((Path(__file__).parents[1] / "contract/golden/v2/cost-batch.json").read_bytes())
CENTS = st.integers(1, 500).map(lambda cents: Decimal(cents) / 100)


@dataclass(frozen=True)
class Waited:
    """A request that waited: what was held for it, and what it cost; None: it was never charged."""

    held: Decimal
    cost: Decimal | None

    def records(self, number: int, decided_s: int) -> tuple[BudgetReservation, CostEvent | BudgetReservation]:
        event_id = str(uuid5(EVENT_NAMESPACE, str(number)))
        held = BudgetReservation(
            tenant="acme", event_id=event_id, occurred_at_ms=decided_s * 1000, amount_usd=self.held
        )
        if self.cost is None:
            return held, held.model_copy(update={"is_released": True})
        told = {"event_id": event_id, "tenant": "acme", "occurred_at_ms": decided_s * 1000, "cost_usd": self.cost}
        told |= {"occurred_at": utc_from_ms(decided_s * 1000), "reserved_usd": self.held}
        return held, COST.model_copy(update=told)


@dataclass
class Owner:
    """Counts two logs as the owner does; it may end with its ids stored and its sums not."""

    ledger: BudgetLedger
    counted: Counted

    def count(self, log: list[Delivery], number: int) -> None:
        count = count_reservation if number == RESERVATIONS else count_cost
        for record in log[self.ledger.counted_to(number) + 1 :]:
            count(record, self.ledger, self.counted, NOON_S + 90_000)
            self.ledger.count_to(number, record.origin.offset)
        assert all(amount >= 0 for amount in self.told())

    def told(self) -> list[Decimal]:
        return [window.reserved_usd for window in self.ledger.decide(NOON_S).windows]


waits = st.lists(st.builds(Waited, CENTS, st.none() | CENTS), min_size=1, max_size=8)


@settings(max_examples=examples(100), deadline=None)
@given(waits, st.data())
def test_when_all_have_ended_nothing_is_held_and_what_was_spent_is_what_it_cost(
    waited: list[Waited], data: st.DataObject
) -> None:
    costs, reservations = list[Delivery](), list[Delivery]()
    told = [record for number, one in enumerate(waited) for record in one.records(number, NOON_S + number)]
    told += data.draw(st.lists(st.sampled_from(told), max_size=8))
    for at, message in enumerate(data.draw(st.permutations(told))):
        log = costs if isinstance(message, CostEvent) else reservations
        written_ms = (NOON_S + 80_000 + at * data.draw(st.integers(0, 3))) * 1000
        log.append(Delivery(Origin("log", 0, len(log)), written_ms, b"acme", message.encode(), []))
    owner = Owner(BudgetLedger(ACME), Counted())
    stored_sums, stored_ids = owner.ledger.dump(), dict[tuple[Kind, int], bytes]()
    for step in data.draw(st.lists(st.sampled_from(["costs", "reservations", "ids", "sums", "ends"]), max_size=12)):
        match step:
            case "costs":
                owner.count(costs[: data.draw(st.integers(0, len(costs)))], 0)
            case "reservations":
                owner.count(reservations[: data.draw(st.integers(0, len(reservations)))], RESERVATIONS)
            case "ids" | "sums":  # ids go first, always
                stored_ids |= {
                    (kind, second): owner.counted.dump(kind, second) for kind, second in owner.counted.changed
                }
                owner.counted.changed.clear()
                stored_sums = owner.ledger.dump() if step == "sums" else stored_sums
            case "ends":
                owner = Owner(BudgetLedger.load(ACME, stored_sums), Counted())
                for (kind, second), value in stored_ids.items():
                    owner.counted.load(kind, second, value)
    owner.count(costs, 0)
    owner.count(reservations, RESERVATIONS)
    assert owner.told() == [0, 0]
    assert set(owner.ledger.reserved.values()) <= {Decimal(0)}
    spent = sum((one.cost or Decimal(0) for one in waited), Decimal(0))
    assert owner.ledger.spent.get(day_of(NOON_S), Decimal(0)) == spent
    assert owner.ledger.spent.get(day_of(NOON_S)[:7], Decimal(0)) == spent


@given(CENTS, CENTS)
@settings(max_examples=examples(20), deadline=None)
def test_what_is_held_is_neither_granted_nor_lost_at_an_heir(held: Decimal, cost: Decimal) -> None:
    reservation, event = Waited(held, cost).records(1, NOON_S)
    owner = Owner(BudgetLedger(ACME), Counted())
    owner.count([Delivery(Origin("log", 0, 0), NOON_S * 1000, b"acme", reservation.encode(), [])], RESERVATIONS)
    heir = Owner(BudgetLedger.load(ACME, owner.ledger.dump()), Counted())
    assert heir.told() == [held, held]
    assert heir.ledger.counted_to(RESERVATIONS) == 0
    assert heir.ledger.counted_to(0) == -1
    heir.count([Delivery(Origin("log", 0, 0), NOON_S * 1000, b"acme", event.encode(), [])], 0)
    assert heir.told() == [0, 0]
    assert heir.ledger.spent[day_of(NOON_S)] == cost
