"""A local repository found and its references read without starting git: what the loop asks every few seconds must cost nothing.

Every function here may answer None, "I cannot tell": then git is asked."""

from __future__ import annotations

import contextlib
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from controller.core.document import Revision
from controller.source.names import is_object_id

_ELSEWHERE = "refs/heads/.invalid"
_DEEPEST = 5
_LARGEST_COMMIT = 1 << 16
_SIGNATURE = re.compile(r"([^<]*?) ?<[^>]*> (-?\d{1,12}) [+-]\d{4}")


@dataclass(frozen=True, slots=True)
class Repository:
    """Where a repository keeps its things: a linked work tree has a `git_dir` of its own, a bare one no `work_tree`."""

    git_dir: Path
    common: Path
    work_tree: Path | None

    def symbolic_head(self) -> str | None:
        """The branch reference that HEAD names; None when it is detached or kept elsewhere."""
        content = _text(self.git_dir / "HEAD") or ""
        reference = content[5:].strip() if content.startswith("ref: refs/heads/") else ""
        return reference if reference and reference != _ELSEWHERE else None

    def resolve(self, reference: str) -> str | None:
        """The commit id a reference holds."""
        for _ in range(_DEEPEST):
            folder = self.common if reference.startswith("refs/") and not reference.startswith("refs/worktree/") else self.git_dir
            content = _text(folder / reference)
            if content is None:
                return self._packed(reference)
            if not content.startswith("ref: "):
                return content.strip() if is_object_id(content.strip()) else None
            reference = content[5:].strip()
            if not reference.startswith("refs/") or ".." in reference:
                return None
        return None

    def _packed(self, reference: str) -> str | None:
        for line in (_text(self.common / "packed-refs") or "").splitlines():
            found, _, name = line.partition(" ")
            if name == reference and is_object_id(found):
                return found
        return None

    def loose_commit(self, commit: str) -> Revision | None:
        """The commit when it is not packed yet, as new ones are."""
        with contextlib.suppress(OSError, zlib.error):
            with (self.common / "objects" / commit[:2] / commit[2:]).open("rb") as file:
                content = zlib.decompressobj().decompress(file.read(_LARGEST_COMMIT), _LARGEST_COMMIT)
            header, _, body = content.partition(b"\0")
            if header == b"commit %d" % len(body):
                return parse_commit(commit, body)
        return None

    def watch_paths(self, reference: str | None) -> tuple[Path, ...]:
        """Folders in which something moves when a reference does."""
        loose = self.common / (reference or "refs/heads/x")
        parents = [folder for folder in loose.parents if folder.is_relative_to(self.common) and folder.is_dir()]
        tables = [folder for folder in (self.common / "reftable",) if folder.is_dir()]
        return tuple(dict.fromkeys([self.git_dir, self.common, *parents[:1], *tables]))


def find_repository(folder: Path) -> Path | None:
    """The top of the repository around a folder (its work tree, or itself when bare); None outside of any."""
    folder = folder.absolute()
    for candidate in (folder, *folder.parents):
        if open_repository(candidate) is not None:
            return candidate
    return None


def open_repository(folder: Path) -> Repository | None:
    """The repository whose work tree, or bare self, is exactly this folder."""
    dot = folder / ".git"
    if dot.is_file():
        content = _text(dot) or ""
        return _opened((folder / content[8:].strip()).resolve(), folder) if content.startswith("gitdir: ") else None
    return _opened(dot, folder) if dot.is_dir() else _opened(folder, None)


def _opened(git_dir: Path, work_tree: Path | None) -> Repository | None:
    pointer = _text(git_dir / "commondir")
    common = (git_dir / pointer.strip()).resolve() if pointer else git_dir
    if (git_dir / "HEAD").is_file() and (common / "objects").is_dir() and (common / "refs").is_dir():
        return Repository(git_dir, common, work_tree)
    return None


def parse_commit(commit: str, content: bytes) -> Revision:
    """What people are told of a raw commit object. `at` is when it was committed."""
    head, _, message = content.partition(b"\n\n")
    fields: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").split("\n"):
        name, _, value = line.partition(" ")
        fields.setdefault(name, value)
    author, committer = (_SIGNATURE.fullmatch(fields.get(name, "")) for name in ("author", "committer"))
    at = float(committer[2]) if committer else 0.0
    return Revision(commit, author[1] if author else "", message.decode("utf-8", "replace").strip(), at)


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
