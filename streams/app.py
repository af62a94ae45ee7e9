"""The one composition root: settings and catalogue in, a running worker out."""

import asyncio
import gc
import random
from collections.abc import AsyncIterator, Hashable
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic, time

import faust
import structlog
from aiokafka import TopicPartition
from faust.types import TP, StreamT

from router.catalogue import Catalogue
from router.dead_letters import DeadLetterLimit, DeadLetterRules
from router.finished_ids import FinishedIds
from router.models.pool import ModelPool
from router.sharing.member import Member
from router.tenancy.admission import Admission
from schemas.topics import Topic
from streams.config.catalogue_file import CatalogueFile
from streams.config.settings import Settings
from streams.config.tokens import best_text_bound
from streams.control.app import Control, running_control
from streams.control.budget_client import BudgetClient
from streams.kafka.clients import admin, make_producer, reader, retry_while_unreachable
from streams.kafka.faust_app import faust_app
from streams.kafka.fence import Fence
from streams.kafka.producer import started
from streams.kafka.transport import SafeTransport
from streams.ops.clock import Clock
from streams.ops.metrics import Metrics
from streams.ops.request_log import RequestLog
from streams.ops.shutdown import GOODBYE_S, Shutdown
from streams.ops.watchdog import Concern, Watchdog
from streams.ops.web import serving
from streams.providers.chat_completions import ChatCompletions, Endpoint
from streams.providers.transport import AiohttpTransport
from streams.publisher import Publisher
from streams.request.handler import Handler
from streams.request.partition_state import PartitionState, Position
from streams.request.pump import Bounds, Pump
from streams.request.reader import RequestReader
from streams.request.recovery import Horizon, recover, stored_response
from streams.request.replay_signature import ReplaySignature
from streams.topics import check_topics

log = structlog.get_logger()

POLLED_RECORDS = 500
"""What one look at the consumer brings at most. A partition that is held back still delivers what was brought."""
BUFFERED_RECORDS = 512
"""Records that wait between the consumer and a full pump."""
REBALANCE_MARGIN_S = 30.0


async def run_worker(settings: Settings, catalogue_file: CatalogueFile) -> None:
    """Serve requests until SIGTERM or SIGINT, then drain; a second signal stops at once (`streams.ops.shutdown`).

    Raises:
        TopicsError: the topics are missing or do not fit together.
        TooManyDeadLetters: the limit is exceeded; the records that exceed it stay on the topic.
        Exception: what the worker cannot go on after; whatever was not acknowledged will be delivered again.
    """
    shutdown = Shutdown(settings.drain_s + GOODBYE_S)
    shutdown.listen()
    async with admin(settings) as client:
        await check_topics(client, settings)
    async with AsyncExitStack() as stack:
        fence = Fence(settings.session_timeout_s, monotonic)
        handler = await stack.enter_async_context(_handler(settings, catalogue_file, fence))
        control = await stack.enter_async_context(running_control(settings, handler))

        async def prepare(tp: TP, state: PartitionState) -> None:
            await retry_while_unreachable(_read_back, settings, app, tp, state)
            await control.shares()

        def new_ids() -> FinishedIds:
            return FinishedIds(settings.duplicate_horizon_s, settings.duplicate_ids)

        pump = Pump(handler, prepare, new_ids, _bounds(settings), lambda: app.consumer)
        app = make_app(settings, pump, fence)
        handler.metrics.watch(pump)

        async def reading() -> Hashable:
            should_read = fence.is_open() and pump.idle() and await app.consumer.has_unread()
            return app.consumer.handed_over if should_read else None

        async def ending_requests() -> Hashable:
            should_end = fence.is_open() and not handler.publisher.is_refused
            return pump.overdue(handler.clock()) if should_end else None

        watchdog = Watchdog(
            settings.stuck_after_s,
            Concern("records lie on the topic and none has been read", reading),
            Concern("a request has been under way past its deadline", ending_requests),
        )
        await stack.enter_async_context(serving(settings.web_port, handler.metrics.registry, fence.is_open))
        await app.start()
        app.sensors.remove(app.monitor)  # Faust's own statistics at every record, which nobody reads
        _spare_the_collector()
        log.info("worker is ready", worker=settings.worker_id, group=settings.group, brokers=settings.brokers)
        try:
            async with watchdog.watching():  # not the end, which has a bound of its own, and no consumer to look at
                await _until_stopped(app, pump, control, shutdown)
        except BaseException:
            shutdown.begin(code=1)
            raise
        finally:
            log.info("worker is stopping", in_flight=pump.in_flight, drain_s=settings.drain_s)
            try:
                await app.stop()
            finally:  # even then, what is being published ends before the producer does
                await pump.close()
    log.info("worker has stopped")


