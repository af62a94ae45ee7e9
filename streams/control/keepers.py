"""What one worker at a time keeps for all: the shared health and quality, tenants' shares, budgets, batches.

Each is a role with a topic of one partition, and most with a table. A group shares the roles out between its members;
one that has none of them waits to take over.
"""

import asyncio
from asyncio import Task
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

from router.batches.durations import MOST_MARGIN_S, DeadlineRules
from router.batches.late import LateBatches
from router.batches.polling import MOST_POLL_S, PollRules
from router.models.pool import ModelPool
from router.quality.feedback import NotCounted, Proven
from router.quality.flaws import FlawCounter
from router.retry import Chance
from router.tenancy.admission import Admission
from schemas.dead_letters import DeadLetter
from schemas.responses import Response
from schemas.topics import Topic
from streams.batch_port import BatchProvider
from streams.codec import Delivery
from streams.config.settings import Settings
from streams.control.answer_finder import AnswerFinder
from streams.control.batch_collector import BatchCollector
from streams.control.batch_parts import BatchParts
from streams.control.batch_records import BatchRecords
from streams.control.budget_client import BudgetClient
from streams.control.budget_owner import BudgetOwner
from streams.control.feedback_counter import FeedbackCounter
from streams.control.health_agent import HealthAgent
from streams.control.kept_answers import KeptAnswers
from streams.control.ownership import PartitionOwner, PartitionOwners
from streams.control.quality_owner import QualityOwner, QualityParts
from streams.control.reporting import Follower
from streams.control.tenant_shares import ShareOwner
from streams.ports import Clock, ControlGroup, Log, Received, TopicPartition
from streams.publisher import Publisher

Work = Coroutine[None, None, None]
WEIGHTS: Mapping[Topic, int] = MappingProxyType(
    {
        Topic.MODEL_STATS: 4,
        Topic.BUDGET_CLAIMS: 3,
        Topic.TENANT_DEMAND: 2,
        Topic.QUALITY_COUNTS: 1,
        Topic.BATCH_LANES: 1,
    }
)
"""How much work each role is beside the others, by its topic."""
ROLES: Mapping[Topic, str] = MappingProxyType(
    {
        Topic.MODEL_STATS: "health",
        Topic.BUDGET_CLAIMS: "budgets",
        Topic.TENANT_DEMAND: "shares",
        Topic.QUALITY_COUNTS: "quality",
        Topic.BATCH_LANES: "batches",
    }
)
"""The names of the roles, as metrics have them."""
RECENT_ANSWERS = 20_000
"""Responses of a partition that the owner of the quality remembers by their id; about 10 MB, once there is feedback
without an offset."""


@dataclass(frozen=True, slots=True)
class ControlParts:
    """What the control side of a worker works with."""

    settings: Settings
    pool: ModelPool
    admission: Admission
    budget_client: BudgetClient
    publisher: Publisher
    announce: Callable[[], None]
    """Publishes changes of breakers that no request has brought about."""
    log: Log
    group: ControlGroup
    clock: Clock
    flaws: FlawCounter
    kept_answers: KeptAnswers
    read_feedback: Callable[[Delivery, float], Proven | NotCounted]
    feedback_letter: Callable[[Delivery, NotCounted], DeadLetter]
    batches: BatchProvider | None
    late_batches: LateBatches
    chance: Chance
    batch_answered: Callable[[Response], None]
    """Is told of each answer of a batch."""
    shortened: Callable[[Response, Delivery], Awaitable[Response]]
    """Returns what is published of a response that its topic does not take whole."""

    @property
    def has_lane(self) -> bool:
        """Whether requests may wait for batches."""
        return self.batches is not None and self.pool.catalogue.has_batches


