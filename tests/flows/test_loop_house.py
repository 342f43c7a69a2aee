"""The house as the settings say: which world, which connections, whose secrets, which kinds."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from controller.clients.age import load_identity
from controller.clients.memory import MemoryProvider, MemoryWorld
from controller.core.errors import SettingsError
from controller.core.estate import HomelabSpec
from controller.core.event import Sync
from controller.core.key import Key
from controller.core.ports import Provider, Providers
from controller.core.secret import secret_in
from controller.settings import Settings, read_settings
from controller.wire import kinds as wire_kinds
from controller.wire import load_kinds, open_house
from controller.wire.backends import Connections, Shut, real_connections
from controller.wire.house import SIMULATED
from tests.support.clock import HandClock
from tests.support.house import BOX

NOWHERE = "unix:///nonexistent/docker.sock"


def at(
    folder: Path, files: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None, **flags: str
) -> Settings:
    """Settings of a git repository with these files, and a state folder beside it."""
    specs = folder / "specs"
    if not specs.exists():
        specs.mkdir()
        for name, text in (files or {"web.yaml": "kind: Service\nname: web\nspec: {image: web:1}\n"}).items():
            (specs / name).write_text(text)
        for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "specs"]):
            subprocess.run(["git", "-C", str(specs), "-c", "user.name=A", "-c", "user.email=a@example.net", *words], check=True)
    return read_settings(
        {"repo": str(specs), "state": str(folder / "state"), "world": "memory", **flags},
        {"PATH": "/usr/bin:/bin", "DOCKER_HOST": NOWHERE, **(environment or {})},
    )


def test_each_world_keeps_its_own_state(tmp_path: Path) -> None:
    with open_house(at(tmp_path), write=True) as house:
        assert house.desk.sync is not None
        house.desk.sync.apply("ann")
        assert house.store.rows()
        assert house.world == SIMULATED
    with open_house(at(tmp_path, world="docker"), write=False) as house:
        assert not house.store.rows(), "nothing simulated is taken for real"
        assert house.world == "docker"


def test_a_store_of_one_world_is_refused_in_the_other(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'shared.db'}"
    with open_house(at(tmp_path, database=database), write=False):
        pass
    with (
        pytest.raises(SettingsError, match="belongs to the world"),
        open_house(at(tmp_path, database=database, world="docker"), write=False),
    ):
        pass


def test_auto_says_plainly_that_it_simulates_and_never_leaves_real_docker(tmp_path: Path) -> None:
    with open_house(at(tmp_path, world="auto"), write=False) as house:
        assert house.world == SIMULATED
        assert house.desk.look.status(fresh=True).world == SIMULATED
    with open_house(at(tmp_path, world="docker"), write=False):
        pass
    with open_house(at(tmp_path, world="auto"), write=False) as house:
        assert house.world == "docker", "an engine that is down for a moment does not turn a real house into a simulated one"


def test_an_engine_that_does_not_answer_is_unknown_and_never_replaced_by_a_simulated_one(tmp_path: Path) -> None:
    with open_house(at(tmp_path, world="docker"), write=True) as house:
        assert house.desk.sync is not None
        report = house.desk.sync.apply("ann")
        assert "does not answer" in report.backends["local"]
        assert [line.sync for line in report.statuses] == [Sync.UNKNOWN]
        assert not house.store.runs()


def test_the_instance_stays_the_same_and_every_state_folder_has_its_own_holder(tmp_path: Path) -> None:
    seen = set()
    for _ in range(2):
        with open_house(at(tmp_path), write=False) as house:
            seen.add((house.instance, house.seat.holder))
    assert len(seen) == 1
    with open_house(at(tmp_path, state=str(tmp_path / "other")), write=False) as house:
        assert house.instance != next(iter(seen))[0]
        assert house.seat.holder != next(iter(seen))[1]


def test_secrets_come_from_the_environment_and_from_age_files_of_the_revision(tmp_path: Path) -> None:
    service = "kind: Service\nname: web\nspec:\n  image: web:1\n  secrets: {A: {ref: 'env:TOKEN'}, B: {ref: web/key}}\n"
    with open_house(at(tmp_path, {"web.yaml": service}), write=False) as house:
        identity = load_identity(house.vault.identity_path)
    folder = tmp_path / "specs" / "secrets" / "web"
    folder.mkdir(parents=True)
    (folder / "key.age").write_bytes(identity.encrypt(b"from the repository"))
    for words in (["add", "-A"], ["commit", "-q", "-m", "a secret"]):
        subprocess.run(["git", "-C", str(tmp_path / "specs"), "-c", "user.name=A", "-c", "user.email=a@b", *words], check=True)
    with open_house(at(tmp_path, environment={"HOMELAB_SECRET_TOKEN": "from outside"}), write=True) as house:
        assert house.desk.sync is not None
        house.desk.sync.apply("ann")
        thing = house.reconciler.survey().estate.resources[Key("service", "web")]
        found = [version for version in map(secret_in, _leaves(thing.state)) if version is not None]
        assert sorted(house.vault.reveal(version) for version in found) == ["from outside", "from the repository"]


def _leaves(state: Any) -> list[Any]:
    """Every mapping in a state."""
    if not isinstance(state, Mapping):
        return []
    return [state, *(leaf for value in state.values() for leaf in _leaves(value))]


def test_an_unchanged_connection_keeps_its_providers_and_a_changed_one_is_closed() -> None:
    world = MemoryWorld(HandClock())
    closed: list[tuple[str, str | None]] = []
    told: list[Providers] = []

    def open_one(name: str, declared: Mapping[str, Any]) -> tuple[Mapping[str, Provider], Any]:
        return {"box": MemoryProvider(BOX, world, name)}, lambda: closed.append((name, declared.get("url")))

    connections = Connections(open_one, lambda _declared: ("box",))
    connections.changed = told.append
    first = connections.connect(HomelabSpec(connections={"nas": {"type": "docker", "url": "one"}}))
    assert set(first) == {("box", "local"), ("box", "nas")}
    assert connections.connect(HomelabSpec(connections={"nas": {"type": "docker", "url": "one"}})) is first
    second = connections.connect(HomelabSpec(connections={"nas": {"type": "docker", "url": "two"}}))
    assert closed == [("nas", "one")]
    assert second["box", "local"] is first["box", "local"]
    assert second["box", "nas"] is not first["box", "nas"]
    assert connections.providers() is second
    assert told == [first, second]
    connections.close()
    assert closed == [("nas", "one"), ("local", None), ("nas", "two")]


def test_a_connection_that_cannot_be_opened_is_unknown_with_the_reason(tmp_path: Path) -> None:
    with open_house(at(tmp_path, world="docker"), write=False) as house:
        blobs = house.reconciler.linker.blobs
        tools = wire_kinds.Tools(house.vault, blobs, house.clock, "x", tmp_path, tmp_path, lambda _k, _t: None)  # type: ignore[arg-type]
        connections = real_connections(house.settings, tools)
        providers = connections.connect(HomelabSpec(connections={"nas": {"type": "docker", "url": "tcp://nas:2375"}}))
        look = providers["service", "nas"].observe([])
        connections.close()
    assert isinstance(providers["service", "nas"], Shut)
    assert not look.complete
    assert "without TLS" in look.reason


def test_a_wrong_docker_host_is_named(tmp_path: Path) -> None:
    with open_house(at(tmp_path, world="docker", environment={"DOCKER_HOST": "tcp://nas:2375"}), write=False) as house:
        report = house.reconciler.survey().report
    assert "DOCKER_HOST" in report.backends["local"]
    assert "without TLS" in report.backends["local"]


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Entry points as an installed package would bring them."""

    def install(**loaded: object) -> None:
        points = [SimpleNamespace(name=name, value=f"{name}:kind", load=lambda item=item: item) for name, item in loaded.items()]
        monkeypatch.setattr(wire_kinds, "entry_points", lambda group: points if group == wire_kinds.GROUP else [])
        wire_kinds.foreign_kinds.cache_clear()

    yield install
    monkeypatch.undo()
    wire_kinds.foreign_kinds.cache_clear()


