"""Between records and messages: requests are read or found unreadable, messages get their headers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

import orjson
from pydantic import ValidationError

from router.job import Origin
from schemas.dead_letters import REPLAY_OF
from schemas.message import Message
from schemas.requests import JsonObject, Request, is_batch_line
from streams.envelopes import MAX_ID_CHARS, EnvelopeError, found_id, opened

Headers = list[tuple[str, bytes]]
TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]*)?")
TRACESTATE = re.compile(rb"[\t -~]+")
SOURCE = "turnout"
JSON_WORDS: Mapping[str, str] = MappingProxyType(
    {"model_type": "must be a JSON object", "dict_type": "must be a JSON object", "tuple_type": "must be a JSON array"}
)
"""Where pydantic's own sentence speaks of Python."""
REASON_CHARS = 500
FIELD_CHARS = 100
MAX_LEVELS = 254
"""orjson reads more levels of nesting than it writes; what cannot be written cannot be sent to a provider."""


KEY_HEADER = "authorization"
"""The header of a record that carries a tenant's key, as `Bearer KEY`."""


EARLIEST_S = 978_307_200.0
"""2001. No record is older than Kafka: a producer has written seconds for milliseconds, or nothing."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The record's bytes and its place. `timestamp_ms` is since 1970."""

    origin: Origin
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]

    def written_s(self, now_s: float) -> float:
        """Return when it was written, seconds since 1970, as far as its timestamp can be believed; else now."""
        written_s = self.timestamp_ms / 1000
        return written_s if EARLIEST_S <= written_s <= now_s else now_s


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that is no request: a word for programs, a sentence for people, and its id if one can be read."""

    code: str
    reason: str
    request_id: str | None = None
    field: str | None = None


def read_request(value: bytes | None, max_bytes: int) -> Request | Unreadable:
    """Read a record of the requests topic. Raises nothing."""
    if value is None:
        return Unreadable("empty", "the value is null; send a JSON object with a `prompt`")
    try:
        data = opened(value)
    except EnvelopeError as error:
        found = _readable_id(error.data) if error.data is not None else found_id(value)
        return Unreadable(error.code, str(error)[:REASON_CHARS], found, error.field)
    if len(value) > max_bytes:
        reason = f"the value has {len(value)} bytes, {max_bytes} are allowed; shorten the prompt"
        return Unreadable("too_large", reason, _readable_id(data))
    if isinstance(data, dict) and not _is_writable(data):
        field = next((name for name, content in data.items() if not _is_writable({name: content})), "")[:FIELD_CHARS]
        reason = f"{field}: is nested more than {MAX_LEVELS} levels deep; flatten it"
        return Unreadable("invalid_request", reason, _readable_id(data), field)
    try:
        return Request.model_validate(data)
    except ValidationError as error:
        field, reason = _explain(error)
        return Unreadable("invalid_request", reason, _readable_id(data), field)


def _is_writable(data: JsonObject) -> bool:
    try:
        orjson.dumps(data)
    except TypeError:
        return False
    return True


def _readable_id(data: object) -> str | None:
    if isinstance(data, list) and len(data) == 1:
        return _readable_id(data[0]) if isinstance(data[0], dict) else None
    if not isinstance(data, dict):
        return None
    found = data["custom_id"] if is_batch_line(data) else data.get("request_id", data.get("custom_id"))
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)  # a wrong type, and yet its sender will know the answer by it
    return found.strip() if isinstance(found, str) and 0 < len(found.strip()) <= MAX_ID_CHARS else None


def _explain(error: ValidationError) -> tuple[str | None, str]:
    """Return the field to mend and a sentence. The sentence never quotes the value: it may be a prompt or a secret."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = [str(part) for part in first["loc"]]
    text = JSON_WORDS.get(first["type"], first["msg"])
    if first["type"] == "value_error":  # one of ours: it may name a field below the place
        *below, text = text.removeprefix("Value error, ").split(": ", 1)
        place += below
    field = ".".join(place)[:FIELD_CHARS]
    return field or None, f"{field or 'the value'}: {text}"[:REASON_CHARS]


def trace_of(headers: Mapping[str, bytes | None]) -> dict[str, str]:
    """Return the W3C trace context among a record's headers, as it came; none if it is not well formed.

    It goes on to the provider as HTTP headers, where a line break or a letter beyond ASCII would fail the call.
    """
    parent, state = headers.get("traceparent"), headers.get("tracestate")
    if parent is None or not TRACEPARENT.fullmatch(parent):
        return {}
    trace = {"traceparent": parent.decode()}
    return {**trace, "tracestate": state.decode()} if state is not None and TRACESTATE.fullmatch(state) else trace


def replay_suffix(headers: Mapping[str, bytes | None]) -> str:
    """Return what the id of a replayed dead letter ends with, `:replay:PARTITION:OFFSET`; empty if it is no replay.

    An id has one answer. That of the dead letter may have had its own, so its replay is another request; but however
    often a dead letter is replayed, it is the same one.
    """
    place = headers.get(REPLAY_OF)
    if place is None or not re.fullmatch(rb"[0-9]{1,9}:[0-9]{1,18}", place):
        return ""
    return f":replay:{place.decode()}"


def trace_id(trace: Mapping[str, str]) -> str | None:
    """Return the trace id of a trace context, 32 hexadecimal digits, or None."""
    parent = trace.get("traceparent")
    return parent.split("-")[1] if parent else None


def event_headers(
    message: Message, event_id: str, subject: str, occurred_at: datetime, trace: Mapping[str, str]
) -> Headers:
    """Return the headers of a record: the CloudEvents Kafka binding in binary mode, and the trace context."""
    named = {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_source": SOURCE,
        "ce_type": message.type_name,
        "ce_time": occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "ce_subject": subject,
        "content-type": "application/json",
        **trace,
    }
    return [(name, text.encode()) for name, text in named.items()]
