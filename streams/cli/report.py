"""`turnout report`: what was spent, saved and lost, from a warehouse."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from router.catalogue import Catalogue
from streams.cli import options
from streams.cli.speech import empty_table, print_json, printable, say, stdout_console
from streams.cli.warehouse import open_store
from streams.config.catalogue_file import load_catalogue
from streams.config.load_settings import load_settings
from warehouse.advice import ModelQuality
from warehouse.budgets import BudgetLimits, BudgetUse
from warehouse.errors import WarehouseError
from warehouse.experiments import Arm, Interval, ShadowArm
from warehouse.page import page
from warehouse.report import Norms, Period, Report, SpendRow, make_report

EPILOG = """\b
Examples:
    turnout report --duckdb costs.duckdb --since 2026-01-01 --by tag:feature
    turnout report --postgres postgresql://turnout@db.example/costs --html report.html

Days are UTC, both inclusive; budgets are shown for the day and month under way, whatever the period. Savings compare
what the answers would have cost at the catalogue's baseline model with all that was paid, for failed calls too. A
recommendation rests on answers that are in the warehouse, and says which.
"""

LONGEST_KEY = 80
LONGEST_ADVICE = 2000
MOST_TENANTS = 10
"""Tenants whose answers from the cache are told one by one."""


def report(  # noqa: PLR0913 - one parameter an option
    *,
    duckdb: options.DuckDbFile = None,
    postgres: options.PostgresDsn = None,
    by: Annotated[
        str,
        typer.Option(
            help="tenant, model, provider, task, tier, day, outcome, purpose or tag:NAME.", metavar="DIMENSION"
        ),
    ] = "model",
    since: Annotated[
        datetime | None, typer.Option(help="The first day.", formats=["%Y-%m-%d"], metavar="DAY", show_default="all")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(help="The last day.", formats=["%Y-%m-%d"], metavar="DAY", show_default="all")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with charts that needs nothing else.")] = None,
    catalogue: options.CatalogueFile = None,
    env_file: options.EnvFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Show spend in a period by any dimension, tokens, average prices, savings, budget use and recommendations."""
    settings = load_settings(env_file, warehouse_duckdb=duckdb, warehouse_postgres=postgres, catalogue=catalogue)
    norms = norms_of(load_catalogue(settings.catalogue).catalogue)
    period = Period(_day(since), _day(until))
    try:
        with closing(open_store(settings, duckdb=duckdb, postgres=postgres, read_only=True)) as store:
            made = make_report(store, period, by, norms, datetime.now(UTC))
    except WarehouseError as error:
        say(str(error))
        raise typer.Exit(1) from None
    if html is not None:
        try:
            html.write_text(page(made))
        except OSError as error:
            say(f"{html} cannot be written: {error.strerror}")
            raise typer.Exit(1) from None
        say(f"Wrote {html}")
    if as_json:
        print_json(_as_json(made))
    elif html is None:
        _print(made)


def norms_of(catalogue: Catalogue) -> Norms:
    """Return what a report holds the data against."""
    return Norms(
        qualities=[ModelQuality(model.name, model.quality) for model in catalogue.models.values()],
        floors={tier.value: floor for tier, floor in catalogue.quality_floors.items()},
        budgets=[
            BudgetLimits(tenant.name, tenant.daily_budget_usd, tenant.monthly_budget_usd, tenant.alert_at)
            for tenant in catalogue.payers.values()
            if tenant.has_budget
        ],
    )


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _as_json(made: Report) -> dict[str, object]:
    return {
        "since": made.period.since,
        "until": made.period.until,
        "by": made.dimension,
        "baseline_models": made.baseline_models,
        "total": _spend_json(made.total),
        "rows": [_spend_json(row) for row in made.rows],
        "budgets": [_budget_json(use) for use in made.budgets],
        "cached_answers": {**asdict(made.cached_answers), "sentence": str(made.cached_answers)},
        "prompt_caches": {**asdict(made.prompt_caches), "sentence": str(made.prompt_caches)},
        "arms": [asdict(arm) for arm in made.arms],
        "shadow_arms": [asdict(arm) for arm in made.shadow_arms],
        "shadows": [_spend_json(row) for row in made.shadows],
        "recommendations": [{**asdict(advice), "sentence": str(advice)} for advice in made.recommendations],
    }


def _spend_json(spend: SpendRow) -> dict[str, object]:
    return {**asdict(spend), "usd_per_mtok": spend.usd_per_mtok, "saved_usd": spend.saved_usd}


def _budget_json(use: BudgetUse) -> dict[str, object]:
    return {
        **asdict(use),
        "share": use.share,
        "crossed": use.crossed,
        "state": use.state,
        "elapsed_hours": use.elapsed_hours,
        "hours": use.hours,
        "projected_usd": use.projected_usd,
        "sentence": str(use),
    }


