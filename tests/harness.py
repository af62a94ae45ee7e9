"""A pipeline under test: topics of its own on the shared broker, a simulated provider, and real worker processes."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path

import orjson
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import ConsumerRecord

from sandbox.provider.process import ProviderProcess
from sandbox.reconcile import Reconciliation, reconcile
from schemas.costs import CostEvent
from schemas.responses import Response
from schemas.topics import TOPICS, Topic
from streams.codec import TooLargeBatch
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import admin, producer, reader
from streams.topics import create_topics
from tests.reference import in_chain_order

PATIENCE_S = 60.0
ROOT = Path(__file__).parents[1]
FORGED = "forged"
"""A header of records that a test writes in the place of a worker."""


def far_deadline() -> str:
    """Return a deadline that no test outlives, and that a worker with default settings takes."""
    most_s = float(Settings.model_fields["max_deadline_s"].default)
    return (datetime.now(UTC) + timedelta(seconds=0.9 * most_s)).isoformat()


class Worker:
    """One worker process. Its log goes to a file that a failing test can show."""

    def __init__(self, environment: dict[str, str], log: Path, command: str = "worker") -> None:
        self.log = log
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", command],
                cwd=ROOT,
                env={**os.environ, **environment},
                stderr=stderr,
                stdout=subprocess.DEVNULL,
            )

    def last_said(self, words: str) -> str | None:
        """Return when it logged these words last, as a text that sorts; None: it has not."""
        lines = [line for line in self.log.read_text().splitlines() if words in line]
        return str(orjson.loads(lines[-1])["timestamp"]) if lines else None

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is committed."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> None:
        """SIGTERM: the drain begins."""
        self.process.send_signal(signal.SIGTERM)

    def stop(self, timeout_s: float = PATIENCE_S) -> int:
        """SIGTERM, and wait for the end; returns the exit code."""
        self.terminate()
        return self.process.wait(timeout_s)

    def end(self) -> None:
        """See that it is gone."""
        if self.process.poll() is None:
            self.kill()


@dataclass(slots=True)
class Pipeline:
    """Everything but the workers, which tests start, kill and stop as they like."""

    settings: Settings
    provider: ProviderProcess
    folder: Path
    environment: dict[str, str]
    workers: list[Worker] = field(default_factory=list)
    _grown: dict[Topic, int] = field(default_factory=dict)

    @classmethod
    async def create(
        cls, bootstrap_servers: str, provider: ProviderProcess, folder: Path, **environment: str
    ) -> "Pipeline":
        name = uuid.uuid4().hex[:8]
        catalogue = folder / f"reference-{name}.toml"
        catalogue.write_text(in_chain_order())
        variables = {
            "TURNOUT_BROKERS": bootstrap_servers,
            "TURNOUT_TOPIC_PREFIX": f"{name}.",
            "TURNOUT_GROUP": name,
            "TURNOUT_PARTITIONS": "4",
            "TURNOUT_PROVIDER_BASE_URL": provider.base_url,
            "TURNOUT_CATALOGUE": str(catalogue),
            "TURNOUT_COMMIT_INTERVAL_S": "0.2",
            "TURNOUT_SESSION_TIMEOUT_S": "6",
            "TURNOUT_DATA_DIR": str(folder / "data"),
            **environment,
        }
        names = {variable.removeprefix("TURNOUT_").lower(): value for variable, value in variables.items()}
        settings = load_settings(None, **names)
        async with admin(settings) as client:
            await create_topics(client, settings)
        return cls(settings, provider, folder, variables)

    def start_worker(self, **environment: str) -> Worker:
        worker = Worker({**self.environment, **environment}, self.folder / f"worker-{len(self.workers)}.log")
        self.workers.append(worker)
        return worker

    def start_control(self, **environment: str) -> Worker:
        """Start a process that keeps for all workers what one has to, and serves nothing."""
        log = self.folder / f"control-{len(self.workers)}.log"
        self.workers.append(Worker({**self.environment, **environment}, log, "control"))
        return self.workers[-1]

    def last_to_say(self, words: str) -> Worker | None:
        """Return the worker that logged these words last, of those that live: a role may have moved on."""
        living = [worker for worker in self.workers if worker.process.poll() is None]
        said = {at: worker for worker in living if (at := worker.last_said(words)) is not None}
        return said[max(said)] if said else None

    def end(self) -> None:
        for worker in self.workers:
            worker.end()

    async def publish(
        self,
        values: Iterable[bytes | dict[str, object] | None],
        *,
        partition: int | None = None,
        headers: Iterable[Sequence[tuple[str, bytes]]] = repeat(()),
    ) -> None:
        """Publish requests, keyed by their id if they have one, each with its headers."""
        async with producer(self.settings) as client:
            sent = [
                await self._send(client, value, partition, own) for value, own in zip(values, headers, strict=False)
            ]
            await asyncio.gather(*sent)

    async def _send(
        self,
        client: AIOKafkaProducer,
        value: bytes | dict[str, object] | None,
        partition: int | None,
        headers: Sequence[tuple[str, bytes]],
    ) -> "asyncio.Future[object]":
        key = b"bad"
        if isinstance(value, dict):
            key = str(value.get("request_id", "none")).encode()
            value = orjson.dumps(value)
        topic = self.settings.topic(Topic.REQUESTS)
        sent: asyncio.Future[object] = await client.send(
            topic, value=value, key=key, partition=partition, headers=headers
        )
        return sent

    async def grow(self, partitions: int, *topics: Topic) -> None:
        """Add partitions to the topics, until each has so many."""
        async with admin(self.settings) as client:
            await client.create_partitions({self.settings.topic(topic): NewPartitions(partitions) for topic in topics})
        self._grown.update(dict.fromkeys(topics, partitions))

    def partitions(self, topic: Topic) -> int:
        if topic in self._grown:
            return self._grown[topic]
        return self.settings.partitions if next(spec for spec in TOPICS if spec.topic is topic).busy else 1

    async def records(self, topic: Topic) -> list[ConsumerRecord[bytes | None, bytes | None]]:
        """Read a topic from its beginning to its end at this moment; what a test has forged is left out."""
        name = self.settings.topic(topic)
        async with reader(self.settings) as consumer:
            tps = [TopicPartition(name, number) for number in range(self.partitions(topic))]
            consumer.assign(tps)
            ends = await consumer.end_offsets(tps)
            found: list[ConsumerRecord[bytes | None, bytes | None]] = []
            for tp in tps:
                consumer.seek(tp, 0)
            while any([await consumer.position(tp) < ends[tp] for tp in tps]):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found.extend(record for record in records if not _is_forged(record))
            return found

    async def responses(self) -> list[Response]:
        return [Response.decode(record.value or b"") for record in await self.records(Topic.RESPONSES)]

    async def costs(self) -> list[CostEvent]:
        """Return the cost events, once each attempt that its response prices has one: they are written after it."""
        give_up = time.monotonic() + PATIENCE_S
        while True:
            events = await self.costs_by_now()
            if len({event.event_id for event in events}) >= await self._priced_attempts() or time.monotonic() > give_up:
                return events
            await asyncio.sleep(0.1)

    async def costs_by_now(self) -> list[CostEvent]:
        return [CostEvent.decode(record.value or b"") for record in await self.records(Topic.COSTS)]

    async def _priced_attempts(self) -> int:
        """Return how many attempts the responses price, each request's once."""
        requests = {(response.tenant, response.request_id): response.attempts for response in await self.responses()}
        return sum(attempt.certainty is not None for attempts in requests.values() for attempt in attempts)

    async def wait_for_responses(self, ids: Iterable[str], patience_s: float = PATIENCE_S) -> list[Response]:
        """Wait until every id has a response, and return all responses there are."""
        wanted, give_up = set(ids), time.monotonic() + patience_s
        while True:
            found = await self.responses()
            missing = wanted - {response.request_id for response in found}
            if not missing:
                return found
            if time.monotonic() > give_up:
                tails = "\n".join(worker.log.read_text()[-2000:] for worker in self.workers)
                raise AssertionError(f"{len(missing)} of {len(wanted)} not answered, e.g. {min(missing)}\n{tails}")
            await asyncio.sleep(0.3)

    async def until_calls_are_under_way(self, count: int) -> None:
        """Wait until the provider works on so many calls at a time."""
        give_up = time.monotonic() + PATIENCE_S
        while (await asyncio.to_thread(self.provider.stats)).generating < count:
            assert time.monotonic() < give_up, (
                f"there were never {count} calls at a time\n{self.workers[-1].log.read_text()[-2000:]}"
            )
            await asyncio.sleep(0.02)

    async def until_settled(self) -> None:
        """Wait until all workers are members of both of their groups, and these are at rest."""
        give_up = time.monotonic() + PATIENCE_S
        async with admin(self.settings) as client:
            for group in (self.settings.group, f"{self.settings.group}-control"):
                while (found := await describe_group(client, group)) != ("Stable", len(self.workers)):
                    assert time.monotonic() < give_up, (group, found, self.workers[-1].log.read_text()[-2000:])
                    await asyncio.sleep(0.1)

    async def committed(self) -> dict[int, int]:
        """Return the committed offset of each partition of the requests."""
        async with admin(self.settings) as client:
            offsets = await client.list_consumer_group_offsets(self.settings.group)
        return {tp.partition: found.offset for tp, found in offsets.items()}

    async def reconcile(self) -> Reconciliation:
        """Hold the bill against the invoice, once the provider generates nothing more."""
        await asyncio.to_thread(self.provider.wait_until_settled)
        return reconcile(await self.costs(), self.provider.invoice())


def _is_forged(record: ConsumerRecord[bytes | None, bytes | None]) -> bool:
    return any(name == FORGED or isinstance(name, TooLargeBatch) for name, _ in record.headers)


def assert_answered_once(responses: Iterable[Response], ids: Iterable[str]) -> None:
    """See that each id has exactly one response, and that there are no others."""
    assert Counter(response.request_id for response in responses) == Counter(set(ids))


MakeProvider = Callable[..., ProviderProcess]
MakePipeline = Callable[..., Awaitable[Pipeline]]


async def describe_group(client: AIOKafkaAdminClient, group: str) -> tuple[str, int]:
    """Return a group's state, and how many members it has."""
    try:
        (answer,) = await client.describe_consumer_groups([group])
    except GroupCoordinatorNotAvailableError:  # it is the broker's first group, whose topic is being made
        return "unknown", 0
    _error, _group, state, _type, _protocol, members, *_ = answer.groups[0]
    return state, len(members)
