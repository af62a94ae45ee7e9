"""The quality owner: one worker at a time counts all feedback, and tells what it says of each model.

It is the worker that is assigned the topic of the workers' counts. It reads that topic and all feedback without a
group, as the sources of one cell lie in many partitions and have to be heard together, and keeps in a table, for each
cell (model, task, difficulty, form), the scores together with the offsets up to which they are counted: one value, so
that after a crash both are of the same moment, and a record that is read again is not counted again. Which scores were
given already is stored before, so that one that is sent twice counts once, and one that is corrected replaces the
first. What is told was stored before.

As the budget owner does, it looks before each write whether it is still the owner, of the same assignment, and whether
its fence is open; and counts from a cell's own offset on where it finds one behind what a position was stored for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from router.quality.given import GivenScores
from router.quality.rules import FeedbackRules
from schemas.topics import Topic
from streams.control.feedback_counter import FeedbackCounter
from streams.control.owner_term import be_sure, keep, put, read_all
from streams.control.quality_term import QualityTerm, cell_key, given_key
from streams.internal_records import skipped
from streams.ports import Clock, Fence, LogReader, Received, Table, TopicPartition
from streams.publisher import Publisher

log = structlog.get_logger()

STORED_EVERY_S = 1.0
"""What has changed is stored and told so often."""
TOLD_AGAIN_S = 3600.0
"""A cell that nothing has changed is told again after this time: its scores have aged."""
POSITIONS_S = 5.0
READ_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class QualityParts:
    """What the owner works with; the reader is its own."""

    publisher: Publisher
    clock: Clock
    table: Table
    """Keys are `cell|[model, task, difficulty, form]`, `given|partition|chunk` and `read|topic|partition`; those of
    shadow answers are told apart by their number (`QualityTerm.number`)."""
    reader: LogReader
    counter: FeedbackCounter
    feedback: Callable[[], Awaitable[Sequence[TopicPartition]]]
    """Asks for the partitions of the feedback, and of the shadow answers if there are any."""
    counts: TopicPartition
    shadow_answers: str
    """The topic that judges' verdicts lie on."""
    rules: FeedbackRules
    fence: Fence
    most_given: int


class QualityOwner:
    """Keeps the cells while this worker owns the counts."""

    def __init__(self, parts: QualityParts) -> None:
        self._parts = parts
        self._term: QualityTerm | None = None
        self._owned = asyncio.Event()

    def take_over(self) -> None:
        """Begin with what the table holds."""
        term = QualityTerm(self._parts.counts, self._parts.shadow_answers, GivenScores(self._parts.most_given))
        rows = sorted(self._parts.table.items().items())  # cells come before what was given
        for key, value in rows:
            try:
                term.restore(key, value)
            except ValueError as error:
                skipped(Topic.QUALITY_CELLS, error)
        self._end_term()
        self._term = term
        self._owned.set()
        log.info("this worker keeps the shared quality", cells=len(term.cells))

    def give_up(self) -> None:
        """Forget the cells: another worker keeps them."""
        self._end_term()
        self._owned.clear()

    def _end_term(self) -> None:
        if self._term is not None:
            self._term.is_over = True
        self._term = None

    @staticmethod
    def ingest(batch: Sequence[Received]) -> None:
        """Let the counts pass: their delivery says who keeps the cells; they are read, with their offsets, by it."""
        for received in batch:
            received.acknowledge()

    async def keep(self) -> None:
        """Read, count, store and tell, for ever."""
        await keep(
            self._owned,
            self._parts.fence,
            lambda: self._term,
            self._step,
            unsure="the shared quality may be another worker's: nothing is written",
            refused="the shared quality could not be kept up to date",
        )

    async def _step(self, term: QualityTerm) -> bool:
        """Do what there is to do, and say whether there may be more to read at once."""
        await read_all(term, self._parts.reader, self._partitions, term.start, self._parts.clock())
        if not term.inbox:  # else what was read before could not be dealt with yet
            records = await self._parts.reader.read(timeout_s=0, most=READ_AT_ONCE)
            term.be_owner()
            term.inbox.extend(records)
        has_read = bool(term.inbox)
        await self._parts.counter.count(term)
        now_s = self._parts.clock()
        if now_s - term.stored_s >= STORED_EVERY_S:
            term.stored_s = now_s
            await self._store_and_tell(term, now_s)
        if now_s - term.positions_s >= POSITIONS_S and not term.changed:
            term.positions_s = now_s
            await self._store_positions(term)
        return has_read

    async def _partitions(self) -> Sequence[TopicPartition]:
        return [self._parts.counts, *await self._parts.feedback()]

    async def _store_and_tell(self, term: QualityTerm, now_s: float) -> None:
        """Store what was given, then the cells, and then tell.

        Old chunks are deleted behind the cells: until these are stored, their records are read again.
        """
        for cell, kept in term.cells.items():
            if kept.expire(now_s):
                term.changed.add(cell)
        changed = {cell: term.cells[cell] for cell in sorted(term.changed)}
        if term.chunks:
            await self._put({given_key(*chunk): term.given.dump(chunk) for chunk in sorted(term.chunks)}, term)
        term.chunks.clear()
        if changed:
            term.forgotten.update(given_key(*chunk) for chunk in term.given.forget())
            rows: dict[bytes, bytes | None] = {cell_key(cell): kept.dump() for cell, kept in changed.items()}
            await self._put({**rows, **dict.fromkeys(sorted(term.forgotten))}, term)
            term.forgotten.clear()
        be_sure(term, self._parts.fence)
        due = [
            cell for cell in sorted(term.cells) if cell in changed or now_s - term.told_s.get(cell, 0.0) >= TOLD_AGAIN_S
        ]
        told = (term.cells[cell].told(self._parts.rules, now_s) for cell in due)
        await asyncio.gather(*map(self._parts.publisher.model_quality, told))
        term.be_owner()
        term.told_s.update(dict.fromkeys(due, now_s))
        term.changed.clear()

    async def _store_positions(self, term: QualityTerm) -> None:
        rows: dict[bytes, bytes | None] = {}
        for tp in term.partitions:
            read = term.read_to(tp, await self._parts.reader.position(tp))
            rows[term.read_key(tp)] = read.model_dump_json().encode()
        stored = self._parts.table.items()
        await self._put({key: value for key, value in rows.items() if stored.get(key) != value}, term)

    async def _put(self, changes: Mapping[bytes, bytes | None], term: QualityTerm) -> None:
        await put(changes, self._parts.table, term, self._parts.fence)
