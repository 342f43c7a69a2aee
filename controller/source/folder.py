"""A plain local folder as a source, for the demo, for tests, and for the uncommitted files of a work tree."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from controller.core.document import Revision
from controller.core.errors import SourceError
from controller.source.tree import MOST_FILES, check_content, check_listing, check_size

_KEPT = 8
_HIDDEN = frozenset({".git"})


class FolderFiles:
    """core.document.Files of a folder on disk. What was looked at once stays as it was then."""

    def __init__(self, top: Path, sizes: Mapping[str, int]) -> None:
        self._top = top
        self._sizes = sizes
        self._contents: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def paths(self) -> Iterable[str]:
        """Every regular file, sorted."""
        return self._sizes.keys()

    def identity(self, path: str) -> str | None:
        """The id git would give to the content; for a file that is too large to be read, one that follows from its size."""
        if path not in self._sizes:
            return None
        try:
            content = self._content(path)
        except SourceError:
            return f"unreadable:{self._sizes[path]}"
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()

    def read(self, path: str) -> bytes | None:
        """The content. Raises SourceError: too large, kept in Git LFS, gone in the meantime, a link."""
        return check_content(path, self._content(path)) if path in self._sizes else None

    def _content(self, path: str) -> bytes:
        with self._lock:
            if path not in self._contents:
                check_size(path, self._sizes[path])
                self._contents[path] = _read(self._top, path)
            return self._contents[path]


def _read(top: Path, path: str) -> bytes:
    try:
        descriptor = os.open(top / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise SourceError(f"{path} is not a regular file")
            check_size(path, found.st_size)
            return file.read(found.st_size + 1)
    except OSError as error:
        reason = "it is a symbolic link" if error.errno == errno.ELOOP else os.strerror(error.errno or 0)
        raise SourceError(f"{path} cannot be read: {reason}") from error


def read_folder(top: Path, paths: Iterable[str], where: str) -> FolderFiles:
    """The named files below a folder. Raises SourceError for links, for what is not a file, and for odd names."""
    sizes: dict[str, int] = {}
    refused: list[tuple[str, str]] = []
    checked: dict[str, bool] = {}
    for path in sorted(paths):
        if _through_link(top, path, checked):
            refused.append((path, "a symbolic link leads to it"))
            continue
        try:
            found = (top / path).lstat()
        except FileNotFoundError:
            continue  # deleted since it was listed, or not yet committed as deleted
        except OSError as error:
            refused.append((path, os.strerror(error.errno or 0)))
            continue
        if stat.S_ISREG(found.st_mode):
            sizes[path] = found.st_size
        else:
            refused.append((path, "it is a symbolic link" if stat.S_ISLNK(found.st_mode) else "it is not a regular file"))
    check_listing(sizes, refused, where)
    return FolderFiles(top, sizes)


def _through_link(top: Path, path: str, checked: dict[str, bool]) -> bool:
    folder = path.rpartition("/")[0]
    if not folder:
        return False
    if folder not in checked:
        checked[folder] = _through_link(top, folder, checked) or (top / folder).is_symlink()
    return checked[folder]


class FolderSource:
    """core.ports.Source of a plain folder: what lies there now is the newest revision, its id follows from the content.

    It has no history: a revision can be read while it is one of the last few that `head` gave."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._revisions: OrderedDict[str, tuple[Revision, FolderFiles]] = OrderedDict()
        self._lock = threading.Lock()

    def head(self) -> Revision:
        """What lies in the folder now. Raises SourceError."""
        files = read_folder(self._folder, _walk(self._folder), f"the folder {self._folder}")
        digest = hashlib.sha256()
        for path in files.paths():
            digest.update(f"{path}\0{files.identity(path)}\0".encode())
        name = digest.hexdigest()[:40]
        with self._lock:
            if name not in self._revisions:
                self._revisions[name] = Revision(name, message=f"files in {self._folder.name}"), files
            self._revisions.move_to_end(name)
            while len(self._revisions) > _KEPT:
                self._revisions.popitem(last=False)
            return self._revisions[name][0]

    def read(self, revision: str) -> FolderFiles:
        """The files as they were. Raises SourceError for a revision that is not kept any more."""
        return self._find(revision)[1]

    def revision(self, name: str) -> Revision:
        """A kept revision by id or prefix, or HEAD. Raises SourceError."""
        return self.head() if name == "HEAD" else self._find(name)[0]

    def _find(self, name: str) -> tuple[Revision, FolderFiles]:
        with self._lock:
            found = [item for known, item in self._revisions.items() if name and known.startswith(name)]
        if len(found) != 1:
            raise SourceError(f"revision {name[:40]!r} is not known: a plain folder keeps no history (use a git repository)")
        return found[0]

    def descends(self, revision: str, ancestor: str) -> bool:  # noqa: ARG002 (the port's)
        """Always: a folder only ever moves forward."""
        return True

    def fetch(self) -> None:
        """Nothing to do."""

    def revert(self, revision: str, message: str, author: str) -> Revision:  # noqa: ARG002 (the port's)
        """Raises SourceError: there is nothing to go back to."""
        raise SourceError("a plain folder keeps no history to go back to; use a git repository")

    def commit(self, edits: Mapping[str, bytes | None], message: str, author: str) -> Revision:  # noqa: ARG002 (the port's)
        """Raises SourceError: edit the files themselves."""
        raise SourceError("a plain folder takes no commits: edit its files, or use a git repository")

    def log(self, limit: int = 50) -> Sequence[Revision]:
        """The kept revisions, newest first. Raises SourceError."""
        self.head()
        with self._lock:
            return [revision for revision, _ in reversed(self._revisions.values())][:limit]

    def worktree(self) -> FolderFiles:
        """What lies in the folder now. Raises SourceError."""
        return self.read(self.head().id)

    def watch_paths(self) -> tuple[Path, ...]:
        """The folder and every folder in it."""
        return tuple(Path(here) for here, _ in _folders(self._folder))


def _walk(top: Path) -> Iterable[str]:
    if not top.is_dir():
        raise SourceError(f"there is no folder {top}")
    count = 0
    for here, names in _folders(top):
        for name in names:
            count += 1
            if count > MOST_FILES:
                raise SourceError(f"the folder {top} has more than {MOST_FILES:,} files")
            yield (Path(here) / name).relative_to(top).as_posix()


def _folders(top: Path) -> Iterator[tuple[str, list[str]]]:
    """Every folder with the names in it that are no folders (a link to one is none)."""
    for here, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if name not in _HIDDEN)
        yield here, files + [name for name in folders if (Path(here) / name).is_symlink()]
