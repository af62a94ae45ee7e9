"""Gemini's batches of files. Sources: ai.google.dev, "Batch API" and "Files API", guides and API references."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from pydantic import JsonValue

from sandbox.provider.batches.held import Held, has_ended
from sandbox.provider.batches.jobs import Job, Jobs, JobState, Line, LineFate, Told
from sandbox.provider.batches.visits import Route, Visit, download, route, uploaded
from sandbox.provider.dialects.dialect import Address
from sandbox.provider.dialects.gemini import GenerateContent
from sandbox.provider.models import find_model
from sandbox.provider.outcome import Problem, ProblemKind

_CONTENT = GenerateContent()
WINDOW_S = 48 * 3600.0
"""A batch that has not ended by then expires."""
_STATES = {
    JobState.WAITING: "PENDING",
    JobState.RUNNING: "RUNNING",
    JobState.CANCELLING: "RUNNING",
    JobState.COMPLETED: "SUCCEEDED",
    JobState.FAILED: "FAILED",
    JobState.EXPIRED: "EXPIRED",
    JobState.CANCELLED: "CANCELLED",
}
_INTERNAL = 13
_OUTPUT = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatchOutput"
_BATCH = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"


@dataclass(slots=True)
class _File:
    id: str
    name: str
    created_at: datetime
    content: bytes | None = None

    def told(self) -> dict[str, JsonValue]:
        return {
            "name": f"files/{self.id}",
            "displayName": self.name,
            "mimeType": "application/jsonl",
            "sizeBytes": str(len(self.content or b"")),
            "createTime": _moment(self.created_at),
            "state": "ACTIVE",
        }


class GeminiRoutes:
    """Google's."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._files: dict[str, _File] = {}
        self._deleted: set[str] = set()
        """Files of results."""
        self._held = Held(jobs)

    def routes(self) -> Iterator[Route]:
        """Yield what is answered."""
        yield route("POST", "/upload/v1beta/files", _CONTENT, self._start_upload)
        yield route("POST", "/upload/v1beta/files/{id}", _CONTENT, self._upload, is_open=True)
        yield route("GET", "/v1beta/files", _CONTENT, self._list_files)
        yield route("GET", "/download/v1beta/files/{id}:download", _CONTENT, self._content)
        yield route("DELETE", "/v1beta/files/{id}", _CONTENT, self._delete)
        yield route("POST", "/v1beta/models/{model}:batchGenerateContent", _CONTENT, self._create)
        yield route("GET", "/v1beta/batches", _CONTENT, self._list)
        yield route("GET", "/v1beta/batches/{id}", _CONTENT, self._status)
        yield route("POST", "/v1beta/batches/{id}:cancel", _CONTENT, self._cancel)

    def _start_upload(self, visit: Visit) -> None:
        headers = visit.exchange.request.headers
        asked = visit.json().get("file")
        if headers.get(b"x-goog-upload-command") != b"start" or not isinstance(asked, dict):
            visit.fail(Problem(ProblemKind.INVALID, "An upload begins with the command start, and a file."))
            return
        name = asked.get("displayName") or asked.get("display_name")
        file = _File(self._held.number(), str(name), datetime.now(UTC))
        self._files[file.id] = file
        host = headers.get(b"host", b"localhost").decode("latin-1")
        visit.answer({}, f"x-goog-upload-url: http://{host}/upload/v1beta/files/{file.id}?upload_id=1\r\n")

    def _upload(self, visit: Visit) -> None:
        file = self._files.get(visit.found["id"])
        if file is None or visit.exchange.request.headers.get(b"x-goog-upload-command") != b"upload, finalize":
            visit.not_found()
            return

        def keep() -> JsonValue:
            file.content = visit.body
            return {"file": file.told()}

        uploaded(self._jobs, visit, keep)

    def _list_files(self, visit: Visit) -> None:
        _answer_page(visit, "files", [file.told() for file in self._files.values() if file.content is not None])

    def _content(self, visit: Visit) -> None:
        job = self._held.by_id.get(visit.found["id"].removeprefix("batch-"))
        if job is None or job.state is not JobState.COMPLETED or visit.found["id"] in self._deleted:
            visit.not_found()
        else:
            download(self._jobs, visit, job, b"".join(_line(one) for one in job.told))

    def _delete(self, visit: Visit) -> None:
        name = visit.found["id"]
        job = self._held.by_id.get(name.removeprefix("batch-"))
        is_result = job is not None and job.state is JobState.COMPLETED and name not in self._deleted
        if self._files.pop(name, None) is None and not is_result:
            visit.not_found()
            return
        self._deleted.add(name)
        visit.answer({})

    def _create(self, visit: Visit) -> None:
        batch = visit.json().get("batch")
        asked = batch if isinstance(batch, dict) else {}
        config = asked.get("inputConfig") or asked.get("input_config")
        source = config if isinstance(config, dict) else {}
        file_name = str(source.get("fileName") or source.get("file_name"))
        file = self._files.get(file_name.removeprefix("files/"))
        model = find_model(visit.found["model"])
        if model is None:
            visit.fail(Problem(ProblemKind.MODEL_NOT_FOUND, model=visit.found["model"]))
            return
        lines = None if file is None or file.content is None else _read(file.content)
        if lines is None:
            visit.fail(Problem(ProblemKind.INVALID, "There is no such file, or it has no lines of key and request."))
            return
        job = Job(
            id=self._held.number(),
            name=str(asked.get("displayName") or asked.get("display_name")),
            model=model,
            dialect=_CONTENT,
            address=Address(visit.found["model"]),
            lines=lines,
            created_at=datetime.now(UTC),
            window_s=WINDOW_S,
            account=visit.account,
        )
        self._held.take(visit, job, _told, "Enqueued tokens exceed the limit.")

    def _list(self, visit: Visit) -> None:
        _answer_page(visit, "operations", [_told(job) for job in self._held.by_id.values()])

    def _status(self, visit: Visit) -> None:
        self._held.show(visit, _told)

    def _cancel(self, visit: Visit) -> None:
        self._held.cancel(visit, lambda _job: {}, has_ended)


