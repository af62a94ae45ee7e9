"""A batch lane as a test of one behaviour sees it: requests that wait in, responses, costs and returns out."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any

import orjson

from router.batches.durations import DeadlineRules
from router.batches.polling import PollRules
from router.caching.index import CacheIndex
from router.catalogue import BatchTerms, Catalogue, Model
from router.cost import call_started
from router.dialects.wire import BatchForm
from router.identity import Identity, asked_of
from router.job import Job, Origin
from router.route import Candidate, Estimate, Route
from schemas.requests import Request
from schemas.responses import Response
from schemas.topics import Topic
from schemas.vocabulary import Policy, Task, Tier, WaitingState
from schemas.waiting import Waiting, WaitingCache
from streams.batch_requests import batch_record
from streams.codec import Delivery
from streams.control.batch_collector import BatchCollector
from streams.control.batch_parts import BatchParts
from streams.control.batch_records import BatchRecords
from streams.control.cache_follower import CacheFollower
from streams.control.kept_answers import KeptAnswers
from streams.control.ownership import PartitionOwners
from streams.ports import TopicPartition
from streams.publisher import Publisher
from streams.request.stored_answers import StoredAnswers
from tests.fakes.batches import BatchProviders, MemoryBatchProvider
from tests.fakes.link import Link, Weather
from tests.fakes.loop import Process, VirtualLoop, in_virtual_time
from tests.fakes.scene import SETTINGS, quiet
from tests.fakes.world import World
from tests.stage import ALPHA, make_catalogue

HALF = Decimal("0.5")
TERMS = BatchTerms(
    BatchForm.OPENAI,
    ALPHA.price.times(HALF, Decimal(0)) if ALPHA.price else None,
    86_400.0,
    max_requests=50_000,
    max_bytes=100_000_000,
)
MARGIN_S = 300.0
HOUR_S = 3600.0
Json = dict[str, Any]


def batching(model: Model = ALPHA, **terms: Any) -> Model:  # noqa: ANN401 - of any of its fields
    """Return a model that answers in batches at half of its price."""
    return replace(model, batch=replace(TERMS, **terms))


@dataclass(slots=True)
class Collecting:
    """A worker that collects batches, until it is killed."""

    process: Process
    link: Link
    collector: BatchCollector
    ended: list[Response]


@dataclass(slots=True)
class Lane:
    """One cluster and its providers, and workers in it that do nothing but collect batches."""

    world: World
    max_age_s: float = 5.0
    deadlines: dict[str, float] = field(default_factory=dict)
    """Of each request, seconds since 1970."""
    workers: list[Collecting] = field(default_factory=list)
    returned_s: dict[str, float] = field(default_factory=dict)
    answered_s: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world.broker.on_append.append(self._wrote)

    @property
    def providers(self) -> BatchProviders:
        return self.world.batches

    @property
    def loop(self) -> VirtualLoop:
        return self.world.loop

    def start(self, name: str = "w1") -> Collecting:
        """Start a worker."""
        process = Process(self.loop, f"{name}@{len(self.workers)}")
        link = Link(self.loop, process, Random(self.world.random.random()), self.world.weather)  # noqa: S311 - dice
        worker = process.run(self._make, name, process, link)
        self.workers.append(worker)
        return worker

    def _make(self, name: str, process: Process, link: Link) -> Collecting:
        world, ports = self.world, self.world.ports(name, link)
        topic = world.settings.topic
        group, ended = ports.control_group, list[Response]()
        publisher = Publisher(ports.log, topic, name, ports.clock)
        stored = StoredAnswers(ports.log, topic(Topic.RESPONSES))
        kept = KeptAnswers(
            CacheIndex(1000, 1_000_000), stored.at, publisher, world.catalogue, lambda _result: None, ports.clock
        )
        parts = BatchParts(
            catalogue=world.catalogue,
            provider=MemoryBatchProvider(world.batches),
            publisher=publisher,
            log=ports.log,
            table=group.table("batches", topic(Topic.BATCH_STATE), topic(Topic.BATCH_LANES)),
            fence=group.fence,
            records=BatchRecords(ports.log, topic(Topic.BATCH_REQUESTS)),
            responses=topic(Topic.RESPONSES),
            kept=kept,
            group=world.settings.group,
            clock=ports.clock,
            chance=ports.chance,
            ended=ended.append,
            shortened=_shortened,
            reply_to_allowed=frozenset({"copies"}),
            deadlines=DeadlineRules(MARGIN_S),
            polling=PollRules(least_s=10.0, most_s=60.0, failed_s=2.0),
            max_age_s=self.max_age_s,
        )

        async def run() -> None:
            async with ports.log.reader() as reader, ports.log.reader() as cached, stored.open():
                collector = BatchCollector(parts, reader, self._partitions)
                worker.collector = collector
                anchor = world.partition(Topic.BATCH_LANES)
                group.deliver(anchor.topic, "turnout.batches", collector.ingest)
                follower = CacheFollower(kept.index, topic, ports.clock)
                await group.start(PartitionOwners({anchor: collector}, _at_once))
                await asyncio.gather(collector.keep(), follower.run(cached))

        worker = Collecting(process, link, None, ended)  # type: ignore[arg-type]  # as soon as it runs
        process.start(run())
        return worker

    async def _partitions(self) -> list[TopicPartition]:
        name = self.world.settings.topic(Topic.BATCH_REQUESTS)
        return [TopicPartition(name, number) for number in range(len(self.world.broker.topics[name].partitions))]

    def publish(
        self,
        request_id: str,
        *,
        within_s: float = HOUR_S,
        model: str = "alpha",
        partition: int = 0,
        offset: int | None = None,
        **fields: object,
    ) -> None:
        """Hand a request over to the lane, as its entry does."""
        now_s = self.loop.time()
        number = len(self.deadlines) if offset is None else offset
        asked: Json = {"prompt": f"Say {request_id}", "max_tokens": 50, **fields}
        waiting, delivery = waiting_of(
            self.world.catalogue,
            request_id,
            model,
            asked,
            now_s,
            within_s,
            (partition, number),
            followed=self.world.broker.partition(self.world.partition(Topic.CACHE_INDEX)).end,
        )
        self.deadlines[request_id] = now_s + within_s
        self.world.broker.append(batch_record(self.world.settings.topic(Topic.BATCH_REQUESTS), waiting, delivery))

    async def until(self, holds: Callable[[], object], within_s: float = 7200.0) -> None:
        """Wait until it holds."""
        async with asyncio.timeout(within_s):
            while not holds():  # noqa: ASYNC110  # virtual time costs nothing
                await asyncio.sleep(0.5)

    async def over(self, within_s: float = 7200.0) -> None:
        """Wait until every request is answered or handed to the live path, and every batch is settled."""
        await self.until(lambda: set(self.answered_s) | set(self.returned_s) == set(self.deadlines), within_s)
        await self.until(lambda: all(one["state"] == "settled" for one in self.batches().values()), within_s)

    def batches(self) -> dict[str, Json]:
        """Return the last stored state of each batch."""
        rows: dict[str, Json] = {}
        for record in self.world.broker.partition(self.world.partition(Topic.BATCH_STATE)).records:
            key = (record.key or b"").decode()
            if key.startswith("batch|"):
                if record.value is None:
                    rows.pop(key, None)
                else:
                    found = orjson.loads(record.value)
                    rows[key] = {"state": found.get("stage", "uploading"), **found}
        return rows

    def messages(self, topic: Topic | str) -> list[Json]:
        return [
            orjson.loads(value)
            for value in self.world.broker.values(
                self.world.settings.topic(topic) if isinstance(topic, Topic) else topic
            )
        ]

    def returned(self) -> dict[str, Json]:
        """Return the last return of each request that is handed to the live path."""
        found = [one for one in self.messages(Topic.WAITING) if one["state"] == WaitingState.RETURNED]
        return {one["request_id"]: one for one in found}

    def check(self) -> None:
        """See that each request has one end, in time, and that the bill is the invoice."""
        responses = Counter(one["request_id"] for one in self.messages(Topic.RESPONSES))
        assert set(responses.values()) <= {1}, responses
        returned = set(self.returned())
        assert returned.isdisjoint(responses)
        assert returned | set(responses) == set(self.deadlines)
        told = {one["request_id"] for one in self.messages(Topic.WAITING) if one["state"] == WaitingState.ANSWERED}
        assert told == set(responses)
        for request_id, deadline_s in self.deadlines.items():
            assert self.answered_s.get(request_id, 0.0) <= deadline_s
            assert self.returned_s.get(request_id, 0.0) <= deadline_s - MARGIN_S / 2
        events = {one["event_id"]: one for one in self.messages(Topic.COSTS)}
        assert len({tuple(sorted((k, str(v)) for k, v in one.items())) for one in self.messages(Topic.COSTS)}) == len(
            events
        ), "an id has one price"
        billed = sum(one["cost_nano_usd"] for one in events.values() if one["certainty"] == "metered")
        unknown = [one for one in events.values() if one["certainty"] != "metered"]
        invoiced = sum(one.nano_usd for one in self.providers.invoice)
        assert billed <= invoiced <= billed + sum(one["cost_nano_usd"] for one in unknown), (billed, invoiced)
        if not unknown:
            assert billed == invoiced
        our_ids = Counter(job.our_id for job in self.providers.jobs.values())
        assert set(our_ids.values()) <= {1}, "a batch is never paid twice"
        freed = [one["event_id"] for one in self.messages(Topic.BUDGET_RESERVATIONS) if one["is_released"]]
        assert set(freed).isdisjoint(events)
        assert len({*freed, *events}) == len(self.deadlines), "each reservation is freed"

    def _wrote(self, tp: TopicPartition, record: Delivery, _writer: str) -> None:
        topic = self.world.settings.topic
        if tp.topic == topic(Topic.RESPONSES):
            self.answered_s.setdefault(orjson.loads(record.value or b"")["request_id"], self.loop.time())
        elif tp.topic == topic(Topic.WAITING):
            said = orjson.loads(record.value or b"")
            if said["state"] == WaitingState.RETURNED:
                self.returned_s.setdefault(said["request_id"], self.loop.time())


async def _shortened(response: Response, _: Delivery) -> Response:
    return response.model_copy(update={"message": None, "dataref": "file:///kept"})


async def _at_once() -> None:
    """Wait for nothing."""


def waiting_of(  # noqa: PLR0913, PLR0917 - what an entry knows
    catalogue: Catalogue,
    request_id: str,
    model: str,
    asked: Json,
    now_s: float,
    within_s: float,
    place: tuple[int, int],
    *,
    followed: int = 0,
) -> tuple[Waiting, Delivery]:
    """Return what the lane's entry decides about a request, and the request's record."""
    value = orjson.dumps({"request_id": request_id, **asked})
    request = Request.model_validate(orjson.loads(value))
    origin = Origin("llm.requests.v1", *place)
    identity = Identity(request.tenant, request_id, asked_of(request))
    job = Job(request, identity, origin, now_s, now_s + within_s)
    batch_model = catalogue.models[model].in_batches()
    assert batch_model is not None
    bound = Estimate(1000, request.max_tokens or 50)
    candidate = Candidate(batch_model, "chain fast, place 1", bound, None, request.max_tokens or 50)
    call = call_started(job, Route(Task.QA, Tier.FAST, "tier fast: short"), candidate, 1, catalogue, now_s)
    call = call.model_copy(update={"service_tier": "batch", "reserved_usd": call.cost_usd})
    waiting = Waiting(
        state=WaitingState.WAITING,
        tenant=identity.tenant,
        request_id=request_id,
        asked_sha256=identity.asked,
        request_topic=origin.topic,
        request_partition=origin.partition,
        request_offset=origin.offset,
        request_key=b"k",
        written_at_ms=int(now_s * 1000),
        received_at_ms=int(now_s * 1000),
        deadline_ms=int((now_s + within_s) * 1000),
        policy=Policy.CHAIN,
        max_tokens=request.max_tokens or 50,
        call=call,
        cache=None if request.cache is None else WaitingCache(**request.cache.model_dump(), followed=followed),
    )
    return waiting, Delivery(origin, int(now_s * 1000), b"k", value, ())


def laned(
    model: Model | None = None,
    weather: Weather | None = None,
    *others: Model,
    **lane: Any,  # noqa: ANN401
) -> Callable[[Callable[[Lane], Coroutine[Any, Any, None]]], Callable[[], None]]:
    """Play a test in a world of its own."""

    def decorate(test: Callable[[Lane], Coroutine[Any, Any, None]]) -> Callable[[], None]:
        def play() -> None:
            played(test, model or batching(), weather or Weather(), others, **lane)

        play.__name__, play.__doc__, play.__module__ = test.__name__, test.__doc__, test.__module__
        return play

    return decorate


def played(
    test: Callable[[Lane], Coroutine[Any, Any, None]],
    model: Model,
    weather: Weather,
    others: tuple[Model, ...] = (),
    **lane: Any,  # noqa: ANN401
) -> None:
    """Play it."""

    async def main(loop: VirtualLoop) -> None:
        catalogue = make_catalogue(model, others=others)
        world = World(loop, catalogue, settings=SETTINGS, weather=weather)
        await test(Lane(world, **lane))

    with quiet():
        random.seed(0)
        in_virtual_time(main)
