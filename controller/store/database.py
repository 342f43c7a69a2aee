"""Connections to one database: one writer behind a lock, readers free."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, Executable, Table, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from controller.core.errors import JournalError, SettingsError
from controller.core.ports import Clock
from controller.store import embedded
from controller.store.refusals import translated

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

BUSY_SECONDS = 5.0
_POSTGRES_LIMITS = {
    # A controller that stands still inside a transaction must not keep the others from taking over.
    "idle_in_transaction_session_timeout": "20s",
    "lock_timeout": "10s",
    "statement_timeout": "30s",
}


class Database:
    """A database by SQLAlchemy URL (`sqlite:///…` or `postgresql://…`).

    `reading` and `writing` raise JournalError with a sentence for whatever the database refuses. A write is one transaction that
    holds the database's write lock from its first statement: a transaction that starts by reading would fail when it comes to
    write after somebody else did."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self.url = _parsed(url)
        self.path: Path | None = None
        if self.url.get_backend_name() == "sqlite":
            self.path = Path(self.url.database or "").absolute()
            embedded.prepare(self.path)
            self.name = str(self.path)
            self._writer, self._readers = self._embedded(self.path)
        else:
            self.name = self.url.render_as_string(hide_password=True)
            self._writer, self._readers = self._server(self.url)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection on which each statement sees the newest committed state."""
        with translated(self.name), self._readers.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection inside a transaction that is durable when the block ends and undone when it raises."""
        with self._lock, translated(self.name), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def picture(self) -> Iterator[Connection]:
        """A connection on which every statement sees the same committed state."""
        with translated(self.name), self._readers.connect() as connection:
            if self.path is None:
                connection.execution_options(isolation_level="REPEATABLE READ")
            else:
                connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    def now(self, connection: Connection) -> float:
        """Seconds since the epoch by the clock that everybody who uses this database shares."""
        if self.path:
            return self._clock.now()
        return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())

    def upsert(self, table: Table, keys: tuple[str, ...]) -> Executable:
        """A statement that inserts, or replaces what has the same keys."""
        # Only one dialect is needed, and each takes a while to load.
        insert: SqliteInsert | PostgresInsert
        if self.path:
            from sqlalchemy.dialects.sqlite import insert as sqlite_insert

            insert = sqlite_insert(table)
        else:
            from sqlalchemy.dialects.postgresql import insert as postgres_insert

            insert = postgres_insert(table)
        rest = [column.name for column in table.columns if column.name not in keys and not column.identity]
        return insert.on_conflict_do_update(index_elements=list(keys), set_={name: insert.excluded[name] for name in rest})

    def close(self) -> None:
        """Ends every connection."""
        self._writer.dispose()
        self._readers.dispose()

    def _embedded(self, path: Path) -> tuple[Engine, Engine]:
        url = URL.create("sqlite+pysqlite", database=str(path))
        common: dict[str, Any] = {
            "connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False},
            "hide_parameters": True,
            "poolclass": QueuePool,
        }
        writer = create_engine(url, pool_size=1, max_overflow=0, **common)
        readers = create_engine(url, isolation_level="AUTOCOMMIT", **common)
        event.listen(writer, "connect", _configure_writer)
        event.listen(readers, "connect", _configure_reader)
        event.listen(writer, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        return writer, readers

    def _server(self, url: URL) -> tuple[Engine, Engine]:
        limits = " ".join(f"-c {name}={value}" for name, value in _POSTGRES_LIMITS.items())
        arguments: dict[str, Any] = {"connect_timeout": 5, "application_name": "homelabhub", "options": limits}
        common: dict[str, Any] = {
            "connect_args": {name: value for name, value in arguments.items() if name not in url.query},
            "hide_parameters": True,
            # A server that was restarted since the last use is no error.
            "pool_pre_ping": True,
        }
        writer = create_engine(url, isolation_level="READ COMMITTED", pool_size=1, max_overflow=0, **common)
        return writer, create_engine(url, isolation_level="AUTOCOMMIT", **common)


def _parsed(url: str) -> URL:
    if url.startswith("postgres://"):
        url = "postgresql://" + url.removeprefix("postgres://")
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingsError("the database is not a URL; write sqlite:////path/state.db or postgresql://user@host/name") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:") and not parsed.query:
        return parsed.set(drivername="sqlite+pysqlite")
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg2")
    raise SettingsError(f"the database {parsed.render_as_string()} is neither an SQLite file nor a PostgreSQL server")


def _pragmas(connection: Any, **pragmas: str) -> None:
    # The driver must not begin transactions by itself: it would begin deferred ones.
    connection.isolation_level = None
    cursor = connection.cursor()
    for name, value in pragmas.items():
        cursor.execute(f"PRAGMA {name}={value}")
    cursor.close()


def _configure_writer(connection: Any, _record: object) -> None:
    _pragmas(
        connection, journal_mode="WAL", synchronous="FULL", foreign_keys="ON", trusted_schema="OFF", journal_size_limit="16777216"
    )
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if mode != "wal":
        raise JournalError("the store's folder is on a file system that cannot share a database (write-ahead log refused)")


def _configure_reader(connection: Any, _record: object) -> None:
    _pragmas(connection, query_only="ON", trusted_schema="OFF")