def _told(job: Job) -> dict[str, JsonValue]:
    """Return an operation; one that was cancelled or has expired has no results, as Google says."""
    answered = job.counts[LineFate.ANSWERED]
    failed = sum(job.counts.values()) - answered
    counts = {"requestCount": len(job.lines), "successfulRequestCount": answered, "failedRequestCount": failed}
    pending = len(job.lines) - answered - failed
    stats: JsonValue = {name: str(value) for name, value in {**counts, "pendingRequestCount": pending}.items() if value}
    metadata: dict[str, JsonValue] = {
        "@type": _BATCH,
        "model": f"models/{job.model.name}",
        "displayName": job.name,
        "createTime": _moment(job.created_at),
        "updateTime": _moment(job.ended_at or job.created_at),
        "batchStats": stats,
        "state": f"BATCH_STATE_{_STATES[job.state]}",
        "name": f"batches/{job.id}",
    }
    told: dict[str, JsonValue] = {"name": f"batches/{job.id}", "metadata": metadata}
    if job.ended_at is not None:
        metadata["endTime"] = _moment(job.ended_at)
        told["done"] = True
    if job.state is JobState.COMPLETED:
        told["response"] = {"@type": _OUTPUT, "responsesFile": f"files/batch-{job.id}"}
    if job.state is JobState.FAILED and job.failure is not None:
        told["error"] = {"code": _INTERNAL, "message": job.failure[1]}
    return told


def _line(told: Told) -> bytes:
    if told.outcome is not None:
        return orjson.dumps({"key": told.custom_id, "response": _CONTENT.write(told.outcome)}) + b"\n"
    error = orjson.loads(_CONTENT.write_error(told.problem or Problem(ProblemKind.SERVER_ERROR)).body)["error"]
    return orjson.dumps({"key": told.custom_id, "error": error}) + b"\n"


def _read(content: bytes) -> list[Line] | None:
    lines: list[Line] = []
    for raw in content.splitlines():
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return None
        key, request = value.get("key"), value.get("request")
        if not isinstance(key, str) or not isinstance(request, dict):
            return None
        lines.append(Line(key, orjson.dumps(request)))
    return lines or None


def _moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _answer_page(visit: Visit, field: str, entries: list[dict[str, JsonValue]]) -> None:
    size, start = int(visit.found.get("pageSize", "50")), int(visit.found.get("pageToken", "0"))
    page: dict[str, JsonValue] = {field: [*entries[start : start + size]]}
    if start + size < len(entries):
        page["nextPageToken"] = str(start + size)
    visit.answer(page)
