"""Turns one line of a prompt file into a record for the requests topic, or says why it cannot be one.

A line is one of: a request of Turnout's own; a line of an OpenAI batch file; a JSON string, the prompt; an object of a
prompt data set, `{"turns": [...]}` of which the first turn is the prompt (MT-Bench, Spec-Bench) or `{"text": ...}`,
whose other short fields become tags.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import uuid4

import orjson
from pydantic import JsonValue

from schemas.requests import MAX_TAG_VALUE, JsonObject, Request
from streams.codec import Unreadable, read_request
from streams.envelopes import EnvelopeError, opened, parsed


@dataclass(frozen=True, slots=True)
class Prompt:
    """A record that every worker will understand."""

    request_id: str
    tenant: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says of every request; it goes before what a line says. Tags are added to a line's own."""

    fields: Mapping[str, JsonValue]
    tags: Mapping[str, str]

    def with_a_deadline(self) -> "Overrides":
        """Return these as a line would have them that names a deadline of its own, if they name none."""
        return replace(self, fields={"deadline": "2001-01-01T00:00:00Z", **self.fields})

    def applied_to(self, fields: Mapping[str, JsonValue]) -> JsonObject:
        """Return the fields with these over them."""
        merged = {**fields, **self.fields}
        own = merged.get("metadata")
        if self.tags and (own is None or isinstance(own, dict)):
            merged["metadata"] = {**(own or {}), **self.tags}
        return merged


def read_line(line: bytes, overrides: Overrides, max_bytes: int) -> Prompt | Unreadable:
    """Read one line, `max_bytes` being the largest request that a worker serves. Raises nothing."""
    try:
        data = parsed(line)
        if isinstance(data, dict):
            data = opened(line)
    except EnvelopeError:
        return _checked(line, max_bytes)
    if isinstance(data, str):
        data = {"prompt": data}
    if not isinstance(data, dict):
        return _checked(line, max_bytes)
    return _checked(orjson.dumps(_with_id(_as_request(data), overrides)), max_bytes)


def prompt_of(text: str, overrides: Overrides, max_bytes: int) -> Prompt | Unreadable:
    """Make a request of one prompt."""
    return _checked(orjson.dumps(_with_id({"prompt": text}, overrides)), max_bytes)


def _checked(value: bytes, max_bytes: int) -> Prompt | Unreadable:
    reading = read_request(value, max_bytes)
    if isinstance(reading, Unreadable):
        return reading
    return Prompt(_id_of(reading), reading.tenant, value)


def _id_of(request: Request) -> str:
    if request.request_id is None:
        raise AssertionError("a request was published without an id")
    return request.request_id


def _as_request(data: JsonObject) -> JsonObject:
    if {"prompt", "messages", "body"} & data.keys():
        return data
    match data:
        case {"turns": [str(prompt), *_]} | {"text": str(prompt)}:
            tags = {name: value for name, value in data.items() if name != "text" and _is_tag(value)}
            return {"prompt": prompt, "metadata": tags}
    return data


def _is_tag(value: JsonValue) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= MAX_TAG_VALUE)


def _with_id(data: JsonObject, overrides: Overrides) -> JsonObject:
    body = data.get("body")
    if "custom_id" in data and isinstance(body, dict):
        return {**data, "body": overrides.applied_to(body)}
    fields = overrides.applied_to(data)
    if fields.get("request_id") is None:
        fields["request_id"] = str(uuid4())
    return fields
