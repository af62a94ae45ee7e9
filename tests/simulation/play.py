"""Plays a plan: whole workers in memory, and returns the history of what happened."""

import asyncio
import gc
import logging
import random
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import orjson
import structlog

from router.budgets.lease import BudgetLease
from schemas.caching import CacheEntry, tenant_key
from schemas.message import utc_from_ms
from schemas.topics import Topic
from streams.codec import Delivery
from streams.ports import Record, TopicPartition
from tests.fakes.link import GIVES_UP_S, Weather
from tests.fakes.loop import START_S, VirtualLoop
from tests.fakes.provider import Fate
from tests.fakes.world import KIND, WorkerProcess, World
from tests.simulation.history import (
    Called,
    Charged,
    Committed,
    Created,
    Forgot,
    History,
    Left,
    Published,
    Trouble,
    Written,
)
from tests.simulation.plan import COPIES, SESSION_S, SETTINGS, Blow, Plan

LAST_WRITES_S = 10.0
"""What is being published when its partition is lost is given up within so long."""
JOIN_S = 8.0
"""Workers have joined, and know their shares, before the first request."""
SETTLE_S = 120.0
"""After the last deadline everything is answered within so long, whatever went wrong."""
MOST_WORKERS = 5
BATCH_SPREAD = 0.5
"""Of the logarithm of the time that a batch takes."""
CLEAN_EVERY_S = 60.0
STORM = {
    "errors": {Fate.ERROR: 0.9},
    "hangs": {Fate.HANGS: 0.5},
    "dies": {Fate.BROKEN_OFF: 0.5},
    "limited": {Fate.LIMITED: 0.7},
    "away": {Fate.UNREACHABLE: 1.0},
}
LOST = Weather(slowest_s=0.05, lost_before=0.15, lost_after=0.15)


