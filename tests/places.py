"""A topic and a group of its own for a test of the Faust transport, and an app that reads it in this process."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import faust
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faust.types import StreamT

from sandbox.broker import BrokerInfo
from streams.kafka.table_recovery import Tables
from streams.kafka.transport import SafeTransport


@dataclass(frozen=True, slots=True)
class Place:
    """A topic, and a group that has never read it."""

    bootstrap_servers: str
    topic: str
    group: str
    admin: AIOKafkaAdminClient

    async def publish(self, records: int = 1, partition: int = 0) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap_servers, linger_ms=5) as producer:
            sent = [await producer.send(self.topic, b"%d" % number, partition=partition) for number in range(records)]
            await asyncio.gather(*sent)

    async def committed(self) -> int | None:
        offsets = await self.admin.list_consumer_group_offsets(self.group)
        return next((offset.offset for offset in offsets.values()), None)

    async def commit(self, offset: int) -> None:
        async with AIOKafkaConsumer(bootstrap_servers=self.bootstrap_servers, group_id=self.group) as consumer:
            consumer.assign([TopicPartition(self.topic, 0)])
            await consumer.commit({TopicPartition(self.topic, 0): offset})

    async def wait_until_committed(self, offset: int) -> None:
        while await self.committed() != offset:  # noqa: ASYNC110  # the broker notifies nobody of a commit
            await asyncio.sleep(0.05)


@asynccontextmanager
async def empty_place(kafka: BrokerInfo, partitions: int = 1) -> AsyncIterator[Place]:
    name = f"commits-{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(name, partitions, 1)])
    yield Place(kafka.bootstrap_servers, name, name, admin)
    await admin.close()


@dataclass(slots=True)
class Taken:
    """What the app's stream has been given: how often which partition's offset. It takes one record at a time."""

    counts: Counter[tuple[int, int]] = field(default_factory=Counter)
    going_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def reach(self, partition: int, offset: int, times: int) -> None:
        await until(lambda: self.counts[partition, offset] == times)


@asynccontextmanager
async def reading_app(place: Place, *, acknowledges: bool = False) -> AsyncIterator[tuple[faust.App, Taken]]:
    """Give an app with our transport that is not started, and what it takes; it is stopped at the end."""
    taken = Taken()
    taken.going_on.set()
    app = faust.App(
        place.group,
        broker=f"kafka://{place.bootstrap_servers}",
        broker_commit_interval=0.2,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        TableManager=Tables,
    )
    app.transport = SafeTransport(app.conf.broker, app, drain_timeout_s=0)

    @app.agent(app.topic(place.topic, key_serializer="raw", value_serializer="raw"))  # type: ignore[untyped-decorator]  # faust is untyped
    async def take(stream: StreamT[bytes]) -> None:
        async for event in stream.noack().events():
            await taken.going_on.wait()
            taken.counts[event.message.partition, event.message.offset] += 1
            if acknowledges:
                event.ack()

    try:
        yield app, taken
    finally:
        taken.going_on.set()
        await app.stop()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.05)
