"""What a dialect is: how one vendor's API reads a request and writes what came of it."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar, NamedTuple, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from sandbox.provider.ask import Ask, InvalidRequest, MediaKind, Medium
from sandbox.provider.connection import Request
from sandbox.provider.outcome import ErrorResponse, Outcome, Problem


class Address(NamedTuple):
    """Where a request went: the model in its path, for vendors who put it there, and its query."""

    model: str = ""
    query: Mapping[str, str] = MappingProxyType({})


class Keys(NamedTuple):
    """The secrets that callers are held against; without one, any key will do."""

    api_key: str | None = None
    aws_secret: str | None = None
    """The secret access key that requests in AWS's manner are signed with."""


class Dialect(ABC):
    """One vendor's API. An instance has no state and serves every call."""

    id_prefix: ClassVar[str]
    """What the ids of answers start with."""
    usage_field: ClassVar[str]
    """The body's field that tells the tokens."""
    answers_field: ClassVar[str]
    """The body's field that holds the answers, a list."""
    blocks_in_answer: ClassVar[bool] = False
    """Whether a prompt that a filter blocks gets an answer that says so, and is charged, instead of an error."""
    tells_cache_writes: ClassVar[bool] = True
    """Whether the usage has a field for tokens that were written into a cache; else none are."""
    caches_by_itself: ClassVar[bool] = True
    """Whether prompts are cached without a mark, and writing them into the cache costs nothing."""
    waits_in_body: ClassVar[bool] = False
    """Whether the body of an error says when to come back, and no header does."""

    @abstractmethod
    def refuse(self, request: Request, address: Address, keys: Keys) -> Problem | None:
        """Return what is wrong with the caller's headers, above all with its proof of who it is."""

    @abstractmethod
    def read(self, body: bytes, address: Address) -> Ask:
        """Read a request, or raise InvalidRequest with one sentence about the first thing wrong."""

    @abstractmethod
    def write(self, outcome: Outcome) -> dict[str, JsonValue]:
        """Return the body of an answer."""

    @abstractmethod
    def write_error(self, problem: Problem) -> ErrorResponse:
        """Return the answer to a call that has none."""

    def headers(self, outcome: Outcome) -> str:  # noqa: ARG002 - of use to those who have some
        """Return the header lines of an answer, each ended by CRLF."""
        return ""

    def limit_headers(self, limit: int, wait_s: float, now: datetime) -> str:  # noqa: ARG002 - same
        """Return the header lines that tell the requests allowed a minute, used up, and when to come back."""
        return ""

    def leave_out_answers(self, fields: dict[str, JsonValue]) -> None:
        """Empty the body of an answer of what it answers."""
        fields[self.answers_field] = []


class Strict(BaseModel):
    """A part of a request whose vendor refuses fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


_ALTERNATIVE = re.compile(r"[-\[]")
_Body = TypeVar("_Body", bound=BaseModel)


def parse(form: type[_Body], body: bytes) -> _Body:
    """Parse a request's body, or raise InvalidRequest with one sentence about the first thing wrong."""
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        # A union names its alternatives in the path, as no vendor would.
        param = ".".join(str(part) for part in first["loc"] if not _ALTERNATIVE.search(str(part))) or None
        raise InvalidRequest(f"{param or 'body'}: {first['msg']}.", param) from None


def media_of(kind: MediaKind, data: str | None) -> Medium:
    """Return the medium that base64 or a `data:` URL holds; of any other address the size is not known."""
    if data is None or data.startswith(("http:", "https:", "gs:", "s3:")):
        return Medium(kind)
    encoded = data.partition(",")[2] if data.startswith("data:") else data
    return Medium(kind, len(encoded.rstrip("=")) * 3 // 4)


def parse_object(text: str) -> dict[str, JsonValue]:
    """Return the arguments of a call; none if they were cut off by a limit, as vendors that do not write text do."""
    try:
        arguments = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return arguments if isinstance(arguments, dict) else {}
