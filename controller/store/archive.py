"""Backups: one SQLite file with the content of a store, written from any database and restored into any."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, update

from controller.core.errors import JournalError, Refused
from controller.core.ports import Clock
from controller.store import embedded, tables
from controller.store.audit import COUNTER
from controller.store.contents import AUDIT, EVERYTHING, REPLACED
from controller.store.counters import count
from controller.store.database import Database
from controller.store.schema import REVISIONS, bring_up


def backup(database: Database, path: Path, clock: Clock) -> None:
    """Writes everything but the lease, as it stands at one instant, to a new file (0600); complete or not there."""
    if path.exists() or path.is_symlink():
        raise Refused(f"{path} already exists: choose another name for the backup")
    try:
        with tempfile.TemporaryDirectory(prefix="backup-", dir=path.parent) as scratch:
            unfinished = Path(scratch, "backup.db")
            with closing(_fresh(unfinished, clock)) as target, database.picture() as source, target.writing() as connection:
                transfer(source, connection)
            embedded.copy(unfinished, path)
    except OSError as error:
        raise JournalError(f"{path}: the backup cannot be written: {error.strerror}") from error


@contextmanager
def opened(path: Path, folder: Path | None, clock: Clock) -> Iterator[Connection]:
    """A connection to a verified, migrated copy of a backup. Raises Refused for a file that is not a sound backup of this or an
    older version: wrong kind of file, foreign or altered tables, triggers, views, damaged pages, records that cannot be read."""
    with tempfile.TemporaryDirectory(prefix="restore-", dir=folder) as scratch:
        copy = Path(scratch, "backup.db")
        embedded.take(path, copy)
        found = _revision_of(copy)
        expected = Path(scratch, "expected.db")
        _fresh(expected, clock, REVISIONS[: REVISIONS.index(found) + 1]).close()
        if embedded.shape(copy) != embedded.shape(expected):
            raise Refused(f"{path} is not a backup of the store: its tables are not the ones that version {found} makes")
        embedded.check(copy)
        with closing(Database(f"sqlite:///{copy}", clock)) as database:
            bring_up(database, keep=False)
            with database.picture() as connection:
                _read_all(connection, path)
                yield connection


def transfer(source: Connection, target: Connection) -> None:
    """Replaces what `target` holds by what `source` holds. Event numbers never go back, and an audit trail that was begun stays:
    only a target that has none takes over the one of `source`."""
    for content in REPLACED:
        content.replace(target, content.whole(source))
    _set(target, "events", max(count(source, "events"), count(target, "events")))
    if count(target, COUNTER) == 0:
        AUDIT.add(target, AUDIT.whole(source))
        _set(target, COUNTER, count(source, COUNTER))


def _set(connection: Connection, counter: str, value: int) -> None:
    connection.execute(update(tables.counters).where(tables.counters.c.name == counter).values(value=value))


def _fresh(path: Path, clock: Clock, revisions: tuple[str, ...] = REVISIONS) -> Database:
    database = Database(f"sqlite:///{path}", clock)
    try:
        bring_up(database, revisions=revisions)
    except BaseException:
        database.close()
        raise
    return database


def _revision_of(copy: Path) -> str:
    found = embedded.revision(copy)
    if found not in REVISIONS:
        raise Refused(f"the backup has schema {found}, which this version does not know: use the version that wrote it")
    return found


def _read_all(connection: Connection, path: Path) -> None:
    try:
        for content in EVERYTHING:
            for _ in content.whole(connection):
                pass
    except JournalError as error:
        raise Refused(f"{path} holds records that cannot be read: {error}") from error
