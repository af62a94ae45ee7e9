"""How commands speak: sentences and tables for people, JSON lines for programs."""

import orjson
import typer
from rich.console import Console

_WIDTH_OF_A_FILE = 120


def say(sentence: str) -> None:
    """Tell a person something, on stderr, so that stdout holds nothing but what was asked for."""
    typer.echo(sentence if sentence.endswith((".", "?", "!")) else f"{sentence}.", err=True)


def print_json(value: object) -> None:
    """Print one line of JSON on stdout; what JSON has no form for becomes text."""
    typer.echo(orjson.dumps(value, default=str, option=orjson.OPT_UTC_Z))


def stdout_console() -> Console:
    """Return where tables and coloured lines go; in a file or pipe they are plain and not cut to 80 columns."""
    console = Console(highlight=False, markup=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, width=_WIDTH_OF_A_FILE)


def printable(text: str, limit: int) -> str:
    """Return the beginning of a text as one line that cannot command a terminal: controls and bidi marks escaped."""
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape", "backslashreplace").decode()
        for character in text[:limit]
    )
    return f"{shown}..." if len(text) > limit else shown


def usd(amount: object) -> str:
    """Return an amount of US dollars as people write it."""
    return "unknown" if amount is None else f"${amount}"
