"""What the demo shows while it runs: a live screen on a terminal, plain lines elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from sandbox.demo.tally import ModelCount, Tally
from schemas.failovers import Failover
from schemas.health import BreakerState

WIDTH = 100
LAST_FAILOVERS = 5
LINE_EVERY_S = 4.0
_BAR_CELLS = 22
_LIGHTS = {
    BreakerState.CLOSED: ("●", "green"),
    BreakerState.HALF_OPEN: ("◐", "yellow"),
    BreakerState.OPEN: ("○", "red"),
}


class Show(Protocol):
    """Somebody watches."""

    def say(self, sentence: str) -> None:
        """Tell what happens, in one line."""
        ...

    def update(self, tally: Tally, requests: int) -> None:
        """Show how far things have come; `requests` will be published in all."""
        ...


@contextmanager
def open_show(console: Console, workers: int) -> Iterator[Show]:
    """Show on the console until the context ends."""
    if not console.is_terminal:
        yield Lines(console)
        return
    with Live(Spinner("dots", "starting"), console=console, refresh_per_second=8, transient=True) as live:
        yield Screen(live, workers)


class Lines:
    """Plain lines, each with the seconds since the beginning."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began_s = self._said_s = monotonic()

    def say(self, sentence: str) -> None:
        """Print a line."""
        self._said_s = monotonic()
        self._console.print(f"{self._said_s - self._began_s:5.1f} s  {sentence}")

    def update(self, tally: Tally, requests: int) -> None:
        """Print a line when nothing has been said for a while."""
        if monotonic() - self._said_s >= LINE_EVERY_S:
            self.say(f"{tally.published} of {requests} requests published, {len(tally.responses)} answered.")


class Screen:
    """Progress, models and failovers at the bottom of a terminal; the lines that are said scroll above."""

    def __init__(self, live: Live, workers: int) -> None:
        self._live = live
        self._workers = workers
        self._began_s = monotonic()

    def say(self, sentence: str) -> None:
        """Print a line above the screen."""
        passed = (f"{monotonic() - self._began_s:5.1f} s  ", "dim")
        self._live.console.print(Text.assemble(passed, sentence))

    def update(self, tally: Tally, requests: int) -> None:
        """Draw anew."""
        self._live.update(self._draw(tally, requests))

    def _draw(self, tally: Tally, requests: int) -> RenderableType:
        parts: list[RenderableType] = [_progress(tally, requests), Padding(self._models(tally), (1, 0, 0, 0))]
        if tally.failovers:
            parts.append(Padding(_failovers(tally.failovers[-LAST_FAILOVERS:]), (1, 0, 0, 0)))
        width = min(WIDTH, self._live.console.width)
        return Panel(Group(*parts), title="Turnout", title_align="left", border_style="blue", width=width)

    def _models(self, tally: Tally) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(min_width=17)
        table.add_column(justify="right")
        table.add_column()
        table.add_column(justify="right")
        table.add_column(justify="right")
        table.add_column(no_wrap=True, min_width=18)
        table.add_row(*(Text(name, "dim") for name in ("model", "answers", "", "stood in", "failed calls", "breaker")))
        most = max((count.answers for count in tally.models.values()), default=0)
        for name, count in sorted(tally.models.items()):
            table.add_row(
                name,
                str(count.answers),
                ProgressBar(total=max(most, 1), completed=count.answers, width=_BAR_CELLS, complete_style="blue"),
                str(count.stood_in),
                Text(str(count.failed_calls), "red" if count.failed_calls else ""),
                _breaker(count, self._workers),
            )
        return table


def _progress(tally: Tally, requests: int) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(min_width=9)
    table.add_column()
    table.add_column(justify="right", min_width=len(f"{requests}") * 2 + 3)
    table.add_column(style="dim")
    bars = (("published", tally.published, ""), ("answered", len(tally.responses), _waiting(tally)))
    for name, done, note in bars:
        bar = ProgressBar(total=max(requests, 1), completed=done, width=50, finished_style="green")
        table.add_row(name, bar, f"{done} / {requests}", note)
    return table


def _waiting(tally: Tally) -> str:
    waiting = tally.published - len(tally.responses)
    return f"{waiting} under way" if waiting else ""


def _breaker(count: ModelCount, workers: int) -> Text:
    for state in (BreakerState.OPEN, BreakerState.HALF_OPEN):
        if having := count.workers_with(state):
            light, style = _LIGHTS[state]
            return Text(f"{light} {state} on {having} of {workers}", style)
    light, style = _LIGHTS[BreakerState.CLOSED]
    return Text(f"{light} {BreakerState.CLOSED}", style)


def _failovers(failovers: list[Failover]) -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    for _ in range(4):
        table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    now = datetime.now(UTC)
    for failover in failovers:
        light, style = _LIGHTS[BreakerState(failover.to_state)]
        table.add_row(
            Text(f"{(now - failover.occurred_at).total_seconds():4.1f} s ago", "dim"),
            failover.worker,
            failover.request_model,
            Text(f"{light} {failover.to_state}", style),
            Text(failover.reason, "dim"),
        )
    return table
