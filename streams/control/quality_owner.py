"""The quality owner: one worker at a time counts all feedback, and tells what it says of each model.

It is the worker that is assigned the topic of the workers' counts. It reads that topic and all feedback without a
group, as the sources of one cell lie in many partitions and have to be heard together, and keeps in a table, for each
cell (model, task, difficulty), the scores together with the offsets up to which they are counted: one value, so that
after a crash both are of the same moment, and a record that is read again is not counted again. Which scores were
given already is stored before, so that one that is sent twice counts once, and one that is corrected replaces the
first. What is told was stored before.

A feedback whose response is not there yet waits for `PATIENCE_S`; others go on meanwhile, and the cells know which
records before their last one still wait. As the budget owner does, it looks before each write whether it is still the
owner, of the same assignment, and whether its fence is open; and counts from a cell's own offset on where it finds one
behind what a position was stored for.
"""

import asyncio
from collections import Counter as Tally
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import orjson
import structlog
from aiokafka.errors import KafkaError
from prometheus_client import Counter
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from router.quality.answers import KnownAnswer
from router.quality.cell import THOUSAND, QualityCell, Source, pane_of
from router.quality.feedback import FeedbackResult, NotCounted, Proven
from router.quality.given import Given, GivenScores, digest_of
from router.quality.rules import FeedbackRules
from router.quality.table import Cell
from schemas.dead_letters import DeadLetter
from schemas.quality import QualityCounts
from schemas.topics import Topic
from schemas.vocabulary import Difficulty, Task
from streams.codec import Delivery
from streams.control.answer_finder import AnswerFinder
from streams.internal_records import read_internal, skipped
from streams.ports import Clock, Fence, LogReader, Received, Table, TopicPartition
from streams.publisher import Publisher

log = structlog.get_logger()

READ_EVERY_S = 0.25
STORED_EVERY_S = 1.0
"""What has changed is stored and told so often."""
TOLD_AGAIN_S = 3600.0
"""A cell that nothing has changed is told again after this time: its scores have aged."""
POSITIONS_S = 5.0
LOOK_S = 10.0
"""How often to look whether the topic has more partitions."""
READ_AT_ONCE = 500
PATIENCE_S = 10.0
"""How long a feedback waits for its response, seconds: a source has mostly read the response that it judges."""
MOST_WAITING = 1000
"""Of one partition; beyond that the one that has waited longest waits no more."""
FEEDBACK = Counter(
    "turnout_feedback",
    "Feedback records that the worker has dealt with as the owner of the quality, by what became of them.",
    ("result",),
    registry=None,
)

_CELL = TypeAdapter(tuple[str, Task, Difficulty])
_Offset = Annotated[int, Field(ge=-1, le=2**63 - 1)]


class _UnsureError(Exception):
    """The cells may be another worker's by now: nothing more may be written."""


class _Read(BaseModel):
    """How far a partition was read, and the offsets of the cells in which that is counted."""

    model_config = ConfigDict(frozen=True)

    position: _Offset
    offsets: dict[str, _Offset]


@dataclass(frozen=True, slots=True)
class QualityParts:
    """What the owner works with; the reader is its own."""

    publisher: Publisher
    clock: Clock
    table: Table
    """Keys are `cell|[model, task, difficulty]`, `given|partition|chunk` and `read|topic|partition`."""
    reader: LogReader
    finder: AnswerFinder
    feedback: Callable[[], Awaitable[Sequence[TopicPartition]]]
    """Asks for the partitions of the feedback."""
    counts: TopicPartition
    read: Callable[[Delivery, float], Proven | NotCounted]
    dead_letter: Callable[[Delivery, NotCounted], DeadLetter]
    rules: FeedbackRules
    fence: Fence
    within_s: float
    """How long after its response a feedback counts."""
    most_given: int


@dataclass(frozen=True, slots=True)
class _Waiting:
    delivery: Delivery
    proven: Proven
    until_s: float


