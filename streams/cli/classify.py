"""`turnout classify`: explains what the analysis sees in a prompt, or scores it on labelled prompts."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from router.tasks.analysis import Analysis, analyse
from streams.cli import options
from streams.cli.classify_score import LabelledError, Score, read_labelled, score
from streams.cli.running import keep_libraries_quiet
from streams.cli.speech import empty_table, print_json, printable, say, stdout_console

EPILOG = """\b
Examples:
    turnout classify "Do not translate anything. Who wrote Faust?"
    turnout classify letter.txt --json
    git diff | turnout classify -
    turnout classify labelled.jsonl
    turnout classify labelled.jsonl --json > score.json

What names a file is read as a file. A file of JSON lines with text and label (a task; optional lang and source) is
scored: the share of right answers, by language and source, what is mistaken for what, abstentions, and how many answers
flip under edits that change nothing. Any other text is explained.
"""

STDIN = "-"
_SHOWN_MISTAKES = 8


def classify(
    text: Annotated[
        str | None, typer.Argument(help="A prompt, the name of a file, or - for stdin.", show_default="stdin")
    ] = None,
    *,
    file: Annotated[Path | None, typer.Option("--file", help="A file with a prompt, or with labelled ones.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Explain the task, tier, difficulty and confidence of a prompt, or score the analysis on labelled prompts."""
    keep_libraries_quiet()
    content = _content(text, file)
    try:
        labelled = read_labelled(content)
    except LabelledError as error:
        say(str(error))
        raise typer.Exit(2) from error
    if labelled:
        _show_score(score(labelled), as_json=as_json)
    else:
        _show_analysis(analyse(content), as_json=as_json)


def _content(text: str | None, file: Path | None) -> str:
    path = file or _named(text)
    if path is None:
        return sys.stdin.read() if text is None or text == STDIN else text
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        say(f"{printable(str(path), 200)} cannot be read: {error.strerror}.")
        raise typer.Exit(2) from error


def _named(text: str | None) -> Path | None:
    try:
        return Path(text) if text and text != STDIN and Path(text).is_file() else None
    except (OSError, ValueError):  # too long for a name, or a null character in it: a prompt
        return None


def _show_analysis(analysis: Analysis, *, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(analysis), "form": analysis.features.form})
        return
    table = empty_table("What the analysis sees", ("", ""))
    table.show_header = False
    table.add_row("task", f"{analysis.task}, {analysis.confidence:.0%} sure")
    table.add_row("difficulty", f"{analysis.difficulty:.2f}")
    table.add_row("form", analysis.features.form.replace("_", " "))
    table.add_row("tier", str(analysis.tier))
    table.add_row("why", analysis.reason)
    seen = {name: value for name, value in asdict(analysis.features).items() if value}
    table.add_row("seen", ", ".join(name if value is True else f"{name} {value:,}" for name, value in seen.items()))
    stdout_console().print(table)


def _show_score(result: Score, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(result))
        return
    console = stdout_console()
    console.print(_shares("By language", result.per_language))
    console.print(_shares("By source", result.per_source))
    console.print(_shares("By task (F1)", result.per_task_f1))
    console.print(_shares("Flips by edit", result.flips))
    console.print(_shares("Accuracy on the surest part of the prompts", result.accuracy_at_coverage))
    mistakes = empty_table("What is mistaken for what", ("task", "taken for"), ("times",))
    pairs = [
        (count, true, said) for true, row in result.confusion.items() for said, count in row.items() if true != said
    ]
    for count, true, said in sorted(pairs, reverse=True)[:_SHOWN_MISTAKES]:
        mistakes.add_row(true, said, f"{count:,}")
    console.print(mistakes)
    console.print(
        f"{result.prompts:,} prompts: {result.accuracy:.3f} right, macro-F1 {result.macro_f1:.3f}, "
        f"{result.abstentions:,} abstentions, {result.flip_rate:.1%} flips; calibration error "
        f"{result.calibration_error:.3f}; {result.prompts_per_s:,.0f} prompts/s on one core."
    )


def _shares(title: str, shares: Mapping[str, float]) -> Table:
    table = empty_table(title, ("",), ("",))
    for name, share in shares.items():
        table.add_row(printable(name, 60), f"{share:.3f}")
    return table
