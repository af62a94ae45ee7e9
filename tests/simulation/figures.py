"""What a play came to, in figures: for people as a table, for programs as `build/simulate.json`."""

import json
from collections import Counter
from dataclasses import dataclass

from rich.table import Table

from tests.simulation.history import History

MOST_SHOWN = 20
NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """One play, checked."""

    history: History
    violations: list[str]
    seconds: float
    """What was asked for."""
    workers: int
    took_s: float
    """Of one core, the check left out."""

    @property
    def simulated_s_a_minute(self) -> float:
        """How fast it was played."""
        return (self.history.ended_s - self.history.began_s) / self.took_s * 60

    def figures(self) -> dict[str, object]:
        """Return what happened, counted."""
        history = self.history
        messages: dict[str, list[dict[str, object]]] = {"responses": [], "costs": []}
        for record in history.written:
            name = record.topic.removeprefix("llm.").removesuffix(".v1")
            if name in messages:
                messages[name].append(json.loads(record.value or b"{}"))
        billed = {str(event["event_id"]): int(str(event["cost_nano_usd"])) for event in messages["costs"]}
        return {
            "seed": history.seed,
            "seconds": self.seconds,
            "workers": self.workers,
            "troubles": dict(sorted(Counter(one.what for one in history.troubles).items())),
            "records_published": len(history.published),
            "requests": len({one.case for one in history.published}),
            "answers": dict(sorted(Counter(str(one["status"]) for one in messages["responses"]).items())),
            "dead_letters": sum(record.topic == "llm.dead-letters.v1" for record in history.written),
            "calls": len(history.called),
            "fates": dict(sorted(Counter(str(one.fate) for one in history.called).items())),
            "charged_usd": sum(one.nano_usd for one in history.charged) / NANO,
            "billed_usd": sum(billed.values()) / NANO,
            "unknown_calls": len({one["event_id"] for one in messages["costs"] if one["certainty"] == "unknown"}),
            "records_written": len(history.written),
            "history": history.hash(),
            "violations": self.violations,
            "core_s": round(self.took_s, 2),
            "simulated_s_a_minute": round(self.simulated_s_a_minute),
        }


def table_of(outcome: Outcome) -> Table:
    """Return the figures for people."""
    figures = outcome.figures()
    found = len(outcome.violations)
    verdict = f"[bold red]{found} violations" if found else "[green]every invariant held"
    title = f"seed {figures['seed']}, {outcome.seconds:g} simulated seconds, {outcome.workers} workers: {verdict}"
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for name, value in figures.items():
        if name not in {"seed", "seconds", "workers", "violations"}:
            table.add_row(name.replace("_", " "), _shown(value))
    return table


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count:,} {name}" for name, count in value.items()) or "none"
    if isinstance(value, float):
        return f"{value:,.6g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
