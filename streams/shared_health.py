"""A worker's two ends of the shared health: it tells the others what it sees, and follows what all see together."""

import asyncio
from collections.abc import Callable

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from router.fleet import Fleet
from schemas.health import ModelHealth
from streams.publisher import Publisher

log = structlog.get_logger()

TELL_S = 0.1
"""How often to look whether there is something to tell; `router.reports` decides."""
POLL_MS = 200
LONELY_S = 5.0
"""A starting worker waits so long for its shares of the limits before it takes requests with its joining share."""


class Reporter:
    """Publishes the fleet's reports as they become due, and changes that no request of this worker brought about."""

    def __init__(
        self, fleet: Fleet, publisher: Publisher, clock: Callable[[], float], announce: Callable[[], None]
    ) -> None:
        self._announce = announce
        self._fleet = fleet
        self._publisher = publisher
        self._clock = clock

    async def run(self) -> None:
        """Report for ever."""
        while True:
            self._announce()
            for stats in self._fleet.take_reports(self._clock()):
                try:
                    await self._publisher.model_stats(stats)
                except KafkaError as error:
                    log.warning("a report to the other workers is lost", error=str(error))
            await asyncio.sleep(TELL_S)

    async def leave(self) -> None:
        """Tell the last of it, so that nothing is kept for this worker any more."""
        try:
            async with asyncio.timeout(LONELY_S):
                for stats in self._fleet.leave(self._clock()):
                    await self._publisher.model_stats(stats)
        except (KafkaError, TimeoutError) as error:
            log.warning("could not say goodbye to the other workers", error=str(error))


class Follower:
    """Reads the compacted health topic from its beginning and for ever, without a group."""

    def __init__(self, fleet: Fleet, consumer: AIOKafkaConsumer, topic: str, clock: Callable[[], float]) -> None:
        self.latest: dict[str, ModelHealth] = {}
        """The last health of each model, however old."""
        self._fleet = fleet
        self._consumer = consumer
        self._partition = TopicPartition(topic, 0)
        self._clock = clock
        self._caught_up = asyncio.Event()
        self._has_shares = asyncio.Event()

    async def run(self) -> None:
        """Follow for ever."""
        self._consumer.assign([self._partition])
        await self._consumer.seek_to_beginning(self._partition)
        while True:
            batches = await self._consumer.getmany(timeout_ms=POLL_MS)
            for record in (record for batch in batches.values() for record in batch):
                if record.value is not None:
                    self._take(record.value)
            if not batches:
                self._caught_up.set()
            if self._fleet.has_shares(self._clock()):
                self._has_shares.set()

    async def caught_up(self) -> None:
        """Wait until what stood on the topic has been read."""
        await self._caught_up.wait()

    async def shares(self) -> None:
        """Wait until this worker knows its shares of the limits, or for `LONELY_S` once."""
        try:
            async with asyncio.timeout(LONELY_S):
                await self._has_shares.wait()
        except TimeoutError:
            log.warning("no share of the limits has come; starting with the joining share", waited_s=LONELY_S)
            self._has_shares.set()

    def _take(self, value: bytes) -> None:
        try:
            health = ModelHealth.decode(value)
        except (ValueError, ValidationError) as error:
            log.warning("a record of the health topic cannot be read", error=str(error).partition("\n")[0])
            return
        self.latest[health.request_model] = health
        self._fleet.follow(health, self._clock())
