"""What people do to running containers behind the repository's back: found, named, and repaired."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.contract.docker_house import DockerHouse, docker_house
from tests.support.engines import Engine
from tests.support.space import wait_until

WEB: Mapping[str, Any] = {
    "image": "lab/web:1",
    "restart": "unless-stopped",
    "stop_grace_period": "1s",
    "mem_limit": "64m",
    "cpu_shares": 512,
    "pids_limit": 100,
    "environment": {"GREETING": "hello", "API_TOKEN": "a-sensitive-word"},
    "networks": {"front": {"aliases": ["site"]}, "back": None},
    "volumes": ["./site.conf:/etc/site.conf:ro", "./pages:/pages:ro", "data:/data"],
    "configs": [{"target": "/etc/inline.conf", "content": "one\n"}],
    "healthcheck": {"test": ["CMD", "true"], "interval": "200ms"},
}
FILES = {"site.conf": "name one\n", "pages/index.html": "page one\n"}


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[DockerHouse]:
    """A house in which `web` runs as its specification says."""
    with docker_house(engine, tmp_path) as made:
        made.files.update(FILES)
        made.commit({"network/front": {}, "network/back": {}, "service/web": WEB})
        made.reconcile()
        assert made.run().outcome == "Applied", made.run().reason
        assert made.plan() == ""
        yield made


@dataclass(frozen=True)
class Drift:
    """Something done by hand and the fields that the plan must name."""

    name: str
    hand: Callable[[Any], object]
    plan: str
    reason: str


def _exec(api: Any, *command: str) -> None:
    api.exec_start(api.exec_create("web", list(command))["Id"])


DRIFTS = (
    Drift("memory", lambda api: api.update_container("web", mem_limit=96 * 2**20, memswap_limit=-1),
          "update service/web: drift: mem_limit [allow]", "Compose misses a changed memory limit"),
    Drift("cpu", lambda api: api.update_container("web", cpu_shares=100),
          "update service/web: drift: cpu_shares [allow]", "a starved service is slow for no reason that git shows"),
    Drift("restart", lambda api: api.update_container("web", restart_policy={"Name": "no"}),
          "update service/web: drift: restart [allow]", "Compose misses it, and after a power cut the service stays down"),
    Drift("extra-network", lambda api: api.connect_container_to_network("web", "lab-extra"),
          "update service/web: drift: networks.lab-extra [allow]", "Compose misses a network that nobody declared"),
    Drift("detached", lambda api: api.disconnect_container_from_network("web", "back"),
          "update service/web: drift: networks.back [allow]", "a service that lost a network is not reachable there"),
    Drift("renamed", lambda api: api.rename("web", "other"),
          "update service/web: drift: container_name [allow]", "Compose misses it, and then makes a second one"),
    Drift("paused", lambda api: api.pause("web"),
          "update service/web: drift: status [allow]", "Compose fails on a paused container"),
    Drift("stopped", lambda api: api.stop("web"),
          "update service/web: drift: status [allow]", "a stopped service is repaired; suspend is how to stop one on purpose"),
    Drift("killed", lambda api: (api.update_container("web", restart_policy={"Name": "no"}), api.kill("web"),
                                 api.wait("web"), api.update_container("web", restart_policy={"Name": "unless-stopped"})),
          "update service/web: drift: status [allow]", "a crash is repaired"),
    Drift("removed", lambda api: api.remove_container("web", force=True),
          "create service/web: missing [allow]", "what is gone comes back"),
)  # fmt: skip


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.name)
def test_is_found_and_repaired(house: DockerHouse, drift: Drift) -> None:
    house.engine.api.create_network("lab-extra")
    before = house.engine.api.inspect_container("web")["Id"]
    drift.hand(house.engine.api)
    assert house.plan() == drift.plan, drift.reason
    house.reconcile()
    assert house.run().outcome == "Applied", house.run().reason
    assert house.plan() == ""
    assert house.engine.containers() == {"web": "running"}
    if drift.name != "removed":
        assert house.engine.api.inspect_container("web")["Id"] == before, "it was repaired in place"


def test_a_network_that_somebody_removed_and_made_again(house: DockerHouse) -> None:
    api = house.engine.api
    api.disconnect_container_from_network("web", "back")
    api.remove_network("back")
    assert "create network/back: missing [allow]" in house.plan()
    house.reconcile()
    house.reconcile()
    assert house.plan() == ""
    assert set(api.inspect_container("web")["NetworkSettings"]["Networks"]) == {"front", "back"}


@dataclass(frozen=True)
class Edit:
    """A commit that touches only a file, and what the container must see afterwards."""

    name: str
    path: str
    content: str
    plan: str
    inside: str
    reason: str


EDITS = (
    Edit("bound-file", "site.conf", "name two\n", "replace service/web: changed: volumes./etc/site.conf.digest [allow]",
         "/etc/site.conf", "Compose misses a file that git replaced: the container keeps the old bytes"),
    Edit("bound-folder", "pages/index.html", "page two\n", "replace service/web: changed: volumes./pages.digest [allow]",
         "/pages/index.html", "a folder of the repository is content too"),
)  # fmt: skip


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_a_committed_file_reaches_the_container(house: DockerHouse, edit: Edit) -> None:
    house.write(edit.path, edit.content)
    assert house.plan() == edit.plan, edit.reason
    house.reconcile()
    assert house.run().outcome == "Applied", house.run().reason
    assert _cat(house, edit.inside) == edit.content
    assert house.plan() == ""


def test_an_inline_config_reaches_the_container(house: DockerHouse) -> None:
    """docker/compose#11900: Compose keeps the old content."""
    assert _cat(house, "/etc/inline.conf") == "one\n"
    house.commit({"service/web": {**WEB, "configs": [{"target": "/etc/inline.conf", "content": "two\n"}]}})
    assert house.plan() == "replace service/web: changed: configs./etc/inline.conf.digest [allow]"
    house.reconcile()
    assert _cat(house, "/etc/inline.conf") == "two\n"
    assert house.plan() == ""


