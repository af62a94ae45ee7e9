"""The accounts: one worker at a time keeps what every tenant has spent, grants what is left, and tells everybody.

Whoever is assigned the claims topic is the owner. It reads all cost events without a group, and keeps in a table, for
each tenant, the sums together with the offset up to which they are counted: one value, so that after a crash both are
of the same moment, and an event that is read again is not counted again. Ids of the last quarter of an hour catch
events that were published twice. What is told was stored before.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord
from faust.types import EventT, StreamT

from router.account import Account
from router.budgets import day_of
from router.seen import Seen
from router.tenants import Tenant
from schemas.budgets import BudgetClaim
from schemas.costs import CostEvent
from streams.publisher import HOLDER, Publisher

log = structlog.get_logger()

POLL_MS = 20
TELL_S = 1.0
"""Spend alone is told so often; an answer to a claim at once."""
POSITIONS_S = 5.0
READ_AT_ONCE = 5000


class AccountTable(Protocol):
    """The table as the accounts use it: keys are `account|tenant`, `seen|second|tenant` and `position|partition`."""

    def items(self) -> Mapping[bytes, bytes]:
        """Return what is in it."""
        ...

    async def put(self, panes: Mapping[bytes, bytes | None]) -> None:
        """Write, delete what is None, and return when the changelog has acknowledged it."""
        ...


class Accounts:
    """Keeps the accounts while this worker owns the claims."""

    def __init__(
        self,
        tenants: Mapping[str, Tenant],
        publisher: Publisher,
        clock: Callable[[], float],
        table: AccountTable,
        consumer: AIOKafkaConsumer,
        partitions: Sequence[TopicPartition],
    ) -> None:
        self._tenants = tenants
        self._publisher = publisher
        self._clock = clock
        self._table = table
        self._consumer = consumer
        self._partitions = partitions
        self._owner = asyncio.Event()
        self._accounts: dict[str, Account] = {}
        self._seen: dict[str, Seen] = {}
        self._changed: set[str] = set()
        self._seconds: set[tuple[str, int]] = set()
        self._claimed: list[EventT] = []
        self._told_s = self._positions_s = 0.0

    def take_over(self) -> None:
        """Begin with what the table holds."""
        # The table may have been lost, and nobody believes a budget of a lower version than one that was told.
        newest = int(self._clock() * 1000)
        self._accounts = {name: Account(tenant, version=newest) for name, tenant in self._tenants.items()}
        self._seen = {name: Seen() for name in self._tenants}
        starts: dict[int, int] = {}
        for key, value in self._table.items().items():
            kind, _, rest = key.decode().partition("|")
            if kind == "account" and rest in self._tenants:
                self._accounts[rest] = Account.load(self._tenants[rest], value)
                self._accounts[rest].taken_over(self._clock())
            elif kind == "seen" and (name := rest.partition("|")[2]) in self._seen:
                self._seen[name].load(int(rest.partition("|")[0]), value)
            elif kind == "position":
                starts[int(rest)] = int(value)
        self._consumer.assign(self._partitions)
        for tp in self._partitions:
            self._consumer.seek(tp, starts.get(tp.partition, 0))
        self._changed = set(self._accounts)
        self._owner.set()
        log.info("this worker keeps the accounts", tenants=len(self._accounts))

    def give_up(self) -> None:
        """Forget the accounts: somebody else keeps them."""
        self._owner.clear()
        self._changed.clear()
        self._seconds.clear()
        self._claimed.clear()

    async def hear(self, stream: StreamT[bytes]) -> None:
        """Take claims from the stream until it ends."""
        async for event in stream.noack().events():
            self._claimed.append(event)

    async def keep(self) -> None:
        """Count, grant and tell, for ever."""
        while True:
            await self._owner.wait()
            try:
                await self._step()
            except KafkaError as error:
                log.warning("the accounts could not be kept up to date", error=str(error))
                await asyncio.sleep(TELL_S)

    async def _step(self) -> None:
        batches = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=READ_AT_ONCE)
        if not self._owner.is_set():
            return
        for batch in batches.values():
            self._count(batch)
        claims, self._claimed = self._claimed, []
        heard = {name for name in map(self._take, claims) if name is not None}
        now_s = self._clock()
        if heard or (self._changed and now_s - self._told_s >= TELL_S):
            self._told_s = now_s
            await self._tell(self._changed | heard, now_s)
        for event in claims:
            event.ack()
        if now_s - self._positions_s >= POSITIONS_S and not self._changed:
            self._positions_s = now_s
            await self._store_positions()

    def _count(self, batch: Iterable[ConsumerRecord[bytes | None, bytes | None]]) -> None:
        for record in batch:
            name = (record.key or b"").decode(errors="replace")
            account = self._accounts.get(name)
            if account is None or record.value is None or record.offset <= account.offset:
                continue
            try:
                event = CostEvent.decode(record.value)
            except ValueError as error:
                log.warning("a record of the costs topic cannot be read", error=str(error).partition("\n")[0])
                continue
            second = event.occurred_at_ms // 1000
            seen = self._seen[name]
            if not seen.is_duplicate(event.event_id, second, record.offset):
                seen.add(event.event_id, second, record.offset)
                self._seconds.add((name, second))
                if event.cost_usd is not None:
                    holder = dict(record.headers).get(HOLDER)
                    account.spend(day_of(event.occurred_at_ms / 1000), event.cost_usd, holder and holder.decode())
            account.offset = record.offset
            self._changed.add(name)

    def _take(self, event: EventT) -> str | None:
        try:
            claim = BudgetClaim.decode(event.value)
        except ValueError as error:
            log.warning("a record of the claims topic cannot be read", error=str(error).partition("\n")[0])
            return None
        account = self._accounts.get(claim.tenant)
        if account is None:
            return None
        account.hear(claim, self._clock())
        return claim.tenant

    async def _tell(self, names: set[str], now_s: float) -> None:
        """Decide, store the ids, then what was counted, and then tell.

        Old ids are deleted behind the sums: until these are stored, the records are read again and need them.
        """
        budgets = [self._accounts[name].decide(now_s) for name in names]
        crossings = [crossing for name in names for crossing in self._accounts[name].crossings(now_s)]
        ids: dict[bytes, bytes | None] = {
            _seen_key(name, second): self._seen[name].dump(second) for name, second in self._seconds
        }
        if ids:
            await self._table.put(ids)
        sums: dict[bytes, bytes | None] = {f"account|{name}".encode(): self._accounts[name].dump() for name in names}
        past = {_seen_key(name, second): None for name in names for second in self._seen[name].forget()}
        await self._table.put({**sums, **past})
        self._seconds.clear()
        self._changed -= names
        for crossing in crossings:
            log.warning(
                "budget crossed",
                tenant=crossing.tenant,
                window=crossing.window,
                state=crossing.state,
                share=float(crossing.share),
                spent_usd=str(crossing.spent_usd),
                limit_usd=str(crossing.limit_usd),
            )
        await asyncio.gather(*(self._publisher.budget(budget) for budget in budgets))

    async def _store_positions(self) -> None:
        positions = {
            f"position|{tp.partition}".encode(): str(await self._consumer.position(tp)).encode()
            for tp in self._consumer.assignment()
        }
        await self._table.put({key: value for key, value in positions.items() if self._table.items().get(key) != value})


def _seen_key(name: str, second: int) -> bytes:
    return f"seen|{second}|{name}".encode()
