"""A git repository as the source of specs. Only objects are read: no checkout, no link, no program of the repository's."""

from __future__ import annotations

import threading
from collections import ChainMap
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from controller.core.document import Revision
from controller.core.errors import SourceError
from controller.source.address import looks_remote, parse_address
from controller.source.branches import GitBranches, Trunk
from controller.source.command import Git
from controller.source.folder import FolderFiles, read_folder
from controller.source.mirror import Mirror
from controller.source.names import check_branch, check_folder, check_revision, is_object_id
from controller.source.refs import Repository, find_repository, open_repository, parse_commit
from controller.source.signatures import Signers
from controller.source.tree import TreeFiles, find_tree, list_tree
from controller.source.write import Branch, Written

_REMEMBERED = 256
_TREES = 3
_FIELDS = 4
_FORMAT = "--format=%H%x00%an%x00%ct%x00%B"


class GitSource:
    """core.ports.Source of a local repository (a path) or a remote one (an address), on one branch and one folder.

    Without a branch it follows the one that HEAD named when first asked. The source may be used by several threads."""

    def __init__(
        self,
        repository: str,
        *,
        branch: str = "",
        path: str = "",
        cache_dir: str | Path = "",
        trusted_hosts: Collection[str] = (),
        signers: Signers | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`cache_dir` holds the mirror of a remote repository. `trusted_hosts` may be this machine and may speak plain http.
        With `signers`, only what one of them signed is followed (see `doubt`), and nothing is committed: there is no key here.

        Of `environment` git is given PATH, HOME, the SSH agent, proxies and CA files. Raises SourceError for an address, branch
        or path that is not allowed, and when there is no repository."""
        self.path = check_folder(path)
        self._reference = f"refs/heads/{check_branch(branch)}" if branch else ""
        self._mirror: Mirror | None = None
        if looks_remote(repository) and not Path(repository).is_dir():
            if not cache_dir:
                raise SourceError("a remote repository needs a folder for its copy")
            self._mirror = Mirror(parse_address(repository, trusted_hosts), Path(cache_dir), environment or {})
            self.name = self._mirror.address.url
            self._repository = self._mirror.repository
        else:
            self.name = repository
            self._repository = _local(repository)
        self._git = Git(self._repository.git_dir, environment or {})
        self._signers = signers
        self._judged: dict[tuple[str, str], str] = {}
        self._lock = threading.RLock()
        self._revisions: dict[str, Revision] = {}
        self._trees: dict[str, TreeFiles] = {}
        trunk = Trunk(self._written_to, self.head, self._named, self._at, lambda tree: self._files(tree, f"tree {tree[:10]}"))
        common = self._repository.common
        self.branches = GitBranches(self._git, common, self.path, self._mirror, trunk, self._lock, signers is not None)

    @property
    def branch(self) -> str:
        """The branch that is followed, or "" for a detached HEAD. Raises SourceError."""
        return self._followed().removeprefix("refs/heads/") if self._followed() != "HEAD" else ""

    def head(self) -> Revision:
        """Newest revision of the branch. Raises SourceError (no commit yet, no such branch). Costs microseconds when known."""
        tip = self._tip()
        if not tip:
            raise SourceError(f"{self.name} has no branch {self.branch}, or no commit on it yet")
        return self._named(tip)

    def read(self, revision: str) -> TreeFiles:
        """Files of a revision below the folder. Raises SourceError: unknown revision, missing folder, refused content."""
        commit = self.revision(revision).id
        return self._files(commit, f"revision {commit[:10]}")

    def _files(self, treeish: str, where: str) -> TreeFiles:
        tree = find_tree(self._git, treeish, self.path)
        with self._lock:
            if tree not in self._trees:
                where = f"{self.path or 'the repository'} in {where}"
                known = ChainMap(*(files.contents for files in self._trees.values()))
                self._trees[tree] = TreeFiles(self._git, list_tree(self._git, tree, where), known)
            files = self._trees[tree] = self._trees.pop(tree)
            while len(self._trees) > _TREES:
                del self._trees[next(iter(self._trees))]
        return files

    def revision(self, name: str) -> Revision:
        """A commit by id or prefix, tag, branch or HEAD (the followed branch), and `~1` or `^` of it. Raises SourceError."""
        name = check_revision(name)
        if name[:5] in ("HEAD", "HEAD~", "HEAD^"):
            name = self.head().id + name[4:]
        return self._named(name)

    def descends(self, revision: str, ancestor: str) -> bool:
        """True when ancestor is in the history of revision; False too when a shallow history does not reach it."""
        later, earlier = self.revision(revision).id, check_revision(ancestor)
        if later == earlier:
            return True
        try:
            earlier = self.revision(earlier).id
        except SourceError:
            return False  # git does not have it (any more): nothing descends from it
        return self._git.run("merge-base", "--is-ancestor", earlier, later).code == 0

    def doubt(self, revision: str) -> str:
        """Why a revision may not be followed: nobody who is allowed to has signed it. "" when it may."""
        if self._signers is None:
            return ""
        try:
            place = self.revision(revision).id, self._signers.mark()
            if place not in self._judged:
                self._judged = {place: self._signers.doubt(self._git, place[0])}
        except SourceError as error:
            return str(error)
        return self._judged[place]

    def fetch(self) -> None:
        """Bring the copy of a remote repository up to date; nothing to do for a local one. Raises SourceError."""
        if self._mirror:
            self._mirror.fetch()

    def log(self, limit: int = 50) -> Sequence[Revision]:
        """The newest revisions that touched the folder, newest first. Raises SourceError."""
        paths = ["--", self.path] if self.path else []
        raw = self._git("log", "-z", _FORMAT, "--encoding=UTF-8", f"--max-count={max(limit, 0)}", self.head().id, *paths)
        fields = raw.decode("utf-8", "replace").split("\0")
        rows = zip(*(fields[start::_FIELDS] for start in range(_FIELDS)), strict=False)
        return [Revision(commit, author, message.strip(), float(at)) for commit, author, at, message in rows]

    def revert(self, revision: str, message: str, author: str) -> Revision:
        """Commit, on top of the branch, the folder as it was at a revision; gives the tip when it is so already.

        Raises SourceError when it cannot be written: see `commit`."""
        wanted = {path: (entry.mode, entry.blob) for path, entry in self.read(revision).entries.items()}
        with self._lock:
            branch = self._ahead()
            now = branch.entries()
            written: Written = dict.fromkeys(now.keys() - wanted.keys())
            return self._write(
                branch, written | {path: entry for path, entry in wanted.items() if now.get(path) != entry}, message, author
            )

    def commit(self, edits: Mapping[str, bytes | None], message: str, author: str) -> Revision:
        """Commit contents by path below the folder (None removes) on top of the branch; gives the tip when nothing changes.

        A work tree that has the branch checked out follows. Raises SourceError, and changes nothing: the folder has changes
        there that are not committed, the branch moved, HEAD is detached, the remote does not take the commit, a bad name."""
        with self._lock:
            branch = self._ahead()
            return self._write(branch, branch.stored(edits), message, author)

    def worktree(self) -> FolderFiles:
        """The files of the folder as they lie in the work tree, committed or not, without ignored ones. Raises SourceError."""
        top = self._repository.work_tree
        if top is None:
            raise SourceError(f"{self.name} has no work tree to look at")
        if not (top / self.path).is_dir() or (top / self.path).is_symlink():
            raise SourceError(f"there is no folder {self.path} in {top}")
        paths = ["--", self.path] if self.path else []
        raw = self._git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--full-name", *paths, work_tree=top)
        start = len(self.path) + 1 if self.path else 0
        return read_folder(top / self.path, _relative(raw, start), f"{self.path or 'the work tree'} in {top}")

    def watch_paths(self) -> tuple[Path, ...]:
        """Folders to watch, not recursively, for commits to a local repository. Ask again after each move: they may change."""
        return () if self._mirror else self._repository.watch_paths(self._followed())

    def _followed(self) -> str:
        with self._lock:
            if not self._reference:
                if self._mirror and not self._mirror.filled:
                    self._mirror.fetch()
                found = self._repository.symbolic_head()
                if found is None:
                    found = self._git.run("symbolic-ref", "-q", "HEAD").out.decode("utf-8", "replace").strip()
                self._reference = found or "HEAD"
            return self._reference

    def _tip(self) -> str:
        return self._at(self._followed())

    def _at(self, reference: str) -> str:
        """The commit that a reference holds, "" = none."""
        if self._mirror and not self._mirror.filled:
            self._mirror.fetch()
        return self._repository.resolve(reference) or self._asked(reference)

    def _asked(self, reference: str) -> str:
        raw = self._git("cat-file", "--batch-check", stdin=f"{reference}^{{commit}}\n".encode()).decode().split()
        return raw[0] if len(raw) == 3 and raw[1] == "commit" else ""

    def _named(self, name: str) -> Revision:
        if known := self._revisions.get(name):
            return known
        revision = (self._repository.loose_commit(name) if is_object_id(name) else None) or self._commit(name)
        with self._lock:
            self._revisions[revision.id] = revision
            while len(self._revisions) > _REMEMBERED:
                del self._revisions[next(iter(self._revisions))]
        return revision

    def _commit(self, name: str) -> Revision:
        raw = self._git("cat-file", "--batch", stdin=f"{name}^{{commit}}\n".encode())
        head, _, content = raw.partition(b"\n")
        parts = head.decode("utf-8", "replace").split()
        if len(parts) == 3 and parts[1] == "commit":
            return parse_commit(parts[0], content[: int(parts[2])])
        why = "more than one commit begins so" if parts and parts[-1] == "ambiguous" else "there is no such commit, tag or branch"
        raise SourceError(f"{name!r} is not a revision of {self.name}: {why}")

    def _ahead(self) -> Branch:
        if self._signers is not None:
            raise SourceError(
                "commits must be signed here and the controller has no key: make this one yourself, with `git commit -S`"
            )
        return Branch(self._git, self._written_to(), self._tip(), self.path)

    def _written_to(self) -> str:
        """The reference that commits go to. Raises SourceError."""
        reference = self._followed()
        if reference == "HEAD":
            raise SourceError(f"HEAD of {self.name} is detached: name the branch to commit to")
        return reference

    def _write(self, branch: Branch, written: Written, message: str, author: str) -> Revision:
        commit = branch.commit(written, message, author)
        if not commit:
            raise SourceError("there is nothing to commit")
        if commit != branch.tip:
            if self._mirror:
                self._mirror.push(commit, branch.reference, branch.tip)
            else:
                branch.move(commit, written)
        return self._named(commit)


def _local(repository: str) -> Repository:
    folder = Path(repository).absolute()
    found = open_repository(folder)
    if found is None and not folder.is_dir():
        raise SourceError(f"there is no folder {folder}")
    if found is None:
        around = find_repository(folder)
        hint = f"it is inside of {around}: name that, and this as the path in it" if around else "run `git init` there"
        raise SourceError(f"{folder} is not a git repository; {hint}")
    return found


def _relative(listed: bytes, start: int) -> set[str]:
    return {path.decode("utf-8", "surrogateescape")[start:].rstrip("/") for path in listed.split(b"\0") if path}
