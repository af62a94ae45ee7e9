"""What is compared: Turnout and its floors, which are asked on Kafka, and gateways, which are asked over HTTP.

A system is a process of its own that calls the same simulated provider. Each has what it needs switched on and nothing
that it does not have by default; each is one process on one core's worth of code (LiteLLM: one worker).
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import Protocol

import aiohttp
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from sandbox.prompts import load_prompts
from schemas.topics import Topic
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import admin, reader
from streams.topics import create_topics
from tests.harness import far_deadline

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "build" / "peers"
START_WITHIN_S = 90.0
ANSWER_WITHIN_S = 30.0
MODEL = "deepseek-v3.2"
KEY = f"sk-{token_hex(32)}"
"""LiteLLM does not start without one that is hard to guess."""
PROMPTS = tuple(prompt.request.question for prompt in load_prompts())


class NoAnswer(Exception):  # noqa: N818 - reads as the sentence it starts
    """A system that does not do what it was started for; the text has the end of its log."""


class Running(Protocol):
    """A system that has been started."""

    @property
    def pid(self) -> int: ...  # noqa: D102
    async def ask(self, number: int) -> bool: ...  # noqa: D102 - whether it was answered
    def flood(self, requests: int) -> AbstractAsyncContextManager["Flood"]: ...  # noqa: D102


class Flood(Protocol):
    """More requests than are served at once."""

    async def answered(self) -> int: ...  # noqa: D102
    @property
    def errors(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class System:
    """One that can be started, time and again."""

    name: str
    requests: int
    """How many make a flood of some seconds."""
    start: "Start"
    in_flight: int = 256
    """So many at a time, of which each takes the provider's time at the least; more would only wait in it."""


class Start(Protocol):
    """Starts a system for one repetition."""

    def __call__(self, world: "World", repetition: int, in_flight: int) -> AbstractAsyncContextManager[Running]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class World:
    """What the systems stand on."""

    brokers: str
    provider_base_url: str
    catalogue: Path
    folder: Path


@asynccontextmanager
async def started_process(
    command: Sequence[str], environment: Mapping[str, str], log: Path, cwd: Path = ROOT
) -> AsyncIterator[subprocess.Popen[bytes]]:
    """Run a command while the context is open; its output goes to the end of a file."""
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603, ASYNC220 - ours, and started before anything is measured
            command, cwd=cwd, env={**os.environ, **environment}, stdout=out, stderr=out
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, 30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(slots=True)
class OnKafka:
    """A worker between topics of its own."""

    pid: int
    settings: Settings
    sender: AIOKafkaProducer
    answers: dict[bytes, asyncio.Future[None]] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=count)

    async def ask(self, number: int) -> bool:
        """Publish a prompt, and wait for its answer."""
        key = f"ask-{next(self._numbers)}-{number}".encode()
        answered = self.answers[key] = asyncio.get_running_loop().create_future()
        await self.sender.send(self.settings.topic(Topic.REQUESTS), _record(key, number), key=key)
        try:
            await asyncio.wait_for(answered, ANSWER_WITHIN_S)
        except TimeoutError:
            return False
        return True

    async def follow(self) -> None:
        """Read the answers as they come."""
        async for key in answers_of(self.settings):
            if (answered := self.answers.pop(key, None)) is not None and not answered.done():
                answered.set_result(None)

    @asynccontextmanager
    async def flood(self, requests: int) -> AsyncIterator[Flood]:
        """Put so many prompts on the topic at once."""
        async with reader(self.settings) as consumer:
            before = sum((await consumer.end_offsets(_partitions(self.settings))).values())
            name = self.settings.topic(Topic.REQUESTS)
            keys = [f"flood-{next(self._numbers)}".encode() for _ in range(requests)]
            sent = [await self.sender.send(name, _record(key, place), key=key) for place, key in enumerate(keys)]
            await asyncio.gather(*sent)
            yield _KafkaFlood(consumer, self.settings, before)


