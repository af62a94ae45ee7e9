"""Anthropic's Message Batches: results in any order. Source: platform.claude.com, API reference of Message Batches."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson
from pydantic import JsonValue

from sandbox.provider.batches.held import Held, has_ended, page_of
from sandbox.provider.batches.jobs import Job, Jobs, JobState, Line, LineFate, Told
from sandbox.provider.batches.visits import Route, Visit, download, route
from sandbox.provider.dialects.anthropic import Messages
from sandbox.provider.dialects.dialect import Address
from sandbox.provider.models import find_model
from sandbox.provider.outcome import Problem, ProblemKind

_MESSAGES = Messages()
_ROOT = "/v1/messages/batches"
WINDOW_S = 86_400.0
_MOST_LINES = 100_000
_WORDS = {LineFate.EXPIRED: "expired", LineFate.CANCELLED: "canceled"}


class AnthropicRoutes:
    """Anthropic's."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._held = Held(jobs)

    def routes(self) -> Iterator[Route]:
        """Yield what is answered."""
        yield route("POST", _ROOT, _MESSAGES, self._create)
        yield route("GET", _ROOT, _MESSAGES, self._list)
        yield route("GET", f"{_ROOT}/{{id}}", _MESSAGES, self._status)
        yield route("GET", f"{_ROOT}/{{id}}/results", _MESSAGES, self._results)
        yield route("POST", f"{_ROOT}/{{id}}/cancel", _MESSAGES, self._cancel)
        yield route("DELETE", f"{_ROOT}/{{id}}", _MESSAGES, self._delete)

    def _create(self, visit: Visit) -> None:
        requests = visit.json().get("requests")
        entries = [one for one in requests if isinstance(one, dict)] if isinstance(requests, list) else []
        lines = [
            Line(custom_id, orjson.dumps(params))
            for one in entries
            if isinstance(custom_id := one.get("custom_id"), str) and isinstance(params := one.get("params"), dict)
        ]
        asked = {str(params.get("model")) for one in entries if isinstance(params := one.get("params"), dict)}
        model = find_model(next(iter(sorted(asked)), ""))
        wrong = None
        if not entries or len(lines) != len(entries):
            wrong = "requests: each has a custom_id and params, and there is one at least"
        elif len(lines) > _MOST_LINES:
            wrong = f"requests: there are {_MOST_LINES} at the most"
        elif len({line.custom_id for line in lines}) != len(lines):
            wrong = "requests: a custom_id is there twice"
        if wrong is not None:
            visit.fail(Problem(ProblemKind.INVALID, wrong))
            return
        if model is None:
            visit.fail(Problem(ProblemKind.MODEL_NOT_FOUND, model=", ".join(sorted(asked))))
            return
        job = Job(
            id=f"msgbatch_{self._held.number()}",
            name="",
            model=model,
            dialect=_MESSAGES,
            address=Address(),
            lines=lines,
            created_at=datetime.now(UTC),
            window_s=WINDOW_S,
            account=visit.account,
        )
        self._held.take(visit, job, _told, "Too many tokens are enqueued in batches.")

    def _list(self, visit: Visit) -> None:
        entries = [_told(job) for job in reversed(self._held.by_id.values())]
        visit.answer(page_of(entries, visit.found, "after_id"))

    def _status(self, visit: Visit) -> None:
        self._held.show(visit, _told)

    def _results(self, visit: Visit) -> None:
        job = self._held.by_id.get(visit.found["id"])
        if job is None or not job.state.has_ended:
            visit.not_found()
            return
        told = list(job.told)
        self._jobs.shuffle(told)
        download(self._jobs, visit, job, b"".join(_line(one) for one in told))

    def _delete(self, visit: Visit) -> None:
        name = visit.found["id"]
        job = self._held.by_id.get(name)
        if job is None:
            visit.not_found()
        elif not job.state.has_ended:
            visit.fail(Problem(ProblemKind.INVALID, "The batch has not ended: cancel it first."))
        else:
            del self._held.by_id[name]
            visit.answer({"id": name, "type": "message_batch_deleted"})

    def _cancel(self, visit: Visit) -> None:
        self._held.cancel(visit, _cancelled, has_ended)


def _cancelled(job: Job) -> dict[str, JsonValue]:
    job.extra = {"cancel_initiated_at": datetime.now(UTC)}
    return _told(job)


def _told(job: Job) -> dict[str, JsonValue]:
    words = {JobState.CANCELLING: "canceling"}
    status = "ended" if job.state.has_ended else words.get(job.state, "in_progress")
    ended = sum(job.counts.values()) if job.state.has_ended else 0
    counts = job.counts if job.state.has_ended else dict.fromkeys(LineFate, 0)
    cancelled = job.extra.get("cancel_initiated_at")
    return {
        "id": job.id,
        "type": "message_batch",
        "processing_status": status,
        # all is counted as processing until the whole batch has ended, as Anthropic does
        "request_counts": {
            "processing": len(job.lines) - ended,
            "succeeded": counts[LineFate.ANSWERED],
            "errored": counts[LineFate.FAILED],
            "canceled": counts[LineFate.CANCELLED],
            "expired": counts[LineFate.EXPIRED],
        },
        "ended_at": None if job.ended_at is None else _moment(job.ended_at),
        "created_at": _moment(job.created_at),
        "expires_at": _moment(job.created_at + timedelta(seconds=job.window_s)),
        "archived_at": None,
        "cancel_initiated_at": _moment(cancelled) if isinstance(cancelled, datetime) else None,
        "results_url": f"https://api.anthropic.com{_ROOT}/{job.id}/results" if job.state.has_ended else None,
    }


def _moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _line(told: Told) -> bytes:
    result: dict[str, JsonValue]
    if told.outcome is not None:
        message = _MESSAGES.write(told.outcome)
        usage = message["usage"]
        if isinstance(usage, dict):
            usage["service_tier"] = "batch"
        result = {"type": "succeeded", "message": message}
    elif told.problem is not None:
        result = {"type": "errored", "error": orjson.loads(_MESSAGES.write_error(told.problem).body)}
    else:
        result = {"type": _WORDS[told.fate]}
    return orjson.dumps({"custom_id": told.custom_id, "result": result}) + b"\n"
