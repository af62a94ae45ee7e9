"""Compares the bill, `llm.costs.v1`, with the invoice, what the provider says that it charged.

They are joined by the idempotency key of each call, which is the id of its cost event. Money is in nano-dollars.

| event                  | invoice           | then                                                                |
|------------------------|-------------------|---------------------------------------------------------------------|
| metered                | the same amount   | as it should be                                                     |
| metered                | another amount    | mismatched                                                          |
| metered, estimated     | nothing           | billed, and never charged                                           |
| none                   | a row             | charged, and never billed                                           |
| two, with one id       |                   | a replay if they are identical, else contradictory                  |
| estimated, unknown     | a row             | counted apart, with both amounts                                    |
| unknown                | nothing           | the call was cut off before it was charged; counted apart           |
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sandbox.provider.invoice import InvoiceRow
from schemas.costs import CostEvent
from schemas.message import NANO_USD
from schemas.vocabulary import Certainty


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Calls whose price Turnout did not learn: what it billed for them, and what the provider charged."""

    calls: int = 0
    charged_calls: int = 0
    billed_nano_usd: int = 0
    charged_nano_usd: int = 0

    @property
    def difference_usd(self) -> Decimal:
        """How much too high the bill is on their account; negative if it is too low."""
        return usd(self.billed_nano_usd - self.charged_nano_usd)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Where bill and invoice agree and where they do not. Each call that is out of order is there by its event id."""

    metered_calls: int
    """Billed by the provider's own usage, and on the invoice with the same amount."""
    metered_nano_usd: int
    invoice_nano_usd: int
    """All rows of the invoice together."""
    estimated: Uncertain
    """Answers that came without usage."""
    unknown: Uncertain
    """Calls that were cut off."""
    replays: int
    """Events that came again, word for word."""
    never_billed: tuple[str, ...]
    """Rows of the invoice without an event; those without an idempotency key by the id of their answer."""
    never_charged: tuple[str, ...]
    mismatched: tuple[str, ...]
    contradictory: tuple[str, ...]

    @property
    def bill_equals_invoice(self) -> bool:
        """Whether nothing is missing and every metered call is billed exactly as it was charged."""
        return not (self.never_billed or self.never_charged or self.mismatched or self.contradictory)

    @property
    def metered_usd(self) -> Decimal:
        """What the calls that agree cost."""
        return usd(self.metered_nano_usd)

    def sentence(self) -> str:
        """Say it in one sentence."""
        if not self.bill_equals_invoice:
            return f"The bill does not equal the invoice: {'; '.join(self._quarrels())}."
        agreed = f"{_calls(self.metered_calls)}, {self.metered_usd:f} USD, equal to the nano-dollar"
        uncertain = [*_told(self.estimated, "without usage"), *_told(self.unknown, "cut off")]
        apart = f"; counted apart: {'; '.join(uncertain)}" if uncertain else ""
        return f"The bill equals the invoice: {agreed}{apart}."

    def _quarrels(self) -> Iterable[str]:
        for ids, what in (
            (self.never_billed, "charged and never billed"),
            (self.never_charged, "billed and never charged"),
            (self.mismatched, "billed otherwise than charged"),
            (self.contradictory, "billed twice with different contents"),
        ):
            if ids:
                yield f"{_calls(len(ids))} {what} (first {ids[0]})"


def reconcile(costs: Iterable[CostEvent], invoice: Iterable[InvoiceRow]) -> Reconciliation:
    """Compare all cost events with all rows of the invoice, each in any order."""
    events: dict[str, CostEvent] = {}
    contradictory: dict[str, None] = {}
    replays = 0
    for event in costs:
        known = events.setdefault(event.event_id, event)
        if known is event:
            continue
        if known == event:
            replays += 1
        else:
            contradictory[event.event_id] = None
    charged: Counter[str] = Counter()
    never_billed: list[str] = []
    for row in invoice:
        key = row.idempotency_key
        if key is None or key not in events:
            never_billed.append(row.id if key is None else key)
        # A key that was charged twice adds up, and then does not match.
        charged[row.id if key is None else key] += row.cost_nano_usd
    metered = [event for event in events.values() if event.certainty is Certainty.METERED and event.event_id in charged]
    agreeing = [event for event in metered if charged[event.event_id] == event.cost_nano_usd]
    return Reconciliation(
        metered_calls=len(agreeing),
        metered_nano_usd=sum(charged[event.event_id] for event in agreeing),
        invoice_nano_usd=charged.total(),
        estimated=_apart(events, charged, Certainty.ESTIMATED),
        unknown=_apart(events, charged, Certainty.UNKNOWN),
        replays=replays,
        never_billed=tuple(never_billed),
        never_charged=tuple(
            event.event_id
            for event in events.values()
            if event.certainty is not Certainty.UNKNOWN and event.event_id not in charged
        ),
        mismatched=tuple(event.event_id for event in metered if charged[event.event_id] != event.cost_nano_usd),
        contradictory=tuple(contradictory),
    )


def usd(nano_usd: int) -> Decimal:
    """Return nano-dollars as US dollars with 9 places."""
    return nano_usd * NANO_USD


def _apart(events: Mapping[str, CostEvent], charged: Mapping[str, int], certainty: Certainty) -> Uncertain:
    theirs = [event for event in events.values() if event.certainty is certainty]
    return Uncertain(
        calls=len(theirs),
        charged_calls=sum(event.event_id in charged for event in theirs),
        billed_nano_usd=sum(event.cost_nano_usd or 0 for event in theirs),
        charged_nano_usd=sum(charged.get(event.event_id, 0) for event in theirs),
    )


def _told(uncertain: Uncertain, what: str) -> Iterable[str]:
    if uncertain.calls:
        yield (
            f"{_calls(uncertain.calls)} {what}, billed {usd(uncertain.billed_nano_usd):f} USD, "
            f"charged {usd(uncertain.charged_nano_usd):f} USD"
        )


def _calls(count: int) -> str:
    return f"{count:,} call" if count == 1 else f"{count:,} calls"
