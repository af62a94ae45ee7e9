"""Batches of providers in memory: files, queues, results and an invoice, with what goes wrong in the world.

A provider belongs to no process: what it was asked to do happens, whether the one who asked hears of it or not. It
charges each line that it answers, once, at the price of batches.
"""

import asyncio
import math
from asyncio import Future
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import TypeVar

import orjson

from router.batches.apis import request_line
from router.batches.batch import (
    BatchCallFailed,
    BatchCounts,
    BatchHandle,
    BatchInput,
    BatchQueue,
    BatchRefusal,
    BatchSearch,
    BatchState,
    BatchStatus,
)
from router.batches.line import BATCH_TIER, BatchLine, LineEnd
from router.charges import Charge
from router.errors import Answer, UpstreamFailure
from schemas.requests import Request
from schemas.responses import AnswerMessage, Usage
from schemas.vocabulary import AttemptOutcome
from tests.fakes.loop import VirtualLoop
from tests.fakes.provider import NANO_PER_TOKEN

ONE_WAY_S = 0.02
"""How long a question takes to a provider, and its answer back."""
TIMEOUT_S = 30.0

T = TypeVar("T")


class Fault(StrEnum):
    """What becomes of one call about a batch."""

    UNREACHABLE = "unreachable"
    """It does not arrive."""
    UNHEARD = "unheard"
    """It arrives and is done, and its answer is lost."""
    BUSY = "busy"
    """429: not now."""
    TOO_LARGE = "too_large"
    QUEUE_FULL = "queue_full"
    INVALID = "invalid"
    CUT = "cut"
    """Results end in the middle, and the client sees it."""
    SHORT = "short"
    """Results lack lines, and look whole."""
    GONE = "gone"
    """404."""


class Fate(StrEnum):
    """What becomes of one line."""

    ANSWER = "answer"
    FAILS = "fails"
    """With an error of its own, not charged."""
    CHARGED_FAILURE = "charged_failure"
    """With an error that says what it cost."""
    MISSING = "missing"
    TWICE = "twice"
    MALFORMED = "malformed"
    """An answer that fits no schema."""


@dataclass(frozen=True, slots=True)
class Charged:
    """One line of the invoice."""

    custom_id: str
    batch_id: str
    nano_usd: int
    at_s: float


@dataclass(slots=True)
class Job:
    """One batch at the provider."""

    batch_id: str
    our_id: str
    queue: BatchQueue
    lines: list[dict[str, object]]
    created_s: float
    caller: str = ""
    """Which process has created it."""
    state: BatchState = BatchState.RUNNING
    ended_s: float | None = None
    refusal: BatchRefusal | None = None
    results: list[BatchLine] = field(default_factory=list)
    answered: int = 0


