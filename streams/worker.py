"""A worker on its ports: what it is made of, and in which order it starts and stops."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from router.batches.late import LateBatches
from router.caching.index import CacheIndex
from router.catalogue import Catalogue
from router.dead_letters import DeadLetterLimit, DeadLetterRules
from router.models.pool import ModelPool
from router.quality.flaws import FlawCounter
from router.request.lane_entry import BatchLane
from router.retry import Chance
from router.sharing.member import Member
from router.tenancy.admission import Admission
from schemas.responses import Response
from schemas.topics import Topic
from streams.away import retry_while_unreachable
from streams.config.settings import Settings
from streams.config.tokens import best_text_bound
from streams.control.app import Control
from streams.control.breaker_news import BreakerNews
from streams.control.budget_client import BudgetClient
from streams.control.keepers import ControlParts
from streams.control.kept_answers import KeptAnswers
from streams.control.shadow_mode import Shadow
from streams.ops.metrics import Metrics
from streams.ops.request_log import RequestLog
from streams.ops.web import serving
from streams.ports import BlobStore, Clock, Fence, Ports, Provider, TopicPartition
from streams.publisher import Publisher
from streams.request.answer_cache import AnswerCache
from streams.request.coming_back import ComingBack
from streams.request.counterparts import Counterparts
from streams.request.feedback_reader import FeedbackReader
from streams.request.finished_records import FinishedIdWriter
from streams.request.hand_over import HandOvers
from streams.request.handler import Handler
from streams.request.joined_calls import JoinedCalls
from streams.request.outcomes import Outcomes, letter_of_feedback, shortened
from streams.request.overtaken import OvertakenRequests
from streams.request.partition_state import AnsweredIds, PartitionState, Position
from streams.request.pump import Bounds, Pump
from streams.request.reader import RequestReader
from streams.request.recovery import Horizon, Places, recover, recover_waiting, stored_record
from streams.request.references import References
from streams.request.replay_signature import ReplaySignature
from streams.request.shadow_calls import ShadowCalls, settle_shadow_calls
from streams.request.stored_answers import StoredAnswers

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parts:
    """What one worker is made of. Each part is given what it needs of the others, and asks for nothing."""

    request_reader: RequestReader
    pool: ModelPool
    admission: Admission
    budget_client: BudgetClient
    provider: Provider
    lane: BatchLane | None
    """None: no model has batches, or this worker cannot ask for them."""
    blobs: BlobStore | None
    publisher: Publisher
    dead_letter_limit: DeadLetterLimit
    fence: Fence
    request_log: RequestLog
    metrics: Metrics
    flaws: FlawCounter
    cache_index: CacheIndex
    clock: Clock
    chance: Chance


def make_parts(settings: Settings, catalogue: Catalogue, ports: Ports, *, serves: bool = True) -> Parts:
    """Make a worker's parts; its epoch is this moment. One that `serves` no requests has no share of any limit."""
    clock = ports.clock
    member = Member(settings.worker_id, int(clock() * 1000))
    admission = _admission(catalogue, member if serves else None)
    pool = ModelPool(catalogue, member if serves else None, best_text_bound())
    ports.provider.tell_replaced_keys(pool.key_replaced)
    return Parts(
        request_reader=RequestReader(
            admission=admission,
            replay_signature=ReplaySignature.of(settings),
            requests_topic=settings.topic(Topic.REQUESTS),
            max_request_bytes=settings.max_request_bytes,
            default_deadline_s=settings.default_deadline_s,
            max_deadline_s=settings.max_deadline_s,
            reply_to_allowed=frozenset(settings.reply_to_allowed),
            max_referenced_bytes=settings.max_dataref_bytes,
            catalogue=catalogue,
            max_batch_deadline_s=settings.max_batch_deadline_s,
        ),
        pool=pool,
        admission=admission,
        budget_client=BudgetClient(catalogue.payers if serves else {}, f"{member.worker}@{member.epoch}", clock),
        provider=ports.provider,
        lane=None if ports.batches is None else BatchLane.of(catalogue, settings.batch_margin_s),
        blobs=ports.blobs,
        publisher=Publisher(ports.log, settings.topic, settings.worker_id, clock, settings.probe_key),
        dead_letter_limit=DeadLetterLimit(
            DeadLetterRules(
                share=settings.dead_letter_share,
                minimum=settings.dead_letter_minimum,
                window_s=settings.dead_letter_window_s,
            )
        ),
        fence=ports.fence,
        request_log=RequestLog(settings.log_sample, ports.chance),
        metrics=Metrics(),
        flaws=FlawCounter(member),
        cache_index=CacheIndex(settings.cache_keys, settings.cache_mb * 1_000_000),
        clock=clock,
        chance=ports.chance,
    )


def make_kept_answers(parts: Parts, stored: StoredAnswers) -> KeptAnswers:
    """Make the answer cache of a process."""
    return KeptAnswers(
        index=parts.cache_index,
        stored=stored.at,
        publisher=parts.publisher,
        catalogue=parts.pool.catalogue,
        looked_up=parts.metrics.looked_up,
        clock=parts.clock,
    )


