"""`turnout dashboard`: serves a live page of spend, savings, budgets, health, throughput and lag on loopback."""

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import orjson
import typer
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from dashboard.feed import OPTIONAL, TOPICS, Feed
from dashboard.figures import Figures
from dashboard.server import HOST, serving
from dashboard.state import in_flight, state_of
from schemas.topics import Topic
from streams.cli import options
from streams.cli.partitions import partitions_of
from streams.cli.running import keep_libraries_quiet, run
from streams.cli.speech import say
from streams.config.catalogue_file import load_catalogue
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import admin, reader
from warehouse.advice import recommend
from warehouse.errors import WarehouseError
from warehouse.page import CHART_JS
from warehouse.report import Period

EPILOG = """\b
Examples:
    turnout dashboard
    turnout dashboard --port 8091 --minutes 10 --duckdb costs.duckdb

It reads the topics without a group, so it disturbs no worker. With a warehouse it shows recommendations too. From
elsewhere:

\b
    ssh -L 8090:127.0.0.1:8090 HOST
"""

PORT = 8090
ADVICE_LOOK_S = 1.0
ADVISE_EVERY_S = 60.0
ADVICE_DAYS = 30
FRESH_S = 0.5
"""However many browsers ask, the state is worked out at most this often."""


@dataclass(frozen=True, slots=True)
class _Advice:
    """One recommendation."""

    headline: str
    arithmetic: str


@dataclass(slots=True)
class _Told:
    """What the page is told besides the figures."""

    problem: str | None = None
    advice: list[_Advice] | None = None
    """None: there is no warehouse to rest it on."""
    advice_problem: str | None = None


def dashboard(  # noqa: PLR0913 - one parameter an option
    *,
    port: Annotated[
        int, typer.Option(help="Where to serve on 127.0.0.1; 0 is any free port.", min=0, max=65535)
    ] = PORT,
    minutes: Annotated[int, typer.Option(help="How far back the page looks.", min=2, max=1440)] = 60,
    group: Annotated[
        str | None,
        typer.Option(help="The workers' consumer group, for its lag.", show_default="TURNOUT_GROUP, else turnout"),
    ] = None,
    duckdb: options.DuckDbFile = None,
    postgres: options.PostgresDsn = None,
    catalogue: options.CatalogueFile = None,
    brokers: options.Brokers = None,
    env_file: options.EnvFile = None,
) -> None:
    """Serve a live page of spend, savings, budgets, model health, throughput and lag, until Ctrl-C."""
    keep_libraries_quiet()
    settings = load_settings(
        env_file,
        brokers=brokers,
        group=group,
        catalogue=catalogue,
        warehouse_duckdb=duckdb,
        warehouse_postgres=postgres,
    )
    try:
        run(settings, _serve(settings, port, minutes * 60, _adviser(settings, duckdb, postgres)))
    except OSError as error:
        say(f"{HOST}:{port} cannot be served: {error.strerror}; choose another with --port.")
        raise typer.Exit(1) from None


async def _serve(settings: Settings, port: int, window_s: int, advise: Callable[[], list[_Advice]] | None) -> None:
    """Serve until the end.

    Raises:
        KafkaError: the brokers refuse.
        OSError: the port is taken.
    """
    figures, told = Figures(window_s), _Told(advice=None if advise is None else [])
    partitions = await partitions_of(settings, *TOPICS, Topic.REQUESTS, optional=OPTIONAL)
    async with (
        reader(settings, follows=True) as consumer,
        reader(settings) as looker,
        admin(settings) as client,
        serving(port, _Cached(figures, told).get, CHART_JS.read_bytes()) as url,
    ):
        say(f"The dashboard is at {url} until Ctrl-C.")
        feed = Feed(consumer, {settings.topic(topic): topic for topic in TOPICS}, figures, time.time)
        lag = _Lag(client, looker, settings.group, settings.topic(Topic.REQUESTS))
        work = [feed.run(partitions), _look(lag, figures, told)]
        if advise is not None:
            work.append(_keep_advised(advise, told))
        tasks = [asyncio.create_task(one) for one in work]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()


@dataclass(slots=True)
class _Cached:
    figures: Figures
    told: _Told
    _made_s: float = 0.0
    _state: bytes = b""

    def get(self) -> bytes:
        if time.monotonic() - self._made_s >= FRESH_S:
            state = state_of(self.figures, time.time())
            self._state = orjson.dumps({**asdict(state), **asdict(self.told)})
            self._made_s = time.monotonic()
        return self._state


@dataclass(frozen=True, slots=True)
class _Lag:
    """How many requests are not committed yet."""

    client: AIOKafkaAdminClient
    consumer: AIOKafkaConsumer
    group: str
    topic: str

    async def now(self) -> int:
        """Raises KafkaError."""
        (described,) = await self.client.describe_topics([self.topic])
        partitions = [TopicPartition(self.topic, one["partition"]) for one in described["partitions"]]
        committed = await self.client.list_consumer_group_offsets(self.group, partitions=partitions)
        begins = await self.consumer.beginning_offsets(partitions)
        ends = await self.consumer.end_offsets(partitions)
        return sum(
            max(0, ends[tp] - max(begins[tp], committed[tp].offset if tp in committed else 0)) for tp in partitions
        )


async def _look(lag: _Lag, figures: Figures, told: _Told) -> None:
    while True:
        found = None
        try:
            found, told.problem = await lag.now(), None
        except KafkaError as error:
            told.problem = f"Kafka does not answer ({type(error).__name__}): what is shown may be old."
        figures.observe(found, in_flight(figures, time.time()), time.time())
        await asyncio.sleep(ADVICE_LOOK_S)


async def _keep_advised(advise: Callable[[], list[_Advice]], told: _Told) -> None:
    while True:
        try:
            told.advice, told.advice_problem = await asyncio.to_thread(advise), None
        except WarehouseError as error:
            told.advice_problem = str(error)
        await asyncio.sleep(ADVISE_EVERY_S)


def _adviser(settings: Settings, duckdb: Path | None, postgres: str | None) -> Callable[[], list[_Advice]] | None:
    """Return what asks the warehouse for recommendations; None if no warehouse is named."""
    if settings.warehouse_duckdb is None and settings.warehouse_postgres is None:
        return None
    # the databases' clients are an extra
    from streams.cli.report import norms_of  # noqa: PLC0415
    from streams.cli.warehouse import open_store  # noqa: PLC0415

    norms = norms_of(load_catalogue(settings.catalogue).catalogue)

    def advise() -> list[_Advice]:
        condition, values = Period(since=datetime.now(UTC).date() - timedelta(days=ADVICE_DAYS)).condition()
        # opened for each question: a process that writes a DuckDB file needs it alone
        with closing(open_store(settings, duckdb=duckdb, postgres=postgres, read_only=True)) as store:
            found = recommend(store, condition, values, norms.qualities, norms.floors)
            return [_Advice(one.headline, one.arithmetic) for one in found]

    return advise
