"""Follows compacted topics of one partition, without a group."""

from collections.abc import AsyncIterator, Sequence

from streams.codec import Delivery
from streams.ports import LogReader, TopicPartition

CATCH_UP_READ_S = 0.2
"""How long a read waits for records before it is known that nothing more stands on the topics."""
FOLLOW_READ_S = 1.0
"""How long it waits from then on; a record ends the wait."""


async def changes(reader: LogReader, *topics: str) -> AsyncIterator[list[tuple[str, bytes]]]:
    """Read the topics from their beginning and for ever: topic and value, batch by batch.

    A batch without records says that there was nothing more to read just then.
    """
    async for records in deliveries(reader, *topics):
        yield [(record.origin.topic, record.value) for record in records if record.value]


async def deliveries(reader: LogReader, *topics: str) -> AsyncIterator[Sequence[Delivery]]:
    """Read the same as whole records, deletions included."""
    partitions = [TopicPartition(topic, 0) for topic in topics]
    reader.assign(partitions)
    await reader.seek_to_beginning(partitions)
    timeout_s = CATCH_UP_READ_S
    while True:
        records = await reader.read(timeout_s=timeout_s)
        timeout_s = timeout_s if records else FOLLOW_READ_S
        yield records
