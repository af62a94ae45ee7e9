"""Makes a process that has this folder on its path write messages as the next version of the schema might.

Each has the next version's number, and a field that nobody knows yet.
"""

import orjson

import schemas.message
from schemas.costs import COST_SCHEMA_VERSION

TOMORROW = max(schemas.message.SCHEMA_VERSION, COST_SCHEMA_VERSION) + 1


def _encode(self: schemas.message.Message) -> bytes:
    fields = {**self.model_dump(), "schema_version": TOMORROW, "a_field_of_tomorrow": {"any": ["thing"]}}
    return orjson.dumps(fields, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


schemas.message.SCHEMA_VERSION = TOMORROW
schemas.message.Message.encode = _encode  # type: ignore[method-assign]  # that is the point
