"""Kafka's topics as `streams.ports.Log` describes: one producer for all, and readers without a group."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as ClientPartition
from aiokafka.errors import for_code
from aiokafka.structs import ConsumerRecord

from router.job import Origin
from streams.codec import Delivery
from streams.config.settings import Settings
from streams.kafka.clients import admin, reader
from streams.kafka.producer import RenewableProducer
from streams.ports import Record, TopicPartition


class KafkaLog:
    """The topics of one cluster."""

    def __init__(self, settings: Settings, producer: RenewableProducer) -> None:
        """Take how to connect, and a started producer."""
        self._settings = settings
        self._producer = producer

    async def send(self, record: Record) -> int:
        """Return the offset of the acknowledged record (`RenewableProducer.send`)."""
        return await self._producer.send(record)

    @asynccontextmanager
    async def reader(self, *, fetches_bytes: int | None = None) -> AsyncIterator["KafkaReader"]:
        """Give a connected reader, which fetches so much of a partition at a time, or what the largest record has."""
        async with reader(self._settings, fetches_bytes=fetches_bytes) as consumer:
            yield KafkaReader(consumer)

    async def partition_count(self, topic: str) -> int:
        """Ask the cluster how many partitions the topic has.

        Raises:
            KafkaError: it has no such topic, or cannot be reached.
        """
        async with admin(self._settings) as client:
            (described,) = await client.describe_topics([topic])
        if described["error_code"]:
            raise for_code(described["error_code"])(f"topic {topic}")
        return len(described["partitions"])


class KafkaReader:
    """An aiokafka consumer without a group."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Read these partitions and no others."""
        self._consumer.assign(_theirs(partitions))

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on at the offset."""
        self._consumer.seek(ClientPartition(*partition), offset)

    async def seek_to_beginning(self, partitions: Iterable[TopicPartition]) -> None:
        """Go on at the first record that is kept."""
        await self._consumer.seek_to_beginning(*_theirs(partitions))

    async def position(self, partition: TopicPartition) -> int:
        """Return the offset of the next record to read."""
        return int(await self._consumer.position(ClientPartition(*partition)))

    async def begins(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return the offsets of the first records that are kept."""
        return _ours(await self._consumer.beginning_offsets(_theirs(partitions)))

    async def ends(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return the offsets that the next records will have."""
        return _ours(await self._consumer.end_offsets(_theirs(partitions)))

    async def offset_since(self, partition: TopicPartition, since_ms: int) -> int | None:
        """Return the offset of the first record whose timestamp is not before `since_ms`; None without one."""
        (found,) = (await self._consumer.offsets_for_times({ClientPartition(*partition): since_ms})).values()
        return None if found is None else int(found.offset)

    async def read(self, *partitions: TopicPartition, timeout_s: float, most: int | None = None) -> Sequence[Delivery]:
        """Return the next records of these partitions, or of all that are assigned; none after `timeout_s`."""
        batches = await self._consumer.getmany(*_theirs(partitions), timeout_ms=int(timeout_s * 1000), max_records=most)
        return [_delivery(record) for batch in batches.values() for record in batch]


def _theirs(partitions: Iterable[TopicPartition]) -> list[ClientPartition]:
    return [ClientPartition(*partition) for partition in partitions]


def _ours(offsets: Mapping[ClientPartition, int]) -> Mapping[TopicPartition, int]:
    return {TopicPartition(*partition): offset for partition, offset in offsets.items()}


def _delivery(record: ConsumerRecord[bytes | None, bytes | None]) -> Delivery:
    origin = Origin(record.topic, record.partition, record.offset)
    return Delivery(origin, record.timestamp, record.key, record.value, record.headers)
