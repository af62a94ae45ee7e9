"""Files and batches of OpenAI's, and of those who took them over: Groq, Azure with other paths, Mistral with jobs.

Sources: platform.openai.com, API reference of Files and Batch, "The request output object"; learn.microsoft.com, "Azure
OpenAI batch deployments"; docs.mistral.ai, API reference of Batch and Files.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import quote

from router.batches.api import (
    LISTED_AT_ONCE,
    OUR_ID_FIELD,
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
from router.batches.batch import BatchCounts, BatchRefusal, BatchState, BatchStatus
from router.batches.line import LineEnd
from router.dialects.reply import objects_in
from router.dialects.wire import BatchForm
from schemas.requests import JsonObject

_HOUR_S, _DAY_H = 3600, 24
_STATES: Mapping[str, BatchState] = MappingProxyType(
    {
        "validating": BatchState.WAITING,
        "in_progress": BatchState.RUNNING,
        "finalizing": BatchState.RUNNING,
        "completed": BatchState.COMPLETED,
        "failed": BatchState.FAILED,
        "expired": BatchState.EXPIRED,
        "cancelling": BatchState.CANCELLING,
        "cancelled": BatchState.CANCELLED,
        "queued": BatchState.WAITING,
        "running": BatchState.RUNNING,
        "success": BatchState.COMPLETED,
        "timeout_exceeded": BatchState.EXPIRED,
        "cancellation_requested": BatchState.CANCELLING,
    }
)
"""`status` in lower case: OpenAI's words, then Mistral's."""
_ENDS: Mapping[str, LineEnd] = MappingProxyType(
    {"batch_expired": LineEnd.EXPIRED, "batch_cancelled": LineEnd.CANCELLED}
)
"""`error.code` of a line that was never its turn."""
_STATUS_CODES: Mapping[str, int] = MappingProxyType({"request_timeout": 504})
"""The status of a live call that ended so; any other error without a response is the server's."""
_SERVER_ERROR = 500
_FILES_AT_ONCE = 1000
FILE_SUFFIX = ".jsonl"
"""OpenAI takes no other."""


