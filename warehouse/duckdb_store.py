"""A warehouse in a DuckDB file. Rows go in through a file of JSON lines, DuckDB's fastest way without Arrow."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import duckdb
import orjson

from warehouse.errors import WarehouseError
from warehouse.rows import Batch, Offsets, Row
from warehouse.store import CREATE_MIGRATIONS, Cell, Engine, Migration, pending, upsert

CHECKPOINT_BYTES = 128_000_000
"""How much may stand in the write-ahead log. At DuckDB's 16 MB the file is rewritten after every second full batch,
which takes a third of the time of all writing; after a crash 128 MB are read back in about a second."""


class DuckDbStore:
    """A DuckDB file; one process at a time has it open for writing, and then no other process reads it."""

    engine = Engine.DUCKDB

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._types: dict[str, dict[str, str]] = {}

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open the file. To write, it is made if it is missing, and its schema is brought up to date.

        Raises:
            WarehouseError: it is missing, no DuckDB file, in use, or of a newer schema.
        """
        if read_only and not path.exists():
            raise WarehouseError(f"There is no warehouse at {path}; `turnout warehouse --duckdb {path}` makes one.")
        try:
            connection = duckdb.connect(path, read_only=read_only)
            connection.execute(f"SET TimeZone = 'UTC'; SET checkpoint_threshold = '{CHECKPOINT_BYTES}B'")
        except duckdb.IOException as error:
            if "lock" in str(error):
                raise WarehouseError(
                    f"{path} is in use by another process; stop it, or use Postgres to read and write at once."
                ) from None
            raise WarehouseError(f"{path} cannot be opened: {_first_line(error)}") from None
        except duckdb.Error as error:
            raise WarehouseError(f"{path} cannot be opened: {_first_line(error)}") from None
        store = cls(connection)
        try:
            store._prepare(read_only=read_only)
        except BaseException:
            connection.close()
            raise
        return store

    def _prepare(self, *, read_only: bool) -> None:
        with _told():
            if not read_only:
                self._connection.execute(CREATE_MIGRATIONS)
            applied = [int(version) for (version,) in self.query("SELECT version FROM schema_migrations")]  # type: ignore[arg-type]  # a BIGINT
        steps = pending(self.engine, applied)
        if steps and read_only:
            raise WarehouseError("The warehouse's schema is older than this Turnout; run `turnout warehouse` first.")
        for step in steps:
            self._apply(step)

    def _apply(self, step: Migration) -> None:
        with _told(), self._transaction():
            self._connection.execute(step.sql)
            self._connection.execute(
                "INSERT INTO schema_migrations (version, name) VALUES (?, ?)", (step.version, step.name)
            )

    def offsets(self) -> Offsets:
        """See Store."""
        rows = self.query("SELECT topic, topic_partition, next_offset FROM consumer_offsets")
        return {(str(topic), int(number)): int(offset) for topic, number, offset in rows}  # type: ignore[arg-type]  # BIGINTs

    def write(self, batch: Batch) -> None:
        """See Store."""
        with _told(), self._transaction():
            self._insert("costs", batch.costs.values())
            self._insert("responses", batch.responses.values())
            self._insert("shadow_answers", batch.shadow_answers.values())
            if batch.unreadable:
                names = list(batch.unreadable[0])
                marks = ", ".join("?" * len(names))
                self._connection.executemany(
                    f"INSERT OR IGNORE INTO unreadable_records ({', '.join(names)}) VALUES ({marks})",  # noqa: S608 - our own names
                    [list(row.values()) for row in batch.unreadable],
                )
            self._connection.executemany(
                "INSERT OR REPLACE INTO consumer_offsets VALUES (?, ?, ?)",
                [[topic, number, offset] for (topic, number), offset in batch.offsets.items()],
            )

    def _insert(self, table: str, rows: Iterable[Row]) -> None:
        lines = [orjson.dumps(row) for row in rows]
        if not lines:
            return
        types = self._column_types(table)
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in types.items())
        with _temporary_file(b"\n".join(lines)) as path:
            source = f"read_json('{path}', format = 'newline_delimited', columns = {{{columns}}})"
            self._connection.execute(upsert(table, list(types), source))

    def _column_types(self, table: str) -> dict[str, str]:
        if table not in self._types:
            rows = self._connection.execute(
                "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = ?", (table,)
            ).fetchall()
            self._types[table] = dict(rows)
        return self._types[table]

    def query(self, sql: str, *values: Cell) -> list[tuple[Cell, ...]]:
        """See Store."""
        with _told():
            return self._connection.execute(sql, values).fetchall()

    def close(self) -> None:
        """See Store."""
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.begin()
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise WarehouseError(f"DuckDB refuses: {_first_line(error)}") from None
    except OSError as error:
        reason = f"A batch cannot be written to {tempfile.gettempdir()}: {error.strerror}; make room, or set TMPDIR."
        raise WarehouseError(reason) from None


@contextmanager
def _temporary_file(content: bytes) -> Iterator[str]:
    with tempfile.NamedTemporaryFile(prefix="turnout-", suffix=".jsonl") as file:
        file.write(content)
        file.flush()
        yield file.name


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
