"""New commits made from objects alone, and the work trees that have the branch checked out brought along."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.core.errors import SourceError
from controller.core.proposal import OURS
from controller.source.command import Git
from controller.source.names import collisions, path_problem
from controller.source.refs import open_repository
from controller.source.tree import REGULAR, check_size, raw_entries, tree_at

Written = dict[str, tuple[str, str] | None]
"""What changes in the folder: mode and blob id by path below it, None for a file that goes."""

_COMMITTER = {"GIT_COMMITTER_NAME": "HomeLabHub", "GIT_COMMITTER_EMAIL": OURS}
_AUTHOR = re.compile(r"(?P<name>[^<>]+?)\s*(?:<(?P<email>[^<>\s]+)>)?")
_UNFINISHED = {"MERGE_HEAD": "a merge", "CHERRY_PICK_HEAD": "a cherry-pick", "REVERT_HEAD": "a revert"}
_TOLD = 5


@dataclass(frozen=True)
class Branch:
    """A branch reference of a repository at one commit ("" before the first), and the spec folder in it."""

    git: Git
    reference: str
    tip: str
    folder: str

    def entries(self) -> dict[str, tuple[str, str]]:
        """Mode and object id of everything in the folder at the tip, by path below it; nothing when there is no such folder."""
        tree = tree_at(self.git, self.tip, self.folder) if self.tip else ""
        return {path: (mode, name) for mode, name, _, path in raw_entries(self.git, tree)} if tree else {}

    def stored(self, edits: Mapping[str, bytes | None]) -> Written:
        """The edits (contents by path below the folder, None removes) with their contents stored. Raises SourceError."""
        existing = self.entries()
        gone = {path for path, content in edits.items() if content is None}
        for path, content in edits.items():
            if problem := path_problem(path):
                raise SourceError(f"{path[:80]!r} cannot be written: {problem}")
            check_size(path, len(content or b""))
        for other, path in collisions(sorted((existing.keys() | edits.keys()) - gone)):
            raise SourceError(f"{path} cannot be written: its name differs from {other} only in upper and lower case")
        written: Written = dict.fromkeys(gone & existing.keys())
        for path, content in edits.items():
            if content is not None:
                mode = existing[path][0] if path in existing and existing[path][0] in REGULAR else REGULAR[0]
                written[path] = (mode, self.git("hash-object", "-w", "--stdin", stdin=content).decode().strip())
        return written

    def commit(self, written: Written, message: str, author: str) -> str:
        """Make the commit object; gives its id, or the tip when nothing changes. No reference moves yet. Raises SourceError."""
        people = _people(message, author)
        with _index(self.git) as index:
            self.git("read-tree", self.tip or "--empty", environment=index)
            self.git("update-index", "-z", "--index-info", stdin=self._index_lines(written), environment=index)
            tree = self.git("write-tree", environment=index).decode().strip()
        if tree == self._tree():
            return self.tip
        return self._sealed(tree, [self.tip] if self.tip else [], message, people)

    def join(self, tree: str, other: str, message: str, author: str) -> str:
        """Make the commit that brings another one in: of both, with the tree of their merge. Raises SourceError."""
        return self._sealed(tree, [self.tip, other], message, _people(message, author))

    def _sealed(self, tree: str, parents: Sequence[str], message: str, people: Mapping[str, str]) -> str:
        words = [word for parent in parents for word in ("-p", parent)]
        return self.git("commit-tree", *words, "-F", "-", tree, stdin=message.encode(), environment=people).decode().strip()

    def _index_lines(self, written: Written) -> bytes:
        # What goes stands first: a file may make room for a folder of its name.
        ordered = sorted(written.items(), key=lambda item: item[1] is not None)
        lines = (f"{entry[0]} {entry[1]}" if entry else f"0 {self._none()}" for _, entry in ordered)
        return b"".join(
            line.encode() + b"\t" + _raw(self._full(path)) + b"\0" for line, (path, _) in zip(lines, ordered, strict=True)
        )

    def _full(self, path: str) -> str:
        return f"{self.folder}/{path}" if self.folder else path

    def move(self, commit: str, written: Written) -> None:
        """Move the branch, and every work tree that has it checked out, to the commit; on SourceError all is as it was."""
        moved: list[Path] = []
        try:
            for tree in self.work_trees():
                self._check_clean(tree, written)
                self._bring(tree, self._tree(), commit)
                moved.append(tree)
            old = self.tip or self._none()
            done = self.git.run("update-ref", "-m", "homelab: commit", self.reference, commit, old)
            if done.code:
                raise SourceError(f"the branch moved on or cannot be written: {done.complaint}")
        except SourceError:
            for tree in moved:
                self._bring(tree, commit, self._tree())
            raise

    def _none(self) -> str:
        return "0" * (len(self.tip) or len(self._tree()))

    def _tree(self) -> str:
        if self.tip:
            return self.git("rev-parse", "--verify", f"{self.tip}^{{tree}}").decode().strip()
        return self.git("hash-object", "-t", "tree", "-w", "/dev/null").decode().strip()

    def work_trees(self) -> list[Path]:
        """The work trees that have the branch checked out."""
        found: list[Path] = []
        for block in self.git("worktree", "list", "--porcelain").decode("utf-8", "surrogateescape").split("\n\n"):
            lines = block.splitlines()
            if f"branch {self.reference}" in lines and "bare" not in lines:
                found.append(Path(lines[0].removeprefix("worktree ")))
        return [tree for tree in found if tree.is_dir()]

    def _check_clean(self, tree: Path, written: Written) -> None:
        repository = open_repository(tree)
        for name, what in _UNFINISHED.items():
            if repository is None or (repository.git_dir / name).exists():
                raise SourceError(f"{what} is not finished in {tree}: finish or abort it first")
        paths = ["--", self.folder] if self.folder else []
        status = self._at(tree)(
            "status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=all", *paths, work_tree=tree
        )
        changed = [entry[3:] for entry in status.decode("utf-8", "replace").split("\0") if entry]
        if changed:
            told = ", ".join(changed[:_TOLD]) + (", …" if len(changed) > _TOLD else "")
            raise SourceError(f"{tree} has changes that are not committed ({told}): commit or stash them first")
        tracked = {tree / self._full(path) for path in self.entries()}
        for path in (path for path, entry in written.items() if entry):
            file = tree / self._full(path)
            there = file.rglob("*") if file.is_dir() and not file.is_symlink() else [file]
            if any(item not in tracked and os.path.lexists(item) and not item.is_dir() for item in there):
                raise SourceError(f"{file} is not committed yet and would be overwritten: commit or move it first")

    def _at(self, tree: Path) -> Git:
        return Git(tree / ".git", self.git.passed)

    def _bring(self, tree: Path, old: str, new: str) -> None:
        git = self._at(tree)
        git.run("update-index", "-q", "--refresh", work_tree=tree)
        for dry in (["-n"], []):
            done = git.run("read-tree", *dry, "-m", "-u", old, new, work_tree=tree)
            if done.code:
                raise SourceError(f"{tree} cannot follow the new commit: {done.complaint}")


def _people(message: str, author: str) -> dict[str, str]:
    who = _AUTHOR.fullmatch(author.strip())
    if who is None or not author.isprintable() or "\0" in message or not message.strip():
        raise SourceError("a commit needs a message, and an author like Ada or Ada <ada@example.net>")
    return _COMMITTER | {"GIT_AUTHOR_NAME": who["name"], "GIT_AUTHOR_EMAIL": who["email"] or OURS}


def _raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


@contextlib.contextmanager
def _index(git: Git) -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="homelab-") as folder:
        git.lend(folder)
        yield {"GIT_INDEX_FILE": f"{folder}/index"}
