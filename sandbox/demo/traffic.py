"""The demo's two Kafka clients: one publishes requests, the other reads what becomes of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from sandbox.broker import BrokerInfo
from sandbox.demo.tally import WATCHED, Tally
from schemas.requests import Request
from schemas.topics import Topic


class Traffic:
    """What goes onto the topics and what comes off them. `heard_at_s` is when the last record came, monotonic."""

    def __init__(self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, prefix: str, tally: Tally) -> None:
        self._producer = producer
        self._consumer = consumer
        self._requests = prefix + Topic.REQUESTS
        self._watched = {prefix + topic: topic for topic in WATCHED}
        self._tally = tally
        self.heard_at_s = monotonic()

    async def publish(self, request: Request) -> None:
        """Hand a request to the producer; it is acknowledged by the end of `flush`. Raises KafkaError."""
        key = None if request.request_id is None else request.request_id.encode()
        value = request.model_dump_json(exclude_unset=True).encode()
        await self._producer.send(self._requests, value=value, key=key)
        self._tally.published += 1

    async def flush(self) -> None:
        """Wait until the broker has all that was published."""
        await self._producer.flush()

    async def read(self, timeout_s: float) -> None:
        """Take what has come into the tally; wait so long at the most if there is nothing yet."""
        batches = await self._consumer.getmany(timeout_ms=int(timeout_s * 1000))
        for partition, records in batches.items():
            for record in records:
                self._tally.add(self._watched[partition.topic], record.value)
        if batches:
            self.heard_at_s = monotonic()


@asynccontextmanager
async def open_traffic(broker: BrokerInfo, prefix: str, tally: Tally) -> AsyncIterator[Traffic]:
    """Connect; the reader starts at the topics' beginnings and belongs to no group."""
    consumer = AIOKafkaConsumer(
        *(prefix + topic for topic in WATCHED),
        bootstrap_servers=broker.bootstrap_servers,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap_servers, acks="all", enable_idempotence=broker.supports_idempotence
    )
    try:
        await consumer.start()
        await producer.start()
        yield Traffic(producer, consumer, prefix, tally)
    finally:
        await producer.stop()
        await consumer.stop()


async def delete_topics(broker: BrokerInfo, prefix: str) -> None:
    """Remove the topics of one demo. Raises KafkaError."""
    client = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    try:
        await client.start()
        await client.delete_topics([prefix + topic for topic in Topic])
    finally:
        await client.close()
