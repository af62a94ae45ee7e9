"""Between records and messages: requests are read or found unreadable, messages get their headers."""

import re
from collections.abc import Iterable, Mapping, Sequence
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
MAX_TRACE_CHARS = 512
"""Of each header of the trace context. W3C Trace Context wants so much of a `tracestate` passed on, and allows more to
be dropped; a `traceparent` has 55, and later versions may have more."""
TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]*)?")
TRACESTATE = re.compile(rb"[\t -~]+")
SOURCE = b"turnout"
JSON_WORDS: Mapping[str, str] = MappingProxyType(
    {"model_type": "must be a JSON object", "dict_type": "must be a JSON object", "tuple_type": "must be a JSON array"}
)
"""Where pydantic's own sentence speaks of Python."""
REASON_CHARS = 500
FIELD_CHARS = 100
SPARE_LEVELS = 8
"""So much deeper than in its record a field may stand where it is written: in `parameters`, or in a provider's form."""
MAX_LEVELS = 254 - SPARE_LEVELS
"""orjson reads more levels of nesting than the 254 it writes; what cannot be written cannot be sent to a provider."""
MAX_KEY_BYTES = 16_384
"""Of a record's key: it is copied to the call, the response and its copies, which must fit their topics with it."""
EDGE_BYTES = 65_536
"""Of what is too large to be parsed, its id is looked for in so much of its begin and of its end."""


KEY_HEADER = "authorization"
"""The header of a record that carries a tenant's key, as `Bearer KEY`."""
REDACTED = b"redacted"


DATAREF_HEADER = "ce_dataref"
"""The CloudEvents attribute `dataref`, as the Kafka binding writes it in binary mode."""
MAX_EVENT_BYTES = 16_384
"""Of an event in structured mode that holds nothing but a reference."""

EARLIEST_S = 978_307_200.0
"""2001. No record is older than Kafka: a producer has written seconds for milliseconds, or nothing."""


class UndecodedName(str):
    r"""A header's name that is not UTF-8, with its other bytes written as `\xff`. No producer can write this type."""

    __slots__ = ()


class TooLargeBatch(str):
    """A header's name that stands for a batch that was not unpacked, and says why. No producer can write this type."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """The record's bytes and its place. `timestamp_ms` is since 1970."""

    origin: Origin
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]

    @property
    def answer_key(self) -> bytes | None:
        """What the record's call and response are keyed by: its key, of one that is too long only the begin."""
        return None if self.key is None else self.key[:MAX_KEY_BYTES]

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


@dataclass(frozen=True, slots=True)
class Referenced:
    """A record that only says where its request is: a CloudEvent with `dataref` and without data."""

    reference: str


def shown_reference(headers: Iterable[tuple[str, bytes]]) -> str | None:
    """Return the reference among the headers of a record without a value; None if there is none."""
    shown = dict(headers).get(DATAREF_HEADER)
    return shown.decode("utf-8", "replace") if shown else None


def reference_in(delivery: Delivery) -> Referenced | None:
    """Return the reference of a CloudEvent in either mode; None if the record holds what it means itself.

    Source: CloudEvents, extension "Dataref (Claim Check Pattern)".
    """
    value = delivery.value
    if not value:
        shown = shown_reference(delivery.headers)
        return None if shown is None else Referenced(shown)
    if len(value) > MAX_EVENT_BYTES or b'"dataref"' not in value:
        return None
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(event, dict) or not event.keys() >= {"specversion", "type", "source", "dataref"}:
        return None
    reference = event["dataref"]
    has_data = event.get("data") is not None or event.get("data_base64") is not None
    return None if has_data or not isinstance(reference, str) else Referenced(reference)


def read_record(delivery: Delivery, max_bytes: int) -> Request | Unreadable:
    """Read a record of the requests topic. Raises nothing."""
    if (batch := next((name for name, _ in delivery.headers if isinstance(name, TooLargeBatch)), None)) is not None:
        return Unreadable("too_large", f"{batch}, and none of its records is read; send less in one batch")
    reading = read_request(delivery.value, max_bytes)
    if isinstance(reading, Unreadable):
        return reading
    if len(delivery.key or b"") > MAX_KEY_BYTES:
        reason = f"the record's key has {len(delivery.key or b'')} bytes, {MAX_KEY_BYTES} are allowed; shorten it"
        return Unreadable("too_large", reason, reading.request_id)
    if (name := next((name for name, _ in delivery.headers if isinstance(name, UndecodedName)), None)) is not None:
        reason = f"a header's name is not UTF-8: {name[:FIELD_CHARS]}; name it in UTF-8, or leave it out"
        return Unreadable("not_utf8", reason, reading.request_id)
    return reading


