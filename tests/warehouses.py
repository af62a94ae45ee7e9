"""Warehouses under test: a DuckDB file or a database of a real Postgres."""

import uuid
from dataclasses import dataclass
from pathlib import Path

import orjson
import psycopg

from sandbox.postgres import PostgresInfo
from warehouse.duckdb_store import DuckDbStore
from warehouse.postgres_store import PostgresStore
from warehouse.rows import Batch, Place
from warehouse.store import Cell, Engine, Store

GOLDEN = Path(__file__).parent / "contract" / "golden" / "v1"
COSTS, RESPONSES, SHADOW_ANSWERS = "llm.costs.v1", "llm.responses.v1", "llm.shadow-answers.v1"


@dataclass(frozen=True, slots=True)
class Warehouse:
    """Where a warehouse is."""

    engine: Engine
    address: str

    @classmethod
    def in_file(cls, folder: Path) -> "Warehouse":
        return cls(Engine.DUCKDB, str(folder / f"{uuid.uuid4().hex}.duckdb"))

    @classmethod
    def in_postgres(cls, server: PostgresInfo) -> "Warehouse":
        name = f"w{uuid.uuid4().hex}"
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return cls(Engine.POSTGRES, server.dsn(name))

    @property
    def options(self) -> tuple[str, str]:
        return f"--{self.engine}", self.address

    def open(self, *, read_only: bool = False) -> Store:
        if self.engine is Engine.DUCKDB:
            return DuckDbStore.open(Path(self.address), read_only=read_only)
        return PostgresStore.open(self.address, read_only=read_only)

    def query(self, sql: str, *values: Cell) -> list[tuple[Cell, ...]]:
        store = self.open(read_only=True)
        try:
            return store.query(sql, *values)
        finally:
            store.close()


def golden(name: str, **changes: object) -> bytes:
    """Return a golden message, with other values in some fields."""
    return orjson.dumps({**orjson.loads((GOLDEN / f"{name}.json").read_bytes()), **changes})


def batch_of(
    costs: list[bytes | None],
    responses: list[bytes | None],
    start: int = 0,
    *,
    shadows: list[bytes | None] | None = None,
) -> Batch:
    """Return a batch of records that stand one after another from `start`, one partition a topic."""
    batch = Batch()
    for offset, value in enumerate(costs, start):
        batch.add_cost(Place(COSTS, 0, offset, 1_700_000_000_000), value)
    for offset, value in enumerate(responses, start):
        batch.add_response(Place(RESPONSES, 0, offset, 1_700_000_000_000), value)
    for offset, value in enumerate(shadows or [], start):
        batch.add_shadow_answer(Place(SHADOW_ANSWERS, 0, offset, 1_700_000_000_000), value)
    return batch
