"""Texts against schemas, and that neither can hold up the event loop."""

import time

import pytest
from pydantic import JsonValue

from router.answer_schema.schema import MOST_BYTES, MOST_PATTERNS, BadSchema, NotCheckable, schema_of
from schemas.requests import JsonObject
from tests.unit.router.answer_schema.test_work import doubling, kinds

LONGEST_S = 2.0
"""The worst took 0.3 s; machines that run tests are slow and busy."""
TRAIN: JsonObject = {
    "type": "object",
    "properties": {"from": {"type": "string"}, "seats": {"type": "array", "items": {"type": "integer", "minimum": 1}}},
    "required": ["from", "seats"],
    "additionalProperties": False,
}
# as OpenAI's guide "Structured outputs" has it, by reference to itself
UI: JsonObject = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "enum": ["div", "button", "header", "section", "field", "form"]},
        "label": {"type": "string"},
        "children": {"type": "array", "items": {"$ref": "#"}},
    },
    "required": ["type", "label", "children"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (TRAIN, '{"from": "Huế", "seats": [1, 2]}'),
        (TRAIN, ' {"seats": [], "from": ""}\n'),
        (UI, '{"type": "div", "label": "", "children": [{"type": "form", "label": "x", "children": []}]}'),
        (True, "7"),
        ({"format": "email"}, '"nobody"'),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]}, '["a", 1]'),
    ],
)
def test_what_fits_fits(schema: JsonValue, text: str) -> None:
    assert schema_of(schema).misfit(text) is None


@pytest.mark.parametrize(
    ("schema", "text", "why"),
    [
        (TRAIN, "Here it is: {}", "it is not JSON"),
        (TRAIN, "", "it is not JSON"),
        (TRAIN, '```json\n{"from": "", "seats": []}\n```', "it is not JSON"),
        (TRAIN, '{"from": "Huế"}', '$: "seats" is a required property'),
        (TRAIN, '{"from": "Huế", "seats": [1, "two"]}', '$.seats[1]: the value is not of type "integer"'),
        (TRAIN, '{"from": "Huế", "seats": [0]}', "$.seats[0]: the value is less than the minimum of 1"),
        (TRAIN, '{"from": "", "seats": [], "x": 1}', "$: Additional properties are not allowed ('x' was unexpected)"),
        (UI, '{"type": "div", "label": "", "children": [7]}', '$.children[0]: the value is not of type "object"'),
        (False, "7", "$: False schema does not allow"),
        ({"pattern": "^(a+)+$"}, '"ab"', "$: the value does not match"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place_and_without_its_value(schema: JsonValue, text: str, why: str) -> None:
    told = schema_of(schema).misfit(text)
    assert told is not None
    assert told.startswith(why)
    assert "two" not in told


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "strin"}, "is no JSON Schema: $.type: "),
        ({"type": "object", "properties": []}, "is no JSON Schema: $.properties: "),
        ({"required": "a"}, "is no JSON Schema: $.required: "),
        ({"pattern": "(a"}, "is no JSON Schema: $.pattern: "),
        ({"pattern": "(?=a)b"}, "is no JSON Schema: $.pattern: "),
        ({"pattern": "a{1000}{1000}"}, "is no JSON Schema: $.pattern: "),
        ({"$schema": "https://example.com/own"}, "is no JSON Schema: $: Unknown meta-schema"),
        ({"$ref": "http://127.0.0.1:1/x"}, "has a $ref that is not of the form #/...; nothing is fetched"),
        ([], "is no JSON Schema: that is an object"),
        ("object", "is no JSON Schema: that is an object"),
        ({"description": "x" * MOST_BYTES}, f"is larger than {MOST_BYTES} bytes"),
        ({"patternProperties": {f"^{n}": {} for n in range(MOST_PATTERNS + 1)}}, "has more than 100 patterns"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_with_what_is_wrong(schema: JsonValue, why: str) -> None:
    with pytest.raises(BadSchema) as told:
        schema_of(schema)
    assert str(told.value).startswith(why)


def node(depth: int, last: JsonValue) -> str:
    text = f'{{"kind": {last}}}'
    for _ in range(depth):
        text = f'{{"kind": 4, "child": {text}}}'
    return text


HOSTILE: dict[str, tuple[JsonObject, str]] = {
    "references that double": (doubling(60), "{}"),
    "alternatives that multiply with the depth": (kinds(20), node(60, 99)),
    "a deep value of a schema that refers to itself": (kinds(1), node(200, 0)),
    "catastrophic backtracking": ({"pattern": "^(a|a)*(b|a+)+$"}, '"' + "a" * 500_000 + '!"'),
    "many patterns and long names": (
        {"patternProperties": {f"^.*a.*b{n}$": {} for n in range(MOST_PATTERNS)}},
        "{" + ",".join(f'"{"ab" * 500}{n}": 1' for n in range(500)) + "}",
    ),
    "long lists to be unique": ({"uniqueItems": True}, "[" + ",".join(f'{{"a": {n}}}' for n in range(50_000)) + "]"),
    "errors of a long list": (
        {"items": {"enum": [{"a": n} for n in range(3_000)]}},
        "[" + ",".join(["-1"] * 3_000) + "]",
    ),
    "errors of alternatives": (
        {"anyOf": [{"items": {"type": "string"}}, {"items": {"type": "null"}}]},
        "[" + ",".join(["1"] * 20_000) + "]",
    ),
    "brackets": ({}, "[" * 900 + "]" * 900),
    "a number": ({"type": "integer", "multipleOf": 1e-300}, "1" * 4_000),
}


@pytest.mark.parametrize(("schema", "text"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_schema_or_answer_takes_no_time(schema: JsonObject, text: str) -> None:
    began_s = time.perf_counter()
    try:
        schema_of(schema).misfit(text)
    except NotCheckable as told:
        assert "too" in str(told)  # noqa: PT017 - either is right, within the time
    assert time.perf_counter() - began_s < LONGEST_S


def test_a_schema_is_read_once() -> None:
    assert schema_of(dict(TRAIN)) is schema_of(dict(TRAIN))
