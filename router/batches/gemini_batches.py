"""Gemini's batches: `POST /models/{model}:batchGenerateContent` of a file of its Files API.

Sources: ai.google.dev, "Batch API" and "Files API", guides and API references; google.rpc.Code for errors of lines.
"""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

from router.batches.api import (
    LISTED_AT_ONCE,
    Ask,
    BatchFiles,
    Listed,
    Page,
    ResultLine,
    Upload,
    Verb,
    count_in,
    moment_in,
    object_in,
    refusal_of,
    text_in,
)
from router.batches.batch import BatchCounts, BatchState, BatchStatus
from router.batches.line import LineEnd
from router.dialects.reply import objects_in
from router.dialects.wire import BatchForm
from schemas.requests import JsonObject

EXPIRES_AFTER_S = 48 * 3600.0
"""Since its creation; it tells no moment. Source: "Batch API", the job's states."""
_STATES: Mapping[str, BatchState] = MappingProxyType(
    {
        "QUEUED": BatchState.WAITING,
        "PENDING": BatchState.WAITING,
        "RUNNING": BatchState.RUNNING,
        "PAUSED": BatchState.RUNNING,
        "SUCCEEDED": BatchState.COMPLETED,
        "PARTIALLY_SUCCEEDED": BatchState.COMPLETED,
        "FAILED": BatchState.FAILED,
        "CANCELLING": BatchState.CANCELLING,
        "CANCELLED": BatchState.CANCELLED,
        "EXPIRED": BatchState.EXPIRED,
    }
)
"""Behind `BATCH_STATE_`, or `JOB_STATE_` as Google's own clients write it."""
_STATUS_CODES: Mapping[int, int] = MappingProxyType(
    {
        1: 503,
        2: 500,
        3: 400,
        4: 504,
        5: 404,
        6: 409,
        7: 403,
        8: 429,
        9: 400,
        10: 409,
        11: 400,
        12: 501,
        13: 500,
        14: 503,
        15: 500,
        16: 401,
    }
)
"""By google.rpc.Code. 1 is a request that Google has cancelled of itself: another one may be answered."""
_CODE_NAMES: Mapping[int, str] = MappingProxyType({3: "invalid_argument", 8: "resource_exhausted"})
_SERVER_ERROR = 500


