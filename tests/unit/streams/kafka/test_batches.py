"""What was fetched, handed over in batches: in order, by turns, and nothing after an assignment has ended."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import NoReturn

import pytest
from aiokafka.structs import ConsumerRecord
from faust.types import TP

from streams.kafka.batches import LONGEST_TURN_S, SLICE, BatchConsumer, ReceivedRecord, Record, Take
from streams.ports import Received

ONE, TWO, CHANGELOG = TP("requests", 1), TP("requests", 2), TP("changelog", 0)


def records(tp: TP, number: int) -> list[Record]:
    return [
        ConsumerRecord(tp.topic, tp.partition, offset, 1000, 0, b"k", b"{}", None, 1, 2, ()) for offset in range(number)
    ]


class Fetched(BatchConsumer):
    """A consumer that has fetched this, and is otherwise Faust's without a broker."""

    should_stop = False

    def __init__(self, fetched: Mapping[TP, list[Record]], take: Take, active: set[TP] | None = None) -> None:
        self.app = SimpleNamespace(consumer_generation_id=1, crash=self._crash)
        self.fetched = fetched
        self.active = {*fetched} if active is None else active
        self.crashes: list[BaseException] = []
        self.seen: list[ReceivedRecord] = []
        self.sought = 0
        self.flow_active = True
        self._buffered_partitions: set[TP] = set()
        self._take = take

    @property
    def takers(self) -> Mapping[str, Take]:
        return {"requests": self._take}

    def delivered(self, received: ReceivedRecord) -> None:
        self.seen.append(received)

    def finish(self, received: ReceivedRecord) -> None:
        self.seen.remove(received)

    def let_be(self, received: ReceivedRecord) -> None:
        self.seen.remove(received)

    async def perform_seek(self) -> None:
        self.sought += 1

    async def _wait_next_records(self, _timeout: float) -> tuple[Mapping[TP, list[Record]], set[TP]]:
        return self.fetched, self.active

    async def _crash(self, problem: BaseException) -> None:
        self.crashes.append(problem)


def taken(batches: list[list[tuple[int, int]]]) -> Take:
    return lambda batch: batches.append([(one.delivery.origin.partition, one.delivery.origin.offset) for one in batch])


async def test_partitions_take_turns_and_each_keeps_its_order() -> None:
    batches: list[list[tuple[int, int]]] = []
    consumer = Fetched({ONE: records(ONE, 2 * SLICE + 1), TWO: records(TWO, 3)}, taken(batches))
    await consumer._hand_over_next()
    assert [(batch[0], len(batch)) for batch in batches] == [
        ((1, 0), SLICE),
        ((2, 0), 3),
        ((1, SLICE), SLICE),
        ((1, 2 * SLICE), 1),
    ]
    assert [one.offset for one in consumer.seen if one.tp == ONE] == list(range(2 * SLICE + 1))


async def test_a_partition_that_is_not_fetched_any_more_is_not_handed_over_unless_it_is_held_back() -> None:
    batches: list[list[tuple[int, int]]] = []
    consumer = Fetched({ONE: records(ONE, 1), TWO: records(TWO, 1)}, taken(batches), active=set())
    consumer._buffered_partitions.add(TWO)
    await consumer._hand_over_next()
    assert batches == [[(2, 0)]]


def stops(consumer: Fetched) -> None:
    consumer.flow_active = False


def rebalances(consumer: Fetched) -> None:
    consumer.app.consumer_generation_id = 2


@pytest.mark.parametrize("ends", [stops, rebalances])
async def test_nothing_is_handed_over_after_the_flow_or_the_assignment_has_ended(
    ends: Callable[[Fetched], None],
) -> None:
    def take(_batch: Sequence[Received]) -> None:
        ends(consumer)

    consumer = Fetched({ONE: records(ONE, 2 * SLICE)}, take)
    await consumer._hand_over_next()
    assert len(consumer.seen) == SLICE
    assert all(one.is_current is (ends is stops) for one in consumer.seen)


async def test_what_was_fetched_while_the_flow_is_stopped_is_fetched_again() -> None:
    consumer = Fetched({ONE: records(ONE, 1)}, taken([]))
    consumer.flow_active = False
    await consumer._hand_over_next()
    assert (consumer.sought, consumer.seen) == (1, [])


async def test_all_else_has_its_turn_while_much_is_handed_over() -> None:
    turns = 0

    async def another() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(another())
    await asyncio.sleep(0)
    before = turns
    consumer = Fetched({ONE: records(ONE, 4 * SLICE)}, lambda _batch: time.sleep(LONGEST_TURN_S))
    await consumer._hand_over_next()
    other.cancel()
    assert turns - before >= 4


async def test_what_is_raised_by_whoever_takes_a_record_ends_the_app() -> None:
    def defective(_batch: Sequence[Received]) -> NoReturn:
        raise TypeError("of a deliberate defect")

    consumer = Fetched({ONE: records(ONE, 1)}, defective)
    with pytest.raises(TypeError, match="deliberate") as raised:
        await consumer._hand_over_next()
    assert consumer.crashes == [raised.value], "else Faust drops it, and the record is held for ever"


async def test_records_of_a_topic_without_a_taker_go_the_way_of_streams() -> None:
    gone: list[int] = []
    consumer = Fetched({CHANGELOG: records(CHANGELOG, 3)}, taken([]))
    consumer.suspend_flow = asyncio.Event()

    async def callback(message: Record) -> None:
        gone.append(message.offset)

    async def first(one: asyncio.Future[None], other: asyncio.Future[None]) -> None:
        await one
        other.close()  # type: ignore[attr-defined]  # a coroutine that is not awaited

    consumer.callback, consumer.wait_first = callback, first
    await consumer._hand_over_next()
    assert (gone, consumer.seen) == ([0, 1, 2], [])
