"""Compares the bill, `llm.costs.v1`, with the invoice, what the provider says that it charged.

They are joined by the idempotency key of each call, which is the id of its cost event, or the `upstream_call_id` of the
events of several requests whose calls were made as one: these are added up first, and are as uncertain as the least
certain of them. A line of a batch has its `custom_id` as that. Money is in nano-dollars.

| event                  | invoice           | then                                                                |
|------------------------|-------------------|---------------------------------------------------------------------|
| metered                | the same amount   | as it should be                                                     |
| metered                | another amount    | mismatched                                                          |
| metered, estimated     | nothing           | billed, and never charged                                           |
| none                   | a row             | charged, and never billed                                           |
| two, with one id       |                   | a replay if they are identical, else contradictory                  |
| estimated, unknown     | a row             | counted apart, with both amounts                                    |
| unknown                | nothing           | the call was cut off before it was charged; counted apart           |

`judge` is for a provider that charges for errors, for calls that it never answers, or again for a key that it has
charged before (`sandbox.provider.unkind`). It asks three things, each of every call:

1. what is metered is what was charged, to the nano-dollar;
2. what is unknown is at least what was charged;
3. nothing was charged without an event.

An event without a price says that it does not know, an estimate that it is none of the provider's: they are counted
apart.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sandbox.provider.invoice import ChargeReason, InvoiceRow
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


@dataclass(frozen=True, slots=True)
class UnkindVerdict:
    """What the bill is worth against an unkind provider. Each call that is out of order is there by its event id."""

    metered_calls: int
    """Billed by the provider's own usage, and on the invoice with the same amount."""
    metered_nano_usd: int
    invoice_nano_usd: int
    """All rows of the invoice together."""
    invoice_by_reason: Mapping[ChargeReason, int]
    """The same in nano-dollars, by why it was charged."""
    estimated: Uncertain
    unknown: Uncertain
    unpriced: Uncertain
    """Events that say that their price is not known."""
    metered_otherwise: tuple[str, ...]
    unknown_too_low: tuple[str, ...]
    without_event: tuple[str, ...]
    """Rows of the invoice; those without an idempotency key by the id of their answer."""
    contradictory: tuple[str, ...]

    @property
    def metered_equals_invoice(self) -> bool:
        """Whether every call that is billed by usage or estimate was charged, and the metered ones exactly so."""
        return not (self.metered_otherwise or self.contradictory)

    @property
    def unknown_covers_charges(self) -> bool:
        """Whether every call of unknown outcome is billed with at least what it was charged."""
        return not self.unknown_too_low

    @property
    def no_charge_without_event(self) -> bool:
        """Whether every row of the invoice has its event."""
        return not self.without_event

    @property
    def holds(self) -> bool:
        """Whether all three are so."""
        return self.metered_equals_invoice and self.unknown_covers_charges and self.no_charge_without_event

    def sentence(self) -> str:
        """Say it in one sentence."""
        charged = ", ".join(f"{reason} {usd(amount):f}" for reason, amount in sorted(self.invoice_by_reason.items()))
        if not self.holds:
            return f"The bill does not hold: {'; '.join(self._quarrels())}; charged in USD: {charged or 'nothing'}."
        agreed = f"{_calls(self.metered_calls)} metered, {usd(self.metered_nano_usd):f} USD, equal to the nano-dollar"
        apart = [
            *_told(self.unknown, "unknown"),
            *_told(self.estimated, "without usage"),
            *_told(self.unpriced, "without a price"),
        ]
        return f"The bill holds: {'; '.join([agreed, *apart])}; charged in USD: {charged or 'nothing'}."

    def _quarrels(self) -> Iterable[str]:
        for ids, what in (
            (self.metered_otherwise, "metered otherwise than charged"),
            (self.unknown_too_low, "unknown and billed with less than was charged"),
            (self.without_event, "charged without an event"),
            (self.contradictory, "billed twice with different contents"),
        ):
            if ids:
                yield f"{_calls(len(ids))} {what} (first {ids[0]})"


def reconcile(costs: Iterable[CostEvent], invoice: Iterable[InvoiceRow]) -> Reconciliation:
    """Compare all cost events with all rows of the invoice, each in any order."""
    both = _join(costs, invoice)
    events, charged = both.events, both.charged
    metered = [event for event in events.values() if event.certainty is Certainty.METERED and event.event_id in charged]
    agreeing = [event for event in metered if charged[event.event_id] == event.cost_nano_usd]
    return Reconciliation(
        metered_calls=len(agreeing),
        metered_nano_usd=sum(charged[event.event_id] for event in agreeing),
        invoice_nano_usd=charged.total(),
        estimated=_apart(both.of(Certainty.ESTIMATED), charged),
        unknown=_apart(both.of(Certainty.UNKNOWN), charged),
        replays=both.replays,
        never_billed=both.without_event,
        never_charged=tuple(
            event.event_id
            for event in events.values()
            if event.certainty is not Certainty.UNKNOWN and event.event_id not in charged
        ),
        mismatched=tuple(event.event_id for event in metered if charged[event.event_id] != event.cost_nano_usd),
        contradictory=both.contradictory,
    )


