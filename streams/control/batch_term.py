"""What outlives the worker that collects batches, in rows of a table, and the right to write them.

| key                                | value                                                       |
|------------------------------------|-------------------------------------------------------------|
| `batch|our id`                     | the batch (`router.batches.stored`)                         |
| `members|our id|chunk`             | its members (`router.batches.members`), written before      |
| `durations|["provider", "model"]`  | how long its batches took                                   |
| `read|partition`                   | the offset below which all batch requests are in batches    |
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import orjson
from pydantic import TypeAdapter

from router.batches.durations import Durations
from router.batches.members import Members, joined, unpacked
from router.batches.stages import Batch, restarted
from router.batches.stored import dump, dump_durations, load, load_durations
from schemas.topics import Topic
from streams.control import owner_term
from streams.control.owner_term import OwnerTerm
from streams.internal_records import skipped
from streams.ports import Fence, Table

_MODEL = TypeAdapter(tuple[str, str])
ModelName = tuple[str, str]
"""Provider and model."""


@dataclass(slots=True)
class BatchTerm(OwnerTerm):
    """The time in which this worker collects, and its right to write."""

    fence: Fence
    table: Table

    def be_sure(self) -> None:
        """As `owner_term.be_sure`."""
        owner_term.be_sure(self, self.fence)

    async def put(self, changes: Mapping[bytes, bytes | None]) -> None:
        """As `owner_term.put`."""
        await owner_term.put(changes, self.table, self, self.fence)


@dataclass(slots=True)
class Restored:
    """What a table holds."""

    batches: dict[str, tuple[Batch, Members]] = field(default_factory=dict)
    durations: dict[ModelName, Durations] = field(default_factory=dict)
    read: dict[int, int] = field(default_factory=dict)
    orphans: list[bytes] = field(default_factory=list)
    """Members of batches that were never stored, or are deleted."""


def restored(rows: Mapping[bytes, bytes]) -> Restored:
    """Read a table; a bad row is counted and told."""
    found = Restored()
    chunks: dict[str, list[tuple[int, bytes, Members]]] = {}
    batches: dict[str, Batch] = {}
    for key, value in rows.items():
        kind, _, rest = key.decode(errors="replace").partition("|")
        try:
            if kind == "batch":
                batches[rest] = load(value)
            elif kind == "members":
                our_id, _, chunk = rest.rpartition("|")
                chunks.setdefault(our_id, []).append((int(chunk), key, unpacked(value)))
            elif kind == "durations":
                found.durations[_MODEL.validate_json(rest)] = load_durations(value)
            elif kind == "read":
                found.read[int(rest)] = max(0, int(value))
        except ValueError as error:
            skipped(Topic.BATCH_STATE, error)
    for our_id, batch in batches.items():
        parts = sorted(chunks.pop(our_id, ()))
        try:
            members = joined((part for _, _, part in parts), batch.count)
        except ValueError as error:
            skipped(Topic.BATCH_STATE, error)
            continue
        found.batches[our_id] = (restarted(batch), members)
    found.orphans = [key for parts in chunks.values() for _, key, _ in parts]
    return found


def batch_row(batch: Batch) -> dict[bytes, bytes | None]:
    """Return the row of a batch."""
    return {_batch_key(batch.our_id): dump(batch)}


def member_rows(our_id: str, members: Members) -> dict[bytes, bytes | None]:
    """Return the rows of a batch's members."""
    return {_members_key(our_id, chunk): value for chunk, value in enumerate(members.chunks())}


def deleted(our_id: str, members: Members) -> dict[bytes, bytes | None]:
    """Return what deletes a batch, itself before its members."""
    return dict.fromkeys((_batch_key(our_id), *member_rows(our_id, members)))


def durations_row(model: ModelName, durations: Durations) -> dict[bytes, bytes | None]:
    """Return the row of how long a model's batches took."""
    return {b"durations|" + orjson.dumps(list(model)): dump_durations(durations)}


def read_rows(read: Iterable[tuple[int, int]]) -> dict[bytes, bytes | None]:
    """Return the rows of how far partitions are in batches."""
    return {f"read|{partition}".encode(): str(offset).encode() for partition, offset in read}


def _batch_key(our_id: str) -> bytes:
    return f"batch|{our_id}".encode()


def _members_key(our_id: str, chunk: int) -> bytes:
    return f"members|{our_id}|{chunk}".encode()
