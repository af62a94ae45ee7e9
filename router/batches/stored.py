"""A batch as it is stored beside its members, and how long batches took: rows of a table, in JSON."""

from dataclasses import fields
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from router.batches.batch import BatchHandle, BatchState
from router.batches.durations import Durations, Ran
from router.batches.stages import Batch, QueueName, Stage
from schemas.vocabulary import ReturnReason

MOST_REQUESTS = 1_000_000
_MASKS = ("sent", "shared", "done", "returned", "told", "released")
_Offset = Annotated[int, Field(ge=0, le=2**63 - 1)]
_Moment = Annotated[float, Field(ge=0, le=1e11)]
_Mask = Annotated[str, Field(pattern=r"^[0-9a-f]*$", max_length=MOST_REQUESTS // 4 + 1)]
_RAN = TypeAdapter(tuple[Ran, ...])


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    our_id: str = Field(min_length=1, max_length=64)
    queue: QueueName
    partition: Annotated[int, Field(ge=0, le=2**31 - 1)]
    count: Annotated[int, Field(ge=1, le=MOST_REQUESTS)]
    formed_s: _Moment
    tokens: Annotated[int, Field(ge=0)] = 0
    stage: Stage = Stage.UPLOADING
    file_id: str | None = None
    handle: BatchHandle | None = None
    created_s: _Moment | None = None
    ended_s: _Moment | None = None
    end: BatchState | None = None
    detail: str = ""
    sent: _Mask = ""
    shared: _Mask = ""
    done: _Mask = ""
    returned: _Mask = ""
    told: _Mask = ""
    released: _Mask = ""
    reason: ReturnReason | None = None
    answered: Annotated[int, Field(ge=0)] = 0
    cost_nano_usd: Annotated[int, Field(ge=0, le=2**63)] = 0
    saved_nano_usd: Annotated[int, Field(ge=-(2**63), le=2**63)] = 0
    was_late: bool = False
    is_lost: bool = False
    answers_from: tuple[_Offset, ...] = ()
    short_reads: Annotated[int, Field(ge=0)] = 0
    left: tuple[str, ...] = ()
    deletions: Annotated[int, Field(ge=0)] = 0


def dump(batch: Batch) -> bytes:
    """Return its row; `is_unsure` is not in it."""
    row = {name: value for name, value in _parts(batch).items() if name != "is_unsure" and value not in (None, "", ())}
    return orjson.dumps({**row, **{name: f"{mask:x}" for name in _MASKS if (mask := getattr(batch, name))}})


def load(value: bytes) -> Batch:
    """Read a row.

    Raises:
        ValueError: it is none.
    """
    row = _Row.model_validate_json(value)
    masks = {name: int(getattr(row, name) or "0", 16) for name in _MASKS}
    batch = Batch(**{**{name: getattr(row, name) for name in _Row.model_fields}, **masks})
    if any(mask > batch.everyone for mask in masks.values()) or batch.told & ~batch.returned:
        raise ValueError("a batch has results of requests that it does not have")
    return batch


def dump_durations(durations: Durations) -> bytes:
    """Return the row of a model's batches."""
    return _RAN.dump_json(durations.all())


def load_durations(value: bytes) -> Durations:
    """Read such a row.

    Raises:
        ValueError: it is none.
    """
    return Durations(_RAN.validate_json(value))


def _parts(batch: Batch) -> dict[str, object]:
    return {field.name: getattr(batch, field.name) for field in fields(batch) if field.name not in _MASKS}
