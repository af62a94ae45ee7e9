"""Reads back what had already happened to the requests of a partition that this worker has just been given."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError
from aiokafka.structs import ConsumerRecord

from schemas.costs import CallStarted
from schemas.responses import Response
from streams.request.partition_state import PartitionState, Position

log = structlog.get_logger()

AT_ONCE = 500
"""Records that are unpacked together; a fetch holds thousands, and all partitions are read back at the same time."""
SILENT_POLLS = 20
"""Polls of a second each that bring nothing; then the link is as good as dead, or the topic has lost its end."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far back the ids of finished requests are read: no record before `since_ms`, and `most` of them."""

    since_ms: int
    most: int


async def recover(
    state: PartitionState,
    consumer: AIOKafkaConsumer,
    responses: TopicPartition,
    calls: TopicPartition,
    since: Position,
    horizon: Horizon,
) -> None:
    """Fill the state from both partitions, from `since`, and ids from the horizon if that is earlier, to their ends.

    Blocks until the ends of this moment are reached. The consumer is started, belongs to no group, and is used for
    nothing else. What the state knows from before a rebalance is not read again.

    Raises:
        KafkaError: the broker refuses, or says nothing for long; doing it again does no harm.
    """
    consumer.assign([responses, calls])
    begins, ends = await consumer.beginning_offsets([responses, calls]), await consumer.end_offsets([responses, calls])
    start = Position(
        _inside(since.responses, begins[responses], ends[responses]), _inside(since.calls, begins[calls], ends[calls])
    )
    known = _inside(state.end.responses, begins[responses], ends[responses])
    ids_from = await _ids_from(consumer, responses, known, horizon, ends[responses])
    read = {responses: 0, calls: 0}
    async for record, value in _tail(consumer, responses, min(start.responses, ids_from), ends[responses]):
        if record.offset >= start.responses:
            response = Response.decode(value)
            state.recover_response(response)
            request_id = response.request_id
        else:
            request_id = orjson.loads(value)["request_id"]
        state.response_written(request_id, record.offset, record.timestamp / 1000)
        read[responses] += 1
    async for _, value in _tail(consumer, calls, start.calls, ends[calls]):
        state.recover_call(CallStarted.decode(value))
        read[calls] += 1
    state.recovered(start, Position(ends[responses], ends[calls]))
    log.debug("partition recovered", partition=responses.partition, responses=read[responses], calls=read[calls])


async def stored_response(consumer: AIOKafkaConsumer, responses: TopicPartition, offset: int) -> bytes | None:
    """Return the response at the offset, or None if the topic does not keep it any more."""
    consumer.assign([responses])
    if offset < (await consumer.beginning_offsets([responses]))[responses]:
        return None
    async for record, value in _tail(consumer, responses, offset, offset + 1):
        return value if record.offset == offset else None
    return None


def _inside(offset: int, begin: int, end: int) -> int:
    """Return the offset, or the log's begin where it lies outside: the log has lost what was there."""
    return offset if begin <= offset <= end else begin


async def _ids_from(
    consumer: AIOKafkaConsumer, responses: TopicPartition, known: int, horizon: Horizon, end: int
) -> int:
    found = (await consumer.offsets_for_times({responses: horizon.since_ms}))[responses]
    since = end if found is None else found.offset
    return max(since, end - horizon.most, known)


async def _tail(
    consumer: AIOKafkaConsumer, tp: TopicPartition, start: int, end: int
) -> AsyncIterator[tuple[ConsumerRecord[bytes, bytes], bytes]]:
    if start >= end:
        return
    consumer.seek(tp, start)
    silent = 0
    while await consumer.position(tp) < end:
        found = await consumer.getmany(tp, timeout_ms=1000, max_records=AT_ONCE)
        silent = 0 if found else silent + 1
        if silent == SILENT_POLLS:
            raise KafkaTimeoutError(f"{tp.topic}, partition {tp.partition}, cannot be read back to offset {end}")
        for records in found.values():
            for record in records:
                if record.offset < end and record.value is not None:
                    yield record, record.value
