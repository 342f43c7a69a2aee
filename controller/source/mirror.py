"""A bare copy of a remote repository in the cache folder: filled by fetch, never checked out."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from controller.clients import durable
from controller.core.errors import SourceError
from controller.core.proposal import NotTaken
from controller.source.address import Address
from controller.source.command import MEBIBYTE, Git, Limits, TooMuch
from controller.source.names import check_branch
from controller.source.refs import Repository

MOST_REFERENCES = 10_000
LARGEST_FETCH, LARGEST_COPY = 512 * MEBIBYTE, 1024 * MEBIBYTE
_MEMORY = 320 * MEBIBYTE
"""Of address space, so that controller and fetch fit into the half gigabyte that a service unit gives them."""
_SECONDS = 300.0
_SHA256 = 64
_DEFAULT = re.compile(r"ref: refs/heads/(\S+)\t")
_WHICH = ("HEAD", "refs/heads/*", "refs/tags/*")
_LISTING = 4 * MEBIBYTE
_PACKS = 50
_PINS_SINCE = (2, 37)
_PROXIES = ("https_proxy", "HTTPS_PROXY")
# One file for all that a fetch brings, so that a limit on files limits it; large objects pass through instead of into memory; and
# git tidies up only when we say so, for it would unpack what nothing names any more.
_CAREFUL = {
    "fetch.unpackLimit": "1",
    "core.bigFileThreshold": "16m",
    "core.deltaBaseCacheLimit": "32m",
    "core.packedGitWindowSize": "16m",
    "core.packedGitLimit": "64m",
    "pack.threads": "1",
    "gc.auto": "0",
    "maintenance.auto": "false",
}


class Mirror:
    """The copy of one remote repository. Commits that the remote threw away are kept: one of them may be what runs. What a fetch
    may take of disk, memory, time and names is limited; a fetch that wants more is refused and leaves nothing behind."""

    def __init__(self, address: Address, cache: Path, passed: Mapping[str, str]) -> None:
        self.address = address
        folder = cache / (hashlib.sha256(address.url.encode()).hexdigest()[:24] + ".git")
        self.repository = Repository(folder, folder, None)
        self._git = Git(folder, passed)
        self._lock = threading.Lock()
        self._told = ""
        self._known: tuple[int, ...] = ()

    @property
    def filled(self) -> bool:
        """True once a fetch succeeded."""
        return (self.repository.git_dir / "fetched").is_file()

    def fetch(self) -> None:
        """Bring every branch and tag up to date. Raises SourceError."""
        with self._alone():
            if not self.filled:
                self._begin()
            self._check_room()
            with self._remote() as options:
                told = self._listing(options)
                if told == self._told and self.filled:
                    return
                if not self.filled:
                    self._follow(told)
                self._bring(told, options)
            (self.repository.git_dir / "fetched").touch()
            self._told = told
            self._tidy()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other thread or process works on the copy meanwhile."""
        folder = self.repository.git_dir.parent
        with self._lock:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with durable.locked(self.repository.git_dir.with_suffix(".lock")):
                yield

    def _begin(self, kind: str = "sha1") -> None:
        shutil.rmtree(self.repository.git_dir, ignore_errors=True)
        self.repository.git_dir.mkdir(mode=0o700)
        self._git("init", "--quiet", "--bare", f"--object-format={kind}")

    def _listing(self, options: Mapping[str, Any]) -> str:
        try:
            found = self._git("ls-remote", "--symref", "--end-of-options", self.address.url, *_WHICH, most=_LISTING, **options)
        except TooMuch as error:
            raise self._too_many() from error
        return found.decode("utf-8", "replace")

    def _too_many(self) -> SourceError:
        return SourceError(f"{self.address.url} is refused: it has more than {MOST_REFERENCES:,} branches and tags")

    def _follow(self, told: str) -> None:
        """Take the remote's kind of object ids, and its default branch."""
        if any(len(line.partition("\t")[0]) == _SHA256 for line in told.splitlines()):
            self._begin("sha256")
        found = _DEFAULT.match(told)
        self._git("symbolic-ref", "HEAD", f"refs/heads/{check_branch(found[1] if found else 'main')}")

    def _bring(self, told: str, options: Mapping[str, Any]) -> None:
        there = _references(told)
        if len(there) > MOST_REFERENCES:
            raise self._too_many()
        here = self._git("for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags").decode("utf-8", "replace").split()
        if gone := "".join(f"delete {name}\n" for name in here if name not in there):
            self._git("update-ref", "--stdin", stdin=gone.encode())
        if not there:
            return
        # Each by its name: what the remote invents after the listing does not come in.
        wanted = "".join(f"+{name}:{name}\n" for name in there)
        words = ("--quiet", "--no-tags", "--no-write-fetch-head", "--stdin", "--end-of-options", self.address.url)
        try:
            self._git("fetch", *words, stdin=wanted.encode(), **options)
        except SourceError as error:
            self._sweep()
            most = f"at most {LARGEST_FETCH // MEBIBYTE} MiB within {_SECONDS:.0f} s are taken"
            raise SourceError(f"{error} ({most})") from error

    def _check_room(self) -> None:
        size = sum(file.lstat().st_size for file in (self.repository.git_dir / "objects").rglob("*"))
        if size > LARGEST_COPY:
            raise SourceError(
                f"the copy of {self.address.url} has grown to {size // MEBIBYTE} MiB, more than specs need: move "
                f"{self.repository.git_dir} away to begin anew, and look at what fills the repository"
            )

    def _sweep(self) -> None:
        """Remove what a fetch that was stopped has left. (Loose objects may be in the making by a commit of ours.)"""
        for left in (self.repository.git_dir / "objects" / "pack").iterdir():
            if left.name.startswith(("tmp_", ".tmp-")):
                left.unlink(missing_ok=True)

    def _tidy(self) -> None:
        """One file instead of many; what nothing names stays."""
        if len(list((self.repository.git_dir / "objects" / "pack").glob("*.pack"))) > _PACKS:
            limits = Limits(2 * LARGEST_COPY, _MEMORY)
            with contextlib.suppress(SourceError):  # many files are slower, and nothing else
                self._git("repack", "-a", "-d", "-k", "-q", settings=_CAREFUL, limits=limits, seconds=_SECONDS)
            self._sweep()

    def push(self, commit: str, reference: str, tip: str) -> None:
        """Offer a commit on top of `tip` to the remote branch. Raises NotTaken when it moved on or may not be written."""
        with self._remote() as options:
            done = self._git.run("push", "--quiet", "--end-of-options", self.address.url, f"{commit}:{reference}", **options)
        if done.code:
            raise NotTaken(f"{self.address.url} did not take the commit: {done.complaint}")
        # When a fetch was faster, the reference is already there or further.
        self._git.run("update-ref", reference, commit, tip or "0" * len(commit))

    def remove(self, reference: str, tip: str) -> None:
        """Take a branch away from the remote, unless somebody went on with it after `tip`. Raises NotTaken."""
        only = f"--force-with-lease={reference}:{tip}"
        with self._remote() as options:
            done = self._git.run("push", "--quiet", only, "--end-of-options", self.address.url, f":{reference}", **options)
        if done.code:
            raise NotTaken(f"{self.address.url} keeps {reference.removeprefix('refs/heads/')}: {done.complaint}")
        self._git.run("update-ref", "-d", reference, tip)

    @contextlib.contextmanager
    def _remote(self) -> Iterator[dict[str, Any]]:
        """What a command that talks to the remote is run with: only where the host's name leads now, if that is allowed. The
        credential goes by a file in memory: never an argument."""
        environment = {"GIT_ALLOW_PROTOCOL": self.address.scheme}
        options = {
            "environment": environment,
            "settings": {**_CAREFUL, **self._pinned()},
            "limits": Limits(LARGEST_FETCH, _MEMORY),
            "seconds": _SECONDS,
        }
        if not self.address.header:
            yield options
            return
        descriptor = os.memfd_create("git-config")
        try:
            os.write(descriptor, f'[http "{self.address.url}"]\n\textraHeader = "{self.address.header}"\n'.encode())
            environment["GIT_CONFIG_GLOBAL"] = f"/proc/self/fd/{descriptor}"
            yield {**options, "files": (descriptor,)}
        finally:
            os.close(descriptor)

    def _pinned(self) -> dict[str, str]:
        """The name of the host is looked up once: another answer a moment later must not lead git to this machine."""
        addresses = self.address.resolved()
        if self.address.scheme == "ssh" or self.address.trusted:
            return {}
        if not addresses and not any(self._git.passed.get(name) for name in _PROXIES):
            raise SourceError(f"the host {self.address.host} cannot be found")
        if self._version() < _PINS_SINCE:
            wanted = ".".join(map(str, _PINS_SINCE))
            raise SourceError(
                f"git {wanted} or newer is needed to follow {self.address.url}: an older one cannot be kept to an address"
            )
        return {"http.curloptResolve": self.address.pin(addresses)} if addresses else {}

    def _version(self) -> tuple[int, ...]:
        if not self._known:
            found = re.search(rb"(\d+)\.(\d+)", self._git("version"))
            self._known = tuple(map(int, found.groups())) if found else (0,)
        return self._known


def _references(told: str) -> dict[str, str]:
    """Branches and tags of a listing by full name; names that nobody could ask for are left out."""
    found: dict[str, str] = {}
    for line in told.splitlines():
        name, _, reference = line.partition("\t")
        with contextlib.suppress(SourceError):
            for kind in ("refs/heads/", "refs/tags/"):
                if reference.startswith(kind) and check_branch(reference.removeprefix(kind)):
                    found[reference] = name
    return found
