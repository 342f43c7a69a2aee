"""SIGKILL on real Docker: afterwards converged or exactly undone, no duplicate, no orphan, no open entry."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from controller.settings import Settings, read_settings
from controller.wire import open_house
from tests.support.engines import Engine

RUNS = 22
"""Per engine; two engines."""

GOOD = ("lab/web:1", "lab/web:2", "lab/web:3")


class Place:
    """A spec repository and a state folder beside a real engine."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.specs = folder / "specs"
        self.specs.mkdir()
        self.environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(folder),
            "DOCKER_HOST": engine.url,
            "HOMELAB_REPO": str(self.specs),
            "HOMELAB_STATE": str(folder / "state"),
            "HOMELAB_WORLD": "docker",
        }
        self._git("init", "-q", "-b", "main")

    def _git(self, *words: str) -> None:
        identity = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"]
        subprocess.run(["git", *identity, *words], cwd=self.specs, check=True, capture_output=True)

    def commit(self, services: Mapping[str, str]) -> None:
        """One file per service: name → spec in YAML."""
        for path in self.specs.glob("*.yaml"):
            path.unlink()
        for name, spec in services.items():
            (self.specs / f"{name}.yaml").write_text(f"kind: Service\nname: {name}\nspec: {spec}\n")
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", "change")

    def apply(self, boundary: int = 0, seconds: float = 0.0) -> tuple[int, str]:
        """One pass in a process of its own: how it ended, and what it said."""
        command = [sys.executable, "-m", "tests.support.dying_apply", str(boundary), str(seconds)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=120)
        return done.returncode, done.stdout + done.stderr

    @property
    def settings(self) -> Settings:
        return read_settings({}, self.environment, self.specs)


def estate(image: str, web: str, extra: bool) -> dict[str, str]:
    """Two services that stand or fall together, one alone, one that comes and goes."""
    services = {
        "db": f"{{image: {image}, stop_grace_period: 1s, volumes: ['data:/data']}}",
        "web": f"{{image: {web}, depends_on: [db], ports: ['8080:80'], restart: always, environment: {{V: '{image}'}}}}",
        "lone": "{image: lab/web:1, restart: unless-stopped}",
    }
    return {**services, "guest": "{image: lab/web:1}"} if extra else services


@pytest.mark.timeout(900)
def test_killed_anywhere_it_recovers(engine: Engine, tmp_path: Path) -> None:
    place = Place(tmp_path, engine)
    chance = random.Random(engine.kind.name)
    place.commit(estate("lab/web:1", "lab/web:1", extra=False))
    ended, said = place.apply()
    assert ended == 0, said
    standing = ("lab/web:1", "lab/web:1", False)
    killed = 0
    for number in range(RUNS):
        image = chance.choice([item for item in GOOD if item != standing[0]])
        bad = number % 4 == 3
        wanted = (image, "lab/web:bad" if bad else image, chance.random() < 0.5)
        place.commit(estate(*wanted))
        places = (number + 1, 0.0) if number % 2 else (0, chance.uniform(0.01, 3.0))
        ended, said = place.apply(*places)
        assert ended in (0, -signal.SIGKILL), said
        killed += ended == -signal.SIGKILL
        for _ in range(2):
            ended, said = place.apply()
            assert ended == 0, said
        standing = (standing[0], standing[1], wanted[2]) if bad else wanted
        verify(place, engine, standing, bad)
    assert killed >= RUNS - 4, "nearly every run was really killed"


def verify(place: Place, engine: Engine, standing: tuple[str, str, bool], bad: bool) -> None:
    """The promises."""
    expected = {"db": standing[0], "web": standing[1], "lone": "lab/web:1"} | ({"guest": "lab/web:1"} if standing[2] else {})
    containers = engine.api.containers(all=True)
    alive = {item["Names"][0].lstrip("/"): item["Image"] for item in containers if item["State"] == "running"}
    assert alive == expected, story(place)
    parked = {item["Names"][0].lstrip("/") for item in containers} - alive.keys()
    assert all(name.endswith(".prev") for name in parked), f"{parked}\n{story(place)}"
    with open_house(place.settings, write=False) as house:
        assert not house.store.open_entries()
        found = house.reconciler.survey()
        assert not found.plan.changes, found.plan.changes
        assert {key.name for key, _ in house.store.rows() if key.kind == "service"} == expected.keys()
        assert bool(house.store.quarantined()) or not bad


def story(place: Place) -> str:
    """What the journal of the last runs says, for a failing test."""
    with open_house(place.settings, write=False) as house:
        lines = []
        for run in reversed(house.store.runs(6)):
            lines.append(f"{run.id} {run.revision[:8]} {run.outcome} {run.reason}")
            entries = house.store.entries(run.id)
            lines += [f"  {e.number} {e.change.action} {e.change.key} {e.step} {e.note}" for e in entries]
    return "\n".join(lines)
