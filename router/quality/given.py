"""Which scores were given already, so that one that comes again counts once, and another one takes its place.

A score is known by tenant, request id, source and kind, within the partition of its response, as a digest. What is
stored are chunks of `CHUNK` offsets of the partition, each a list of what its records have given.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Annotated, Final, NamedTuple

from pydantic import Field, TypeAdapter

from router.quality.cell import Source
from router.quality.table import Cell
from schemas.vocabulary import Difficulty, FeedbackKind, Form, Task

CHUNK: Final = 256
DIGEST_BYTES: Final = 12
"""At a million scores the chance that two are taken for one is 6e-18."""


class Given(NamedTuple):
    """A score that is counted, and where."""

    offset: int
    """Of its record."""
    thousandths: int
    pane: int
    cell: Cell
    source: Source
    """The place that it is counted at, `QualityCell.place_of`."""


_Whole = Annotated[int, Field(ge=0, le=2**63 - 1)]
_Thousandths = Annotated[int, Field(ge=0, le=1000)]
_Named = tuple[str, FeedbackKind, str]
_CHUNK = TypeAdapter(
    Sequence[
        tuple[str, _Whole, _Thousandths, _Whole, tuple[str, Task, Difficulty, Form], _Named]
        # as versions before wrote it, which knew no form
        | tuple[str, _Whole, _Thousandths, _Whole, str, Task, Difficulty, str, FeedbackKind, str]
    ]
)


class GivenScores:
    """The scores of all partitions. Not for several threads."""

    def __init__(self, most: int) -> None:
        """Remember the newest scores, `most` of them."""
        self._most = most
        self._given: dict[tuple[int, str], Given] = {}
        self._chunks: OrderedDict[tuple[int, int], dict[int, tuple[str, Given]]] = OrderedDict()
        self._count = 0

    def find(self, partition: int, digest: str) -> Given | None:
        """Return the last score that this source gave to this answer."""
        return self._given.get((partition, digest))

    def add(self, partition: int, digest: str, given: Given) -> tuple[int, int]:
        """Remember a score, in the place of an earlier one, and return its chunk."""
        self._given[partition, digest] = given
        chunk = partition, given.offset // CHUNK
        entries = self._chunks.setdefault(chunk, {})
        self._count += given.offset not in entries
        entries[given.offset] = digest, given
        return chunk

    def dump(self, chunk: tuple[int, int]) -> bytes:
        """Return what is stored of a chunk."""
        entries = self._chunks.get(chunk, {})
        rows = [
            (digest, given.offset, given.thousandths, given.pane, given.cell, given.source)
            for digest, given in entries.values()
        ]
        return _CHUNK.dump_json(rows)

    def load(self, partition: int, value: bytes, is_counted: Callable[[int, Given], bool]) -> None:
        """Restore a chunk, without what `is_counted` says is in no cell yet: its record will be read again.

        Raises:
            ValueError: it is no chunk.
        """
        for digest, offset, thousandths, pane, *rest in _CHUNK.validate_json(value):
            cell, source = rest if len(rest) == 2 else (rest[:3], rest[3:])  # noqa: PLR2004  (the rows of today)
            given = Given(offset, thousandths, pane, Cell(*cell), Source(*source))
            known = self._given.get((partition, digest))
            if is_counted(partition, given) and (known is None or known.offset < offset):
                self.add(partition, digest, given)

    def forget(self) -> list[tuple[int, int]]:
        """Forget the oldest chunks beyond the bound, and return them."""
        gone = []
        while self._count > self._most and len(self._chunks) > 1:
            chunk, entries = self._chunks.popitem(last=False)
            self._count -= len(entries)
            gone.append(chunk)
            for digest, given in entries.values():
                if self._given.get((chunk[0], digest)) is given:
                    del self._given[chunk[0], digest]
        return gone


def digest_of(tenant: str, request_id: str, source: Source) -> str:
    """Return what a score is known by. No part can hold the separator, a control character."""
    text = f"{tenant}\x1f{request_id}\x1f{source.kind}\x1f{source.name}"
    return blake2b(text.encode(errors="replace"), digest_size=DIGEST_BYTES).hexdigest()
