"""Faust's consumer thread, made so that it reads past nothing, and no broker that is away holds up work or its end.

What it relies on stands in `streams.kafka.pinned`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.conn import CloseReason
from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.errors import KafkaError, RequestTimedOutError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.commit import OffsetFetchResponse_v2, OffsetFetchResponse_v3
from aiokafka.protocol.group import JoinGroupRequest, SyncGroupRequest
from aiokafka.structs import ConsumerRecord
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from streams.kafka.clients import REQUEST_TIMEOUT_MS, stop_consumer
from streams.kafka.unpacking import unpack_all

T = TypeVar("T")

ASK_WITHIN_S = 5.0


class ReadTo(NamedTuple):
    """How far a partition was read: the offset of the last record, None before the first, and of the next fetch."""

    last: int | None
    position: int


class ConsumerThread(AIOKafkaConsumerThread):  # type: ignore[misc]  # faust is untyped
    """Reads nothing past, notices soon that a connection is dead, and ends in order although the broker is away."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.read_to: dict[TopicPartition, ReadTo] = {}
        """By partition, as of the last fetch. Written in this thread, a whole value at a time."""

    def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> AIOKafkaConsumer:
        unpack_all()
        consumer = super()._create_consumer(loop)
        # what a transaction has written and then taken back is no request
        consumer._isolation_level = "read_committed"  # noqa: SLF001  # an argument that Faust decides about
        client = consumer._client  # noqa: SLF001  # all its requests go through this client's `send`
        client.send = partial(_answered, client, client.send)
        return consumer

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TopicPartition],
        timeout: float | None = None,  # noqa: ASYNC109  # Faust's signature
        max_records: int | None = None,
    ) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        found: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]] = await super()._fetch_records(
            consumer, active_partitions, timeout, max_records
        )
        for tp in consumer.assignment():  # no await until all are read: nothing is fetched meanwhile
            state = consumer._subscription.subscription.assignment.state_value(tp)  # noqa: SLF001  # `position` waits
            if state.has_valid_position:
                before = self.read_to.get(tp)
                last = found[tp][-1].offset if tp in found else before and before.last
                self.read_to[tp] = ReadTo(last, state.position)
        return found

    async def seek_to_committed(self) -> Mapping[TopicPartition, int | None]:
        """Go back, in each partition, to what is committed, and where that is nothing to the beginning.

        Faust drops what a fetch brings while partitions are handed over, and relies on this call to bring it back. The
        client's own moves only where more than offset 0 is committed. In a group that has committed nothing yet, what
        was dropped would be lost: the next commit passes it.

        Raises:
            KafkaError: the coordinator refuses.
        """
        return await self.ask(_go_back(self._ensure_consumer()))

    async def ask(self, question: Coroutine[None, None, T]) -> T:
        """Run the coroutine where the consumer lives, and return what it returns.

        Unlike `call_thread` it keeps nothing else waiting, however long it takes, and a caller that gives up ends it.
        """
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(question, self.thread_loop))

    def last_stable_offset(self, tp: TopicPartition) -> int | None:
        """Return where the partition ended for a reader of what is committed, at the last fetch; None before it."""
        offset: int | None = self._ensure_consumer().last_stable_offset(tp)
        return offset

    async def highwaters(self, *partitions: TopicPartition) -> Mapping[TopicPartition, int]:
        """Ask the leaders where the partitions end."""
        return await self.ask(self._highwaters(partitions))

    async def earliest_offsets(self, *partitions: TopicPartition) -> Mapping[TopicPartition, int]:
        """Ask the leaders where the partitions begin."""
        return await self.ask(self._ensure_consumer().beginning_offsets(partitions))

    async def seek_wait(self, partitions: Mapping[TopicPartition, int]) -> None:
        """Go to the offsets, and wait until the leaders have confirmed them."""
        await self.ask(self._seek_wait(self._ensure_consumer(), partitions))

    async def has_unread(self, tps: Iterable[TopicPartition]) -> bool:
        """Ask the leaders, `ASK_WITHIN_S` at most, whether one of the partitions has records that were not fetched.

        A partition whose leader does not answer has none.
        """
        consumer = self._ensure_consumer()
        return any(await asyncio.gather(*(self.ask(_is_unread(consumer, tp)) for tp in tps)))

    def membership_error(self) -> BaseException | None:
        """Return why the consumer takes part in its group no more, if it does not."""
        if self._consumer is None or self._consumer._coordinator is None:  # noqa: SLF001  # it is still being started
            return None
        coordinator = self._consumer._coordinator  # noqa: SLF001  # its `check_errors` forgets them, in the other thread
        task: asyncio.Task[None] = coordinator._coordination_task  # noqa: SLF001  # same
        pending: BaseException | None = coordinator._pending_exception  # noqa: SLF001  # same
        return task.exception() if task.done() and not task.cancelled() else pending

    async def on_thread_stop(self) -> None:
        """Stop the consumer whole, or who stops the app would wait for it for ever."""
        await super(AIOKafkaConsumerThread, self).on_thread_stop()
        if self._consumer is not None:
            await stop_consumer(self._consumer)


