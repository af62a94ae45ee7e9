"""A world as a test of one behaviour sees it: requests in, records out, and the order in which everything happened."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog

from router.catalogue import Catalogue
from schemas.topics import Topic
from streams.codec import Delivery
from streams.config.settings import Settings
from streams.ports import Record, TopicPartition
from tests.fakes.link import Weather
from tests.fakes.loop import VirtualLoop, in_virtual_time
from tests.fakes.provider import Call, Character
from tests.fakes.world import WorkerProcess, World
from tests.stage import TWO

JOINED_S = 8.0
"""Within so long a worker has joined, knows its shares and takes requests."""
SETTINGS = Settings(partitions=2, log_sample=0, drain_s=5, topic_prefix="")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: a record was written (`what` is its topic), or a call reached the provider."""

    at_s: float
    what: str
    id: str
    """The request's; of a call its idempotency key."""
    partition: int = 0
    message: Json = field(default_factory=dict)


class Scene:
    """One test's world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.loop = world.loop
        self.timeline: list[Event] = []
        self._acts: dict[str, Callable[[], object]] = {}
        world.broker.on_append.append(self._wrote)
        world.providers.on_call.append(self._called)

    async def start(self, *names: str) -> list[WorkerProcess]:
        """Start workers, and wait until they take requests."""
        started = [self.world.start(name) for name in names]
        await asyncio.sleep(JOINED_S)
        return started

    def publish(self, request_id: str | None = "r-1", *, partition: int = 0, key: str = "", **fields: object) -> None:
        """Publish a request."""
        asked = {"request_id": request_id, "prompt": "Hello", "max_tokens": 50, **fields}
        headers = [("authorization", f"Bearer {key}".encode())] if key else []
        self.publish_bytes(orjson.dumps(asked), partition, headers)

    def publish_bytes(self, value: bytes, partition: int = 0, headers: list[tuple[str, bytes]] | None = None) -> None:
        """Publish what may be no request."""
        topic = self.world.settings.topic(Topic.REQUESTS)
        self.world.broker.append(Record(topic, value, b"k", headers or [], partition))

    def when(self, what: str, act: Callable[[], object]) -> None:
        """Act at the moment at which this happens first."""
        self._acts[what] = act

    async def until(self, holds: Callable[[], object], within_s: float = 60.0) -> None:
        """Wait until it holds."""
        async with asyncio.timeout(within_s):
            while not holds():  # noqa: ASYNC110  # virtual time costs nothing
                await asyncio.sleep(0.01)

    async def answered(self, *request_ids: str, within_s: float = 60.0) -> list[Json]:
        """Wait for these responses, and return the first of each."""
        await self.until(lambda: all(self.responses(request_id) for request_id in request_ids), within_s)
        return [self.responses(request_id)[0] for request_id in request_ids]

    def messages(self, topic: Topic | str) -> list[Json]:
        """Return what has been written to a topic."""
        return [event.message for event in self.timeline if event.what == topic]

    def responses(self, request_id: str) -> list[Json]:
        return [found for found in self.messages(Topic.RESPONSES) if found.get("request_id") == request_id]

    def calls(self) -> list[Call]:
        """Return the calls that the providers have seen."""
        return self.world.providers.calls

    def first(self, what: str) -> int:
        """Return the place in the timeline of the first event of this kind."""
        return next(place for place, event in enumerate(self.timeline) if event.what == what)

    def committed(self, partition: int = 0) -> int:
        """Return the committed offset of the requests; 0 without one."""
        found = self.world.requests.committed.get(self.world.partition(Topic.REQUESTS, partition))
        return 0 if found is None else found.offset

    def _wrote(self, tp: TopicPartition, record: Delivery, _writer: str) -> None:
        try:
            message = orjson.loads(record.value or b"{}")
        except orjson.JSONDecodeError:
            message = {}
        found = message if isinstance(message, dict) else {}
        event = Event(self.loop.time(), tp.topic, str(found.get("request_id")), tp.partition, found)
        self._happened(event)

    def _called(self, call: Call) -> None:
        self._happened(Event(self.loop.time(), "call", call.key))

    def _happened(self, event: Event) -> None:
        self.timeline.append(event)
        if (act := self._acts.pop(event.what, None)) is not None:
            act()


def played(
    catalogue: Catalogue = TWO,
    settings: Settings = SETTINGS,
    weather: Weather | None = None,
    characters: dict[str, Character] | None = None,
) -> Callable[[Callable[[Scene], Coroutine[Any, Any, None]]], Callable[[], None]]:
    """Play a test in a world of its own, with nothing running in it yet."""

    def decorate(test: Callable[[Scene], Coroutine[Any, Any, None]]) -> Callable[[], None]:
        def play() -> None:
            async def main(loop: VirtualLoop) -> None:
                world = World(
                    loop,
                    catalogue,
                    settings=settings,
                    weather=weather or Weather(),
                    characters=characters or {},
                )
                await test(Scene(world))

            with quiet():
                random.seed(0)  # the pauses of retries
                in_virtual_time(main)

        play.__name__, play.__doc__, play.__module__ = test.__name__, test.__doc__, test.__module__
        return play

    return decorate


@contextmanager
def quiet(level: int = logging.CRITICAL) -> Iterator[None]:
    """Log nothing meanwhile."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
    try:
        yield
    finally:
        structlog.configure(**before)
