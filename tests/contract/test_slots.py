"""Exposed services on real engines: where a proxy finds them, and that it never finds one that is not healthy."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.core.edge import slots
from controller.core.run import Outcome
from controller.kinds.service.edge import subnet_of
from controller.wire.kinds import load_kinds
from tests.contract.docker_house import DockerHouse, docker_house
from tests.support.engines import Engine

REAL = ("service", "network", "volume")
SIDES = ("homelab-edge-a", "homelab-edge-b")
HOUSE = json.dumps({"kind": "Homelab", "name": "home", "spec": {"connections": {"caddy": {"type": "caddy"}}}})
EXPOSE = {"host": "web.example.net", "port": 80, "dns": "off", "tls": "off"}
CHECK = ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/health"]
PLAIN: Mapping[str, Any] = {
    "image": "lab/web:1",
    "restart": "unless-stopped",
    "stop_grace_period": "1s",
    "healthcheck": {
        "test": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/health"],
        "interval": "200ms",
        "retries": 3,
    },
}
WEB: Mapping[str, Any] = {**PLAIN, "expose": EXPOSE}
BESIDE: Mapping[str, Any] = {**WEB, "deploy": {"update_config": {"order": "start-first"}}}
ORDERS = (pytest.param(WEB, id="stop-first"), pytest.param(BESIDE, id="start-first"))


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[DockerHouse]:
    """Real containers; the routes to them and what goes with those are simulated."""
    edge = {(kind.name, "caddy"): kind for kind in load_kinds().values() if kind.resolve is not None and kind.name not in REAL}
    with docker_house(engine, tmp_path, edge) as made:
        made.files["homelab.yaml"] = HOUSE
        yield made


def deploy(house: DockerHouse, spec: Mapping[str, Any], outcome: Outcome = Outcome.APPLIED) -> None:
    """Commit the service `web` and let it be applied."""
    house.commit({"service/web": spec})
    house.reconcile()
    assert house.run().outcome is outcome, house.run().reason
    assert outcome is not Outcome.APPLIED or house.plan() == ""


def on_edge(engine: Engine, name: str = "web") -> dict[str, str]:
    """Addresses of a container on the edge networks."""
    found = engine.api.inspect_container(name)["NetworkSettings"]["Networks"]
    return {network: found[network]["IPAddress"] for network in SIDES if network in found}


def joined(engine: Engine, since: int) -> list[tuple[str, str]]:
    """Who joined the edge since then (nanoseconds since the epoch), in order: container and network."""
    filters = {"type": ["network"], "event": ["connect"]}
    told = engine.api.events(since=since // 10**9, until=int(time.time()) + 1, filters=filters, decode=True)
    actors = [each["Actor"]["Attributes"] for each in told if each["timeNano"] > since]
    return [(each["container"], each["name"]) for each in actors if each["name"] in SIDES]


@pytest.mark.parametrize("spec", ORDERS)
def test_every_version_has_the_same_two_addresses(house: DockerHouse, spec: Mapping[str, Any]) -> None:
    mine = dict(zip(SIDES, slots("web"), strict=True))
    for image in ("lab/web:1", "lab/web:2", "lab/web:3", "lab/web:2"):
        deploy(house, {**spec, "image": image})
        assert on_edge(house.engine) == mine
        for address in mine.values():
            with house.engine.space.connect(80, address) as probe:
                probe.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert f"v{image[-1]}".encode() in probe.makefile("rb").read()
    assert list(house.house.world.things("route", "caddy")) == ["web-example-net"]


@pytest.mark.parametrize("spec", ORDERS)
def test_one_that_never_gets_healthy_is_never_found(house: DockerHouse, spec: Mapping[str, Any]) -> None:
    deploy(house, spec)
    before = house.engine.api.inspect_container("web")["Id"]
    since = time.time_ns()
    deploy(house, {**spec, "image": "lab/web:bad"}, Outcome.ROLLED_BACK)
    assert {container for container, _ in joined(house.engine, since)} <= {before}, "only the old one, when it came back"
    assert on_edge(house.engine) == dict(zip(SIDES, slots("web"), strict=True))
    assert house.engine.containers() == {"web": "running"}


@pytest.mark.parametrize("spec", ORDERS)
def test_a_revert_starts_the_parked_one_with_its_addresses(house: DockerHouse, spec: Mapping[str, Any]) -> None:
    deploy(house, spec)
    first = house.engine.api.inspect_container("web")["Id"]
    deploy(house, {**spec, "image": "lab/web:2"})
    deploy(house, spec)
    assert house.engine.api.inspect_container("web")["Id"] == first
    assert on_edge(house.engine) == dict(zip(SIDES, slots("web"), strict=True))


def test_a_first_version_that_never_gets_healthy_leaves_nothing(house: DockerHouse) -> None:
    deploy(house, {**WEB, "image": "lab/web:bad"}, Outcome.ROLLED_BACK)
    assert house.engine.containers() == {}
    assert not house.house.world.things("route", "caddy")


def test_a_container_joins_and_leaves_as_it_is(house: DockerHouse) -> None:
    deploy(house, PLAIN)
    first = house.engine.api.inspect_container("web")["Id"]
    deploy(house, WEB)
    assert on_edge(house.engine).keys() == set(SIDES)
    deploy(house, {**WEB, "image": "lab/web:2"})
    assert on_edge(house.engine).keys() == set(SIDES)
    deploy(house, WEB)
    assert house.engine.api.inspect_container("web")["Id"] == first, "the one that had joined while it ran is the same one"
    deploy(house, PLAIN)
    assert on_edge(house.engine) == {}
    assert house.engine.api.inspect_container("web")["Id"] == first


def test_what_a_hand_takes_off_the_edge_comes_back(house: DockerHouse) -> None:
    deploy(house, WEB)
    first = house.engine.api.inspect_container("web")["Id"]
    house.engine.api.disconnect_container_from_network("web", SIDES[0])
    assert house.plan() == f"update service/web: drift: networks.{SIDES[0]} [allow]"
    house.reconcile()
    assert on_edge(house.engine) == dict(zip(SIDES, slots("web"), strict=True))
    assert house.engine.api.inspect_container("web")["Id"] == first


@pytest.mark.parametrize("spec", ORDERS)
def test_a_stranger_on_its_address_stops_the_new_one_only(house: DockerHouse, spec: Mapping[str, Any]) -> None:
    api = house.engine.api
    deploy(house, PLAIN)
    deploy(house, {**PLAIN, "expose": EXPOSE})
    api.disconnect_container_from_network("web", SIDES[1])
    api.create_container("lab/sleep:1", name="stranger")
    api.connect_container_to_network("stranger", SIDES[1], ipv4_address=slots("web")[1])
    api.start("stranger")
    before = api.inspect_container("web")["Id"]
    house.commit({"service/web": {**spec, "image": "lab/web:2"}})
    house.reconcile()
    assert slots("web")[1] in house.run().reason
    assert api.inspect_container("web")["Id"] == before
    assert api.inspect_container("web")["State"]["Running"]


def test_the_edge_is_internal_stays_and_is_nobodys_find(house: DockerHouse) -> None:
    deploy(house, WEB)
    for side in SIDES:
        assert house.engine.api.inspect_network(side)["Internal"]
    route_out = house.engine.api.exec_create("web", ["ip", "route"])["Id"]
    assert b"default via 172." in house.engine.api.exec_start(route_out)
    provider: Any = house.house.providers["network", "local"]
    assert [each.address for each in provider.discover()] == []
    deploy(house, PLAIN)
    assert set(SIDES) <= {each["Name"] for each in house.engine.api.networks()}


def test_a_proxy_in_a_container_may_be_on_the_edge_before_anybody_else(house: DockerHouse) -> None:
    proxy = {**PLAIN, "networks": {side: {"external": True} for side in SIDES}}
    house.commit({"service/proxy": proxy})
    house.reconcile()
    deploy(house, WEB)
    for address in slots("web"):
        ask = house.engine.api.exec_create("proxy", ["wget", "-q", "-O", "-", f"http://{address}/"])["Id"]
        assert house.engine.api.exec_start(ask) == b"v1\n"


@pytest.mark.parametrize(
    ("network", "subnet", "reason"),
    [
        ("homelab-edge-a", "10.213.0.0/17", "the lower half of what is not declared"),
        ("homelab-edge-b-10-96-0-0-12", "10.104.0.0/13", "the upper half of a declared one"),
        ("homelab-edge-b-10-96-0-1-12", None, "no subnet begins there"),
        ("homelab-edge-c", None, "there are two"),
        ("proxy", None, "somebody's own"),
    ],
)
def test_an_edge_network_is_known_by_its_name(network: str, subnet: str | None, reason: str) -> None:
    assert subnet_of(network) == subnet, reason


def test_a_subnet_that_is_taken_is_told_with_the_way_out(house: DockerHouse) -> None:
    api = house.engine.api
    pool: Any = {"Driver": "default", "Config": [{"Subnet": "10.213.4.0/24"}]}
    api.create_network("home", ipam=pool)
    house.commit({"service/web": WEB})
    house.reconcile()
    assert "`edge:` in the connection of Caddy" in house.run().reason
    assert house.engine.containers() == {}