class OpenAiBatches:
    """OpenAI's and Groq's: `POST /files`, `POST /batches`."""

    form = BatchForm.OPENAI
    upload = Upload.MULTIPART
    is_stable = True
    newest_first = True
    prefix = ""

    @property
    def by_files(self) -> BatchFiles:
        """Return itself."""
        return self

    def endpoint(self, path: str) -> str:
        """Return it below `/v1`, whatever stands before that in `base_url`."""
        return f"/v1{path}"

    def line(self, custom_id: str, endpoint: str, body: JsonObject) -> JsonObject:
        """Return a request as a line."""
        return {"custom_id": custom_id, "method": "POST", "url": endpoint, "body": body}

    def upload_to(self) -> Ask:
        """Return where files are sent."""
        return Ask(Verb.POST, f"{self.prefix}/files")

    def file_id(self, reply: JsonObject) -> str | None:
        """Return the id of a file."""
        return text_in(reply, "id")

    def files(self, query: Mapping[str, str]) -> Ask:
        """Ask for a page of the files."""
        fixed = {"purpose": "batch", "limit": str(_FILES_AT_ONCE), "order": "desc"}
        return Ask(Verb.GET, f"{self.prefix}/files", {**fixed, **query})

    def read_files(self, reply: JsonObject, query: Mapping[str, str]) -> Page:
        """Read a page of the files."""
        return self._page(reply, query, _file)

    def create(self, our_id: str, model: str, file_id: str | None, endpoint: str, window_s: float) -> Ask:  # noqa: ARG002 - the model is in the lines
        """Ask for a batch of the file."""
        body: JsonObject = {
            "input_file_id": file_id,
            "endpoint": endpoint,
            "completion_window": _window(window_s),
            "metadata": {OUR_ID_FIELD: our_id},
        }
        return Ask(Verb.POST, f"{self.prefix}/batches", body=body)

    def batch_id(self, reply: JsonObject) -> str | None:
        """Return the id of a batch."""
        return text_in(reply, "id")

    def batches(self, query: Mapping[str, str]) -> Ask:
        """Ask for a page of the batches."""
        return Ask(Verb.GET, f"{self.prefix}/batches", {"limit": str(LISTED_AT_ONCE), **query})

    def read_batches(self, reply: JsonObject, query: Mapping[str, str]) -> Page:
        """Read a page of the batches."""
        return self._page(reply, query, _batch)

    def status(self, batch_id: str) -> Ask:
        """Ask how a batch stands."""
        return Ask(Verb.GET, f"{self.prefix}/batches/{quote(batch_id, '')}")

    def read_status(self, reply: JsonObject) -> BatchStatus | None:
        """Read how it stands."""
        state = _STATES.get((text_in(reply, "status") or "").lower())
        if state is None:
            return None
        refusal, detail = _why(state, reply)
        return BatchStatus(
            state,
            self._counts(reply),
            created_s=moment_in(reply, "created_at"),
            ended_s=moment_in(reply, "completed_at", "failed_at", "expired_at", "cancelled_at"),
            expires_s=moment_in(reply, "expires_at"),
            refusal=refusal,
            detail=detail,
            holds=_results(reply),
        )

    def results(self, batch_id: str, reply: JsonObject) -> tuple[Ask, ...]:  # noqa: ARG002 - the reply names files
        """Return the files of answers and of errors, as far as there are any."""
        return tuple(Ask(Verb.GET, f"{self.prefix}/files/{quote(file, '')}/content") for file in _results(reply))

    def read_line(self, line: JsonObject) -> ResultLine:
        """Read a line of either file."""
        custom_id, error = text_in(line, "custom_id"), object_in(line, "error")
        response = object_in(line, "response")
        status = count_in(response, "status_code")
        if status and "body" in response:
            end = LineEnd.ANSWERED if status < 300 else LineEnd.FAILED  # noqa: PLR2004 - the class of success
            return ResultLine(custom_id, end, status, response["body"])
        code = text_in(error, "code") or ""
        if code in _ENDS:
            return ResultLine(custom_id, _ENDS[code], body=error, is_free=True)
        if error:
            return ResultLine(custom_id, LineEnd.FAILED, _STATUS_CODES.get(code, _SERVER_ERROR), {"error": error})
        return ResultLine(custom_id, LineEnd.UNREADABLE, body=line)

    def cancel(self, batch_id: str) -> Ask:
        """Ask for no more answers."""
        return Ask(Verb.POST, f"{self.prefix}/batches/{quote(batch_id, '')}/cancel")

    def delete(self, name: str) -> Ask:
        """Ask to delete a file."""
        return Ask(Verb.DELETE, f"{self.prefix}/files/{quote(name, '')}")

    def _counts(self, reply: JsonObject) -> BatchCounts | None:
        told = object_in(reply, "request_counts")
        if not (total := count_in(told, "total")):
            return None
        return BatchCounts(total, count_in(told, "completed"), count_in(told, "failed"))

    def _page(self, reply: JsonObject, query: Mapping[str, str], read: "_Read") -> Page:  # noqa: ARG002 - the reply says it
        entries = _entries(reply, read)
        last = text_in(reply, "last_id") or (entries[-1].id if entries else None)
        return Page(entries, {"after": last} if reply.get("has_more") is True and last else None)


class AzureBatches(OpenAiBatches):
    """Azure's: below `/openai`, with the deployment as the model of each line."""

    form = BatchForm.AZURE
    prefix = "/openai"

    def endpoint(self, path: str) -> str:  # noqa: ARG002 - live, the deployment is in the path
        """Return the one that chat has."""
        return "/chat/completions"