async def answers_of(settings: Settings) -> AsyncIterator[bytes]:
    """Yield the key of each response from now on."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.brokers, auto_offset_reset="latest")
    await consumer.start()
    try:
        consumer.assign(_partitions(settings))
        await consumer.seek_to_end()
        while True:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    yield record.key
    finally:
        await consumer.stop()


@dataclass(slots=True)
class _KafkaFlood:
    consumer: AIOKafkaConsumer
    settings: Settings
    before: int
    errors: int = 0

    async def answered(self) -> int:
        ends = await self.consumer.end_offsets(_partitions(self.settings))
        return sum(map(int, ends.values())) - self.before


def _partitions(settings: Settings) -> list[TopicPartition]:
    return [TopicPartition(settings.topic(Topic.RESPONSES), number) for number in range(settings.partitions)]


def _record(key: bytes, number: int) -> bytes:
    prompt = PROMPTS[number % len(PROMPTS)]
    fields = {"request_id": key.decode(), "tenant": f"t-{number % 5}", "prompt": prompt, "deadline": far_deadline()}
    return orjson.dumps(fields)


def on_kafka(name: str, *arguments: str) -> Start:
    """Return what starts a worker of Turnout's command line, or another module, with Turnout's settings."""

    @asynccontextmanager
    async def start(world: World, repetition: int, in_flight: int) -> AsyncIterator[Running]:
        place = f"{name}-{repetition}"
        chosen = {
            "brokers": world.brokers,
            "topic_prefix": f"{place}.",
            "group": place,
            "provider_base_url": world.provider_base_url,
            "catalogue": str(world.catalogue),
            "max_in_flight": str(in_flight),
            "data_dir": str(world.folder / place),
        }
        settings = load_settings(None, **chosen)
        async with admin(settings) as client:
            await create_topics(client, settings)
        environment = {f"TURNOUT_{key.upper()}": value for key, value in chosen.items()}
        sender = AIOKafkaProducer(bootstrap_servers=world.brokers)
        await sender.start()
        try:
            log = world.folder / f"{place}.log"
            async with started_process([sys.executable, "-m", *arguments], environment, log) as worker:
                running = OnKafka(worker.pid, settings, sender)
                following = asyncio.create_task(running.follow())
                try:
                    await _until_it_answers(running, worker, log)
                    yield running
                finally:
                    following.cancel()
                    await asyncio.wait([following])
        finally:
            await sender.stop()

    return start


@dataclass(slots=True)
class OverHttp:
    """A gateway with OpenAI's API."""

    pid: int
    url: str
    headers: Mapping[str, str]
    session: aiohttp.ClientSession
    in_flight: int

    async def ask(self, number: int) -> bool:
        """Ask, and wait for the answer."""
        prompt = PROMPTS[number % len(PROMPTS)]
        body = orjson.dumps({"model": MODEL, "messages": [{"role": "user", "content": prompt}], "max_tokens": 4096})
        try:
            async with self.session.post(self.url, data=body, headers=self.headers) as response:
                return response.status == 200 and b'"choices"' in await response.read()  # noqa: PLR2004 - OK
        except (aiohttp.ClientError, TimeoutError):
            return False

    @asynccontextmanager
    async def flood(self, requests: int) -> AsyncIterator[Flood]:
        """Ask so many, `in_flight` at a time."""
        flood = _HttpFlood()
        numbers = iter(range(requests))

        async def asks() -> None:
            for number in numbers:
                flood.errors += not await self.ask(number)
                flood.ended += 1

        tasks = [asyncio.create_task(asks()) for _ in range(self.in_flight)]
        try:
            yield flood
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


@dataclass(slots=True)
class _HttpFlood:
    ended: int = 0
    errors: int = 0

    async def answered(self) -> int:
        return self.ended


def over_http(name: str, command: "Command", path: str, headers: "Headers") -> Start:
    """Return what starts a gateway on a free port."""

    @asynccontextmanager
    async def start(world: World, repetition: int, in_flight: int) -> AsyncIterator[Running]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        log = world.folder / f"{name}-{repetition}.log"
        timeout = aiohttp.ClientTimeout(ANSWER_WITHIN_S)
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session,
            started_process(command(world, port), _OF_PEERS, log, world.folder) as gateway,
        ):
            given = {"content-type": "application/json", **headers(world)}
            running = OverHttp(gateway.pid, f"http://127.0.0.1:{port}{path}", given, session, in_flight)
            await _until_it_answers(running, gateway, log)
            yield running

    return start


async def _until_it_answers(running: Running, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up_s = time.monotonic() + START_WITHIN_S
    while time.monotonic() < give_up_s:
        if process.poll() is not None:
            break
        if await running.ask(0):
            return
        await asyncio.sleep(0.2)
    raise NoAnswer(f"{log.stem} does not answer: {log.read_text()[-2000:]}")  # noqa: ASYNC240 - the end


class Command(Protocol):
    """Returns how a gateway is started on a port."""

    def __call__(self, world: World, port: int) -> Sequence[str]: ...  # noqa: D102


class Headers(Protocol):
    """Returns what a gateway wants to be told with each request."""

    def __call__(self, world: World) -> Mapping[str, str]: ...  # noqa: D102


_OF_PEERS = {"LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "NO_COLOR": "1"}
"""Neither peer is to ask the network for anything but the provider, nor to write a line for each request."""


def _litellm(world: World, port: int) -> Sequence[str]:
    config = world.folder / "litellm.json"  # JSON is YAML
    params = {"model": f"openai/{MODEL}", "api_base": world.provider_base_url, "api_key": KEY}
    config.write_bytes(orjson.dumps({"model_list": [{"model_name": MODEL, "litellm_params": params}]}))
    command = str(PEERS / "litellm" / "bin" / "litellm")
    return [command, "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]


def _litellm_headers(world: World) -> Mapping[str, str]:
    del world  # its file names the provider
    return {"authorization": f"Bearer {KEY}"}


def _portkey(world: World, port: int) -> Sequence[str]:
    del world  # it is told of the provider with each request
    server = PEERS / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    return ["node", str(server), "--headless", f"--port={port}"]


def _portkey_headers(world: World) -> Mapping[str, str]:
    return {
        "authorization": f"Bearer {KEY}",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": world.provider_base_url,
    }


TURNOUT = System("turnout", 4000, on_kafka("turnout", "streams.cli", "worker"))
FLOOR = System("floor-transport", 6000, on_kafka("floor-transport", "bench.compare.floor", "transport"))
FLOORS = (
    FLOOR,
    System("floor-aiohttp", 6000, on_kafka("floor-aiohttp", "bench.compare.floor", "aiohttp")),
    System("floor-by-hand", 8000, on_kafka("floor-by-hand", "bench.compare.floor", "by-hand")),
)
LITELLM = System("litellm", 300, over_http("litellm", _litellm, "/v1/chat/completions", _litellm_headers), in_flight=64)
PORTKEY = System("portkey", 3000, over_http("portkey", _portkey, "/v1/chat/completions", _portkey_headers))


def installed_peers() -> list[System]:
    """Return the peers that `make bench-peers` has installed."""
    found = [LITELLM] if (PEERS / "litellm" / "bin" / "litellm").exists() else []
    return [*found, PORTKEY] if (PEERS / "portkey" / "node_modules").exists() and shutil.which("node") else found
