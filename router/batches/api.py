"""What a vendor's batch API is: how it is asked, and what its replies say. Pure; `streams.providers` performs it.

Every path is below the provider's `base_url`. What cannot be read is None, never a guess.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from pydantic import JsonValue

from router.batches.batch import BatchRefusal, BatchStatus
from router.batches.line import LineEnd
from router.dialects.wire import BatchForm
from schemas.requests import JsonObject

OUR_ID_FIELD = "turnout_batch"
"""The key of our id in the metadata of those vendors that keep some."""
LISTED_AT_ONCE = 100
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Verb(StrEnum):
    """How it is asked."""

    GET = "GET"
    POST = "POST"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Ask:
    """One call."""

    verb: Verb
    path: str
    query: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    body: JsonObject | None = None
    root: str = ""
    """What stands before the last segment of `base_url`: Google has other hosts' paths for whole files."""


class Upload(StrEnum):
    """How files are sent."""

    MULTIPART = "multipart"
    """A form with the file in it (RFC 7578)."""
    RESUMABLE = "resumable"
    """Google's: an address for the bytes is asked for first."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of a list, of batches or of files."""

    id: str
    our_id: str | None = None
    """None: it tells none."""
    created_s: float | None = None
    requests: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list."""

    entries: tuple[Listed, ...]
    next_query: Mapping[str, str] | None = None
    """Of the page after it; None: this was the last one."""


@dataclass(frozen=True, slots=True)
class ResultLine:
    """What a line of the results says, its answer still in the vendor's words."""

    custom_id: str | None
    end: LineEnd
    status_code: int = 200
    """That of the live call whose reply the body is."""
    body: JsonValue = None
    is_free: bool = False
    """The vendor says that lines which end so are not charged."""


class BatchFiles(Protocol):
    """How one vendor has lines sent as files."""

    upload: Upload

    def upload_to(self) -> Ask:
        """Return where files are sent, without their bytes."""
        ...

    def file_id(self, reply: JsonObject) -> str | None:
        """Return the id of a file that has been uploaded."""
        ...

    def files(self, query: Mapping[str, str]) -> Ask:
        """Ask for a page of the files, the first one without a query."""
        ...

    def read_files(self, reply: JsonObject, query: Mapping[str, str]) -> Page:
        """Read the page of this query. Our id is the name that the file was given."""
        ...


class BatchApi(Protocol):
    """One vendor's batch API. An instance has no state."""

    form: BatchForm
    is_stable: bool
    """Whether results stand in the same order each time that they are read."""
    newest_first: bool
    """Whether lists begin with what was made last."""

    @property
    def by_files(self) -> BatchFiles | None:
        """Return how lines are sent as files; None: they are a list in the body that creates the batch."""
        ...

    def endpoint(self, path: str) -> str:
        """Return the vendor's word for a live call's path, as lines and batches have it."""
        ...

    def line(self, custom_id: str, endpoint: str, body: JsonObject) -> JsonObject:
        """Return a request as a line."""
        ...

    def create(self, our_id: str, model: str, file_id: str | None, endpoint: str, window_s: float) -> Ask:
        """Ask for a batch of the file. Without files the body has no `requests` yet: there the lines go."""
        ...

    def batch_id(self, reply: JsonObject) -> str | None:
        """Return the id of a batch that has been created."""
        ...

    def batches(self, query: Mapping[str, str]) -> Ask:
        """Ask for a page of the batches, the first one without a query."""
        ...

    def read_batches(self, reply: JsonObject, query: Mapping[str, str]) -> Page:
        """Read the page of this query."""
        ...

    def status(self, batch_id: str) -> Ask:
        """Ask how a batch stands."""
        ...

    def read_status(self, reply: JsonObject) -> BatchStatus | None:
        """Read it; None: it says no state that is known."""
        ...

    def results(self, batch_id: str, reply: JsonObject) -> tuple[Ask, ...]:
        """Return how the results of a batch with this status are asked for: one file, several, or none."""
        ...

    def read_line(self, line: JsonObject) -> ResultLine:
        """Read a line of the results."""
        ...

    def cancel(self, batch_id: str) -> Ask:
        """Ask for no more answers."""
        ...

    def delete(self, name: str) -> Ask:
        """Ask to delete a file of lines, or one of what `BatchStatus.holds` names."""
        ...


def text_in(holder: JsonObject, *names: str) -> str | None:
    """Return the first of these fields that is a text with something in it."""
    found = (value for name in names if isinstance(value := holder.get(name), str) and value)
    return next(found, None)


def object_in(holder: JsonValue, name: str) -> JsonObject:
    """Return the object under this name; an empty one without it."""
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, dict) else {}


def count_in(holder: JsonObject, name: str) -> int:
    """Return a count, which Google writes as a text; 0 without it."""
    value = holder.get(name)
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def moment_in(holder: JsonObject, *names: str) -> float | None:
    """Return the first of these moments that is told, in seconds since 1970 or by RFC 3339."""
    for name in names:
        value = holder.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(value)
        if isinstance(value, str):
            try:
                return datetime.fromisoformat(value).timestamp()
            except ValueError:
                continue
    return None


REFUSALS: Mapping[str, BatchRefusal] = MappingProxyType(
    {
        **dict.fromkeys(
            ("token_limit_exceeded", "batch_limit_exceeded", "resource_exhausted"), BatchRefusal.QUEUE_FULL
        ),
        **dict.fromkeys(("too_many_tasks", "file_too_large", "request_too_large"), BatchRefusal.TOO_LARGE),
        **dict.fromkeys(
            (
                *("duplicate_custom_id", "empty_file", "empty_batch", "invalid_argument", "invalid_json_line"),
                *("invalid_method", "invalid_request", "invalid_request_error", "invalid_url", "mismatched_model"),
                *("missing_required_parameter", "model_mismatch", "model_not_found", "url_mismatch"),
            ),
            BatchRefusal.INVALID,
        ),
    }
)
"""Why a batch failed, by the vendor's code in lower case; any other is the provider's own trouble.

Sources: platform.openai.com, "Batch API"; learn.microsoft.com, "Azure OpenAI batch deployments"; google.rpc.Code.
"""


def refusal_of(code: JsonValue) -> BatchRefusal:
    """Return why a batch failed with this code."""
    return REFUSALS.get(code.lower(), BatchRefusal.OTHER) if isinstance(code, str) else BatchRefusal.OTHER
