"""Unpacks records that aiokafka gives up over, and says where one stands that cannot be unpacked.

Kafka takes a header whose name is not UTF-8. aiokafka decodes names strictly, and one such record would end all readers
at every start. Its name is read as `UndecodedName`, by a slower way that is taken for such batches alone. A batch that
unpacks to more than `decompression.MOST_BYTES` is read as one record without a value, and a header `TooLargeBatch`.
Of what else fails (a wrong checksum, an unknown codec) the error names topic, partition and offset. Nothing is skipped:
the same records may be whole on another replica.

`unpack_all` puts these in the place of the client's own, for all consumers of the process. What it relies on stands in
`streams.kafka.pinned`.
"""

from collections.abc import Iterator
from typing import Any, SupportsIndex

import structlog
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecord, _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy
from aiokafka.structs import ConsumerRecord

from streams.codec import TooLargeBatch, UndecodedName
from streams.kafka.decompression import MOST_BYTES, UnpacksTooLarge, bound_all

log = structlog.get_logger()

WITH_HEADERS = 2
"""The first record format ("magic") that has headers."""


def unpack_all() -> None:
    """Let all consumers of this process unpack so; harmless a second time."""
    bound_all()
    fetcher.MemoryRecords = FetchedRecords
    fetcher.PartitionRecords = PlacedRecords


class PlacedRecords(PartitionRecords):  # type: ignore[misc]  # aiokafka is untyped
    """The records of one partition in a fetch."""

    def __next__(self) -> ConsumerRecord[bytes, bytes]:
        """Return the next record.

        Raises:
            CorruptRecordException: there is one, and it cannot be unpacked.
        """
        try:
            return super().__next__()
        except StopIteration:
            raise
        except Exception as problem:
            topic, partition = self._tp
            raise CorruptRecordException(
                f"{topic}, partition {partition}: what stands at offset {self.next_fetch_offset}, or in its batch, "
                f"cannot be unpacked ({type(problem).__name__}: {problem}). Nothing is skipped: restore it from a "
                "replica, or go on behind the batch: move the group's offset, or the log's begin (kafka-delete-records)"
            ) from problem


class FetchedRecords(_MemoryRecordsPy):  # type: ignore[misc]  # aiokafka is untyped
    """The batches of one partition in a fetch."""

    def next_batch(self, *sizes: int) -> Any:  # noqa: ANN401  # whatever the client has for the batch's format
        """Return the next batch; None after the last."""
        raw = self._next_slice
        batch = super().next_batch(*sizes)
        return Batch(batch, raw) if raw is not None and raw[self.MAGIC_OFFSET] >= WITH_HEADERS else batch


class Batch:
    """A batch as the client unpacks it, until a header's name stops it."""

    __slots__ = ("_batch", "_raw")

    def __init__(self, batch: Any, raw: memoryview) -> None:  # noqa: ANN401  # the client's, in C
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # same
        return getattr(self._batch, name)

    def __next__(self) -> Any:  # noqa: ANN401  # same
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._batch
        except UnicodeDecodeError:
            log.warning("a header's name is not UTF-8", first_offset=self._batch.base_offset)
            yield from _SlowBatch(self._raw)  # from its begin: the client passes over offsets that it has had
        except UnpacksTooLarge:
            first, last = self._batch.base_offset, self._batch.next_offset - 1
            log.warning("a batch is too large when it is unpacked", first_offset=first, last_offset=last)
            mark = TooLargeBatch(f"the batch of offsets {first} to {last} unpacks to more than {MOST_BYTES} bytes")
            yield DefaultRecord(last, self._batch.first_timestamp, 0, None, None, [(mark, b"")])


class _SlowBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka is untyped
    """A batch unpacked in Python, with names of any bytes."""

    def __iter__(self) -> "_SlowBatch":
        super().__iter__()
        self._buffer = _Bytes(self._buffer)  # type: ignore[has-type]  # same
        return self


class _Bytes(bytearray):
    """Decodes what is not UTF-8 too."""

    def __getitem__(self, place: SupportsIndex | slice) -> Any:  # noqa: ANN401  # an integer or bytes, as the place says
        found = super().__getitem__(place)
        return _Bytes(found) if isinstance(found, bytearray) else found

    def decode(self, *_encoding: str) -> str:
        """Return the text, `UndecodedName` if it is none."""
        try:
            return super().decode()
        except UnicodeDecodeError:
            return UndecodedName(super().decode("utf-8", "backslashreplace"))
