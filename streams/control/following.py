"""Follows compacted topics of one partition, without a group."""

from collections.abc import AsyncIterator

from streams.ports import LogReader, TopicPartition

FOLLOW_READ_S = 0.2


async def changes(reader: LogReader, *topics: str) -> AsyncIterator[list[tuple[str, bytes]]]:
    """Read the topics from their beginning and for ever: topic and value, batch by batch.

    A batch without records says that there was nothing more to read just then.
    """
    partitions = [TopicPartition(topic, 0) for topic in topics]
    reader.assign(partitions)
    await reader.seek_to_beginning(partitions)
    while True:
        records = await reader.read(timeout_s=FOLLOW_READ_S)
        yield [(record.origin.topic, record.value) for record in records if record.value]
