"""How much work it is to check a value against a JSON Schema, bounded before it is done.

A validator visits each place of the value once for each part of the schema that applies there. Parts that apply in the
same place (`anyOf`, `allOf`, `$ref`, ...) add up, and where such a part refers back to itself they multiply with every
level of the value: two references that each lead to two others are a thousand visits after ten steps, and a million
after twenty. `visits` counts them by depth, the worst name or item of each level; a value is never looked at.

Keywords by the vocabularies of JSON Schema 2020-12, and those of earlier drafts that differ.
"""

from dataclasses import dataclass, field
from urllib.parse import unquote

from pydantic import JsonValue

from schemas.requests import JsonObject

DEEPEST = 64
"""For values nested deeper than that no bound is known where a schema refers to itself."""
MOST_PARTS = 20_000
"""Of a schema, each counted once for each level of a value that it may apply to."""
MOST = 1_000_000_000
"""Counts do not grow beyond it."""

_HERE_LISTS = ("allOf", "anyOf", "oneOf")
_HERE = ("not", "if", "then", "else")
_HERE_MAPS = ("dependentSchemas", "dependencies")
_EVERY_NAME = ("additionalProperties", "unevaluatedProperties", "propertyNames")
_EVERY_ITEM = ("contains", "additionalItems", "unevaluatedItems")
_REEVALUATES = frozenset({"unevaluatedProperties", "unevaluatedItems"})
"""These look a second time at all that applies in their place."""
_APPLICATORS = frozenset(
    {*_HERE_LISTS, *_HERE, *_HERE_MAPS, *_EVERY_NAME, *_EVERY_ITEM, "properties", "patternProperties", "items"}
    | {"prefixItems", "$defs", "definitions"}
)
_ELSEWHERE = ("$dynamicRef", "$recursiveRef")


class UnboundedSchema(Exception):  # noqa: N818 - reads as the sentence it starts
    """A schema whose work cannot be bounded. The message says what in it is the reason."""


@dataclass(slots=True, eq=False)
class _Part:
    """One schema within the schema, and the parts that it applies."""

    own: int
    """The work of what it says itself of its place."""
    again: int
    """How often what applies in the same place is gone through."""
    here: "list[_Part]" = field(default_factory=list)
    names: "list[_Part]" = field(default_factory=list)
    every_name: "list[_Part]" = field(default_factory=list)
    items: "list[_Part]" = field(default_factory=list)
    every_item: "list[_Part]" = field(default_factory=list)
    visits: list[int] = field(default_factory=list)
    """Of the places that are so many levels below one where it applies."""