class MistralJobs(OpenAiBatches):
    """Mistral's: OpenAI's files, and jobs that name the model and the endpoint for all lines."""

    form = BatchForm.MISTRAL
    newest_first = False

    def line(self, custom_id: str, endpoint: str, body: JsonObject) -> JsonObject:  # noqa: ARG002 - the job names it
        """Return a request as a line."""
        return {"custom_id": custom_id, "body": {name: value for name, value in body.items() if name != "model"}}

    def files(self, query: Mapping[str, str]) -> Ask:
        """Ask for a page of the files."""
        return Ask(Verb.GET, "/files", {"purpose": "batch", **_paged(query)})

    def create(self, our_id: str, model: str, file_id: str | None, endpoint: str, window_s: float) -> Ask:
        """Ask for a job of the file."""
        body: JsonObject = {
            "input_files": [file_id],
            "model": model,
            "endpoint": endpoint,
            "metadata": {OUR_ID_FIELD: our_id},
            "timeout_hours": max(1, round(window_s / _HOUR_S)),
        }
        return Ask(Verb.POST, "/batch/jobs", body=body)

    def batches(self, query: Mapping[str, str]) -> Ask:
        """Ask for a page of the jobs."""
        return Ask(Verb.GET, "/batch/jobs", _paged(query))

    def status(self, batch_id: str) -> Ask:
        """Ask how a job stands."""
        return Ask(Verb.GET, f"/batch/jobs/{quote(batch_id, '')}")

    def cancel(self, batch_id: str) -> Ask:
        """Ask for no more answers."""
        return Ask(Verb.POST, f"/batch/jobs/{quote(batch_id, '')}/cancel")

    def _counts(self, reply: JsonObject) -> BatchCounts | None:
        if not (total := count_in(reply, "total_requests")):
            return None
        return BatchCounts(total, count_in(reply, "succeeded_requests"), count_in(reply, "failed_requests"))

    def _page(self, reply: JsonObject, query: Mapping[str, str], read: "_Read") -> Page:
        entries = _entries(reply, read)
        following = {"page": str(int(_paged(query)["page"]) + 1)}
        return Page(entries, following if len(objects_in(reply.get("data"))) == LISTED_AT_ONCE else None)


_Read = Callable[[JsonObject], Listed | None]


def _entries(reply: JsonObject, read: _Read) -> tuple[Listed, ...]:
    return tuple(found for entry in objects_in(reply.get("data")) if (found := read(entry)) is not None)


def _file(entry: JsonObject) -> Listed | None:
    if (found := text_in(entry, "id")) is None:
        return None
    name = text_in(entry, "filename") or ""
    return Listed(found, name.removesuffix(FILE_SUFFIX), moment_in(entry, "created_at"))


def _batch(entry: JsonObject) -> Listed | None:
    if (found := text_in(entry, "id")) is None:
        return None
    return Listed(found, text_in(object_in(entry, "metadata"), OUR_ID_FIELD), moment_in(entry, "created_at"))


def _results(reply: JsonObject) -> tuple[str, ...]:
    """Return the files of answers and of errors, as far as there are any."""
    names = (("output_file_id", "output_file"), ("error_file_id", "error_file"))
    return tuple(found for one in names if (found := text_in(reply, *one)))


def _paged(query: Mapping[str, str]) -> Mapping[str, str]:
    return {"page": query.get("page", "0"), "page_size": str(LISTED_AT_ONCE)}


def _window(window_s: float) -> str:
    hours = max(1, round(window_s / _HOUR_S))
    return f"{hours // _DAY_H}d" if hours > _DAY_H and hours % _DAY_H == 0 else f"{hours}h"


def _why(state: BatchState, reply: JsonObject) -> tuple[BatchRefusal | None, str]:
    """Return why a batch failed, and what is said: OpenAI has a list under `errors.data`, Mistral under `errors`."""
    errors = reply.get("errors")
    told = objects_in(errors.get("data") if isinstance(errors, dict) else errors)
    said = "; ".join(message for one in told if (message := text_in(one, "message", "code")))
    if state is not BatchState.FAILED:
        return None, said
    return refusal_of(told[0].get("code") if told else None), said