def make_app(settings: Settings, pump: Pump, fence: Fence) -> faust.App:
    """Return the Faust app with its one agent, not started."""
    app = faust_app(
        settings,
        settings.drain_s + REBALANCE_MARGIN_S,
        broker_max_poll_interval=settings.drain_s + 10 * REBALANCE_MARGIN_S,
        broker_max_poll_records=POLLED_RECORDS,
        stream_buffer_maxsize=BUFFERED_RECORDS,
    )
    app.transport = SafeTransport(
        app.conf.broker,
        app,
        checkpoint=pump.checkpoint,
        drain_timeout_s=settings.drain_s,
        idempotent=settings.idempotence,
        work=pump,
        fence=fence,
    )
    requests = app.topic(settings.topic(Topic.REQUESTS), key_serializer="raw", value_serializer="raw")

    @app.agent(requests, name="turnout.pump")  # type: ignore[untyped-decorator]  # faust is untyped
    async def take(stream: StreamT[bytes]) -> None:
        await pump.run(stream)

    @app.on_partitions_revoked.connect  # type: ignore[untyped-decorator]  # faust is untyped
    async def revoked(_app: faust.App, revoked: set[TP], **_signal: object) -> None:
        await pump.let_go(revoked)

    return app


@asynccontextmanager
async def _handler(settings: Settings, catalogue_file: CatalogueFile, fence: Fence) -> AsyncIterator[Handler]:
    clock = Clock()
    member = Member(settings.worker_id, int(clock() * 1000))
    endpoints = {
        name: Endpoint(provider.base_url or settings.provider_base_url, settings.api_key_for(name))
        for name, provider in catalogue_file.providers.items()
    }
    async with started(lambda: make_producer(settings)) as kafka_producer, AiohttpTransport() as transport:
        yield Handler(
            request_reader=RequestReader(
                max_request_bytes=settings.max_request_bytes,
                default_deadline_s=settings.default_deadline_s,
                reply_to_allowed=frozenset(settings.reply_to_allowed),
            ),
            pool=ModelPool(catalogue_file.catalogue, member, best_text_bound()),
            admission=_admission(catalogue_file.catalogue, member),
            replay_signature=ReplaySignature.of(settings),
            budget_client=BudgetClient(catalogue_file.catalogue.tenants, f"{member.worker}@{member.epoch}", clock),
            provider=ChatCompletions(transport, endpoints, clock),
            publisher=Publisher(kafka_producer, settings.topic, settings.worker_id, settings.probe_key),
            dead_letter_limit=DeadLetterLimit(
                DeadLetterRules(
                    share=settings.dead_letter_share,
                    minimum=settings.dead_letter_minimum,
                    window_s=settings.dead_letter_window_s,
                )
            ),
            fence=fence,
            stored=lambda partition, offset: _stored(settings, partition, offset),
            request_log=RequestLog(settings.log_sample, random.random),
            metrics=Metrics(),
            clock=clock,
            chance=random.random,
        )


def _admission(catalogue: Catalogue, member: Member) -> Admission:
    admission = Admission(catalogue.tenants, member)
    if admission.is_open:
        log.warning("the pipeline is open: no tenant has a key, so whoever may write requests may spend")
    return admission


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        in_flight=settings.max_in_flight,
        held=max(settings.max_held, settings.max_in_flight),
        held_bytes=settings.max_held_mb * 1_000_000,
        span=settings.max_span,
    )


async def _read_back(settings: Settings, app: faust.App, tp: TP, state: PartitionState) -> None:
    """Read back what had happened on a partition."""
    committed = await app.consumer.committed_with_metadata([tp])
    since = Position.parse(committed[tp].metadata) if tp in committed else Position()
    horizon = Horizon(int((time() - settings.duplicate_horizon_s) * 1000), settings.duplicate_ids)
    async with reader(settings) as consumer:
        responses = TopicPartition(settings.topic(Topic.RESPONSES), tp.partition)
        calls = TopicPartition(settings.topic(Topic.CALLS), tp.partition)
        await recover(state, consumer, responses, calls, since, horizon)


async def _stored(settings: Settings, partition: int, offset: int) -> bytes | None:
    async with reader(settings) as consumer:
        responses = TopicPartition(settings.topic(Topic.RESPONSES), partition)
        return await stored_response(consumer, responses, offset)


async def _until_stopped(app: faust.App, pump: Pump, control: Control, shutdown: Shutdown) -> None:
    crashed = asyncio.ensure_future(app.wait_until_stopped())
    broken = asyncio.ensure_future(pump.broken())
    control_broken = asyncio.ensure_future(control.broken())
    asked = asyncio.ensure_future(shutdown.asked())
    await asyncio.wait([crashed, broken, control_broken, asked], return_when=asyncio.FIRST_COMPLETED)
    for task in (crashed, broken, control_broken, asked):
        if task.done():
            task.result()
        task.cancel()
    if app.crashed:
        raise app.crash_reason or RuntimeError("the Faust app has crashed")


def _spare_the_collector() -> None:
    """Keep the garbage collector from walking through everything at every few hundred allocations.

    What lives for the length of a call dies by its reference count; what was made at the start stays.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
