"""A reader can be closed whatever the broker does."""

import asyncio
import uuid
from asyncio import Event

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic

from sandbox.broker import BrokerInfo
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import admin, reader
from tests.chaos.link import Link

READERS = 30
FAILING_S = 1.5
"""Fetches fail by then; they are repeated each tenth of a second, so that nearly all wait for the next one."""


async def test_readers_end_in_order_while_the_broker_is_away(kafka: BrokerInfo) -> None:
    topic = f"away.{uuid.uuid4().hex[:8]}"
    async with admin(load_settings(None, brokers=kafka.bootstrap_servers)) as client:
        await client.create_topics([NewTopic(topic, 1, 1)])
    link = Link(kafka.bootstrap_servers)
    await link.open()
    settings, away = load_settings(None, brokers=link.address), Event()
    ours = [asyncio.create_task(_read(settings, topic, away)) for _ in range(READERS)]
    theirs = [asyncio.create_task(_read_with_aiokafka_alone(link.address, topic, away)) for _ in range(READERS)]
    await asyncio.sleep(FAILING_S)  # they read
    await link.cut()
    await asyncio.sleep(FAILING_S)
    away.set()
    await asyncio.wait([*ours, *theirs], timeout=30)
    assert [task.cancelled() for task in ours] == [False] * READERS
    assert [task.exception() for task in ours] == [None] * READERS
    assert any(task.cancelled() for task in theirs), "aiokafka is mended: stop_consumer has become needless"


async def _read(settings: Settings, topic: str, away: Event) -> None:
    async with reader(settings) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        await away.wait()


async def _read_with_aiokafka_alone(address: str, topic: str, away: Event) -> None:
    async with AIOKafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        await away.wait()
