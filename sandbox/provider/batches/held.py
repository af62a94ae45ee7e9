"""The batches of one vendor, and what all vendors answer alike about one of them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count

from pydantic import JsonValue

from sandbox.provider.batches.faults import BatchFaultKind
from sandbox.provider.batches.jobs import Job, Jobs
from sandbox.provider.batches.visits import Found, Visit, begin, is_away
from sandbox.provider.outcome import Problem, ProblemKind

Tell = Callable[[Job], dict[str, JsonValue]]
"""A batch in the vendor's words."""


class Held:
    """The batches of one vendor by their ids."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.by_id: dict[str, Job] = {}
        self._numbers = count(1)
        self._prefix = f"{int(datetime.now(UTC).timestamp() * 1000):x}"

    def number(self) -> str:
        """Return what makes an id of a batch or a file the only one."""
        return f"{self._prefix}{next(self._numbers):06d}"

    def is_over_the_limit(self, job: Job) -> bool:
        """Say whether too many tokens are enqueued, or a fault says so."""
        scripted = self.jobs.script.hit(BatchFaultKind.TOKEN_LIMIT, job.model.name) is not None
        return scripted or self.jobs.excess(job) > 0

    def take(self, visit: Visit, job: Job, tell: Tell, refusal: str) -> None:
        """Take a batch in, unless too many tokens are enqueued or a fault forbids it, and answer."""
        if self.is_over_the_limit(job):
            visit.fail(Problem(ProblemKind.RATE_LIMITED, refusal))
            return
        self.by_id[job.id] = job
        begin(self.jobs, visit, job, tell(job))
        if job.id not in self.jobs.by_id:  # it was refused
            del self.by_id[job.id]

    def show(self, visit: Visit, tell: Tell) -> None:
        """Answer how the batch of this id stands."""
        job = self.by_id.get(visit.found["id"])
        if job is None:
            visit.not_found()
        elif not is_away(self.jobs, visit, job):
            visit.answer(tell(job))

    def cancel(self, visit: Visit, tell: Tell, refusal: Callable[[Job], Problem]) -> None:
        """Cancel the batch of this id, and answer; with the refusal if it has ended."""
        job = self.by_id.get(visit.found["id"])
        if job is None:
            visit.not_found()
        elif job.state.has_ended:
            visit.fail(refusal(job))
        else:
            self.jobs.cancel(job)
            visit.answer(tell(job))


def has_ended(_job: Job) -> Problem:
    """Refuse to cancel a batch that has ended."""
    return Problem(ProblemKind.INVALID, "The batch has ended.")


def page_of(entries: Sequence[dict[str, JsonValue]], found: Found, after_name: str) -> dict[str, JsonValue]:
    """Return a page of a list in OpenAI's words, which are Anthropic's too: behind the entry that the query names."""
    limit, after = int(found.get("limit", "20")), found.get(after_name)
    start = next((place + 1 for place, entry in enumerate(entries) if entry["id"] == after), 0) if after else 0
    page = entries[start : start + limit]
    return {
        "data": [*page],
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": start + limit < len(entries),
    }
