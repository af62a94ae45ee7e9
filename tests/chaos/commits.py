"""Every offset commit that a group ever made, from Kafka's own log of them.

Polling would miss the commit that went too far for a moment; `__consumer_offsets` keeps each one with its time.
Layouts: OffsetCommitKey and OffsetCommitValue in Kafka's group-coordinator/src/main/resources/common/message.
"""

import struct
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord

from streams.kafka import reader
from streams.settings import Settings

OFFSETS_TOPIC = "__consumer_offsets"
OFFSET_COMMIT_KEYS = (0, 1)
FIRST_FLEXIBLE_VALUE = 4


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of one partition: the next offset to read, and when the broker took it."""

    partition: int
    offset: int
    at_ms: int


async def read_commits(settings: Settings, group: str, topic: str) -> list[Commit]:
    """Return the group's commits for the topic, in the order in which they were made."""
    async with reader(settings) as consumer:
        await consumer.topics()
        tps = [TopicPartition(OFFSETS_TOPIC, number) for number in consumer.partitions_for_topic(OFFSETS_TOPIC) or ()]
        if not tps:
            return []
        consumer.assign(tps)
        begins, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        commits = []
        for tp in tps:
            consumer.seek(tp, begins[tp])
        while any([await consumer.position(tp) < ends[tp] for tp in tps]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                commits += [commit for record in records if (commit := _parse(record, group, topic)) is not None]
        return commits


def _parse(record: ConsumerRecord[bytes, bytes], group: str, topic: str) -> Commit | None:
    if record.key is None or record.value is None or struct.unpack_from(">h", record.key)[0] not in OFFSET_COMMIT_KEYS:
        return None
    its_group, at = _string(record.key, 2)
    its_topic, at = _string(record.key, at)
    if (its_group, its_topic) != (group, topic):
        return None
    version, offset = struct.unpack_from(">hq", record.value)
    if version >= FIRST_FLEXIBLE_VALUE:
        raise ValueError(f"an offset commit of version {version}, which is not known here")
    return Commit(struct.unpack_from(">i", record.key, at)[0], offset, record.timestamp)


def _string(data: bytes, at: int) -> tuple[str, int]:
    size: int = struct.unpack_from(">h", data, at)[0]
    return data[at + 2 : at + 2 + size].decode(), at + 2 + size