@dataclass(slots=True)
class _Term:
    """All that is known while this worker is the owner; another term begins with another one."""

    given: GivenScores
    cells: dict[Cell, QualityCell] = field(default_factory=dict)
    read: dict[bytes, _Read] = field(default_factory=dict)
    inbox: deque[Delivery] = field(default_factory=deque)
    waiting: dict[int, dict[int, _Waiting]] = field(default_factory=dict)
    """By partition and offset."""
    changed: set[Cell] = field(default_factory=set)
    chunks: set[tuple[int, int]] = field(default_factory=set)
    forgotten: set[bytes] = field(default_factory=set)
    told_s: dict[Cell, float] = field(default_factory=dict)
    partitions: Sequence[TopicPartition] = ()
    looked_s: float = 0.0
    stored_s: float = 0.0
    positions_s: float = 0.0
    waited_s: float = 0.0

    def cell(self, cell: Cell) -> QualityCell:
        return self.cells.setdefault(cell, QualityCell(cell))


class QualityOwner:
    """Keeps the cells while this worker owns the counts."""

    def __init__(self, parts: QualityParts) -> None:
        self._parts = parts
        self._term: _Term | None = None
        self._owned = asyncio.Event()

    def take_over(self) -> None:
        """Begin with what the table holds."""
        term = _Term(GivenScores(self._parts.most_given))
        rows = sorted(self._parts.table.items().items())  # cells come before what was given
        for key, value in rows:
            try:
                _restore(term, key, value)
            except ValueError as error:
                skipped(Topic.QUALITY_CELLS, error)
        self._term = term
        self._owned.set()
        log.info("this worker keeps the shared quality", cells=len(term.cells))

    def give_up(self) -> None:
        """Forget the cells: another worker keeps them."""
        self._term = None
        self._owned.clear()

    @staticmethod
    def ingest(batch: Sequence[Received]) -> None:
        """Let the counts pass: their delivery says who keeps the cells; they are read, with their offsets, by it."""
        for received in batch:
            received.acknowledge()

    async def keep(self) -> None:
        """Read, count, store and tell, for ever."""
        while True:
            await self._owned.wait()
            await self._parts.fence.passed()
            term = self._term
            try:
                if term is not None and await self._step(term):
                    await asyncio.sleep(0)
                    continue
            except _UnsureError:
                log.info("the shared quality may be another worker's: nothing is written")
            except KafkaError as error:
                log.warning("the shared quality could not be kept up to date", error=str(error))
                await asyncio.sleep(STORED_EVERY_S)
            await asyncio.sleep(READ_EVERY_S)

    async def _step(self, term: _Term) -> bool:
        """Do what there is to do, and say whether there may be more to read at once."""
        await self._assign(term)
        if not term.inbox:  # else what was read before could not be dealt with yet
            records = await self._parts.reader.read(timeout_s=0, most=READ_AT_ONCE)
            self._be_owner(term)
            term.inbox.extend(records)
        has_read = bool(term.inbox)
        await self._count(term)
        now_s = self._parts.clock()
        if now_s - term.stored_s >= STORED_EVERY_S:
            term.stored_s = now_s
            await self._store_and_tell(term, now_s)
        if now_s - term.positions_s >= POSITIONS_S and not term.changed:
            term.positions_s = now_s
            await self._store_positions(term)
        return has_read

    async def _assign(self, term: _Term) -> None:
        """Read every partition: from where the table says in a new term, and new ones from their beginning."""
        parts, now_s = self._parts, self._parts.clock()
        is_new = not term.partitions
        if not is_new and now_s - term.looked_s < LOOK_S:
            return
        partitions = [parts.counts, *await parts.feedback()]
        term.looked_s = now_s
        if not is_new and len(partitions) <= len(term.partitions):
            return
        positions = {tp: await parts.reader.position(tp) for tp in term.partitions}
        self._be_owner(term)
        parts.reader.assign(partitions)
        for tp in partitions:
            parts.reader.seek(tp, positions[tp] if tp in positions else self._start(term, tp))
        term.partitions = partitions

    def _start(self, term: _Term, tp: TopicPartition) -> int:
        """Return where to go on: at the position, but not beyond what a cell lacks that it was stored for."""
        read = term.read.get(self._read_key(tp))
        if read is None:
            return 0
        offsets = {_name(cell): self._counted_to(term.cells[cell], tp) for cell in term.cells}
        behind = [offsets.get(name, -1) + 1 for name, offset in read.offsets.items() if offsets.get(name, -1) < offset]
        return max(0, min([read.position, *behind]))

    async def _count(self, term: _Term) -> None:
        """Count what has been read, in its order, and what has waited and can be counted now.

        Raises:
            KafkaError: responses cannot be read; nothing of it is counted yet.
        """
        parts, now_s = self._parts, self._parts.clock()
        feedback = [(one, parts.read(one, now_s)) for one in term.inbox if one.origin.topic != parts.counts.topic]
        due = self._due(term, now_s)
        proven = [(one, reading) for one, reading in feedback if isinstance(reading, Proven)]
        answers = await self._answers(term, [*((one.delivery, one.proven) for one in due), *proven])
        told: list[tuple[Delivery, NotCounted]] = []
        results: Tally[FeedbackResult] = Tally()
        for one in due:
            found = answers[_place(one.delivery)]
            if found is not None or now_s >= one.until_s:
                del term.waiting[one.delivery.origin.partition][one.delivery.origin.offset]
                self._settle(term, one.delivery, one.proven, found or _unknown(one.proven), told, results)
        for delivery, reading in feedback:
            if isinstance(reading, NotCounted):
                told.append((delivery, reading))
                continue
            found = answers[_place(delivery)]
            until_s = delivery.written_s(now_s) + PATIENCE_S
            if found is None and now_s < until_s:
                waiting = term.waiting.setdefault(delivery.origin.partition, {})
                waiting[delivery.origin.offset] = _Waiting(delivery, reading, until_s)
                continue
            self._settle(term, delivery, reading, found or _unknown(reading), told, results)
        for delivery in term.inbox:
            if delivery.origin.topic == parts.counts.topic:
                self._count_answers(term, delivery, now_s)
        term.inbox.clear()
        for result, count in results.items():
            FEEDBACK.labels(result).inc(count)
        await self._tell_refused(told)

    def _due(self, term: _Term, now_s: float) -> list[_Waiting]:
        """Return what has waited and is to be looked at again: all of it, once a second."""
        if now_s - term.waited_s < STORED_EVERY_S:
            return []
        term.waited_s = now_s
        due = []
        for waiting in term.waiting.values():
            impatient = max(0, len(waiting) - MOST_WAITING)
            due += [
                _Waiting(one.delivery, one.proven, 0.0) if place < impatient else one
                for place, one in enumerate(waiting.values())
            ]
        return due

    async def _answers(
        self, term: _Term, asked: Sequence[tuple[Delivery, Proven]]
    ) -> Mapping[tuple[int, int], KnownAnswer | NotCounted | None]:
        """Return the answer that each feedback is about, by the place of its record; None: it is not there yet."""
        found: dict[tuple[int, int], KnownAnswer | NotCounted | None] = {}
        partitions = sorted({delivery.origin.partition for delivery, _ in asked})
        for partition in partitions:
            own = [(one, proven.feedback, proven.tenant) for one, proven in asked if one.origin.partition == partition]
            offsets = [said.response_offset for _, said, _ in own if said.response_offset is not None]
            at = await self._parts.finder.at(partition, offsets) if offsets else {}
            recent = await self._parts.finder.recent(partition) if len(offsets) < len(own) else None
            self._be_owner(term)
            for delivery, said, tenant in own:
                place = _place(delivery)
                if said.response_offset is not None:
                    found[place] = _checked(said.response_offset, at, tenant, said.request_id)
                else:
                    found[place] = None if recent is None else recent.find(tenant, said.request_id)
        return found

    def _settle(
        self,
        term: _Term,
        delivery: Delivery,
        proven: Proven,
        found: KnownAnswer | NotCounted,
        told: list[tuple[Delivery, NotCounted]],
        results: Tally[FeedbackResult],
    ) -> None:
        """Count one feedback, or note why not."""
        refused = found if isinstance(found, NotCounted) else self._refusal(delivery, proven, found)
        if refused is not None or isinstance(found, NotCounted):
            told.append((delivery, refused or _unknown(proven)))
            return
        partition, offset = delivery.origin.partition, delivery.origin.offset
        cell = term.cell(found.cell)
        if cell.has_counted(partition, offset):
            return
        feedback = proven.feedback
        source = Source(proven.tenant, feedback.kind, feedback.source)
        digest = digest_of(proven.tenant, feedback.request_id, source)
        thousandths = round(feedback.value * THOUSAND)
        before = term.given.find(partition, digest)
        if before is not None and before.offset > offset:  # it has waited, and was corrected meanwhile
            results[FeedbackResult.REPLACED] += 1
        elif before is not None and (before.thousandths, before.cell) == (thousandths, found.cell):
            results[FeedbackResult.REPEATED] += 1
        else:
            if before is not None:
                term.cell(before.cell).take_back(before.source, before.pane, before.thousandths)
                term.changed.add(before.cell)
            given = Given(
                offset, thousandths, pane_of(delivery.written_s(self._parts.clock())), found.cell, cell.place_of(source)
            )
            cell.add(given.source, given.pane, thousandths)
            term.chunks.add(term.given.add(partition, digest, given))
            results[FeedbackResult.COUNTED if before is None else FeedbackResult.REPLACED] += 1
        cell.count_to(partition, offset, term.waiting.get(partition, ()))
        term.changed.add(found.cell)

    def _refusal(self, delivery: Delivery, proven: Proven, found: KnownAnswer) -> NotCounted | None:
        """Return why a feedback on this answer does not count, if it does not."""
        feedback = proven.feedback
        late_s = delivery.written_s(self._parts.clock()) - found.at_s
        if late_s > self._parts.within_s:
            days = self._parts.within_s / 86_400
            reason = f"it came {late_s / 86_400:.1f} days after the response, {days:g} are allowed"
            return NotCounted(FeedbackResult.LATE, f"{reason} (TURNOUT_FEEDBACK_WITHIN_S)")
        if self._parts.rules.ignores(proven.tenant, feedback.source):
            return NotCounted(FeedbackResult.IGNORED, "the catalogue ignores its source")
        return None

    def _count_answers(self, term: _Term, delivery: Delivery, now_s: float) -> None:
        topic = delivery.origin.topic
        counts = read_internal(QualityCounts, delivery.value, topic, now_s, lambda told: told.as_of)
        if counts is None:
            return
        cell = Cell(counts.request_model, counts.task, counts.difficulty)
        if term.cell(cell).count_answers(counts, delivery.origin.offset):
            term.changed.add(cell)

    async def _tell_refused(self, told: Iterable[tuple[Delivery, NotCounted]]) -> None:
        """Count and log what was not counted, by reason with one example; what cannot be read is a dead letter."""
        by_result: dict[FeedbackResult, list[tuple[Delivery, NotCounted]]] = {}
        for delivery, refused in told:
            by_result.setdefault(refused.result, []).append((delivery, refused))
        for result, refusals in by_result.items():
            FEEDBACK.labels(result).inc(len(refusals))
            delivery, refused = refusals[0]
            log.warning(
                "feedback is not counted",
                result=result,
                records=len(refusals),
                record=str(delivery.origin),
                reason=refused.reason,
                request_id=refused.request_id,
            )
        for delivery, refused in by_result.get(FeedbackResult.UNREADABLE, ()):
            await self._parts.publisher.dead_letter(self._parts.dead_letter(delivery, refused))

    async def _store_and_tell(self, term: _Term, now_s: float) -> None:
        """Store what was given, then the cells, and then tell.

        Old chunks are deleted behind the cells: until these are stored, their records are read again.
        """
        for cell, kept in term.cells.items():
            if kept.expire(now_s):
                term.changed.add(cell)
        changed = {cell: term.cells[cell] for cell in sorted(term.changed)}
        if term.chunks:
            await self._put({_given_key(*chunk): term.given.dump(chunk) for chunk in sorted(term.chunks)}, term)
        term.chunks.clear()
        if changed:
            term.forgotten.update(_given_key(*chunk) for chunk in term.given.forget())
            rows: dict[bytes, bytes | None] = {_cell_key(cell): kept.dump() for cell, kept in changed.items()}
            await self._put({**rows, **dict.fromkeys(sorted(term.forgotten))}, term)
            term.forgotten.clear()
        self._be_sure(term)
        due = [
            cell for cell in sorted(term.cells) if cell in changed or now_s - term.told_s.get(cell, 0.0) >= TOLD_AGAIN_S
        ]
        told = (term.cells[cell].told(self._parts.rules, now_s) for cell in due)
        await asyncio.gather(*map(self._parts.publisher.model_quality, told))
        self._be_owner(term)
        term.told_s.update(dict.fromkeys(due, now_s))
        term.changed.clear()

    async def _store_positions(self, term: _Term) -> None:
        rows: dict[bytes, bytes | None] = {}
        for tp in term.partitions:
            waiting = () if tp == self._parts.counts else term.waiting.get(tp.partition, ())
            position = min([await self._parts.reader.position(tp), *waiting])
            offsets = {_name(cell): self._counted_to(kept, tp) for cell, kept in term.cells.items()}
            read = _Read(position=position, offsets={name: offset for name, offset in offsets.items() if offset >= 0})
            rows[self._read_key(tp)] = read.model_dump_json().encode()
        stored = self._parts.table.items()
        await self._put({key: value for key, value in rows.items() if stored.get(key) != value}, term)

    def _counted_to(self, cell: QualityCell, tp: TopicPartition) -> int:
        return cell.counts_to if tp == self._parts.counts else cell.offsets.get(tp.partition, -1)

    def _read_key(self, tp: TopicPartition) -> bytes:
        return f"read|{'counts' if tp == self._parts.counts else 'feedback'}|{tp.partition}".encode()

    async def _put(self, changes: Mapping[bytes, bytes | None], term: _Term) -> None:
        """Write, if the cells are surely still ours, and see that they were until it was acknowledged.

        Raises:
            KafkaError: it is not known whether it was written.
            _UnsureError: the cells may be another worker's.
        """
        self._be_sure(term)
        await self._parts.table.put(changes)
        self._be_owner(term)

    def _be_owner(self, term: _Term) -> None:
        if self._term is not term:
            raise _UnsureError

    def _be_sure(self, term: _Term) -> None:
        self._be_owner(term)
        if not self._parts.fence.is_open():
            raise _UnsureError


