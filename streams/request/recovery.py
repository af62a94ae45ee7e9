"""Reads back what had already happened to the requests of a partition that this worker has just been given."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson
import structlog
from aiokafka.errors import KafkaTimeoutError

from router.identity import identity_of_response
from schemas.costs import CallStarted
from schemas.responses import Response
from streams.codec import Delivery
from streams.internal_records import read_internal, skipped
from streams.ports import LogReader, TopicPartition
from streams.request.partition_state import PartitionState, Position

log = structlog.get_logger()

RECORDS_A_READ = 500
"""Records that are unpacked together; a fetch holds thousands, and all partitions are read back at the same time."""
READ_TIMEOUT_S = 1.0
SILENT_POLLS = 20
"""Polls that bring nothing; then the link is as good as dead, or the topic has lost its end."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far back the ids of finished requests are read: no record before `since_ms`, and `most` of them."""

    since_ms: int
    most: int


async def recover(
    state: PartitionState,
    reader: LogReader,
    responses: TopicPartition,
    calls: TopicPartition,
    since: Position,
    horizon: Horizon,
) -> None:
    """Fill the state from both partitions, from `since`, and ids from the horizon if that is earlier, to their ends.

    Blocks until the ends of this moment are reached. The reader is used for nothing else. What the state knows from
    before a rebalance is not read again.

    Raises:
        KafkaError: the broker refuses, or says nothing for long; doing it again does no harm.
    """
    reader.assign([responses, calls])
    begins, ends = await reader.begins([responses, calls]), await reader.ends([responses, calls])
    start = Position(
        _inside(since.responses, begins[responses], ends[responses]), _inside(since.calls, begins[calls], ends[calls])
    )
    known = _inside(state.end.responses, begins[responses], ends[responses])
    ids_from = await _ids_from(reader, responses, known, horizon, ends[responses])
    read = {responses: 0, calls: 0}
    async for record, value in _tail(reader, responses, min(start.responses, ids_from), ends[responses]):
        try:
            response = _object(value)
            identity = identity_of_response(response)
        except (ValueError, LookupError) as error:
            skipped(responses.topic, error)
            continue
        if record.origin.offset >= start.responses:
            try:
                state.recover_response(identity, Response.model_validate(response))
            except ValueError as error:  # its id is finished all the same
                skipped(responses.topic, error)
        state.response_written(identity, record.origin.offset, record.timestamp_ms / 1000)
        read[responses] += 1
    async for record, value in _tail(reader, calls, start.calls, ends[calls]):
        call = read_internal(CallStarted, value, calls.topic, record.timestamp_ms / 1000)
        if call is not None:
            state.recover_call(call)
            read[calls] += 1
    state.recovered(start, Position(ends[responses], ends[calls]))
    log.debug("partition recovered", partition=responses.partition, responses=read[responses], calls=read[calls])


async def recover_waiting(state: PartitionState, reader: LogReader, waiting: TopicPartition, horizon: Horizon) -> None:
    """Read what waits in the batch lane, the whole of it; what was answered, within the horizon.

    Raises:
        KafkaError: as `recover`.
    """
    reader.assign([waiting])
    begin, end = (await reader.begins([waiting]))[waiting], (await reader.ends([waiting]))[waiting]
    async for record in _records(reader, waiting, begin, end):
        follow(state, record, horizon.since_ms)
    state.waiting.end = max(state.waiting.end, end)


def follow(state: PartitionState, record: Delivery, since_ms: int = 0) -> None:
    """Take in how a request of the batch lane stands. What was answered before `since_ms` is not remembered."""
    written_s = record.timestamp_ms / 1000
    answered = state.waiting.ingest(record, written_s)
    if answered is not None and record.timestamp_ms >= since_ms:
        state.answered_elsewhere(answered.identity, answered.offset, written_s)


async def stored_response(reader: LogReader, responses: TopicPartition, offset: int) -> bytes | None:
    """Return the response at the offset, or None if the topic does not keep it any more."""
    record = await stored_record(reader, responses, offset)
    return None if record is None else record.value


async def stored_record(reader: LogReader, partition: TopicPartition, offset: int) -> Delivery | None:
    """Return the record at the offset, or None if the topic does not keep it any more."""
    reader.assign([partition])
    if offset < (await reader.begins([partition]))[partition]:
        return None
    async for record in _records(reader, partition, offset, offset + 1, most=1):
        return record if record.origin.offset == offset else None
    return None


def _object(value: bytes) -> dict[str, object]:
    found = orjson.loads(value)
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - as what is no JSON at all
    return found


def _inside(offset: int, begin: int, end: int) -> int:
    """Return the offset, or the log's begin where it lies outside: the log has lost what was there."""
    return offset if begin <= offset <= end else begin


async def _ids_from(reader: LogReader, responses: TopicPartition, known: int, horizon: Horizon, end: int) -> int:
    since = await reader.offset_since(responses, horizon.since_ms)
    return max(end if since is None else since, end - horizon.most, known)


async def _tail(
    reader: LogReader, partition: TopicPartition, start: int, end: int
) -> AsyncIterator[tuple[Delivery, bytes]]:
    async for record in _records(reader, partition, start, end):
        if record.value is not None:
            yield record, record.value


async def _records(
    reader: LogReader, partition: TopicPartition, start: int, end: int, most: int = RECORDS_A_READ
) -> AsyncIterator[Delivery]:
    if start >= end:
        return
    reader.seek(partition, start)
    silent = 0
    while await reader.position(partition) < end:
        found = await reader.read(partition, timeout_s=READ_TIMEOUT_S, most=most)
        silent = 0 if found else silent + 1
        if silent == SILENT_POLLS:
            raise KafkaTimeoutError(
                f"{partition.topic}, partition {partition.partition}, cannot be read back to offset {end}"
            )
        for record in found:
            if record.origin.offset < end:
                yield record
