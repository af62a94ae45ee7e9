"""The course of batches: they wait, are worked on line by line, and end, expire or are cancelled.

A batch takes a time from a log-normal distribution, a third of which it waits. Its lines are answered evenly over the
rest, and each is charged when it is answered, at the price of batches. What a cancellation or the end of its window
finds unanswered is not charged.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from random import Random

from sandbox.provider.answers import fingerprint
from sandbox.provider.ask import InvalidRequest
from sandbox.provider.batches.faults import OF_THE_COURSE, BatchFault, BatchFaultKind, BatchFaultScript
from sandbox.provider.billing import Billing, Call
from sandbox.provider.dialects.dialect import Address, Dialect
from sandbox.provider.invoice import ChargeReason
from sandbox.provider.metering import count_input_tokens
from sandbox.provider.models import Z_99, ReferenceModel, find_model
from sandbox.provider.options import ProviderOptions
from sandbox.provider.outcome import Outcome, Problem, ProblemKind
from sandbox.provider.reports import BatchReport, BatchReports

P50_S, P99_S = 600.0, 7_200.0
"""How long a batch takes, if nothing else is said. Source: openrouter.ai, "Batch API": over 230,000 batches the median
was 7 minutes, and 90 % ended within an hour."""
WAITS = 1 / 3
LINES_AT_ONCE = 50
"""So many are answered before calls and other batches have their turn."""
STEPS = 20
"""In so many steps a batch is worked on, at least."""


class JobState(StrEnum):
    """How a batch stands."""

    WAITING = "waiting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def has_ended(self) -> bool:
        """Whether it will not change any more."""
        return self not in (JobState.WAITING, JobState.RUNNING, JobState.CANCELLING)


class LineFate(StrEnum):
    """What became of a line."""

    ANSWERED = "answered"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Line:
    """One request of a batch."""

    custom_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a line."""

    custom_id: str
    fate: LineFate
    outcome: Outcome | None = None
    problem: Problem | None = None


@dataclass(slots=True)
class Job:
    """One batch."""

    id: str
    name: str
    """The caller's, where the vendor keeps one."""
    model: ReferenceModel
    dialect: Dialect
    address: Address
    lines: Sequence[Line]
    created_at: datetime
    window_s: float
    account: str | None
    extra: Mapping[str, object] = field(default_factory=dict)
    """What the vendor repeats of its creation."""
    faults: Mapping[BatchFaultKind, BatchFault] = field(default_factory=dict)
    state: JobState = JobState.WAITING
    starts_s: float = 0.0
    ends_s: float = 0.0
    expires_s: float = 0.0
    """On the loop's clock."""
    enqueued_tokens: int = 0
    ended_at: datetime | None = None
    failure: tuple[str, str] | None = None
    """Code and message of a batch that failed."""
    done: int = 0
    told: list[Told] = field(default_factory=list)
    counts: dict[LineFate, int] = field(default_factory=lambda: dict.fromkeys(LineFate, 0))


