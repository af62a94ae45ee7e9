"""Reads back what had already happened to the requests of a partition that this worker has just been given.

Responses from the committed position on are read whole, since their cost events may be missing. Of those before, within
the horizon, only the ids are needed: they are read from `llm.finished-ids.v1`, and of every offset of which that tells
nothing the response itself is read: a crash came between the two records, or another worker wrote the response, or the
topic is new.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import orjson
import structlog
from aiokafka.errors import KafkaTimeoutError

from router.identity import identity_of_response
from schemas.costs import CallStarted
from schemas.responses import Response
from streams.codec import Delivery
from streams.internal_records import read_internal, skipped
from streams.ports import LogReader, TopicPartition
from streams.request.finished_records import FinishedId, FinishedIdWriter, decode
from streams.request.partition_state import PartitionState, Position
from streams.slices import in_slices

log = structlog.get_logger()

RECORDS_A_READ = 500
"""Records that are unpacked together; a fetch holds thousands, and all partitions are read back at the same time."""
JOINED = 500
"""So few responses of which it is told where they lie are read along with those beside them of which it is not."""
READ_TIMEOUT_S = 1.0
SILENT_POLLS = 20
"""Polls that bring nothing; then the link is as good as dead, or the topic has lost its end."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far back the ids of finished requests are read: no record before `since_ms`, and `most` of them."""

    since_ms: int
    most: int


class Places(NamedTuple):
    """The partitions that go along with one partition of the requests."""

    responses: TopicPartition
    finished_ids: TopicPartition
    calls: TopicPartition


async def recover(
    state: PartitionState,
    reader: LogReader,
    places: Places,
    since: Position,
    horizon: Horizon,
    writer: FinishedIdWriter,
) -> None:
    """Fill the state from these partitions, from `since`, and ids from the horizon if that is earlier, to their ends.

    Blocks until the ends of this moment are reached. The reader is used for nothing else. What the state knows from
    before a rebalance is not read again. Responses of which no record told where they lie are told of by the writer.

    Raises:
        KafkaError: the broker refuses, or says nothing for long; doing it again does no harm.
    """
    responses, ids, calls = places
    reader.assign(places)
    ids_end = (await reader.ends([ids]))[ids]  # asked for first: what it tells of is on the other topic by now
    begins, ends = await reader.begins(places), await reader.ends(places)
    start = Position(
        _inside(since.responses, begins[responses], ends[responses]), _inside(since.calls, begins[calls], ends[calls])
    )
    known = _inside(state.end.responses, begins[responses], ends[responses])
    ids_from = await _ids_from(reader, responses, known, horizon, ends[responses])
    told = Told(min(start.responses, ids_from), ends[responses])
    if told.first < told.end:
        first = await reader.offset_since(ids, horizon.since_ms)
        ids_start = max(ids_end if first is None else first, _inside(state.ids_end, begins[ids], ids_end))
        if not await _recover_ids(state, reader, ids, (ids_start, ids_end), told):
            await writer.start_anew(ids.partition)
    read = 0
    for begin, end in told.untold(start.responses):
        async for record, value in _tail(reader, responses, begin, end):
            finished = _recover_response(state, record, value, is_unsettled=record.origin.offset >= start.responses)
            if finished is not None and not told.tells_of(record.origin.offset):
                writer.add(responses.partition, finished)
            read += 1
    called = 0
    async for record, value in _tail(reader, calls, start.calls, ends[calls]):
        call = read_internal(CallStarted, value, calls.topic, record.timestamp_ms / 1000)
        if call is not None:
            state.recover_call(call)
            called += 1
    state.recovered(start, Position(ends[responses], ends[calls]))
    state.ids_end = ids_end
    log.debug("partition recovered", partition=responses.partition, ids=told.count, responses=read, calls=called)


class Told:
    """Of which offsets of the responses a record tells where they lie."""

    def __init__(self, first: int, end: int, joined: int = JOINED) -> None:
        """Begin with none of these offsets told of, up to `end`; so few are read with what is read beside them."""
        self.first, self.end = first, max(first, end)
        self._joined = joined
        self.count = 0
        self._is_told = bytearray(self.end - self.first)

    def add(self, offset: int) -> bool:
        """Note that the offset is told of; say whether it is one of these."""
        if not self.first <= offset < self.end:
            return False
        self._is_told[offset - self.first] = 1
        self.count += 1
        return True

    def tells_of(self, offset: int) -> bool:
        """Say whether the offset is told of."""
        return bool(self._is_told[offset - self.first])

    def untold(self, whole_from: int) -> Iterator[tuple[int, int]]:
        """Give from where to where to read: all from `whole_from` on, and before it what is not told of."""
        place, last = 0, max(0, whole_from - self.first)
        while (begin := self._is_told.find(0, place, last)) >= 0:
            end = self._is_told.find(1, begin, last)
            while end >= 0 and (again := self._is_told.find(0, end, min(last, end + self._joined))) >= 0:
                end = self._is_told.find(1, again, last)
            if end < 0:
                yield self.first + begin, self.end
                return
            yield self.first + begin, self.first + end
            place = end
        yield self.first + last, self.end


async def _recover_ids(
    state: PartitionState, reader: LogReader, partition: TopicPartition, span: tuple[int, int], told: Told
) -> bool:
    """Take in the ids that are told of; False: they are of responses that the topic has lost, and none was taken in."""
    found: list[tuple[bytes, float]] = []
    largest = -1
    async for record, value in _tail(reader, partition, *span):
        try:
            decoded = decode(value)
        except ValueError as error:
            skipped(partition.topic, error)
            continue
        if decoded.starts_anew:
            found.clear()
            largest = -1
        found.append((value, record.timestamp_ms / 1000))  # as bytes: a tenth of what it takes decoded
        largest = max(largest, *(one.offset for one in decoded.ids), -1)
    if largest >= told.end:
        log.warning("the responses topic has lost its end: ids are read from it", partition=str(partition))
        return False
    async for value, written_s in in_slices(found):
        for one in decode(value).ids:
            if told.add(one.offset):
                state.answered.put(one, written_s)
    return True


def _recover_response(
    state: PartitionState, record: Delivery, value: bytes, *, is_unsettled: bool
) -> FinishedId | None:
    """Take in a response; None: it is none."""
    try:
        response = _object(value)
        identity = identity_of_response(response)
    except (ValueError, LookupError) as error:
        skipped(record.origin.topic, error)
        return None
    if is_unsettled:
        try:
            state.recover_response(identity, Response.model_validate(response))
        except ValueError as error:  # its id is finished all the same
            skipped(record.origin.topic, error)
    state.response_written(identity, record.origin.offset, record.timestamp_ms / 1000)
    return FinishedId.of(identity, record.origin.offset)


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
        async for record in in_slices(found):
            if record.origin.offset < end:
                yield record