async def _go_back(consumer: AIOKafkaConsumer) -> Mapping[TopicPartition, int | None]:
    asked = consumer.assignment()
    # one request for all; `seek_to_committed` makes one for each
    committed = await consumer._coordinator.fetch_committed_offsets(list(asked))  # noqa: SLF001
    ours = asked & consumer.assignment()  # the group may have gone on meanwhile
    offsets = {tp: committed[tp].offset if tp in committed else None for tp in ours}
    for tp, offset in offsets.items():
        if offset is not None:
            consumer.seek(tp, offset)
    # what `seek_to_beginning` does, which waits for all of them: one without a leader would hold up the others
    if anew := [tp for tp, offset in offsets.items() if offset is None]:
        consumer._fetcher.request_offset_reset(anew, OffsetResetStrategy.EARLIEST)  # noqa: SLF001
    return offsets


async def _is_unread(consumer: AIOKafkaConsumer, tp: TopicPartition) -> bool:
    end = position = 0
    with suppress(KafkaError, TimeoutError):  # without a position, nothing has been fetched
        async with asyncio.timeout(ASK_WITHIN_S):
            end = (await consumer.end_offsets([tp]))[tp]
            position = await consumer.position(tp)
    return position < end


async def _answered(
    client: AIOKafkaClient,
    send: Callable[..., Awaitable[Response]],
    node: int,
    request: Request[RequestStruct],
    *,
    group: ConnectionGroup = ConnectionGroup.DEFAULT,
) -> Response:
    """Send a request that has to be answered within `REQUEST_TIMEOUT_MS`, or its connection is dead.

    Joining a group takes as long as the slowest member's drain, and aiokafka has one limit for all requests. With that,
    connections that died without a sign would be noticed after a minute only, and with them everything on them.

    What a coordinator answers that does not know yet what is committed, because it has just started or is another one
    by now, has one error for all and no partitions. The client looks only for errors of partitions, and would take it
    for a group that has committed nothing.

    Raises:
        RequestTimedOutError: there was no answer; the next request gets a new connection.
        KafkaError: the coordinator does not tell what is committed.
    """
    if isinstance(request, JoinGroupRequest | SyncGroupRequest):
        return await send(node, request, group=group)
    try:
        async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
            response = await send(node, request, group=group)
    except TimeoutError:
        if (connection := client._conns.get((node, group))) is not None:  # noqa: SLF001  # as its own `send` does
            connection.close(reason=CloseReason.CONNECTION_TIMEOUT)
        raise RequestTimedOutError from None
    if isinstance(response, OffsetFetchResponse_v2 | OffsetFetchResponse_v3) and response.error_code:
        raise for_code(response.error_code)
    return response
