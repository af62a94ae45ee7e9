"""The owner of the accounts on a real broker: frozen, given up in the middle of a write, or met by old records."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError
from structlog.testing import capture_logs

from router.budgets.ledger import BudgetLedger
from router.budgets.rules import day_of
from router.job import Origin
from router.tenants import Tenant
from schemas.budgets import Budget, BudgetClaim
from schemas.costs import CostEvent, cost_event_id
from schemas.topics import Topic
from streams.codec import Delivery
from streams.control.budget_owner import BudgetOwner
from streams.kafka.clients import make_producer, producer
from streams.kafka.fence import HeartbeatFence
from streams.kafka.log import KafkaLog
from streams.kafka.producer import started
from streams.ports import TopicPartition
from streams.publisher import Publisher
from tests.harness import PATIENCE_S, MakePipeline, Pipeline
from tests.places import until
from tests.warehouses import golden

COST = CostEvent.decode(golden("cost-metered"))
CENT = Decimal("0.01")
SESSION_S = 6.0
TENANTS = {name: Tenant(name, daily_budget_usd=Decimal(1)) for name in ("acme", "rich")}


def cost(request_id: str, tenant: str = "acme") -> CostEvent:
    """Return a call of one cent."""
    now_s = time.time()
    changes = {
        "event_id": cost_event_id(tenant, request_id, "llm.requests.v1-0-0", 1),
        "occurred_at": datetime.fromtimestamp(now_s, UTC),
        "occurred_at_ms": int(now_s * 1000),
        "request_id": request_id,
        "tenant": tenant,
        "cost_usd": CENT,
        "cost_nano_usd": 10_000_000,
    }
    return COST.model_copy(update=changes)


async def spend(pipeline: Pipeline, *events: CostEvent) -> None:
    async with producer(pipeline.settings) as client:
        for event in events:
            await client.send_and_wait(
                pipeline.settings.topic(Topic.COSTS), event.encode(), event.tenant.encode(), partition=0
            )


@dataclass(eq=False, slots=True)
class Claim:
    """A record of the claims topic, as the control group hands it over."""

    delivery: Delivery
    is_current: bool = True
    acked: bool = False

    def acknowledge(self) -> None:
        self.acked = True

    def let_be(self) -> None:
        """It is delivered again."""


def claim(sequence: int) -> Claim:
    asked = BudgetClaim(
        tenant="acme",
        holder="worker",
        day=day_of(time.time()),
        sequence=sequence,
        cap_usd=Decimal(0),
        left_usd=Decimal(0),
        needed_usd=CENT,
        wanted_usd=CENT,
    )
    return Claim(Delivery(Origin("claims", 0, sequence), 0, b"acme", asked.encode(), ()))


async def at_once() -> None:
    """Hold nothing up."""


@dataclass(slots=True)
class Changelog:
    """The accounts topic as a table; a test may hold it up, or let it fail, before and after a write."""

    client: AIOKafkaProducer
    topic: str
    data: dict[bytes, bytes] = field(default_factory=dict)
    before: Callable[[], Awaitable[None]] = at_once
    after: Callable[[], Awaitable[None]] = at_once

    def items(self) -> Mapping[bytes, bytes]:
        return dict(self.data)

    async def put(self, changes: Mapping[bytes, bytes | None]) -> None:
        await self.before()
        for key, value in changes.items():
            await self.client.send_and_wait(self.topic, value, key)
        self.data.update({key: value for key, value in changes.items() if value is not None})
        for key in [key for key, value in changes.items() if value is None]:
            self.data.pop(key, None)
        await self.after()


@dataclass(slots=True)
class Gate:
    """Holds up whoever comes until it is opened."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> None:
        self.reached.set()
        await self.opened.wait()


@dataclass(slots=True)
class Clock:
    """Goes on while its process is asleep."""

    asleep_s: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.asleep_s


@dataclass(slots=True)
class Owner:
    """an owner of accounts, whose session with the group a test can let run out."""

    budget_owner: BudgetOwner
    table: Changelog
    fence: HeartbeatFence
    clock: Clock


