"""Turns records into rows: what a database can hold as it is, or the reason why it cannot."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple, TypeAlias

import orjson
from pydantic import ValidationError

from schemas.costs import CostEvent
from schemas.message import utc_from_ms
from schemas.responses import Response, Usage
from schemas.shadow_answers import ShadowAnswer
from schemas.vocabulary import Certainty

Value: TypeAlias = str | int | bool | bytes | date | datetime | None
Row: TypeAlias = dict[str, Value]
Offsets: TypeAlias = dict[tuple[str, int], int]
"""By topic and partition, the offset of the next record to be read."""

INT64 = range(-(2**63), 2**63)
COUNTS = ("occurred_at_ms", "attempt", "cost_nano_usd", "latency_ms", "request_partition", "request_offset")
"""The fields whose integers the messages do not bound."""
RESPONSE_KEY = ("tenant", "request_id", "request_topic", "request_partition", "request_offset")
"""A response is known by the record that it answers: an id alone may be two tenants'."""
LONGEST_AMOUNT = len("999999999.999999999")
"""An amount is a DECIMAL(18, 9) in the warehouse: below a thousand million dollars."""
MONEY = (
    "cost_usd",
    "baseline_cost_usd",
    "input_usd_per_mtok",
    "cached_input_usd_per_mtok",
    "cache_write_usd_per_mtok",
    "output_usd_per_mtok",
    "provider_cost_usd",
    "reserved_usd",
)


class NoRow(Exception):  # noqa: N818 - reads as the sentence it starts
    """A record is no row; the message says why and repeats no content."""


