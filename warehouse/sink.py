"""The sink: follows the topics into a warehouse, each batch in one transaction with the offsets it reaches.

The stored offsets alone say where to go on, so a sink can be killed anywhere: what was not committed is read again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.topics import Topic
from warehouse.rows import Batch, Place
from warehouse.store import Store

BATCH_RECORDS = 20_000
BATCH_WITHIN_S = 0.5
"""A batch is written when it is full or this old."""
POLL_MS = 200
RECORDS_A_TURN = 1_000
"""How many records are read between two turns of the event loop, which fetches the next ones meanwhile."""
SHORTEST_REPORT_S = 5.0


@dataclass(slots=True)
class SinkProgress:
    """What one run of a sink has done."""

    costs: int = 0
    responses: int = 0
    shadow_answers: int = 0
    unreadable: int = 0
    records: int = 0
    behind: int = 0

    def __str__(self) -> str:
        return (
            f"{self.records:,} records: {self.costs:,} cost events, {self.responses:,} responses, "
            f"{self.shadow_answers:,} shadow answers, {self.unreadable:,} unreadable; {self.behind:,} behind"
        )


@dataclass(slots=True)
class Sink:
    """Reads `topics` (their names on the cluster) with a consumer that has no group, into a store.

    `say` gets a sentence for a person. `stop` ends a run after the batch that is under way.
    """

    consumer: AIOKafkaConsumer
    store: Store
    topics: Mapping[str, Topic]
    say: Callable[[str], None]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    progress: SinkProgress = field(default_factory=SinkProgress)
    _reported_s: float = 0.0

    async def run(self, partitions: list[TopicPartition], *, once: bool) -> None:
        """Write what comes until `stop`, or with `once` until where the partitions end now.

        Raises:
            WarehouseError: the database refuses. What was not committed is read again by the next run.
            KafkaError: the brokers refuse.
        """
        ends = await self._go_on(partitions)
        write: Awaitable[None] | None = None
        while not self.stop.is_set() and not (once and await self._are_reached(ends)):
            batch = await self._gather()
            if write is not None:
                await write  # at most one batch waits for the database while the next is read
            write = asyncio.ensure_future(self._write(batch)) if batch.records else None
        if write is not None:
            await write
        self.progress.behind = await self._behind(partitions)

    async def _go_on(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        self.consumer.assign(partitions)
        stored = await asyncio.to_thread(self.store.offsets)
        begins = await self.consumer.beginning_offsets(partitions)
        ends: dict[TopicPartition, int] = await self.consumer.end_offsets(partitions)
        for tp in partitions:
            at = stored.get((tp.topic, tp.partition), 0)
            if at > ends[tp]:
                self.say(
                    f"{tp.topic}, partition {tp.partition}, ends before offset {at}, where it was left: it was made "
                    f"anew. It is read from its beginning; ids that are known add nothing"
                )
                at = 0
            if (tp.topic, tp.partition) in stored and 0 < at < begins[tp]:
                self.say(
                    f"{tp.topic}, partition {tp.partition}: {begins[tp] - at:,} records were deleted by the topic's "
                    f"retention before they were read"
                )
            self.consumer.seek(tp, max(at, begins[tp]))
        return ends

    async def _are_reached(self, ends: Mapping[TopicPartition, int]) -> bool:
        return all([await self.consumer.position(tp) >= end for tp, end in ends.items()])

    async def _gather(self) -> Batch:
        batch, clock = Batch(), asyncio.get_running_loop().time
        give_up_s = clock() + BATCH_WITHIN_S
        while batch.records < BATCH_RECORDS and clock() < give_up_s and not self.stop.is_set():
            most = min(RECORDS_A_TURN, BATCH_RECORDS - batch.records)
            found = await self.consumer.getmany(timeout_ms=POLL_MS, max_records=most)
            for tp, records in found.items():
                take = _taker(batch, self.topics[tp.topic])
                for record in records:
                    take(Place(tp.topic, tp.partition, record.offset, record.timestamp), record.value)
            if not found:
                break
            await asyncio.sleep(0)  # getmany() does not wait while it has records: nothing would be fetched or written
        return batch

    async def _write(self, batch: Batch) -> None:
        await asyncio.to_thread(self.store.write, batch)
        done = self.progress
        done.records += batch.records
        done.costs += len(batch.costs)
        done.responses += len(batch.responses)
        done.shadow_answers += len(batch.shadow_answers)
        done.unreadable += len(batch.unreadable)
        if batch.unreadable:
            self.say(f"{len(batch.unreadable):,} unreadable, kept in unreadable_records; {batch.first_complaint}")
        now_s = asyncio.get_running_loop().time()
        if now_s - self._reported_s >= SHORTEST_REPORT_S:
            self._reported_s = now_s
            done.behind = await self._behind(list(self.consumer.assignment()))
            self.say(str(done))

    async def _behind(self, partitions: list[TopicPartition]) -> int:
        ends = await self.consumer.end_offsets(partitions)
        return sum([max(0, ends[tp] - await self.consumer.position(tp)) for tp in partitions])


def _taker(batch: Batch, topic: Topic) -> Callable[[Place, bytes | None], None]:
    """Return what takes the topic's records into a batch."""
    match topic:
        case Topic.COSTS:
            return batch.add_cost
        case Topic.SHADOW_ANSWERS:
            return batch.add_shadow_answer
    return batch.add_response
