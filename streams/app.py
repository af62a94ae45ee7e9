"""The one composition root: settings and catalogue in, a running worker on Kafka out."""

import gc
import os
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic, time

import structlog

from streams.blobs.store import blob_store
from streams.config.catalogue_file import CatalogueFile
from streams.config.settings import Settings
from streams.control_process import ControlProcess
from streams.kafka.clients import admin, make_producer
from streams.kafka.control_group import FaustControlGroup
from streams.kafka.fence import HeartbeatFence
from streams.kafka.intake import FaustIntake
from streams.kafka.log import KafkaLog
from streams.kafka.pinned_check import warn_if_untested
from streams.kafka.producer import started
from streams.ops.clock import Clock
from streams.ops.request_log import scrub_from_the_log
from streams.ops.shutdown import GOODBYE_S, Shutdown
from streams.ops.watchdog import Concern, Watchdog
from streams.ports import Ports
from streams.providers.batches import HttpBatches
from streams.providers.connections import connections_of
from streams.providers.endpoints import Endpoint, endpoints_of
from streams.providers.http_provider import HttpProvider
from streams.providers.key_renewal import Renew, renewing
from streams.providers.transport import BODY_FACTOR, AiohttpTransport
from streams.topics import check_topics
from streams.worker import Worker, make_parts

log = structlog.get_logger()


async def run_worker(settings: Settings, catalogue_file: CatalogueFile) -> None:
    """Serve requests until SIGTERM or SIGINT, then drain; a second signal stops at once (`streams.ops.shutdown`).

    Raises:
        TopicsError: the topics are missing or do not fit together.
        TooManyDeadLetters: the limit is exceeded; the records that exceed it stay on the topic.
        Exception: what the worker cannot go on after; whatever was not acknowledged will be delivered again.
    """
    shutdown = await _prepared(settings, catalogue_file)
    async with kafka_ports(settings, catalogue_file) as ports:
        worker = Worker(settings, make_parts(settings, catalogue_file.catalogue, ports), ports)
        watchdog = Watchdog(
            settings.stuck_after_s,
            Concern("records lie on the topic and none has been read", worker.reading),
            Concern("a request has been under way past its deadline", worker.overdue),
        )
        await _run("worker", worker, settings, shutdown, watchdog)


async def run_control(settings: Settings, catalogue_file: CatalogueFile) -> None:
    """Keep for all workers what one at a time keeps, until SIGTERM or SIGINT; a second signal stops at once.

    Raises:
        TopicsError: the topics are missing or do not fit together.
        Exception: what the process cannot go on after; another one goes on with what it kept.
    """
    settings = settings.model_copy(update={"control": True})
    shutdown = await _prepared(settings, catalogue_file)
    async with kafka_ports(settings, catalogue_file) as ports:
        process = ControlProcess(settings, make_parts(settings, catalogue_file.catalogue, ports, serves=False), ports)
        await _run("control", process, settings, shutdown, Watchdog(settings.stuck_after_s))


async def _prepared(settings: Settings, catalogue_file: CatalogueFile) -> Shutdown:
    """Listen to signals, and see that the topics are there."""
    shutdown = Shutdown(settings.drain_s + GOODBYE_S)
    shutdown.listen()
    warn_if_untested()
    async with admin(settings) as client:
        catalogue = catalogue_file.catalogue
        with_shadows = catalogue.shadow_calls is not None
        await check_topics(client, settings, with_lane=catalogue.has_batches, with_shadows=with_shadows)
    return shutdown


async def _run(
    name: str, process: Worker | ControlProcess, settings: Settings, shutdown: Shutdown, watchdog: Watchdog
) -> None:
    ready, stopped = f"{name} is ready", f"{name} has stopped"
    async with process.running():
        _spare_the_collector()
        log.info(ready, worker=settings.worker_id, group=settings.group, brokers=settings.brokers)
        try:
            async with watchdog.watching():  # not the end, which has a bound of its own, and no consumer to look at
                await process.stopped(shutdown.asked)
        except BaseException:
            shutdown.begin(code=1)
            raise
    log.info(stopped)


@asynccontextmanager
async def kafka_ports(settings: Settings, catalogue_file: CatalogueFile) -> AsyncIterator[Ports]:
    """Give what a worker stands on: a started producer, the catalogue's providers, and two groups not joined yet."""
    clock, fence = Clock(), HeartbeatFence(settings.session_timeout_s, monotonic)
    files = settings.key_files()
    endpoints = endpoints_of(settings, catalogue_file.providers, files)
    for warning in endpoints.warnings:
        log.warning(warning)
    connections = connections_of(settings, catalogue_file.providers, os.environ)
    async with (
        started(lambda: make_producer(settings)) as producer,
        AiohttpTransport(BODY_FACTOR * _largest_response_bytes(settings), connections) as transport,
        renewing(
            _renewed(
                provider := HttpProvider(transport, endpoints.by_provider, clock),
                batches := HttpBatches(transport, endpoints.by_provider, clock),
            ),
            settings,
            catalogue_file.providers,
            files,
            scrub_from_the_log,
        ),
        blob_store(settings, connections, clock) as blobs,
    ):
        yield Ports(
            log=KafkaLog(settings, producer),
            control_group=FaustControlGroup(settings),
            intake=FaustIntake(settings, fence),
            fence=fence,
            provider=provider,
            batches=batches,
            clock=clock,
            wall_clock=time,
            chance=random.random,
            blobs=blobs,
        )


def _renewed(provider: HttpProvider, batches: HttpBatches) -> Renew:
    """Return what gives both the keys of now."""

    def renew(endpoints: Mapping[str, Endpoint]) -> None:
        provider.renew(endpoints)
        batches.renew(endpoints)

    return renew


def _largest_response_bytes(settings: Settings) -> int:
    """Return what an answer may have: what its record takes, or what the store does."""
    in_store = 0 if settings.dataref_url is None else settings.max_dataref_bytes
    return max(settings.max_message_bytes, in_store)


def _spare_the_collector() -> None:
    """Keep the garbage collector from walking through everything at every few hundred allocations.

    What lives for the length of a call dies by its reference count; what was made at the start stays.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
