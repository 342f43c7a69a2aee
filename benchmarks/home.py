"""A home: a spec repository with a state folder, and the real controller on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from controller.settings import Settings, read_settings
from controller.wire import House, open_house
from tests.support.space import wait_until

HOMELAB = Path(sys.executable).with_name("homelab")
_AUTHOR = {"GIT_AUTHOR_NAME": "Bench", "GIT_AUTHOR_EMAIL": "bench@home", "GIT_COMMITTER_NAME": "Bench"}


class Home:
    """Specs and state in a folder of their own for one engine. Close it to remove them; what runs on the engine stays."""

    def __init__(self, url: str, files: Mapping[str, str] | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="home-"))
        self.specs, self.state = self.folder / "specs", self.folder / "state"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("HOMELAB_", "DOCKER_"))},
            **_AUTHOR,
            "GIT_COMMITTER_EMAIL": "bench@home",
            "DOCKER_HOST": url,
            "HOMELAB_REPO": str(self.specs),
            "HOMELAB_STATE": str(self.state),
            "HOMELAB_LISTEN": "127.0.0.1:0",
        }
        self.specs.mkdir()
        self._git("init", "-q", "-b", "main")
        self.commit({"homelab.yaml": "kind: Homelab\nname: home\nspec: {}\n", **(files or {})})

    @property
    def settings(self) -> Settings:
        """The settings of a process of this home."""
        return read_settings({}, self.environment, self.specs)

    def commit(self, files: Mapping[str, str | None]) -> float:
        """Commit files (None removes one); the monotonic time at which the branch moved."""
        for name, text in files.items():
            path = self.specs / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        self._git("add", "-A")
        tree = self._git("write-tree")
        parent = ["-p", "HEAD"] if (self.specs / ".git/refs/heads/main").exists() else []
        revision = self._git("commit-tree", tree, "-m", "change", *parent)
        moved = time.monotonic()
        self._git("update-ref", "refs/heads/main", revision)
        return moved

    def homelab(self, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run the command line to its end; what it printed. Raises RuntimeError for another exit code."""
        done = subprocess.run(
            [str(HOMELAB), *words], env=self.environment, cwd=self.specs, capture_output=True, text=True, check=False
        )
        if done.returncode not in codes:
            raise RuntimeError(f"homelab {' '.join(words)} ended with {done.returncode}: {done.stderr[-1000:]}")
        return done.stdout

    def status(self) -> Any:
        """`homelab status -o json`."""
        return json.loads(self.homelab("status", "-o", "json"))

    def events(self) -> list[Any]:
        """`homelab events -o json`, oldest first."""
        return [json.loads(line) for line in self.homelab("events", "-o", "json", "--limit", "200").splitlines()]

    @contextmanager
    def controller(self) -> Iterator[subprocess.Popen[bytes]]:
        """The real `homelab run` of this home, answering, until the block ends."""
        with (self.folder / "controller.log").open("ab") as log:
            process = subprocess.Popen([str(HOMELAB), "run"], env=self.environment, cwd=self.specs, stdout=log, stderr=log)
        try:
            wait_until(lambda: self._answers(process), "homelab run")
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @contextmanager
    def house(self) -> Iterator[House]:
        """The same wiring as the controller's inside this process, holding the lease and following events."""
        with open_house(self.settings, write=True) as house:
            yield house

    def close(self) -> None:
        """Remove specs and state."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """What the controller printed."""
        return (self.folder / "controller.log").read_text(errors="replace")

    def _answers(self, process: subprocess.Popen[bytes]) -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"homelab run ended with {process.returncode}: {self.log()[-2000:]}")
        return self.settings.socket.exists()

    def _git(self, *words: str) -> str:
        command = ["git", "-c", "core.fsync=none", *words]
        done = subprocess.run(command, cwd=self.specs, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()
