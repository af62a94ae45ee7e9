"""What is known of the quality while one worker owns it, and the rows of the table in which it outlives the worker.

A cell is stored with the offsets up to which it is counted, in one value. A position is stored with the offsets that
the cells had then: where a cell is found behind that, what it lacks is read again.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from router.job import Origin
from router.quality.cell import QualityCell
from router.quality.feedback import Proven
from router.quality.given import Given, GivenScores
from router.quality.table import Cell
from schemas.vocabulary import Difficulty, Form, Task
from streams.codec import Delivery
from streams.control.owner_term import OwnerTerm
from streams.ports import TopicPartition

_CELL = TypeAdapter(tuple[str, Task, Difficulty, Form] | tuple[str, Task, Difficulty])
_Offset = Annotated[int, Field(ge=-1, le=2**63 - 1)]


class ReadTo(BaseModel):
    """How far a partition was read, and the offsets of the cells in which that is counted."""

    model_config = ConfigDict(frozen=True)

    position: _Offset
    offsets: dict[str, _Offset]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A feedback whose response is not there yet, and until when it waits for it."""

    delivery: Delivery
    proven: Proven
    until_s: float


OF_SHADOWS = 1_000_000
"""What is added to the number of a partition of the shadow answers, to tell it from that of the feedback: no topic has
so many."""


@dataclass(slots=True)
class QualityTerm(OwnerTerm):
    """All that is known while this worker owns the quality."""

    counts: TopicPartition
    """Holds the workers' counts of answers."""
    shadow_answers: str
    """The topic that holds judges' verdicts; all others that are read hold feedback."""
    given: GivenScores
    cells: dict[Cell, QualityCell] = field(default_factory=dict)
    read: dict[bytes, ReadTo] = field(default_factory=dict)
    inbox: deque[Delivery] = field(default_factory=deque)
    waiting: dict[int, dict[int, Waiting]] = field(default_factory=dict)
    """By partition and offset."""
    looked_at: dict[int, int] = field(default_factory=dict)
    """The offset of the last feedback record of each partition that was settled, or waits."""
    changed: set[Cell] = field(default_factory=set)
    chunks: set[tuple[int, int]] = field(default_factory=set)
    forgotten: set[bytes] = field(default_factory=set)
    told_s: dict[Cell, float] = field(default_factory=dict)
    stored_s: float = 0.0
    positions_s: float = 0.0
    waited_s: float = 0.0

    def number(self, tp: TopicPartition | Origin) -> int:
        """Return the number under which the offsets of a partition with scores are kept."""
        return tp.partition + OF_SHADOWS if tp.topic == self.shadow_answers else tp.partition

    def cell(self, cell: Cell) -> QualityCell:
        """Return what is counted in a cell, from now on if nothing was."""
        return self.cells.setdefault(cell, QualityCell(cell))

    def unsettled(self, cell: QualityCell, partition: int) -> Iterator[int]:
        """Yield the offsets that wait now, and those that waited in an earlier term and are still to be read again."""
        yield from self.waiting.get(partition, ())
        looked_at = self.looked_at.get(partition, -1)
        yield from (offset for offset in cell.waiting.get(partition, ()) if offset > looked_at)

    def restore(self, key: bytes, value: bytes) -> None:
        """Take in one row of the table; cells first.

        Raises:
            ValueError: it is none of ours.
        """
        kind, _, rest = key.partition(b"|")
        if kind == b"cell":
            cell = Cell(*_CELL.validate_json(rest))
            self.cells[cell] = QualityCell.load(cell, value)
        elif kind == b"given":
            partition = int(rest.partition(b"|")[0])
            self.given.load(partition, value, self._is_counted)
        elif kind == b"read":
            self.read[key] = ReadTo.model_validate_json(value)

    def _is_counted(self, partition: int, given: Given) -> bool:
        cell = self.cells.get(given.cell)
        return cell is not None and cell.has_counted(partition, given.offset)

    def start(self, tp: TopicPartition) -> int:
        """Return where to go on: at the position, but not beyond what a cell lacks that it was stored for."""
        read = self.read.get(self.read_key(tp))
        if read is None:
            return 0
        offsets = self._offsets(tp)
        behind = [offsets.get(name, -1) + 1 for name, offset in read.offsets.items() if offsets.get(name, -1) < offset]
        return max(0, min([read.position, *behind]))

    def read_to(self, tp: TopicPartition, position: int) -> ReadTo:
        """Return how far a partition is read: to the reader's position, but not beyond a feedback that waits."""
        waiting = () if tp == self.counts else self.waiting.get(self.number(tp), ())
        offsets = {name: offset for name, offset in self._offsets(tp).items() if offset >= 0}
        return ReadTo(position=min([position, *waiting]), offsets=offsets)

    def _offsets(self, tp: TopicPartition) -> dict[str, int]:
        return {_name(cell).decode(): self._counted_to(kept, tp) for cell, kept in self.cells.items()}

    def _counted_to(self, cell: QualityCell, tp: TopicPartition) -> int:
        return cell.counts_to if tp == self.counts else cell.offsets.get(self.number(tp), -1)

    def read_key(self, tp: TopicPartition) -> bytes:
        """Return the key of how far a partition is read."""
        kind = "counts" if tp == self.counts else "shadows" if tp.topic == self.shadow_answers else "feedback"
        return f"read|{kind}|{tp.partition}".encode()


def cell_key(cell: Cell) -> bytes:
    """Return the key of a cell's row."""
    return b"cell|" + _name(cell)


def given_key(partition: int, chunk: int) -> bytes:
    """Return the key of a chunk of the scores that were given in a partition."""
    return f"given|{partition}|{chunk:019}".encode()


def _name(cell: Cell) -> bytes:
    """Without a form as versions before wrote it, so that it is one row."""
    return orjson.dumps(list(cell[:3] if cell.form is Form.ANY else cell))
