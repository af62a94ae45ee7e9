"""Batches in the words of OpenAI and of Mistral: how one stands, and the lines of its results."""

from types import MappingProxyType

import orjson
from pydantic import JsonValue

from sandbox.provider.batches.jobs import Job, JobState, LineFate, Told

HOUR_S = 3600.0
WORDS = MappingProxyType(
    {
        JobState.WAITING: "validating",
        JobState.RUNNING: "in_progress",
        JobState.CANCELLING: "cancelling",
        JobState.COMPLETED: "completed",
        JobState.FAILED: "failed",
        JobState.EXPIRED: "expired",
        JobState.CANCELLED: "cancelled",
    }
)
_MISTRALS = MappingProxyType(
    {
        JobState.WAITING: "QUEUED",
        JobState.RUNNING: "RUNNING",
        JobState.CANCELLING: "CANCELLATION_REQUESTED",
        JobState.COMPLETED: "SUCCESS",
        JobState.FAILED: "FAILED",
        JobState.EXPIRED: "TIMEOUT_EXCEEDED",
        JobState.CANCELLED: "CANCELLED",
    }
)
_ERRORS = MappingProxyType(
    {
        LineFate.EXPIRED: ("batch_expired", "This request could not be executed before the completion window expired."),
        LineFate.CANCELLED: ("batch_cancelled", "This batch was cancelled before this request was executed."),
    }
)


def as_batch(job: Job) -> dict[str, JsonValue]:
    """Return a batch in OpenAI's words."""
    code, message = job.failure or ("", "")
    has_failed = job.state is JobState.FAILED
    errors: list[JsonValue] = [{"code": code, "message": message, "line": None, "param": None}] if has_failed else []
    ended = None if job.ended_at is None else int(job.ended_at.timestamp())
    created = int(job.created_at.timestamp())
    word = WORDS[job.state]
    metadata = job.extra.get("metadata")
    return {
        "id": job.id,
        "object": "batch",
        "endpoint": str(job.extra.get("endpoint")),
        "errors": {"object": "list", "data": errors} if errors else None,
        "input_file_id": str(job.extra.get("input_file_id")),
        "completion_window": f"{int(job.window_s // HOUR_S)}h",
        "status": word,
        **_files_of(job, "output_file_id", "error_file_id"),
        "created_at": created,
        "expires_at": created + int(job.window_s),
        **{f"{one}_at": ended if word == one else None for one in ("completed", "failed", "expired", "cancelled")},
        "request_counts": {
            "total": len(job.lines),
            "completed": job.counts[LineFate.ANSWERED],
            "failed": _failed(job),
        },
        "metadata": dict(metadata) if isinstance(metadata, dict) else None,
    }


def as_job(job: Job) -> dict[str, JsonValue]:
    """Return a batch in Mistral's words."""
    metadata = job.extra.get("metadata")
    has_failed = job.state is JobState.FAILED and job.failure is not None
    errors: list[JsonValue] = [{"message": job.failure[1], "count": 1}] if has_failed and job.failure else []
    return {
        "id": job.id,
        "object": "batch",
        "input_files": [str(job.extra.get("input_file_id"))],
        "metadata": dict(metadata) if isinstance(metadata, dict) else None,
        "endpoint": str(job.extra.get("endpoint")),
        "model": job.model.name,
        **_files_of(job, "output_file", "error_file"),
        "errors": errors,
        "status": _MISTRALS[job.state],
        "created_at": int(job.created_at.timestamp()),
        "completed_at": None if job.ended_at is None else int(job.ended_at.timestamp()),
        "total_requests": len(job.lines),
        "completed_requests": job.counts[LineFate.ANSWERED] + _failed(job),
        "succeeded_requests": job.counts[LineFate.ANSWERED],
        "failed_requests": _failed(job),
    }


def _failed(job: Job) -> int:
    return sum(number for fate, number in job.counts.items() if fate is not LineFate.ANSWERED)


def _files_of(job: Job, output: str, error: str) -> dict[str, JsonValue]:
    has_results = job.state.has_ended and job.state is not JobState.FAILED
    answered, failed = job.counts[LineFate.ANSWERED], _failed(job)
    return {
        output: f"{job.id}-output" if has_results and answered else None,
        error: f"{job.id}-error" if has_results and failed else None,
    }


def as_line(job: Job, told: Told) -> bytes:
    """Return a line of the results."""
    response: JsonValue = None
    error: JsonValue = None
    request_id = f"{job.id}-{told.custom_id}"
    if told.outcome is not None:
        response = {"status_code": 200, "request_id": request_id, "body": job.dialect.write(told.outcome)}
    elif told.problem is not None:
        written = job.dialect.write_error(told.problem)
        response = {"status_code": written.status, "request_id": request_id, "body": orjson.loads(written.body)}
    else:
        code, message = _ERRORS[told.fate]
        error = {"code": code, "message": message}
    line = {"id": f"batch_req_{request_id}", "custom_id": told.custom_id, "response": response, "error": error}
    return orjson.dumps(line) + b"\n"
