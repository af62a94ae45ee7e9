"""Finds the answers of a batch that are published and not stored as that: a crash came between.

They are looked for in the topic of the responses, from where it ended before the first of them was published.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson
from aiokafka.errors import KafkaTimeoutError

from router.batches.stages import Batch
from streams.codec import Delivery
from streams.ports import Log, TopicPartition

READ_TIMEOUT_S = 1.0
SILENT_READS = 30


@dataclass(frozen=True, slots=True)
class EarlierAnswers:
    """Looks into the responses. Every method raises `KafkaError` if the broker is away."""

    log: Log
    responses: str
    """The topic of the responses."""

    async def ends(self) -> tuple[int, ...]:
        """Return where each partition of the responses ends now."""
        partitions = await self._partitions()
        async with self.log.reader() as reader:
            ends = await reader.ends(partitions)
        return tuple(ends[tp] for tp in partitions)

    async def found(self, batch: Batch) -> Mapping[tuple[int, int], int]:
        """Return where answers lie that are published and not stored as that, by where their requests lie."""
        found: dict[tuple[int, int], int] = {}
        if not batch.answers_from or batch.handle is None:
            return found
        partitions = await self._partitions()
        starts = dict(zip(partitions, batch.answers_from, strict=False))
        mark = orjson.dumps(batch.handle.batch_id)
        async with self.log.reader() as reader:
            ends = await reader.ends(partitions)
            behind = {tp for tp in partitions if starts.get(tp, 0) < ends[tp]}
            reader.assign(behind)
            for tp in behind:
                reader.seek(tp, starts.get(tp, 0))
            silent = 0
            while behind:
                records = await reader.read(timeout_s=READ_TIMEOUT_S)
                found.update(_answers_in(records, mark, batch.handle.batch_id))
                for tp in tuple(behind):
                    if await reader.position(tp) >= ends[tp]:
                        behind.discard(tp)
                silent = 0 if records else silent + 1
                if silent == SILENT_READS:
                    raise KafkaTimeoutError(f"{self.responses} cannot be read to its end")
        return found

    async def _partitions(self) -> Sequence[TopicPartition]:
        count = await self.log.partition_count(self.responses)
        return [TopicPartition(self.responses, number) for number in range(count)]


def _answers_in(records: Iterable[Delivery], mark: bytes, batch_id: str) -> Mapping[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for record in records:
        if mark not in (record.value or b""):
            continue
        response = orjson.loads(record.value or b"{}")
        if response.get("batch_id") == batch_id:
            found[response["request_partition"], response["request_offset"]] = record.origin.offset
    return found
