"""OpenAI's Files and Batches, Azure's below /openai, and Mistral's jobs of OpenAI's files.

Sources: platform.openai.com, API reference of Files and Batch; learn.microsoft.com, "Azure OpenAI batch deployments";
docs.mistral.ai, API reference of Batch and Files.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from pydantic import JsonValue

from sandbox.provider.batches.held import Held, Tell, page_of
from sandbox.provider.batches.jobs import Job, Jobs, LineFate
from sandbox.provider.batches.openai_input import InvalidInput, parse_form, read_lines, window_s
from sandbox.provider.batches.openai_words import HOUR_S, WORDS, as_batch, as_job, as_line
from sandbox.provider.batches.visits import Route, Visit, begin, download, route, uploaded
from sandbox.provider.dialects.azure import AzureChatCompletions
from sandbox.provider.dialects.chat import ChatCompletions
from sandbox.provider.dialects.dialect import Address, Dialect
from sandbox.provider.dialects.embeddings import Embeddings
from sandbox.provider.dialects.responses import Responses
from sandbox.provider.models import REFERENCE_MODELS, find_model
from sandbox.provider.outcome import Problem, ProblemKind

_CHAT = ChatCompletions()
_ENDPOINTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "/v1/chat/completions": _CHAT,
        "/chat/completions": _CHAT,
        "/v1/responses": Responses(),
        "/v1/embeddings": Embeddings(),
    }
)


@dataclass(frozen=True, slots=True)
class _File:
    id: str
    name: str
    content: bytes
    created_at: datetime

    def told(self) -> dict[str, JsonValue]:
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": int(self.created_at.timestamp()),
            "filename": self.name,
            "purpose": "batch",
            "status": "processed",
        }


class OpenAiRoutes:
    """OpenAI's, and those of the two who took them over."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._files: dict[str, _File] = {}
        self._deleted: set[str] = set()
        """Files of results."""
        self._held = Held(jobs)

    def routes(self) -> Iterator[Route]:
        """Yield what is answered."""
        for root, dialect in (("/v1", _CHAT), ("/openai", AzureChatCompletions())):
            yield route("POST", f"{root}/files", dialect, self._upload)
            yield route("GET", f"{root}/files", dialect, self._list_files)
            yield route("GET", f"{root}/files/{{id}}/content", dialect, self._content)
            yield route("DELETE", f"{root}/files/{{id}}", dialect, self._delete)
            yield route("POST", f"{root}/batches", dialect, self._create)
            yield route("GET", f"{root}/batches", dialect, self._list)
            yield route("GET", f"{root}/batches/{{id}}", dialect, self._status)
            yield route("POST", f"{root}/batches/{{id}}/cancel", dialect, self._cancel)
        yield route("POST", "/v1/batch/jobs", _CHAT, self._create_job)
        yield route("GET", "/v1/batch/jobs", _CHAT, self._list_jobs)
        yield route("GET", "/v1/batch/jobs/{id}", _CHAT, self._status_of_job)
        yield route("POST", "/v1/batch/jobs/{id}/cancel", _CHAT, self._cancel_job)

    def _upload(self, visit: Visit) -> None:
        form = parse_form(visit.body, visit.exchange.request.headers.get(b"content-type", b""))
        if form is None or form.get("purpose", ("", b""))[1] != b"batch" or "file" not in form:
            visit.fail(Problem(ProblemKind.INVALID, "A form with purpose, which is batch, and file is wanted."))
            return
        name, content = form["file"]

        def keep() -> JsonValue:
            file = _File(f"file-{self._held.number()}", name, content, datetime.now(UTC))
            self._files[file.id] = file
            return file.told()

        uploaded(self._jobs, visit, keep)

    def _list_files(self, visit: Visit) -> None:
        files = list(reversed(self._files.values()))
        _answer_page(visit, [file.told() for file in files])

    def _content(self, visit: Visit) -> None:
        owner, _, kind = visit.found["id"].rpartition("-")
        job = self._held.by_id.get(owner)
        is_gone = visit.found["id"] in self._deleted
        if job is None or is_gone or not job.state.has_ended or kind not in ("output", "error"):
            visit.not_found()
            return
        told = [one for one in job.told if (one.fate is LineFate.ANSWERED) == (kind == "output")]
        download(self._jobs, visit, job, b"".join(as_line(job, one) for one in told))

    def _delete(self, visit: Visit) -> None:
        name = visit.found["id"]
        job = self._held.by_id.get(name.rpartition("-")[0])
        is_result = job is not None and job.state.has_ended and name not in self._deleted
        if self._files.pop(name, None) is None and not is_result:
            visit.not_found()
            return
        self._deleted.add(name)
        visit.answer({"id": name, "object": "file", "deleted": True})

    def _create(self, visit: Visit) -> None:
        asked = visit.json()
        job = self._made(visit, asked.get("input_file_id"), asked, window_s(asked.get("completion_window")))
        if job is not None:
            self._answer(visit, job, as_batch)

    def _create_job(self, visit: Visit) -> None:
        asked = visit.json()
        files = asked.get("input_files")
        hours = asked.get("timeout_hours")
        window = HOUR_S * (hours if isinstance(hours, int) else 24)
        file_id = files[0] if isinstance(files, list) and files else None
        job = self._made(visit, file_id, asked, window, of_all=asked.get("model"))
        if job is not None:
            self._answer(visit, job, as_job)

    def _answer(self, visit: Visit, job: Job, tell: Tell) -> None:
        if job.failure is None:
            begin(self._jobs, visit, job, tell(job))
            return
        created = tell(job)  # it is told as it was before anything was found wrong with it
        self._jobs.refuse(job, *job.failure)
        visit.answer(created)

    def _made(
        self,
        visit: Visit,
        file_id: JsonValue,
        asked: Mapping[str, JsonValue],
        window: float,
        of_all: JsonValue = None,
    ) -> Job | None:
        """Make a batch of a file, or answer what is wrong with the request for it."""
        file = self._files.get(file_id) if isinstance(file_id, str) else None
        dialect = _ENDPOINTS.get(str(asked.get("endpoint")))
        if file is None or dialect is None:
            wrong = "There is no such file." if file is None else "This endpoint has no batches."
            visit.fail(Problem(ProblemKind.INVALID, wrong))
            return None
        failure = None
        try:
            lines, model = read_lines(file.content, None if of_all is None else str(of_all))
        except InvalidInput as error:
            lines, failure = [], (error.code, str(error))
            model = find_model(str(of_all)) or next(iter(REFERENCE_MODELS.values()))
        metadata = asked.get("metadata")
        job = Job(
            id=f"batch_{self._held.number()}",
            name="",
            model=model,
            dialect=dialect,
            address=Address(),
            lines=lines,
            created_at=datetime.now(UTC),
            window_s=window,
            account=visit.account,
            extra={"metadata": metadata, "endpoint": asked.get("endpoint"), "input_file_id": file.id},
            failure=failure,
        )
        self._held.by_id[job.id] = job
        if failure is None and self._held.is_over_the_limit(job):
            job.failure = (
                "token_limit_exceeded",
                f"Enqueued token limit reached for {model.name}. Please try again once some have been completed.",
            )
        return job

    def _list(self, visit: Visit) -> None:
        _answer_page(visit, [as_batch(job) for job in reversed(self._held.by_id.values())])

    def _list_jobs(self, visit: Visit) -> None:
        size, page = int(visit.found.get("page_size", "100")), int(visit.found.get("page", "0"))
        jobs = [as_job(job) for job in reversed(self._held.by_id.values())]
        visit.answer({"object": "list", "data": [*jobs[page * size : (page + 1) * size]], "total": len(jobs)})

    def _status(self, visit: Visit) -> None:
        self._held.show(visit, as_batch)

    def _status_of_job(self, visit: Visit) -> None:
        self._held.show(visit, as_job)

    def _cancel(self, visit: Visit) -> None:
        self._held.cancel(visit, as_batch, _cannot_cancel)

    def _cancel_job(self, visit: Visit) -> None:
        self._held.cancel(visit, as_job, _cannot_cancel)


def _cannot_cancel(job: Job) -> Problem:
    return Problem(ProblemKind.INVALID, f"Cannot cancel a batch that is {WORDS[job.state]}.", status=409)


def _answer_page(visit: Visit, entries: Sequence[dict[str, JsonValue]]) -> None:
    """Answer with a page of a list, the newest first."""
    visit.answer({"object": "list", **page_of(entries, visit.found, "after")})
