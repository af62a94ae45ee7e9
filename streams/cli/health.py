"""`turnout health`: shows how every model is doing, live, as all workers see it together."""

import time
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from router.models.model_state import STALE_S
from schemas.health import AccountHealth, BreakerState, HealthStatus, ModelHealth
from schemas.topics import Topic
from schemas.vocabulary import AccountLimit
from streams.cli import options
from streams.cli.latest import Latest
from streams.cli.running import keep_libraries_quiet, run
from streams.cli.speech import empty_table
from streams.config.load_settings import load_settings

EPILOG = """\b
Examples:
    turnout health
    turnout health --once
    turnout health --once --json

With --json a line is a record of llm.model-health.v1: with --once the last one of each model, otherwise each as it
comes. What is older than 30 s is unknown: no worker keeps it up to date.
"""

_COLOURS = {
    HealthStatus.HEALTHY: "green",
    HealthStatus.DEGRADED: "yellow",
    HealthStatus.UNHEALTHY: "red",
    HealthStatus.IDLE: "dim",
}


def health(
    *,
    once: Annotated[bool, typer.Option("--once", help="Show it as it is now, and end.")] = False,
    as_json: options.AsJson = False,
    brokers: options.Brokers = None,
    env_file: options.EnvFile = None,
) -> None:
    """Show every model's health over the last minutes, its limit's shares and breakers. Goes on until Ctrl-C."""
    keep_libraries_quiet()
    settings = load_settings(env_file, brokers=brokers)
    latest = Latest(
        Topic.MODEL_HEALTH,
        ModelHealth,
        key=lambda one: one.request_model,
        table=lambda found: health_table(found, time.time()),
        nothing="Nothing is known yet: no worker has run with this topic prefix.",
    )
    show = latest.once if once else latest.follow
    run(settings, show(settings, as_json=as_json))


def health_table(models: Iterable[ModelHealth], now_s: float) -> Table:
    """Return the health of the models as a table for a person."""
    headings = ("calls", "errors", "timeouts", "p50 ms", "p90 ms", "p99 ms", "per min", "limit", "in flight", "workers")
    table = empty_table("Health, as all workers see it", ("model", "status"), headings)
    notes: list[str] = []
    for one in models:
        age_s = now_s - one.as_of.timestamp()
        known = age_s <= STALE_S
        status = Text(one.status, _COLOURS[one.status]) if known else Text("unknown", "magenta")
        table.add_row(
            one.request_model,
            status,
            f"{one.requests:,}",
            f"{one.error_rate:.1%}",
            f"{one.timeout_rate:.1%}",
            *(_ms(latency) for latency in (one.p50_ms, one.p90_ms, one.p99_ms)),
            f"{one.requests_per_minute:,.0f}",
            "" if one.limit_per_minute is None else f"{one.limit_per_minute:,}",
            str(one.in_flight),
            str(one.workers),
        )
        notes += _notes(one, age_s)
    if notes:
        table.caption = "\n".join(notes)
        table.caption_justify = "left"
    return table


def _notes(one: ModelHealth, age_s: float) -> list[str]:
    if age_s > STALE_S:
        return [f"{one.request_model}: no update for {age_s:,.0f} s"]
    notes = [f"{one.request_model}: {one.reason}"] if one.reason else []
    for state in (BreakerState.OPEN, BreakerState.HALF_OPEN):
        workers = sorted(worker for worker, stands in one.breakers.items() if stands is state)
        if workers:
            notes.append(f"{one.request_model}: breaker {state} at {', '.join(workers)}")
    if len(one.shares) > 1:
        shares = ", ".join(f"{worker} {share}" for worker, share in sorted(one.shares.items()))
        notes.append(f"{one.request_model}: shares {shares}")
    notes += (f"{one.request_model}: account {name}: {_account(told)}" for name, told in sorted(one.accounts.items()))
    return notes


def _account(told: AccountHealth) -> str:
    """Say what was used of each limit, what the provider says of it, and for whom the account rests."""
    parts: list[str] = []
    for limit in AccountLimit:
        used, configured, theirs = (counts.get(limit) for counts in (told.used, told.limits, told.told_limits))
        if used is None and configured is None and theirs is None:
            continue
        of = "" if configured is None else f" of {configured:,}"
        by = "" if theirs is None else f" (the provider says {theirs:,})"
        parts.append(f"{'' if used is None else f'{used:,}'}{of} {limit.replace('_', ' ')}{by}".strip())
    for worker, rest in sorted(told.rests.items()):
        parts.append(f"{rest.reason}, rests at {worker} until {rest.until:%H:%M:%S} UTC")
    return "; ".join(parts)


def _ms(latency_ms: float | None) -> str:
    return "" if latency_ms is None else f"{latency_ms:,.0f}"
