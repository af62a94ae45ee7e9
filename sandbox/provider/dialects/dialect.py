"""What a dialect is: how one vendor's API reads a request and writes what came of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from sandbox.provider.ask import Ask, InvalidRequest, MediaKind, Medium
from sandbox.provider.connection import Request
from sandbox.provider.outcome import ErrorResponse, Outcome, Problem


class Address(NamedTuple):
    """Where a request went: the model in its path, for vendors who put it there, and its query."""

    model: str = ""
    query: Mapping[str, str] = MappingProxyType({})


class Dialect(ABC):
    """One vendor's API. An instance has no state and serves every call."""

    id_prefix: str
    """What the ids of answers start with."""
    usage_field: str
    """The body's field that tells the tokens."""
    answers_field: str
    """The body's field that holds the answers, a list."""

    @abstractmethod
    def refuse(self, request: Request, address: Address, key: str | None) -> Problem | None:
        """Return what is wrong with the caller's proof of who it is; `key` is the one key accepted, None: any."""

    @abstractmethod
    def read(self, body: bytes, address: Address) -> Ask:
        """Read a request, or raise InvalidRequest with one sentence about the first thing wrong."""

    @abstractmethod
    def write(self, outcome: Outcome) -> dict[str, JsonValue]:
        """Return the body of an answer."""

    @abstractmethod
    def write_error(self, problem: Problem) -> ErrorResponse:
        """Return the answer to a call that has none."""


_Body = TypeVar("_Body", bound=BaseModel)


def parse(form: type[_Body], body: bytes) -> _Body:
    """Parse a request's body, or raise InvalidRequest with one sentence about the first thing wrong."""
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        param = ".".join(str(part) for part in first["loc"]) or None
        raise InvalidRequest(f"{param or 'body'}: {first['msg']}.", param) from None


def media_of(kind: MediaKind, data: str | None) -> Medium:
    """Return the medium that base64 or a `data:` URL holds; of any other address the size is not known."""
    if data is None or data.startswith(("http:", "https:", "gs:", "s3:")):
        return Medium(kind)
    encoded = data.partition(",")[2] if data.startswith("data:") else data
    return Medium(kind, len(encoded.rstrip("=")) * 3 // 4)
