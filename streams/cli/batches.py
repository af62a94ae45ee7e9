"""`turnout batches`: shows what waits in the batch lane, and how its batches stand at the providers."""

import time
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from schemas.batch_lanes import BatchLane, LaneBatch
from schemas.topics import Topic
from streams.cli import options
from streams.cli.latest import Latest
from streams.cli.running import keep_libraries_quiet, run
from streams.cli.speech import empty_table
from streams.config.load_settings import load_settings

EPILOG = """\b
Examples:
    turnout batches
    turnout batches --once
    turnout batches --once --json

A row is a batch at a provider, or the requests that are in none yet ("waiting"). Expected is when half of the model's
batches of the last week would have ended. Saved is what the answers would have cost more in live calls of the same
model. With --json a line is a record of llm.batch-lanes.v1: with --once the last one of each model and account,
otherwise each as it comes. docs/batch.md says how requests come into batches.
"""

_MINUTE_S, _HOUR_S = 60, 3600
_SETTLED = "settled"


def batches(
    *,
    once: Annotated[bool, typer.Option("--once", help="Show it as it is now, and end.")] = False,
    as_json: options.AsJson = False,
    brokers: options.Brokers = None,
    env_file: options.EnvFile = None,
) -> None:
    """Show the batches at the providers, what waits for one, and what they have saved. Goes on until Ctrl-C."""
    keep_libraries_quiet()
    settings = load_settings(env_file, brokers=brokers)
    latest = Latest(
        Topic.BATCH_LANES,
        BatchLane,
        key=lambda lane: (lane.provider_name, lane.request_model, lane.account or ""),
        table=lambda found: batch_table(found, time.time()),
        nothing="Nothing has waited for a batch yet with this topic prefix.",
    )
    show = latest.once if once else latest.follow
    run(settings, show(settings, as_json=as_json))


def batch_table(lanes: Iterable[BatchLane], now_s: float) -> Table:
    """Return the batches as a table for a person: of each lane what waits, then its batches, the oldest first."""
    names = ("provider", "model", "account", "batch", "state")
    headings = ("requests", "answered", "live", "age", "expected in", "cost USD", "saved USD")
    table = empty_table("Batches", names, headings)
    notes: list[str] = []
    cost = saved = Decimal(0)
    for lane in lanes:
        place = (lane.provider_name, lane.request_model, lane.account or "")
        if lane.waiting:
            age = "" if lane.waiting_since is None else _since(lane.waiting_since, now_s)
            table.add_row(*place, "", Text("waiting", "yellow"), f"{lane.waiting:,}", "", "", age, "", "", "")
        for batch in sorted(lane.batches, key=lambda one: one.formed_at):
            table.add_row(*place, batch.batch_id or batch.our_id, *_row(batch, now_s))
            cost, saved = cost + batch.cost_usd, saved + batch.saved_usd
            if batch.detail:
                notes.append(f"{batch.batch_id or batch.our_id}: {batch.detail}")
        notes += _notes(lane, now_s)
    notes.append(f"cost {cost:,.4f} USD, saved {saved:,.4f} USD")
    table.caption = "\n".join(notes)
    table.caption_justify = "left"
    return table


def _row(batch: LaneBatch, now_s: float) -> tuple[str | Text, ...]:
    is_settled = batch.state == _SETTLED
    is_expected = batch.expected_at is not None and not is_settled
    return (
        Text(batch.state, "dim" if is_settled else "green"),
        f"{batch.requests:,}",
        f"{batch.answered:,}",
        f"{batch.returned:,}" if batch.returned else "",
        _since(batch.formed_at, now_s if batch.ended_at is None else batch.ended_at.timestamp()),
        _duration(batch.expected_at.timestamp() - now_s) if is_expected and batch.expected_at else "",
        f"{batch.cost_usd:,.4f}",
        f"{batch.saved_usd:,.4f}",
    )


def _notes(lane: BatchLane, now_s: float) -> Iterable[str]:
    if lane.p50_s is not None and lane.p99_s is not None:
        p50, p99 = _duration(lane.p50_s), _duration(lane.p99_s)
        yield f"{lane.request_model}: half of its batches ended in {p50}, 99 % in {p99}"
    if lane.late_until is not None and lane.late_until.timestamp() > now_s:
        yield f"{lane.request_model}: its batches are late; until {lane.late_until:%H:%M} UTC requests go elsewhere"


def _since(moment: datetime, now_s: float) -> str:
    return _duration(now_s - moment.timestamp())


def _duration(seconds: float) -> str:
    """Return a duration in the two units that matter; one that is over is 0 s."""
    whole = max(0, round(seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S:02} min"