class Play:
    """One play of a plan."""

    def __init__(self, plan: Plan, loop: VirtualLoop, say: Callable[[float], None]) -> None:
        self.plan = plan
        self.say = say
        self.loop = loop
        self.world = World(
            loop,
            plan.catalogue(),
            seed=plan.seed,
            settings=SETTINGS,
            characters=plan.characters(),
            charges=() if plan.charged_failures else KIND,  # the catalogue says what is so
        )
        providers = self.world.providers
        providers.honours_keys, providers.charged_failures = plan.honours_keys, plan.charged_failures
        providers.reasoning, providers.cached = plan.reasoning, plan.cached
        self._lanes: dict[bytes | None, bool] = {}
        """Whether nothing waits in each batch lane, and all its batches are over."""
        self._waiting: dict[tuple[int, bytes | None], bool] = {}
        """Whether a request of the batch lane is answered, by partition and key."""
        self._set_up_batches()
        self.world.broker.create(COPIES)
        self.history = History(
            seed=plan.seed,
            began_s=plan.began_s,
            tenants=plan.limits(),
            secrets=tuple(guest.key for guest in plan.guests),
            max_in_flight=SETTINGS.max_in_flight,
            session_s=SESSION_S,
            client_gives_up_s=GIVES_UP_S,
        )
        self.world.broker.on_append.append(self._wrote)

    async def run(self) -> History:
        """Play it to its end."""
        for number in range(self.plan.workers):
            self._start(f"w{number}")
        await asyncio.sleep(self.plan.began_s - self.loop.time())
        beside = [asyncio.create_task(work) for work in (self._suffer(), self._forget(), self._clean())]
        await self._publish()
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await self._recover()
        await self._settle()
        self._look_at_what_is_left()
        self.history.ended_s = self.loop.time()
        self._copy()
        self.world.broker.on_append.remove(self._wrote)  # the dead are woken to be taken apart: no part of the play
        await asyncio.gather(*(worker.stop() for worker in self._alive()))
        return self.history

    def _set_up_batches(self) -> None:
        if (ways := self.plan.batches) is None:
            return
        batches = self.world.batches
        batches.takes_s, batches.spread = ways.takes_s, BATCH_SPREAD
        batches.end_chances, batches.fates, batches.fault_chances = dict(ways.ends), dict(ways.lines), dict(ways.faults)
        batches.part = 0.5
        batches.takes_files = batches.keeps_names = ways.has_names
        for from_s, to_s in ways.outages:
            for at_s, is_down in ((from_s, True), (to_s, False)):
                self.loop.in_the_world(at_s - self.loop.time(), setattr, batches, "is_down", is_down)

    async def _publish(self) -> None:
        topic = SETTINGS.topic(Topic.REQUESTS)
        for ask in self.plan.traffic():
            await asyncio.sleep(ask.at_s - self.loop.time())
            offset = self.world.broker.append(
                Record(topic, ask.value, ask.case.encode(), list(ask.headers), ask.partition)
            )
            self.history.published.append(
                Published(
                    self.loop.time(),
                    ask.partition,
                    offset,
                    ask.case,
                    ask.tenant,
                    ask.deadline_s,
                    ask.expects,
                    ask.is_plain,
                    ask.ttl_s,
                    ask.question,
                )
            )

    async def _forget(self) -> None:
        for at_s, tenant in self.plan.forgets():
            await asyncio.sleep(at_s - self.loop.time())
            entry = CacheEntry(tenant=tenant, as_of=utc_from_ms(int(self.loop.time() * 1000)))
            index = SETTINGS.topic(Topic.CACHE_INDEX)
            self.world.broker.append(Record(index, entry.encode(), tenant_key(tenant), [], 0))
            self.history.forgot.append(Forgot(self.loop.time(), tenant))

    async def _suffer(self) -> None:
        async with asyncio.TaskGroup() as under_way:
            for blow in self.plan.blows():
                await asyncio.sleep(blow.at_s - self.loop.time())
                under_way.create_task(self._strike(blow))

    async def _strike(self, blow: Blow) -> None:
        if isinstance(blow.whom, str):
            await self._spell(blow, blow.whom)
            return
        if blow.what == "join":
            if len(self._alive()) < MOST_WORKERS:
                name = f"w{len(self.world.workers)}"
                with self._noting(blow, name):
                    self._start(name)
            return
        alive = self._alive()
        if not alive:
            return
        worker = alive[blow.whom % len(alive)]
        name = worker.process.name
        with self._noting(blow, name):
            await self._hurt(worker, blow)

    async def _hurt(self, worker: WorkerProcess, blow: Blow) -> None:
        name = worker.process.name.partition("@")[0]
        match blow.what:
            case "kill":
                worker.kill()
                await asyncio.sleep(blow.for_s)
                self._start(name)
            case "stop":
                await worker.stop()
                self._start(name)
            case "freeze":
                worker.process.freeze()
                await asyncio.sleep(blow.for_s)
                worker.process.thaw()
            case "cut":
                worker.link.cut()
                await asyncio.sleep(blow.for_s)
                worker.link.heal()
            case "lose":
                worker.link.weather = LOST
                await asyncio.sleep(blow.for_s)
                worker.link.weather = Weather()

    async def _spell(self, blow: Blow, model: str) -> None:
        character = self.world.providers.models[model]
        before, storms = dict(character.chances), list(STORM.values())
        character.chances = dict(storms[int(blow.at_s * 1000) % len(storms)])
        with self._noting(blow, model):
            await asyncio.sleep(blow.for_s)
        character.chances = before

    @contextmanager
    def _noting(self, blow: Blow, whom: str) -> Iterator[None]:
        """Note how long it lasts, though the play may end before it does."""
        began_s = self.loop.time()
        try:
            yield
        finally:
            self.history.troubles.append(Trouble(began_s, self.loop.time(), whom, blow.what))

    async def _clean(self) -> None:
        while True:
            await asyncio.sleep(CLEAN_EVERY_S)
            self.world.broker.clean()
            gc.collect(1)
            self.say(self.loop.time() - self.plan.began_s)

    async def _recover(self) -> None:
        """End all trouble, so that from here on everything must come to its end."""
        self.world.batches.fault_chances = {}
        chances = self.plan.characters()
        for name, character in self.world.providers.models.items():
            character.chances = chances[name].chances if name in chances else {}
        for name, worker in list(self.world.workers.items()):
            if worker.asked.is_set():
                await worker.stop()
            if worker.process.is_dead or worker.running.done():
                self._start(name)
                self.history.troubles.append(Trouble(self.loop.time(), self.loop.time(), name, "join"))
                continue
            for is_so, what in ((not worker.process.is_running, "thaw"), (worker.link.is_cut, "mend")):
                if is_so:
                    now_s = self.loop.time()
                    self.history.troubles.append(Trouble(now_s, now_s, worker.process.name, what))
            worker.process.thaw()
            worker.link.weather = Weather()
            if worker.link.is_cut:
                worker.link.heal()

    async def _settle(self) -> None:
        """Wait until every record is committed, and nothing is under way."""
        last_s = max((one.deadline_s for one in self.history.published), default=self.loop.time())
        until_s = max(last_s, self.loop.time()) + SETTLE_S
        requests = self.world.requests
        while self.loop.time() < until_s:
            ends = {tp: self.world.broker.partition(tp).end for tp in requests.partitions}
            done = {tp: found.offset for tp, found in requests.committed.items()}
            is_finished = all(done.get(tp, 0) == end for tp, end in ends.items())
            if is_finished and all(self._waiting.values()) and all(self._lanes.values()):
                break
            await asyncio.sleep(0.5)
        await asyncio.sleep(2.0)
        until_s = self.loop.time() + GIVES_UP_S + LAST_WRITES_S
        while self.loop.time() < until_s and self._is_busy():  # noqa: ASYNC110  # virtual time costs nothing
            await asyncio.sleep(0.5)

    def _is_busy(self) -> bool:
        return any(worker.worker.pump.in_flight for worker in self._alive())

    def _tried(self, worker: str, record: Record) -> None:
        if record.topic == SETTINGS.topic(Topic.CALLS) and record.value is not None:
            self.history.tried_ahead.add((worker, orjson.loads(record.value)["event_id"]))
        if record.topic == SETTINGS.topic(Topic.WAITING) and record.value is not None:
            waiting = orjson.loads(record.value)
            if waiting["state"] == "waiting":
                self.history.tried_to_wait[worker, waiting["call"]["event_id"]] = self.loop.time()

    def _look_at_what_is_left(self) -> None:
        for worker in self._alive():
            client, pump = worker.parts.budget_client, worker.worker.pump
            leases = (client.of(guest.tenant) for guest in self.plan.guests)
            reserved = tuple(call for lease in leases if lease is not None for call in _open_calls(lease))
            self.history.left.append(Left(worker.process.name, reserved, pump.in_flight, pump.waiting))

    def _copy(self) -> None:
        """Copy what the fakes have noted."""
        history, providers = self.history, self.world.providers
        history.committed = [
            Committed(commit.at_s, commit.partition.partition, commit.offset) for commit in self.world.requests.history
        ]
        history.called = [
            Called(call.key, call.model, call.caller, call.began_s, call.ended_s, call.fate) for call in providers.calls
        ]
        batches = self.world.batches
        charged = [Charged(charge.at_s, charge.key, charge.nano_usd) for charge in providers.invoice]
        of_batches = [Charged(line.at_s, line.custom_id, line.nano_usd) for line in batches.invoice]
        history.charged = sorted([*charged, *of_batches], key=lambda one: one.at_s)
        history.created = [
            Created(job.created_s, job.our_id, job.caller, tuple(str(line["custom_id"]) for line in job.lines))
            for job in batches.jobs.values()
        ]

    def _wrote(self, tp: TopicPartition, record: Delivery, writer: str) -> None:
        if writer:
            self._follow_lanes(tp, record)
            origin = record.origin
            self.history.written.append(
                Written(
                    self.loop.time(),
                    tp.topic,
                    tp.partition,
                    origin.offset,
                    record.key,
                    record.value,
                    tuple(record.headers),
                    writer,
                )
            )

    def _follow_lanes(self, tp: TopicPartition, record: Delivery) -> None:
        """Follow how the batch lanes stand, to know when nothing waits any more."""
        if tp.topic == SETTINGS.topic(Topic.WAITING):
            told = orjson.loads(record.value or b"{}")
            self._waiting[tp.partition, record.key] = record.value is None or told["state"] == "answered"
        elif tp.topic == SETTINGS.topic(Topic.BATCH_LANES):
            told = orjson.loads(record.value or b"{}")
            is_over = all(batch["state"] == "settled" for batch in told["batches"])
            self._lanes[record.key] = is_over and not told["waiting"]

    def _alive(self) -> list[WorkerProcess]:
        return [
            worker
            for worker in self.world.workers.values()
            if worker.process.is_running and not worker.running.done() and not worker.asked.is_set()
        ]

    def _start(self, name: str) -> None:
        worker = self.world.start(name)
        worker.link.on_send.append(partial(self._tried, worker.process.name))
        process = worker.process.name

        def ended(task: "asyncio.Task[None]") -> None:
            if task.cancelled():
                return
            if (problem := task.exception()) is not None:
                self.history.defects.append(f"{process} has ended: {problem!r}")

        worker.running.add_done_callback(ended)


