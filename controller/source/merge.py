"""Two commits merged as objects only: no checkout, no reference moves, and nothing that a repository's settings could run."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from controller.core.errors import SourceError
from controller.source.command import Git

_SINCE = "2.38"
_CLEAN, _CONFLICTS, _USAGE = 0, 1, 129
_SHA256 = 64
_SHA256_CONFIG = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n"


@dataclass(frozen=True, slots=True)
class Merged:
    """The tree that a merge makes, and the paths in which both sides changed the same place (their files then hold both)."""

    tree: str
    conflicts: tuple[str, ...] = ()


def merge_trees(git: Git, common: Path, ours: str, theirs: str) -> Merged:
    """The merge of two commits of the repository whose objects are below `common`. Raises SourceError: git is too old, the two
    have no history in common, an object is missing."""
    with _aside(git, common, sha256=len(ours) == _SHA256) as (aside, environment):
        words = ("--write-tree", "-z", "--name-only", "--no-messages")
        done = aside.run("merge-tree", *words, ours, theirs, environment=environment)
    if done.code == _USAGE:
        raise SourceError(f"git {_SINCE} or newer is needed for proposals: an older one cannot merge without a checkout")
    if done.code not in (_CLEAN, _CONFLICTS):
        raise SourceError(f"{ours[:10]} and {theirs[:10]} cannot be merged: {done.complaint or f'exit code {done.code}'}")
    tree, *paths = done.out.decode("utf-8", "surrogateescape").split("\0")
    return Merged(tree, tuple(dict.fromkeys(filter(None, paths))) if done.code == _CONFLICTS else ())


@contextlib.contextmanager
def _aside(git: Git, common: Path, *, sha256: bool) -> Iterator[tuple[Git, dict[str, str]]]:
    """An empty repository on the objects of another one: merge drivers, filters and attributes of that one do not count here."""
    with tempfile.TemporaryDirectory(prefix="homelab-") as name:
        folder = Path(name)
        for each in ("objects", "refs"):
            (folder / each).mkdir()
        (folder / "HEAD").write_text("ref: refs/heads/none\n")
        (folder / "config").write_text(_SHA256_CONFIG if sha256 else "[core]\n\tbare = true\n")
        for path in (*folder.iterdir(), folder):
            git.lend(str(path))
        environment = {"GIT_OBJECT_DIRECTORY": str(common / "objects")}
        if (common / "shallow").is_file():
            environment["GIT_SHALLOW_FILE"] = str(common / "shallow")
        yield Git(folder, git.passed), environment
