"""The control app: the second Faust app of a worker, for everything that aggregates over all workers.

The pump has an app of its own: a full pump, or one that drains for half a minute, must not delay health. Workers of
one group share the control app's few partitions; whoever has none of them waits to take over.
"""

import asyncio
from asyncio import Task
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import faust
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError
from faust.types import TP, StreamT

from schemas.topics import Topic
from streams.config.settings import Settings
from streams.control.budget_owner import BudgetOwner
from streams.control.health_agent import HealthAgent
from streams.control.ownership import PartitionOwner, PartitionOwners
from streams.control.reporting import Follower, Reporter
from streams.control.shadow_mode import Shadow
from streams.control.tenant_shares import ShareKeeper
from streams.kafka.clients import admin, reader
from streams.kafka.faust_app import faust_app
from streams.kafka.transport import SafeTransport
from streams.request.handler import Handler

STORE_S = 30.0
DRAIN_S = 2.0
"""A delta waits for the next tick at most."""
REBALANCE_S = 30.0
"""The group waits so long for a member to join again."""


@dataclass(slots=True)
class Control:
    """What runs beside the pump."""

    app: faust.App
    agent: HealthAgent
    reporter: Reporter
    follower: Follower
    tasks: tuple[Task[None], ...]

    async def shares(self) -> None:
        """Wait until this worker knows its shares of the limits."""
        await self.follower.shares()

    async def broken(self) -> None:
        """Wait until something here cannot go on.

        Raises:
            Exception: what it was.
        """
        stopped = asyncio.ensure_future(self.app.wait_until_stopped())
        try:
            done, _ = await asyncio.wait([stopped, *self.tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            raise self.app.crash_reason or RuntimeError("the control app has stopped")
        finally:
            stopped.cancel()


class ChangelogTable:
    """The panes in a Faust table of one partition, written from outside of the stream's own events."""

    PARTITION = 0

    def __init__(self, table: faust.Table) -> None:
        self._table = table

    def items(self) -> Mapping[bytes, bytes]:
        """Return what is in it."""
        return dict(self._table.data.items())

    async def put(self, panes: Mapping[bytes, bytes | None]) -> None:
        """Write the panes, delete those that are None, and return when the changelog has acknowledged it.

        Raises:
            KafkaTimeoutError: it has not, for long; writing the same again does no harm.
        """
        sent = []
        for key, value in panes.items():
            if value is None:
                self._table.data.pop(key, None)
            else:
                self._table.data[key] = value
            sent.append(self._table.send_changelog(self.PARTITION, key, value))
        try:
            async with asyncio.timeout(STORE_S):
                await asyncio.gather(*sent)
        except TimeoutError:
            raise KafkaTimeoutError("the changelog of the panes was not acknowledged") from None


def control_app(settings: Settings) -> faust.App:
    """Return the app without agents, not started."""
    app = faust_app(settings, REBALANCE_S, "-control", table_standby_replicas=0)
    app.transport = SafeTransport(app.conf.broker, app, drain_timeout_s=DRAIN_S, idempotent=settings.idempotence)
    return app


def changelog_table(app: faust.App, name: str, topic: str) -> faust.Table:
    """Return a table of bytes with one partition, whose changelog `turnout topics create` has created."""
    changelog = app.topic(
        topic,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        partitions=1,
        acks=False,
        internal=True,
        allow_empty=True,
    )
    return app.Table(name, key_type=bytes, value_type=bytes, partitions=1, changelog_topic=changelog)


@asynccontextmanager
async def running_control(settings: Settings, handler: Handler) -> AsyncIterator[Control]:
    """Run the control app, the reporter and the follower while the context is open; then say goodbye."""
    pool, publisher, clock = handler.pool, handler.publisher, handler.clock
    app = control_app(settings)
    table = changelog_table(app, "model-panes", settings.topic(Topic.MODEL_PANES))
    stats_topic = settings.topic(Topic.MODEL_STATS)
    stats = app.topic(stats_topic, key_serializer="raw", value_serializer="raw")
    async with AsyncExitStack() as stack:
        consumer = await stack.enter_async_context(reader(settings))
        limiters = handler.admission.limiters
        follower = Follower(pool, limiters, consumer, settings.topic, clock)
        agent = HealthAgent(
            pool.catalogue,
            publisher,
            clock,
            ChangelogTable(table),
            follower.latest,
            fence=app.transport.fence,
            probe_idle_s=settings.probe_idle_s,
        )
        reporter = Reporter(pool, limiters, publisher, clock, handler.announce)

        owners: dict[TP, PartitionOwner] = {TP(stats_topic, ChangelogTable.PARTITION): agent}
        works: list[Coroutine[None, None, None]] = [follower.run(), reporter.run(), agent.watch()]

        @app.agent(stats, name="turnout.health")  # type: ignore[untyped-decorator]  # faust is untyped
        async def take(stream: StreamT[bytes]) -> None:
            await agent.run(stream)

        if limiters:
            keeper = _share_keeper(settings, handler, app, follower)
            owners[TP(settings.topic(Topic.TENANT_DEMAND), ChangelogTable.PARTITION)] = keeper
            works.append(keeper.watch())
        if pool.catalogue.tenants:
            budget_owner = await _ledgers(settings, handler, app, stack)
            owners[TP(settings.topic(Topic.BUDGET_CLAIMS), ChangelogTable.PARTITION)] = budget_owner
            works += [budget_owner.keep(), Shadow(handler.admission, handler.budget_client).log()]
        _hand_over(app, table, PartitionOwners(owners), follower)
        if handler.budget_client:
            budgets = await stack.enter_async_context(reader(settings))
            works += [
                handler.budget_client.claim(publisher),
                handler.budget_client.follow(budgets, settings.topic(Topic.BUDGETS)),
            ]
        tasks = tuple(asyncio.create_task(work) for work in works)
        try:
            await app.start()
            yield Control(app, agent, reporter, follower, tasks)
        finally:
            tasks[1].cancel()
            await reporter.leave()
            await app.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _hand_over(app: faust.App, table: faust.Table, owners: PartitionOwners, follower: Follower) -> None:
    """Tell the roles what the group assigns and takes away, and when the tables of that assignment are restored."""

    async def recovered() -> None:
        try:
            await owners.restored(follower.caught_up)
        except Exception as exc:  # noqa: BLE001  # Faust drops whatever is raised here, and nobody would have the role
            await app.crash(exc)

    table.on_recover(recovered)

    @app.on_partitions_assigned.connect  # type: ignore[untyped-decorator]  # faust is untyped
    async def assigned(_app: faust.App, assigned: set[TP], **_signal: object) -> None:
        owners.assigned(assigned)

    @app.on_partitions_revoked.connect  # type: ignore[untyped-decorator]  # faust is untyped
    async def revoked(_app: faust.App, _revoked: set[TP], **_signal: object) -> None:
        owners.revoked()


def _share_keeper(settings: Settings, handler: Handler, app: faust.App, follower: Follower) -> ShareKeeper:
    """Give the app whoever hands out the limits of the catalogue's tenants."""
    tenants = handler.pool.catalogue.tenants
    keeper = ShareKeeper(tenants, handler.publisher, handler.clock, follower.latest_shares, app.transport.fence)
    demand = app.topic(settings.topic(Topic.TENANT_DEMAND), key_serializer="raw", value_serializer="raw")

    @app.agent(demand, name="turnout.tenant-shares")  # type: ignore[untyped-decorator]  # faust is untyped
    async def take(stream: StreamT[bytes]) -> None:
        await keeper.run(stream)

    return keeper


async def _ledgers(settings: Settings, handler: Handler, app: faust.App, stack: AsyncExitStack) -> BudgetOwner:
    """Give the app the ledgers of the catalogue's tenants."""
    tenants = handler.pool.catalogue.tenants
    table = changelog_table(app, "accounts", settings.topic(Topic.ACCOUNTS))
    claims_topic, costs_topic = settings.topic(Topic.BUDGET_CLAIMS), settings.topic(Topic.COSTS)
    claims = app.topic(claims_topic, key_serializer="raw", value_serializer="raw")
    async with admin(settings) as client:
        described = await client.describe_topics([costs_topic])
    partitions = [TopicPartition(costs_topic, number) for number in range(len(described[0]["partitions"]))]
    consumer = await stack.enter_async_context(reader(settings))
    budget_owner = BudgetOwner(
        tenants,
        handler.publisher,
        handler.clock,
        ChangelogTable(table),
        consumer,
        partitions,
        fence=app.transport.fence,
    )

    @app.agent(claims, name="turnout.accounts")  # type: ignore[untyped-decorator]  # faust is untyped
    async def take(stream: StreamT[bytes]) -> None:
        await budget_owner.hear(stream)

    return budget_owner
