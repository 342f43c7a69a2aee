"""Real git repositories for the tests of sources: made with git itself, hostile ones object by object."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.net",
    "GIT_AUTHOR_DATE": "1700000000 +0100",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.net",
    "GIT_COMMITTER_DATE": "1700000100 +0100",
}


class Repository:
    """A repository with a work tree."""

    def __init__(self, folder: Path, *options: str, make: bool = True) -> None:
        self.folder = folder
        if make:
            folder.mkdir(parents=True, exist_ok=True)
            self.git("init", "--quiet", "--initial-branch=main", *options)

    def git(self, *arguments: str, stdin: bytes = b"", author: str = "Ada") -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=_ENVIRONMENT | {"GIT_AUTHOR_NAME": author},
            input=stdin,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, (arguments, done.stderr.decode())
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def commit(self, files: Mapping[str, str | bytes | None], message: str = "Change specs", author: str = "Ada") -> str:
        """Write, add and commit files as a person would; gives the commit's id."""
        for path, content in files.items():
            file = self.folder / path
            if content is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message, author=author)
        return self.git("rev-parse", "HEAD")

    def blob(self, content: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", stdin=content)

    def tree(self, *entries: tuple[str, str | bytes, str]) -> str:
        """A tree of (mode, name, object id), however wrong; entries are not sorted."""
        raw = b"".join(
            f"{mode} ".encode() + (name.encode() if isinstance(name, str) else name) + b"\0" + bytes.fromhex(item)
            for mode, name, item in entries
        )
        return self.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)

    def commit_tree(self, tree: str, message: str = "Forge", reference: str = "refs/heads/main") -> str:
        """A commit of any tree on a branch, past every check of git's."""
        commit = self.git("commit-tree", tree, "-m", message)
        self.git("update-ref", reference, commit)
        return commit

    def status(self) -> str:
        return self.git("status", "--porcelain")

    def read(self, path: str) -> str:
        return (self.folder / path).read_text("utf-8")
