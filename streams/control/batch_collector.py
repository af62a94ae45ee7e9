"""The collector: one worker at a time collects the requests that wait for batches, and has all batches.

It is the worker that is assigned the topic in which the lanes' state is told. It reads batch requests without a group
and keeps of each its offset, its deadline, its size and a digest; when there are enough of one model they become a
batch (`streams.control.batch_run`). A batch's members are stored before anything is done with them; requests that are
in no batch yet are read again from the offset below which all are in batches.
"""

import asyncio
from asyncio import Task
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import structlog
from aiokafka.errors import KafkaError

from router.batches.batch import BatchRefusal
from router.batches.collecting import MOST_REQUESTS, Collecting, CollectingRules, Taken, WaitingRequest
from router.batches.durations import Durations, margin_s, takes_s
from router.batches.members import Members, places_in
from router.batches.names import our_id_of
from router.batches.stages import Batch, QueueName, Stage, returning
from schemas.vocabulary import ReturnReason
from streams.batch_requests import identity_of_waiting, read_batch_request
from streams.codec import Delivery
from streams.control.batch_leftovers import is_due, is_open, tried
from streams.control.batch_news import BATCHES, BatchNews, count_settled
from streams.control.batch_parts import BatchParts
from streams.control.batch_run import BatchRun
from streams.control.batch_term import (
    BatchTerm,
    ModelName,
    batch_row,
    deleted,
    durations_row,
    member_rows,
    read_rows,
    restored,
)
from streams.control.owner_term import UnsureError, keep, read_all
from streams.ports import LogReader, Received, TopicPartition

log = structlog.get_logger()

READ_AT_ONCE = 500
RECORDS_A_TURN = 16
"""Records that are looked at in one turn of the event loop."""
FORM_EVERY_S = 0.5
POSITIONS_S = 5.0
KEPT_S = 900.0
"""How long a settled batch is known: its requests may be written a second time by a worker that was slow."""
FULL_S = 60.0
"""How long nothing more is sent for a model whose provider has said that its queue is full."""

Queue = tuple[int, QueueName]
"""Partition and name."""


