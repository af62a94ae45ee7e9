"""Makes a process that has this folder on its path write what versions before wrote, whose identity was the id alone.

Event ids, and by that idempotency keys, are of request id and attempt; calls and cost events are of `schema_version` 1;
neither they nor responses say where an id comes from, whose it is, or what was asked.
"""

from uuid import uuid5

import orjson

import schemas.costs
import schemas.message
from schemas.costs import EVENT_NAMESPACE, CostEvent

LATER = {"id_source", "authenticated", "asked_sha256", "finishes_id"}


def earlier_event_id(tenant: str, request_id: str, record: str, attempt: int) -> str:  # noqa: ARG001 - as it is called
    """Return the id of a call as version 1 made it, of request id and attempt alone."""
    return str(uuid5(EVENT_NAMESPACE, f"{request_id}:{attempt}"))


def _encode(self: schemas.message.Message) -> bytes:
    fields = self.model_dump(exclude=LATER) | ({"schema_version": 1} if isinstance(self, CostEvent) else {})
    return orjson.dumps(fields, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


schemas.costs.cost_event_id = earlier_event_id
schemas.message.Message.encode = _encode  # type: ignore[method-assign]  # that is the point
