"""Records as people and programs read them: one short coloured line, or one line of JSON."""

import base64
from collections.abc import Callable, Mapping
from types import MappingProxyType

import orjson
from pydantic import JsonValue
from rich.text import Text

from schemas import dead_letters
from schemas.costs import CallStarted, CostEvent
from schemas.failovers import Failover
from schemas.feedback import Feedback
from schemas.message import utc_from_ms
from schemas.requests import JsonObject, Request
from schemas.responses import Response
from schemas.topics import Topic
from schemas.vocabulary import AttemptOutcome, Status
from streams.cli.letters import replayed_place
from streams.cli.partitions import ReadRecord
from streams.cli.speech import printable, usd

GOOD = 0.5
"""A score from here on is shown as a good one."""
SNIPPET = 80
"""Characters of a prompt or answer that a line shows."""

Part = tuple[str, str]
"""A text and its style."""

_COLOURS: Mapping[str, str] = MappingProxyType(
    {Status.COMPLETED: "green", Status.REJECTED: "yellow", Status.FAILED: "red", AttemptOutcome.SUCCEEDED: "green"}
)


def readable(topic: Topic, record: ReadRecord) -> Text:
    """Return the record as one line for a person; what cannot be read is shown as the bytes it is."""
    moment = (f"{utc_from_ms(record.timestamp_ms):%m-%d %H:%M:%S}", "dim")
    try:
        parts = _PARTS[topic](record)
    except ValueError:
        parts = [("unreadable", "red"), (_shown(record.value), "")]
    styled = [(printable(text, 4 * SNIPPET), style) for text, style in [moment, *parts] if text]
    return Text("  ").join(Text(text, style) for text, style in styled)


def json_form(topic: Topic, record: ReadRecord) -> JsonValue:
    """Return the record for a program: its value, or for dead letters and what is no JSON an object around it."""
    if topic is not Topic.DEAD_LETTERS:
        try:
            value: JsonValue = orjson.loads(record.value or b"")
        except orjson.JSONDecodeError:
            return {"partition": record.partition, "offset": record.offset, **_value(record.value)}
        return value
    if (replayed := replayed_place(record)) is not None:
        return {
            "partition": record.partition,
            "offset": record.offset,
            "timestamp_ms": record.timestamp_ms,
            "replayed": str(replayed),
        }
    named = _texts(record.headers)
    return {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "code": named.get(dead_letters.CODE),
        "reason": named.get(dead_letters.REASON),
        "original_topic": named.get(dead_letters.TOPIC),
        "original_partition": _number(named.get(dead_letters.PARTITION)),
        "original_offset": _number(named.get(dead_letters.OFFSET)),
        "original_timestamp_ms": _number(named.get(dead_letters.TIMESTAMP_MS)),
        "request_id": named.get(dead_letters.REQUEST_ID),
        **_value(record.value),
    }


def _value(value: bytes | None) -> JsonObject:
    try:
        return {"value": None if value is None else value.decode()}
    except UnicodeDecodeError:
        return {"value_base64": base64.b64encode(value or b"").decode()}


def _texts(headers: tuple[tuple[str, bytes], ...]) -> dict[str, str]:
    # Of headers of one name the last counts: Turnout's own stand behind the original ones.
    return {name: value.decode(errors="replace") for name, value in headers}


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _shown(value: bytes | None) -> str:
    return "null" if value is None else printable(value[: 4 * SNIPPET].decode(errors="backslashreplace"), SNIPPET)


def _response(record: ReadRecord) -> list[Part]:
    response = Response.decode(record.value or b"")
    attempts = len(response.attempts)
    said = response.message.content if response.message is not None else None
    return [
        (response.status, _COLOURS.get(response.status, "magenta")),
        (response.request_model or "", "cyan"),
        (f"{response.latency_ms} ms", ""),
        (usd(response.cost_usd), ""),
        ("/".join(filter(None, (response.task, response.tier))), ""),
        (response.tenant, ""),
        (response.request_id, "bold"),
        (f"{attempts} attempts" if attempts > 1 else "", "yellow"),
        ("" if response.error is None else f"{response.error.code}: {response.error.message}", "red"),
        ("" if said is None else printable(said, SNIPPET), "dim"),
    ]


def _cost(record: ReadRecord) -> list[Part]:
    event = CostEvent.decode(record.value or b"")
    return [
        (event.outcome, _COLOURS.get(event.outcome, "red")),
        (event.request_model, "cyan"),
        (f"{_tokens(event.input_tokens)} + {_tokens(event.output_tokens)} tokens", ""),
        (usd(event.cost_usd), ""),
        (event.certainty, ""),
        (event.tenant, ""),
        (f"{event.request_id}:{event.attempt}", "bold"),
    ]


def _tokens(count: int | None) -> str:
    return "?" if count is None else str(count)


def _call(record: ReadRecord) -> list[Part]:
    call = CallStarted.decode(record.value or b"")
    return [
        (call.request_model, "cyan"),
        (f"at most {usd(call.cost_usd)}", ""),
        (call.tenant, ""),
        (f"{call.request_id}:{call.attempt}", "bold"),
    ]


def _failover(record: ReadRecord) -> list[Part]:
    failover = Failover.decode(record.value or b"")
    instead = ", ".join(failover.alternatives)
    return [
        (failover.request_model, "bold"),
        (f"{failover.from_state} -> {failover.to_state}", "yellow"),
        (failover.reason, ""),
        (f"instead: {instead}" if instead else "", "cyan"),
        (failover.worker, "dim"),
    ]


def _request(record: ReadRecord) -> list[Part]:
    request = Request.decode(record.value or b"")
    return [
        (request.request_id or f"{record.topic}-{record.partition}-{record.offset}", "bold"),
        (request.tenant, ""),
        (request.tier or "", ""),
        (request.model or "", "cyan"),
        (printable(request.question, SNIPPET), ""),
    ]


def _feedback(record: ReadRecord) -> list[Part]:
    feedback = Feedback.decode(record.value or b"")
    return [
        (feedback.request_id, "bold"),
        (f"{feedback.value:g}", "green" if feedback.value >= GOOD else "yellow"),
        (feedback.kind, ""),
        (feedback.source, "cyan"),
        (feedback.tenant, ""),
    ]


def _dead_letter(record: ReadRecord) -> list[Part]:
    if (replayed := replayed_place(record)) is not None:
        return [("replayed", "green"), (f"the dead letter at {replayed}", "")]
    named = _texts(record.headers)
    place = "-".join(named.get(name, "?") for name in (dead_letters.TOPIC, dead_letters.PARTITION, dead_letters.OFFSET))
    return [
        (named.get(dead_letters.CODE, "?"), "red"),
        (place, "bold"),
        (named.get(dead_letters.REASON, "no reason given"), ""),
        (_shown(record.value), "dim"),
    ]


_PARTS: Mapping[Topic, Callable[[ReadRecord], list[Part]]] = MappingProxyType(
    {
        Topic.RESPONSES: _response,
        Topic.COSTS: _cost,
        Topic.CALLS: _call,
        Topic.FAILOVERS: _failover,
        Topic.REQUESTS: _request,
        Topic.FEEDBACK: _feedback,
        Topic.DEAD_LETTERS: _dead_letter,
    }
)
