"""What an engine tells, and secrets and links on the way to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from controller.clients.clock import SystemClock
from controller.clients.docker import DockerHost
from controller.core.errors import Permanent
from controller.core.key import Key
from controller.core.ports import Watches
from controller.core.run import Outcome
from controller.core.state import Present
from controller.kinds import service
from tests.contract.docker_house import DockerHouse, docker_house
from tests.contract.yard import NO, STORIES, DockerHands, Specs, Yard, docker_yard
from tests.support.engines import Engine
from tests.support.space import wait_until

WEB: Mapping[str, Any] = {"image": "lab/web:1", "restart": "unless-stopped", "stop_grace_period": "1s"}


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[DockerHouse]:
    with docker_house(engine, tmp_path) as made:
        yield made


@contextmanager
def watched(provider: Any) -> Iterator[list[Key | None]]:
    """Everything that a provider says moved, while the block runs."""
    assert isinstance(provider, Watches)
    moved: list[Key | None] = []
    stop = threading.Event()
    thread = threading.Thread(target=provider.watch, args=(moved.append, stop))
    thread.start()
    wait_until(lambda: moved, "the stream to stand")
    yield moved
    stop.set()
    thread.join()


@pytest.mark.parametrize("kind", ["service", "network", "volume"])
def test_it_says_what_moved(engine: Engine, tmp_path: Path, kind: str) -> None:
    with docker_yard(kind, engine, tmp_path) as yard:
        yard.make(yard.first)
        yard.look()
        with watched(yard.provider) as moved:
            assert moved == [None], "anything may have moved before the stream stood"
            yard.hands.edit(yard)
            wait_until(lambda: yard.key in moved, "the edit to be told")


def test_a_look_sees_an_edit_that_the_list_does_not_show(engine: Engine, tmp_path: Path) -> None:
    with docker_yard("service", engine, tmp_path) as yard:
        yard.make(yard.first)
        with watched(yard.provider) as moved:
            first = yard.look()
            assert yard.look() is first, "nothing moved: the very same object"
            yard.hands.edit(yard)
            wait_until(lambda: yard.key in moved, "the edit to be told")
            assert yard.shown()["mem_limit"] == 96 << 20


def test_it_watches_on_after_the_engine_was_away(engine: Engine, tmp_path: Path) -> None:
    with docker_yard("service", engine, tmp_path) as yard:
        yard.make(yard.first)
        with watched(yard.provider) as moved:
            first = yard.look()
            engine.stop()
            engine.start()
            wait_until(lambda: moved.count(None) == 2, "the stream to stand again")
            engine.api.update_container("it", mem_limit=80 << 20, memswap_limit=-1)
            wait_until(lambda: yard.shown().get("mem_limit") == 80 << 20, "the edit to be seen")
            found = yard.look()
            assert isinstance(found, Present)
            assert found is not first


def test_a_rotated_secret_is_a_change_and_comes_back_with_an_undo(house: DockerHouse) -> None:
    house.house.bench.vault.keep([])
    spec = {
        **WEB,
        "environment": {"TOKEN": {"ref": "web/token", "generate": 24}},
        "secrets": {"KEY": {"ref": "web/key", "generate": 24}},
    }
    house.commit({"service/web": spec})
    house.reconcile()
    assert house.run().outcome is Outcome.APPLIED
    assert house.plan() == ""
    old = _values(house)
    vault: Any = house.house.bench.vault
    vault.rotate("web/token")
    vault.rotate("web/key")
    house.house.reconciler.forget()
    house.write("note.txt", "a commit that changes nothing else")
    assert "environment.TOKEN" in house.plan()
    house.reconcile()
    assert house.run().outcome is Outcome.APPLIED, house.run().reason
    new = _values(house)
    assert [one != other for one, other in zip(old, new, strict=True)] == [True, True]
    house.commit({"service/web": {**spec, "image": "lab/web:bad"}})
    house.reconcile()
    assert house.run().outcome is Outcome.ROLLED_BACK
    assert _values(house) == new


def _values(house: DockerHouse) -> list[str]:
    api = house.engine.api
    environment = dict(each.split("=", 1) for each in api.inspect_container("web")["Config"]["Env"])
    shown = api.exec_start(api.exec_create("web", ["cat", "/run/secrets/KEY"])["Id"]).decode()
    assert api.exec_start(api.exec_create("web", ["stat", "-c", "%a %u", "/run/secrets/KEY"])["Id"]).decode() == "400 0\n"
    return [environment["TOKEN"], shown]


def test_a_secret_file_in_a_read_only_container(house: DockerHouse) -> None:
    spec = {
        "image": "lab/sleep:1",
        "read_only": True,
        "stop_grace_period": "0s",
        "secrets": {"KEY": {"ref": "x/key", "generate": 24}},
    }
    house.commit({"service/web": spec})
    house.reconcile()
    assert house.run().outcome is Outcome.APPLIED, house.run().reason
    api = house.engine.api
    assert len(api.exec_start(api.exec_create("web", ["cat", "/run/secrets/KEY"])["Id"])) == 24
    assert house.plan() == ""


def test_logs_hide_the_secrets_of_their_container(house: DockerHouse) -> None:
    spec = {
        "image": "lab/sleep:1",
        "command": ["sh", "-c", "echo token is $$TOKEN; exit 4"],
        "environment": {"TOKEN": "hunter2-and-more"},
    }
    house.commit({"service/web": spec})
    house.reconcile()
    assert house.run().outcome is Outcome.ROLLED_BACK
    assert "exited with code 4: token is •••" in house.run().reason
    assert "hunter2" not in str(house.house.said) + str(house.house.store.runs())


def test_a_link_does_not_hide_where_it_leads(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "innocent").symlink_to("/etc")
    with docker_yard("service", engine, tmp_path) as yard:
        change = yard.change({"image": "lab/web:1", "volumes": [f"{tmp_path}/innocent:/data"]})
        with pytest.raises(Permanent, match="is a link to /etc"):
            yard.provider.apply(change, NO)
    assert engine.containers() == {}


def test_a_remote_engine_gets_files_copied(engine_new: Engine, tmp_path: Path) -> None:
    """An engine on another machine does not see our folders: contents go into the container before it starts."""
    specs = Specs(tmp_path, {"site.conf": "one\n", "pages/a.html": "page\n"})
    with engine_new.ssh() as far, closing(DockerHost("nas", f"{far.url}/run/docker.sock", ssh_config=str(far.config))) as host:
        provider = service.ServiceProvider(host, specs.vault, specs.blobs, SystemClock())
        yard = Yard("service", specs, provider, DockerHands(engine_new), *STORIES["service"])
        spec = {
            **WEB,
            "volumes": ["./site.conf:/etc/site.conf:ro", "./pages:/pages:ro"],
            "configs": [{"target": "/etc/inline.conf", "content": "inline\n"}],
        }
        yard.make(spec)
        assert yard.differing(yard.desired(spec)[1]) == []
        api = engine_new.api
        for path, content in (("/etc/site.conf", "one\n"), ("/pages/a.html", "page\n"), ("/etc/inline.conf", "inline\n")):
            assert api.exec_start(api.exec_create("it", ["cat", path])["Id"]).decode() == content
        specs.files = {"site.conf": "two\n", "pages/a.html": "page\n"}
        assert yard.differing(yard.desired(spec)[1]) == ["volumes./etc/site.conf.digest"]