class Work:
    """The work of one schema."""

    def __init__(self, schema: JsonValue) -> None:
        """Read the schema.

        Raises:
            UnboundedSchema: it refers to itself in one place, to other documents, or by names that are not followed.
        """
        self._root = schema
        self._all: list[_Part] = []
        self._by_schema: dict[int, _Part] = {}
        self._in_order: dict[_Part, None] = {}
        """Each after those that apply in its place."""
        self._under_way: set[_Part] = set()
        self.patterns = 0
        """How many regular expressions it holds."""
        self.has_alternatives = False
        """Whether a misfit may have to be told for several parts at once."""
        try:
            root = self._part(schema)
            for part in self._all:
                self._order(part)
        except RecursionError:
            raise UnboundedSchema("is nested too deeply") from None
        self._worst = self._count(root)

    @property
    def is_recursive(self) -> bool:
        """Whether it applies at any depth of a value."""
        return len(self._worst) > DEEPEST

    def visits(self, depth: int) -> int | None:
        """Return the most visits of one place in a value that is nested so deeply; None if there is no bound."""
        if not self.is_recursive:
            return self._worst[-1]
        return None if depth > DEEPEST else self._worst[depth]

    def _count(self, root: _Part) -> list[int]:
        """Return the most visits of a place by the depth of the value."""
        worst: list[int] = []
        for depth in range(DEEPEST + 1):
            if (depth + 1) * len(self._in_order) > MOST_PARTS:
                raise UnboundedSchema("has too many parts")
            for part in self._in_order:
                visits = _below(part, depth - 1) if depth else part.own
                visits += part.again * sum(inner.visits[depth] for inner in part.here)
                part.visits.append(min(visits, MOST))
            if not root.visits[depth]:
                break
            worst.append(max(root.visits))
        return worst

    def _part(self, schema: JsonValue) -> _Part:
        """Return the part that a schema is, with all that it leads to."""
        if (known := self._by_schema.get(id(schema))) is not None:
            return known
        part = self._by_schema[id(schema)] = _Part(*_own(schema))
        self._all.append(part)
        if len(self._all) > MOST_PARTS:
            raise UnboundedSchema("has too many parts")
        if not isinstance(schema, dict):
            return part
        for name in _ELSEWHERE:
            if name in schema:
                raise UnboundedSchema(f"has {name}, which is not followed; use $ref")
        if schema is not self._root and ("$id" in schema or "$anchor" in schema):
            raise UnboundedSchema("has $id or $anchor below its top; refer by #/$defs/... instead")
        patterns = _object(schema.get("patternProperties")).values()
        self.patterns += ("pattern" in schema) + len(patterns)
        self.has_alternatives |= "anyOf" in schema or "oneOf" in schema
        here = [inner for name in _HERE_LISTS for inner in _list(schema.get(name))]
        here += [schema[name] for name in _HERE if name in schema]
        here += [
            inner for name in _HERE_MAPS for inner in _object(schema.get(name)).values() if isinstance(inner, dict)
        ]
        if "$ref" in schema:
            here.append(self._followed(schema["$ref"]))
        items = schema.get("items")
        one_by_one = _list(schema.get("prefixItems")) + _list(items)
        if isinstance(items, dict | bool):
            one_by_one.append(items)
        part.here = [self._part(inner) for inner in here]
        part.names = [self._part(inner) for inner in _object(schema.get("properties")).values()]
        part.every_name = [self._part(inner) for inner in patterns]
        part.every_name += [self._part(schema[name]) for name in _EVERY_NAME if name in schema]
        part.items = [self._part(inner) for inner in one_by_one]
        part.every_item = [self._part(schema[name]) for name in _EVERY_ITEM if name in schema]
        return part

    def _order(self, part: _Part) -> None:
        if part in self._in_order:
            return
        if part in self._under_way:
            raise UnboundedSchema("refers to itself without a step into the value")
        self._under_way.add(part)
        for inner in part.here:
            self._order(inner)
        self._under_way.discard(part)
        self._in_order[part] = None

    def _followed(self, reference: JsonValue) -> JsonValue:
        if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
            raise UnboundedSchema("has a $ref that is not of the form #/...; nothing is fetched")
        found = self._root
        for part in unquote(reference).split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                raise UnboundedSchema(f"has a $ref to {reference[:100]}, which is not there")
        return found


def _own(schema: JsonValue) -> tuple[int, int]:
    """Return the work of what a schema itself says, and how often it goes through what applies in its place."""
    if not isinstance(schema, dict):
        return 1, 1
    said = (value for name, value in schema.items() if name not in _APPLICATORS)
    own = 1 + sum(len(value) if isinstance(value, list | dict) else 1 for value in said)
    return own, 1 if _REEVALUATES.isdisjoint(schema) else 2


def _below(part: _Part, depth: int) -> int:
    """Return the visits that a part causes in the worst place one level down, and `depth` below that."""
    names = max((inner.visits[depth] for inner in part.names), default=0)
    names += sum(inner.visits[depth] for inner in part.every_name)
    items = max((inner.visits[depth] for inner in part.items), default=0)
    return max(names, items + sum(inner.visits[depth] for inner in part.every_item))


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
