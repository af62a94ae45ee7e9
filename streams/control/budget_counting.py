"""From a record to the ledger that counts it: cost events, and what is held for requests of the batch lane."""

from router.budgets.counted_events import Counted
from router.budgets.ledger import BudgetLedger
from router.budgets.rules import day_of
from schemas.budgets import BudgetReservation
from schemas.costs import CostEvent
from schemas.message import utc_from_ms
from streams.codec import Delivery
from streams.internal_records import read_internal
from streams.publisher import HOLDER


def count_cost(record: Delivery, ledger: BudgetLedger, counted: Counted, now_s: float) -> bool:
    """Count a cost event, unless its call was counted; say whether it is one.

    What was held for the call is free in the same step.
    """
    event = read_internal(
        CostEvent, record.value, record.origin.topic, now_s, lambda one: utc_from_ms(one.occurred_at_ms)
    )
    if event is None:
        return False
    if counted.is_new_cost(event, record.origin.offset, int(record.written_s(now_s))):
        day = day_of(event.occurred_at_ms / 1000)
        if event.reserved_usd is not None:
            ledger.free(day, event.reserved_usd)
        if event.cost_usd is not None:
            ledger.spend(day, event.cost_usd, _holder(record))
    return True


def count_reservation(record: Delivery, ledger: BudgetLedger, counted: Counted, now_s: float) -> bool:
    """Count a reservation or its release, unless it was counted; say whether it is one."""
    reservation = read_internal(
        BudgetReservation, record.value, record.origin.topic, now_s, lambda one: utc_from_ms(one.occurred_at_ms)
    )
    if reservation is None:
        return False
    if counted.is_new_reservation(reservation, record.origin.offset, int(record.written_s(now_s))):
        day = day_of(reservation.occurred_at_ms / 1000)
        if reservation.is_released:
            ledger.free(day, reservation.amount_usd)
        else:
            ledger.reserve(day, reservation.amount_usd, _holder(record))
    return True


def _holder(record: Delivery) -> str | None:
    return (dict(record.headers).get(HOLDER) or b"").decode(errors="replace") or None
