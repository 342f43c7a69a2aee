"""What a person wrote: files of one revision, documents in them, and where each part stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from controller.core.errors import Origin
from controller.core.key import Key

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Revision:
    """One commit of the spec repository. `at` is seconds since the epoch."""

    id: str
    author: str = ""
    message: str = ""
    at: float = 0.0

    @property
    def short(self) -> str:
        """The first ten characters, for people."""
        return self.id[:10]


class Files(Protocol):
    """The files of one revision below the spec folder, by path relative to that folder. Read-only and immutable."""

    def paths(self) -> Iterable[str]:
        """Every regular file, sorted."""

    def identity(self, path: str) -> str | None:
        """A name that changes exactly when the content changes (a blob id), or None when there is no such file."""

    def read(self, path: str) -> bytes | None:
        """The content, or None when there is no such file. Raises SourceError when it may not be read (size, mode)."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """One YAML document as plain data (YAML 1.2 scalars) with the means to find any part of it again."""

    data: Any
    origin: Origin
    locate: Callable[[Path], Origin] = field(compare=False, repr=False)
    """Position of the value at a path (of the key itself for a mapping entry); the nearest parent when it does not exist."""
    snippet: Callable[[Origin], str] = field(compare=False, repr=False)
    """The source line with a caret below the column."""


class Reader(Protocol):
    """Turns the bytes of a file into documents; raises SpecError with positions for hostile or malformed YAML."""

    def __call__(self, path: str, content: bytes) -> tuple[Parsed, ...]: ...


@dataclass(frozen=True, slots=True)
class Draft:
    """A plain document that a kind expands into; validated by the loader like a written one.

    `at` is the path below the parent's `spec` that it comes from, for error positions; with `file` set (relative to the parent's
    folder) it is a path from the top of that file. `also` names further files and paths that parts of it are written in,
    strongest first ("" = below the parent's `spec`): what is wrong with a part is shown where that part is written."""

    kind: str
    name: str
    spec: Mapping[str, Any]
    needs: tuple[Key, ...] = ()
    at: Path = ()
    file: str = ""
    also: tuple[tuple[str, Path], ...] = ()