class Keepers:
    """Keeps for all workers what the group assigns to this process."""

    def __init__(self, parts: ControlParts, follower: Follower) -> None:
        """Take what they work with; roles begin where `follower` has read that they stood."""
        self._parts = parts
        self._follower = follower
        self._tasks: list[Task[None]] = []
        self._owners: PartitionOwners | None = None

    def roles(self) -> Mapping[str, bool]:
        """Return the roles that there are, and whether this process has them."""
        has = frozenset[TopicPartition]() if self._owners is None else self._owners.kept
        return {
            name: TopicPartition(self._parts.settings.topic(topic), 0) in has
            for topic, name in ROLES.items()
            if self._has_role(topic)
        }

    async def broken(self) -> None:
        """Wait until something here cannot go on.

        Raises:
            Exception: what it was.
        """
        group = asyncio.ensure_future(self._parts.group.broken())
        try:
            done, _ = await asyncio.wait([group, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            group.cancel()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Be a member of the group while the context is open."""
        parts = self._parts
        async with AsyncExitStack() as stack:
            owners: dict[TopicPartition, PartitionOwner] = {}
            agent = self._health_agent(owners)
            quality_owner = await self._quality_owner(owners, stack)
            works: list[Work] = [agent.watch(), quality_owner.keep()]
            if self._has_role(Topic.TENANT_DEMAND):
                works.append(self._share_owner(owners).watch())
            if self._has_role(Topic.BUDGET_CLAIMS):
                works.append((await self._budget_owner(owners, stack)).keep())
            if parts.batches is not None and self._has_role(Topic.BATCH_LANES):
                works.append((await self._batch_collector(parts.batches, owners, stack)).keep())
            self._tasks = [asyncio.create_task(work) for work in works]
            self._owners = PartitionOwners(owners, self._follower.caught_up)
            try:
                await parts.group.start(self._owners)
                yield
            finally:
                await parts.group.stop()
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    def _has_role(self, topic: Topic) -> bool:
        match topic:
            case Topic.TENANT_DEMAND:
                return bool(self._parts.admission.limiters)
            case Topic.BUDGET_CLAIMS:
                return bool(self._parts.pool.catalogue.payers)
            case Topic.BATCH_LANES:
                return self._parts.has_lane
            case _:
                return True

    def _health_agent(self, owners: dict[TopicPartition, PartitionOwner]) -> HealthAgent:
        """Give the group the agent of the models' shared health."""
        parts, topic = self._parts, self._parts.settings.topic
        agent = HealthAgent(
            parts.pool.catalogue,
            parts.publisher,
            parts.clock,
            parts.group.table("model-panes", topic(Topic.MODEL_PANES), topic(Topic.MODEL_STATS)),
            self._follower.latest,
            fence=parts.group.fence,
            probe_idle_s=parts.settings.probe_idle_s,
        )
        self._deliver(Topic.MODEL_STATS, "turnout.health", agent.ingest)
        owners[TopicPartition(topic(Topic.MODEL_STATS), 0)] = agent
        return agent

    def _share_owner(self, owners: dict[TopicPartition, PartitionOwner]) -> ShareOwner:
        """Give the group the owner of the tenants' shares."""
        parts, topic = self._parts, self._parts.settings.topic
        owner = ShareOwner(
            parts.pool.catalogue.tenants,
            parts.publisher,
            parts.clock,
            self._follower.latest_shares,
            parts.group.fence,
        )
        self._deliver(Topic.TENANT_DEMAND, "turnout.tenant-shares", owner.ingest)
        owners[TopicPartition(topic(Topic.TENANT_DEMAND), 0)] = owner
        return owner

    async def _budget_owner(self, owners: dict[TopicPartition, PartitionOwner], stack: AsyncExitStack) -> BudgetOwner:
        """Give the group the owner of the tenants' ledgers."""
        parts, topic = self._parts, self._parts.settings.topic
        table = parts.group.table("accounts", topic(Topic.ACCOUNTS), topic(Topic.BUDGET_CLAIMS))
        owner = BudgetOwner(
            parts.pool.catalogue.payers,
            parts.publisher,
            parts.clock,
            table,
            await stack.enter_async_context(parts.log.reader()),
            lambda: self._partitions(Topic.COSTS),
            fence=parts.group.fence,
            reservations=TopicPartition(topic(Topic.BUDGET_RESERVATIONS), 0) if parts.has_lane else None,
        )
        self._deliver(Topic.BUDGET_CLAIMS, "turnout.accounts", owner.ingest)
        owners[TopicPartition(topic(Topic.BUDGET_CLAIMS), 0)] = owner
        return owner

    async def _quality_owner(self, owners: dict[TopicPartition, PartitionOwner], stack: AsyncExitStack) -> QualityOwner:
        """Give the group the owner of the shared quality."""
        parts, topic = self._parts, self._parts.settings.topic
        counts = TopicPartition(topic(Topic.QUALITY_COUNTS), 0)
        finder = AnswerFinder(
            await stack.enter_async_context(parts.log.reader()),
            lambda partition: TopicPartition(topic(Topic.RESPONSES), partition),
            parts.clock,
            RECENT_ANSWERS,
        )
        rules = parts.pool.catalogue.feedback
        counter = FeedbackCounter(
            publisher=parts.publisher,
            clock=parts.clock,
            finder=finder,
            read=parts.read_feedback,
            dead_letter=parts.feedback_letter,
            rules=rules,
            within_s=parts.settings.feedback_within_s,
        )
        owner = QualityOwner(
            QualityParts(
                publisher=parts.publisher,
                clock=parts.clock,
                table=parts.group.table("quality-cells", topic(Topic.QUALITY_CELLS), counts.topic),
                reader=await stack.enter_async_context(parts.log.reader()),
                counter=counter,
                feedback=self._feedback,
                counts=counts,
                shadow_answers=topic(Topic.SHADOW_ANSWERS),
                rules=rules,
                fence=parts.group.fence,
                most_given=parts.settings.feedback_ids,
            )
        )
        self._deliver(Topic.QUALITY_COUNTS, "turnout.quality", owner.ingest)
        owners[counts] = owner
        return owner

    async def _batch_collector(
        self, provider: BatchProvider, owners: dict[TopicPartition, PartitionOwner], stack: AsyncExitStack
    ) -> BatchCollector:
        """Give the group the collector of batches."""
        parts, settings = self._parts, self._parts.settings
        anchor = TopicPartition(settings.topic(Topic.BATCH_LANES), 0)
        collector = BatchCollector(
            BatchParts(
                catalogue=parts.pool.catalogue,
                provider=provider,
                publisher=parts.publisher,
                log=parts.log,
                table=parts.group.table("batches", settings.topic(Topic.BATCH_STATE), anchor.topic),
                fence=parts.group.fence,
                records=BatchRecords(parts.log, settings.topic(Topic.BATCH_REQUESTS)),
                responses=settings.topic(Topic.RESPONSES),
                kept=parts.kept_answers,
                group=settings.group,
                clock=parts.clock,
                chance=parts.chance,
                ended=parts.batch_answered,
                shortened=parts.shortened,
                reply_to_allowed=frozenset(settings.reply_to_allowed),
                max_request_bytes=settings.max_request_bytes,
                deadlines=DeadlineRules(settings.batch_margin_s, max(settings.batch_margin_s, MOST_MARGIN_S)),
                polling=PollRules(least_s=settings.batch_poll_s, most_s=max(settings.batch_poll_s, MOST_POLL_S)),
                keeps_files=settings.batch_keep_files,
                max_age_s=settings.batch_max_age_s,
            ),
            await stack.enter_async_context(parts.log.reader()),
            lambda: self._partitions(Topic.BATCH_REQUESTS),
        )
        self._deliver(Topic.BATCH_LANES, "turnout.batches", collector.ingest)
        owners[anchor] = collector
        return collector

    async def _feedback(self) -> Sequence[TopicPartition]:
        """Return where scores lie: in the feedback, and in the verdicts on shadow answers."""
        feedback = await self._partitions(Topic.FEEDBACK)
        if self._parts.pool.catalogue.shadow_calls is None:
            return feedback
        return [*feedback, *await self._partitions(Topic.SHADOW_ANSWERS)]

    def _deliver(self, topic: Topic, name: str, take: Callable[[Sequence[Received]], None]) -> None:
        self._parts.group.deliver(self._parts.settings.topic(topic), name, take, WEIGHTS[topic])

    async def _partitions(self, topic: Topic) -> Sequence[TopicPartition]:
        name = self._parts.settings.topic(topic)
        return [TopicPartition(name, number) for number in range(await self._parts.log.partition_count(name))]
