"""The real `homelab` command on a spec repository of its own, in the simulated world."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from tests.faces.zygote import zygote
from tests.support.space import wait_until

BINARY = Path(sys.executable).parent / "homelab"
SERVICE = "kind: Service\nname: {name}\nspec: {{image: '{image}', container_name: {name}}}\n"


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    @property
    def text(self) -> str:
        """Standard output without what differs from run to run."""
        return steady(self.out)


@dataclass
class Home:
    """A spec repository and its state folder below one folder. `environment` goes to every command."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def repo(self) -> Path:
        """The spec repository."""
        return self.folder / "home"

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.folder / "state"

    def settings(self, **more: str) -> dict[str, str]:
        """The environment of a command: nothing of this process but the path."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "HOMELAB_STATE": str(self.state),
            "HOMELAB_WORLD": "memory",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "GIT_CONFIG_NOSYSTEM": "1",
            **self.environment,
            **more,
        }

    def __call__(self, *arguments: str, stdin: str = "", folder: Path | None = None, **more: str) -> Said:
        """Run one command to its end, in the repository, in a process of its own that was loaded before."""
        with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
            given.write(stdin.encode("utf-8", "surrogateescape"))
            given.seek(0)
            code = zygote().run(arguments, folder or self.repo, self.settings(**more), (given, out, err))
            texts = []
            for stream in (out, err):
                stream.seek(0)
                texts.append(stream.read().decode())
        return Said(code, *texts)

    def binary(self, *arguments: str, stdin: str = "", folder: Path | None = None, **more: str) -> Said:
        """The same with the real binary."""
        done = subprocess.run(
            [BINARY, *arguments],
            cwd=folder or self.repo,
            env=self.settings(**more),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def write(self, path: str, text: str) -> None:
        """Write a file of the repository."""
        file = self.repo / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, message: str = "change", files: Mapping[str, str] | None = None, author: str = "me <me@example.net>") -> str:
        """Write files and commit everything; the revision."""
        for path, text in (files or {}).items():
            self.write(path, text)
        self.git("add", "--all")
        self.git("-c", "user.name=me", "-c", "user.email=me@example.net", "commit", "-q", "-m", message, f"--author={author}")
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str) -> str:
        """Run git in the repository."""
        done = subprocess.run(["git", *arguments], cwd=self.repo, env=self.settings(), capture_output=True, text=True, check=True)
        return done.stdout

    def service(self, image: str, name: str = "web") -> str:
        """Commit a service; the revision."""
        return self.commit(f"{name} {image}", {f"services/{name}.yaml": SERVICE.format(name=name, image=image)})

    @contextmanager
    def controller(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """`homelab run` until the block ends, once it answers."""
        socket = self.state / "controller.sock"
        with (self.folder / "controller.log").open("w") as log:
            process = subprocess.Popen(
                [BINARY, "run", "--listen", "127.0.0.1:0", *arguments],
                cwd=self.repo,
                env=self.settings(),
                stdout=log,
                stderr=log,
                text=True,
            )
            try:
                wait_until(lambda: socket.exists() and self("status").code == 0, "the controller", 240)
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(240)

    def controller_said(self) -> str:
        """Everything that the controller of the last block wrote."""
        return (self.folder / "controller.log").read_text()


def empty(folder: Path) -> Home:
    """A home with an empty repository but for homelab.yaml."""
    home = Home(folder)
    home.repo.mkdir(parents=True)
    home.git("init", "-q", "--initial-branch=main")
    home.commit("start", {"homelab.yaml": "kind: Homelab\nname: home\nspec: {}\n"})
    return home


_CHANGING = (
    (re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}"), "<run>"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "<time>"),
    (re.compile(r"sha256:[0-9a-f]{64}"), "<image>"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "<revision>"),
    (re.compile(r"rollout [0-9a-f]{12}"), "rollout <digest>"),
    (re.compile(r"homelab approve [0-9a-f]{12}"), "homelab approve <digest>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{10}\b"), "<revision>"),
    (re.compile(r"seen [\d.]+ s ago"), "seen <age> ago"),
    (re.compile(r"led by \S+ \(\w+\)"), "led by <holder>"),
    (re.compile(r"\b\d+\.\d s\b"), "<span>"),
)


def steady(text: str) -> str:
    """A text without run names, times, digests and revisions."""
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return text