def make_control(
    settings: Settings, parts: Parts, ports: Ports, kept_answers: KeptAnswers, announce: Callable[[], None]
) -> Control:
    """Make what runs beside the requests; `announce` is called where breakers may have changed."""

    def batch_answered(response: Response) -> None:
        """Count and log an answer of a batch, as that of a live call."""
        parts.request_log.write(response)
        parts.metrics.ended(response)
        parts.flaws.ended(response)

    control = Control(
        ControlParts(
            settings=settings,
            pool=parts.pool,
            admission=parts.admission,
            budget_client=parts.budget_client,
            publisher=parts.publisher,
            announce=announce,
            log=ports.log,
            group=ports.control_group,
            clock=parts.clock,
            flaws=parts.flaws,
            kept_answers=kept_answers,
            read_feedback=FeedbackReader(parts.admission).read,
            feedback_letter=partial(letter_of_feedback, max_letter_bytes=settings.max_message_bytes),
            batches=ports.batches,
            late_batches=LateBatches() if parts.lane is None else parts.lane.late,
            chance=parts.chance,
            batch_answered=batch_answered,
            shortened=partial(shortened, parts.blobs),
        )
    )
    parts.metrics.watch_roles(control.roles)
    return control


class Worker:
    """Serves requests from `running`'s begin to its end."""

    def __init__(self, settings: Settings, parts: Parts, ports: Ports) -> None:
        self._settings = settings
        self._parts = parts
        self._log = ports.log
        self._wall_clock = ports.wall_clock
        self._intake = ports.intake
        news = BreakerNews(parts.pool, parts.publisher)
        self._stored_answers = StoredAnswers(ports.log, settings.topic(Topic.RESPONSES))
        self._kept_answers = make_kept_answers(parts, self._stored_answers)
        self._control = make_control(settings, parts, ports, self._kept_answers, news.announce)
        self._counterparts = Counterparts(
            ports.intake,
            ports.log.partition_count,
            settings.topic(Topic.REQUESTS),
            tuple(settings.topic(topic) for topic in _along_with_requests(parts.lane)),
        )
        self._shadow_calls = self._make_shadow_calls(news.announce)
        self._finished_ids = FinishedIdWriter(ports.log, settings.topic(Topic.FINISHED_IDS))
        self.pump = Pump(
            self._handler(news.announce),
            self._recover,
            self._new_ids,
            self._bounds(),
            ports.intake,
            self._counterparts,
            shadow_calls=self._shadow_calls,
            at_once=parts.lane is not None or self._shadow_calls is not None,
        )
        self._coming_back = ComingBack(
            log=ports.log,
            waiting_topic=settings.topic(Topic.WAITING),
            batch_topic=settings.topic(Topic.BATCH_REQUESTS),
            reader=parts.request_reader,
            states=self.pump.recovered,
            has_room=self.pump.has_room,
            give=self.pump.take_back,
            overtaken=OvertakenRequests(self._stored_waiting, self._stored_answers.at, parts.publisher, parts.fence),
        )
        shadow = Shadow(parts.admission, parts.budget_client)
        parts.metrics.watch(self.pump, parts.pool, shadow.refusals, self._counterparts.missing, parts.cache_index)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start the control side, then the intake; at the end drain the intake, then say goodbye to the others."""
        parts = self._parts
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._stored_answers.open())
            await stack.enter_async_context(self._control.running())
            await stack.enter_async_context(
                serving(self._settings.web_port, parts.metrics.registry, parts.fence.is_open)
            )
            await retry_while_unreachable(self._counterparts.look)
            await self._intake.start(self.pump)
            try:
                yield
            finally:
                log.info("worker is stopping", in_flight=self.pump.in_flight, drain_s=self._settings.drain_s)
                try:
                    await self._intake.stop()
                finally:  # even then, what is being published ends before the producer does
                    await self.pump.close()
                    await self._finished_ids.close()

    def _make_shadow_calls(self, announce: Callable[[], None]) -> ShadowCalls | None:
        parts, rules = self._parts, self._parts.pool.catalogue.shadow_calls
        if rules is None:
            return None
        return ShadowCalls(
            rules=rules,
            pool=parts.pool,
            budget_client=parts.budget_client,
            provider=parts.provider,
            publisher=parts.publisher,
            metrics=parts.metrics,
            announce=announce,
            has_time=self._has_time,
            fence=parts.fence,
            clock=parts.clock,
            chance=parts.chance,
        )

    def _has_time(self) -> bool:
        return self.pump.has_time()

    def roles(self) -> Mapping[str, bool]:
        """Return what this worker may keep for all, and whether it does."""
        return self._control.roles()

    async def stopped(self, asked: Callable[[], Awaitable[None]]) -> None:
        """Wait until the worker is asked to stop, or cannot go on.

        Raises:
            Exception: why it cannot go on.
        """
        ends = [self.pump.broken(), self._control.broken(), asked(), self._intake.broken(), self._counterparts.watch()]
        ends.append(self._finished_ids.run())
        if self._parts.lane is not None:
            ends.append(self._coming_back.run())
        waiting = [asyncio.ensure_future(end) for end in ends]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for end in waiting:
            if end.done():
                end.result()
            end.cancel()

    async def reading(self) -> Hashable:
        """Return how much has been read, while there is more to read and nothing of our own in the way; else None."""
        should_read = self._parts.fence.is_open() and self.pump.idle() and await self._intake.has_unread()
        return self._intake.handed_over if should_read else None

    async def overdue(self) -> Hashable:
        """Return the request that should have ended first, if it should have by now; else None."""
        should_end = self._parts.fence.is_open() and not self._parts.publisher.is_refused
        return self.pump.overdue(self._parts.clock()) if should_end else None

    async def _recover(self, partition: TopicPartition, state: PartitionState) -> None:
        """Fill the state of a partition that has just been assigned, and wait for this worker's shares."""
        await retry_while_unreachable(self._read_back, partition, state)
        await self._control.shares()

    async def _read_back(self, partition: TopicPartition, state: PartitionState) -> None:
        settings = self._settings
        metadata = await self._intake.committed_metadata(partition)
        since = Position() if metadata is None else Position.parse(metadata)
        since_ms = int((self._wall_clock() - settings.duplicate_horizon_s) * 1000)
        places = Places(
            *(
                TopicPartition(settings.topic(topic), partition.partition)
                for topic in (Topic.RESPONSES, Topic.FINISHED_IDS, Topic.CALLS)
            )
        )
        async with self._log.reader() as reader:
            horizon = Horizon(since_ms, settings.duplicate_ids)
            await recover(state, reader, places, since, horizon, self._finished_ids)
            await settle_shadow_calls(state, self._parts.publisher, self._parts.fence)
            if self._parts.lane is not None:
                waiting = TopicPartition(settings.topic(Topic.WAITING), partition.partition)
                await recover_waiting(state, reader, waiting, horizon)

    async def _stored_waiting(self, partition: int, offset: int) -> bytes | None:
        async with self._log.reader() as reader:
            waiting = TopicPartition(self._settings.topic(Topic.WAITING), partition)
            record = await stored_record(reader, waiting, offset)
            return None if record is None else record.value

    def _new_ids(self) -> AnsweredIds:
        return AnsweredIds(self._settings.duplicate_horizon_s, self._settings.duplicate_ids)

    def _bounds(self) -> Bounds:
        settings = self._settings
        return Bounds(
            in_flight=settings.max_in_flight,
            held=max(settings.max_held, settings.max_in_flight),
            held_bytes=settings.max_held_mb * 1_000_000,
            span=settings.max_span,
        )

    def _payloads_at_a_time(self) -> int:
        """Return how many of the largest payloads fit into what records may take up."""
        return max(1, self._bounds().held_bytes // self._settings.max_dataref_bytes)

    def _handler(self, announce: Callable[[], None]) -> Handler:
        parts = self._parts
        outcomes = Outcomes(
            publisher=parts.publisher,
            fence=parts.fence,
            stored=self._stored_answers.at,
            drawn_by=parts.budget_client.drawn_by,
            request_log=parts.request_log,
            metrics=parts.metrics,
            flaws=parts.flaws,
            finished_ids=self._finished_ids,
            clock=parts.clock,
            blobs=parts.blobs,
            max_letter_bytes=self._settings.max_message_bytes,
        )
        return Handler(
            request_reader=parts.request_reader,
            references=References(
                parts.blobs, parts.request_reader, asyncio.Semaphore(self._payloads_at_a_time()), parts.clock
            ),
            pool=parts.pool,
            admission=parts.admission,
            budget_client=parts.budget_client,
            provider=parts.provider,
            joined_calls=JoinedCalls(parts.provider, parts.fence, parts.clock),
            publisher=parts.publisher,
            outcomes=outcomes,
            answer_cache=AnswerCache(self._kept_answers, flights={}),
            hand_overs=HandOvers(
                lane=parts.lane,
                pool=parts.pool,
                budget_client=parts.budget_client,
                publisher=parts.publisher,
                fence=parts.fence,
                stored=self._stored_waiting,
                metrics=parts.metrics,
                clock=parts.clock,
                chance=parts.chance,
                max_live_deadline_s=self._settings.max_deadline_s,
            ),
            dead_letter_limit=parts.dead_letter_limit,
            announce=announce,
            fence=parts.fence,
            clock=parts.clock,
            chance=parts.chance,
            shadow_calls=self._shadow_calls,
        )


def _along_with_requests(lane: BatchLane | None) -> Sequence[Topic]:
    """Return the topics that need a partition of each request's number."""
    always = Topic.RESPONSES, Topic.CALLS, Topic.FINISHED_IDS
    return always if lane is None else (*always, Topic.WAITING)


def _admission(catalogue: Catalogue, member: Member | None) -> Admission:
    admission = Admission(catalogue.tenants, member)
    if admission.is_open:
        log.warning("the pipeline is open: no tenant has a key, so whoever may write requests may spend")
    return admission
