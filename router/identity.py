"""Who asked for what: a request is known by its tenant, its id, and what it asks, never by its id alone.

| id of                              | source    | who can write it                                              |
|------------------------------------|-----------|---------------------------------------------------------------|
| the producer                       | `request` | every producer, for its own tenant                            |
| a request without one, by its place| `record`  | no client: an id of that form from a client is refused        |
| a replayed dead letter             | `replay`  | who signs for the tenant; anybody where no tenant has a key   |

A refusal that proves no tenant finishes no id: it is known by what was refused, so that the true owner of the id is
served. So is the refusal of an id that comes again with another body.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson
from pydantic import JsonValue

from schemas.costs import CallStarted
from schemas.requests import Request
from schemas.vocabulary import IdSource

NOT_ASKED = {"request_id", "tenant", "deadline", "reply_to", "metadata", "schema_version", "cache", "lane"}
"""Fields that decide neither the answer nor its price; the first two are the identity's own parts."""
ASKED = frozenset(
    {
        *("prompt", "system_prompt", "messages", "input", "dimensions", "encoding_format"),
        *("tools", "tool_choice", "response_format", "parameters", "temperature", "max_tokens"),
        *("tier", "model", "policy", "quality_slack", "max_cost_usd", "max_latency_ms"),
    }
)
"""All others: two requests that differ in one of these are two questions, for duplicates and for the cache."""
DIGEST_BYTES = 16
_REPLAY = re.compile(r".*:replay:\d+:\d+")
_PLACE = re.compile(r"(.+)-\d+-\d+")


def asked_of(request: Request) -> str:
    """Return the SHA-256 of what decides answer or price, 64 hexadecimal digits: the same however it is written."""
    asked = request.model_dump(mode="json", exclude=NOT_ASKED, exclude_none=True)
    if request.max_cost_usd is not None:
        asked["max_cost_usd"] = f"{request.max_cost_usd.normalize():f}"
    return hashlib.sha256(orjson.dumps(_as_written_once(asked), option=orjson.OPT_SORT_KEYS)).hexdigest()


def _as_written_once(value: JsonValue) -> JsonValue:
    """Return the JSON with each number in one form, as RFC 8785 has it: 1 for 1.0, 0 for -0.0."""
    match value:
        case dict():
            return {name: _as_written_once(one) for name, one in value.items()}
        case list():
            return [_as_written_once(one) for one in value]
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
    return value


def asked_by_bytes(value: bytes | None) -> str:
    """Return the same of a record that cannot be read: that of its bytes."""
    return hashlib.sha256(value or b"").hexdigest()


def is_reserved(request_id: str, requests_topic: str) -> bool:
    """Say whether a client's own id has the form of one that only Turnout gives."""
    place = _PLACE.fullmatch(request_id)
    return _REPLAY.fullmatch(request_id) is not None or (place is not None and place[1] == requests_topic)


@dataclass(frozen=True, slots=True)
class Identity:
    """What one request is known by."""

    tenant: str
    request_id: str
    asked: str | None
    """SHA-256 of what was asked; None: not known, of a response of an earlier version."""
    source: IdSource = IdSource.REQUEST
    authenticated: bool = False
    """Whether the tenant was proven, by its key or a replay's signature."""
    finishes: bool = True
    """Whether a response to it is the answer to its id; False: of a refusal that leaves the id free."""

    @property
    def key(self) -> str:
        """What state is kept by. No part can hold the separator, a control character."""
        if not self.finishes:
            return f"refused\x1f{self.tenant}\x1f{self.request_id}\x1f{self.asked}"
        return f"{self.source}\x1f{self.tenant}\x1f{self.request_id}"

    @property
    def digest(self) -> bytes:
        """The key in 16 bytes, for where many are kept. At a million the chance that two are the same is 1.5e-27."""
        return hashlib.blake2b(self.key.encode(), digest_size=DIGEST_BYTES).digest()

    def refused(self) -> "Identity":
        """Return that of a refusal which leaves the id free."""
        return replace(self, finishes=False)


def identity_of_response(response: Mapping[str, object]) -> Identity:
    """Return what the request of a stored response, a JSON object, is known by."""
    asked = response.get("asked_sha256")
    told = response.get("id_source")
    return Identity(
        tenant=str(response["tenant"]),
        request_id=str(response["request_id"]),
        asked=asked if isinstance(asked, str) else None,
        source=IdSource(told) if isinstance(told, str) else _source_by_form(response),
        authenticated=response.get("authenticated") is True,
        finishes=response.get("finishes_id") is not False,
    )


def key_of_call(call: CallStarted) -> str:
    """Return the key of the request of a write-ahead record."""
    source = _source_by_form(vars(call)) if call.schema_version == 1 else call.id_source
    return Identity(call.tenant, call.request_id, None, source).key


def _source_by_form(told: Mapping[str, object]) -> IdSource:
    """Tell the source of an id that a version before wrote, which did not tell it."""
    request_id = str(told["request_id"])
    if request_id == f"{told['request_topic']}-{told['request_partition']}-{told['request_offset']}":
        return IdSource.RECORD
    return IdSource.REPLAY if _REPLAY.fullmatch(request_id) else IdSource.REQUEST
