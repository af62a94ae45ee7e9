"""Which of the sent requests have been answered, how, how fast, and for how much."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil

from rich.table import Table

from schemas.responses import Response
from schemas.vocabulary import Status
from streams.cli.speech import empty_table

NO_MODEL = "(none)"
Saved = Callable[[Response], Decimal]
"""Returns what a response has saved, USD: from the cache, or at the price of batches."""


@dataclass(slots=True)
class ModelRow:
    """The answers of one model."""

    statuses: Counter[Status] = field(default_factory=Counter)
    latencies_ms: list[int] = field(default_factory=list)
    cost_usd: Decimal = Decimal(0)
    saved_usd: Decimal = Decimal(0)

    def add(self, response: Response, saved_usd: Decimal) -> None:
        """Count one answer."""
        self.saved_usd += saved_usd
        self.statuses[response.status] += 1
        self.latencies_ms.append(response.latency_ms)
        self.cost_usd += response.cost_usd or 0

    def cells(self) -> list[str]:
        """Return the row's figures as text."""
        return [
            *(str(self.statuses[status]) for status in Status),
            str(percentile(self.latencies_ms, 0.50)),
            str(percentile(self.latencies_ms, 0.99)),
            f"${self.cost_usd:.6f}",
            f"${self.saved_usd:.6f}",
        ]


class Tally:
    """The requests that are waited for, and the answers that have come."""

    def __init__(self, saved: Saved = lambda response: response.saved_usd or Decimal(0)) -> None:
        """Take what tells what a response has saved."""
        self._saved = saved
        self._pending: set[str] = set()
        self._places: set[tuple[int, int]] = set()
        self._doubtful: dict[tuple[int, int], Response] = {}
        self._rows: dict[str, ModelRow] = {}
        self.total = ModelRow()
        """All answers together."""

    @property
    def pending(self) -> int:
        """How many answers are still to come."""
        return len(self._pending)

    @property
    def expected(self) -> int:
        """How many answers have come or are still to come."""
        return self.pending + self.total.statuses.total()

    def expect(self, request_id: str) -> None:
        """Wait for one more answer."""
        self._pending.add(request_id)

    def forget(self, request_id: str) -> None:
        """Wait no more for this answer: the request was not sent."""
        self._pending.discard(request_id)

    def sent(self, partition: int, offset: int) -> Response | None:
        """Remember where a request was written, and return its refusal if that has come already."""
        self._places.add((partition, offset))
        return self._doubtful.pop((partition, offset), None)

    def add(self, response: Response) -> bool:
        """Count an answer if it is waited for, and say whether it was.

        A refusal that leaves the id free may be of anybody's record: it counts only if the record is ours.
        """
        if response.request_id not in self._pending:
            return False
        place = response.request_partition, response.request_offset
        if not response.finishes_id and place not in self._places:
            self._doubtful[place] = response
            return False
        self._pending.discard(response.request_id)
        saved_usd = self._saved(response)
        self._rows.setdefault(response.request_model or NO_MODEL, ModelRow()).add(response, saved_usd)
        self.total.add(response, saved_usd)
        return True

    def __str__(self) -> str:
        counts = ", ".join(f"{self.total.statuses[status]} {status}" for status in Status)
        saved = f", saved ${self.total.saved_usd:.6f}" if self.total.saved_usd else ""
        return f"{counts}, ${self.total.cost_usd:.6f}{saved}"

    def table(self) -> Table:
        """Return the answers by model, and all together."""
        table = empty_table("Answers", ("model",), (*Status, "p50 ms", "p99 ms", "cost", "saved"))
        for model in sorted(self._rows):
            table.add_row(model, *self._rows[model].cells())
        table.add_section()
        table.add_row("all", *self.total.cells())
        return table


def percentile(values: Sequence[int], fraction: float) -> int:
    """Return the smallest value that `fraction` of all are not above (nearest rank); 0 if there are none."""
    return sorted(values)[ceil(fraction * len(values)) - 1] if values else 0
