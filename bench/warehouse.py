"""Measures `turnout warehouse`: cost events from Kafka into DuckDB and into Postgres, events a second.

The topic is filled first. What is timed is the whole sink, from the first fetch to the last commit: reading, checking
and writing; broker and database share the machine. Prints a table and writes build/bench-warehouse.json.
"""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from sandbox.broker import open_broker  # noqa: E402 - the repository is on the path only now
from sandbox.postgres import open_postgres  # noqa: E402
from schemas.topics import Topic  # noqa: E402
from streams.cli.partitions import partitions_of  # noqa: E402
from streams.config.load_settings import load_settings  # noqa: E402
from streams.config.settings import Settings  # noqa: E402
from streams.kafka.clients import admin, producer, reader  # noqa: E402
from streams.topics import create_topics  # noqa: E402
from warehouse.duckdb_store import DuckDbStore  # noqa: E402
from warehouse.postgres_store import PostgresStore  # noqa: E402
from warehouse.sink import Sink  # noqa: E402
from warehouse.store import Store  # noqa: E402

TEMPLATE = ROOT / "tests" / "contract" / "golden" / "v1" / "cost-metered.json"


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--broker", default="kafka")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="turnout-bench-") as folder, open_broker(arguments.broker) as broker:
        settings = load_settings(brokers=broker.bootstrap_servers, topic_prefix=f"{uuid.uuid4().hex[:8]}.")
        asyncio.run(_fill_topic(settings, arguments.events))
        per_s: dict[str, float] = {}
        with open_postgres() as postgres:
            for store in (DuckDbStore.open(Path(folder, "bench.duckdb")), PostgresStore.open(postgres.dsn())):
                seconds = asyncio.run(_drain(settings, store))
                if store.query("SELECT count(*) FROM costs") != [(arguments.events,)]:
                    raise SystemExit(f"{store.engine} does not hold {arguments.events} events")
                per_s[store.engine.value] = round(arguments.events / seconds)
                store.close()
    _show(arguments.events, per_s)


async def _fill_topic(settings: Settings, events: int) -> None:
    async with admin(settings) as client:
        await create_topics(client, settings)
    async with producer(settings) as client:
        name = settings.topic(Topic.COSTS)
        sent: list[asyncio.Future[object]] = []
        for value in _events(events):
            sent.append(await client.send(name, value=value, partition=len(sent) % settings.partitions))
        await asyncio.gather(*sent)


def _events(count: int) -> Iterator[bytes]:
    event = orjson.loads(TEMPLATE.read_bytes())
    for number in range(count):
        event |= {"event_id": str(uuid.uuid4()), "request_id": f"r{number}", "tenant": f"t{number % 50}"}
        yield orjson.dumps(event)


async def _drain(settings: Settings, store: Store) -> float:
    partitions = await partitions_of(settings, Topic.COSTS)
    async with reader(settings) as consumer:
        sink = Sink(consumer, store, {settings.topic(Topic.COSTS): Topic.COSTS}, lambda _sentence: None)
        begin_s = time.perf_counter()
        await sink.run(partitions[Topic.COSTS], once=True)
        return time.perf_counter() - begin_s


def _show(events: int, per_s: dict[str, float]) -> None:
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    table = Table(title=f"{events:,} cost events from Kafka, {machine}", title_justify="left")
    table.add_column("warehouse")
    table.add_column("events/s", justify="right")
    for engine, rate in per_s.items():
        table.add_row(engine, f"{rate:,.0f}")
    Console().print(table)
    out = ROOT / "build" / "bench-warehouse.json"
    out.parent.mkdir(exist_ok=True)
    out.write_bytes(orjson.dumps({"events": events, "events_per_s": per_s, "machine": machine}))


if __name__ == "__main__":
    main()
