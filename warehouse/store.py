"""The port behind which a database stands, and its schema: numbered SQL files, applied in order and recorded.

`sql/NNNN_name.sql` is for every engine, `sql/NNNN_name.ENGINE.sql` for one. What has landed is never changed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeAlias

from schemas.vocabulary import Certainty
from warehouse.errors import WarehouseError
from warehouse.rows import Batch, Offsets

Cell: TypeAlias = str | int | float | bool | bytes | Decimal | date | datetime | None

CREATE_MIGRATIONS = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version BIGINT PRIMARY KEY,
    name VARCHAR NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
)
"""
BETTER_KNOWN = " OR ".join(
    f"(excluded.certainty = '{better}' AND costs.certainty = '{worse}')"
    for better in Certainty
    for worse in better.worse
)
"""Whether the event that comes later replaces the one that is there."""


class Engine(StrEnum):
    """The databases that a warehouse can be."""

    DUCKDB = "duckdb"
    POSTGRES = "postgres"


class Store(Protocol):
    """A warehouse that is open. Its methods block; they raise WarehouseError, and then nothing was written."""

    engine: Engine

    def offsets(self) -> Offsets:
        """Return how far each partition has been read."""

    def write(self, batch: Batch) -> None:
        """Write rows and offsets in one transaction. An id that is there already adds nothing."""

    def query(self, sql: str, *values: Cell) -> list[tuple[Cell, ...]]:
        """Ask something. Each `?` stands for one of the values."""

    def close(self) -> None:
        """Give the database back."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    version: int
    name: str
    sql: str


def migrations(engine: Engine) -> list[Migration]:
    """Return the steps of an engine's schema, in order."""
    found: dict[int, Migration] = {}
    for path in sorted(Path(__file__).with_name("sql").glob("*.sql")):
        parts = re.fullmatch(r"(\d{4})_(\w+)(?:\.(\w+))?\.sql", path.name)
        if parts is None:
            raise ValueError(f"{path.name} is no migration's name")
        if parts[3] in {None, engine.value}:
            found[int(parts[1])] = Migration(int(parts[1]), parts[2], path.read_text())
    return [found[version] for version in sorted(found)]


def pending(engine: Engine, applied: Sequence[int]) -> list[Migration]:
    """Return the steps that a schema has not taken yet.

    Raises:
        WarehouseError: the schema is newer than this program.
    """
    steps = migrations(engine)
    if newer := set(applied) - {step.version for step in steps}:
        raise WarehouseError(
            f"The warehouse's schema is at version {max(newer)}, newer than this Turnout knows; install a newer one."
        )
    return [step for step in steps if step.version not in applied]


def upsert(table: str, columns: Sequence[str], source: str) -> str:
    """Return the statement that adds the source's rows to a table of events, once for each id."""
    names = ", ".join(columns)
    insert = f"INSERT INTO {table} ({names}) SELECT {names} FROM {source} "  # noqa: S608 - names of our own
    if table != "costs":
        return insert + "ON CONFLICT DO NOTHING"
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name != "event_id")
    return insert + f"ON CONFLICT (event_id) DO UPDATE SET {changes} WHERE {BETTER_KNOWN}"
