"""What a day came to, in figures: for people as a table, for programs as a file under build/."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from router.catalogue import Catalogue
from router.cost import price_of
from router.route import Estimate
from schemas.costs import CostEvent
from schemas.responses import Response
from schemas.vocabulary import Certainty, Lane, Status

BUILD = Path(__file__).resolve().parents[2] / "build"
NANO = Decimal(1_000_000_000)
BROKEN = 1
"""The exit code if something did not hold."""


@dataclass(slots=True)
class Tally:
    """What became of the requests of a day, and what they cost."""

    catalogue: Catalogue
    deadline_s: dict[str, float] = field(default_factory=dict)
    """Of each request that was published, seconds since 1970."""
    can_wait: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    by: Counter[str] = field(default_factory=Counter)
    late: list[str] = field(default_factory=list)
    waited: set[str] = field(default_factory=set)
    billed_nano_usd: dict[str, int] = field(default_factory=dict)
    unknown_nano_usd: dict[str, int] = field(default_factory=dict)
    batch_usd: Decimal = Decimal(0)
    live_usd: Decimal = Decimal(0)
    """What the batches' answers would have cost in live calls of the same models."""

    def published(self, request_id: str, deadline_s: float, *, can_wait: bool) -> None:
        """Note a request."""
        self.deadline_s[request_id] = deadline_s
        if can_wait:
            self.can_wait.add(request_id)

    def response(self, response: Response) -> None:
        """Note an answer."""
        request_id = str(response.request_id)
        self.answers[request_id] += 1
        in_batch = response.lane is Lane.BATCH
        came_back = "waited for a batch" in (response.route_reason or "")
        how = "batch" if in_batch else "returned" if came_back else "live"
        self.by[how if response.status is Status.COMPLETED else f"{how}, {response.status}"] += 1
        if response.completed_at.timestamp() > self.deadline_s[request_id]:
            self.late.append(request_id)
        if in_batch or came_back:
            self.waited.add(request_id)

    def cost(self, event: CostEvent) -> None:
        """Note a cost event; one that comes again is the same."""
        nano_usd = 0 if event.cost_usd is None else round(event.cost_usd * NANO)
        if event.event_id in self.billed_nano_usd or event.event_id in self.unknown_nano_usd:
            return
        known = event.certainty is Certainty.METERED
        (self.billed_nano_usd if known else self.unknown_nano_usd)[event.event_id] = nano_usd
        if known and event.batch_id is not None and event.cost_usd is not None:
            price = self.catalogue.models[event.request_model].price
            tokens = Estimate(event.input_tokens or 0, event.output_tokens or 0)
            self.batch_usd += event.cost_usd
            self.live_usd += event.cost_usd if price is None else price_of(price, tokens)

    def figures(self, invoice_nano_usd: int, batches_s: list[float]) -> dict[str, object]:
        """Return the figures.

        Args:
            invoice_nano_usd: what the providers charged in all.
            batches_s: from creation to end of each batch.
        """
        billed, unknown = sum(self.billed_nano_usd.values()), sum(self.unknown_nano_usd.values())
        all_live = billed + unknown + round((self.live_usd - self.batch_usd) * NANO)
        twice = sum(count > 1 for count in self.answers.values())
        return {
            "requests": len(self.deadline_s),
            "can_wait": len(self.can_wait),
            "answered_by": dict(sorted(self.by.items())),
            "waited_for_a_batch": len(self.waited),
            "never_answered": len(self.deadline_s.keys() - self.answers.keys()),
            "answered_twice": twice,
            "deadlines_missed": len(self.late),
            "billed_usd": float((billed + unknown) / NANO),
            "of_which_unknown_usd": float(unknown / NANO),
            "invoice_usd": float(invoice_nano_usd / NANO),
            "bill_covers_invoice": billed <= invoice_nano_usd <= billed + unknown,
            "all_live_usd": float(all_live / NANO),
            "saved_usd": float(self.live_usd - self.batch_usd),
            "saved_percent": round(float(100 * (self.live_usd - self.batch_usd) * NANO / max(1, all_live)), 1),
            "batches": len(batches_s),
            "batch_p50_s": quantile(batches_s, 0.5),
            "batch_p99_s": quantile(batches_s, 0.99),
        }


def quantile(values: list[float], share: float) -> float:
    """Return the nearest rank; 0 of none."""
    return round(sorted(values)[max(0, ceil(share * len(values)) - 1)], 1) if values else 0.0


def holds(figures: Mapping[str, object]) -> bool:
    """Say whether every request has one answer, in time, and the bill is the invoice."""
    wrong = ("never_answered", "answered_twice", "deadlines_missed")
    return not any(figures[name] for name in wrong) and figures["bill_covers_invoice"] is True


def show(title: str, figures: Mapping[str, object], note: str, file: str) -> None:
    """Print the table, and write build/`file`."""
    verdict = "[green]all of it held" if holds(figures) else "[bold red]it did not hold"
    table = Table(title=f"{title}: {verdict}", title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), _shown(value))
    console = Console(width=120)
    console.print(table)
    console.print(note, highlight=False)
    BUILD.mkdir(exist_ok=True)
    (BUILD / file).write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count:,} {name}" for name, count in value.items()) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int | float) else str(value)