def test_a_kind_of_another_package_is_declared_planned_and_applied_like_any_other(tmp_path: Path, foreign: Any) -> None:
    foreign(box=SimpleNamespace(KIND=BOX, provider=lambda _connection, _declared, _tools: None))
    assert load_kinds()["box"] is BOX
    with open_house(at(tmp_path, {"a.yaml": "kind: Box\nname: a\nspec: {image: box:1, timeout: 30}\n"}), write=True) as house:
        assert house.desk.sync is not None
        report = house.desk.sync.apply("ann")
        assert [(str(line.key), line.sync) for line in report.statuses] == [("box/a", Sync.SYNCED)]


@pytest.mark.parametrize(
    ("loaded", "words", "reason"),
    [
        (SimpleNamespace(), "cannot be loaded", "it has no KIND"),
        (SimpleNamespace(KIND=SimpleNamespace(name="service")), "which is taken", "it would shadow a built-in kind"),
    ],
)
def test_a_kind_that_does_not_fit_is_refused_by_name(foreign: Any, loaded: object, words: str, reason: str) -> None:
    foreign(odd=loaded)
    with pytest.raises(SettingsError, match=f"odd.*{words}"):
        load_kinds()


def test_the_built_in_kinds_are_there() -> None:
    assert {"service", "stack", "network", "volume"} <= set(load_kinds())
