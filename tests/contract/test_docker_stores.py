"""Networks and volumes on real engines: containers stay connected, and data stays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.clients.docker import DockerHost
from controller.core.change import Action
from controller.core.errors import Permanent, Unhealthy
from controller.core.run import Outcome
from controller.core.state import Absent, Health, Present
from tests.contract.docker_house import DockerHouse, docker_house
from tests.contract.yard import NO, docker_yard
from tests.support.engines import Engine

WEB: Mapping[str, Any] = {"image": "lab/web:1", "restart": "unless-stopped", "stop_grace_period": "1s"}


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[DockerHouse]:
    with docker_house(engine, tmp_path) as made:
        yield made


def deploy(house: DockerHouse, documents: Mapping[str, Mapping[str, Any] | None]) -> None:
    house.commit(documents)
    house.reconcile()
    assert house.run().outcome is Outcome.APPLIED, house.run().reason
    assert house.plan() == ""


def members(house: DockerHouse, network: str) -> set[str]:
    found = house.engine.api.inspect_network(network)["Containers"].values()
    return {each["Name"] for each in found}


def test_a_changed_network_keeps_its_containers(house: DockerHouse) -> None:
    web = {**WEB, "networks": {"front": {"aliases": ["site"]}}}
    deploy(house, {"network/front": {"labels": {"a": "1"}}, "service/web": web})
    api = house.engine.api
    guest = api.create_container("lab/web:1", name="guest")
    api.connect_container_to_network(guest["Id"], "front", aliases=["visitor"])
    api.start(guest["Id"])
    before = api.inspect_container("web")["Id"]
    deploy(house, {"network/front": {"labels": {"a": "2"}, "ipam": {"config": [{"subnet": "10.88.0.0/24"}]}}})
    assert members(house, "front") == {"web", "guest"}
    assert api.inspect_container("web")["Id"] == before
    assert "visitor" in api.inspect_container("guest")["NetworkSettings"]["Networks"]["front"]["Aliases"]
    assert api.inspect_container("web")["NetworkSettings"]["Networks"]["front"]["IPAddress"].startswith("10.88.0.")


def test_a_stopped_container_finds_the_new_network_too(house: DockerHouse) -> None:
    web = {**WEB, "networks": ["front"]}
    deploy(house, {"network/front": {}, "service/web": web})
    deploy(house, {"service/web": {**web, "image": "lab/web:2"}})
    deploy(house, {"network/front": {"labels": {"a": "2"}}})
    deploy(house, {"service/web": web})
    assert members(house, "front") == {"web"}, "the parked container came back into the network that was made anew"


def test_a_network_that_cannot_be_made_is_as_before(engine: Engine, tmp_path: Path) -> None:
    with docker_yard("network", engine, tmp_path) as yard:
        yard.make(yard.first)
        engine.api.create_container("lab/web:1", name="guest")
        engine.api.connect_container_to_network("guest", "it", aliases=["visitor"])
        engine.api.start("guest")
        before = yard.shown()
        with pytest.raises(Unhealthy, match="it is as before"):
            yard.provider.apply(yard.change({"driver": "no-such-driver"}), NO)
        assert yard.shown() == before
        assert "visitor" in engine.api.inspect_container("guest")["NetworkSettings"]["Networks"]["it"]["Aliases"]


def test_a_network_in_use_is_not_deleted(engine: Engine, tmp_path: Path) -> None:
    with docker_yard("network", engine, tmp_path) as yard:
        yard.make(yard.first)
        engine.api.create_container("lab/web:1", name="guest")
        engine.api.connect_container_to_network("guest", "it")
        engine.api.start("guest")
        with pytest.raises(Permanent, match="still used by guest"):
            yard.provider.apply(yard.change(None), NO)
        assert isinstance(yard.look(), Present)


def test_a_network_goes_with_its_last_service(house: DockerHouse) -> None:
    deploy(house, {"service/other": WEB, "network/front": {}, "service/web": {**WEB, "networks": ["front"]}})
    house.commit({"network/front": None, "service/web": None})
    lines = house.plan().splitlines()
    assert lines == ["delete network/front: removed from git [hold]", "delete service/web: removed from git [hold]"]
    house.reconcile()
    assert members(house, "front") == {"web"}, "half of the house is not deleted without asking"
    house.commit({"service/more": WEB, "service/most": WEB, "network/back": {}, "network/rear": {}})
    house.reconcile()
    house.reconcile()
    assert house.engine.containers() == {"other": "running", "more": "running", "most": "running"}
    assert not [each for each in house.engine.api.networks() if each["Name"] == "front"]


def test_two_networks_of_one_name_are_reported(engine_old: Engine, tmp_path: Path) -> None:
    with docker_yard("network", engine_old, tmp_path) as yard:
        yard.make(yard.first)
        engine_old.api.create_network("it", check_duplicate=False)
        found = yard.look()
        assert isinstance(found, Present)
        assert found.health is Health.DEGRADED
        assert found.why == "2 networks are called it"
        assert found.owner == "ours"


def test_what_is_external_is_looked_at_and_never_touched(house: DockerHouse) -> None:
    api = house.engine.api
    api.create_network("lan")
    api.create_volume("media")
    network_id = api.inspect_network("lan")["Id"]
    deploy(house, {
        "network/lan": {"external": True},
        "volume/media": {"external": True},
        "service/web": {**WEB, "networks": ["lan"]},
    })  # fmt: skip
    house.commit({"network/lan": None, "volume/media": None, "service/web": {**WEB, "networks": {"lan": {"external": True}}}})
    house.reconcile()
    assert api.inspect_network("lan")["Id"] == network_id
    assert api.inspect_volume("media")["Name"] == "media"


def test_what_is_external_and_missing_is_said(house: DockerHouse) -> None:
    house.commit({"network/lan": {"external": True}, "service/web": {**WEB, "networks": ["lan"]}})
    house.reconcile()
    notes = [(str(note.key), note.reason) for note in house.house.reconciler.survey().plan.notes]
    assert ("network/lan", "Missing") in notes
    assert house.engine.containers() == {}


def test_the_data_of_a_volume_outlives_every_change(house: DockerHouse) -> None:
    mount = {"type": "volume", "source": "media", "target": "/m", "resource": "volume/media"}
    deploy(house, {"volume/media": {}, "service/web": {**WEB, "volumes": [mount]}})
    api = house.engine.api
    api.exec_start(api.exec_create("web", ["sh", "-c", "echo kept > /m/file"])["Id"])
    deploy(house, {"service/web": {**WEB, "image": "lab/web:2", "volumes": [mount]}})
    assert api.exec_start(api.exec_create("web", ["cat", "/m/file"])["Id"]).decode() == "kept\n"
    house.commit({"volume/media": {"driver_opts": {"type": "tmpfs", "device": "tmpfs"}}})
    assert "ask volume/media" in house.plan(), "a person must decide"
    house.reconcile()
    assert api.exec_start(api.exec_create("web", ["cat", "/m/file"])["Id"]).decode() == "kept\n"


def test_a_deleted_volume_goes_only_at_the_commit(engine: Engine, tmp_path: Path) -> None:
    with docker_yard("volume", engine, tmp_path) as yard:
        yard.make(yard.first)
        made = engine.api.inspect_volume("it")["CreatedAt"]
        delete = yard.change(None)
        assert delete.action is Action.DELETE
        receipt = yard.provider.apply(delete, NO)
        assert isinstance(yard.look(), Absent)
        assert engine.api.inspect_volume("it")["CreatedAt"] == made, "its data is there until the rollout commits"
        yard.provider.apply(delete.inverse(), NO)
        assert isinstance(yard.look(), Present)
        receipt = yard.provider.apply(delete, NO)
        yard.commit(delete, receipt)
        assert engine.api.volumes()["Volumes"] in (None, [])


def test_a_volume_in_use_is_not_deleted(engine: Engine, tmp_path: Path) -> None:
    with docker_yard("volume", engine, tmp_path) as yard:
        yard.make(yard.first)
        config = engine.api.create_host_config(binds=["it:/data"])
        engine.api.create_container("lab/web:1", name="guest", host_config=config)
        with pytest.raises(Permanent, match="still used by guest"):
            yard.provider.apply(yard.change(None), NO)
        assert isinstance(yard.look(), Present)


def test_engines_are_told_whose_things_are(engine: Engine, tmp_path: Path) -> None:
    for kind in ("network", "volume"):
        with docker_yard(kind, engine, tmp_path / kind) as yard:
            yard.make(yard.first)
            found = yard.look()
            assert isinstance(found, Present)
            assert found.owner == "ours"
    host = DockerHost("local", engine.url)
    (listed,) = [each for each in host.networks.all() if each["Name"] == "it"]
    assert listed["Labels"]["homelab.key"] == "network/it"
    assert json.loads(host.containers.listing()) == []
    host.close()
