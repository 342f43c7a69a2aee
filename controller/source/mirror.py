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

from controller.core.errors import SourceError
from controller.source.address import Address
from controller.source.command import Git
from controller.source.names import check_branch
from controller.source.refs import Repository

_SECONDS = 300.0
_SHA256 = 64
_DEFAULT = re.compile(r"ref: refs/heads/(\S+)\t")
_REFERENCES = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


class Mirror:
    """The copy of one remote repository. Commits that the remote threw away are kept: one of them may be what runs."""

    def __init__(self, address: Address, cache: Path, passed: Mapping[str, str]) -> None:
        self.address = address
        folder = cache / (hashlib.sha256(address.url.encode()).hexdigest()[:24] + ".git")
        self.repository = Repository(folder, folder, None)
        self._git = Git(folder, passed)
        self._lock = threading.Lock()

    @property
    def filled(self) -> bool:
        """True once a fetch succeeded."""
        return (self.repository.git_dir / "fetched").is_file()

    def fetch(self) -> None:
        """Bring every branch and tag up to date. Raises SourceError."""
        self.address.check_resolved()
        with self._lock:
            if not self.filled:
                self._create()
            with self._remote() as options:
                self._git(
                    "fetch",
                    "--quiet",
                    "--prune",
                    "--no-write-fetch-head",
                    "--end-of-options",
                    self.address.url,
                    *_REFERENCES,
                    **options,
                )
            (self.repository.git_dir / "fetched").touch()

    def _create(self) -> None:
        folder = self.repository.git_dir
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._git("init", "--quiet", "--bare", "--object-format=sha1")
        with self._remote() as options:
            told = self._git("ls-remote", "--symref", "--end-of-options", self.address.url, "HEAD", **options).decode(
                "utf-8", "replace"
            )
        if any(len(line.partition("\t")[0]) == _SHA256 for line in told.splitlines()):
            shutil.rmtree(folder)
            folder.mkdir(mode=0o700)
            self._git("init", "--quiet", "--bare", "--object-format=sha256")
        found = _DEFAULT.match(told)
        self._git("symbolic-ref", "HEAD", f"refs/heads/{check_branch(found[1] if found else 'main')}")

    def push(self, commit: str, reference: str, tip: str) -> None:
        """Offer a commit on top of `tip` to the remote branch. Raises SourceError when it moved on or may not be written."""
        self.address.check_resolved()
        with self._remote() as options:
            done = self._git.run("push", "--quiet", "--end-of-options", self.address.url, f"{commit}:{reference}", **options)
        if done.code:
            raise SourceError(
                f"{self.address.url} did not take the commit: {done.complaint}; it has to become a proposal instead"
            )
        # When a fetch was faster, the reference is already there or further.
        self._git.run("update-ref", reference, commit, tip or "0" * len(commit))

    @contextlib.contextmanager
    def _remote(self) -> Iterator[dict[str, Any]]:
        """What a command that talks to the remote is run with. The credential goes by a file in memory: never an argument."""
        environment = {"GIT_ALLOW_PROTOCOL": self.address.scheme}
        if not self.address.header:
            yield {"environment": environment, "seconds": _SECONDS}
            return
        descriptor = os.memfd_create("git-config")
        try:
            os.write(descriptor, f'[http "{self.address.url}"]\n\textraHeader = "{self.address.header}"\n'.encode())
            environment["GIT_CONFIG_GLOBAL"] = f"/proc/self/fd/{descriptor}"
            yield {"environment": environment, "seconds": _SECONDS, "files": (descriptor,)}
        finally:
            os.close(descriptor)
