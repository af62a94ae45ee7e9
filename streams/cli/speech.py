"""How commands speak: sentences and tables for people, JSON lines for programs."""

import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from streams.plain_text import on_lines, plain_json, without_controls

_WIDTH_OF_A_FILE = 120


def say(sentence: str) -> None:
    """Tell a person something, on stderr, so that stdout holds nothing but what was asked for."""
    shown = on_lines(sentence)
    typer.echo(shown if shown.endswith((".", "?", "!", ":")) else f"{shown}.", err=True)


def print_json(value: object) -> None:
    """Print one line of JSON on stdout; what JSON has no form for becomes text."""
    typer.echo(plain_json(orjson.dumps(value, default=str, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)))


def print_text(text: str) -> None:
    """Print a text of others on stdout: as it is for a program, its controls escaped on a terminal."""
    typer.echo(on_lines(text) if sys.stdout.isatty() else text, color=True)  # else click takes parts of it out


class PlainConsole(Console):
    """A console on which only Turnout's own styles are commands: controls in a text are shown as U+FFFD."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render, and take the controls out of what is shown."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=without_controls(segment.text))


def stdout_console() -> Console:
    """Return where tables and coloured lines go; in a file or pipe they are plain and not cut to 80 columns."""
    console = PlainConsole(highlight=False, markup=False)
    return console if console.is_terminal else PlainConsole(highlight=False, markup=False, width=_WIDTH_OF_A_FILE)


def empty_table(title: str, words: Sequence[str], numbers: Sequence[str] = ()) -> Table:
    """Return a table with columns of words, then of numbers, that fits 80 characters if it can and cuts nothing."""
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, title_justify="left")
    for heading in words:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, overflow="fold", justify="right")
    return table


def printable(text: str, limit: int) -> str:
    """Return the beginning of a text as one line that cannot command a terminal: controls and bidi marks escaped."""
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape", "backslashreplace").decode()
        for character in text[:limit]
    )
    return f"{shown}..." if len(text) > limit else shown


def usd(amount: Decimal | None) -> str:
    """Return an amount of US dollars as people write it."""
    return "unknown" if amount is None else f"${amount:.9f}".rstrip("0").removesuffix(".")
