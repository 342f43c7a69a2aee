"""Files that survive a crash: what was there before, or all of what was written."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def replace(path: Path, content: bytes, owner: tuple[int, int] | None = None) -> None:
    """Gives a file (0600) new content at once, and another `owner` (ids of user and group). One writer at a time: see `locked`.
    Raises OSError; the old content then stays."""
    unfinished = path.with_name(path.name + ".new")
    _write(unfinished, content, owner)
    unfinished.replace(path)
    _sync_folder(path.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a lock that other processes respect; it ends with the block or the process. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, content: bytes, owner: tuple[int, int] | None) -> None:
    # A file that a crash left under this name may be anything: it is never written through.
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if owner is not None:
                # By the open file: whoever owns the folder could put another one under this name.
                os.fchown(file.fileno(), *owner)
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
