"""The controller as a process: it starts, is alone in its state folder, ends when told to, and settles what a stop left open."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from controller.core.errors import LeaseHeld
from controller.core.run import Outcome, Step
from controller.core.state import Present
from controller.settings import Settings, read_settings
from controller.wire import open_house

ROOT = Path(__file__).resolve().parents[2]


def until(holds: Callable[[], object], what: str) -> None:
    """Wait until something holds; fails after a minute."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, f"did not happen: {what}"
        time.sleep(0.02)


class Place:
    """A spec repository and a state folder on the simulated world."""

    def __init__(self, folder: Path) -> None:
        self.specs, self.state = folder / "specs", folder / "state"
        self.specs.mkdir()
        self._git("init", "-q", "-b", "main")

    def commit(self, images: Mapping[str, str]) -> None:
        for name, image in images.items():
            (self.specs / f"{name}.yaml").write_text(f"kind: Service\nname: {name}\nspec: {{image: '{image}'}}\n")
        self._git("add", "-A")
        self._git("commit", "-q", "-m", "specs")

    def settings(self) -> Settings:
        return read_settings({"repo": str(self.specs), "state": str(self.state), "world": "memory"}, {})

    @contextmanager
    def controller(self) -> Iterator[subprocess.Popen[str]]:
        """A controller that answers at its socket; killed at the end if it still lives."""
        process = self.start()
        try:
            until(lambda: self.settings().socket.exists() or process.poll() is not None, "the controller stands")
            assert process.poll() is None, process.communicate()
            yield process
        finally:
            process.kill()
            process.communicate()

    def start(self) -> subprocess.Popen[str]:
        words = ["run", "--repo", str(self.specs), "--state", str(self.state), "--world", "memory", "--listen", "127.0.0.1:0"]
        return subprocess.Popen(
            [sys.executable, "-m", "controller", *words],
            cwd=ROOT,
            env={**os.environ, "NO_COLOR": "1"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def images(self) -> dict[str, str]:
        with open_house(self.settings(), write=False) as house:
            look = house.desk.look.survey().world.snapshots["service", "local"]
        return {key.name: item.state["image"] for key, item in look.items.items() if isinstance(item, Present)}

    def open_steps(self) -> list[Step]:
        with open_house(self.settings(), write=False) as house:
            return [entry.step for entry in house.store.open_entries()]

    def outcomes(self) -> list[Outcome]:
        with open_house(self.settings(), write=False) as house:
            return [run.outcome for run in house.store.runs()]

    def _git(self, *arguments: str) -> None:
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.net"]
        subprocess.run(["git", "-C", str(self.specs), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(tmp_path)
    found.commit({"web": "web:1"})
    return found


def test_a_controller_follows_commits_and_is_the_only_writer_of_its_state_folder(place: Place) -> None:
    with place.controller() as process:
        until(lambda: place.images() == {"web": "web:1"}, "the first commit is applied")
        place.commit({"web": "web:2"})
        until(lambda: place.images() == {"web": "web:2"}, "the next one too")
        with pytest.raises(LeaseHeld), open_house(place.settings(), write=True):
            pass
        second = place.start()
        out, err = second.communicate()
        assert second.returncode == 7, out + err
        assert "already runs with this state folder" in err
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
        assert process.returncode == 0, err
        assert "Traceback" not in err
        assert "world: memory (simulated)" in out, "it says plainly that nothing real is touched"
    assert not place.settings().socket.exists()
    with open_house(place.settings(), write=True) as house:
        assert house.seat.held, "the lease was given back"


def test_an_interrupt_ends_with_the_code_of_an_interrupt(place: Place) -> None:
    with place.controller() as process:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        assert process.returncode == 130, err


@pytest.mark.parametrize(
    ("how", "code", "reason"),
    [
        (signal.SIGTERM, 0, "an orderly stop does not wait for a gate"),
        (signal.SIGKILL, -9, "a killed controller leaves the same"),
    ],
    ids=["stopped", "killed"],
)
def test_what_ends_in_a_gate_leaves_an_open_entry_that_the_next_start_settles(
    place: Place, how: signal.Signals, code: int, reason: str
) -> None:
    with place.controller() as process:
        until(lambda: place.images() == {"web": "web:1"} and not place.open_steps(), "the first commit is applied")
        place.commit({"web": "web:never"})
        until(lambda: place.open_steps() == [Step.DONE], "the gate waits")
        process.send_signal(how)
        process.communicate()
        assert process.returncode == code, reason
    assert place.open_steps() == [Step.DONE]
    place.commit({"web": "web:2"})
    with place.controller():
        until(lambda: place.images() == {"web": "web:2"} and not place.open_steps(), "settled, and the fix applied")
        until(lambda: place.outcomes()[0] is Outcome.APPLIED, "the run of the fix ended")


def test_a_command_alone_settles_applies_and_leaves(place: Place) -> None:
    with open_house(place.settings(), write=True) as house:
        assert house.desk.sync is not None
        report = house.desk.sync.apply("ann")
        assert [str(line.key) for line in report.statuses] == ["service/web"]
        assert report.world == "memory (simulated)"
        with pytest.raises(LeaseHeld), open_house(place.settings(), write=True):
            pass
    assert place.images() == {"web": "web:1"}
    with open_house(place.settings(), write=False) as house:
        assert house.desk.sync is None, "who only looks has no writing desk"
        assert house.store.leader() == ("", 0.0)
