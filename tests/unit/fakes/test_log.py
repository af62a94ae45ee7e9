import asyncio
from random import Random

import pytest
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from streams.ports import Record, TopicPartition
from tests.fakes.broker import Broker
from tests.fakes.link import GIVES_UP_S, Link, Weather
from tests.fakes.log import MemoryLog
from tests.fakes.loop import Process, VirtualLoop, in_virtual_time

TP = TopicPartition("t", 0)


def connected(loop: VirtualLoop, weather: Weather | None = None) -> tuple[Broker, Link, MemoryLog]:
    broker = Broker(loop)
    broker.create("t", 2, max_bytes=1000)
    link = Link(loop, Process(loop, "w1"), Random(1), weather)  # noqa: S311 - a test's dice
    return broker, link, MemoryLog(broker, link)


def record(value: bytes = b"x") -> Record:
    return Record("t", value, None, [], 0)


def values(broker: Broker) -> list[bytes | None]:
    return [found.value for found in broker.read({TP: 0})]


def test_records_of_a_partition_are_written_in_the_order_of_their_sending_and_acknowledged_later() -> None:
    async def main(loop: VirtualLoop) -> None:
        broker, _, log = connected(loop)
        began_s = loop.time()
        assert await asyncio.gather(*(log.send(record(b"%d" % number)) for number in range(50))) == list(range(50))
        assert values(broker) == [b"%d" % number for number in range(50)]
        assert loop.time() > began_s

    in_virtual_time(main)


def test_what_the_topic_does_not_take_is_refused() -> None:
    async def main(loop: VirtualLoop) -> None:
        _, _, log = connected(loop)
        with pytest.raises(MessageSizeTooLargeError):
            await log.send(record(b"x" * 1001))

    in_virtual_time(main)


@pytest.mark.parametrize(("weather", "written"), [(Weather(lost_after=1), 1), (Weather(lost_before=1), 0)])
def test_a_lost_acknowledgement_is_an_error_whether_the_record_was_written_or_not(
    weather: Weather, written: int
) -> None:
    async def main(loop: VirtualLoop) -> None:
        broker, _, log = connected(loop, weather)
        with pytest.raises(KafkaError):
            await log.send(record())
        assert len(values(broker)) == written

    in_virtual_time(main)


def test_a_cut_link_delays_and_then_fails_and_keeps_the_order() -> None:
    async def main(loop: VirtualLoop) -> None:
        broker, link, log = connected(loop)
        link.cut()
        first = asyncio.create_task(log.send(record(b"first")))
        await asyncio.sleep(GIVES_UP_S / 2)
        second = asyncio.create_task(log.send(record(b"second")))
        await asyncio.sleep(GIVES_UP_S / 2 + 1)
        with pytest.raises(KafkaTimeoutError):
            await first
        third = asyncio.create_task(log.send(record(b"third")))
        await asyncio.sleep(1)
        link.heal()
        await asyncio.gather(second, third)
        assert values(broker) == [b"second", b"third"]

    in_virtual_time(main)


def test_a_record_whose_acknowledgement_is_cut_off_is_written_once() -> None:
    async def main(loop: VirtualLoop) -> None:
        broker, link, log = connected(loop, Weather(fastest_s=1, slowest_s=1))
        sending = asyncio.create_task(log.send(record()))
        await asyncio.sleep(1.5)
        link.cut()
        await asyncio.sleep(3)
        link.heal()
        assert await sending == 0
        assert len(values(broker)) == 1

    in_virtual_time(main)


def test_what_a_killed_process_has_sent_arrives_and_what_it_held_does_not() -> None:
    async def main(loop: VirtualLoop) -> None:
        broker, link, log = connected(loop)
        link.process.start(log.send(record(b"sent")))
        await asyncio.sleep(0)
        await asyncio.sleep(0.005)
        link.cut()
        link.process.start(log.send(record(b"held")))
        await asyncio.sleep(1)
        link.process.kill()
        link.heal()
        await asyncio.sleep(30)
        assert values(broker) == [b"sent"]

    in_virtual_time(main)


def test_a_reader_begins_where_it_is_told_and_waits_for_what_comes() -> None:
    async def main(loop: VirtualLoop) -> None:
        broker, _, log = connected(loop)
        for number in range(5):
            broker.append(record(b"%d" % number))
        broker.partition(TP).truncate(2)
        async with log.reader() as reader:
            reader.assign([TP])
            reader.seek(TP, 0)
            assert [found.value for found in await reader.read(timeout_s=1, most=2)] == [b"2", b"3"]
            assert await reader.position(TP) == 4
            assert [found.value for found in await reader.read(timeout_s=1)] == [b"4"]
            loop.call_later(3, broker.append, record(b"5"))
            assert await reader.read(timeout_s=1) == ()
            assert [found.value for found in await reader.read(timeout_s=60)] == [b"5"]
            assert (await reader.begins([TP]), await reader.ends([TP])) == ({TP: 2}, {TP: 6})

    in_virtual_time(main)


def test_an_offset_is_found_by_its_time() -> None:
    async def main(loop: VirtualLoop) -> None:
        broker, _, log = connected(loop)
        for _ in range(3):
            broker.append(record())
            await asyncio.sleep(10)
        async with log.reader() as reader:
            now_ms = int(loop.time() * 1000)
            assert await reader.offset_since(TP, now_ms - 25_000) == 1
            assert await reader.offset_since(TP, now_ms) is None

    in_virtual_time(main)


def test_a_cut_link_answers_no_question_and_brings_no_record() -> None:
    async def main(loop: VirtualLoop) -> None:
        broker, link, log = connected(loop)
        broker.append(record())
        async with log.reader() as reader:
            reader.assign([TP])
            reader.seek(TP, 0)
            link.cut()
            assert await reader.read(timeout_s=1) == ()
            with pytest.raises(KafkaTimeoutError):
                await reader.ends([TP])
            link.heal()
            assert len(await reader.read(timeout_s=1)) == 1

    in_virtual_time(main)