@asynccontextmanager
async def keeping(pipeline: Pipeline, stored: Mapping[bytes, bytes] | None = None) -> AsyncIterator[Owner]:
    """Give an owner that has not taken over yet."""
    settings = pipeline.settings
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(started(partial(make_producer, settings)))
        log = KafkaLog(settings, client)
        reader = await stack.enter_async_context(log.reader())
        raw = await stack.enter_async_context(producer(settings))
        table = Changelog(raw, settings.topic(Topic.ACCOUNTS), dict(stored or {}))
        clock = Clock()
        fence = HeartbeatFence(SESSION_S, clock)
        publisher = Publisher(log, settings.topic, "owner", time.time)

        async def costs() -> list[TopicPartition]:
            return [TopicPartition(settings.topic(Topic.COSTS), 0)]

        budget_owner = BudgetOwner(TENANTS, publisher, time.time, table, reader, costs, fence=fence)
        owner = Owner(budget_owner, table, fence, clock)
        fence.renew(clock() + 60)  # no test takes so long
        task = asyncio.create_task(owner.budget_owner.keep())
        try:
            yield owner
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def owning(pipeline: Pipeline) -> AsyncIterator[Owner]:
    """Give an owner that owns the accounts, and has written all that there was to write."""
    async with keeping(pipeline) as owner:
        owner.budget_owner.take_over()
        await until(lambda: b"read|0" in owner.table.data)
        yield owner


def spent(table: Changelog, tenant: str = "acme") -> Decimal:
    stored = table.data.get(f"account|{tenant}".encode())
    if stored is None:
        return Decimal(0)
    return BudgetLedger.load(TENANTS[tenant], stored).spent.get(day_of(time.time()), Decimal(0))


async def told(pipeline: Pipeline) -> list[Budget]:
    records = await pipeline.records(Topic.BUDGETS)
    return [Budget.decode(record.value or b"") for record in records if record.key == b"acme"]


async def test_an_owner_that_was_frozen_writes_no_sums_and_tells_nothing_until_its_session_is_sure(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = await make_pipeline()
    async with owning(pipeline) as owner:
        owner.table.after = gate = Gate()
        await spend(pipeline, cost("one"))
        await gate.reached.wait()
        owner.table.after = at_once
        writes = len(await pipeline.records(Topic.ACCOUNTS))
        budgets = await told(pipeline)
        owner.clock.asleep_s = 60 + SESSION_S
        gate.opened.set()
        await asyncio.sleep(1.5)  # the claim is that nothing more happens
        assert len(await pipeline.records(Topic.ACCOUNTS)) == writes
        assert await told(pipeline) == budgets
        owner.fence.renew(owner.clock() + 60)
        await until(lambda: spent(owner.table) == CENT)


async def test_a_claim_is_answered_and_acknowledged_when_the_changelog_has_failed_before(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = await make_pipeline()
    async with owning(pipeline) as owner:
        failures = iter((KafkaTimeoutError("the changelog is away"),))

        async def fail_once() -> None:
            for error in failures:
                raise error

        owner.table.before = fail_once
        asked = claim(1)
        with capture_logs() as lines:
            await spend(pipeline, *(cost(f"many{number}") for number in range(80)))
            owner.budget_owner.ingest([asked])
            await until(lambda: asked.acked and spent(owner.table) == 80 * CENT)
            await until(lambda: any(line["event"] == "budget crossed" for line in lines))
        assert next(failures, None) is None
        *_, grant = [grant for budget in await told(pipeline) for grant in budget.grants]
        assert (grant.holder, grant.sequence) == ("worker", 1)
        assert grant.granted_usd >= CENT


async def test_claims_of_a_former_assignment_are_not_acknowledged_under_the_next_one(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = await make_pipeline()
    async with owning(pipeline) as owner:
        owner.table.before = gate = Gate()
        former, later = claim(1), claim(1)
        owner.budget_owner.ingest([former])
        await gate.reached.wait()
        owner.budget_owner.give_up()
        owner.budget_owner.take_over()
        owner.table.before = at_once
        owner.budget_owner.ingest([later])
        gate.opened.set()
        await until(lambda: later.acked)
        assert not former.acked


async def test_old_sums_that_came_in_late_are_counted_anew_and_believed(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    async with keeping(pipeline) as owner:
        owner.budget_owner.take_over()
        await spend(pipeline, cost("one"), cost("other", "rich"))
        await until(lambda: spent(owner.table) == spent(owner.table, "rich") == CENT)
        old = owner.table.data[b"account|acme"]
        again = cost("two")
        await spend(pipeline, again, again, cost("three"))
        await until(lambda: spent(owner.table) == 3 * CENT)
        position = owner.table.data.get(b"read|0")
        await until(lambda: owner.table.data.get(b"read|0") != position)
        stored = {**owner.table.data, b"account|acme": old}
        newest = (await told(pipeline))[-1].version
    async with keeping(pipeline, stored) as heir:
        heir.budget_owner.take_over()
        await until(lambda: spent(heir.table) == 3 * CENT)
        assert spent(heir.table, "rich") == CENT
        async with asyncio.timeout(PATIENCE_S):
            while (last := (await told(pipeline))[-1]).version <= newest or last.spent_usd != 3 * CENT:  # noqa: ASYNC110  # a topic has no event
                await asyncio.sleep(0.1)
