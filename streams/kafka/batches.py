"""Faust's consumer, made to hand over what is fetched in batches, without a task, a queue or a sleep for each record.

Faust's own loop waits for each record with four tasks, and its streams give one record in three turns of the event
loop. Topics with a taker go past both. What they bring is bounded by time, so that answers do not come in bursts;
records of other topics, the changelogs of tables, go Faust's way.

What it relies on stands in `streams.kafka.pinned`.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Final, TypeAlias

from aiokafka.structs import ConsumerRecord
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP
from mode import Service

from router.job import Origin
from streams.codec import Delivery
from streams.ports import Received

Record: TypeAlias = "ConsumerRecord[bytes, bytes]"
Take = Callable[[Sequence[Received]], None]
"""Takes the records of one partition, in the order of the log. What it raises ends the app."""

LONGEST_TURN_S: Final = 0.003
"""How long records are handed over before all else has a turn, seconds."""
SLICE: Final = 16
"""Records between two looks at the clock, and at the assignment."""
FETCH_WAIT_S: Final = 1.0


class ReceivedRecord:
    """A record as it was fetched; it acknowledges nothing by itself."""

    __slots__ = ("_consumer", "delivery", "generation_id", "offset", "tp")

    def __init__(self, consumer: "BatchConsumer", tp: TP, record: Record, generation_id: int) -> None:
        self._consumer = consumer
        self.tp = tp
        self.offset = record.offset
        self.generation_id = generation_id
        self.delivery = Delivery(
            origin=Origin(record.topic, record.partition, record.offset),
            timestamp_ms=record.timestamp,
            key=record.key,
            value=record.value,
            headers=record.headers,
        )

    @property
    def is_current(self) -> bool:
        """Whether it was delivered under the present assignment."""
        return bool(self.generation_id == self._consumer.app.consumer_generation_id)

    def acknowledge(self) -> None:
        """Finish it: what moves the partition's tracker."""
        self._consumer.finish(self)

    def let_be(self) -> None:
        """Leave it unfinished, and do not wait for it when draining: it will be delivered again."""
        self._consumer.let_be(self)


class BatchConsumer(Consumer):  # type: ignore[misc]  # faust is untyped
    """Hands the records of some topics to their takers."""

    @property
    @abstractmethod
    def takers(self) -> Mapping[str, Take]:
        """The taker of each topic that has one."""

    @abstractmethod
    def delivered(self, received: ReceivedRecord) -> None:
        """Note that a record is handed over."""

    @abstractmethod
    def finish(self, received: ReceivedRecord) -> None:
        """Note that a record is finished."""

    @abstractmethod
    def let_be(self, received: ReceivedRecord) -> None:
        """Note that a record stays unfinished."""

    async def _drain_messages(self, fetcher: Service) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                await self.sleep(0)
                await self._hand_over_next()
        except (*self.consumer_stopped_errors, asyncio.CancelledError):
            if not self.transport.app.should_stop:
                raise

    async def _hand_over_next(self) -> None:
        """Fetch, and hand over what came, as long as it is of the present assignment and the flow is not stopped."""
        fetched, active = await self._wait_next_records(FETCH_WAIT_S)
        generation_id = self.app.consumer_generation_id
        if fetched is None or self.should_stop:
            return
        if not self.flow_active:
            await self.perform_seek()  # what was fetched is not handed over
            return
        turn_ends_s = monotonic() + LONGEST_TURN_S
        for tp, records in _slices(fetched):
            if not self.flow_active or self.app.consumer_generation_id != generation_id:
                return  # they will be fetched again
            if active is not None and tp not in active and tp not in self._buffered_partitions:
                continue
            await self._hand_over_slice(tp, records, generation_id)
            if monotonic() >= turn_ends_s:
                await asyncio.sleep(0)
                turn_ends_s = monotonic() + LONGEST_TURN_S

    async def _hand_over_slice(self, tp: TP, records: Sequence[Record], generation_id: int) -> None:
        if (take := self.takers.get(tp.topic)) is None:
            for record in records:
                if not self.flow_active:
                    return
                await self.wait_first(self.callback(self._to_message(tp, record)), self.suspend_flow.wait())
            return
        batch = [ReceivedRecord(self, tp, record, generation_id) for record in records]
        for received in batch:
            self.delivered(received)
        try:
            take(batch)
        except Exception as problem:
            await self.app.crash(problem)  # else the records would be held for ever
            raise


def _slices(fetched: Mapping[TP, Sequence[Record]]) -> Iterator[tuple[TP, Sequence[Record]]]:
    """Give the records of all partitions by turns, a slice of each."""
    longest = max(map(len, fetched.values()), default=0)
    for start in range(0, longest, SLICE):
        for tp, records in fetched.items():
            if part := records[start : start + SLICE]:
                yield tp, part
