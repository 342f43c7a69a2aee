"""`homelab logs` on real engines: what was said, what is said from now on, also by the container that takes the place, and never
a secret."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from tests.faces.command import BINARY, Home, empty
from tests.support.engines import Engine
from tests.support.space import wait_until

SECRET = "hunter2-hunter2-hunter2"
SERVICE = """\
kind: Service
name: talker
spec:
  image: lab/base:1
  user: "0:0"
  stop_grace_period: 0s
  environment: {{TOKEN: {{ref: talker/token}}, VERSION: "{version}"}}
  command: [sh, -c, "{script}"]
"""
SCRIPT = (
    (
        "echo version $VERSION begins; "
        # A secret in two writes, with a line of the other output in between.
        "printf '%s' token=${TOKEN%hunter2}; sleep 0.3; echo to-stderr >&2; sleep 0.3; echo hunter2; "
        "echo whole $TOKEN; while true; do sleep 1; done"
    )
    .replace("$", "$$")
    .replace('"', '\\"')
)


@pytest.fixture(params=["engine_old", "engine_new"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    """A home with a service that talks, applied."""
    engine: Engine = request.getfixturevalue(request.param)
    made = empty(tmp_path)
    made.environment |= {"HOMELAB_WORLD": "docker", "DOCKER_HOST": engine.url}
    assert made("secret", "set", "talker/token", stdin=SECRET).code == 0
    made.commit("talker", {"talker.yaml": SERVICE.format(version=1, script=SCRIPT)})
    done = made("apply")
    assert done.code == 0, done.out + done.err
    return made


class Follower:
    """`homelab logs -f` in a process, and what it has printed so far."""

    def __init__(self, home: Home, *arguments: str) -> None:
        command = [str(BINARY), "logs", "service/talker", "-f", *arguments]
        self.process = subprocess.Popen(
            command, cwd=home.repo, env=home.settings(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines: list[str] = []
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def until(self, line: str) -> None:
        """Wait for a line."""
        wait_until(lambda: line in self.lines, f"{line!r} among {self.lines}")

    def interrupt(self) -> tuple[int, str]:
        """Ctrl-C; the exit code and what was said on the way out."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.stderr is not None
        said = self.process.stderr.read()  # not `communicate`: it would take the output apart under its reader
        return self.process.wait(), said

    def end(self) -> None:
        """End it, if it has not ended, and everything that belongs to it."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


@contextmanager
def follower(home: Home, *arguments: str) -> Iterator[Follower]:
    """A follower that does not outlive the block."""
    made = Follower(home, *arguments)
    try:
        yield made
    finally:
        made.end()


HEARD = ["to-stderr", "token=•••", "version 1 begins", "whole •••"]


def test_a_log_is_followed_without_a_controller(home: Home) -> None:
    with follower(home) as heard:
        heard.until("whole •••")
        assert sorted(heard.lines) == HEARD
        home.commit("second", {"talker.yaml": SERVICE.format(version=2, script=SCRIPT)})
        assert home("apply").code == 0
        heard.until("version 2 begins")
        wait_until(lambda: heard.lines.count("whole •••") == 2, "all that the second one says")
        assert sorted(heard.lines) == sorted([*HEARD, *(line.replace("version 1", "version 2") for line in HEARD)])
        code, said = heard.interrupt()
    assert (code, said.strip()) == (130, "interrupted")


def test_a_log_is_followed_through_the_controller(home: Home) -> None:
    with home.controller():
        wait_until(lambda: "Healthy" in home("status").out, "the first look")
        wait_until(lambda: home("logs", "service/talker").out.count("•••") == 2, "all that it says")
        assert sorted(home("logs", "service/talker").out.splitlines()) == HEARD
        assert home("logs", "service/talker", "-n", "1").out == "whole •••\n"
        assert sorted(home("logs", "service/talker", "--since", "1h").out.splitlines()) == HEARD
        with follower(home, "-n", "1") as heard:
            heard.until("whole •••")
            assert heard.lines == ["whole •••"]
            home.commit("second", {"talker.yaml": SERVICE.format(version=2, script=SCRIPT)})
            heard.until("version 2 begins")
            code, said = heard.interrupt()
        assert (code, said.strip()) == (130, "interrupted")
        gone = home("logs", "service/nobody")
        assert (gone.code, "neither declared nor ours" in gone.err) == (4, True)
    assert SECRET not in home.controller_said()
