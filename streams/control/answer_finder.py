"""Finds the response that a feedback is about: where it says that it lies, or among the last ones of its partition."""

from collections.abc import Callable, Container, Iterable, Mapping

import orjson
from aiokafka.errors import KafkaTimeoutError

from router.quality.answers import KnownAnswer, RecentAnswers, known_answer
from streams.ports import Clock, LogReader, TopicPartition

RECENT_S = 900.0
"""How far back responses are looked for whose offset is not told."""
READ_TIMEOUT_S = 1.0
SILENT_READS = 10
AT_ONCE = 200
"""Responses that are unpacked together."""


class AnswerFinder:
    """Reads responses without a group, and only those that are asked for. Memory: `most` ids."""

    def __init__(self, reader: LogReader, responses: Callable[[int], TopicPartition], clock: Clock, most: int) -> None:
        """Take a reader of its own, where responses lie by partition, and how many to remember of each."""
        self._reader = reader
        self._responses = responses
        self._clock = clock
        self._most = most
        self._recent: dict[int, RecentAnswers] = {}

    async def at(self, partition: int, offsets: Iterable[int]) -> Mapping[int, KnownAnswer | None]:
        """Return what lies at these offsets; None for what is no answer. What the log does not keep is left out.

        Raises:
            KafkaError: the broker refuses, or says nothing for long.
        """
        tp, found = self._responses(partition), dict[int, KnownAnswer | None]()
        self._reader.assign([tp])
        begin, end = (await self._reader.begins([tp]))[tp], (await self._reader.ends([tp]))[tp]
        wanted = {offset for offset in offsets if begin <= offset < end}
        read_to = -1
        for offset in sorted(wanted):
            if offset >= read_to:
                read_to = await self._read_from(tp, offset, wanted, found)
        return found

    async def _read_from(
        self, tp: TopicPartition, offset: int, wanted: Container[int], found: dict[int, KnownAnswer | None]
    ) -> int:
        """Read what comes at once from the offset on, and return where that ends."""
        self._reader.seek(tp, offset)
        for _ in range(SILENT_READS):
            records = await self._reader.read(tp, timeout_s=READ_TIMEOUT_S, most=AT_ONCE)
            for record in records:
                if record.origin.offset in wanted:
                    found[record.origin.offset] = _answered(record.value)
            position = await self._reader.position(tp)
            if records or position > offset:
                return position
        raise KafkaTimeoutError(f"{tp.topic}, partition {tp.partition}, cannot be read at offset {offset}")

    async def recent(self, partition: int) -> RecentAnswers:
        """Return the last responses of the partition, those of this moment included.

        Raises:
            KafkaError: the broker refuses, or says nothing for long.
        """
        tp = self._responses(partition)
        recent = self._recent.setdefault(partition, RecentAnswers(self._most))
        self._reader.assign([tp])
        begin, end = (await self._reader.begins([tp]))[tp], (await self._reader.ends([tp]))[tp]
        since = await self._reader.offset_since(tp, int((self._clock() - RECENT_S) * 1000))
        known = 0 if recent.read_to is None or recent.read_to > end else recent.read_to
        start = max(begin, end if since is None else since, end - self._most, known)
        self._reader.seek(tp, start)
        position, silent = start, 0
        while position < end:
            records = await self._reader.read(tp, timeout_s=READ_TIMEOUT_S, most=AT_ONCE)
            for record in records:
                if (answered := _answered(record.value)) is not None:
                    recent.add(answered)
            position = await self._reader.position(tp)
            silent = 0 if records else silent + 1
            if silent == SILENT_READS:
                raise KafkaTimeoutError(f"{tp.topic}, partition {tp.partition}, cannot be read to its end")
        recent.read_to = end
        return recent


def _answered(value: bytes | None) -> KnownAnswer | None:
    try:
        response = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None
    return known_answer(response) if isinstance(response, dict) else None