def _print(made: Report) -> None:
    console, total = stdout_console(), made.total
    table = empty_table(
        f"Spend by {made.dimension}", (made.dimension,), ("calls", "tokens in", "out", "USD", "USD/1M", "saved USD")
    )
    for row in made.rows:
        table.add_row(*_cells(row))
    table.add_section()
    table.add_row(*_cells(total))
    console.print(table)
    for sentence in _notes(made):
        console.print(sentence, soft_wrap=True)
    if made.arms:
        console.print(_arms_table(made.arms))
    if made.shadow_arms:
        console.print(_shadow_table(made.shadow_arms))
    if made.budgets:
        console.print("Budgets, by what the warehouse holds now:")
    for use in made.budgets:
        console.print(f"- {printable(str(use), LONGEST_ADVICE)}", soft_wrap=True)
    if not made.recommendations:
        console.print("Recommendations: the data shows none.")
    for number, advice in enumerate(made.recommendations, 1):
        console.print(f"{number}. {printable(str(advice), LONGEST_ADVICE)}", soft_wrap=True)


def _arms_table(arms: Sequence[Arm]) -> Table:
    """Draw the experiments' arms; each figure with its 95 % interval."""
    table = empty_table(
        "Experiments, with 95 % intervals", ("arm",), ("requests", "answered %", "USD a request", "calls", "mean ms")
    )
    for arm in arms:
        table.add_row(
            printable(arm.name, LONGEST_KEY),
            f"{arm.requests:,}",
            _spread(arm.answered, 100, 1),
            "" if arm.usd is None else _spread(arm.usd, 1, 6),
            f"{arm.calls:.2f}",
            _spread(arm.latency_ms, 1, 0),
        )
    return table


def _shadow_table(arms: Sequence[ShadowArm]) -> Table:
    """Draw what came of shadows, beside the answers of their requests; each figure with its 95 % interval."""
    numbers = (
        "shadows",
        "answered %",
        "USD a shadow",
        "mean ms",
        "judged",
        "score",
        "score of the answers",
        "difference",
    )
    table = empty_table("Shadows, with 95 % intervals", ("model chosen by",), numbers)
    for arm in arms:
        table.add_row(
            "shadow_calls.models" if arm.experiment is None else printable(arm.experiment, LONGEST_KEY),
            f"{arm.shadows:,}",
            _spread(arm.answered, 100, 1),
            "" if arm.usd is None else _spread(arm.usd, 1, 6),
            _spread(arm.latency_ms, 1, 0),
            f"{arm.judged:,}",
            *("" if one is None else _spread(one, 1, 2) for one in (arm.score, arm.answered_score, arm.difference)),
        )
    return table


def _spread(interval: Interval, factor: int, places: int) -> str:
    value, low, high = (f"{part * factor:.{places}f}" for part in (interval.value, interval.low, interval.high))
    return f"{value} ({low} to {high})"


def _cells(row: SpendRow) -> tuple[str, ...]:
    average = "" if row.usd_per_mtok is None else f"{row.usd_per_mtok:.4f}"
    tokens = (f"{row.input_tokens:,}", f"{row.output_tokens:,}")
    return (
        printable(row.key, LONGEST_KEY),
        f"{row.calls:,}",
        *tokens,
        f"{row.cost_usd:.6f}",
        average,
        f"{row.saved_usd:.6f}",
    )


def _notes(made: Report) -> list[str]:
    total = made.total
    notes = [
        f"Baseline {' and '.join(made.baseline_models)}: the answers would have cost {total.baseline_usd:.6f} USD, "
        f"{total.compared_usd:.6f} USD was paid."
        if made.baseline_models
        else "There is no baseline to compare with."
    ]
    if made.cached_answers.cached:
        notes.append(str(made.cached_answers))
        notes += [
            f"Of these {one.cached:,} of {printable(one.tenant, LONGEST_KEY)}, which saved {one.saved_usd:.6f} USD."
            for one in made.cached_answers.tenants[:MOST_TENANTS]
        ]
    if made.prompt_caches.cached_tokens or made.prompt_caches.written_tokens:
        notes.append(str(made.prompt_caches))
    notes += [
        f"{row.calls:,} {row.key} calls, which answered no request, cost {row.cost_usd:.6f} USD of it."
        for row in made.shadows
    ]
    if total.failed_usd:
        notes.append(f"Calls that brought no answer cost {total.failed_usd:.6f} USD of it.")
    if total.unknown_usd:
        notes.append(f"{total.unknown_usd:.6f} USD of it is an upper estimate of calls that may not have been charged.")
    if total.unpriced_calls:
        notes.append(f"{total.unpriced_calls:,} calls have no known price and are in no sum.")
    return notes
