"""Everything around workers, in memory: Turnout's topics, its two groups, providers; and workers as processes in it."""

import asyncio
from asyncio import Task
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random

from pydantic import SecretStr

from router.catalogue import Catalogue
from router.charges import Charge, ChargeRow
from schemas.dead_letters import OVERHEAD_BYTES
from schemas.topics import TOPICS, Topic
from streams.config.settings import Settings
from streams.control.keepers import WEIGHTS
from streams.control_process import ControlProcess
from streams.kafka.fence import HeartbeatFence
from streams.ports import Ports, TopicPartition
from streams.providers.endpoints import Endpoint
from streams.providers.http_provider import HttpProvider
from streams.worker import Parts, Worker, make_parts
from tests.fakes.batches import BatchProviders, MemoryBatchProvider
from tests.fakes.blobs import MemoryBlobs
from tests.fakes.broker import Broker
from tests.fakes.consumer import GroupConsumer, Rhythm
from tests.fakes.control_group import MemoryControlGroup
from tests.fakes.groups import Group, by_weight, spread
from tests.fakes.intake import MemoryIntake
from tests.fakes.link import Link, Weather
from tests.fakes.log import MemoryLog
from tests.fakes.loop import Process, VirtualLoop
from tests.fakes.provider import Character, MemoryTransport, Providers

CONTROL_DRAIN_S = 2.0
CONTROL_REBALANCE_S = 30.0
REBALANCE_MARGIN_S = 30.0
"""As `streams.kafka` has them."""
KIND = (ChargeRow(Charge.FREE, "tests.fakes.provider", statuses=frozenset({400, 503})),)
"""What fails at once is not charged."""


def key_of_account(name: str) -> str:
    """Return the key of an account."""
    return f"secret-of-{name}"


@dataclass(slots=True)
class WorkerProcess:
    """A worker that was started, until it is stopped or killed."""

    process: Process
    link: Link
    ports: Ports
    parts: Parts
    worker: Worker
    running: "Task[None]"
    asked: asyncio.Event

    def kill(self) -> None:
        """End it at this moment."""
        self.process.kill()

    async def stop(self) -> None:
        """Ask it to stop, and wait until it has."""
        self.asked.set()
        await asyncio.shield(self.running)


