"""What is committed while records finish out of order, on Apache Kafka, by real workers."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import faust
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from sandbox.broker import BrokerInfo
from streams.kafka.transport import SafeTransport
from tests.places import Place, empty_place

WORKER = Path(__file__).with_name("holding_worker.py")
ROOT = Path(__file__).parents[2]
RECORDS = 1000
COMMITS_PASS_S = 1.0
"""Five commit intervals of the worker."""


@dataclass(frozen=True, slots=True)
class Worker:
    process: asyncio.subprocess.Process

    async def says(self) -> Mapping[str, object]:
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        assert line, "the worker ended"
        said: Mapping[str, object] = json.loads(line)
        return said

    async def until_done(self, offset: int) -> None:
        while await self.says() != {"event": "done", "offset": offset}:
            pass

    async def has_said(self) -> Sequence[Mapping[str, object]]:
        """Kill it, and return what it has said that nobody has read."""
        assert self.process.stdout is not None
        self.process.kill()
        return [json.loads(line) for line in (await self.process.stdout.read()).splitlines()]

    def release(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"release\n")


@pytest.fixture
async def place(kafka: BrokerInfo) -> AsyncIterator[Place]:
    async with empty_place(kafka) as place:
        await place.publish(RECORDS)
        yield place


@asynccontextmanager
async def worker(place: Place, *, env: Mapping[str, str] | None = None, **options: object) -> AsyncIterator[Worker]:
    options |= {"bootstrap_servers": place.bootstrap_servers, "group": place.group, "topic": place.topic}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        WORKER,
        json.dumps(options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
    )
    try:
        yield Worker(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_stock_faust_commits_past_a_record_that_is_still_being_processed(place: Place) -> None:
    async with asyncio.timeout(90), worker(place, safe=False) as stock:
        await stock.until_done(RECORDS - 1)
        try:
            async with asyncio.timeout(5):
                await place.wait_until_committed(RECORDS)
        except TimeoutError:
            pytest.fail(
                "Stock Faust no longer commits past an unfinished record: see if streams/kafka/transport.py can go,"
                f" it committed {await place.committed()}.",
            )


async def test_no_commit_passes_an_unfinished_record_and_sigterm_waits_for_it(place: Place) -> None:
    async with asyncio.timeout(90), worker(place) as ours:
        await ours.until_done(RECORDS - 1)
        await asyncio.sleep(COMMITS_PASS_S)
        assert await place.committed() == 0

        ours.process.terminate()
        await asyncio.sleep(COMMITS_PASS_S)
        assert ours.process.returncode is None
        assert await place.committed() == 0

        ours.release()
        assert await ours.process.wait() == 0
        assert await place.committed() == RECORDS


async def test_a_drain_ends_at_its_limit_and_the_next_worker_gets_the_record_and_the_metadata(place: Place) -> None:
    async with asyncio.timeout(90):
        async with worker(place, drain_timeout_s=0.5) as first:
            await first.until_done(RECORDS - 1)
            first.process.terminate()
            assert await first.process.wait() == 0
        assert await place.committed() == 0

        async with worker(place, hold=False) as second:
            assert await second.says() == {"event": "rebuilt", "committed": [[0, "at 0"]]}  # before the first record
            await second.until_done(0)
            await place.wait_until_committed(RECORDS)


async def test_a_rebalance_delivers_an_unfinished_record_again_and_heeds_only_the_second_delivery(place: Place) -> None:
    async with asyncio.timeout(120), worker(place, drain_timeout_s=0.5) as first:
        await first.until_done(RECORDS - 1)
        async with worker(place, drain_timeout_s=0.5) as second:
            again = [asyncio.create_task(member.until_done(RECORDS - 1)) for member in (first, second)]
            await asyncio.wait(again, return_when=asyncio.FIRST_COMPLETED)
            first.release()  # of the delivery that the rebalance cut off
            await asyncio.sleep(COMMITS_PASS_S)
            assert await place.committed() == 0

            first.release()
            second.release()
            await place.wait_until_committed(RECORDS)
            for task in again:
                task.cancel()


async def test_what_comes_to_a_new_group_while_it_rebalances_is_not_read_past(kafka: BrokerInfo) -> None:
    async with asyncio.timeout(90), empty_place(kafka) as place, worker(place, hold=False) as first:
        assert await first.says() == {"event": "rebuilt", "committed": []}
        async with worker(place, hold=False) as second:
            assert await first.says() == {"event": "revoked"}
            async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers) as producer:
                for number in range(10):  # before, while and after the partition is handed over
                    await producer.send_and_wait(place.topic, b"%d" % number)
                    await asyncio.sleep(COMMITS_PASS_S / 10)
            await place.wait_until_committed(10)
            said = [*await first.has_said(), *await second.has_said()]
            assert {one["offset"] for one in said if one["event"] == "done"} == set(range(10))


@pytest.mark.parametrize("no_cython", ["", "1"], ids=["cython", "python"])
async def test_streams_that_acknowledge_by_themselves_commit_all(place: Place, no_cython: str) -> None:
    async with asyncio.timeout(90), worker(place, acknowledge_inline=True, env={"NO_CYTHON": no_cython}) as ours:
        await ours.until_done(RECORDS - 1)
        await place.wait_until_committed(RECORDS)


async def test_what_lies_below_a_commit_is_read_where_the_log_has_ended_before_it(place: Place) -> None:
    await place.commit(10 * RECORDS)
    async with asyncio.timeout(90), worker(place) as ours:
        await ours.until_done(RECORDS - 1)
        await asyncio.sleep(COMMITS_PASS_S)
        ours.release()
        await place.wait_until_committed(RECORDS)


async def test_a_commit_that_the_broker_refuses_ends_the_worker(place: Place) -> None:
    longer_than_brokers_take = "x" * 5000
    async with asyncio.timeout(90), worker(place, metadata=longer_than_brokers_take) as ours:
        assert await ours.process.wait() == 1


async def test_the_producer_is_idempotent_and_acknowledged(place: Place) -> None:
    app = faust.App("producing", broker=f"kafka://{place.bootstrap_servers}")
    app.transport = SafeTransport(app.conf.broker, app)
    await app.producer.start()
    sent = await app.producer.send_and_wait(place.topic, None, b"", 0, None, None)
    assert sent.topic_partition == TopicPartition(place.topic, 0)
    assert sent.offset == RECORDS
    assert app.producer._producer._txn_manager.producer_id >= 0
    await app.producer.stop()
