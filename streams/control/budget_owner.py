"""The ledgers: one worker at a time keeps what every tenant has spent, grants what is left, and tells everybody.

The owner is the worker that is assigned the claims topic. It reads all cost events without a group, and keeps in a
table, for each tenant, the sums together with the offset up to which they are counted: one value, so that after a
crash both are of the same moment, and an event that is read again is not counted again. Ids of the last quarter of an
hour catch events that were published twice. What is told was stored before. A tenant's events lie in one partition;
when others are added, they go on in another one, and each has its own offset. What is held for requests of the batch
lane is counted in the same way, from a topic of its own.

A worker that was frozen may wake in the middle of this, when another worker keeps the ledgers. Before each write and
before telling it looks whether it is still the owner, of the same assignment, and whether its fence is open; if not it
writes nothing. What the client had been handed before may still come in late, over newer records. Then the worker that
takes over finds a ledger that is behind what a position was stored for, and counts from that ledger's own offset on:
the sums are exact again, and believed, as versions go on from the clock. Not exact are the grants of that time, which
are forgotten until their holders claim again, and the ids of seconds whose record came late.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import orjson
import structlog
from aiokafka.errors import KafkaError
from pydantic import Field, TypeAdapter

from router.budgets.counted_events import Counted, Kind
from router.budgets.ledger import RESERVATIONS, BudgetLedger, Crossing
from router.tenants import Tenant
from schemas.budgets import BudgetClaim
from schemas.topics import Topic
from streams.codec import Delivery
from streams.control.budget_counting import count_cost, count_reservation
from streams.control.owner_term import UnsureError
from streams.internal_records import AHEAD_S, read_internal, skipped
from streams.ports import Clock, Fence, LogReader, Received, Table, TopicPartition
from streams.publisher import Publisher
from streams.slices import in_slices

log = structlog.get_logger()

COSTS_READ_EVERY_S = 0.1
"""How often to look for cost events while nothing is claimed; a claim is answered at once."""
SPEND_TOLD_EVERY_S = 1.0
"""Spend alone is told so often; an answer to a claim at once."""
POSITIONS_S = 5.0
LOOK_S = 10.0
"""How often to look whether the costs topic has more partitions."""
READ_AT_ONCE = 5000
LEDGER_SIZE = 20
"""What a ledger without holders takes to be decided on, stored and told, in holders."""
PORTION = 1200
"""How much is decided on at a time, in holders: about 3 ms of it."""


@dataclass(frozen=True, slots=True)
class _Read:
    """How far a partition was read, and the offsets of the ledgers in which that is counted."""

    position: Annotated[int, Field(ge=0, le=2**63 - 1)]
    offsets: dict[str, Annotated[int, Field(ge=-1, le=2**63 - 1)]]


_READ = TypeAdapter(_Read)


class BudgetOwner:
    """Keeps the ledgers while this worker owns the claims."""

    def __init__(  # noqa: PLR0913 - one composition root calls it
        self,
        tenants: Mapping[str, Tenant],
        publisher: Publisher,
        clock: Clock,
        table: Table,
        reader: LogReader,
        costs: Callable[[], Awaitable[Sequence[TopicPartition]]],
        *,
        fence: Fence,
        reservations: TopicPartition | None = None,
    ) -> None:
        """Take what the owner works with.

        Args:
            tenants: whose ledgers it keeps.
            publisher: what it tells them by.
            clock: its clock.
            table: its keys are `account|tenant`, `KIND|second|tenant` (`router.budgets.counted_events.Kind`) and
                `read|partition`. The last holds a position, and the offsets of the ledgers in that partition which it
                was stored for.
            reader: its own.
            costs: asks for the cost events' partitions.
            fence: the group's.
            reservations: where the batch lane's lie; None without the lane.
        """
        self._tenants = tenants
        self._publisher = publisher
        self._clock = clock
        self._table = table
        self._reader = reader
        self._costs = costs
        self._reservations = reservations
        self._partitions: Sequence[TopicPartition] = ()
        self._fence = fence
        self._term = 0
        self._owner = asyncio.Event()
        self._ledgers: dict[str, BudgetLedger] = {}
        self._counted: dict[str, Counted] = {}
        self._changed: set[str] = set()
        self._forgotten: set[bytes] = set()
        self._crossings: list[Crossing] = []
        self._claimed: list[Received] = []
        self._is_asked = asyncio.Event()
        self._read: dict[int, _Read] = {}
        self._assigned_term = self._restored_term = 0
        self._stored_positions: dict[bytes, bytes] = {}
        self._told_s = self._positions_s = self._looked_s = 0.0

    def take_over(self) -> None:
        """Begin with what the table holds, which is read in slices before anything else is done."""
        self._term += 1
        self._owner.set()

    async def _restore_all(self, term: int) -> None:
        """Take in the whole table, at the begin of a term.

        Raises:
            UnsureError: the term ended meanwhile.
        """
        if self._restored_term == term:
            return
        # The table may have been lost, and no worker believes a budget of a lower version than one that was told.
        newest = int(self._clock() * 1000)
        self._ledgers = {name: BudgetLedger(tenant, version=newest) for name, tenant in self._tenants.items()}
        self._counted = {name: Counted() for name in self._tenants}
        self._read, self._stored_positions = {}, {}
        async for key, value in in_slices(self._table.items().items()):
            self._be_owner(term)
            try:
                self._restore(key.decode(), value, newest)
            except ValueError as error:
                skipped(Topic.ACCOUNTS, error)
        self._changed = set(self._ledgers)
        self._restored_term = term
        log.info("this worker keeps the accounts", tenants=len(self._ledgers))

    def _restore(self, key: str, value: bytes, newest: int) -> None:
        """Take in one row of the table. A ledger whose row is bad is counted anew, from the first event.

        Raises:
            ValueError: it is none of ours.
        """
        kind, _, rest = key.partition("|")
        latest = newest + int(AHEAD_S * 1000)
        if kind == "account" and rest in self._tenants:
            ledger = BudgetLedger.load(self._tenants[rest], value)
            if ledger.version > latest:
                raise ValueError("it is of a version in the future, which nothing would surpass")
            ledger.version = max(ledger.version, newest)
            ledger.taken_over(self._clock())
            self._ledgers[rest] = ledger
        elif kind in tuple(Kind) and (name := rest.partition("|")[2]) in self._counted:
            second = int(rest.partition("|")[0])
            if not 0 <= second * 1000 <= latest:
                raise ValueError("it is of a second in the future, before which all others would be forgotten")
            self._counted[name].load(Kind(kind), second, value)
        elif kind == "read":
            self._read[int(rest)] = _READ.validate_json(value)
            self._stored_positions[key.encode()] = value

    def give_up(self) -> None:
        """Forget the ledgers: another worker keeps them."""
        self._owner.clear()
        self._term += 1
        self._changed.clear()
        self._forgotten.clear()
        self._crossings.clear()
        self._claimed.clear()

    def _start(self, partition: int) -> int:
        """Return where to go on: at the position, but not beyond what a ledger lacks that it was stored for."""
        read = self._read.get(partition)
        if read is None:
            return 0
        behind = [read.position]
        for name in read.offsets:
            ledger = self._ledgers.get(name)
            if ledger is not None and (counted := ledger.counted_to(partition)) < read.offsets[name]:
                behind.append(counted + 1)
            if ledger is not None and ledger.unplaced >= 0:
                ledger.count_to(partition, ledger.unplaced)
        return min(behind)

    def ingest(self, batch: Sequence[Received]) -> None:
        """Take claims."""
        self._claimed.extend(batch)
        self._is_asked.set()

    async def keep(self) -> None:
        """Count, grant and tell, for ever."""
        while True:
            await self._owner.wait()
            await self._fence.passed()
            try:
                if await self._step(self._term):
                    await asyncio.sleep(0)
                    continue
            except UnsureError:
                log.info("the accounts may be another worker's: nothing is written")
            except KafkaError as error:
                log.warning("the accounts could not be kept up to date", error=str(error))
                await asyncio.sleep(SPEND_TOLD_EVERY_S)
            await self._asked()

    async def _asked(self) -> None:
        """Wait for a claim, no longer than `COSTS_READ_EVERY_S`."""
        timer = asyncio.get_running_loop().call_later(COSTS_READ_EVERY_S, self._is_asked.set)
        try:
            await self._is_asked.wait()
        finally:
            timer.cancel()
        self._is_asked.clear()

    async def _step(self, term: int) -> bool:
        """Do what there is to do, and say whether there may be more cost events to read at once."""
        await self._restore_all(term)
        await self._assign(term)  # here, where no read of the term before can be under way and take what comes
        records = await self._reader.read(timeout_s=0, most=READ_AT_ONCE)
        if not self._is_owner(term):
            return False
        async for record in in_slices(records):
            self._count(record)
        claims = tuple(self._claimed)  # kept until they are answered; hearing one twice says nothing
        heard: dict[str, None] = {}
        async for claim in in_slices(claims):
            if (name := self._hear(claim)) is not None:
                heard[name] = None
        self._be_owner(term)
        now_s = self._clock()
        if heard or (self._changed and now_s - self._told_s >= SPEND_TOLD_EVERY_S):
            self._told_s = now_s
            for names in self._portions([*sorted(heard), *sorted(self._changed.difference(heard))]):
                await self._tell(names, now_s, term)
        for claim in claims:
            claim.acknowledge()
        del self._claimed[: len(claims)]
        if now_s - self._positions_s >= POSITIONS_S and not self._changed:
            self._positions_s = now_s
            await self._store_positions(term)
        return bool(records)

    async def _assign(self, term: int) -> None:
        """Read every partition there is: from where the table says in a new term, and new ones from their beginning."""
        now_s, is_new = self._clock(), term != self._assigned_term
        if not is_new and now_s - self._looked_s < LOOK_S:
            return
        partitions = [*await self._costs(), *filter(None, [self._reservations])]
        if not is_new and len(partitions) <= len(self._partitions):
            self._looked_s = now_s
            return
        positions = {} if is_new else {tp: await self._reader.position(tp) for tp in self._partitions}
        self._be_owner(term)
        self._reader.assign(partitions)
        for tp in partitions:
            self._reader.seek(
                tp, positions[tp] if tp in positions else self._start(self._number(tp.topic, tp.partition))
            )
        self._partitions, self._assigned_term, self._looked_s = partitions, term, now_s

    def _is_owner(self, term: int) -> bool:
        return self._owner.is_set() and self._term == term

    def _be_owner(self, term: int) -> None:
        if not self._is_owner(term):
            raise UnsureError

    def _be_sure(self, term: int) -> None:
        if not (self._is_owner(term) and self._fence.is_open()):
            raise UnsureError

    def _portions(self, names: Iterable[str]) -> Iterator[Sequence[str]]:
        """Give what is decided on, stored and told together: of many ledgers, or large ones, a few at a time."""
        portion: list[str] = []
        size = 0
        for name in names:
            portion.append(name)
            size += LEDGER_SIZE + len(self._ledgers[name].holdings)
            if size >= PORTION:
                yield portion
                portion, size = [], 0
        if portion:
            yield portion

    def _number(self, topic: str, partition: int) -> int:
        """Return by which number a partition is known to the ledgers."""
        is_reserved = self._reservations is not None and topic == self._reservations.topic
        return RESERVATIONS if is_reserved else partition

    def _count(self, record: Delivery) -> None:
        number = self._number(record.origin.topic, record.origin.partition)
        name = (record.key or b"").decode(errors="replace")
        ledger = self._ledgers.get(name)
        if ledger is None or record.value is None or record.origin.offset <= ledger.counted_to(number):
            return
        count = count_reservation if number == RESERVATIONS else count_cost
        if count(record, ledger, self._counted[name], self._clock()):
            ledger.count_to(number, record.origin.offset)
            self._changed.add(name)

    def _hear(self, received: Received) -> str | None:
        delivery = received.delivery
        claim = read_internal(BudgetClaim, delivery.value, delivery.origin.topic, self._clock())
        ledger = None if claim is None else self._ledgers.get(claim.tenant)
        if claim is None or ledger is None:
            return None
        ledger.receive(claim, self._clock())
        return claim.tenant

    async def _tell(self, names: Sequence[str], now_s: float, term: int) -> None:
        try:
            await self._decide(names, now_s, term)
        except (KafkaError, UnsureError):
            for name in names:  # a grant that was not told is told by the next budget
                self._ledgers[name].tell_all()
            raise

    async def _decide(self, names: Sequence[str], now_s: float, term: int) -> None:
        """Decide, store the ids, then what was counted, and then tell.

        Old ids are deleted behind the sums: until these are stored, the records are read again and need them.
        """
        budgets = [self._ledgers[name].decide(now_s) for name in names]
        self._crossings += [crossing for name in names for crossing in self._ledgers[name].crossings(now_s)]
        ids: dict[bytes, bytes | None] = {
            _ids_key(kind, name, second): self._counted[name].dump(kind, second)
            for name in names  # all that have changed are among them
            for kind, second in sorted(self._counted[name].changed)
        }
        if ids:
            await self._put(ids, term)
        sums: dict[bytes, bytes | None] = {f"account|{name}".encode(): self._ledgers[name].dump() for name in names}
        self._forgotten.update(
            _ids_key(kind, name, second) for name in names for kind, second in self._counted[name].forget()
        )
        await self._put({**sums, **dict.fromkeys(sorted(self._forgotten))}, term)
        for name in names:
            self._counted[name].changed.clear()
        self._forgotten.clear()
        for crossing in self._crossings:
            log.warning(
                "budget crossed",
                tenant=crossing.tenant,
                window=crossing.window,
                state=crossing.state,
                share=float(crossing.share),
                spent_usd=str(crossing.spent_usd),
                limit_usd=str(crossing.limit_usd),
            )
        self._crossings.clear()
        self._be_sure(term)
        await asyncio.gather(*(self._publisher.budget(budget) for budget in budgets))
        self._be_owner(term)  # it may be that of a later assignment, whose claims these are not
        self._changed.difference_update(names)

    async def _store_positions(self, term: int) -> None:
        counted: defaultdict[int, dict[str, int]] = defaultdict(dict)
        for name, ledger in self._ledgers.items():
            for number, offset in ledger.offsets.items():
                counted[number][name] = offset
        read: dict[bytes, bytes] = {}
        for tp in self._partitions:
            number = self._number(tp.topic, tp.partition)
            stands = _Read(await self._reader.position(tp), counted[number])
            read[f"read|{number}".encode()] = orjson.dumps(asdict(stands))
        await self._put({key: value for key, value in read.items() if self._stored_positions.get(key) != value}, term)
        self._stored_positions = read

    async def _put(self, changes: Mapping[bytes, bytes | None], term: int) -> None:
        """Write, if the ledgers are surely still ours, and see that they were until it was acknowledged.

        Raises:
            KafkaError: it is not known whether it was written.
            UnsureError: the ledgers may be another worker's.
        """
        self._be_sure(term)
        await self._table.put(changes)
        self._be_owner(term)


def _ids_key(kind: Kind, name: str, second: int) -> bytes:
    return f"{kind}|{second}|{name}".encode()