def read_request(value: bytes | None, max_bytes: int) -> Request | Unreadable:
    """Read such a record's value. Raises nothing."""
    if value is None:
        return Unreadable("empty", "the value is null; send a JSON object with a `prompt`")
    if len(value) > max_bytes:
        reason = f"the value has {len(value)} bytes, {max_bytes} are allowed; shorten the prompt"
        return Unreadable("too_large", reason, glimpsed_id(value))
    try:
        data = opened(value)
    except EnvelopeError as error:
        found = _readable_id(error.data) if error.data is not None else found_id(value)
        return Unreadable(error.code, str(error)[:REASON_CHARS], found, error.field)
    if isinstance(data, dict) and not _is_writable(data):
        field = next((name for name, content in data.items() if not _is_writable({name: content})), "")[:FIELD_CHARS]
        reason = f"{field}: is nested more than {MAX_LEVELS} levels deep; flatten it"
        return Unreadable("invalid_request", reason, _readable_id(data), field)
    try:
        return Request.model_validate(data)
    except ValidationError as error:
        field, reason = explained(error)
        return Unreadable("invalid_request", reason, _readable_id(data), field)


def glimpsed_id(value: bytes) -> str | None:
    """Return the id of what is not to be parsed, if one stands near its begin or its end, and no other."""
    return found_id(value if len(value) <= 2 * EDGE_BYTES else value[:EDGE_BYTES] + b"\n" + value[-EDGE_BYTES:])


def _is_writable(data: JsonObject) -> bool:
    deeper: object = data
    for _ in range(SPARE_LEVELS):
        deeper = [deeper]
    try:
        orjson.dumps(deeper)
    except TypeError:
        return False
    return True


def _readable_id(data: object) -> str | None:
    if isinstance(data, list) and len(data) == 1:
        return _readable_id(data[0]) if isinstance(data[0], dict) else None
    if not isinstance(data, dict):
        return None
    found = data["custom_id"] if is_batch_line(data) else data.get("request_id", data.get("custom_id"))
    if found is None:
        found = _id_by_another_name(data)
    if isinstance(found, dict) and found.keys() == {"string"}:
        found = found["string"]  # Avro's own JSON, of a field that may be null
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)  # a wrong type, and yet its sender will know the answer by it
    return found.strip() if isinstance(found, str) and 0 < len(found.strip()) <= MAX_ID_CHARS else None


def _id_by_another_name(data: JsonObject) -> object:
    """Return the id that stands under its name in another spelling, if one does and no other.

    ksqlDB writes names in capitals (docs.ksqldb.io, "Syntax"), Protocol Buffers in camel case (protobuf.dev,
    "ProtoJSON").
    """
    found = [value for name, value in data.items() if name.replace("_", "").lower() in ("requestid", "customid")]
    return found[0] if len(found) == 1 else None


def explained(error: ValidationError) -> tuple[str | None, str]:
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
    """Return the W3C trace context among a record's headers, as it came; none if it is not well formed or too long.

    Of a `tracestate` that is longer than `MAX_TRACE_CHARS` the members at its end are left out.

    It goes on to the provider as HTTP headers, where a line break or a letter beyond ASCII would fail the call.
    """
    parent, state = headers.get("traceparent"), headers.get("tracestate")
    if parent is None or len(parent) > MAX_TRACE_CHARS or not TRACEPARENT.fullmatch(parent):
        return {}
    trace = {"traceparent": parent.decode()}
    if state is None or not TRACESTATE.fullmatch(state) or not (passed_on := _within_bound(state.decode())):
        return trace
    return {**trace, "tracestate": passed_on}


def _within_bound(state: str) -> str:
    """Return the first members of a `tracestate`, the latest, as many as are to be passed on; whole ones."""
    if len(state) <= MAX_TRACE_CHARS:
        return state
    return state[: MAX_TRACE_CHARS + 1].rpartition(",")[0].rstrip()


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


def without_key(headers: Iterable[tuple[str, bytes]]) -> Iterable[tuple[str, bytes]]:
    """Return a record's headers as they may be copied to another topic: the tenant's key is redacted, the rest kept."""
    return ((name, REDACTED if name.lower() == KEY_HEADER else value) for name, value in headers)


def event_headers(
    message: Message, event_id: str, subject: str, occurred_at: datetime, trace: Mapping[str, str]
) -> Headers:
    """Return the headers of a record: the CloudEvents Kafka binding in binary mode, and the trace context."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", SOURCE),
        ("ce_type", message.type_name.encode()),
        ("ce_time", occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
        ("ce_subject", subject.encode()),
        ("content-type", b"application/json"),
        *((name, text.encode()) for name, text in trace.items()),
    ]
