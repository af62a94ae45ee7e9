"""`turnout warehouse`: writes cost events, responses and shadow answers into DuckDB or Postgres."""

import asyncio
import signal
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from schemas.topics import Topic
from streams.cli import options
from streams.cli.partitions import partitions_of
from streams.cli.running import keep_libraries_quiet, run
from streams.cli.speech import print_json, say
from streams.config.env_file import SettingsError
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import reader
from warehouse.duckdb_store import DuckDbStore
from warehouse.errors import WarehouseError
from warehouse.postgres_store import PostgresStore
from warehouse.sink import Sink, SinkProgress
from warehouse.store import Store

EPILOG = """\b
Examples:
    turnout warehouse --duckdb costs.duckdb --once && duckdb costs.duckdb 'FROM spend_by_tenant'
    PGPASSWORD=... turnout warehouse --postgres postgresql://turnout@db.example/costs

It goes on where it was left, or at the beginning of the topics. Each event is there once, however often it is killed.
"""

TOPICS = (Topic.COSTS, Topic.RESPONSES, Topic.SHADOW_ANSWERS)
"""The last one is not there where no catalogue has shadow calls."""


def warehouse(
    *,
    duckdb: options.DuckDbFile = None,
    postgres: options.PostgresDsn = None,
    once: Annotated[bool, typer.Option("--once", help="End where the topics end now.")] = False,
    brokers: options.Brokers = None,
    env_file: options.EnvFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Write costs, responses and shadow answers into a DuckDB file or a Postgres database, until SIGTERM or Ctrl-C."""
    keep_libraries_quiet()
    settings = load_settings(env_file, brokers=brokers, warehouse_duckdb=duckdb, warehouse_postgres=postgres)
    try:
        with closing(open_store(settings, duckdb=duckdb, postgres=postgres)) as store:
            progress = run(settings, _fill(settings, store, once=once))
    except WarehouseError as error:
        say(str(error))
        raise typer.Exit(1) from None
    say(f"Done: {progress}")
    if as_json:
        print_json(progress)


def open_store(settings: Settings, *, duckdb: Path | None, postgres: str | None, read_only: bool = False) -> Store:
    """Open the warehouse that the options name, or else the settings.

    Raises:
        SettingsError: none is named, or two.
        WarehouseError: it cannot be used.
    """
    file, dsn = settings.warehouse_duckdb, settings.warehouse_postgres
    if duckdb is not None and postgres is None:
        dsn = None
    if postgres is not None and duckdb is None:
        file = None
    if (file is None) == (dsn is None):
        raise SettingsError("Name one warehouse: --duckdb FILE or --postgres DSN.")
    if dsn is not None:
        return PostgresStore.open(dsn.get_secret_value(), read_only=read_only)
    return DuckDbStore.open(file or Path(), read_only=read_only)


async def _fill(settings: Settings, store: Store, *, once: bool) -> SinkProgress:
    found = await partitions_of(settings, *TOPICS, optional=[Topic.SHADOW_ANSWERS])
    async with reader(settings, follows=not once) as consumer:
        sink = Sink(consumer, store, {settings.topic(topic): topic for topic in TOPICS}, say)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, sink.stop.set)
        await sink.run([tp for topic in TOPICS for tp in found[topic]], once=once)
        return sink.progress
