"""The figures as tables and sentences for a person."""

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sandbox.demo.figures import Figures, Row, Savings, Story
from sandbox.demo.quality import Quality

_MIN_WIDTH = 86


def print_figures(console: Console, figures: Figures) -> None:
    """Print everything."""
    for title, first, rows in (
        ("By task", "task", figures.by_task),
        ("By tier", "tier", figures.by_tier),
        ("By model", "model", figures.by_model),
        ("The bill by tenant", "tenant", figures.by_tenant),
    ):
        console.print(_table(title, first, rows), "")
    console.print(
        "Latencies of tasks, tiers and tenants are those of whole requests, of models those of their own answers. "
        "Errors are the share of calls that failed; fallbacks are answers given in place of another model.\n",
        style="dim",
    )
    if figures.outage is not None:
        console.print(_told(figures.outage))
    if figures.savings is not None:
        console.print(_compared(figures.savings))
    if figures.quality is not None:
        console.print(_marked(figures.quality))
    console.print(_verdict(figures))


def _table(title: str, first: str, rows: Sequence[Row]) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, show_edge=False, min_width=_MIN_WIDTH
    )
    table.add_column(first, min_width=18)
    for name in ("requests", "P50 ms", "P99 ms", "errors", "fallbacks", "cost USD"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row.name,
            f"{row.requests:,}",
            _ms(row.p50_ms),
            _ms(row.p99_ms),
            Text(f"{row.error_rate:.1%}", "red" if row.failed_calls else ""),
            str(row.fallbacks),
            f"{row.cost_usd:.6f}",
        )
    return table


def _ms(latency_ms: int | None) -> str:
    return "-" if latency_ms is None else f"{latency_ms:,}"


def _told(story: Story) -> str:
    told = f"The outage: {story.model} was down for {story.lasted_s:.0f} s. "
    if story.opened_after_s:
        openings = ", ".join(f"on {worker} after {after_s:.1f} s" for worker, after_s in story.opened_after_s.items())
        told += f"Its breaker opened {openings}"
        if story.recovered_after_s is None:
            told += ", and was not closed before the end. "
        else:
            told += f"; all were closed {story.recovered_after_s:.1f} s after it was up again. "
    else:
        told += "So few calls met it that no breaker opened. "
    told += f"Meanwhile {story.completed_meanwhile} requests were answered, {story.fallbacks_meanwhile} by fallback"
    return f"{told}, and {story.failed_meanwhile or 'none'} failed."


def _compared(savings: Savings) -> str:
    return (
        f"The total: {savings.cost_usd:.6f} USD for all calls. Every answer from {savings.baseline_model}, at the same "
        f"tokens, would have cost {savings.baseline_cost_usd:.6f} USD, so routing "
        f"{_verdict_on(savings.saved)}; over the requests that needed no fallback it "
        f"{_verdict_on(savings.saved_without_fallbacks)}."
    )


def _marked(quality: Quality) -> str:
    models = ", ".join(f"{model} {right:.0%}" for model, right in quality.right_by_model.items())
    return (
        f"The quality, simulated at published shares of right answers: {quality.right:.1%} of {quality.marked} are "
        f"right ({models}), of {quality.baseline_model}'s {quality.baseline_right:.1%} would have been: "
        f"{_points(quality.drawn_difference, quality.drawn_margin)}. Without the luck of the lots it is "
        f"{_points(quality.difference, quality.difference_margin)}."
    )


def _points(difference: float, margin: float) -> str:
    return f"{difference:+.1f} points (95 % interval {difference - margin:+.1f} to {difference + margin:+.1f})"


def _verdict_on(saved: float) -> str:
    return f"saved {saved:.1%}" if saved >= 0 else f"cost {-saved:.1%} more"


def _verdict(figures: Figures) -> Text:
    text = Text()
    for line, good in _lines(figures):
        text.append("✔ " if good else "✘ ", "bold green" if good else "bold red")
        text.append(f"{line}\n", "bold" if good else "bold red")
    text.rstrip()
    return text


def _lines(figures: Figures) -> Iterable[tuple[str, bool]]:
    if not figures.problems:
        endings = (("completed", figures.completed), ("rejected", figures.rejected), ("failed", figures.failed))
        counts = ", ".join(f"{count:,} {name}" for name, count in endings if count)
        yield f"Every request was answered exactly once: {counts}.", True
    yield from ((f"{problem.rstrip('.')}.", False) for problem in figures.problems)
    if figures.bill_equals_invoice:
        yield figures.reconciliation.sentence(), True