@dataclass(slots=True)
class World:
    """One cluster, its providers, and the workers in it; everything random comes from one seed."""

    loop: VirtualLoop
    catalogue: Catalogue
    seed: int = 0
    settings: Settings = field(default_factory=Settings)
    weather: Weather = field(default_factory=Weather)
    characters: dict[str, Character] = field(default_factory=dict)
    """How the models are; those of the catalogue that are not named answer kindly, and charge what it says."""
    broker: Broker = field(init=False)
    requests: Group = field(init=False)
    control: Group = field(init=False)
    providers: Providers = field(init=False)
    api_key: SecretStr | None = None
    """What every provider is called with."""
    charges: tuple[ChargeRow, ...] = KIND
    """What the catalogue says of what the providers charge without an answer."""
    blobs: MemoryBlobs | None = None
    batches: BatchProviders = field(init=False)
    """The providers' batches."""
    workers: dict[str, WorkerProcess] = field(default_factory=dict)
    """Those that were started last under each name."""
    random: Random = field(init=False)
    _started: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 - a test's dice
        self.broker = Broker(self.loop)
        count = self.settings.partitions
        for spec in TOPICS:
            self.broker.create(
                self.settings.topic(spec.topic),
                count if spec.busy else 1,
                compacted=spec.compacted,
                retention_s=spec.retention_s,
                max_bytes=self.settings.max_message_bytes + (OVERHEAD_BYTES if spec.topic is Topic.DEAD_LETTERS else 0),
            )
        self.requests = Group(self.loop, self.partitions(Topic.REQUESTS), spread)
        owned = (
            Topic.MODEL_STATS,
            Topic.TENANT_DEMAND,
            Topic.BUDGET_CLAIMS,
            Topic.QUALITY_COUNTS,
            Topic.BATCH_LANES,
        )
        weights = {self.settings.topic(topic): weight for topic, weight in WEIGHTS.items()}
        self.control = Group(self.loop, tuple(self.partition(topic) for topic in owned), by_weight(weights))
        models = {name: _character(self.catalogue, name) for name in self.catalogue.models} | self.characters
        self.batches = BatchProviders(self.loop, Random(self.seed + 2))  # noqa: S311 - same
        self.providers = Providers(self.loop, Random(self.seed + 1), deepcopy(models))  # noqa: S311 - same

    def partition(self, topic: Topic, number: int = 0) -> TopicPartition:
        return TopicPartition(self.settings.topic(topic), number)

    def partitions(self, topic: Topic) -> tuple[TopicPartition, ...]:
        return tuple(self.partition(topic, number) for number in range(self.settings.partitions))

    def grow(self, topic: Topic, count: int) -> None:
        """Add partitions to a topic, until it has so many."""
        self.broker.grow(self.settings.topic(topic), count)
        if topic is Topic.REQUESTS:
            self.requests.grow(tuple(self.partition(topic, number) for number in range(count)))

    def keeper_of(self, topic: Topic) -> WorkerProcess:
        """Return the worker that has the topic of a role."""
        tp = self.partition(topic)
        (member,) = (member for member, tps in self.control.assignments.items() if tp in tps)
        return self.workers[member.partition("#")[0]]

    def start(self, name: str, *, control: bool = True) -> WorkerProcess:
        """Start a worker; of one name there is one at a time."""
        process, link = self._process(name)
        self.workers[name] = process.run(self._make, name, process, link, control)
        return self.workers[name]

    def start_control(self, name: str) -> Process:
        """Start a process that keeps for all workers what one has to, and serves nothing."""
        process, link = self._process(name)
        process.run(self._make_control, name, link)
        return process

    def _process(self, name: str) -> tuple[Process, Link]:
        self._started += 1
        process = Process(self.loop, f"{name}@{self._started}")
        link = Link(self.loop, process, Random(self.random.random()), self.weather)  # noqa: S311 - a test's dice
        return process, link

    def _make_control(self, name: str, link: Link) -> "Task[None]":
        settings = self.settings.model_copy(update={"worker_id": name})
        ports = self.ports(name, link)
        kept = ControlProcess(settings, make_parts(settings, self.catalogue, ports, serves=False), ports)

        async def run() -> None:
            async with kept.running():
                await kept.stopped(asyncio.Event().wait)

        return asyncio.create_task(run())

    def _make(self, name: str, process: Process, link: Link, control: bool = True) -> WorkerProcess:  # noqa: FBT001, FBT002  # by place, through `Process.run`
        settings = self.settings.model_copy(update={"worker_id": name, "control": control})
        ports = self.ports(name, link)
        parts = make_parts(settings, self.catalogue, ports)
        worker = Worker(settings, parts, ports)
        asked = asyncio.Event()

        async def is_asked() -> None:
            await asked.wait()

        async def run() -> None:
            async with worker.running():
                await worker.stopped(is_asked)

        return WorkerProcess(process, link, ports, parts, worker, asyncio.create_task(run()), asked)

    def ports(self, name: str, link: Link) -> Ports:
        """Return what a worker stands on."""
        settings, clock = self.settings, self.loop.time
        log = MemoryLog(self.broker, link)
        rhythm = Rhythm(
            settings.session_timeout_s,
            settings.drain_s,
            settings.drain_s + REBALANCE_MARGIN_S,
            settings.commit_interval_s,
        )
        control_rhythm = Rhythm(
            settings.session_timeout_s, CONTROL_DRAIN_S, CONTROL_REBALANCE_S, settings.commit_interval_s
        )
        fence, control_fence = (HeartbeatFence(settings.session_timeout_s, clock) for _ in range(2))
        endpoints = {
            model.provider_name: Endpoint(
                "http://provider/v1",
                self.api_key,
                self.charges,
                account_keys={
                    one.name: SecretStr(key_of_account(one.name))
                    for one in self.catalogue.accounts.get(model.provider_name, ())
                },
            )
            for model in self.catalogue.models.values()
        }
        return Ports(
            log=log,
            intake=MemoryIntake(self.broker, GroupConsumer(self.broker, link, self.requests, name, fence, rhythm)),
            control_group=MemoryControlGroup(
                log, GroupConsumer(self.broker, link, self.control, name, control_fence, control_rhythm)
            ),
            fence=fence,
            provider=HttpProvider(MemoryTransport(self.providers, link), endpoints, clock),
            clock=clock,
            wall_clock=clock,
            chance=Random(self.random.random()).random,  # noqa: S311 - a test's dice
            batches=MemoryBatchProvider(self.batches, link.process.name),
            blobs=self.blobs,
        )


def _character(catalogue: Catalogue, name: str) -> Character:
    price = catalogue.models[name].price
    if price is None:
        return Character(0, 0)
    return Character(price.input_usd_per_mtok, price.output_usd_per_mtok)
