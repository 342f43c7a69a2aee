"""The controller on real engines: what dies runs again, an engine that goes away comes back, what others do is left alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import pytest

from controller.core.event import Status, Sync
from controller.settings import read_settings
from controller.wire import Running, run_controller
from controller.wire.house import open_house
from tests.support.engines import Engine
from tests.support.space import wait_until


class Home:
    """A controller with its page, on an engine and a repository of its own."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.specs, self.state = engine, folder / "specs", folder / "state"
        self.specs.mkdir()
        self._git("init", "-q", "-b", "main")
        self.settings = read_settings(
            {"repo": str(self.specs), "state": str(self.state), "listen": "127.0.0.1:0"},
            {"PATH": os.environ["PATH"], "DOCKER_HOST": engine.url},
        )
        self.running_as: list[Running] = []
        self.stop = Flag()
        self.codes: list[int] = []
        self.thread = Thread(
            target=lambda: self.codes.append(run_controller(self.settings, self.running_as.append, stop=self.stop)), name="home"
        )

    def commit(self, images: Mapping[str, str]) -> None:
        for name, image in images.items():
            spec = f"{{image: '{image}', stop_grace_period: 1s, restart: unless-stopped}}"
            (self.specs / f"{name}.yaml").write_text(f"kind: Service\nname: {name}\nspec: {spec}\n")
        self._git("add", "-A")
        self._git("commit", "-q", "-m", "specs")

    def standing(self) -> dict[str, Status]:
        with open_house(self.settings, write=False) as house:
            return {line.key.name: line for line in house.reconciler.survey().report.statuses}

    def synced(self) -> bool:
        lines = self.standing().values()
        return bool(lines) and all(line.sync is Sync.SYNCED for line in lines)

    def runs(self) -> int:
        with open_house(self.settings, write=False) as house:
            return len(house.store.runs(1000))

    def told(self) -> bool:
        """True when every pass that wrote has ended, and all that it said is written down."""
        with open_house(self.settings, write=False) as house:
            said = [event.run for event in house.store.events(limit=1000) if event.reason == "RunFinished"]
            return {run.id for run in house.store.runs(1000)} == set(said)

    def image(self, name: str) -> str:
        found: str = self.engine.api.inspect_container(name)["Config"]["Image"]
        return found

    def running(self, name: str) -> bool:
        return self.engine.containers().get(name) == "running"

    def _git(self, *arguments: str) -> None:
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.net"]
        subprocess.run(["git", "-C", str(self.specs), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def home(engine_new: Engine, tmp_path: Path) -> Iterator[Home]:
    found = Home(engine_new, tmp_path)
    found.commit({"web": "lab/sleep:1", "db": "lab/sleep:1"})
    found.thread.start()
    wait_until(lambda: found.running("web") and found.running("db") and found.synced(), "the first commit")
    yield found
    found.stop.set()
    found.thread.join()
    assert found.codes == [0]


@pytest.mark.parametrize("how", ["killed", "stopped", "paused", "removed"])
def test_what_a_hand_takes_away_comes_back_by_the_event(home: Home, how: str) -> None:
    api = home.engine.api
    {"killed": api.kill, "stopped": lambda name: api.stop(name, timeout=0), "paused": api.pause}.get(
        how, lambda name: api.remove_container(name, force=True)
    )("web")
    wait_until(lambda: home.running("web") and home.synced(), f"{how}, and up again")
    assert home.running_as[0].world == "docker"


def test_commits_are_followed_and_the_other_service_is_not_touched(home: Home) -> None:
    other = home.engine.api.inspect_container("db")
    home.commit({"web": "lab/sleep:2"})
    wait_until(lambda: home.running("web") and home.image("web") == "lab/sleep:2" and home.synced(), "the new version")
    now = home.engine.api.inspect_container("db")
    assert (now["Id"], now["State"]["StartedAt"]) == (other["Id"], other["State"]["StartedAt"])


def test_an_engine_that_goes_away_is_not_read_as_an_empty_one(home: Home) -> None:
    runs = home.runs()
    home.engine.stop()
    wait_until(lambda: all(line.sync is Sync.UNKNOWN for line in home.standing().values()), "unknown")
    home.engine.start()
    wait_until(lambda: home.running("web") and home.running("db") and home.synced(), "seen again")
    assert len(home.engine.containers()) == 2
    home.engine.api.kill("web")
    wait_until(lambda: home.running("web"), "its events are followed again")
    assert home.runs() >= runs


def test_a_converged_house_makes_no_run_for_events_of_others(home: Home) -> None:
    wait_until(home.told, "the end of the first pass")
    runs = home.runs()
    api = home.engine.api
    for number in range(5):
        made = api.create_container("lab/once:1", name=f"one-off-{number}")["Id"]
        api.start(made)
        api.wait(made)
        api.remove_container(made)
    with open_house(home.settings, write=False) as house:
        newest = house.store.last_event()
        assert house.chronicle.wait(newest, 2.0) == newest, "nothing is told, because nothing was done"
    assert home.runs() == runs
