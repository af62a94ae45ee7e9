"""The least that a worker on Kafka has to do: read a prompt, write the call ahead, call, answer, tell the cost, commit.

No routing, no health, no limits, no duplicates, no bill: what Turnout adds to this is what it costs. It runs as a
process of its own, with one of three HTTP clients: Turnout's transport, aiohttp as it is, or a hand-written HTTP/1.1
client that knows this one provider and nothing else, which is the limit.
"""

import argparse
import asyncio
import gc
import signal
from asyncio import StreamReader, StreamWriter
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import aiohttp
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from schemas.topics import Topic
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import producer
from streams.providers.exchange import Outgoing
from streams.providers.transport import AiohttpTransport

Post = Callable[[bytes], Awaitable[bytes]]
TIMEOUT_S = 30.0
PADDING = "x" * 900
"""With it a call and a cost event are about as long as Turnout's."""
HEADERS = {"content-type": "application/json", "accept": "application/json", "accept-encoding": "identity"}
EVENT_HEADERS = [
    *(("ce_specversion", b"1.0"), ("ce_source", b"floor"), ("ce_type", b"floor"), ("ce_subject", b"floor")),
    *(("ce_id", b"00000000-0000-0000-0000-000000000000"), ("ce_time", b"2026-01-01T00:00:00.000000Z")),
    ("content-type", b"application/json"),
]


async def by_transport(url: str, stack: AsyncExitStack) -> Post:
    """Return calls by Turnout's transport."""
    transport = await stack.enter_async_context(AiohttpTransport())
    headers = tuple(HEADERS.items())

    async def post(body: bytes) -> bytes:
        return (await transport.exchange(Outgoing("POST", url, headers, body, TIMEOUT_S))).content

    return post


async def by_aiohttp(url: str, stack: AsyncExitStack) -> Post:
    """Return calls by aiohttp as it is used everywhere."""
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))

    async def post(body: bytes) -> bytes:
        async with session.post(url, data=body, headers=HEADERS) as response:
            return await response.read()

    return post


async def by_hand(url: str, stack: AsyncExitStack) -> Post:
    """Return calls over connections that are kept and hold one response at a time, with a length."""
    parts = urlsplit(url)
    lines = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    head = f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\n{lines}content-length: ".encode()
    idle: deque[tuple[StreamReader, StreamWriter]] = deque()

    def close() -> None:
        for _, writer in idle:
            writer.close()

    stack.callback(close)

    async def post(body: bytes) -> bytes:
        reader, writer = idle.pop() if idle else await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b"%b%d\r\n\r\n%b" % (head, len(body), body))
        told = (await reader.readuntil(b"\r\n\r\n")).lower()
        begin = told.index(b"content-length:") + len(b"content-length:")
        content = await reader.readexactly(int(told[begin : told.index(b"\r", begin)]))
        idle.append((reader, writer))
        return content

    return post


CLIENTS = {"transport": by_transport, "aiohttp": by_aiohttp, "by-hand": by_hand}


class Floor:
    """Serves the requests topic."""

    def __init__(self, settings: Settings, client: AIOKafkaProducer, post: Post) -> None:
        self._names = {topic: settings.topic(topic) for topic in Topic}
        self._client = client
        self._post = post
        self._places = asyncio.Semaphore(settings.max_in_flight)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, consumer: AIOKafkaConsumer) -> None:
        """Take records as they come, as many at a time as there are places."""
        while True:
            for records in (await consumer.getmany(timeout_ms=200, max_records=200)).values():
                for record in records:
                    await self._places.acquire()
                    task = asyncio.create_task(self._serve(record))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)

    async def _serve(self, record: ConsumerRecord) -> None:
        try:
            request = orjson.loads(record.value)
            call = {"request_id": request["request_id"], "tenant": request["tenant"], "told": PADDING}
            await self._send(Topic.CALLS, call, record, record.partition)
            messages = [{"role": "user", "content": request["prompt"]}]
            asked = {"model": "deepseek-v3.2", "messages": messages, "max_tokens": 4096}
            reply = orjson.loads(await self._post(orjson.dumps(asked)))
            message, usage = reply["choices"][0]["message"], reply["usage"]
            answer = {"request_id": request["request_id"], "message": message, "usage": usage, "told": PADDING}
            await self._send(Topic.RESPONSES, {**answer, "status": "completed"}, record, record.partition)
            await self._send(Topic.COSTS, {**call, "usage": usage}, record, None)
        finally:
            self._places.release()

    async def _send(self, topic: Topic, fields: object, record: ConsumerRecord, partition: int | None) -> None:
        value, name = orjson.dumps(fields), self._names[topic]
        sent = await self._client.send(name, value=value, key=record.key, partition=partition, headers=EVENT_HEADERS)
        await sent


async def serve(settings: Settings, client_name: str) -> None:
    """Serve until SIGTERM."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(producer(settings))
        post = await CLIENTS[client_name](f"{settings.provider_base_url}/chat/completions", stack)
        consumer = AIOKafkaConsumer(
            settings.topic(Topic.REQUESTS),
            bootstrap_servers=settings.brokers,
            group_id=settings.group,
            auto_offset_reset="earliest",
            auto_commit_interval_ms=1000,
        )
        await consumer.start()
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)  # as Turnout's worker
        stack.push_async_callback(consumer.stop)
        running = asyncio.create_task(Floor(settings, client, post).run(consumer))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
        await asyncio.wait([running])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("client", choices=sorted(CLIENTS))
    asyncio.run(serve(load_settings(), parser.parse_args().client))
