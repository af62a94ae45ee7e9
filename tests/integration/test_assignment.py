"""From the moment partitions are assigned: recovering, going back to what is committed, reading on. On Apache Kafka."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from time import monotonic

import faust
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.errors import GroupAuthorizationFailedError, GroupLoadInProgressError, KafkaTimeoutError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.commit import OffsetFetchRequest, OffsetFetchResponse_v3
from faust.exceptions import AlreadyConfiguredWarning
from faust.types import TP

from sandbox.broker import BrokerInfo
from streams.kafka.control_group import changelog_table
from tests.places import Taken, empty_place, reading_app, until

LIMIT_S = 0.5
AWAY_S = 3 * LIMIT_S


def client(app: faust.App) -> AIOKafkaConsumer:
    return app.consumer._thread._ensure_consumer()


def delayed(step: Callable[[], Awaitable[Mapping[TP, int]]]) -> Callable[[], Awaitable[Mapping[TP, int]]]:
    async def later() -> Mapping[TP, int]:
        found = await step()
        await asyncio.sleep(AWAY_S)
        return found

    return later


def limit_steps(app: faust.App) -> None:
    """Give each step of a recovery `LIMIT_S`; the client itself needs longer to start."""

    @app.on_partitions_assigned.connect  # type: ignore[untyped-decorator]  # faust is untyped
    async def shorten(app: faust.App, *_: object, **_signal: object) -> None:
        with pytest.warns(AlreadyConfiguredWarning):
            app.conf.broker_request_timeout = LIMIT_S


async def test_a_coordinator_that_is_away_for_longer_than_a_request_only_delays_reading(kafka: BrokerInfo) -> None:
    async with empty_place(kafka) as place, reading_app(place) as (app, taken):
        await place.publish()
        limit_steps(app)
        app.consumer._thread.seek_to_committed = delayed(app.consumer._thread.seek_to_committed)
        await app.start()
        await taken.reach(0, 0, times=1)


@pytest.mark.parametrize("step", ["highwaters", "earliest_offsets", "seek_wait"])
async def test_a_broker_that_is_away_in_the_recovery_of_a_table_only_delays_it(kafka: BrokerInfo, step: str) -> None:
    async with empty_place(kafka) as place, reading_app(place) as (app, taken):
        await place.publish()
        await place.admin.create_topics([NewTopic(f"{place.topic}-table", 1, 1)])
        changelog_table(app, "table", f"{place.topic}-table")
        limit_steps(app)
        ask, refused = getattr(app.consumer._thread, step), 0

        async def away(*arguments: object) -> object:
            nonlocal refused
            refused += 1
            if refused < 3:
                raise KafkaTimeoutError
            return await ask(*arguments)

        setattr(app.consumer._thread, step, away)
        await app.start()
        await taken.reach(0, 0, times=1)
        assert refused >= 3


async def test_nothing_is_handed_over_while_reading_goes_back(kafka: BrokerInfo) -> None:
    async with empty_place(kafka) as place, reading_app(place, acknowledges=True) as (app, taken):
        await app.start()
        await place.publish()
        await taken.reach(0, 0, times=1)
        await place.wait_until_committed(1)
        taken.going_on.clear()
        app.consumer._thread.seek_to_committed = delayed(app.consumer._thread.seek_to_committed)
        await asyncio.gather(place.publish(10), app.consumer.perform_seek())
        app.flow_control.resume()  # as every recovery ends: it clears what waits for the stream
        app.consumer.resume_flow()
        taken.going_on.set()
        async with asyncio.timeout(30):
            await place.wait_until_committed(11)
        assert set(taken.counts) == {(0, offset) for offset in range(11)}


async def test_a_client_that_needs_long_to_find_the_brokers_ends_no_app(kafka: BrokerInfo) -> None:
    async with empty_place(kafka) as place, reading_app(place) as (app, taken):
        create = app.consumer._thread._create_consumer

        def slow(loop: asyncio.AbstractEventLoop) -> AIOKafkaConsumer:
            consumer = create(loop)
            start = consumer.start

            async def later() -> None:
                await asyncio.sleep(1)
                await start()

            consumer.start = later
            return consumer

        app.consumer._thread._create_consumer = slow
        await place.publish()
        await app.start()
        await taken.reach(0, 0, times=1)


async def test_a_coordinator_that_does_not_know_yet_what_is_committed_is_asked_again(kafka: BrokerInfo) -> None:
    async with empty_place(kafka) as place, reading_app(place, acknowledges=True) as (app, taken):
        await app.start()
        await place.publish(10)
        await place.wait_until_committed(10)
        sending = client(app)._client.send
        answered, (kafka_client, send) = sending.func, sending.args
        asked = 0

        async def loading(node: int, request: Request[RequestStruct], **options: object) -> Response:
            nonlocal asked
            if isinstance(request, OffsetFetchRequest):
                asked += 1
                if asked == 1:
                    return OffsetFetchResponse_v3(0, [], GroupLoadInProgressError.errno)
            return await send(node, request, **options)

        client(app)._client.send = partial(answered, kafka_client, loading)
        await app.consumer.perform_seek()
        app.consumer.resume_flow()
        await place.publish()
        await place.wait_until_committed(11)
        assert asked >= 2
        assert taken.counts == {(0, offset): 1 for offset in range(11)}


async def test_partitions_that_go_while_reading_goes_back_are_let_go(kafka: BrokerInfo) -> None:
    async with empty_place(kafka, partitions=2) as place, reading_app(place) as (app, taken):
        await two_partitions_read(app, taken, place.publish)
        consumer = client(app)
        fetch = consumer._coordinator.fetch_committed_offsets

        async def while_the_group_goes_on(partitions: list[TopicPartition]) -> object:
            committed = await fetch(partitions)
            consumer._subscription.assign_from_subscribed([TopicPartition(place.topic, 0)])
            return committed

        consumer._coordinator.fetch_committed_offsets = while_the_group_goes_on
        await app.consumer.perform_seek()
        app.consumer.resume_flow()
        await taken.reach(0, 0, times=2)
        assert not app.crashed


async def test_a_log_that_starts_anew_below_what_is_committed_is_read_and_committed(kafka: BrokerInfo) -> None:
    async with empty_place(kafka) as place, reading_app(place, acknowledges=True) as (app, taken):
        await app.start()
        await place.publish(10)
        await place.wait_until_committed(10)
        taken.going_on.clear()
        # what the client does of itself at an offset that the leader does not have
        state = client(app)._subscription.subscription.assignment.state_value(TopicPartition(place.topic, 0))
        app.consumer._thread.thread_loop.call_soon_threadsafe(state.await_reset, OffsetResetStrategy.EARLIEST)
        async with asyncio.timeout(30):
            await place.wait_until_committed(0)  # none of them is finished in this log
            taken.going_on.set()
            await place.wait_until_committed(10)
        assert taken.counts == {(0, offset): 2 for offset in range(10)}


async def test_a_partition_without_a_position_ends_no_app(kafka: BrokerInfo) -> None:
    async with empty_place(kafka) as place, reading_app(place) as (app, taken):
        await app.start()
        await place.publish()
        await taken.reach(0, 0, times=1)
        tp = TopicPartition(place.topic, 0)
        state = client(app)._subscription.subscription.assignment.state_value(tp)
        assert state.timestamp, "Faust looks at partitions of which something has been fetched"
        state.await_reset(OffsetResetStrategy.EARLIEST)
        app.consumer.verify_event_path(monotonic(), TP(*tp))


async def two_partitions_read(app: faust.App, taken: Taken, publish: Callable[[int, int], Awaitable[None]]) -> None:
    await app.start()
    for partition in range(2):
        await publish(1, partition)
        await taken.reach(partition, 0, times=1)


@contextmanager
def without_a_leader(app: faust.App, partition: int) -> Iterator[None]:
    """Let the partition have no leader, as far as the app knows."""
    cluster = client(app)._client.cluster
    leader = cluster.leader_for_partition
    cluster.leader_for_partition = lambda tp: -1 if tp.partition == partition else leader(tp)
    try:
        yield
    finally:
        cluster.leader_for_partition = leader


async def test_a_partition_without_a_leader_does_not_hold_up_the_others_of_a_new_group(kafka: BrokerInfo) -> None:
    async with empty_place(kafka, partitions=2) as place, reading_app(place) as (app, taken):
        await two_partitions_read(app, taken, place.publish)
        with without_a_leader(app, 1):
            await asyncio.wait_for(app.consumer.perform_seek(), timeout=10)
            app.consumer.resume_flow()
            await taken.reach(0, 0, times=2)
        await taken.reach(1, 0, times=2)


async def test_a_question_to_a_partition_without_a_leader_keeps_nothing_waiting(kafka: BrokerInfo) -> None:
    async with empty_place(kafka, partitions=2) as place, reading_app(place) as (app, taken):
        await two_partitions_read(app, taken, place.publish)
        assert not await app.consumer.has_unread()

        async def nothing() -> None:
            """Be called in the consumer's thread."""

        with without_a_leader(app, 1):
            asking = [asyncio.create_task(app.consumer.has_unread()) for _ in range(3)]
            done, _ = await asyncio.wait(asking, timeout=1)
            assert not done
            async with asyncio.timeout(3):  # a look for records takes one of its workers for a second
                await app.consumer._thread.call_thread(nothing)
            assert await asyncio.gather(*asking) == [False] * 3

        app.consumer.stop_flow()
        await place.publish()
        async with asyncio.timeout(30):  # what a look had fetched before is dropped, and reading goes back
            while not await app.consumer.has_unread():
                pass


async def test_a_group_that_refuses_its_member_ends_the_app_while_nobody_reads(kafka: BrokerInfo) -> None:
    async with empty_place(kafka) as place, reading_app(place) as (app, taken):
        await app.start()
        await place.publish()
        await taken.reach(0, 0, times=1)
        app.consumer.stop_flow()  # as long as a rebalance lasts
        client(app)._coordinator._pending_exception = GroupAuthorizationFailedError(place.group)
        await until(lambda: isinstance(app.crash_reason, GroupAuthorizationFailedError))
