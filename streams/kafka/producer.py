"""A producer that another one replaces when it can send no more.

What aiokafka's idempotent producer does not survive, although the broker is well:

| what happened | what follows without this |
|---|---|
| the broker refused a batch for good | its sequence numbers are spent: later batches of the partition fail for ever |
| the broker forgot or fenced the producer's id | every batch fails for ever |
| the sending task ended with an error | every send raises that error for ever |
| a batch is larger than the topic takes | each of its records is reported as too large, however small |
| it is stopped while a send waits for metadata | that send waits for ever |
| partitions are added to a topic | a send to one of them fails by an assertion, for minutes |

A record whose outcome was unknown may be written a second time by the new producer; readers know it by its id.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    UnknownProducerId,
    UnknownTopicOrPartitionError,
)
from aiokafka.structs import RecordMetadata

from streams.ports import Record

log = structlog.get_logger()

STOP_S = 5.0
"""How long producers may flush at the end, seconds; without a broker they would do so for ever."""
_ENDED = (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    UnknownProducerId,
)


class _Client:
    """An aiokafka producer that is not stopped while a task is about to put a record into one of its batches.

    A stopped one gets no more metadata, and a task that waits for those of a topic would wait for ever.
    """

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._entering = 0
        self._left = asyncio.Event()
        self._left.set()

    async def start(self) -> None:
        await self._producer.start()

    async def send(self, record: Record) -> "asyncio.Future[RecordMetadata]":
        """Put a record into a batch, and return its acknowledgement to come."""
        self._entering += 1
        self._left.clear()
        try:
            if record.partition is not None:
                await self._know(record.topic, record.partition)
            acknowledged: asyncio.Future[RecordMetadata] = await self._producer.send(
                record.topic,
                value=record.value,
                key=record.key,
                partition=record.partition,
                headers=record.headers,
            )
        finally:
            self._entering -= 1
            if not self._entering:
                self._left.set()
        return acknowledged

    async def _know(self, topic: str, partition: int) -> None:
        """See that the client knows the partition: it asserts that it does, and asks for new ones every few minutes."""
        if partition in await self._producer.partitions_for(topic):
            return
        await self._producer.client.force_metadata_update()
        if partition not in await self._producer.partitions_for(topic):
            raise UnknownTopicOrPartitionError(f"topic {topic} has no partition {partition}: add partitions to it")

    async def stop(self) -> None:
        """Flush, and disconnect. For a task that is still about to send it has no end, so no new one may come."""
        await self._left.wait()
        await self._producer.stop()


class RenewableProducer:
    """Sends records by one aiokafka producer at a time."""

    def __init__(self, make: Callable[[], AIOKafkaProducer]) -> None:
        """Take what makes a producer that is not started yet."""
        self._make = make
        self._client = _Client(make())
        self._lone: _Client | None = None
        self._renewing = asyncio.Lock()
        self._going_alone = asyncio.Lock()
        self._stopping: set[asyncio.Task[None]] = set()
        self.renewals = 0
        """How many producers have been replaced."""

    async def start(self) -> None:
        """Connect.

        Raises:
            KafkaConnectionError: no broker answers.
        """
        await self._client.start()

    async def stop(self) -> None:
        """Flush for `STOP_S` at most, and disconnect."""
        self._retire(self._client)
        if self._lone is not None:
            self._retire(self._lone)
        _, left = await asyncio.wait(self._stopping, timeout=STOP_S)
        for stopping in left:
            log.warning("the broker does not answer: what it has not acknowledged is given up")
            stopping.cancel()

    async def send(self, record: Record) -> int:
        """Return the offset of the acknowledged record. It is retried while the broker is merely away.

        Raises:
            MessageSizeTooLargeError: the topic does not take so large a record, even alone.
            KafkaError: it was not written, or it is not known; it can be sent again.
        """
        client = self._client
        try:
            acknowledged = await client.send(record)
        except KafkaError as error:
            await self._renew_if_ended(client, error)
            raise
        try:
            return int((await acknowledged).offset)
        except MessageSizeTooLargeError as error:
            # that of the batch; whether this record was to blame shows when it goes alone
            await self._renew(client, error)
        except KafkaError as error:
            await self._renew_if_ended(client, error)
            raise
        return await self._send_alone(record)

    async def _send_alone(self, record: Record) -> int:
        # One at a time, by a producer that has no other user: aiokafka's own `send_batch` waits for its turn and does
        # not notice if the producer is stopped meanwhile, so its acknowledgement would never come.
        async with self._going_alone:
            if self._lone is None:
                self._lone = await self._make_started()
            try:
                return int((await (await self._lone.send(record))).offset)
            except BaseException:
                self._retire(self._lone)
                self._lone = None
                raise

    async def _renew_if_ended(self, client: _Client, error: KafkaError) -> None:
        # the bare class is what aiokafka raises when its sending task has ended
        if isinstance(error, _ENDED) or type(error) is KafkaError:
            await self._renew(client, error)

    async def _renew(self, client: _Client, error: KafkaError) -> None:
        async with self._renewing:
            if client is not self._client:  # another task's send has failed before
                return
            self._client = await self._make_started()
            self.renewals += 1
            log.warning("the producer is replaced", error=str(error) or type(error).__name__, renewals=self.renewals)
            self._retire(client)

    async def _make_started(self) -> _Client:
        client = _Client(self._make())
        try:
            await client.start()
        except BaseException:
            await client.stop()
            raise
        return client

    def _retire(self, client: _Client) -> None:
        """Let it bring to an end what it holds."""
        stopping = asyncio.create_task(client.stop())
        self._stopping.add(stopping)
        stopping.add_done_callback(self._stopping.discard)


@asynccontextmanager
async def started(make: Callable[[], AIOKafkaProducer]) -> AsyncIterator[RenewableProducer]:
    """Give a started producer."""
    client = RenewableProducer(make)
    try:
        await client.start()
        yield client
    finally:
        await client.stop()