@dataclass(slots=True)
class _Term:
    """All that is known while this worker is the collector."""

    rights: BatchTerm
    runs: dict[str, BatchRun] = field(default_factory=dict)
    tasks: dict[str, Task[None]] = field(default_factory=dict)
    settled: dict[str, tuple[Batch, Members, float]] = field(default_factory=dict)
    """With the moment at which it was settled, or restored."""
    durations: dict[ModelName, Durations] = field(default_factory=lambda: defaultdict(Durations))
    queues: dict[Queue, Collecting] = field(default_factory=lambda: defaultdict(Collecting))
    most: dict[QueueName, int] = field(default_factory=dict)
    """The largest batch that a provider has not refused for its size."""
    full_until_s: dict[QueueName, float] = field(default_factory=dict)
    deleting: dict[str, Task[None]] = field(default_factory=dict)
    """Of settled batches whose files are being deleted."""
    known: set[bytes] = field(default_factory=set)
    """Digests of all that wait or have waited in a batch."""
    read: dict[int, int] = field(default_factory=dict)
    floors: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Partition and offset from which on requests of a batch are being collected anew."""
    orphans: list[bytes] = field(default_factory=list)
    formed_s: float = 0.0
    positions_s: float = 0.0


class BatchCollector:
    """Has the batches while this worker owns the anchor, the topic in which the lanes' state is told."""

    def __init__(
        self,
        parts: BatchParts,
        reader: LogReader,
        partitions: Callable[[], Awaitable[Sequence[TopicPartition]]],
    ) -> None:
        """Take what it works with, a reader of its own, and what asks for the batch requests' partitions."""
        self._parts = parts
        self._reader = reader
        self._partitions = partitions
        self._term: _Term | None = None
        self._owned = asyncio.Event()
        self._news = BatchNews(parts.publisher, parts.clock)

    def take_over(self) -> None:
        """Begin with what the table holds."""
        found = restored(self._parts.table.items())
        term = _Term(BatchTerm(self._parts.fence, self._parts.table), read=found.read, orphans=found.orphans)
        term.durations.update(found.durations)
        for our_id, (batch, members) in found.batches.items():
            released = set(places_in(batch.released))
            term.known.update(digest for place, digest in enumerate(members.identities()) if place not in released)
            if batch.stage is Stage.SETTLED:
                term.settled[our_id] = (batch, members, self._parts.clock())
            else:
                term.runs[our_id] = BatchRun(self._parts, term.rights, self, batch, members)
        self._end_term()
        self._term, self._news = term, BatchNews(self._parts.publisher, self._parts.clock)
        self._owned.set()
        log.info("this worker collects batches", batches=len(term.runs))

    def give_up(self) -> None:
        """Forget the batches: another worker has them."""
        self._end_term()
        self._owned.clear()

    def _end_term(self) -> None:
        if self._term is not None:
            self._term.rights.is_over = True
            for task in (*self._term.tasks.values(), *self._term.deleting.values()):
                task.cancel()
        self._term = None
        BATCHES.clear()

    @staticmethod
    def ingest(batch: Sequence[Received]) -> None:
        """Let what is told pass: its delivery says who has the batches."""
        for received in batch:
            received.acknowledge()

    async def keep(self) -> None:
        """Read, form batches, and tell, for ever."""
        await keep(
            self._owned,
            self._parts.fence,
            lambda: self._term,
            self._step,
            unsure="the batches may be another worker's: nothing is written",
            refused="batch requests could not be collected",
        )

    async def _step(self, term: _Term) -> bool:
        """Do what there is to do, and say whether there may be more to read at once."""
        rights, now_s = term.rights, self._parts.clock()
        await read_all(rights, self._reader, self._partitions, lambda tp: term.read.get(tp.partition, 0), now_s)
        if term.orphans:
            await term.rights.put(dict.fromkeys(term.orphans))
            term.orphans.clear()
        self._start(term)
        records = await self._reader.read(timeout_s=0, most=READ_AT_ONCE)
        term.rights.be_owner()
        for place, record in enumerate(records):
            self._collect(term, record)
            if place % RECORDS_A_TURN == RECORDS_A_TURN - 1:
                await asyncio.sleep(0)
                term.rights.be_owner()
        now_s = self._parts.clock()
        if now_s - term.formed_s >= FORM_EVERY_S:
            term.formed_s = now_s
            await self._form_all(term, now_s)
        if now_s - term.positions_s >= POSITIONS_S:
            term.positions_s = now_s
            await self._store_positions(term)
            self._delete_files(term, now_s)
            await self._forget(term, now_s)
        await self._tell(term, now_s)
        return bool(records)

    def _start(self, term: _Term) -> None:
        """Let every batch have its task."""
        for our_id, run in term.runs.items():
            task = term.tasks.get(our_id)
            if task is None or (task.done() and run.batch.stage is not Stage.SETTLED):
                term.tasks[our_id] = asyncio.create_task(run.run())

    def _collect(self, term: _Term, record: Delivery) -> None:
        """Take in one request, unless it is known."""
        request = read_batch_request(record)
        if request is None or (call := request.waiting.call) is None:
            return
        digest = identity_of_waiting(request.waiting).digest
        if digest in term.known:
            return
        term.known.add(digest)
        queue = record.origin.partition, QueueName(call.provider_name, call.request_model, call.account)
        term.queues[queue].add(
            WaitingRequest(
                offset=record.origin.offset,
                digest=digest,
                size_bytes=len(record.value or b""),
                tokens=call.input_tokens or 0,
                deadline_s=request.waiting.deadline_ms / 1000,
                since_s=record.written_s(self._parts.clock()),
            )
        )

    async def _form_all(self, term: _Term, now_s: float) -> None:
        """Form the batches that are due, and hand over whose deadline has come before."""
        for queue, collecting in list(term.queues.items()):
            name = queue[1]
            rules = self._rules(term, name)
            durations = term.durations[name.provider, name.model]
            if rules is None:
                while len(collecting):
                    taken = collecting.take(CollectingRules(), 0)
                    await self._form(term, queue, taken, ReturnReason.REFUSED)
                continue
            by_s = now_s + margin_s(self._parts.deadlines, durations, now_s)
            while (due := collecting.take_due(by_s)) is not None:
                await self._form(term, queue, due, ReturnReason.LATE)
            takes = takes_s(self._parts.deadlines, durations, now_s)
            while term.full_until_s.get(name, 0.0) <= now_s:
                enqueued = self._enqueued_tokens(term, name)
                go = collecting.ready(rules, enqueued, takes, now_s)
                if go is None:
                    break
                log.info("a batch goes", model=name.model, requests=len(collecting), reason=go)
                await self._form(term, queue, collecting.take(rules, enqueued), None)
            if not len(collecting):
                del term.queues[queue]

    def _rules(self, term: _Term, name: QueueName) -> CollectingRules | None:
        """Return how large batches of a model are; None: it does not answer in batches, or not any more."""
        model = self._parts.catalogue.models.get(name.model)
        if model is None or model.provider_name != name.provider or model.batch is None:
            return None
        return CollectingRules(
            max_requests=min(model.batch.max_requests, term.most.get(name, MOST_REQUESTS), MOST_REQUESTS),
            max_bytes=model.batch.max_bytes,
            max_enqueued_tokens=model.batch.max_enqueued_tokens,
            max_age_s=self._parts.max_age_s,
        )

    def _enqueued_tokens(self, term: _Term, name: QueueName) -> int:
        ended = (Stage.READING, Stage.SETTLED)
        return sum(
            run.batch.tokens for run in term.runs.values() if run.batch.queue == name and run.batch.stage not in ended
        )

    async def _form(self, term: _Term, queue: Queue, taken: Taken, returned: ReturnReason | None) -> None:
        """Store a new batch, its members before it; one that is not sent hands them over."""
        await asyncio.sleep(0)  # taking them took some milliseconds, and writing them out takes as long again
        partition, name = queue
        now_s, members = self._parts.clock(), taken.members
        our_id = our_id_of(self._parts.group, partition, members.offsets[0], now_s)
        batch = Batch(our_id, name, partition, len(members), now_s, tokens=taken.tokens)
        if returned is not None:
            batch = returning(batch, batch.everyone, returned)
        await self._put_surely(term, member_rows(our_id, members))
        await self._put_surely(term, batch_row(batch))
        term.runs[our_id] = BatchRun(self._parts, term.rights, self, batch, members)
        self._start(term)

    async def _put_surely(self, term: _Term, rows: Mapping[bytes, bytes | None]) -> None:
        """Write until it is known to be written: what was taken from a queue is nowhere else.

        Raises:
            UnsureError: the term is over.
        """
        while True:
            try:
                await term.rights.put(rows)
            except KafkaError as error:
                log.warning("a batch could not be stored", error=str(error))
                await asyncio.sleep(1.0)
            except UnsureError:
                term.rights.be_owner()
                await self._parts.fence.passed(lambda: term.rights.is_over)
            else:
                return

    def _low(self, term: _Term, partition: int, position: int) -> int:
        """Return the offset below which all requests of a partition are in batches."""
        firsts = [
            first
            for (number, _), collecting in term.queues.items()
            if number == partition and (first := collecting.first_offset) is not None
        ]
        floors = [offset for number, offset in term.floors.values() if number == partition]
        return min([position, *firsts, *floors])

    async def _store_positions(self, term: _Term) -> None:
        partitions = term.rights.partitions
        rows = [(tp.partition, self._low(term, tp.partition, await self._reader.position(tp))) for tp in partitions]
        changed = [(partition, low) for partition, low in rows if term.read.get(partition) != low]
        if changed:
            await term.rights.put(read_rows(changed))
            term.read.update(changed)

    def _delete_files(self, term: _Term, now_s: float) -> None:
        """Begin to delete what providers hold of settled batches, as far as that is due."""
        for our_id, (batch, _, settled_s) in term.settled.items():
            if our_id not in term.deleting and is_due(self._parts, batch, settled_s, now_s):
                term.deleting[our_id] = asyncio.create_task(self._delete(term, our_id))

    async def _delete(self, term: _Term, our_id: str) -> None:
        before, members, settled_s = term.settled[our_id]
        try:
            batch = await tried(self._parts, before)
            await term.rights.put(batch_row(batch))
            term.settled[our_id] = batch, members, settled_s
        except (KafkaError, UnsureError) as error:  # deleted once more, which does no harm
            log.info("it could not be stored that a batch's files are deleted", batch=our_id, error=str(error))
        except Exception:
            log.exception("a defect of Turnout: files of a batch may be left at the provider", batch=our_id)
            term.settled[our_id] = replace(before, left=()), members, settled_s
        finally:
            term.deleting.pop(our_id, None)

    async def _forget(self, term: _Term, now_s: float) -> None:
        """Delete batches that were settled long ago, of which no request can be read again."""
        firsts: dict[int, int] = {}
        for run in term.runs.values():
            partition, first = run.batch.partition, run.members.offsets[0]
            firsts[partition] = min(first, firsts.get(partition, first))
        for our_id, (batch, members, settled_s) in list(term.settled.items()):
            if our_id in term.deleting or is_open(self._parts, batch):
                continue
            below = min(term.read.get(batch.partition, 0), firsts.get(batch.partition, 2**63))
            if now_s - settled_s >= KEPT_S and members.offsets[-1] < below:
                await term.rights.put(deleted(our_id, members))
                del term.settled[our_id]
                released = set(places_in(batch.released))
                term.known.difference_update(
                    digest for place, digest in enumerate(members.identities()) if place not in released
                )

    async def _tell(self, term: _Term, now_s: float) -> None:
        batches = [run.batch for run in term.runs.values()] + [batch for batch, _, _ in term.settled.values()]
        await self._news.tell(term.queues, batches, term.durations, now_s, term.rights.be_sure)

    def durations_of(self, batch: Batch) -> Durations:
        """Return how long its model's batches took."""
        if self._term is None:
            raise UnsureError
        return self._term.durations[batch.queue.provider, batch.queue.model]

    def others_of(self, batch: Batch) -> Sequence[Batch]:
        """Return the other batches of its provider, those that are settled among them."""
        if self._term is None:
            raise UnsureError
        batches = [run.batch for run in self._term.runs.values()] + [one for one, _, _ in self._term.settled.values()]
        provider = batch.queue.provider
        return [one for one in batches if one.our_id != batch.our_id and one.queue.provider == provider]

    async def releasing(self, batch: Batch, members: Members) -> None:
        """Store that requests may be read again from its first one on."""
        term = self._term
        if term is None:
            raise UnsureError
        term.floors[batch.our_id] = batch.partition, members.offsets[0]
        low = min(term.read.get(batch.partition, 0), members.offsets[0])
        await term.rights.put(read_rows([(batch.partition, low)]))
        term.read[batch.partition] = low

    async def released(self, batch: Batch, members: Members, who: int, refusal: BatchRefusal) -> None:
        """Collect these anew."""
        term = self._term
        if term is None:
            raise UnsureError
        if refusal is BatchRefusal.TOO_LARGE:
            term.most[batch.queue] = max(1, who.bit_count() // 2)
        else:
            term.full_until_s[batch.queue] = self._parts.clock() + FULL_S
        digests = list(members.identities())
        places = list(places_in(who))
        term.known.difference_update(digests[place] for place in places)
        async with self._parts.records.at(batch.partition, [members.offsets[place] for place in places]) as records:
            async for record in records:
                term.rights.be_owner()
                self._collect(term, record)
        term.floors.pop(batch.our_id, None)

    async def settled(self, batch: Batch) -> None:
        """Take in that a batch is over."""
        term = self._term
        if term is None:
            raise UnsureError
        run = term.runs.pop(batch.our_id)
        term.tasks.pop(batch.our_id, None)
        term.settled[batch.our_id] = batch, run.members, self._parts.clock()
        count_settled(batch)
        model = batch.queue.provider, batch.queue.model
        with suppress(KafkaError):  # it is a measurement: the next batch's stores it again
            await term.rights.put(durations_row(model, term.durations[model]))
