"""Where the responses of finished requests lie, in few bytes: what a restart reads in the place of the responses.

A record of `llm.finished-ids.v1` tells of many responses of the partition of its number: for each the digest of the
request's identity, what is kept of what it asked, and the response's offset. It is written behind the responses, and
nothing waits for it. So a crash leaves responses that no record tells of; whoever reads a partition back finds out
which offsets these are, reads them themselves, and tells of them.
"""

import asyncio
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import structlog
from aiokafka.errors import KafkaError

from router.finished_ids import asked_bits, digest_of
from router.identity import Identity
from streams.ports import LogWriter, Record

log = structlog.get_logger()

WRITE_EVERY_S = 1.0
MOST_A_RECORD = 1000
"""Of 33 bytes each."""
LAST_WRITE_S = 5.0
_HEAD = struct.Struct(">BB")
_ENTRY = struct.Struct(">16sQQB")
_FORM = 1
_STARTS_ANEW, _FINISHES = 1, 1


class FinishedId(NamedTuple):
    """One response of a partition, and which request it finishes."""

    digest: int
    """Of the identity's key, `router.finished_ids.digest_of`."""
    asked: int
    """What is kept of the question's digest; 0 if it is not known."""
    offset: int
    """Of the response."""
    finishes: bool
    """False: of a refusal that leaves the id free."""

    @classmethod
    def of(cls, identity: Identity, offset: int) -> "FinishedId":
        """Return what is told of a response."""
        return cls(digest_of(identity.key), asked_bits(identity.asked), offset, identity.finishes)


class FinishedIdRecord(NamedTuple):
    """What a record tells."""

    ids: Sequence[FinishedId]
    starts_anew: bool
    """All that stands before it is of responses that the topic has lost."""


def encode(ids: Iterable[FinishedId], *, starts_anew: bool = False) -> bytes:
    """Return a record's value."""
    entries = (_ENTRY.pack(one.digest.to_bytes(16, "big"), one.asked, one.offset, one.finishes) for one in ids)
    return _HEAD.pack(_FORM, _STARTS_ANEW if starts_anew else 0) + b"".join(entries)


def decode(value: bytes) -> FinishedIdRecord:
    """Read a record's value.

    Raises:
        ValueError: it is something else.
    """
    if len(value) < _HEAD.size or (len(value) - _HEAD.size) % _ENTRY.size:
        raise ValueError(f"{len(value)} bytes are no head and entries of {_ENTRY.size} bytes")
    form, flags = _HEAD.unpack_from(value)
    if form != _FORM:
        raise ValueError(f"it is of the form {form}, and only {_FORM} is known")
    entries = _ENTRY.iter_unpack(memoryview(value)[_HEAD.size :])
    ids = [
        FinishedId(int.from_bytes(digest, "big"), asked, offset, bool(flag & _FINISHES))
        for digest, asked, offset, flag in entries
    ]
    return FinishedIdRecord(ids, bool(flags & _STARTS_ANEW))


class FinishedIdWriter:
    """Tells of responses that were acknowledged, a portion every `WRITE_EVERY_S`. Not for several threads."""

    def __init__(self, log_writer: LogWriter, topic: str) -> None:
        self._log = log_writer
        self._topic = topic
        self._untold: defaultdict[int, list[FinishedId]] = defaultdict(list)

    def add(self, partition: int, told: FinishedId) -> None:
        """Tell of a response by the next portion."""
        self._untold[partition].append(told)

    async def run(self) -> None:
        """Write, for ever."""
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            await self._write()

    async def close(self) -> None:
        """Write what is left, if that does not take long."""
        try:
            async with asyncio.timeout(LAST_WRITE_S):
                await self._write()
        except TimeoutError:
            log.warning("a restart reads some responses back: where they lie could not be written")

    async def start_anew(self, partition: int) -> None:
        """Write that all which stands in the partition is of responses that are lost.

        Raises:
            KafkaError: it is not known whether that was written.
        """
        await self._log.send(self._record(partition, (), starts_anew=True))

    async def _write(self) -> None:
        untold, self._untold = self._untold, defaultdict(list)
        portions = [(partition, some) for partition, ids in untold.items() for some in _portions(ids)]
        sent = (self._log.send(self._record(partition, some)) for partition, some in portions)
        failed = [one for one in await asyncio.gather(*sent, return_exceptions=True) if isinstance(one, BaseException)]
        for error in failed:
            if not isinstance(error, KafkaError):
                raise error
        if failed:  # they are not told again: whoever reads them back does that
            log.warning("a restart reads some responses back: where they lie was not written", error=str(failed[0]))

    def _record(self, partition: int, ids: Iterable[FinishedId], *, starts_anew: bool = False) -> Record:
        return Record(self._topic, encode(ids, starts_anew=starts_anew), None, [], partition)


def _portions(ids: Sequence[FinishedId]) -> Iterator[Sequence[FinishedId]]:
    return (ids[begin : begin + MOST_A_RECORD] for begin in range(0, len(ids), MOST_A_RECORD))