def test_what_was_delivered_cannot_be_edited_inside(house: DockerHouse) -> None:
    api = house.engine.api
    for path in ("/etc/inline.conf", "/etc/site.conf", "/pages/index.html"):
        _exec(api, "sh", "-c", f"echo broken > {path}")
    assert _cat(house, "/etc/inline.conf") == "one\n"
    assert _cat(house, "/etc/site.conf") == "name one\n"
    assert _cat(house, "/pages/index.html") == "page one\n"


def test_a_copied_file_that_was_edited_inside_is_found(house: DockerHouse) -> None:
    """Files with an owner of their own are copied in, where a program or a person can change them."""
    spec = {**WEB, "configs": [{"target": "/etc/owned.conf", "content": "one\n", "uid": "1000", "mode": "0640"}]}
    house.commit({"service/web": spec})
    house.reconcile()
    assert house.plan() == ""
    assert _cat(house, "/etc/owned.conf") == "one\n"
    _exec(house.engine.api, "sh", "-c", "echo broken > /etc/owned.conf")
    assert house.plan() == "replace service/web: drift: configs./etc/owned.conf [allow]"
    house.reconcile()
    assert _cat(house, "/etc/owned.conf") == "one\n"
    assert house.plan() == ""


def test_a_new_content_of_an_env_file(house: DockerHouse) -> None:
    house.write("web.env", "COLOUR=red\n")
    house.commit({"service/web": {**WEB, "env_file": ["./web.env"]}})
    house.reconcile()
    house.write("web.env", "COLOUR=blue\n")
    assert house.plan() == "replace service/web: changed: environment.COLOUR [allow]"
    house.reconcile()
    assert "COLOUR=blue" in house.engine.api.inspect_container("web")["Config"]["Env"]


def test_an_unhealthy_container_is_reported(house: DockerHouse) -> None:
    house.commit({"service/sick": {"image": "lab/web:1", "restart": "always", "stop_grace_period": "1s"}})
    house.reconcile()
    _break_health(house)
    report = house.reconcile()
    (status,) = [each for each in report.statuses if each.key.name == "sick"]
    assert (status.sync, status.health) == ("Synced", "Degraded")
    assert status.why.startswith("unhealthy")


def test_a_moved_tag_changes_nothing_until_it_is_asked_for(house: DockerHouse) -> None:
    house.engine.api.tag("lab/web:2", "lab/web", "1")
    assert house.plan() == ""
    house.commit({"service/web": {**WEB, "pull_policy": "never", "image": "lab/web:3"}})
    assert house.plan().startswith("replace service/web: changed: image, image_digest")


def test_what_is_not_declared_is_left_alone(house: DockerHouse) -> None:
    house.commit({"service/web": {name: value for name, value in WEB.items() if name != "mem_limit"}})
    house.reconcile()
    assert house.plan() == ""
    house.engine.api.update_container("web", mem_limit=80 * 2**20, memswap_limit=-1)
    assert house.plan() == ""


def test_secrets_are_never_shown(house: DockerHouse) -> None:
    shown = str(house.shown("web"))
    assert "a-sensitive-word" not in shown
    assert house.shown("web")["environment"]["API_TOKEN"].keys() == {"fingerprint"}
    assert house.shown("web")["environment"]["GREETING"] == "hello"


def _cat(house: DockerHouse, path: str) -> str:
    api = house.engine.api
    return str(api.exec_start(api.exec_create("web", ["cat", path])["Id"]).decode())


def _break_health(house: DockerHouse) -> None:
    api = house.engine.api
    api.exec_start(api.exec_create("sick", ["rm", "/www/health"])["Id"])
    wait_until(lambda: house.engine.health("sick") == "unhealthy", "the container to get unhealthy")
