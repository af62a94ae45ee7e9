"""An ordered log in memory: topics with partitions, offsets, retention and compaction. Everything here is at once.

It is what clusters of brokers have in common; what lies between it and a worker is `tests.fakes.link`.
"""

from asyncio import Future
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from zlib import crc32

from router.job import Origin
from streams.codec import Delivery
from streams.ports import Record, TopicPartition
from tests.fakes.loop import VirtualLoop

MAX_BYTES = 1_048_576
"""Kafka's default `max.message.bytes`."""


class TooLargeError(Exception):
    """The topic does not take so large a record."""


@dataclass(slots=True)
class Partition:
    """One partition. What has been deleted or compacted away leaves gaps."""

    records: list[Delivery] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    """Those of the records."""
    begin: int = 0
    end: int = 0

    def since(self, offset: int) -> Iterator[Delivery]:
        """Return the records from the offset on."""
        return map(self.records.__getitem__, range(bisect_left(self.offsets, offset), len(self.records)))

    def keep(self, wanted: Callable[[Delivery], bool]) -> None:
        """Delete the others."""
        self.records = [record for record in self.records if wanted(record)]
        self.offsets = [record.origin.offset for record in self.records]

    def truncate(self, begin: int) -> None:
        """Delete what lies before the offset."""
        self.begin = min(max(self.begin, begin), self.end)
        self.keep(lambda record: record.origin.offset >= self.begin)


@dataclass(frozen=True, slots=True)
class Topic:
    """How a topic is kept."""

    partitions: tuple[Partition, ...]
    compacted: bool = False
    retention_s: float | None = None
    max_bytes: int = MAX_BYTES


class Broker:
    """The topics, and who waits for records of them."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.topics: dict[str, Topic] = {}
        self.on_append: list[Callable[[TopicPartition, Delivery, str], None]] = []
        """Are told of every record, in order, and of who wrote it."""
        self._loop = loop
        self._waiting: dict[Future[None], Collection[TopicPartition]] = {}

    def create(
        self,
        name: str,
        partitions: int = 1,
        *,
        compacted: bool = False,
        retention_s: float | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Create a topic, or empty it."""
        self.topics[name] = Topic(tuple(Partition() for _ in range(partitions)), compacted, retention_s, max_bytes)

    def grow(self, name: str, partitions: int) -> None:
        """Add partitions to a topic, until it has so many."""
        topic = self.topics[name]
        added = (Partition() for _ in range(partitions - len(topic.partitions)))
        self.topics[name] = replace(topic, partitions=(*topic.partitions, *added))

    def partition(self, tp: TopicPartition) -> Partition:
        return self.topics[tp.topic].partitions[tp.partition]

    def partition_of(self, record: Record) -> TopicPartition:
        """Return where a record goes: where it says, else where its key says."""
        count = len(self.topics[record.topic].partitions)
        number = crc32(record.key or b"") % count if record.partition is None else record.partition
        return TopicPartition(record.topic, number)

    def append(self, record: Record, writer: str = "") -> int:
        """Return the offset of the record.

        Raises:
            TooLargeError: its topic does not take it.
        """
        tp = self.partition_of(record)
        topic, partition = self.topics[tp.topic], self.partition(tp)
        headers = sum(len(name.encode()) + len(value or b"") for name, value in record.headers)
        if len(record.value or b"") + len(record.key or b"") + headers > topic.max_bytes:
            raise TooLargeError
        origin = Origin(*tp, partition.end)
        delivery = Delivery(origin, int(self._loop.time() * 1000), record.key, record.value, tuple(record.headers))
        partition.records.append(delivery)
        partition.offsets.append(partition.end)
        partition.end += 1
        for told in self.on_append:
            told(tp, delivery, writer)
        for woken in [woken for woken, wanted in self._waiting.items() if tp in wanted]:
            del self._waiting[woken]  # the dead will not do it
            _wake(woken)
        return origin.offset

    def read(self, positions: Mapping[TopicPartition, int], most: int | None = None) -> Sequence[Delivery]:
        """Return records from the positions on, each partition's in order."""
        found: list[Delivery] = []
        for tp, position in positions.items():
            for record in self.partition(tp).since(position):
                if most is not None and len(found) >= most:
                    return found
                found.append(record)
        return found

    def has_news(self, positions: Mapping[TopicPartition, int]) -> bool:
        """Say whether any partition goes beyond its position."""
        topics = self.topics
        for tp, position in positions.items():  # noqa: SIM110  # asked for the most of all, and faster than `any`
            if topics[tp[0]].partitions[tp[1]].end > position:
                return True
        return False

    async def news(self, partitions: Collection[TopicPartition], timeout_s: float) -> None:
        """Wait until a record is written to any of the partitions, or for `timeout_s`."""
        woken: Future[None] = self._loop.create_future()
        timer = self._loop.call_later(timeout_s, _wake, woken)
        self._waiting[woken] = partitions
        try:
            await woken
        finally:
            timer.cancel()
            self._waiting.pop(woken, None)

    def values(self, topic: str) -> Iterator[bytes]:
        """Return all values of a topic, partition by partition."""
        for partition in self.topics[topic].partitions:
            yield from (record.value for record in partition.records if record.value is not None)

    def clean(self, lag_s: float = 60.0) -> None:
        """Do what brokers do now and then: delete what is too old, and in compacted topics what has been replaced.

        What is younger than `lag_s` is left alone. Of deleted keys the last record goes too.
        """
        now_ms = self._loop.time() * 1000
        for topic in self.topics.values():
            for partition in topic.partitions:
                if topic.retention_s is not None:
                    oldest_ms = now_ms - topic.retention_s * 1000
                    kept = (r.origin.offset for r in partition.records if r.timestamp_ms >= oldest_ms)
                    partition.truncate(next(kept, partition.end))
                if topic.compacted:
                    _compact(partition, now_ms - lag_s * 1000)


def _wake(woken: Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


def _compact(partition: Partition, until_ms: float) -> None:
    last: dict[bytes | None, int] = {record.key: record.origin.offset for record in partition.records}

    def is_wanted(record: Delivery) -> bool:
        if record.timestamp_ms >= until_ms:
            return True
        return record.value is not None and last[record.key] == record.origin.offset

    partition.keep(is_wanted)


def partitions_of(topic: str, numbers: Iterable[int]) -> tuple[TopicPartition, ...]:
    """Return these partitions of a topic."""
    return tuple(TopicPartition(topic, number) for number in numbers)
