"""`streams.ports.Log` over a `Broker`: what one process sends and reads, over its link."""

import asyncio
from asyncio import Future
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.errors import (
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NotEnoughReplicasError,
    UnknownTopicOrPartitionError,
)

from streams.codec import Delivery
from streams.ports import Record, TopicPartition
from tests.fakes.broker import Broker, TooLargeError
from tests.fakes.link import GIVES_UP_S, Link


@dataclass(slots=True)
class _Sent:
    """A record on its way, until its sender knows what has become of it."""

    record: Record
    acknowledged: "Future[int]"
    until_s: float
    offset: int | None = None
    """Where it has been written, whether its sender knows or not."""


class MemoryLog:
    """Sends records in their order, partition by partition, and each once unless it fails."""

    def __init__(self, broker: Broker, link: Link) -> None:
        self._broker = broker
        self._link = link
        self._free_s: defaultdict[TopicPartition, float] = defaultdict(float)
        self._stalled: defaultdict[TopicPartition, deque[_Sent]] = defaultdict(deque)
        link.on_heal.append(self._send_stalled)

    async def send(self, record: Record) -> int:
        """Return the record's offset when it is acknowledged.

        Raises:
            MessageSizeTooLargeError: the topic does not take so large a record.
            KafkaError: it was not written, or that is not known.
        """
        loop, tp = self._link.loop, self._broker.partition_of(record)
        for told in self._link.on_send:
            told(record)
        if tp.partition >= len(self._broker.topics[tp.topic].partitions):
            await _reach(self._link)
            raise UnknownTopicOrPartitionError(f"topic {tp.topic} has no partition {tp.partition}")
        sent = _Sent(record, loop.create_future(), loop.time() + GIVES_UP_S)
        self._depart(tp, sent)
        return await sent.acknowledged

    @asynccontextmanager
    async def reader(self, *, fetches_bytes: int | None = None) -> AsyncIterator["MemoryReader"]:  # noqa: ARG002
        """Give a connected reader."""
        await _reach(self._link)
        yield MemoryReader(self._broker, self._link)

    async def partition_count(self, topic: str) -> int:
        """Return how many partitions the topic has."""
        await _reach(self._link)
        return len(self._broker.topics[topic].partitions)

    def _depart(self, tp: TopicPartition, sent: _Sent) -> None:
        now_s = self._link.loop.time()
        arrives_s = self._free_s[tp] = max(self._free_s[tp], now_s + self._link.delay_s())
        self._link.loop.in_the_world(arrives_s - now_s, self._arrive, tp, sent)

    def _arrive(self, tp: TopicPartition, sent: _Sent) -> None:
        link, weather = self._link, self._link.weather
        if link.is_cut or self._stalled[tp]:
            self._stall(tp, sent)
            return
        luck = link.random.random()
        if luck < weather.lost_before:
            self._tell(
                sent, NotEnoughReplicasError("lost before it was written"), link.random.uniform(0.01, GIVES_UP_S)
            )
            return
        try:
            sent.offset = self._broker.append(sent.record, link.process.name)
        except TooLargeError:
            self._tell(sent, MessageSizeTooLargeError(f"{sent.record.topic}: too large"), link.delay_s())
            return
        if luck < weather.lost_before + weather.lost_after:
            self._tell(sent, KafkaTimeoutError("written, and not acknowledged"), link.random.uniform(0.01, GIVES_UP_S))
            return
        link.loop.in_the_world(link.delay_s() + link.slow_s.get(tp, 0.0), self._acknowledge, tp, sent)

    def _acknowledge(self, tp: TopicPartition, sent: _Sent) -> None:
        if self._link.is_cut:
            self._stall(tp, sent)
        elif not sent.acknowledged.done() and sent.offset is not None:
            sent.acknowledged.set_result(sent.offset)

    def _stall(self, tp: TopicPartition, sent: _Sent) -> None:
        """Keep it until the link is whole; the client knows the broker's ids of records, and writes none twice."""
        self._stalled[tp].append(sent)
        left_s = sent.until_s - self._link.loop.time()
        self._link.process.run(self._link.loop.call_later, left_s, self._give_up, tp, sent)

    def _give_up(self, tp: TopicPartition, sent: _Sent) -> None:
        if sent in self._stalled[tp]:
            self._stalled[tp].remove(sent)
            self._tell(sent, KafkaTimeoutError("the broker cannot be reached"), 0)

    def _send_stalled(self) -> None:
        for tp in list(self._stalled):
            for sent in self._stalled.pop(tp):
                if sent.offset is not None:
                    self._link.loop.in_the_world(self._link.delay_s(), self._acknowledge, tp, sent)
                elif not sent.acknowledged.done():
                    self._depart(tp, sent)

    def _tell(self, sent: _Sent, error: Exception, after_s: float) -> None:
        def told() -> None:
            if not sent.acknowledged.done():
                sent.acknowledged.set_exception(error)

        self._link.loop.in_the_world(after_s, told)


