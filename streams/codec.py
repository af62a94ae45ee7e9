"""Between records and messages: requests are read or found unreadable, messages get their headers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from pydantic import ValidationError

from schemas.message import Message
from schemas.requests import Request

Headers = list[tuple[str, bytes]]
TRACE_HEADERS = ("traceparent", "tracestate")
SOURCE = "turnout"
REASON_CHARS = 500
MAX_ID_CHARS = 256


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
        data = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return _not_json(value, error)
    if len(value) > max_bytes:
        reason = f"the value has {len(value)} bytes, {max_bytes} are allowed; shorten the prompt"
        return Unreadable("too_large", reason, _readable_id(data))
    try:
        return Request.model_validate(data)
    except ValidationError as error:
        field, reason = _explain(error)
        return Unreadable("invalid_request", reason, _readable_id(data), field)


def _not_json(value: bytes, error: orjson.JSONDecodeError) -> Unreadable:
    try:
        value.decode()
    except UnicodeDecodeError as problem:
        return Unreadable("not_utf8", f"byte {problem.start} is not UTF-8; encode the JSON as UTF-8")
    return Unreadable("not_json", f"the value is not JSON: {error}"[:REASON_CHARS])


def _readable_id(data: object) -> str | None:
    if not isinstance(data, dict):
        return None
    found = data.get("request_id", data.get("custom_id"))
    return found.strip() if isinstance(found, str) and 0 < len(found.strip()) <= MAX_ID_CHARS else None


def _explain(error: ValidationError) -> tuple[str | None, str]:
    """Return the field to mend and a sentence. The sentence never quotes the value: it may be a prompt or a secret."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    first = problems[0]
    field = ".".join(str(part) for part in first["loc"])
    text = first["msg"].removeprefix("Value error, ")
    if not field and ":" in text:
        field, _, text = text.partition(": ")
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return field or None, (f"{field}: {text}{more}" if field else f"the value: {text}{more}")[:REASON_CHARS]


def trace_of(headers: Mapping[str, bytes]) -> dict[str, str]:
    """Return the W3C trace context among a record's headers, as it came."""
    return {name: headers[name].decode("ascii", "replace") for name in TRACE_HEADERS if name in headers}


def trace_id(trace: Mapping[str, str]) -> str | None:
    """Return the trace id of a `traceparent`, or None."""
    parts = trace.get("traceparent", "").split("-")
    return parts[1] if len(parts) >= 4 and len(parts[1]) == 32 else None  # noqa: PLR2004 - W3C: version-trace-span-flags


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