def judge(costs: Iterable[CostEvent], invoice: Iterable[InvoiceRow]) -> UnkindVerdict:
    """Hold all cost events against all rows of an unkind provider's invoice, each in any order."""
    both = _join(costs, invoice)
    charged = both.charged
    unpriced = [event for event in both.events.values() if event.cost_nano_usd is None]
    metered = [event for event in both.of(Certainty.METERED) if event.cost_nano_usd is not None]
    estimated, unknown = both.of(Certainty.ESTIMATED), both.of(Certainty.UNKNOWN)
    agreeing = [event for event in metered if charged.get(event.event_id) == event.cost_nano_usd]
    otherwise = [event for event in metered if charged.get(event.event_id) != event.cost_nano_usd]
    otherwise += [event for event in estimated if event.event_id not in charged]
    too_low = [event for event in unknown if event.cost_nano_usd is not None and _falls_short(event, charged)]
    return UnkindVerdict(
        metered_calls=len(agreeing),
        metered_nano_usd=sum(charged[event.event_id] for event in agreeing),
        invoice_nano_usd=charged.total(),
        invoice_by_reason=both.by_reason,
        estimated=_apart(estimated, charged),
        unknown=_apart(unknown, charged),
        unpriced=_apart(unpriced, charged),
        metered_otherwise=tuple(event.event_id for event in otherwise),
        unknown_too_low=tuple(event.event_id for event in too_low),
        without_event=both.without_event,
        contradictory=both.contradictory,
    )


@dataclass(frozen=True, slots=True)
class _Joined:
    """Bill and invoice by the call's idempotency key."""

    events: Mapping[str, CostEvent]
    charged: Counter[str]
    """Nano-dollars; a key that was charged twice adds up."""
    by_reason: Counter[ChargeReason]
    replays: int
    contradictory: tuple[str, ...]
    without_event: tuple[str, ...]

    def of(self, certainty: Certainty) -> list[CostEvent]:
        return [event for event in self.events.values() if event.certainty is certainty]


def _join(costs: Iterable[CostEvent], invoice: Iterable[InvoiceRow]) -> _Joined:
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
    calls = _by_call(events.values())
    charged: Counter[str] = Counter()
    by_reason: Counter[ChargeReason] = Counter()
    without_event: list[str] = []
    for row in invoice:
        named = row.idempotency_key if row.custom_id is None else row.custom_id
        key = row.id if named is None else named
        if named is None or key not in calls:
            without_event.append(key)
        charged[key] += row.cost_nano_usd
        by_reason[row.reason] += row.cost_nano_usd
    return _Joined(calls, charged, by_reason, replays, tuple(contradictory), tuple(without_event))


def _by_call(events: Iterable[CostEvent]) -> dict[str, CostEvent]:
    """Return the events by their calls' keys; of one call for several requests, what they are together."""
    calls: dict[str, CostEvent] = {}
    for event in events:
        key = event.event_id if event.upstream_call_id is None else event.upstream_call_id
        known = calls.get(key)
        calls[key] = event.model_copy(update={"event_id": key}) if known is None else _together(known, event)
    return calls


def _together(call: CostEvent, event: CostEvent) -> CostEvent:
    known = call.cost_nano_usd is not None and event.cost_nano_usd is not None
    return call.model_copy(
        update={
            "cost_nano_usd": (call.cost_nano_usd or 0) + (event.cost_nano_usd or 0) if known else None,
            "certainty": event.certainty if event.certainty in call.certainty.worse else call.certainty,
        }
    )


def _falls_short(event: CostEvent, charged: Mapping[str, int]) -> bool:
    return (event.cost_nano_usd or 0) < charged.get(event.event_id, 0)


def usd(nano_usd: int) -> Decimal:
    """Return nano-dollars as US dollars with 9 places."""
    return nano_usd * NANO_USD


def _apart(events: Sequence[CostEvent], charged: Mapping[str, int]) -> Uncertain:
    return Uncertain(
        calls=len(events),
        charged_calls=sum(event.event_id in charged for event in events),
        billed_nano_usd=sum(event.cost_nano_usd or 0 for event in events),
        charged_nano_usd=sum(charged.get(event.event_id, 0) for event in events),
    )


def _told(uncertain: Uncertain, what: str) -> Iterable[str]:
    if uncertain.calls:
        yield (
            f"{_calls(uncertain.calls)} {what}, billed {usd(uncertain.billed_nano_usd):f} USD, "
            f"charged {usd(uncertain.charged_nano_usd):f} USD"
        )


def _calls(count: int) -> str:
    return f"{count:,} call" if count == 1 else f"{count:,} calls"
