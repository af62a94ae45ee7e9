"""The vocabulary in which scenarios are written: one scene has topics, a provider and workers of its own.

A scenario opens the scene, publishes, breaks something, heals it, and ends; `Scene.verdict` then waits for the answers
and holds what happened against the invariants.
"""

import asyncio
import os
import re
import signal
import sys
import time
from asyncio.subprocess import PIPE, STDOUT
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, repeat
from pathlib import Path

import httpx
import orjson
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from sandbox.broker import KafkaCluster, KafkaProcess
from sandbox.provider.faults import Fault, FaultKind
from sandbox.provider.options import ProviderOptions
from sandbox.provider.process import ProviderProcess
from sandbox.provider.unkind import KIND, Unkindness
from sandbox.reconcile import judge, reconcile
from schemas.dead_letters import REPLAYED
from schemas.responses import Response
from schemas.topics import Topic
from schemas.vocabulary import AttemptOutcome, Status
from streams.config.catalogue_providers import UNANSWERED
from streams.kafka.clients import admin, producer, reader
from tests.chaos.commits import read_commits, read_generation
from tests.chaos.invariants import Evidence, Record, check, request_id_of
from tests.chaos.link import Link
from tests.harness import ROOT, Pipeline, Worker, describe_group
from tests.reference import in_chain_order

PATIENCE_S = 120.0
DEADLINE_S = 110.0
"""Longer than the default, so that a slow machine fails no request of which a scenario means that it completes."""
POLL_S = 0.1
Headers = Sequence[tuple[str, bytes]]
WATCH_S = 0.4
MAX_IN_FLIGHT = 200
QUICK = {"requests_per_minute": "1_000_000", "pause_s": "1", "max_pause_s": "4"}
"""The chaos suite's catalogue is the reference one, but its breakers come back in seconds and nobody has a limit."""


UNKIND_CHARGES = "".join(
    f"[providers.{provider}.charges]\n"
    + "".join(f'{outcome} = "unknown"\n' for outcome in sorted(UNANSWERED - {AttemptOutcome.UNREACHABLE}))
    for provider in ("openai", "anthropic", "google", "deepseek")
)
"""What the catalogue says of a provider that may charge for whatever it has heard of."""


class DidNotHold(AssertionError):  # noqa: N818 - it reads as the sentence it starts
    """A scenario's own expectation, or its patience, was disappointed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a scenario ended."""

    complaints: tuple[str, ...]
    figures: Mapping[str, int | float]

    @property
    def held(self) -> bool:
        """Whether everything held."""
        return not self.complaints


