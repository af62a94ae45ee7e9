"""A reader can be closed whatever the broker does."""

import asyncio
import logging
import uuid
from asyncio import Event
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic
from typing_extensions import override

from sandbox.broker import BrokerInfo
from streams.config.load_settings import load_settings
from streams.kafka.clients import admin, reader, stop_consumer
from tests.chaos.link import Link
from tests.harness import PATIENCE_S

BACKOFF_MS = 60_000
"""A fetch that has failed waits so long to be repeated: it certainly waits when its reader is stopped."""

READING_S = 1.0
Stop = Callable[[AIOKafkaConsumer], Awaitable[None]]


class FetchFailed(logging.Handler):
    """Sets an event when aiokafka says that a fetch has failed."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self._event = event

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if "Failed fetch messages" in record.getMessage():
            self._event.set()


@asynccontextmanager
async def cut_link(kafka: BrokerInfo) -> AsyncIterator[tuple[str, str, Event]]:
    """Give a broker's address and a topic on it; set the event when its link was cut and a fetch has failed."""
    topic, failed = f"away.{uuid.uuid4().hex[:8]}", Event()
    async with admin(load_settings(None, brokers=kafka.bootstrap_servers)) as client:
        await client.create_topics([NewTopic(topic, 1, 1)])
    link = Link(kafka.bootstrap_servers)
    await link.open()

    async def cut() -> None:
        await asyncio.sleep(READING_S)
        await link.cut()

    cutting = asyncio.create_task(cut())
    handler, logger = FetchFailed(failed), logging.getLogger("aiokafka.consumer.fetcher")
    logger.addHandler(handler)
    try:
        yield link.address, topic, failed
    finally:
        logger.removeHandler(handler)
        await cutting


async def test_readers_end_in_order_while_the_broker_is_away(kafka: BrokerInfo) -> None:
    async with cut_link(kafka) as (address, topic, failed), reader(load_settings(None, brokers=address)) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        await asyncio.wait_for(failed.wait(), PATIENCE_S)


@pytest.mark.parametrize(("stop", "is_cancelled"), [(AIOKafkaConsumer.stop, True), (stop_consumer, False)])
async def test_only_our_stop_ends_in_order_while_a_fetch_waits_to_be_repeated(
    kafka: BrokerInfo, stop: Stop, *, is_cancelled: bool
) -> None:
    """Once aiokafka's own stop leaves its caller as cancelled no more, `stop_consumer` has become needless."""

    async def read(address: str, topic: str, failed: Event) -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=address, retry_backoff_ms=BACKOFF_MS)
        await consumer.start()
        consumer.assign([TopicPartition(topic, 0)])
        await failed.wait()
        await stop(consumer)

    async with cut_link(kafka) as place:
        reading = asyncio.create_task(read(*place))
        await asyncio.wait([reading], timeout=PATIENCE_S)
    assert reading.done()
    assert reading.cancelled() is is_cancelled
    assert is_cancelled or reading.exception() is None