@dataclass(slots=True)
class BatchProviders:
    """All providers' batches, in the world."""

    loop: VirtualLoop
    random: Random
    takes_s: float = 120.0
    """From creation to end: the median."""
    spread: float = 0.0
    """Of the logarithm of that time."""
    ends: deque[BatchState] = field(default_factory=deque)
    """How the next batches end; then as their chances say."""
    end_chances: dict[BatchState, float] = field(default_factory=dict)
    """What is left is completion."""
    part: float = 1.0
    """The share of lines that is answered when a batch does not complete."""
    fates: dict[Fate, float] = field(default_factory=dict)
    """Chances of a line; what is left is an answer."""
    refused: deque[BatchRefusal] = field(default_factory=deque)
    """Why the next ones that end as failed do."""
    faults: defaultdict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    """What becomes of the next calls, by the method's name; then as their chances say."""
    fault_chances: dict[str, dict[Fault, float]] = field(default_factory=dict)
    """By the method's name; what is left goes well."""
    takes_files: bool = True
    keeps_names: bool = True
    """Whether a batch is found by our name for it; else the newest one of its size is all that can be found."""
    is_down: bool = False
    files: dict[str, tuple[str, list[dict[str, object]]]] = field(default_factory=dict)
    uploads: int = 0
    deleted: list[str] = field(default_factory=list)
    """Results, by the names under which they were deleted."""
    jobs: dict[str, Job] = field(default_factory=dict)
    invoice: list[Charged] = field(default_factory=list)
    on_call: list[Callable[[str], None]] = field(default_factory=list)
    """Are told of each call when it arrives, and when it is done."""

    def create(self, queue: BatchQueue, our_id: str, lines: list[dict[str, object]], caller: str = "") -> BatchHandle:
        batch_id = f"batch_{len(self.jobs) + 1}"
        job = Job(batch_id, our_id, queue, lines, self.loop.time(), caller)
        self.jobs[batch_id] = job
        takes_s = self.takes_s * math.exp(self.random.gauss(0, self.spread)) if self.spread else self.takes_s
        self.loop.in_the_world(takes_s, self._end, job)
        return BatchHandle(batch_id)

    def find(self, queue: BatchQueue, search: BatchSearch) -> BatchHandle | None:
        """Return the batch of our name; where names are not kept, the newest one that may be it."""
        if self.keeps_names:
            found = (job for job in self.jobs.values() if job.our_id == search.our_id)
            return next((BatchHandle(job.batch_id) for job in found), None)
        may_be = [
            job
            for job in self.jobs.values()
            if job.queue.model.provider_name == queue.model.provider_name
            and job.created_s >= search.since_s
            and len(job.lines) == search.requests
            and job.batch_id not in search.known
        ]
        may_be.sort(key=lambda job: job.batch_id not in search.claimed)  # claimed: only if there is no other
        return BatchHandle(may_be[-1].batch_id, is_certain=False) if may_be else None

    def fault(self, name: str, among: Collection[Fault]) -> Fault | None:
        """Return what becomes of a call, if it is one of these."""
        faults = self.faults[name]
        if faults:
            return faults.popleft() if faults[0] in among else None
        chances = self.fault_chances.get(name, {})
        return _drawn(self.random, {one: chance for one, chance in chances.items() if one in among})

    def cancel(self, handle: BatchHandle) -> None:
        job = self.jobs[handle.batch_id]
        if not job.state.has_ended:
            job.state = BatchState.CANCELLING
            self.loop.in_the_world(1.0, self._end, job)

    def _end(self, job: Job) -> None:
        if job.state.has_ended:
            return
        if job.state is BatchState.CANCELLING:
            job.state = BatchState.CANCELLED
        else:
            drawn = _drawn(self.random, self.end_chances) or BatchState.COMPLETED
            job.state = self.ends.popleft() if self.ends else drawn
        job.ended_s = self.loop.time()
        if job.state is BatchState.FAILED:
            job.refusal = self.refused.popleft() if self.refused else BatchRefusal.OTHER
        share = {BatchState.COMPLETED: 1.0, BatchState.FAILED: 0.0}.get(job.state, self.part)
        lines = list(job.lines)
        self.random.shuffle(lines)
        count = round(share * len(lines))
        for line in lines[:count]:
            self._answer(job, line)
        for line in lines[count:]:
            if job.state is not BatchState.FAILED and self.random.random() < 0.5:
                ended = LineEnd.EXPIRED if job.state is BatchState.EXPIRED else LineEnd.CANCELLED
                failure = UpstreamFailure(AttemptOutcome.TIMEOUT, f"the batch is {job.state}")
                self._result(job, line, ended, failure)

    def _answer(self, job: Job, line: dict[str, object]) -> None:
        fate = _drawn(self.random, self.fates) or Fate.ANSWER
        body = line["body"]
        assert isinstance(body, dict)
        longest = body["max_completion_tokens"]
        usage = Usage(
            input_tokens=max(1, len(orjson.dumps(body["messages"])) // 4),
            output_tokens=self.random.randint(1, longest),
            service_tier=BATCH_TIER,
        )
        if fate is Fate.FAILS:
            self._result(job, line, LineEnd.FAILED, UpstreamFailure(AttemptOutcome.INVALID_REQUEST, "no", 400))
            return
        self._charge(job, line, usage)
        job.answered += fate is not Fate.CHARGED_FAILURE
        if fate is Fate.MISSING:
            return
        if fate is Fate.CHARGED_FAILURE:
            failure = UpstreamFailure(AttemptOutcome.MALFORMED, "cut", 500, charge=Charge.CHARGED, usage=usage)
            self._result(job, line, LineEnd.FAILED, failure)
            return
        text = "{" if fate is Fate.MALFORMED else f'{{"said": "{line["custom_id"]}"}}'
        answer = Answer(AnswerMessage(content=text), "stop", f"{body['model']}-2026", f"r-{line['custom_id']}", usage)
        for _ in range(2 if fate is Fate.TWICE else 1):
            self._result(job, line, LineEnd.ANSWERED, answer)

    def _charge(self, job: Job, line: dict[str, object], usage: Usage) -> None:
        terms = job.queue.model.batch
        assert terms is not None
        dollars = Decimal(0)
        if (price := terms.price) is not None:
            dollars = usage.input_tokens * price.input_usd_per_mtok + usage.output_tokens * price.output_usd_per_mtok
        nano_usd = round(dollars * NANO_PER_TOKEN)  # half to even
        self.invoice.append(Charged(str(line["custom_id"]), job.batch_id, nano_usd, self.loop.time()))

    def _result(self, job: Job, line: dict[str, object], end: LineEnd, outcome: Answer | UpstreamFailure) -> None:
        job.results.append(BatchLine(len(job.results) + 1, str(line["custom_id"]), end, outcome))


class MemoryBatchProvider:
    """One process's way to the providers' batches: `streams.batch_port.BatchProvider`."""

    def __init__(self, world: BatchProviders, caller: str = "") -> None:
        self._world = world
        self._caller = caller

    def line(self, queue: BatchQueue, custom_id: str, request: Request, max_tokens: int) -> bytes:
        return request_line(queue.model, custom_id, request, max_tokens)

    async def upload(self, _queue: BatchQueue, our_id: str, batch: BatchInput) -> str | None:
        if not self._world.takes_files:
            return None
        lines = await _read(batch)

        def do() -> str:
            self._world.uploads += 1
            file_id = f"file-{self._world.uploads}"
            self._world.files[file_id] = our_id, lines
            return file_id

        return await self._ask("upload", do)

    async def find_upload(self, _queue: BatchQueue, search: BatchSearch) -> str | None:
        def do() -> str | None:
            return next((one for one, (our_id, _) in self._world.files.items() if our_id == search.our_id), None)

        return await self._ask("find_upload", do)

    async def create(self, queue: BatchQueue, our_id: str, file_id: str | None, batch: BatchInput) -> BatchHandle:
        lines = await _read(batch) if file_id is None else self._world.files[file_id][1]
        return await self._ask("create", lambda: self._world.create(queue, our_id, lines, self._caller))

    async def find(self, queue: BatchQueue, search: BatchSearch) -> BatchHandle | None:
        return await self._ask("find", lambda: self._world.find(queue, search))

    async def status(self, _queue: BatchQueue, handle: BatchHandle) -> BatchStatus:
        def do() -> BatchStatus:
            job = self._world.jobs[handle.batch_id]
            counts = BatchCounts(len(job.lines), job.answered, len(job.lines) - job.answered)
            return BatchStatus(
                job.state,
                counts if job.state.has_ended else None,
                job.created_s,
                job.ended_s,
                None,
                job.refusal,
                holds=(self._results_of(job),) if job.state.has_ended else (),
            )

        return await self._ask("status", do)

    async def results(self, _queue: BatchQueue, handle: BatchHandle, after: int = 0) -> AsyncGenerator[BatchLine]:
        job = self._world.jobs[handle.batch_id]
        fault = self._world.fault("results", {Fault.CUT, Fault.SHORT})
        found = await self._ask("results", lambda: list(job.results))
        count = len(found) if fault is None else len(found) // 2
        for line in found[after:count]:
            await asyncio.sleep(0)
            yield line
        if fault is Fault.CUT:
            raise BatchCallFailed(UpstreamFailure(AttemptOutcome.DISCONNECTED, "the download ended early"))

    def _results_of(self, job: Job) -> str:
        return f"results-{job.batch_id}" if self._world.takes_files else job.batch_id

    async def delete(self, _queue: BatchQueue, name: str) -> None:
        def do() -> None:
            if self._world.files.pop(name, None) is None:
                self._world.deleted.append(name)

        try:
            await self._ask("delete", do)
        except BatchCallFailed as error:
            if error.failure.status_code != 404:
                raise

    async def cancel(self, _queue: BatchQueue, handle: BatchHandle) -> None:
        if not handle.is_certain:
            raise ValueError("the handle is not certain")
        await self._ask("cancel", lambda: self._world.cancel(handle))

    async def _ask(self, name: str, do: Callable[[], T]) -> T:
        world = self._world
        fault = world.fault(name, set(Fault) - {Fault.CUT, Fault.SHORT})
        if fault is Fault.UNREACHABLE or world.is_down:
            await asyncio.sleep(ONE_WAY_S)
            raise BatchCallFailed(UpstreamFailure(AttemptOutcome.UNREACHABLE, "connection refused"))
        done: Future[T | BatchCallFailed] = world.loop.create_future()
        world.loop.in_the_world(ONE_WAY_S, self._arrive, name, do, fault, done)
        result = await done
        if isinstance(result, BatchCallFailed):
            raise result
        return result

    def _arrive(self, name: str, do: Callable[[], T], fault: Fault | None, done: "Future[T | BatchCallFailed]") -> None:
        world = self._world
        for told in world.on_call:
            told(f"{name} arrives")
        refusals = {
            Fault.BUSY: (AttemptOutcome.RATE_LIMITED, 429, None),
            Fault.TOO_LARGE: (AttemptOutcome.INVALID_REQUEST, 413, BatchRefusal.TOO_LARGE),
            Fault.QUEUE_FULL: (AttemptOutcome.RATE_LIMITED, 429, BatchRefusal.QUEUE_FULL),
            Fault.INVALID: (AttemptOutcome.INVALID_REQUEST, 400, BatchRefusal.INVALID),
            Fault.GONE: (AttemptOutcome.INVALID_REQUEST, 404, None),
        }
        if fault in refusals:
            outcome, status, refusal = refusals[fault]
            world.loop.in_the_world(
                ONE_WAY_S, _tell, done, BatchCallFailed(UpstreamFailure(outcome, str(fault), status), refusal)
            )
            return
        result = do()
        if fault is Fault.UNHEARD:
            failure = BatchCallFailed(UpstreamFailure(AttemptOutcome.TIMEOUT, "no answer in time"))
            world.loop.in_the_world(TIMEOUT_S, _tell, done, failure)
            return
        world.loop.in_the_world(ONE_WAY_S, _tell, done, result)
        for told in world.on_call:
            told(f"{name} is done")


def _drawn(random: Random, chances: Mapping[T, float]) -> T | None:
    """Return what the dice say; None: nothing of it. Without chances none are cast."""
    if not chances:
        return None
    luck = random.random()
    for one, chance in chances.items():
        if luck < chance:
            return one
        luck -= chance
    return None


def _tell(done: "Future[T]", result: T) -> None:
    if not done.done():
        done.set_result(result)


async def _read(batch: BatchInput) -> list[dict[str, object]]:
    content = b"".join([chunk async for chunk in batch.lines()])
    assert len(content) == batch.size_bytes
    lines = [orjson.loads(line) for line in content.splitlines()]
    assert len(lines) == batch.requests
    return lines
