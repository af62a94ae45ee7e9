"""Every offset commit that a group ever made, and how often it rebalanced, from Kafka's own log of them.

Polling would miss the commit that went too far for a moment; `__consumer_offsets` keeps each one with its time.
Layouts: OffsetCommitKey, OffsetCommitValue, GroupMetadataKey and GroupMetadataValue in Kafka's
group-coordinator/src/main/resources/common/message.
"""

import struct
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord

from streams.config.settings import Settings
from streams.kafka.clients import reader

OFFSETS_TOPIC = "__consumer_offsets"
OFFSET_COMMIT_KEYS = (0, 1)
GROUP_STATE_KEY = 2
FIRST_FLEXIBLE_VALUE = 4
FIRST_FLEXIBLE_STATE = 4


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of one partition: the next offset to read, and when the broker took it."""

    partition: int
    offset: int
    at_ms: int


async def read_commits(settings: Settings, group: str, topic: str) -> list[Commit]:
    """Return the group's commits for the topic, in the order in which they were made."""
    records = await _read(settings)
    return [commit for record in records if (commit := _parse(record, group, topic)) is not None]


async def read_generation(settings: Settings, group: str) -> int:
    """Return the group's generation, which each rebalance makes one larger; 0 if it never had one."""
    generations = [_generation(record.value) for record in await _read(settings) if _is_state_of(record, group)]
    return max(generations, default=0)


async def _read(settings: Settings) -> list[ConsumerRecord[bytes, bytes]]:
    """Return what has a key and a value, partition by partition in order; deletions have no value."""
    async with reader(settings) as consumer:
        await consumer.topics()
        tps = [TopicPartition(OFFSETS_TOPIC, number) for number in consumer.partitions_for_topic(OFFSETS_TOPIC) or ()]
        if not tps:
            return []
        consumer.assign(tps)
        begins, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        found: list[ConsumerRecord[bytes, bytes]] = []
        for tp in tps:
            consumer.seek(tp, begins[tp])
        while any([await consumer.position(tp) < ends[tp] for tp in tps]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [record for record in records if record.key is not None and record.value is not None]
        return found


def _is_state_of(record: ConsumerRecord[bytes, bytes], group: str) -> bool:
    return struct.unpack_from(">h", record.key)[0] == GROUP_STATE_KEY and _string(record.key, 2)[0] == group


def _generation(value: bytes) -> int:
    version: int = struct.unpack_from(">h", value)[0]
    if version >= FIRST_FLEXIBLE_STATE:
        raise ValueError(f"a group's state of version {version}, which is not known here")
    _protocol_type, at = _string(value, 2)
    generation: int = struct.unpack_from(">i", value, at)[0]
    return generation


def _parse(record: ConsumerRecord[bytes, bytes], group: str, topic: str) -> Commit | None:
    if struct.unpack_from(">h", record.key)[0] not in OFFSET_COMMIT_KEYS:
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
