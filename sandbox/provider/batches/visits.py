"""A request about batches that has been let in, and the answers that all vendors give alike."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from pydantic import JsonValue

from sandbox.provider.batches.faults import BatchFault, BatchFaultKind
from sandbox.provider.batches.jobs import Job, Jobs
from sandbox.provider.connection import Exchange, head
from sandbox.provider.dialects.dialect import Dialect
from sandbox.provider.faults import RetryAfterForm, retry_headers
from sandbox.provider.outcome import Problem, ProblemKind

Found = Mapping[str, str]
"""What the path and the query say."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request that has been let in."""

    exchange: Exchange
    dialect: Dialect
    account: str | None
    found: Found

    @property
    def body(self) -> bytes:
        """What was sent."""
        return self.exchange.request.body

    def json(self) -> dict[str, JsonValue]:
        """Return what was sent, an object; an empty one if it is none."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return value if isinstance(value, dict) else {}

    def answer(self, value: JsonValue, headers: str = "") -> None:
        """Answer with this."""
        self.exchange.respond(200, orjson.dumps(value), headers)

    def fail(self, problem: Problem, headers: str = "") -> None:
        """Answer with a problem in the vendor's words."""
        response = self.dialect.write_error(problem)
        self.exchange.respond(response.status, response.body, headers + response.headers)

    def not_found(self) -> None:
        """Answer that there is nothing of that id."""
        self.fail(Problem(ProblemKind.NOT_FOUND, "There is nothing of this id."))

    def limited(self, fault: BatchFault, message: str) -> None:
        """Answer with 429."""
        wait_s = fault.retry_after_s
        headers = "" if wait_s is None else retry_headers(wait_s, RetryAfterForm.SECONDS, datetime.now(UTC))
        self.fail(Problem(ProblemKind.RATE_LIMITED, message, wait_s=wait_s), headers)


Handle = Callable[[Visit], None]


@dataclass(frozen=True, slots=True)
class Route:
    """What is answered under a path."""

    method: bytes
    path: re.Pattern[str]
    dialect: Dialect
    handle: Handle
    is_open: bool = False
    """Whether no key is asked for: the address proves who comes."""


def route(method: str, path: str, dialect: Dialect, handle: Handle, *, is_open: bool = False) -> Route:
    """Return a route; `{name}` in the path is anything up to a slash or colon."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/:]+)", re.escape(path))
    return Route(method.encode(), re.compile(pattern), dialect, handle, is_open)


def begin(jobs: Jobs, visit: Visit, job: Job, created: JsonValue) -> None:
    """Take a batch in, or not, as the faults of creations say, and answer."""
    model, script = job.model.name, jobs.script
    if (limited := script.hit(BatchFaultKind.CREATE_429, model)) is not None:
        visit.limited(limited, "Too many batches are enqueued.")
        return
    if script.hit(BatchFaultKind.CREATE_413, model) is not None:
        visit.fail(Problem(ProblemKind.INVALID, "The batch is too large.", status=413))
        return
    jobs.start(job)
    if script.hit(BatchFaultKind.CREATE_500_AFTER, model) is not None:
        visit.fail(Problem(ProblemKind.SERVER_ERROR))
    elif script.hit(BatchFaultKind.CREATE_RESET_AFTER, model) is not None:
        visit.exchange.reset()
    else:
        visit.answer(created)


def uploaded(jobs: Jobs, visit: Visit, keep: Callable[[], JsonValue]) -> None:
    """Keep a file, or not, as the faults of uploads say, and answer."""
    if (limited := jobs.script.hit(BatchFaultKind.UPLOAD_429, "")) is not None:
        visit.limited(limited, "Too many uploads.")
        return
    kept = keep()
    if jobs.script.hit(BatchFaultKind.UPLOAD_500_AFTER, "") is not None:
        visit.fail(Problem(ProblemKind.SERVER_ERROR))
    else:
        visit.answer(kept)


def is_away(jobs: Jobs, visit: Visit, job: Job) -> bool:
    """Answer 503 to a question how a batch stands, if a fault says so."""
    if jobs.script.hit(BatchFaultKind.STATUS_503, job.model.name) is None:
        return False
    visit.fail(Problem(ProblemKind.OVERLOADED))
    return True


def download(jobs: Jobs, visit: Visit, job: Job, content: bytes) -> None:
    """Send results, all of them or half."""
    if jobs.script.hit(BatchFaultKind.TRUNCATED_DOWNLOAD, job.model.name) is not None:
        visit.exchange.write(head(200, len(content)) + content[: len(content) // 2])
        visit.exchange.close()
    else:
        visit.exchange.respond(200, content)