def _open_calls(lease: BudgetLease) -> Iterator[str]:
    for life in (*lease._past, lease._life):
        yield from life.reservations._by_call


def play(plan: Plan, say: Callable[[float], None] = lambda _done_s: None) -> History:
    """Play a plan from its begin to its end, and return what happened; `say` is told every minute how far it is."""
    loop = VirtualLoop(START_S)
    errors: list[str] = []
    random.seed(plan.seed)  # the pauses of retries
    with _hearing(errors), _collecting_the_young():
        try:
            history = loop.run_until_complete(_run(plan, loop, say))
        finally:
            heard = list(errors)
            complaints = list(loop.complaints)
            loop.close()
    history.defects += [*heard, *complaints]
    return history


def planned(seed: int, seconds: float) -> Plan:
    """Return the plan of a seed."""
    return Plan(seed, seconds, START_S + JOIN_S)


async def _run(plan: Plan, loop: VirtualLoop, say: Callable[[float], None]) -> History:
    return await Play(plan, loop, say).run()


@contextmanager
def _collecting_the_young() -> Iterator[None]:
    """Collect what is young alone, and only when the play does: the history grows, and none of it is garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _hearing(errors: list[str]) -> Iterator[None]:
    """Keep what is logged as an error, and nothing else."""

    def keep(_logger: object, _name: str, event: MutableMapping[str, Any]) -> str:
        error = event.get("exc_info")
        errors.append(f"{event.get('event')}: {error!r}" if error else str(event.get("event")))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[keep], wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        yield
    finally:
        structlog.configure(**before)
