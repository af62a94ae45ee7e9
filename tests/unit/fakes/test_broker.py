import asyncio

import pytest

from streams.ports import Record, TopicPartition
from tests.fakes.broker import Broker, TooLargeError
from tests.fakes.loop import VirtualLoop, in_virtual_time

TP = TopicPartition("t", 0)


def record(value: bytes | None, key: bytes | None = None, partition: int | None = 0) -> Record:
    return Record("t", value, key, [], partition)


def test_offsets_count_up_by_partition_and_a_key_has_one_partition() -> None:
    async def main(loop: VirtualLoop) -> None:
        broker = Broker(loop)
        broker.create("t", 3)
        assert [broker.append(record(b"x", partition=number)) for number in (0, 0, 1)] == [0, 1, 0]
        places = {broker.partition_of(record(b"x", b"key", None)) for _ in range(3)}
        assert len(places) == 1

    in_virtual_time(main)


def test_a_record_beyond_the_limit_is_not_written() -> None:
    async def main(loop: VirtualLoop) -> None:
        broker = Broker(loop)
        broker.create("t", max_bytes=3)
        with pytest.raises(TooLargeError):
            broker.append(record(b"four"))
        assert broker.partition(TP).end == 0

    in_virtual_time(main)


def test_compaction_keeps_the_last_of_each_key_in_its_place_and_spares_what_is_young() -> None:
    async def main(loop: VirtualLoop) -> None:
        broker = Broker(loop)
        broker.create("t", compacted=True)
        for value, key in ((b"1", b"a"), (b"2", b"b"), (b"3", b"a"), (None, b"b")):
            broker.append(record(value, key))
        await asyncio.sleep(100)
        for value in (b"4", b"5"):
            broker.append(record(value, b"a"))
        broker.clean(lag_s=60)
        assert [(found.origin.offset, found.value) for found in broker.read({TP: 0})] == [(4, b"4"), (5, b"5")]
        assert broker.partition(TP).end == 6

    in_virtual_time(main)


def test_retention_moves_the_beginning() -> None:
    async def main(loop: VirtualLoop) -> None:
        broker = Broker(loop)
        broker.create("t", retention_s=50)
        broker.append(record(b"old"))
        await asyncio.sleep(60)
        broker.append(record(b"new"))
        broker.clean()
        assert broker.partition(TP).begin == 1
        assert [found.value for found in broker.read({TP: 0})] == [b"new"]

    in_virtual_time(main)


def test_who_waits_is_woken_by_a_record_and_otherwise_in_time() -> None:
    async def main(loop: VirtualLoop) -> tuple[float, float]:
        broker = Broker(loop)
        broker.create("t")
        began_s = loop.time()
        loop.call_later(2, broker.append, record(b"x"))
        await broker.news([TP], 5)
        woken_s = loop.time()
        await broker.news([TP], 5)
        return woken_s - began_s, loop.time() - began_s

    assert in_virtual_time(main) == (2, 7)
