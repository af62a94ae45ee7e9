"""Finds the partitions of a topic, and reads records from a place in them to their ends or for ever."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

from schemas.topics import Topic
from streams.cli.speech import say
from streams.config.settings import Settings
from streams.kafka.clients import admin, reader
from streams.topics import TopicsError, show_topics

T = TypeVar("T")

POLL_MS = 200
FURTHER_BACK = 4


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """A record as it came; `timestamp_ms` is since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """Where to begin: at the beginning, or `last` records before the end (0: at the end)."""

    last: int | None

    @classmethod
    def parse(cls, text: str) -> "Start":
        """Read `beginning`, `end` or `-N`.

        Raises:
            ValueError: it is none of them.
        """
        if text in {"beginning", "end"}:
            return cls(None if text == "beginning" else 0)
        if text.startswith("-") and text[1:].isascii() and text[1:].isdigit():
            return cls(int(text[1:]))
        raise ValueError(f"{text!r} is neither beginning nor end nor a negative number such as -10")


async def partitions_of(
    settings: Settings, *topics: Topic, optional: Collection[Topic] = ()
) -> dict[Topic, list[TopicPartition]]:
    """Return each topic's partitions; an optional one that is not there has none.

    Raises:
        TopicsError: a topic does not exist.
    """
    async with admin(settings) as client:
        states = {state.spec.topic: state for state in await show_topics(client, settings)}
    for topic in topics:
        if not states[topic].partitions and topic not in optional:
            raise TopicsError(f"topic {states[topic].name} is missing; create it with `turnout topics create`.")
    return {
        topic: [TopicPartition(states[topic].name, number) for number in range(states[topic].partitions)]
        for topic in topics
    }


async def read_records(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], start: Start, *, follow: bool
) -> AsyncGenerator[ReadRecord, None]:
    """Give the records from `start` to where the partitions end now, and if asked whatever comes after, for ever.

    The last N of a topic are its N youngest, by timestamp; otherwise records come as the partitions give them.
    """
    ends = await go_to(consumer, partitions, start)
    if start.last is None:
        async for record in _until(consumer, ends):
            yield record
    elif start.last:
        for record in await _youngest(consumer, partitions, start.last):
            yield record
    while follow:
        for record in await poll(consumer):
            yield record


async def read_since(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], since_ms: int
) -> AsyncGenerator[ReadRecord, None]:
    """Give the records that were written since the moment, milliseconds since 1970, to where the partitions end now."""
    ends = await go_to(consumer, partitions, Start(last=0))
    for tp, found in (await consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))).items():
        if found is not None:
            consumer.seek(tp, found.offset)
    async for record in _until(consumer, ends):
        yield record


async def read_values(
    settings: Settings, topic: Topic, decode: Callable[[bytes], T], *, follow: bool
) -> AsyncGenerator[T, None]:
    """Give all messages of a topic, and if asked whatever comes after, for ever.

    Raises:
        TopicsError: the topic does not exist.
    """
    partitions = await partitions_of(settings, topic)
    async with (
        reader(settings) as consumer,
        aclosing(read_records(consumer, partitions[topic], Start(None), follow=follow)) as records,
    ):
        async for message in readable(records, decode):
            yield message


async def readable(records: AsyncIterator[ReadRecord], decode: Callable[[bytes], T]) -> AsyncGenerator[T, None]:
    """Give the messages that can be read, as workers do, and say once that there are others."""
    is_said = False
    async for record in records:
        if record.value is None:
            continue
        try:
            message = decode(record.value)
        except (ValueError, OverflowError):
            if not is_said:
                place = f"{record.topic}, partition {record.partition}, offset {record.offset}"
                say(f"{place}, cannot be read; it is passed over, as others like it are.")
                is_said = True
            continue
        yield message


async def go_to(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], start: Start
) -> dict[TopicPartition, int]:
    """Put the consumer at the start of reading, and return where the partitions end now."""
    consumer.assign(partitions)
    begins = await consumer.beginning_offsets(partitions)
    ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    for tp in partitions:
        consumer.seek(tp, begins[tp] if start.last is None else max(begins[tp], ends[tp] - start.last))
    return ends


async def _youngest(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], count: int) -> list[ReadRecord]:
    """Return the youngest records. Offsets that hold none, of markers for one, take a look further back."""
    begins, back = await consumer.beginning_offsets(partitions), count
    while True:
        ends = await go_to(consumer, partitions, Start(back))
        found = [record async for record in _until(consumer, ends)]
        if len(found) >= count or all(ends[tp] - back <= begins[tp] for tp in partitions):
            return sorted(found, key=lambda record: record.timestamp_ms)[-count:]
        back *= FURTHER_BACK


async def _until(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> AsyncGenerator[ReadRecord, None]:
    unread = list(ends)
    while unread := [tp for tp in unread if await consumer.position(tp) < ends[tp]]:
        for record in await poll(consumer):
            yield record


async def poll(consumer: AIOKafkaConsumer) -> list[ReadRecord]:
    """Return what has come; nothing after a while of waiting."""
    batches = await consumer.getmany(timeout_ms=POLL_MS)
    return [_record(found) for batch in batches.values() for found in batch]


def _record(found: ConsumerRecord[bytes | None, bytes | None]) -> ReadRecord:
    return ReadRecord(
        topic=found.topic,
        partition=found.partition,
        offset=found.offset,
        timestamp_ms=found.timestamp,
        value=found.value,
        headers=tuple((str(name), value) for name, value in found.headers),
        key=found.key,
    )
