"""A warehouse in Postgres. Rows are copied into a staging table and added to the events from there."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Self, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict

from warehouse.errors import WarehouseError
from warehouse.rows import Batch, Offsets, Row
from warehouse.store import CREATE_MIGRATIONS, Cell, Engine, pending, upsert

WRITER_LOCK = 0x7475726E6F7574
"""The advisory lock of the one sink that writes to a database ("turnout")."""
LOCK_WITHIN_S = 20
"""The server may need this long to notice that the sink before has been killed."""


class PostgresStore:
    """A Postgres database; one sink at a time writes, any number read."""

    engine = Engine.POSTGRES

    def __init__(self, connection: psycopg.Connection[tuple[Cell, ...]], secret: str) -> None:
        self._connection = connection
        self._secret = secret
        self._columns: dict[str, list[str]] = {}

    @classmethod
    def open(cls, dsn: str, *, read_only: bool = False) -> Self:
        """Connect. To write, the schema is brought up to date.

        Raises:
            WarehouseError: the DSN cannot be read, the server is out of reach or refuses, another sink writes, or the
                schema is newer. The password stands in none of its messages.
        """
        try:
            parameters = conninfo_to_dict(dsn)
        except psycopg.Error:
            # The library's own sentence repeats a part of the DSN, and a password may be in it.
            raise WarehouseError(
                "The Postgres DSN cannot be read; write postgresql://USER@HOST:5432/DATABASE and set PGPASSWORD."
            ) from None
        secret = str(parameters.get("password") or "")
        with _told(secret):
            connection = psycopg.connect(
                dsn, autocommit=True, connect_timeout=10, application_name="turnout", options="-c timezone=UTC"
            )
        store = cls(connection, secret)
        try:
            store._prepare(read_only=read_only)
        except BaseException:
            connection.close()
            raise
        return store

    def _prepare(self, *, read_only: bool) -> None:
        if not read_only:
            self._become_the_writer()
            with _told(self._secret):
                self._connection.execute(CREATE_MIGRATIONS)
        elif self.query("SELECT to_regclass('schema_migrations')") == [(None,)]:
            raise WarehouseError("There is no warehouse in this database; `turnout warehouse --postgres` makes one.")
        applied = [cast("int", version) for (version,) in self.query("SELECT version FROM schema_migrations")]
        steps = pending(self.engine, applied)
        if steps and read_only:
            raise WarehouseError("The warehouse's schema is older than this Turnout; run `turnout warehouse` first.")
        for step in steps:
            with _told(self._secret), self._connection.transaction():
                self._connection.execute(step.sql)
                self._connection.execute(
                    "INSERT INTO schema_migrations (version, name) VALUES (%s, %s)", (step.version, step.name)
                )

    def _become_the_writer(self) -> None:
        try:
            with self._connection.transaction():
                self._connection.execute(f"SET LOCAL lock_timeout = '{LOCK_WITHIN_S}s'")
                self._connection.execute("SELECT pg_advisory_lock(%s)", (WRITER_LOCK,))
        except psycopg.errors.LockNotAvailable:
            raise WarehouseError("Another `turnout warehouse` writes to this database; one is enough.") from None
        except psycopg.Error as error:
            raise WarehouseError(_sentence(error, self._secret)) from None

    def offsets(self) -> Offsets:
        """See Store."""
        rows = self.query("SELECT topic, topic_partition, next_offset FROM consumer_offsets")
        return {(cast("str", topic), cast("int", number)): cast("int", offset) for topic, number, offset in rows}

    def write(self, batch: Batch) -> None:
        """See Store."""
        with _told(self._secret), self._connection.transaction():
            self._insert("costs", batch.costs.values())
            self._insert("responses", batch.responses.values())
            self._insert("shadow_answers", batch.shadow_answers.values())
            self._insert("unreadable_records", batch.unreadable)
            with self._connection.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO consumer_offsets VALUES (%s, %s, %s) "
                    "ON CONFLICT (topic, topic_partition) DO UPDATE SET next_offset = excluded.next_offset",
                    [(topic, number, offset) for (topic, number), offset in batch.offsets.items()],
                )

    def _insert(self, table: str, rows: Iterable[Row]) -> None:
        values = list(rows)
        if not values:
            return
        columns, staging = list(values[0]), f"staged_{table}"
        run = self._connection.cursor()
        if table not in self._columns:
            run.execute(f"CREATE TEMPORARY TABLE {staging} (LIKE {table}) ON COMMIT DELETE ROWS")
            self._columns[table] = columns
        with run.copy(f"COPY {staging} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in values:
                copy.write_row(tuple(row.values()))
        run.execute(upsert(table, columns, staging))

    def query(self, sql: str, *values: Cell) -> list[tuple[Cell, ...]]:
        """See Store."""
        with _told(self._secret):
            return self._connection.execute(sql.replace("%", "%%").replace("?", "%s"), values).fetchall()

    def close(self) -> None:
        """See Store."""
        self._connection.close()


@contextmanager
def _told(secret: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise WarehouseError(_sentence(error, secret)) from None


def _sentence(error: psycopg.Error, secret: str) -> str:
    text = " ".join(str(error).split())
    return f"Postgres refuses: {text.replace(secret, '***') if secret else text}"
