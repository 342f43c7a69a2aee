"""The door to other programs: started without a shell, with nothing on standard input, in an environment of our own."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from controller.core.child import AUTHORS, SETTINGS, child_environment
from controller.core.errors import HomelabError

Child = subprocess.Popen[bytes]
_GIT_SECONDS = 60
# Hooks and monitors are programs that a folder or a user's settings choose; a new repository needs none of them.
_GIT = ("git", "--no-pager", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")


def start(command: Sequence[str], log: IO[bytes], environment: Mapping[str, str]) -> Child:
    """A program that goes on, in what `child_environment` leaves of an environment; what it says goes to `log`. Raises OSError.
    Who starts it ends it."""
    return subprocess.Popen(
        list(command), env=child_environment(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=True
    )


class OwnGit:
    """A person's own git in their own repository, with their name and their settings, but for hooks."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = child_environment(environment, *AUTHORS, *SETTINGS)

    def __call__(self, folder: Path, *arguments: str) -> str:
        """What a command prints. Raises HomelabError."""
        try:
            done = subprocess.run(
                [*_GIT, *arguments],
                cwd=folder,
                env=self._environment,
                capture_output=True,
                text=True,
                timeout=_GIT_SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except FileNotFoundError as error:
            raise HomelabError("git is not installed; install it with your package manager") from error
        except subprocess.TimeoutExpired as error:
            raise HomelabError(f"git {arguments[0]} took too long") from error
        if done.returncode:
            raise HomelabError(f"git {' '.join(arguments[:2])} failed: {(done.stderr or done.stdout).strip()}")
        return done.stdout
