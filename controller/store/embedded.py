"""The files of the embedded store."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

from controller.core.errors import JournalError, Refused

COPIES_KEPT = 3


def prepare(path: Path) -> None:
    """Makes the folder (0700) when it is missing and the file (0600); the database's side files inherit the file's mode.
    Raises JournalError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
                os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise JournalError(f"{path}: the store cannot be opened: {error.strerror}") from error


def copy(path: Path, target: Path) -> None:
    """A self-contained copy of a database as it was last committed; complete or not there. Raises JournalError."""
    unfinished = target.with_name(target.name + ".unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        prepare(unfinished)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as copied:
            source.backup(copied)
            copied.execute("PRAGMA journal_mode=DELETE")
        settle(unfinished, target)
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        raise JournalError(f"{target}: the copy of the store cannot be written: {error}") from error


def settle(unfinished: Path, target: Path) -> None:
    """Gives a finished file its name, durably."""
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def copy_before(path: Path, what: str) -> Path:
    """A copy beside the database, `state.db.before-<what>`; only the newest three are kept."""
    target = path.with_name(f"{path.name}.before-{what}")
    copy(path, target)
    copies = sorted(path.parent.glob(f"{path.name}.before-*"), key=lambda found: found.stat().st_mtime_ns)
    for old in copies[:-COPIES_KEPT]:
        old.unlink(missing_ok=True)
    return target


def take(archive: Path, target: Path) -> None:
    """Copies a backup that somebody hands in; raises Refused for anything but a regular file that looks like a database."""
    try:
        source = os.open(archive, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Refused(f"{archive} cannot be read as a backup: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(source).st_mode):
        os.close(source)
        raise Refused(f"{archive} is not a regular file")
    with os.fdopen(source, "rb") as file:
        if file.read(16) != b"SQLite format 3\0":
            raise Refused(f"{archive} is not a backup of the store")
        file.seek(0)
        prepare(target)
        try:
            with target.open("r+b") as taken:
                while chunk := file.read(1 << 20):
                    taken.write(chunk)
        except OSError as error:
            raise JournalError(f"{target}: the backup cannot be unpacked: {error.strerror}") from error


Shape = frozenset[tuple[str, str, str, str]]


def shape(path: Path) -> Shape:
    """Every object of a database with the text that made it. Raises Refused when the file is no sound database."""
    try:
        with closing(_untrusted(path)) as connection:
            rows = connection.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master").fetchall()
    except sqlite3.Error as error:
        raise Refused(f"the backup is damaged: {error}") from error
    return frozenset((str(a), str(b), str(c), str(d)) for a, b, c, d in rows)


def revision(path: Path) -> str:
    """The schema revision that a database claims to have. Raises Refused when it has none."""
    try:
        with closing(_untrusted(path)) as connection:
            return str(connection.execute("SELECT version_num FROM homelab_schema").fetchone()[0])
    except (sqlite3.Error, TypeError) as error:
        raise Refused("the file is not a backup of the store") from error


def check(path: Path) -> None:
    """Raises Refused when the pages of a database contradict each other. Only for a database whose shape is known."""
    try:
        with closing(_untrusted(path)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found == "ok" and connection.execute("PRAGMA foreign_key_check").fetchone() is None:
                return
    except sqlite3.Error as error:
        found = error
    raise Refused(f"the backup is damaged: {found}")


def _untrusted(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")
    return connection
