"""Workers of one group on topics of their own, a provider, and whoever asks them and waits for their answers."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from aiokafka import AIOKafkaProducer, TopicPartition

from bench.compare.processes import cpu_s, peak_mb, resident_mb
from bench.compare.systems import PROMPTS, NoAnswer, World, answers_of, started_process
from schemas.topics import Topic
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import admin, reader
from streams.topics import create_topics
from tests.harness import far_deadline

LOOK_EVERY_S = 0.25
PATIENCE_S = 300.0
WARM_UP_SHARE, END_SHARE = 0.2, 0.9
"""Of a flood: before the one and after the other nothing is measured."""
Text = Callable[[int], str]
"""Returns the prompt of a request, by its number."""


def demo_text(number: int) -> str:
    """Return a prompt of the demo."""
    return PROMPTS[number % len(PROMPTS)]


@dataclass(frozen=True, slots=True)
class Flood:
    """What was measured of requests that all lay on the topic at once, between warm-up and end."""

    requests_per_s: float
    cpu_us_per_request: float
    """Of all workers together."""
    took_s: float
    """All of it, from the first look to the last answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that was sent at a moment fixed beforehand."""

    at_s: float
    """Seconds since the first was due."""
    took_s: float | None
    """None: no answer came within the patience."""


@dataclass(slots=True)
class Fleet:
    """Workers, none at first."""

    name: str
    world: World
    settings: Settings
    sender: AIOKafkaProducer
    environment: dict[str, str]
    stack: AsyncExitStack
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    waiting: dict[bytes, "asyncio.Future[float]"] = field(default_factory=dict)
    sent: int = 0

    async def add(self, count: int = 1) -> None:
        """Start so many workers more; they may not be ready yet."""
        for _ in range(count):
            log = self.world.folder / f"{self.name}-{len(self.workers)}.log"
            own = {"TURNOUT_DATA_DIR": str(self.world.folder / f"{self.name}-{len(self.workers)}")}
            process = started_process([sys.executable, "-m", "streams.cli", "worker"], self.environment | own, log)
            self.workers.append(await self.stack.enter_async_context(process))

    async def ready(self) -> float:
        """Ask until there is an answer from each partition; return how long that took, seconds.

        Raises:
            NoAnswer: a worker has ended, or it takes too long.
        """
        begun_s = time.monotonic()
        for partition in range(self.settings.partitions):
            while not await self._answers(partition):
                if (over := time.monotonic() - begun_s) > PATIENCE_S or any(
                    one.poll() is not None for one in self.workers
                ):
                    raise NoAnswer(f"{self.name}: partition {partition} gave no answer in {over:.0f} s")
        return time.monotonic() - begun_s

    async def _answers(self, partition: int) -> bool:
        try:
            await asyncio.wait_for(await self.ask(demo_text(partition), partition), 30)
        except TimeoutError:
            return False
        return True

    async def ask(self, text: str, partition: int | None = None) -> "asyncio.Future[float]":
        """Send a prompt; the future is done, with the moment, when a consumer has read its answer."""
        key = f"{self.name}-{self.sent}".encode()
        self.sent += 1
        answer = self.waiting[key] = asyncio.get_running_loop().create_future()
        await self.sender.send(self.settings.topic(Topic.REQUESTS), _record(key, text), key=key, partition=partition)
        return answer

    async def follow(self) -> None:
        """Read the answers as they come."""
        async for key in answers_of(self.settings):
            if (answer := self.waiting.pop(key, None)) is not None and not answer.done():
                answer.set_result(time.monotonic())

    async def flood(self, requests: int, text: Text = demo_text, on_look: Callable[[int], None] | None = None) -> Flood:
        """Put so many prompts on the topic, and measure how they are worked off.

        Raises:
            NoAnswer: it takes too long.
        """
        topic = self.settings.topic(Topic.REQUESTS)
        async with reader(self.settings) as consumer:
            before = sum((await consumer.end_offsets(self._responses())).values())
            sent = []
            for number in range(requests):
                key = f"{self.name}-flood-{self.sent}".encode()
                self.sent += 1
                sent.append(await self.sender.send(topic, _record(key, text(number)), key=key))
            begin: tuple[float, int, float] | None = None
            end: tuple[float, int, float] | None = None
            begun_s = time.monotonic()
            await asyncio.gather(*sent)
            while (done := sum((await consumer.end_offsets(self._responses())).values()) - before) < requests:
                if time.monotonic() - begun_s > PATIENCE_S + requests / 50:
                    raise NoAnswer(f"{self.name}: only {done} of {requests} requests were answered")
                if on_look:
                    on_look(done)
                if WARM_UP_SHARE * requests <= done and (end is None or done <= END_SHARE * requests):
                    end = time.monotonic(), done, self.cpu_s()
                    begin = begin or end
                await asyncio.sleep(LOOK_EVERY_S)
        if begin is None or end is None or end is begin:
            raise NoAnswer(f"{self.name}: {requests} requests were over before two looks at them; ask more")
        seconds, count = end[0] - begin[0], end[1] - begin[1]
        return Flood(
            requests_per_s=round(count / seconds, 1),
            cpu_us_per_request=round((end[2] - begin[2]) / count * 1e6),
            took_s=round(time.monotonic() - begun_s, 1),
        )

    async def at_moments(self, moments_s: Iterable[tuple[float, str]], patience_s: float = 60.0) -> list[Asked]:
        """Ask at moments that are fixed beforehand: a fleet that falls behind is asked no less."""
        begun_s = time.monotonic() + LOOK_EVERY_S
        answers: list[tuple[float, asyncio.Future[float]]] = []
        for at_s, text in moments_s:
            await asyncio.sleep(begun_s + at_s - time.monotonic())
            answers.append((at_s, await self.ask(text)))
        await asyncio.wait([answer for _, answer in answers], timeout=patience_s)
        return [Asked(at_s, answer.result() - begun_s - at_s if answer.done() else None) for at_s, answer in answers]

    def cpu_s(self) -> float:
        """Return the processor time of all workers."""
        return sum(cpu_s(worker.pid) for worker in self.workers)

    def peak_mb(self) -> float:
        """Return the peak of resident memory of the largest worker, MiB."""
        return max(peak_mb(worker.pid) for worker in self.workers)

    def resident_mb(self) -> float:
        """Return the resident memory of the largest worker now, MiB."""
        return max(resident_mb(worker.pid) for worker in self.workers)

    async def lag(self) -> int:
        """Return how many records lie on the requests topic that no worker has committed."""
        topic = self.settings.topic(Topic.REQUESTS)
        tps = [TopicPartition(topic, number) for number in range(self.settings.partitions)]
        async with admin(self.settings) as client, reader(self.settings) as consumer:
            ends = await consumer.end_offsets(tps)
            found = await client.list_consumer_group_offsets(self.settings.group)
        return sum(ends[tp] - (found[tp].offset if tp in found else 0) for tp in tps)

    def _responses(self) -> Sequence[TopicPartition]:
        topic = self.settings.topic(Topic.RESPONSES)
        return [TopicPartition(topic, number) for number in range(self.settings.partitions)]


@asynccontextmanager
async def fleet(world: World, name: str, *, partitions: int = 16, in_flight: int = 256) -> AsyncIterator[Fleet]:
    """Give a fleet without workers yet; whoever it has started is stopped at the end."""
    chosen = {
        "brokers": world.brokers,
        "topic_prefix": f"{name}.",
        "group": name,
        "provider_base_url": world.provider_base_url,
        "catalogue": str(world.catalogue),
        "max_in_flight": str(in_flight),
        "partitions": str(partitions),
    }
    settings = load_settings(None, **chosen, data_dir=str(world.folder / name))
    async with admin(settings) as client:
        await create_topics(client, settings)
    environment = {f"TURNOUT_{key.upper()}": value for key, value in chosen.items()}
    sender = AIOKafkaProducer(bootstrap_servers=world.brokers, linger_ms=2, max_request_size=8 << 20)
    await sender.start()
    try:
        async with AsyncExitStack() as stack:
            made = Fleet(name, world, settings, sender, environment, stack)
            following = asyncio.create_task(made.follow())
            try:
                yield made
            finally:
                following.cancel()
                await asyncio.wait([following])
    finally:
        await sender.stop()


def _record(key: bytes, text: str) -> bytes:
    number = int(key.rsplit(b"-", 1)[1])
    fields = {"request_id": key.decode(), "tenant": f"t-{number % 5}", "prompt": text, "deadline": far_deadline()}
    return orjson.dumps(fields)


def end_of_log(log: Path) -> str:
    """Return the last of a worker's log, for an error's text."""
    return log.read_text()[-2000:]
