"""Reads back what had already happened to the requests of a partition that this worker has just been given."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.costs import CallStarted
from schemas.responses import Response
from streams.lane import Lane, Position

log = structlog.get_logger()

ConsumerFactory = Callable[[], AbstractAsyncContextManager[AIOKafkaConsumer]]


async def recover(
    lane: Lane, consumer: AIOKafkaConsumer, responses: TopicPartition, calls: TopicPartition, since: Position
) -> None:
    """Fill the lane from both partitions, from `since` to their ends at this moment.

    Blocks until the ends are reached. The consumer is started, belongs to no group, and is used for nothing else.

    Raises:
        KafkaError: the broker refuses; it is retried while it is merely away.
    """
    consumer.assign([responses, calls])
    begins, ends = await consumer.beginning_offsets([responses, calls]), await consumer.end_offsets([responses, calls])
    start = Position(max(since.responses, begins[responses]), max(since.calls, begins[calls]))
    read = {responses: 0, calls: 0}
    async for value in _tail(consumer, responses, start.responses, ends[responses]):
        lane.recover_response(Response.decode(value))
        read[responses] += 1
    async for value in _tail(consumer, calls, start.calls, ends[calls]):
        lane.recover_call(CallStarted.decode(value))
        read[calls] += 1
    lane.recovered(start, Position(ends[responses], ends[calls]))
    log.debug("partition recovered", partition=responses.partition, responses=read[responses], calls=read[calls])


async def _tail(consumer: AIOKafkaConsumer, tp: TopicPartition, start: int, end: int) -> AsyncIterator[bytes]:
    consumer.seek(tp, start)
    while await consumer.position(tp) < end:
        for records in (await consumer.getmany(tp, timeout_ms=1000)).values():
            for record in records:
                if record.offset < end and record.value is not None:
                    yield record.value
