"""Branches beside the one that is followed: proposals are offered on them, looked at merged, merged and dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

from controller.core.document import Files, Revision
from controller.core.errors import SourceError
from controller.core.proposal import MergeByHand, Moved, Preview
from controller.source.command import Git
from controller.source.merge import merge_trees
from controller.source.mirror import Mirror
from controller.source.names import check_branch
from controller.source.tree import REGULAR, raw_entries, tree_at
from controller.source.write import Branch, Written

_HEADS = "refs/heads/"


@dataclass(frozen=True)
class Trunk:
    """What a source knows of the branch that it follows. `reference` raises SourceError for a detached HEAD; `resolve` gives the
    commit id behind a reference ("" = none), `files` the spec folder of a tree."""

    reference: Callable[[], str]
    head: Callable[[], Revision]
    named: Callable[[str], Revision]
    resolve: Callable[[str], str]
    files: Callable[[str], Files]


@dataclass(frozen=True)
class GitBranches:
    """core.proposal.Branches of a git repository. `common` holds its objects; with `signed`, merging is left to people who have
    a key."""

    git: Git
    common: Path
    folder: str
    mirror: Mirror | None
    trunk: Trunk
    lock: RLock
    signed: bool = False

    def offer(self, branch: str, edits: Mapping[str, bytes | None], message: str, author: str, *, on: str) -> Revision:
        """Commit on top of the commit `on`, the branch's newest unless it is new. Raises Moved, SourceError."""
        reference = _reference(branch)
        with self.lock:
            held = self.trunk.resolve(reference)
            if held not in ("", on):
                raise Moved(f"somebody else has committed {held[:10]} to {branch}, which was at {on[:10]}: look at it again")
            made = Branch(self.git, reference, on, self.folder)
            written = made.stored(edits)
            commit = made.commit(written, message, author)
            if commit == made.tip:
                raise SourceError("nothing is changed by this: the files are so already")
            if self.mirror:
                self.mirror.push(commit, reference, held)
            elif held:
                made.move(commit, written)
            else:
                self._set(reference, commit, "")
            return self.trunk.named(commit)

    def tip_of(self, branch: str) -> Revision | None:
        """Its newest commit."""
        found = self.trunk.resolve(_reference(branch))
        return self.trunk.named(found) if found else None

    def preview(self, tip: str) -> Preview:
        """A commit merged with the followed branch's newest. Raises SourceError."""
        head = self.trunk.head()
        merged = merge_trees(self.git, self.common, head.id, tip)
        if merged.conflicts:
            return Preview(self.trunk.files(self._tree(tip)), head, merged.conflicts)
        return Preview(self.trunk.files(merged.tree), head, same=merged.tree == self._tree(head.id))

    def merge(self, tip: str, head: str, message: str, author: str) -> Revision:
        """Merge a commit into the followed branch, at `head`. Raises Moved, NotTaken, MergeByHand, SourceError."""
        with self.lock:
            reference = self.trunk.reference()
            if self.trunk.resolve(reference) != head:
                raise Moved(f"{reference.removeprefix(_HEADS)} is not at {head[:10]} any more")
            if self.signed:
                raise self._by_hand(tip, reference, message)
            merged = merge_trees(self.git, self.common, head, tip)
            if merged.conflicts:
                raise SourceError(f"both sides changed {', '.join(merged.conflicts)}")
            branch = Branch(self.git, reference, head, self.folder)
            commit = branch.join(merged.tree, tip, message, author)
            if self.mirror:
                self.mirror.push(commit, reference, head)
            else:
                branch.move(commit, self._written(head, merged.tree))
            return self.trunk.named(commit)

    def drop(self, branch: str) -> None:
        """Remove a branch. Raises SourceError."""
        reference = _reference(branch)
        with self.lock:
            held = self.trunk.resolve(reference)
            if not held:
                return
            if self.mirror:
                self.mirror.remove(reference, held)
            elif not Branch(self.git, reference, held, self.folder).work_trees():
                self._removed(reference, held)

    def _by_hand(self, tip: str, reference: str, message: str) -> MergeByHand:
        return MergeByHand(
            "commits must be signed here and the controller has no key: merge it yourself, and it goes on",
            (
                f"in a clone of the specs, on {reference.removeprefix(_HEADS)}:",
                f"  git merge -S --no-ff -m '{_quoted(message.splitlines()[0])}' {tip}",
                *(("  git push",) if self.mirror else ()),
            ),
        )

    def _tree(self, commit: str) -> str:
        return self.git("rev-parse", "--verify", f"{commit}^{{tree}}").decode().strip()

    def _written(self, head: str, tree: str) -> Written:
        """What a merge changes below the spec folder."""
        old, new = (self._entries(each) for each in (head, tree))
        written: Written = dict.fromkeys(old.keys() - new.keys())
        return written | {path: entry for path, entry in new.items() if old.get(path) != entry}

    def _entries(self, commit: str) -> dict[str, tuple[str, str]]:
        tree = tree_at(self.git, commit, self.folder)
        listed = raw_entries(self.git, tree) if tree else ()
        return {path: (mode, name) for mode, name, _, path in listed if mode in REGULAR}

    def _set(self, reference: str, commit: str, held: str) -> None:
        done = self.git.run("update-ref", "-m", "homelab: propose", reference, commit, held or "0" * len(commit))
        if done.code:
            raise SourceError(f"{reference.removeprefix(_HEADS)} cannot be written: {done.complaint}")

    def _removed(self, reference: str, held: str) -> None:
        done = self.git.run("update-ref", "-d", reference, held)
        if done.code:
            raise SourceError(f"{reference.removeprefix(_HEADS)} cannot be removed: {done.complaint}")


def _reference(branch: str) -> str:
    return _HEADS + check_branch(branch)


def _quoted(text: str) -> str:
    return text.replace("'", "'\\''")