def _restore(term: _Term, key: bytes, value: bytes) -> None:
    """Take in one row of the table; cells first.

    Raises:
        ValueError: it is none of ours.
    """
    kind, _, rest = key.partition(b"|")
    if kind == b"cell":
        cell = Cell(*_CELL.validate_json(rest))
        term.cells[cell] = QualityCell.load(cell, value)
    elif kind == b"given":
        partition = int(rest.partition(b"|")[0])
        term.given.load(partition, value, lambda number, given: _is_counted(term, number, given))
    elif kind == b"read":
        term.read[key] = _Read.model_validate_json(value)


def _is_counted(term: _Term, partition: int, given: Given) -> bool:
    cell = term.cells.get(given.cell)
    return cell is not None and cell.has_counted(partition, given.offset)


def _checked(
    offset: int, at: Mapping[int, KnownAnswer | None], tenant: str, request_id: str
) -> KnownAnswer | NotCounted | None:
    """Return the answer at the offset, if it is the one that is meant; None if nothing lies there."""
    if offset not in at:
        return None
    found = at[offset]
    if found is None:
        reason = f"the response at offset {offset} holds no answer of a model that can be judged"
        return NotCounted(FeedbackResult.NO_ANSWER, reason, request_id=request_id)
    if (found.tenant, found.request_id) != (tenant, request_id):
        reason = f"response_offset: at {offset} lies the response to another request; correct it or leave it out"
        return NotCounted(FeedbackResult.OTHER_RESPONSE, reason, request_id=request_id)
    return found


def _unknown(proven: Proven) -> NotCounted:
    if proven.feedback.response_offset is not None:
        reason = f"response_offset: nothing lies at {proven.feedback.response_offset} of the responses' partition"
    else:
        reason = (
            "no such request of the tenant was answered lately in the partition of this number; key the record as its "
            "request, and give `response_offset`, which a consumer of responses knows"
        )
    return NotCounted(FeedbackResult.UNKNOWN, reason, request_id=proven.feedback.request_id)


def _place(delivery: Delivery) -> tuple[int, int]:
    return delivery.origin.partition, delivery.origin.offset


def _name(cell: Cell) -> str:
    return orjson.dumps(list(cell)).decode()


def _cell_key(cell: Cell) -> bytes:
    return b"cell|" + orjson.dumps(list(cell))


def _given_key(partition: int, chunk: int) -> bytes:
    return f"given|{partition}|{chunk:019}".encode()
