"""One JSON Schema that text has to fit: whether it does, said within a bound of work.

The validator is jsonschema-rs. Its regular expressions take linear time, and it fetches nothing. What it may take long
for is a schema whose parts multiply (`router.answer_schema.work`): that is bounded beforehand, so that no schema and no
answer holds up the event loop.
"""

from functools import lru_cache

import orjson
from jsonschema_rs import ReferencingError, RegexOptions, ValidationError, validator_for
from pydantic import JsonValue

from router.answer_schema.work import UnboundedSchema, Work

MOST_BYTES = 131_072
"""Of a schema as compact JSON. OpenAI takes 120,000 characters of names and values."""
MOST_PATTERNS = 100
PATTERN_BYTES = 65_536
"""What one compiled regular expression may take up."""
CHECK_VISITS = 5_000_000
"""Before it is checked whether a text fits: the worst that was met of so many took 0.3 s, for an answer of 2 MB."""
EXPLAIN_VISITS = 20_000
"""Before it is asked why it does not, where there are alternatives: all of them are gone through for that."""
DETAIL_CHARS = 300


class BadSchema(Exception):  # noqa: N818 - reads as the sentence it starts
    """A schema that no answer can be checked by. The message says what is wrong, without its name."""


class NotCheckable(Exception):  # noqa: N818 - same
    """A text that would take too long to check."""


class Schema:
    """A schema that has been read."""

    def __init__(self, schema: JsonValue) -> None:
        """Read it.

        Raises:
            BadSchema: it is none, or one that cannot be used here.
        """
        if not isinstance(schema, dict | bool):
            raise BadSchema("is no JSON Schema: that is an object")
        try:
            self._work = Work(schema)
            if self._work.patterns > MOST_PATTERNS:
                raise BadSchema(f"has more than {MOST_PATTERNS} patterns")
            self._validator = validator_for(
                schema,
                pattern_options=RegexOptions(size_limit=PATTERN_BYTES, dfa_size_limit=PATTERN_BYTES),
                validate_formats=False,
                mask="the value",
                offline=True,
            )
        except UnboundedSchema as reason:
            raise BadSchema(str(reason)) from None
        except ValidationError as error:
            raise BadSchema(f"is no JSON Schema: {_said(error)}") from None
        except (ReferencingError, ValueError) as error:
            raise BadSchema(f"is no JSON Schema: {str(error)[:DETAIL_CHARS]}") from None

    def misfit(self, text: str) -> str | None:
        """Return why the text does not fit; None if it does.

        Raises:
            NotCheckable: that would take too long.
        """
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            return f"it is not JSON: {error}"
        work = self._work_on(text, value)
        if work > CHECK_VISITS:
            raise NotCheckable("it is too large, or nested too deeply, for this schema")
        try:
            if self._validator.is_valid(value):
                return None
            if self._work.has_alternatives and work > EXPLAIN_VISITS:
                return "it does not fit the schema"
            self._validator.validate(value)
        except ValidationError as error:
            return _said(error)
        except ValueError as problem:  # nested deeper than the validator goes, or a number that it has no form for
            raise NotCheckable(str(problem)[:DETAIL_CHARS]) from None
        return None

    def _work_on(self, text: str, value: JsonValue) -> int:
        visits = self._work.visits(_depth(value) if self._work.is_recursive else 0)
        if visits is None:
            raise NotCheckable("it is nested too deeply for a schema that refers to itself")
        places = text.count(",") + text.count("{") + text.count("[") + 1
        return visits * (places + len(text) if self._work.patterns else places)


def schema_of(schema: JsonValue) -> Schema:
    """Return the schema, read; those of late are remembered, since many requests have the same.

    Raises:
        BadSchema: it cannot be used here.
    """
    written = orjson.dumps(schema)
    if len(written) > MOST_BYTES:
        raise BadSchema(f"is larger than {MOST_BYTES} bytes")
    return _read(written)


@lru_cache(maxsize=256)
def _read(written: bytes) -> Schema:
    return Schema(orjson.loads(written))


def _depth(value: JsonValue) -> int:
    """Return how many levels of objects and arrays there are."""
    depth, level = 0, [value]
    while level := [
        part
        for outer in level
        if isinstance(outer, dict | list)
        for part in (outer.values() if isinstance(outer, dict) else outer)
    ]:
        depth += 1
    return depth


def _said(error: ValidationError) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
    return f"{f'${place}'[:DETAIL_CHARS]}: {error.message[:DETAIL_CHARS]}"
