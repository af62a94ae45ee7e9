"""The bound of a check's work: it grows as the work does, and what has no bound is refused."""

import pytest
from pydantic import JsonValue

from router.answer_schema.work import DEEPEST, UnboundedSchema, Work
from schemas.requests import JsonObject


def doubling(levels: int) -> JsonObject:
    """Return a schema of `levels` references, each of which leads to two."""
    twice: dict[str, JsonValue] = {
        f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}"}, {"$ref": f"#/$defs/d{level + 1}"}]}
        for level in range(levels)
    }
    return {"$ref": "#/$defs/d0", "$defs": {**twice, f"d{levels}": {"type": "object"}}}


def kinds(count: int) -> JsonObject:
    """Return the schema of a tree whose nodes are of so many kinds."""
    alternatives: list[JsonValue] = [
        {"properties": {"kind": {"const": kind}, "child": {"$ref": "#"}}} for kind in range(count)
    ]
    return {"oneOf": alternatives}


def test_a_plain_object_is_visited_once_for_what_it_says() -> None:
    schema: JsonObject = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
    work = Work(schema)
    assert not work.is_recursive
    assert work.visits(0) == 2, "itself and its type; a property lies in another place"


def test_what_applies_in_one_place_adds_up_and_the_worst_name_counts() -> None:
    wide: JsonObject = {"anyOf": [{"type": "string"}, {"type": "null"}, {"enum": [1, 2, 3]}]}
    narrow: JsonObject = {"type": "string"}
    work = Work({"properties": {"wide": wide, "narrow": narrow}, "patternProperties": {"^w": narrow}})
    assert work.visits(1) == 1 + 2 + 2 + 4 + 2
    assert work.has_alternatives
    assert work.patterns == 1


def test_two_references_that_lead_to_two_each_double_the_work_with_each_level() -> None:
    ten, eleven = Work(doubling(10)).visits(0), Work(doubling(11)).visits(0)
    assert ten is not None
    assert eleven is not None
    assert 1.9 < eleven / ten < 2.1
    assert (Work(doubling(40)).visits(0) or 0) >= 1_000_000_000, "and a count has an end"


def test_a_schema_that_refers_to_itself_multiplies_with_the_depth_of_the_value() -> None:
    work = Work(kinds(5))
    assert work.is_recursive
    three, four = work.visits(3), work.visits(4)
    assert three is not None
    assert four is not None
    assert 4.5 < four / three < 5.5
    assert work.visits(DEEPEST + 1) is None


def test_a_list_that_is_linked_does_not() -> None:
    linked: JsonObject = {"properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}}
    work = Work(linked)
    assert work.visits(4) == work.visits(DEEPEST)


BOOLEAN_PARTS: JsonObject = {"properties": {"a": True}, "additionalProperties": False, "items": {"not": False}}


@pytest.mark.parametrize("schema", [True, False, {}, BOOLEAN_PARTS])
def test_true_and_false_are_schemas(schema: JsonValue) -> None:
    assert Work(schema).visits(0)


def nested(levels: int) -> JsonObject:
    schema: JsonObject = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


def many(count: int) -> JsonObject:
    return {"properties": {f"p{number}": {"properties": {"x": {"$ref": "#"}}} for number in range(count)}}


REFUSED: dict[str, tuple[JsonObject, str]] = {
    "itself": ({"$ref": "#"}, "refers to itself"),
    "a circle": (
        {"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"anyOf": [{"$ref": "#"}]}}},
        "refers to itself without a step",
    ),
    "another document": ({"items": {"$ref": "https://example.com/schema.json"}}, "nothing is fetched"),
    "a file": ({"$ref": "file:///etc/passwd"}, "nothing is fetched"),
    "an anchor": ({"$ref": "#here", "$defs": {"a": {"$anchor": "here"}}}, "not of the form #/"),
    "nowhere": ({"$ref": "#/$defs/a"}, "a \\$ref to #/\\$defs/a, which is not there"),
    "no text": ({"$ref": 7}, "not of the form"),
    "dynamic": ({"$dynamicRef": "#a"}, "\\$dynamicRef"),
    "an id below": ({"items": {"$id": "https://example.com/a"}}, "below its top"),
    "too deep": (nested(5000), "nested too deeply"),
    "too many": (many(5000), "too many parts"),
}


@pytest.mark.parametrize(("schema", "why"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_bound_is_refused_by_name(schema: JsonObject, why: str) -> None:
    with pytest.raises(UnboundedSchema, match=why):
        Work(schema)


def test_references_are_pointers_with_their_escapes() -> None:
    schema: JsonObject = {"$ref": "#/$defs/a~1b%20~0/allOf/1", "$defs": {"a/b ~": {"allOf": [{}, {"enum": [1, 2, 3]}]}}}
    assert Work(schema).visits(0) == 2 + 4