class Jobs:
    """All batches."""

    def __init__(self, options: ProviderOptions, billing: Billing) -> None:
        self.script = BatchFaultScript()
        self.by_id: dict[str, Job] = {}
        self._options = options
        self._billing = billing
        self._rng = Random(f"{options.seed}:batches")  # noqa: S311 - a simulation has to be repeatable
        self._loop = asyncio.get_running_loop()

    def start(self, job: Job) -> None:
        """Take a batch in."""
        now_s = self._loop.time()
        faults = ((kind, self.script.hit(kind, job.model.name)) for kind in OF_THE_COURSE)
        job.faults = {kind: fault for kind, fault in faults if fault is not None}
        takes_s = self._draw_s() * (slow.factor if (slow := job.faults.get(BatchFaultKind.SLOW)) else 1.0)
        job.starts_s, job.ends_s = now_s + takes_s * WAITS, now_s + takes_s
        job.expires_s = now_s + job.window_s * self._options.time_scale
        self.by_id[job.id] = job
        self._loop.call_at(min(job.starts_s, job.expires_s), self._work, job)

    def refuse(self, job: Job, code: str, message: str) -> None:
        """Take a batch in that fails at once, as OpenAI does with what it does not validate."""
        self.by_id[job.id] = job
        job.failure = (code, message)
        self._end(job, JobState.FAILED)

    def cancel(self, job: Job) -> None:
        """Answer no more of it."""
        if not job.state.has_ended:
            job.state = JobState.CANCELLING

    def excess(self, job: Job) -> int:
        """Return by how many tokens a batch would exceed what may be enqueued of its model; 0: it does not."""
        limit = self._options.batch_enqueued_tokens
        if limit is None:
            return 0
        job.enqueued_tokens = sum(self._tokens_of(job, line) for line in job.lines)
        queued = sum(
            one.enqueued_tokens for one in self.by_id.values() if one.model is job.model and not one.state.has_ended
        )
        return max(0, queued + job.enqueued_tokens - limit)

    def report(self) -> BatchReports:
        """Return all batches, oldest first."""
        return BatchReports(
            batches=[
                BatchReport(
                    id=job.id,
                    name=job.name,
                    model=job.model.name,
                    state=job.state,
                    lines=len(job.lines),
                    answered=job.counts[LineFate.ANSWERED],
                )
                for job in self.by_id.values()
            ]
        )

    def _draw_s(self) -> float:
        fixed_s = self._options.batch_s
        sigma = math.log(P99_S / P50_S) / Z_99
        takes_s = self._rng.lognormvariate(math.log(P50_S), sigma) if fixed_s is None else fixed_s
        return takes_s * self._options.time_scale

    def _work(self, job: Job) -> None:
        """Answer the lines whose turn it is, and see whether it is over."""
        now_s = self._loop.time()
        if job.state is JobState.CANCELLING:
            self._leave(job, LineFate.CANCELLED)
            self._end(job, JobState.CANCELLED)
            return
        if now_s >= job.expires_s:
            self._leave(job, LineFate.EXPIRED)
            self._end(job, JobState.EXPIRED)
            return
        job.state = JobState.RUNNING
        expires = job.faults.get(BatchFaultKind.EXPIRE)
        most = len(job.lines) if expires is None else int(len(job.lines) * expires.rate)
        share = min(1.0, (now_s - job.starts_s) / max(job.ends_s - job.starts_s, 1e-9))
        due = math.ceil(most * share) if BatchFaultKind.FAIL not in job.faults else 0
        for line in job.lines[job.done : min(due, job.done + LINES_AT_ONCE)]:
            self._answer(job, line)
        if job.done < due:
            self._loop.call_soon(self._work, job)
        elif now_s < job.ends_s:
            step_s = max((job.ends_s - job.starts_s) / STEPS, 0.005)
            self._loop.call_at(min(now_s + step_s, job.ends_s, job.expires_s), self._work, job)
        elif BatchFaultKind.FAIL in job.faults:
            job.failure = ("server_error", "The batch could not be processed.")
            self._end(job, JobState.FAILED)
        else:
            self._leave(job, LineFate.EXPIRED)
            self._end(job, JobState.EXPIRED if expires else JobState.COMPLETED)

    def _answer(self, job: Job, line: Line) -> None:
        job.done += 1
        if self._befalls(job, BatchFaultKind.LINE_ERRORS):
            self._tell(job, Told(line.custom_id, LineFate.FAILED, problem=Problem(ProblemKind.SERVER_ERROR)))
            return
        try:
            ask = job.dialect.read(line.body, job.address)
        except InvalidRequest as error:
            problem = Problem(ProblemKind.INVALID, str(error), error.param)
            self._tell(job, Told(line.custom_id, LineFate.FAILED, problem=problem))
            return
        if find_model(ask.model) is not job.model:
            problem = Problem(ProblemKind.MODEL_NOT_FOUND, model=ask.model)
            self._tell(job, Told(line.custom_id, LineFate.FAILED, problem=problem))
            return
        choice = fingerprint(self._options.seed, job.address.model.encode() + line.body)
        call = Call(ask, job.model, job.dialect, choice, None, job.account, (job.id, line.custom_id))
        outcome = self._billing.charge(call, ChargeReason.ANSWERED, 200)
        if not self._befalls(job, BatchFaultKind.MISSING_LINES):
            told = Told(line.custom_id, LineFate.ANSWERED, outcome)
            self._tell(job, told)
            if self._befalls(job, BatchFaultKind.DUPLICATE_LINES):
                job.told.append(told)

    def _befalls(self, job: Job, kind: BatchFaultKind) -> bool:
        fault = job.faults.get(kind)
        return fault is not None and self._rng.random() < fault.rate

    def _tell(self, job: Job, told: Told) -> None:
        job.told.append(told)
        job.counts[told.fate] += 1

    def _leave(self, job: Job, fate: LineFate) -> None:
        for line in job.lines[job.done :]:
            self._tell(job, Told(line.custom_id, fate))

    def _end(self, job: Job, state: JobState) -> None:
        job.state = state
        job.ended_at = datetime.now(UTC)
        if BatchFaultKind.SHUFFLED in job.faults:
            self.shuffle(job.told)

    def shuffle(self, told: list[Told]) -> None:
        """Put what is told into any order."""
        self._rng.shuffle(told)

    def _tokens_of(self, job: Job, line: Line) -> int:
        try:
            return count_input_tokens(job.dialect.read(line.body, job.address))
        except InvalidRequest:
            return 0
