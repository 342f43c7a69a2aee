"""What databases complain about, as sentences for people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from controller.core.errors import JournalError

_LONGEST = 256
_FULL = "the disk is full: free some space"
_READ_ONLY = "it is read-only: check the mount and the file's owner"
_DAMAGED = "it is damaged: restore a backup"
_BUSY = "another program keeps it locked"

# By sqlite3's error name (longest match first) and by PostgreSQL's SQLSTATE.
_SQLITE = {
    "SQLITE_FULL": _FULL,
    "SQLITE_READONLY": _READ_ONLY,
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_NOTADB": _DAMAGED,
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_IOERR": "the disk reports an error or is full",
    "SQLITE_CANTOPEN": "it cannot be opened: check that the folder exists and is ours",
    "SQLITE_PERM": "it cannot be opened: check that the folder exists and is ours",
}
_POSTGRES = {
    "53100": _FULL,
    "25006": "it takes no writes (a standby, or read-only): connect to the primary",
    "42501": "our role has too few rights: make it the owner of the database",
    "55P03": _BUSY,
    "57014": "it takes too long to answer",
}


def sentence(error: BaseException) -> str:
    """Why the database refused, without statements, parameters or credentials."""
    cause = (error.orig if isinstance(error, DBAPIError) else None) or error
    code = getattr(cause, "sqlite_errorname", None)
    if code is not None:
        for name, words in _SQLITE.items():
            if code.startswith(name):
                return words
    known = _POSTGRES.get(getattr(cause, "pgcode", None) or "")
    if known is not None:
        return known
    lines = str(cause).strip().splitlines() or [type(cause).__name__]
    return lines[0][:_LONGEST]


@contextmanager
def translated(store: str) -> Iterator[None]:
    """Turns what SQLAlchemy raises inside into JournalError; `store` names the database for people."""
    try:
        yield
    except SQLAlchemyError as error:
        raise JournalError(f"{store}: {sentence(error)}") from error
    except ValueError as error:
        # What the drivers raise for half a surrogate pair (SQLite) and a null character (PostgreSQL).
        if isinstance(error, UnicodeEncodeError) or "NUL" in str(error):
            raise JournalError(f"{store}: a name holds a character that cannot be stored") from error
        raise