class MemoryReader:
    """Reads partitions without a group."""

    def __init__(self, broker: Broker, link: Link) -> None:
        self._broker = broker
        self._link = link
        self._positions: dict[TopicPartition, int] = {}
        self._assigned: tuple[TopicPartition, ...] = ()

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Read these partitions and no others."""
        self._assigned = tuple(partitions)
        self._positions = {tp: offset for tp, offset in self._positions.items() if tp in self._assigned}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on at the offset; at the partition's beginning if it has no such offset."""
        kept = self._broker.partition(partition)
        self._positions[partition] = offset if kept.begin <= offset <= kept.end else kept.begin

    async def seek_to_beginning(self, partitions: Iterable[TopicPartition]) -> None:
        """Go on at the first record that is kept."""
        await _reach(self._link)
        self._positions.update({tp: self._broker.partition(tp).begin for tp in partitions})

    async def position(self, partition: TopicPartition) -> int:
        """Return the offset of the next record; past it where the log keeps none."""
        return self._positions[partition]

    async def begins(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return the offsets of the first records that are kept."""
        await _reach(self._link)
        return {tp: self._broker.partition(tp).begin for tp in partitions}

    async def ends(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return the offsets that the next records will have."""
        await _reach(self._link)
        return {tp: self._broker.partition(tp).end for tp in partitions}

    async def offset_since(self, partition: TopicPartition, since_ms: int) -> int | None:
        """Return the offset of the first record whose timestamp is not before `since_ms`."""
        await _reach(self._link)
        records = self._broker.partition(partition).records
        first = bisect_left(records, since_ms, key=lambda record: record.timestamp_ms)
        return records[first].origin.offset if first < len(records) else None

    async def read(self, *partitions: TopicPartition, timeout_s: float, most: int | None = None) -> Sequence[Delivery]:
        """Return the next records; none after `timeout_s`."""
        wanted = {tp: self._positions[tp] for tp in partitions or self._assigned}
        if not await arrival(self._broker, self._link, wanted, timeout_s):
            return ()
        found = self._broker.read(wanted, most)
        for record in found:
            origin = record.origin
            self._positions[TopicPartition(origin.topic, origin.partition)] = origin.offset + 1
        if not found:  # all that was there is compacted away
            self._positions.update({tp: self._broker.partition(tp).end for tp in wanted})
        return found


async def arrival(broker: Broker, link: Link, positions: Mapping[TopicPartition, int], timeout_s: float) -> bool:
    """Wait until records beyond the positions have come over the link, or for `timeout_s`; say whether they have."""
    until_s = link.loop.time() + timeout_s
    while True:
        if not link.is_cut and broker.has_news(positions):
            await asyncio.sleep(link.delay_s())
            return not link.is_cut
        left_s = until_s - link.loop.time()
        if left_s <= 0:
            return False
        await broker.news(positions, left_s)


async def _reach(link: Link) -> None:
    """Go to the broker and back.

    Raises:
        KafkaTimeoutError: the link is cut.
    """
    try:
        await link.pass_over()
        await link.pass_over()
    except TimeoutError:
        raise KafkaTimeoutError("the broker cannot be reached") from None
