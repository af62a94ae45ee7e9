"""`streams.ports.ControlGroup` over a `GroupConsumer`, with tables whose changelogs are topics of the log."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from aiokafka.errors import KafkaError, KafkaTimeoutError

from streams.kafka.fence import HeartbeatFence
from streams.ports import Assignee, Received, Record, TopicPartition
from tests.fakes.consumer import GroupConsumer
from tests.fakes.log import MemoryLog

STORE_S = 30.0

Take = Callable[[Sequence[Received]], None]


class MemoryTable:
    """A table of one partition."""

    def __init__(self, log: MemoryLog, topic: str) -> None:
        self._log = log
        self._topic = topic
        self._rows: dict[bytes, bytes] = {}

    def items(self) -> Mapping[bytes, bytes]:
        """Return what is in it."""
        return dict(self._rows)

    async def put(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Write, and return when the changelog has acknowledged it.

        Raises:
            KafkaError: it has not.
        """
        sent = []
        for key, value in changes.items():
            self._set(key, value)
            sent.append(self._log.send(Record(self._topic, value, key, [], 0)))
        try:
            async with asyncio.timeout(STORE_S):
                await asyncio.gather(*sent)
        except TimeoutError:
            raise KafkaTimeoutError("the changelog was not acknowledged") from None

    async def restore(self) -> None:
        """Make it anew from its changelog."""
        tp = TopicPartition(self._topic, 0)
        async with self._log.reader() as reader:
            reader.assign([tp])
            await reader.seek_to_beginning([tp])
            end = (await reader.ends([tp]))[tp]
            self._rows.clear()
            while await reader.position(tp) < end:
                for record in await reader.read(timeout_s=1.0):
                    self._set(record.key or b"", record.value)

    def _set(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = value


class MemoryControlGroup:
    """The partitions of which one worker has each."""

    def __init__(self, log: MemoryLog, consumer: GroupConsumer) -> None:
        self._log = log
        self._consumer = consumer
        self._tables: list[MemoryTable] = []
        self._takes: dict[str, Take] = {}
        self._assignee: Assignee | None = None

    @property
    def fence(self) -> HeartbeatFence:
        """Whether what is assigned is certainly still this worker's."""
        return self._consumer.fence

    def table(self, _name: str, topic: str, _along_with: str) -> MemoryTable:
        """Return the table whose changelog is the topic."""
        self._tables.append(MemoryTable(self._log, topic))
        return self._tables[-1]

    def deliver(self, topic: str, _name: str, take: Take, _weight: int = 1) -> None:
        """Hand the topic's records to `take`."""
        self._takes[topic] = take

    async def start(self, assignee: Assignee) -> None:
        """Join."""
        self._assignee = assignee
        self._consumer.start(self)

    async def stop(self) -> None:
        """Leave."""
        await self._consumer.stop()

    async def broken(self) -> None:
        """Wait until it has stopped, or cannot go on."""
        await self._consumer.broken()

    async def assigned(self, partitions: tuple[TopicPartition, ...]) -> None:
        """Tell of them, restore the tables, and tell of that."""
        assert self._assignee is not None
        self._assignee.assigned(partitions)
        while True:
            try:
                for table in self._tables if partitions else ():
                    await table.restore()
                break
            except KafkaError:
                continue
        await self._assignee.restored()

    def ingest(self, batch: Sequence[Received]) -> None:
        """Pass records on."""
        take = self._takes.get(batch[0].delivery.origin.topic)
        if take is None:
            for received in batch:
                received.acknowledge()
        else:
            take(batch)

    def checkpoint(self, _partition: TopicPartition, _offset: int) -> str:
        """Commit bare offsets."""
        return ""

    def drain(self) -> None:
        """Do nothing: what was handed over waits for no more than the next tick."""

    def busy(self) -> bool:
        """Say whether something was handed over and is not acknowledged."""
        return bool(self._consumer.unfinished)

    def lost(self) -> None:
        """Do nothing: the fence is closed."""

    async def revoked(self, _partitions: tuple[TopicPartition, ...]) -> None:
        """Tell that the assignment has ended."""
        assert self._assignee is not None
        self._assignee.revoked()
