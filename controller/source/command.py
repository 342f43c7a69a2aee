"""The one way git is run: without a shell, in an environment of our own, with limits on time and output."""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from controller.core.child import child_environment
from controller.core.errors import SourceError

MEBIBYTE = 1 << 20
_SSH = "ssh -oBatchMode=yes -oConnectTimeout=15 -oStrictHostKeyChecking=yes"
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_SSH_COMMAND": _SSH,
    "GIT_SSH_VARIANT": "ssh",
}
# Every setting that could make git run a program of the repository's choosing, or write through a link.
_CONFIG = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.symlinks": "false",
    "core.askPass": "",
    "core.attributesFile": os.devnull,
    "core.alternateRefsCommand": "",
    "credential.helper": "",
    "log.showSignature": "false",
    "protocol.version": "2",
    "transfer.fsckObjects": "true",
    "http.followRedirects": "false",
    "gc.autoDetach": "false",
    "gc.pruneExpire": "never",
}
_UNLOADED = {"LD_PRELOAD": "", "LD_AUDIT": "", "LD_LIBRARY_PATH": ""}
_BLOCK = 1 << 16
_SAID = 256


class TooMuch(SourceError):
    """git had more to say than was asked for."""


@dataclass(frozen=True, slots=True)
class Done:
    """A command that ended: exit code, output, and the first line of what it complained."""

    code: int
    out: bytes
    complaint: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What one command and everything it starts may take, in bytes: the size of any one file that it writes, and memory."""

    file: int
    memory: int


@dataclass(frozen=True)
class Git:
    """git on one repository. Of `passed` (an environment) it gets what every child gets (`core/child.py`)."""

    git_dir: Path
    passed: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __call__(self, *arguments: str, **options: Any) -> bytes:
        """The output of a command that must succeed. Raises SourceError; options as for `run`."""
        done = self.run(*arguments, **options)
        if done.code:
            raise SourceError(f"git {arguments[0]} failed: {done.complaint or f'exit code {done.code}'}")
        return done.out

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        work_tree: Path | None = None,
        environment: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        files: tuple[int, ...] = (),
        limits: Limits | None = None,
        most: int = 16 * MEBIBYTE,
        seconds: float = 30,
    ) -> Done:
        """Run one command; `settings` are git's, `files` are descriptors it inherits. Raises SourceError when git is missing or
        passes a limit."""
        command = self._command(arguments, work_tree, environment or {}, settings or {})
        with _feed(stdin) as feed:
            process = _start(command, work_tree or self.git_dir, feed, files, self._owner())
            if limits is not None:
                _limit(process, limits)
            late = threading.Event()
            timer = threading.Timer(seconds, _kill, (process, late))
            timer.start()
            try:
                out, err = _drain(process, most)
            finally:
                timer.cancel()
                _end(process)
        if late.is_set():
            raise SourceError(f"git {arguments[0]} took longer than {seconds:g} seconds")
        if len(out) > most:
            raise TooMuch(f"git {arguments[0]} gave more than {most // MEBIBYTE} MiB")
        return Done(process.returncode, out, _first_line(err))

    def _command(
        self, arguments: tuple[str, ...], work_tree: Path | None, extra: Mapping[str, str], settings: Mapping[str, str]
    ) -> list[str]:
        known = {**child_environment(self.passed), **_ENVIRONMENT, **extra}
        # `env -i` because GitPython adds to the environment of this process and cannot take anything away.
        command = ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in known.items())]
        command += ["git", "--no-pager", "--literal-pathspecs", f"--git-dir={self.git_dir}"]
        if work_tree is not None:
            command.append(f"--work-tree={work_tree}")
        for name, value in {**_CONFIG, **settings}.items():
            command += ["-c", f"{name}={value}"]
        return command + list(arguments)

    def _owner(self) -> tuple[int, int] | None:
        """Whom to be: root becomes the owner of the repository, so that its files stay the owner's and its settings harmless."""
        if os.geteuid() != 0:
            return None
        with contextlib.suppress(OSError):
            found = self.git_dir.stat()
            return (found.st_uid, found.st_gid) if found.st_uid else None
        return None

    def lend(self, path: str) -> None:
        """Give a file or folder that this process made to whoever git runs as."""
        if owner := self._owner():
            os.chown(path, *owner)


def _start(
    command: list[str], folder: Path, feed: BinaryIO | None, files: tuple[int, ...], owner: tuple[int, int] | None
) -> subprocess.Popen[bytes]:
    try:
        import git.cmd  # a tenth of a second, and it looks for the program
    except ImportError as error:
        raise SourceError("git is not installed, or not on the PATH") from error
    more: dict[str, Any] = {"user": owner[0], "group": owner[1], "extra_groups": ()} if owner else {}
    running = git.cmd.Git(folder).execute(
        command, istream=feed, as_process=True, env=_UNLOADED, start_new_session=True, pass_fds=files, **more
    )
    process: subprocess.Popen[bytes] | None = running.proc
    running.proc = None  # this module ends it, and what it started
    if process is None:
        raise SourceError("git did not start")
    return process


def _limit(process: subprocess.Popen[bytes], limits: Limits) -> None:
    """What git starts later inherits them; all it does before takes far longer than this call."""
    with contextlib.suppress(ProcessLookupError):
        limited = {resource.RLIMIT_FSIZE: limits.file, resource.RLIMIT_AS: limits.memory, resource.RLIMIT_CORE: 0}
        for kind, wanted in limited.items():
            _, known = resource.prlimit(process.pid, kind)
            most = wanted if known == resource.RLIM_INFINITY else min(wanted, known)
            resource.prlimit(process.pid, kind, (most, most))


def _drain(process: subprocess.Popen[bytes], most: int) -> tuple[bytes, bytes]:
    out, err = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for stream, sink in ((process.stdout, out), (process.stderr, err)):
            selector.register(cast("BinaryIO", stream), selectors.EVENT_READ, sink)
        while selector.get_map() and len(out) <= most:
            for key, _ in selector.select():
                block = os.read(key.fd, _BLOCK)
                if not block:
                    selector.unregister(key.fileobj)
                elif key.data is out or len(err) < MEBIBYTE:
                    key.data.extend(block)
    if len(out) <= most:
        process.wait()
    return bytes(out), bytes(err)


def _kill(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


@contextlib.contextmanager
def _feed(content: bytes) -> Iterator[BinaryIO | None]:
    if not content:
        yield None
        return
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield cast("BinaryIO", file)


def _first_line(complaint: bytes) -> str:
    lines = [line for line in complaint.decode("utf-8", "replace").splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    text = telling[0].removeprefix("fatal: ").removeprefix("error: ") if telling else ""
    return "".join(character if character.isprintable() else " " for character in text)[:_SAID]