class Place(NamedTuple):  # there is one for each record, and a frozen dataclass takes five times as long to make
    """Where a record stands, and when it was written, milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


@dataclass(slots=True)
class Batch:
    """Rows by their id, records that are none, and how far they reach: what one transaction writes."""

    costs: dict[str, Row] = field(default_factory=dict)
    responses: dict[tuple[Value, ...], Row] = field(default_factory=dict)
    shadow_answers: dict[tuple[Value, ...], Row] = field(default_factory=dict)
    unreadable: list[Row] = field(default_factory=list)
    offsets: Offsets = field(default_factory=dict)
    records: int = 0

    def add_cost(self, place: Place, value: bytes | None) -> None:
        """Take a record of `llm.costs.v1`."""
        self._reach(place)
        try:
            row = cost_row(value)
        except NoRow as reason:
            self.unreadable.append(unreadable_row(place, value, str(reason)))
            return
        known = self.costs.setdefault(str(row["event_id"]), row)
        if known is not row and known["certainty"] in Certainty(str(row["certainty"])).worse:
            self.costs[str(row["event_id"])] = row

    def add_response(self, place: Place, value: bytes | None) -> None:
        """Take a record of `llm.responses.v1`."""
        self._reach(place)
        try:
            row = response_row(value)
        except NoRow as reason:
            self.unreadable.append(unreadable_row(place, value, str(reason)))
            return
        self.responses.setdefault(tuple(row[column] for column in RESPONSE_KEY), row)

    def add_shadow_answer(self, place: Place, value: bytes | None) -> None:
        """Take a record of `llm.shadow-answers.v1`."""
        self._reach(place)
        try:
            row = shadow_answer_row(value)
        except NoRow as reason:
            self.unreadable.append(unreadable_row(place, value, str(reason)))
            return
        self.shadow_answers.setdefault(tuple(row[column] for column in RESPONSE_KEY), row)

    @property
    def first_complaint(self) -> str:
        """Where the first unreadable record stands, and why it is none."""
        first = self.unreadable[0]
        topic, partition, offset = str(first["topic"]), first["topic_partition"], first["topic_offset"]
        return f"the first is {topic}, partition {partition!r}, offset {offset!r}: {first['reason']!s}"

    def _reach(self, place: Place) -> None:
        self.records += 1
        self.offsets[place.topic, place.partition] = place.offset + 1


def cost_row(value: bytes | None) -> Row:
    """Return the row of a cost event.

    Raises:
        Unreadable: it is no cost event, or holds what the warehouse cannot.
    """
    try:
        event = CostEvent.decode(value or b"")
        moment = event.occurred_at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NoRow(_reason(value, error)) from None
    # Its fields in their order: model_dump() would take as long as reading the event did.
    row: Row = dict(vars(event))
    for name in MONEY:
        row[name] = _amount(name, getattr(event, name))
    row["occurred_at"] = moment
    row["occurred_on"] = moment.date()
    row["tags_json"] = _tags(event.tags_json)
    return _storable(row, value)


def response_row(value: bytes | None) -> Row:
    """Return the row of a response: how it ended, for whom, by which model and for how much; never what was said.

    Raises:
        Unreadable: it is no response, or holds what the warehouse cannot.
    """
    try:
        response = Response.decode(value or b"")
        received, completed = response.received_at.astimezone(UTC), response.completed_at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NoRow(_reason(value, error)) from None
    usage = response.usage or Usage(input_tokens=0, output_tokens=0)
    row: Row = {
        "request_id": response.request_id,
        "status": response.status,
        "tenant": response.tenant,
        "task": response.task,
        "tier": response.tier,
        "policy": response.policy,
        "arm": response.arm,
        "provider_name": response.provider_name,
        "request_model": response.request_model,
        "response_model": response.response_model,
        "finish_reason": response.finish_reason,
        "error_code": None if response.error is None else response.error.code,
        "attempts": len(response.attempts),
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": _amount("cost_usd", response.cost_usd),
        "cached": response.cached,
        "saved_usd": _amount("saved_usd", response.saved_usd),
        "origin_request_id": response.origin_request_id,
        "received_at": _written(received),
        "completed_at": _written(completed),
        "completed_on": _written(completed)[:10],
        "latency_ms": response.latency_ms,
        "tags_json": _tags(orjson.dumps(response.metadata).decode()),
        "request_topic": response.request_topic,
        "request_partition": response.request_partition,
        "request_offset": response.request_offset,
    }
    return _storable(row, value)


def shadow_answer_row(value: bytes | None) -> Row:
    """Return the row of a shadow answer: whose it is, what a judge says of it, what it cost; never what was said.

    Raises:
        Unreadable: it is no shadow answer, or holds what the warehouse cannot.
    """
    try:
        answer = ShadowAnswer.decode(value or b"")
        completed = answer.completed_at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NoRow(_reason(value, error)) from None
    verdict = answer.verdict
    row: Row = {
        "tenant": answer.tenant,
        "request_id": answer.request_id,
        "status": answer.status,
        "task": answer.task,
        "tier": answer.tier,
        "difficulty": answer.difficulty,
        "experiment": answer.experiment,
        "answered_by": answer.answered_by,
        "request_model": answer.request_model,
        "judge": None if verdict is None else verdict.judge,
        "answered_score": None if verdict is None else f"{verdict.answered_score:.4f}",
        "shadow_score": None if verdict is None else f"{verdict.shadow_score:.4f}",
        "cost_usd": _amount("cost_usd", answer.cost_usd),
        "judge_cost_usd": _amount("judge_cost_usd", answer.judge_cost_usd),
        "latency_ms": answer.latency_ms,
        "completed_at": _written(completed),
        "completed_on": _written(completed)[:10],
        "request_topic": answer.request_topic,
        "request_partition": answer.request_partition,
        "request_offset": answer.request_offset,
    }
    return _storable(row, value)


def unreadable_row(place: Place, value: bytes | None, reason: str) -> Row:
    """Return the row that keeps an unreadable record, byte for byte."""
    return {
        "topic": place.topic,
        "topic_partition": place.partition,
        "topic_offset": place.offset,
        "recorded_at": _written(utc_from_ms(max(place.timestamp_ms, 0))),
        "reason": reason,
        "value": value,
    }


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _tags(text: str) -> str:
    try:
        tags = orjson.loads(text)
    except orjson.JSONDecodeError:
        tags = None
    if not isinstance(tags, dict):
        raise NoRow("tags_json: is not a JSON object in a string")
    # Postgres' text holds no NUL, and its JSON functions fail at one, for the whole query.
    return text.replace("\\u0000", "\\ufffd")


def _amount(name: str, amount: Decimal | None) -> str | None:
    if amount is None:
        return None
    text = f"{amount:.9f}"
    if len(text.lstrip("-")) > LONGEST_AMOUNT:
        raise NoRow(f"{name}: is beyond a thousand million dollars")
    return text


def _storable(row: Row, value: bytes | None) -> Row:
    for name in COUNTS:
        count = row.get(name)
        if isinstance(count, int) and count not in INT64:
            raise NoRow(f"{name}: is beyond 64 bits")
    if value is not None and b"\\u0000" in value:
        # Only so does a NUL come into JSON; Postgres' text holds none.
        return {name: _without_nul(cell) for name, cell in row.items()}
    return row


def _without_nul(cell: Value) -> Value:
    return cell.replace("\x00", "\ufffd") if isinstance(cell, str) else cell


def _reason(value: bytes | None, error: Exception) -> str:
    if not value:
        return "the record has no value"
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the record'}: {first['msg']}"
    if isinstance(error, orjson.JSONDecodeError):
        return "the record is not JSON in UTF-8"
    return "a moment in it is out of range"
