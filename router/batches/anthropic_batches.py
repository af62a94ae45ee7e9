"""Anthropic's Message Batches: no files, no name of ours, and results in any order.

Sources: platform.claude.com, "Batch processing" and the API reference of Message Batches.
"""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

from router.batches.api import (
    LISTED_AT_ONCE,
    Ask,
    Listed,
    Page,
    ResultLine,
    Verb,
    count_in,
    moment_in,
    object_in,
    text_in,
)
from router.batches.batch import BatchCounts, BatchState, BatchStatus
from router.batches.line import LineEnd
from router.dialects.reply import objects_in
from router.dialects.wire import BatchForm
from schemas.requests import JsonObject

_PATH = "/messages/batches"
_WITHOUT_ANSWER = ("errored", "canceled", "expired")
_ENDS: Mapping[str, LineEnd] = MappingProxyType({"expired": LineEnd.EXPIRED, "canceled": LineEnd.CANCELLED})
_STATUS_CODES: Mapping[str, int] = MappingProxyType(
    {
        "invalid_request_error": 400,
        "authentication_error": 401,
        "billing_error": 402,
        "permission_error": 403,
        "not_found_error": 404,
        "request_too_large": 413,
        "rate_limit_error": 429,
        "api_error": 500,
        "timeout_error": 504,
        "overloaded_error": 529,
    }
)
"""The status of a live call with an error of this type. Source: platform.claude.com, "Errors"."""
_SERVER_ERROR = 500


class MessageBatches:
    """Anthropic's Message Batches."""

    form = BatchForm.ANTHROPIC
    by_files = None
    is_stable = False
    newest_first = True

    def endpoint(self, path: str) -> str:
        """Return it as it is: nothing names it."""
        return path

    def line(self, custom_id: str, endpoint: str, body: JsonObject) -> JsonObject:  # noqa: ARG002 - there is one only
        """Return a request as an entry of `requests`."""
        return {"custom_id": custom_id, "params": body}

    def create(self, our_id: str, model: str, file_id: str | None, endpoint: str, window_s: float) -> Ask:  # noqa: ARG002 - all is in the lines
        """Ask for a batch; the lines are put in under `requests`."""
        return Ask(Verb.POST, _PATH, body={})

    def batch_id(self, reply: JsonObject) -> str | None:
        """Return the id of a batch."""
        return text_in(reply, "id")

    def batches(self, query: Mapping[str, str]) -> Ask:
        """Ask for a page of the batches."""
        return Ask(Verb.GET, _PATH, {"limit": str(LISTED_AT_ONCE), **query})

    def read_batches(self, reply: JsonObject, query: Mapping[str, str]) -> Page:  # noqa: ARG002 - the reply says it
        """Read a page of the batches, each with how many lines it has."""
        entries = tuple(
            Listed(found, None, moment_in(entry, "created_at"), counts.total if (counts := _counts(entry)) else None)
            for entry in objects_in(reply.get("data"))
            if (found := text_in(entry, "id")) is not None
        )
        last = text_in(reply, "last_id")
        return Page(entries, {"after_id": last} if reply.get("has_more") is True and last else None)

    def status(self, batch_id: str) -> Ask:
        """Ask how a batch stands."""
        return Ask(Verb.GET, f"{_PATH}/{quote(batch_id, '')}")

    def read_status(self, reply: JsonObject) -> BatchStatus | None:
        """Read how it stands: one that has ended says by its counts how."""
        state: BatchState | None = None
        counts = object_in(reply, "request_counts")
        match reply.get("processing_status"):
            case "in_progress":
                state = BatchState.RUNNING
            case "canceling":
                state = BatchState.CANCELLING
            case "ended" if reply.get("cancel_initiated_at"):
                state = BatchState.CANCELLED
            case "ended":
                state = BatchState.EXPIRED if count_in(counts, "expired") else BatchState.COMPLETED
        if state is None:
            return None
        return BatchStatus(
            state,
            _counts(reply),
            created_s=moment_in(reply, "created_at"),
            ended_s=moment_in(reply, "ended_at"),
            expires_s=moment_in(reply, "expires_at"),
            holds=(found,) if state.has_ended and (found := text_in(reply, "id")) else (),
        )

    def results(self, batch_id: str, reply: JsonObject) -> tuple[Ask, ...]:  # noqa: ARG002 - its path is known
        """Ask for the results, below `base_url`: `results_url` might lead elsewhere with the key."""
        return (Ask(Verb.GET, f"{_PATH}/{quote(batch_id, '')}/results"),)

    def read_line(self, line: JsonObject) -> ResultLine:
        """Read a line of the results."""
        custom_id, result = text_in(line, "custom_id"), object_in(line, "result")
        kind = text_in(result, "type") or ""
        if kind == "succeeded":
            return ResultLine(custom_id, LineEnd.ANSWERED, body=result.get("message"))
        if kind in _ENDS:
            return ResultLine(custom_id, _ENDS[kind], body=result, is_free=True)
        if kind == "errored":
            error = object_in(result, "error")
            error = object_in(error, "error") or error
            status = _STATUS_CODES.get(text_in(error, "type") or "", _SERVER_ERROR)
            return ResultLine(custom_id, LineEnd.FAILED, status, {"type": "error", "error": error}, is_free=True)
        return ResultLine(custom_id, LineEnd.UNREADABLE, body=line)

    def cancel(self, batch_id: str) -> Ask:
        """Ask for no more answers."""
        return Ask(Verb.POST, f"{_PATH}/{quote(batch_id, '')}/cancel")

    def delete(self, name: str) -> Ask:
        """Ask to delete a batch with its requests and results; one that has not ended is not."""
        return Ask(Verb.DELETE, f"{_PATH}/{quote(name, '')}")


def _counts(reply: JsonObject) -> BatchCounts | None:
    told = object_in(reply, "request_counts")
    failed = sum(count_in(told, name) for name in _WITHOUT_ANSWER)
    answered = count_in(told, "succeeded")
    total = count_in(told, "processing") + answered + failed
    return BatchCounts(total, answered, failed) if total else None
