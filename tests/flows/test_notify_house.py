"""A whole controller tells people: a commit applied, a bad one rolled back, the end of the failure, and a test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import pytest

from controller.cli.controller_socket import ControllerSocket
from controller.cli.running_house import RunningHouse
from controller.core.errors import SpecError
from controller.settings import Settings, read_settings
from controller.wire import Running, open_house, run_controller
from tests.support.post import Receiver
from tests.support.space import wait_until

_PATIENT = "?cto=60&rto=60"
"""A message that a busy machine takes late has arrived: one that fails is tried again only a minute later."""

HOMELAB = """kind: Homelab
name: home
spec:
  notifications:
    - {name: phone, url: {ref: notify/phone}}
    - {name: bell, url: {ref: notify/bell}, events: [rolledBack]}
"""


@dataclass
class Place:
    """A spec repository with its settings, and services that take messages."""

    folder: Path

    def __post_init__(self) -> None:
        self.specs = self.folder / "specs"
        self.specs.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> None:
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.net"]
        subprocess.run(["git", "-C", str(self.specs), *who, *words], check=True)

    def commit(self, **files: str) -> None:
        for name, text in files.items():
            (self.specs / f"{name}.yaml").write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "specs")

    def service(self, image: str) -> None:
        self.commit(web=f"kind: Service\nname: web\nspec: {{image: '{image}'}}\n")

    @property
    def settings(self) -> Settings:
        flags = {"repo": str(self.specs), "state": str(self.folder / "state"), "world": "memory", "listen": "127.0.0.1:0"}
        return read_settings(flags, {"PATH": "/usr/bin:/bin"})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def phone() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


@pytest.fixture
def bell() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


def test_a_story_is_told_as_it_happens(place: Place, phone: Receiver, bell: Receiver) -> None:
    place.service("web:1")
    with open_house(place.settings, write=True) as house:
        assert house.desk.secrets is not None
        house.desk.secrets.set("notify/phone", phone.url("topic-of-ada", _PATIENT), "ada")
        house.desk.secrets.set("notify/bell", bell.url(query=_PATIENT), "ada")
    place.commit(homelab=HOMELAB)
    stop, stands = Flag(), list[Running]()
    home = Thread(target=run_controller, args=(place.settings, stands.append), kwargs={"stop": stop}, name="home")
    home.start()
    try:
        wait_until(lambda: stands or not home.is_alive(), "the controller to stand")
        wait_until(lambda: phone.bodies, "what was applied to be told")
        assert phone.bodies.pop(0) == ("HomeLabHub (simulated): applied", "service/web: create (new)")
        controller = RunningHouse(ControllerSocket(place.settings.socket))
        place.service("web:bad")
        wait_until(lambda: any("rolled back" in title for title, _ in phone.bodies), "the rollback to be told")
        place.service("web:2")
        wait_until(lambda: any("recovered" in title for title, _ in phone.bodies), "the recovery to be told")
        found = controller.test_notifications("bell")
        targets = controller.notifications()
    finally:
        stop.set()
        home.join(60)
    assert not home.is_alive()
    topics = [title.removeprefix("HomeLabHub (simulated): ") for title, _ in phone.bodies]
    assert topics.count("rolled back") == topics.count("recovered") == 1
    assert [title for title, _ in bell.bodies] == ["HomeLabHub (simulated): rolled back", "HomeLabHub (simulated): test"]
    assert list(found) == [{"name": "bell", "arrived": True, "error": ""}]
    assert [(item["name"], item["error"], item["sent"] > 0) for item in targets] == [("phone", "", True), ("bell", "", True)]
    assert "topic-of-ada" not in str(targets)


@pytest.mark.parametrize(
    ("written", "line", "said"),
    [
        ("- {name: phone, url: {ref: notify/phone}}", 5, "secret 'notify/phone' does not exist"),
        ("- {name: phone, url: {ref: 'env:PHONE'}, events: [drfit]}", 5, "did you mean `drift`?"),
        ("- {name: phone, url: 'json://user:hunter2@host/'}", 5, "the address itself must not stand here"),
        ("- {name: phone}", 5, "'url' is missing"),
        ("- {name: phone, url: {ref: 'env:PHONE'}, quite: {from: '22:00', to: '07:00'}}", 5, "unknown key 'quite'"),
        ("- {name: phone, url: {ref: 'env:PHONE'}}\n    - {name: phone, url: {ref: 'env:PHONE'}}", 6, "two notification targets"),
    ],
)
def test_a_wrong_declaration_is_refused_at_its_place(place: Place, written: str, line: int, said: str) -> None:
    place.commit(homelab=f"kind: Homelab\nname: home\nspec:\n  notifications:\n    {written}\n")
    settings = read_settings(
        {"repo": str(place.specs), "state": str(place.folder / "state"), "world": "memory"},
        {"PATH": "/usr/bin:/bin", "HOMELAB_SECRET_PHONE": "json://127.0.0.1/"},
    )
    with open_house(settings, write=False) as house, pytest.raises(SpecError) as caught:
        house.reconciler.linker.estate(house.source.head(), house.source.read(house.source.head().id))
    [found] = caught.value.diagnostics
    assert (found.origin.file, found.origin.line) == ("homelab.yaml", line)
    assert said in str(found)
    assert "hunter2" not in str(found)
