"""`turnout quality`: shows how good each model's answers were, by kind of prompt, as all feedback says."""

from collections.abc import Iterable
from contextlib import aclosing
from typing import Annotated

import typer
from rich.table import Table

from schemas.quality import ModelQuality
from schemas.topics import Topic
from schemas.vocabulary import Difficulty, FeedbackKind
from streams.cli import options
from streams.cli.partitions import read_values
from streams.cli.running import keep_libraries_quiet, run
from streams.cli.speech import empty_table, print_json, say, stdout_console
from streams.config.load_settings import load_settings
from streams.config.settings import Settings

EPILOG = """\b
Examples:
    turnout quality
    turnout quality --model deepseek-v3.2 --json

A row is a model's answers to one kind of prompt, by task, difficulty and form: the mean score with half of its 80 %
interval, how many answers that is worth today, all scores that are kept, by kind of source, and the share of answers
without a flaw that shows by itself. The catalogue's own expectation is not in it. With --json a line is the last record
of llm.model-quality.v1 for one row. docs/quality.md says how it is counted.
"""


def quality(
    *,
    model: Annotated[str | None, typer.Option(help="Only this one.", metavar="NAME")] = None,
    as_json: options.AsJson = False,
    brokers: options.Brokers = None,
    env_file: options.EnvFile = None,
) -> None:
    """Show how good each model's answers were, by kind of prompt, and which sources are outvoted."""
    keep_libraries_quiet()
    settings = load_settings(env_file, brokers=brokers)
    run(settings, _show(settings, model, as_json=as_json))


async def _show(settings: Settings, model: str | None, *, as_json: bool) -> None:
    latest: dict[tuple[str, str, str, str], ModelQuality] = {}
    async with aclosing(read_values(settings, Topic.MODEL_QUALITY, ModelQuality.decode, follow=False)) as found:
        async for one in found:
            latest[one.request_model, one.task, one.difficulty, one.form] = one
    rows = sorted(
        (one for one in latest.values() if model in {None, one.request_model}),
        key=lambda one: (one.task, _hardness(one.difficulty), one.form, -one.mean, one.request_model),
    )
    if as_json:
        for one in rows:
            print_json(one.model_dump())
    elif rows:
        stdout_console().print(quality_table(rows))
    elif latest:
        known = ", ".join(sorted({one.request_model for one in latest.values()}))
        say(f"Nothing is known of {model} yet; there is of {known}.")
    else:
        say("Nothing is known yet: no feedback was counted. `turnout feedback --help` shows how to send some.")


def quality_table(rows: Iterable[ModelQuality]) -> Table:
    """Return the rows as a table for a person, with the sources that are outvoted below."""
    kinds = (FeedbackKind.PERSON, FeedbackKind.CHECK, FeedbackKind.JUDGE)
    headings = ("score", "±", "worth", "scores", *kinds, "usable", "answers")
    table = empty_table("Quality, as all feedback says", ("task", "difficulty", "form", "model"), headings)
    notes: list[str] = []
    for one in rows:
        known = one.weight > 0
        table.add_row(
            one.task,
            one.difficulty,
            one.form.replace("_", " "),
            one.request_model,
            f"{one.mean:.2f}" if known else "",
            f"{one.margin:.2f}" if known else "",
            f"{one.weight:,.0f}",
            f"{one.count:,}",
            *(_of_kind(one, kind) for kind in kinds),
            f"{one.usable:.1%}" if one.answers else "",
            f"{one.answers:,.0f}",
        )
        notes += [
            f"{one.request_model}, {one.task}, {one.difficulty}, {one.form}: {source.source} ({source.kind}, "
            f"{source.count:,} scores, mean {source.mean:.2f}) is outvoted"
            for source in one.sources
            if source.outvoted
        ]
    if notes:
        table.caption = "\n".join(notes)
        table.caption_justify = "left"
    return table


def _of_kind(one: ModelQuality, kind: FeedbackKind) -> str:
    found = one.by_kind.get(kind)
    return "" if found is None else f"{found.mean:.2f} ({found.count:,})"


def _hardness(difficulty: Difficulty) -> int:
    order = list(Difficulty)
    return order.index(difficulty) if difficulty in order else len(order)
