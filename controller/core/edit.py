"""Edits of what people wrote: what shall be different in one file, said as data and never as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from controller.core.document import Path
from controller.core.key import Key


@dataclass(frozen=True, slots=True)
class Nth:
    """The document at an index of a file, counted from 0 over those that say something (as the reader gives them)."""

    file: str
    index: int

    def __str__(self) -> str:
        return f"document {self.index + 1} of {self.file}"


Target = Key | Nth
"""A document: by the kind and name that are written in it, or by its place."""


@dataclass(frozen=True, slots=True)
class SetValue:
    """What stands at a path becomes this value; a key that its mapping lacks is added last.

    Values are plain data: None, bool, 64-bit int, finite float, str, list, dict with text keys. Where mapping meets mapping, or
    list meets list, only what differs is written, so that comments and layout of the rest survive."""

    target: Target
    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class RemoveValue:
    """The entry at a path goes, with its line; a mapping or list that loses its last entry stays, empty."""

    target: Target
    path: Path


@dataclass(frozen=True, slots=True)
class AppendValue:
    """The list at a path gets one more entry, at its end."""

    target: Target
    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class ReplaceSpec:
    """The `spec` of a document means this from now on; of its text only what differs is written."""

    target: Target
    spec: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AddDocument:
    """A new document at the end of a file; of a new file when it has no content yet."""

    file: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RemoveDocument:
    """A whole document goes, with the comment lines right above it. A file without documents has no content left (b"")."""

    target: Target


Edit = SetValue | RemoveValue | AppendValue | ReplaceSpec | AddDocument | RemoveDocument


class Splices(Protocol):
    """Brings edits, each on the result of the one before, into the content of a file (b"" = there is none yet).

    Bytes outside what the edits name must stay as they are, and the result must read as exactly the edited data, in every
    document of the file. Else it raises SpecError, with place, reason and fix, and nothing of the edits is done. The result is
    b"" when no document is left: the file is to go."""

    def __call__(self, path: str, content: bytes, edits: Sequence[Edit]) -> bytes: ...
