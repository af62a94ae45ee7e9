"""The producer goes on after what ends an aiokafka producer for good."""

import asyncio
import re
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.errors import MessageSizeTooLargeError, OutOfOrderSequenceNumber, ProducerClosed

from sandbox.broker import BrokerInfo
from sandbox.broker.apache import KafkaProcess
from schemas.topics import Topic
from schemas.vocabulary import Status
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import admin, make_producer, producer, reader
from streams.kafka.producer import RenewableProducer, started
from streams.ports import Record
from tests.harness import MakePipeline, assert_answered_once
from tests.reference import in_chain_order

LIMIT_BYTES = 2_000
TOO_LARGE = b"x" * 10_000


@pytest.fixture
def settings(kafka: BrokerInfo) -> Settings:
    return load_settings(None, brokers=kafka.bootstrap_servers)


@pytest.fixture
async def topic(settings: Settings) -> AsyncIterator[str]:
    """One partition that takes batches of `LIMIT_BYTES`."""
    name = f"small.{uuid.uuid4().hex[:8]}"
    async with admin(settings) as client:
        await client.create_topics([NewTopic(name, 1, 1, topic_configs={"max.message.bytes": str(LIMIT_BYTES)})])
        yield name
        await client.delete_topics([name])


def record(topic: str, value: bytes) -> Record:
    return Record(topic, value, b"key", [])


async def values(settings: Settings, topic: str) -> list[bytes | None]:
    tp = TopicPartition(topic, 0)
    async with reader(settings) as consumer:
        consumer.assign([tp])
        end = (await consumer.end_offsets([tp]))[tp]
        found = []
        while await consumer.position(tp) < end:
            found.append((await consumer.getone()).value)
        return found


async def test_aiokafka_alone_never_writes_again_after_a_refused_batch(settings: Settings, topic: str) -> None:
    """If this fails, `streams.kafka.producer` may have become needless."""
    async with producer(settings) as client:
        await client.send_and_wait(topic, b"before")
        with pytest.raises(MessageSizeTooLargeError):
            await client.send_and_wait(topic, TOO_LARGE)
        for _ in range(3):
            with pytest.raises(OutOfOrderSequenceNumber):
                await client.send_and_wait(topic, b"after")


async def test_a_record_that_is_too_large_does_not_hold_up_those_after_it(settings: Settings, topic: str) -> None:
    async with started(lambda: make_producer(settings)) as client:
        await client.send(record(topic, b"before"))
        for number in range(3):
            with pytest.raises(MessageSizeTooLargeError):
                await client.send(record(topic, TOO_LARGE))
            while True:
                try:
                    await client.send(record(topic, b"%d" % number))
                    break
                except OutOfOrderSequenceNumber:  # once: the next producer takes it
                    continue
        assert client.renewals <= 6
    assert await values(settings, topic) == [b"before", b"0", b"1", b"2"]


async def test_records_of_a_batch_that_is_too_large_are_written_all_the_same(settings: Settings, topic: str) -> None:
    small = [b"%d" % number + b" " * 200 for number in range(100)]
    async with started(lambda: make_producer(settings)) as client:
        offsets = await asyncio.wait_for(
            asyncio.gather(*[client.send(record(topic, value)) for value in small]), timeout=60
        )
    assert sorted(offsets) == list(range(100))
    assert Counter(await values(settings, topic)) == Counter(small)


async def test_no_record_is_forgotten_when_producers_are_replaced_one_after_another(
    settings: Settings, topic: str
) -> None:
    small = [b"%d" % number + b" " * 200 for number in range(300)]

    async def until_written(client: RenewableProducer, value: bytes) -> None:
        while True:
            try:
                await client.send(record(topic, value))
            except (OutOfOrderSequenceNumber, ProducerClosed):
                continue
            return

    async with started(lambda: make_producer(settings)) as client, asyncio.timeout(90):
        async with asyncio.TaskGroup() as senders:
            for first in range(0, len(small), 30):  # waves, so that batches are refused while others go alone
                for value in small[first : first + 30]:
                    senders.create_task(until_written(client, value))
                await asyncio.sleep(0.03)
        assert client.renewals > 1
    assert set(await values(settings, topic)) == set(small)


async def test_a_send_that_waits_for_its_topic_outlasts_the_producer(settings: Settings, topic: str) -> None:
    late = f"late.{uuid.uuid4().hex[:8]}"
    async with admin(settings) as kafka, started(lambda: make_producer(settings)) as client:
        waiting = asyncio.create_task(client.send(record(late, b"patient")))
        with pytest.raises(MessageSizeTooLargeError):
            await client.send(record(topic, TOO_LARGE))
        assert client.renewals == 1
        await kafka.create_topics([NewTopic(late, 1, 1)])
        assert await asyncio.wait_for(waiting, timeout=30) == 0
        assert await values(settings, late) == [b"patient"]
        await kafka.delete_topics([late])


async def test_stopping_ends_although_the_broker_is_gone() -> None:
    with KafkaProcess() as kafka:
        settings = load_settings(None, brokers=kafka.bootstrap_servers)
        async with admin(settings) as client:
            await client.create_topics([NewTopic("gone", 1, 1)])
        async with asyncio.timeout(60):
            async with started(lambda: make_producer(settings)) as sender:
                await sender.send(record("gone", b"before"))
                await asyncio.to_thread(kafka.kill)
                unanswered = asyncio.create_task(sender.send(record("gone", b"during")))
                await asyncio.sleep(0)
            unanswered.cancel()
            await asyncio.gather(unanswered, return_exceptions=True)


async def test_a_worker_whose_topics_take_less_than_it_believes_answers_everything(
    make_pipeline: MakePipeline, tmp_path: Path
) -> None:
    catalogue = tmp_path / "unlimited.toml"
    unlimited = re.sub(r"(?m)^requests_per_minute = .*", "requests_per_minute = 1_000_000", in_chain_order())
    catalogue.write_text(unlimited)
    pipeline = await make_pipeline(
        TURNOUT_MAX_MESSAGE_BYTES="65536", TURNOUT_PARTITIONS="1", TURNOUT_CATALOGUE=str(catalogue)
    )
    worker = pipeline.start_worker(TURNOUT_MAX_MESSAGE_BYTES="6291456")
    names = [f"r{number}" for number in range(600)]
    await pipeline.publish([{"request_id": name, "prompt": f"What is {name} + 1?"} for name in names])
    responses = await pipeline.wait_for_responses(names)
    assert_answered_once(responses, names)
    assert {response.status for response in responses} == {Status.COMPLETED}
    assert worker.stop() == 0
    assert "the producer is replaced" in worker.log.read_text()
    assert len(await pipeline.records(Topic.CALLS)) == len(names)
    assert (await pipeline.reconcile()).bill_equals_invoice