class GeminiBatches:
    """Gemini's batches."""

    form = BatchForm.GEMINI
    upload = Upload.RESUMABLE
    is_stable = True
    newest_first = False

    @property
    def by_files(self) -> BatchFiles:
        """Return itself."""
        return self

    def endpoint(self, path: str) -> str:
        """Return it as it is: nothing names it."""
        return path

    def line(self, custom_id: str, endpoint: str, body: JsonObject) -> JsonObject:  # noqa: ARG002 - there is one only
        """Return a request as a line."""
        return {"key": custom_id, "request": body}

    def upload_to(self) -> Ask:
        """Return where an address for a file is asked for."""
        return Ask(Verb.POST, "/files", root="upload")

    def file_id(self, reply: JsonObject) -> str | None:
        """Return the name of a file, `files/...`."""
        return text_in(object_in(reply, "file") or reply, "name")

    def files(self, query: Mapping[str, str]) -> Ask:
        """Ask for a page of the files."""
        return Ask(Verb.GET, "/files", {"pageSize": str(LISTED_AT_ONCE), **query})

    def read_files(self, reply: JsonObject, query: Mapping[str, str]) -> Page:  # noqa: ARG002 - the reply says it
        """Read a page of the files."""
        entries = tuple(
            Listed(found, text_in(entry, "displayName"), moment_in(entry, "createTime"))
            for entry in objects_in(reply.get("files"))
            if (found := text_in(entry, "name")) is not None
        )
        return Page(entries, _following(reply))

    def create(self, our_id: str, model: str, file_id: str | None, endpoint: str, window_s: float) -> Ask:  # noqa: ARG002 - it is always 24 h
        """Ask for a batch of the file."""
        batch: JsonObject = {"displayName": our_id, "inputConfig": {"fileName": file_id}}
        return Ask(Verb.POST, f"/models/{quote(model, '')}:batchGenerateContent", body={"batch": batch})

    def batch_id(self, reply: JsonObject) -> str | None:
        """Return the name of a batch, `batches/...`."""
        return text_in(reply, "name")

    def batches(self, query: Mapping[str, str]) -> Ask:
        """Ask for a page of the batches."""
        return Ask(Verb.GET, "/batches", {"pageSize": str(LISTED_AT_ONCE), **query})

    def read_batches(self, reply: JsonObject, query: Mapping[str, str]) -> Page:  # noqa: ARG002 - the reply says it
        """Read a page of the batches, each an operation."""
        entries = tuple(
            Listed(found, text_in(told, "displayName"), moment_in(told, "createTime"))
            for entry in objects_in(reply.get("operations")) or objects_in(reply.get("batches"))
            if (found := text_in(entry, "name")) is not None
            for told in (object_in(entry, "metadata") or entry,)
        )
        return Page(entries, _following(reply))

    def status(self, batch_id: str) -> Ask:
        """Ask how a batch stands."""
        return Ask(Verb.GET, f"/{quote(batch_id)}")

    def read_status(self, reply: JsonObject) -> BatchStatus | None:
        """Read how it stands: an operation, whose metadata is the batch."""
        told = object_in(reply, "metadata") or reply
        error = object_in(reply, "error")
        state = _STATES.get((text_in(told, "state") or "").partition("STATE_")[2])
        if state is None and reply.get("done") is True:
            state = BatchState.FAILED if error else BatchState.COMPLETED
        if state is None:
            return None
        created_s = moment_in(told, "createTime")
        code = _CODE_NAMES.get(count_in(error, "code"))
        return BatchStatus(
            state,
            _counts(told),
            created_s=created_s,
            ended_s=moment_in(told, "endTime"),
            expires_s=None if created_s is None else created_s + EXPIRES_AFTER_S,
            refusal=refusal_of(code) if state is BatchState.FAILED else None,
            detail=text_in(error, "message") or "",
            holds=_results(reply),
        )

    def results(self, batch_id: str, reply: JsonObject) -> tuple[Ask, ...]:  # noqa: ARG002 - the reply names the file
        """Ask for the file of the results; one that was cancelled or has expired has none."""
        return tuple(
            Ask(Verb.GET, f"/{quote(file)}:download", {"alt": "media"}, root="download") for file in _results(reply)
        )

    def read_line(self, line: JsonObject) -> ResultLine:
        """Read a line of the results."""
        custom_id = text_in(line, "key") or text_in(object_in(line, "metadata"), "key")
        if isinstance(response := line.get("response"), dict):
            return ResultLine(custom_id, LineEnd.ANSWERED, body=response)
        if error := object_in(line, "error"):
            code = count_in(error, "code")
            status = code if code >= 400 else _STATUS_CODES.get(code, _SERVER_ERROR)  # noqa: PLR2004 - HTTP's begin there
            return ResultLine(custom_id, LineEnd.FAILED, status, {"error": error})
        return ResultLine(custom_id, LineEnd.UNREADABLE, body=line)

    def cancel(self, batch_id: str) -> Ask:
        """Ask for no more answers."""
        return Ask(Verb.POST, f"/{quote(batch_id)}:cancel")

    def delete(self, name: str) -> Ask:
        """Ask to delete a file, `files/...`."""
        return Ask(Verb.DELETE, f"/{quote(name)}")


def _results(reply: JsonObject) -> tuple[str, ...]:
    outputs = (object_in(reply, "response"), object_in(object_in(reply, "metadata"), "output"))
    return tuple(found for output in outputs if (found := text_in(output, "responsesFile")))[:1]


def _counts(told: JsonObject) -> BatchCounts | None:
    stats = object_in(told, "batchStats")
    if not (total := count_in(stats, "requestCount")):
        return None
    return BatchCounts(total, count_in(stats, "successfulRequestCount"), count_in(stats, "failedRequestCount"))


def _following(reply: JsonObject) -> Mapping[str, str] | None:
    token = text_in(reply, "nextPageToken")
    return None if token is None else {"pageToken": token}