@dataclass(slots=True)
class Scene:
    """What a scenario plays on. Nothing of it is shared with other scenes but the broker."""

    brokers: str
    folder: Path
    pipeline: Pipeline = field(init=False)
    provider: ProviderProcess = field(init=False)
    kafka: KafkaProcess | None = None
    """The broker, if the scene has one of its own."""
    cluster: KafkaCluster | None = None
    link: Link | None = None
    unkind: Unkindness = KIND
    """The ways of the provider."""
    accepted: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    may_fail: bool = False
    """Requests may end as failed or rejected; else each must complete."""
    set_by_hand: list[tuple[int, int]] = field(default_factory=list)
    """When the scenario itself committed, from and to, in milliseconds: no worker ran then."""
    clock_error_s: float = 0.0
    """How far off the workers' wall clocks are made."""
    forgotten: list[Record] = field(default_factory=list)
    """Responses that the scenario removes from their topic."""
    more_answers: Counter[str] = field(default_factory=Counter)
    """How many answers ids are to have beside the first: to another tenant, partition or body, or a second life."""
    tenants: str = ""
    """Tables of tenants at the end of the catalogue."""
    exposed: int = 0
    _ids: "count[int]" = field(default_factory=count)
    _kills: int = 0
    _healed_s: float = field(default_factory=time.time)
    _most_in_flight: int = 0
    _most_workers: int = 0
    _first_rss_mb: dict[int, float] = field(default_factory=dict)
    _watch: "asyncio.Task[None] | None" = None
    _began_s: float = field(default_factory=time.monotonic)

    # -- the stage

    async def open(
        self,
        *,
        latency_ms: float = 50,
        time_scale: float = 1.0,
        linked: bool = False,
        catalogue: Mapping[str, str] | None = None,
        tenants: str = "",
        batch_s: float | None = None,
        **environment: str,
    ) -> None:
        """Create topics and provider; `linked` puts a Link between workers and broker, `catalogue` changes keys."""
        self.tenants = tenants
        invoice = self.folder / "invoice.jsonl"
        options = ProviderOptions(
            invoice,
            latency_ms=latency_ms,
            time_scale=time_scale,
            limits=False,
            failures=False,
            unkind=self.unkind,
            batch_s=batch_s,
        )
        self.provider = ProviderProcess(options)
        await asyncio.to_thread(self.provider.start)
        self.write_catalogue(catalogue or {})
        variables = {
            "TURNOUT_CATALOGUE": str(self.catalogue),
            "TURNOUT_MAX_IN_FLIGHT": str(MAX_IN_FLIGHT),
            "TURNOUT_DRAIN_S": "8",
            "TURNOUT_DEFAULT_DEADLINE_S": f"{DEADLINE_S:.0f}",
            **environment,
        }
        self.pipeline = await Pipeline.create(self.brokers, self.provider, self.folder, **variables)
        if linked:
            self.link = Link(self.brokers)
            await self.link.open()
            self.pipeline.environment["TURNOUT_BROKERS"] = self.link.address
        self._watch = asyncio.create_task(self._keep_watch())

    @property
    def catalogue(self) -> Path:
        """The workers' catalogue file."""
        return self.folder / "catalogue.toml"

    def write_catalogue(self, changes: Mapping[str, str]) -> None:
        """Write the catalogue file with some keys changed wherever they stand, commented out or not."""
        text = in_chain_order()
        for key, value in {**QUICK, **changes}.items():
            text, found = re.subn(rf"(?m)^(# )?{key} = [^\s]+", f"{key} = {value}", text)
            if not found:
                raise KeyError(key)
        charges = "" if self.unkind == KIND else UNKIND_CHARGES
        self.catalogue.write_text(f"{text}\n{charges}\n{self.tenants}\n")

    async def close(self) -> None:
        """End everything that was started."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            for worker in self.pipeline.workers:
                with suppress(ProcessLookupError):
                    worker.process.send_signal(signal.SIGCONT)
            await asyncio.to_thread(self.pipeline.end)
        if self.link is not None:
            await self.link.close()
        if hasattr(self, "provider"):
            await asyncio.to_thread(self.provider.stop)

    # -- workers

    def start(self, workers: int = 1, **environment: str) -> list[Worker]:
        """Start workers; returns at once."""
        started = [self.pipeline.start_worker(**environment) for _ in range(workers)]
        self._most_workers = max(self._most_workers, len(self.alive))
        return started

    async def set_to_work(self, workers: int, *, requests: int, calls: int) -> list[Worker]:
        """Start workers, publish when they are ready, and return when so many calls are under way."""
        started = self.start(workers)
        await self.until_ready()
        await self.publish(requests)
        await self.until_calls_are_under_way(calls)
        return started

    @property
    def alive(self) -> list[Worker]:
        """The workers that run."""
        return [worker for worker in self.pipeline.workers if worker.process.poll() is None]

    def kill(self, *workers: Worker) -> None:
        """SIGKILL some workers, by default all."""
        for worker in workers or self.alive:
            worker.process.kill()
            worker.process.wait()
            self.exposed += int(self.pipeline.environment["TURNOUT_MAX_IN_FLIGHT"])
        self._kills += 1
        self.healed()

    async def stop(self, *workers: Worker) -> None:
        """SIGTERM some workers, by default all, and wait for their clean ends."""
        stopping = workers or tuple(self.alive)
        await self.until_ready(*stopping)
        codes = await asyncio.gather(*[asyncio.to_thread(worker.stop, PATIENCE_S) for worker in stopping])
        self.expect(set(codes) <= {0}, f"stopped workers ended with {codes}")

    def freeze(self, worker: Worker) -> None:
        """SIGSTOP a worker."""
        worker.process.send_signal(signal.SIGSTOP)

    def thaw(self, worker: Worker) -> None:
        """SIGCONT a worker."""
        worker.process.send_signal(signal.SIGCONT)
        self.healed()

    async def command(self, *arguments: str) -> str:
        """Run a `turnout` command against the scene's topics; returns what it said."""
        code, said = await self.try_command(*arguments)
        self.expect(code == 0, f"turnout {arguments[0]} ended with {code}: {said}")
        return said

    async def try_command(self, *arguments: str, most_file_kb: int | None = None) -> tuple[int | None, str]:
        """Run a command that may fail, and whose files can grow only so far; returns its exit code and what it said."""
        limit = "unlimited" if most_file_kb is None else most_file_kb
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", f'ulimit -f {limit}; exec "$@"', "turnout"),
            *(sys.executable, "-m", "streams.cli", *arguments),
            cwd=ROOT,
            env={**os.environ, **self.pipeline.environment},
            stdout=PIPE,
            stderr=STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        return process.returncode, said.decode()

    # -- traffic

    async def publish(
        self, number: int, *, partition: int | None = None, headers: Headers = (), **fields: object
    ) -> list[str]:
        """Publish so many good requests; returns their ids."""
        ids = [f"r{next(self._ids)}" for _ in range(number)]
        await self.publish_again(ids, partition=partition, headers=headers, **fields)
        return ids

    async def publish_again(
        self, ids: Sequence[str], *, partition: int | None = None, headers: Headers = (), **fields: object
    ) -> None:
        """Publish requests of these ids, whether they are new or not."""
        requests = [{"request_id": request_id, "prompt": f"What is {request_id} + 1?", **fields} for request_id in ids]
        self.accepted.update(ids)
        await self.pipeline.publish(requests, partition=partition, headers=repeat(headers))

    async def publish_records(
        self,
        values: Sequence[bytes],
        *,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: Headers = (),
    ) -> None:
        """Publish raw records; the caller accounts for what they are."""
        async with producer(self.pipeline.settings) as client:
            topic = self.pipeline.settings.topic(Topic.REQUESTS)
            where = {"partition": partition, "timestamp_ms": timestamp_ms, "headers": headers}
            await asyncio.gather(*[await client.send(topic, value, **where) for value in values])

    # -- what breaks

    async def fault(self, kind: FaultKind, **fields: object) -> None:
        """Put a fault of the provider in force."""
        await asyncio.to_thread(self.provider.add_fault, Fault.model_validate({"fault": kind, **fields}))

    async def heal(self) -> None:
        """End the provider's faults and the link's."""
        await asyncio.to_thread(self.provider.clear_faults)
        if self.link is not None:
            await self.link.heal()
        self.healed()

    def healed(self) -> None:
        """Note that from now on things can recover."""
        self._healed_s = time.time()

    # -- waiting

    async def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait until it holds."""
        give_up_s = time.monotonic() + PATIENCE_S
        while not holds():
            if time.monotonic() > give_up_s:
                raise DidNotHold(f"waited {PATIENCE_S:.0f} s in vain: {what}{self._last_words()}")
            await asyncio.sleep(POLL_S)

    async def until_calls_are_under_way(self, number: int) -> None:
        """Wait until the provider works on so many calls at a time."""
        await self.pipeline.until_calls_are_under_way(number)

    async def until_charged(self, number: int) -> None:
        """Wait until the provider has charged so many calls."""
        await self.until(f"{number} calls charged", lambda: len(self.provider.invoice()) >= number)

    async def until_records(self, topic: Topic, number: int) -> None:
        """Wait until a topic holds so many records."""
        name = self.pipeline.settings.topic(topic)
        give_up_s = time.monotonic() + PATIENCE_S
        async with reader(self.pipeline.settings) as consumer:
            tps = [TopicPartition(name, number) for number in range(self.pipeline.partitions(topic))]
            while (found := sum((await consumer.end_offsets(tps)).values())) < number:
                if time.monotonic() > give_up_s:
                    raise DidNotHold(f"{topic} has {found} of {number} records{self._last_words()}")
                await asyncio.sleep(POLL_S)

    async def until_answered(self, ids: Sequence[str] | None = None) -> list[Response]:
        """Wait until these requests, by default all, have an answer; returns all answers there are."""
        gone = {request_id_of(record) for record in self.forgotten}
        wanted = set(self.accepted if ids is None else ids) - gone
        await self.until_records(Topic.RESPONSES, len(wanted))
        try:
            return await self.pipeline.wait_for_responses(wanted, PATIENCE_S)
        except AssertionError as error:
            raise DidNotHold(str(error)) from None

    async def until_committed(self, partitions: Sequence[int] | None = None) -> None:
        """Wait until the group has committed every record of the requests topic, or of some partitions of it."""
        settings = self.pipeline.settings
        name = settings.topic(Topic.REQUESTS)
        numbers = range(settings.partitions) if partitions is None else partitions
        give_up_s = time.monotonic() + PATIENCE_S
        async with reader(settings) as consumer:
            tps = [TopicPartition(name, number) for number in numbers]
            ends = {tp.partition: end for tp, end in (await consumer.end_offsets(tps)).items() if end}
        while (committed := {n: at for n, at in (await self.pipeline.committed()).items() if n in numbers}) != ends:
            if time.monotonic() > give_up_s:
                raise DidNotHold(f"committed {committed} of {ends}{self._last_words()}")
            await asyncio.sleep(POLL_S)

    async def until_ready(self, *workers: Worker) -> None:
        """Wait until these workers, by default all that run, say that they are."""
        for worker in workers or tuple(self.alive):
            await self.until("a worker is ready", lambda worker=worker: "worker is ready" in worker.log.read_text())  # type: ignore[misc]

    async def until_balanced(self) -> int:
        """Wait until all workers that run are members of the group, and it is at rest; returns its generation."""
        settings = self.pipeline.settings
        give_up_s = time.monotonic() + PATIENCE_S
        async with admin(settings) as client:
            while True:
                state, members = await describe_group(client, settings.group)
                if state == "Stable" and members == len(self.alive):
                    return await read_generation(settings, settings.group)
                self.expect(time.monotonic() < give_up_s, f"the group is {state}, with {members} members")
                await asyncio.sleep(POLL_S)

    async def until_ended(self, worker: Worker) -> int:
        """Wait until a worker ends by itself; returns its exit code."""
        await self.until("a worker ends", lambda: worker.process.poll() is not None)
        return worker.process.returncode

    def expect(self, holds: bool, sentence: str) -> None:  # noqa: FBT001 - it reads as an assertion
        """End the scenario as not held, unless it holds."""
        if not holds:
            raise DidNotHold(sentence)

    # -- the end

    async def verdict(self) -> Verdict:
        """Wait for what is missing, and hold everything against the invariants."""
        await self.until_answered()
        if self.unreadable:
            await self.until_records(Topic.DEAD_LETTERS, self.unreadable)
        if not self.alive:
            self.start()
        await self.until_committed()
        growth_mb = self._growth_mb()
        await self.stop()
        evidence = await self._evidence(growth_mb)
        complaints = check(evidence)
        statuses = Counter(response.status for response in evidence.responses)
        if not self.may_fail and len(statuses) > 1:
            worst = next(response for response in evidence.responses if response.status is not Status.COMPLETED)
            complaints.append(f"{statuses.total() - statuses[Status.COMPLETED]} did not complete, e.g. {worst.error}")
        last_s = max((record.timestamp for record in evidence.answers), default=0) / 1000
        unknown = evidence.bill.unknown
        answers = Counter(response.request_id for response in evidence.responses)
        figures: dict[str, int | float] = {
            "requests": len(evidence.accepted) + evidence.unreadable,
            "lost": len(evidence.accepted.keys() - answers.keys()),
            "answered_twice": sum(count > 1 + self.more_answers[name] for name, count in answers.items()),
            "kills": self._kills,
            "completed": statuses[Status.COMPLETED],
            "calls": len({event.event_id for event in evidence.costs}),
            "duplicates_avoided": self._duplicates_avoided(),
            "unknown_calls": unknown.calls,
            "unknown_usd": float(unknown.billed_nano_usd) / 1e9,
            "most_in_flight": evidence.most_in_flight,
            "growth_mb": round(growth_mb, 1),
            "recovery_s": round(max(0.0, last_s - self._healed_s), 1),
            "took_s": round(time.monotonic() - self._began_s, 1),
        }
        return Verdict(tuple(complaints), figures)

    async def _evidence(self, growth_mb: float) -> Evidence:
        settings = self.pipeline.settings
        answers = [*self.forgotten, *await self.pipeline.records(Topic.RESPONSES)]
        costs = await self.pipeline.costs_by_now()
        await asyncio.to_thread(self.provider.wait_until_settled)
        invoice = self.provider.invoice()
        bill = reconcile(costs, invoice) if self.unkind == KIND else judge(costs, invoice)
        return Evidence(
            accepted=self.accepted,
            unreadable=self.unreadable,
            requests=await self.pipeline.records(Topic.REQUESTS),
            answers=answers,
            responses=[Response.decode(record.value or b"") for record in answers],
            dead_letters=[
                record
                for record in await self.pipeline.records(Topic.DEAD_LETTERS)
                if REPLAYED not in dict(record.headers)
            ],
            costs=costs,
            bill=bill,
            commits=await read_commits(settings, settings.group, settings.topic(Topic.REQUESTS)),
            more_answers=self.more_answers,
            set_by_hand=tuple(self.set_by_hand),
            clock_error_ms=int(self.clock_error_s * 1000),
            exposed=self.exposed,
            most_in_flight=self._most_in_flight,
            allowed_in_flight=self._most_workers * int(self.pipeline.environment["TURNOUT_MAX_IN_FLIGHT"]),
            growth_mb=growth_mb,
        )

    def _duplicates_avoided(self) -> int:
        """Count the records that workers answered from what had already happened: each is a line of a log."""
        return sum(worker.log.read_text().count('"answered already"') for worker in self.pipeline.workers)

    def _growth_mb(self) -> float:
        grown = [
            rss_mb(worker.process.pid) - self._first_rss_mb[worker.process.pid]
            for worker in self.alive
            if worker.process.pid in self._first_rss_mb
        ]
        return max(grown, default=0.0)

    async def _keep_watch(self) -> None:
        while True:
            with suppress(httpx.HTTPError, KafkaError):
                stats = await asyncio.to_thread(self.provider.stats)
                in_flight = sum(model.in_flight for model in stats.models.values())
                self._most_in_flight = max(self._most_in_flight, in_flight)
            for worker in self.alive:
                pid = worker.process.pid
                if pid not in self._first_rss_mb and "worker is ready" in worker.log.read_text():
                    self._first_rss_mb[pid] = rss_mb(pid)
            await asyncio.sleep(WATCH_S)

    def _last_words(self) -> str:
        return "".join(f"\n{worker.log.name}: {worker.log.read_text()[-600:]}" for worker in self.pipeline.workers[-2:])


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process, 0 if it has ended."""
    with suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0


def json_of(**fields: object) -> bytes:
    """Return a JSON object's bytes."""
    return orjson.dumps(fields)
