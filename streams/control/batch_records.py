"""Reads records of batch requests again, by their offsets: bodies are in the log, and nowhere else."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.errors import KafkaTimeoutError

from streams.codec import Delivery
from streams.ports import Log, LogReader, TopicPartition

READ_TIMEOUT_S = 1.0
SILENT_READS = 30
AT_ONCE = 200
FAR = 2000
"""Offsets in between that are read over; of more the reader seeks."""


@dataclass(frozen=True, slots=True)
class BatchRecords:
    """The records of one topic."""

    log: Log
    topic: str

    @asynccontextmanager
    async def at(self, partition: int, offsets: Sequence[int]) -> AsyncIterator[AsyncIterator[Delivery]]:
        """Give the records at rising offsets, in constant memory. What the log does not keep is left out.

        Raises:
            KafkaError: the broker refuses, or says nothing for long.
        """
        async with self.log.reader() as reader:
            tp = TopicPartition(self.topic, partition)
            reader.assign([tp])
            yield _records(reader, tp, offsets)


async def _records(reader: LogReader, tp: TopicPartition, offsets: Sequence[int]) -> AsyncIterator[Delivery]:
    begin, end = (await reader.begins([tp]))[tp], (await reader.ends([tp]))[tp]
    wanted = [offset for offset in offsets if begin <= offset < end]
    place, silent, position = 0, 0, begin - FAR - 1
    while place < len(wanted):
        if not position <= wanted[place] <= position + FAR:
            position = wanted[place]
            reader.seek(tp, position)
        records = await reader.read(tp, timeout_s=READ_TIMEOUT_S, most=AT_ONCE)
        for record in records:
            while place < len(wanted) and wanted[place] < record.origin.offset:
                place += 1  # deleted
            if place < len(wanted) and wanted[place] == record.origin.offset:
                place += 1
                yield record
        before, position = position, await reader.position(tp)
        while place < len(wanted) and wanted[place] < position:
            place += 1
        silent = 0 if records or position > before else silent + 1
        if silent == SILENT_READS:
            raise KafkaTimeoutError(f"{tp.topic}, partition {tp.partition}, cannot be read at offset {position}")
