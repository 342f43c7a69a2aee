"""Two services on one place of the edge: the error says a line that resolves it, and nobody else moves."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from controller.core.edge import slots
from controller.core.errors import SpecError
from controller.core.estate import Estate
from controller.core.key import Key
from controller.wire.kinds import load_kinds
from tests.support.house import House

EDGE = "10.9.0.0/22"
CLASHING = ("app-126", "it")
IN_A_STACK = "media-x"


def estate(services: Mapping[str, Mapping[str, Any]], choices: Mapping[str, int]) -> Estate:
    """What services mean that a Caddy with a small edge serves."""
    caddy = {"type": "caddy", "edge": EDGE, "slots": dict(choices)}
    documents = [{"kind": "Homelab", "name": "home", "spec": {"connections": {"caddy": caddy}}}]
    for name, document in services.items():
        documents.append({"name": name, **document})
    house = House(kinds=load_kinds())
    house.book.write(
        {f"{each['name']}.yaml" if index else "homelab.yaml": json.dumps(each) for index, each in enumerate(documents)}
    )
    head = house.book.head()
    return house.reconciler.linker.estate(head, house.book.read(head.id))


def exposed(name: str) -> dict[str, Any]:
    """A service at a host of its own."""
    return {"image": "web:1", "expose": {"host": f"{name}.example.net", "port": 80, "dns": "off"}}


def upstreams(found: Estate, name: str) -> list[str]:
    """Where the proxy looks for a service."""
    return [
        each.removesuffix(":80") for each in found.resources[Key("route", f"{name}-example-net")].state["target"]["upstreams"]
    ]


def addresses(found: Estate, name: str) -> list[str]:
    """Where a service is."""
    networks = found.resources[Key("service", name)].state["networks"]
    return [entry["ipv4_address"] for network, entry in sorted(networks.items()) if network.startswith("homelab-edge")]


def test_the_line_of_the_error_resolves_it() -> None:
    services = {name: {"kind": "Service", "spec": exposed(name)} for name in (*CLASHING, "third")}
    with pytest.raises(SpecError) as caught:
        estate(services, {})
    (told,) = caught.value.diagnostics
    assert all(f"service/{name}" in told.message for name in CLASHING)
    ((name, choice),) = re.findall(r"`slots: \{(\S+): (\d+)\}`", told.hint)
    found = estate(services, {name: int(choice)})
    for each in services:
        assert upstreams(found, each) == addresses(found, each), "both sides know of it"
    assert upstreams(found, name) == list(slots(name, EDGE, 2)) != list(slots(name, EDGE))
    for each in services.keys() - {name}:
        assert upstreams(found, each) == list(slots(each, EDGE)), "nobody else moves"


def test_a_service_of_a_stack_has_its_choice_too() -> None:
    stack = {"media": {"kind": "Stack", "spec": {"services": {"x": exposed(IN_A_STACK)}}}}
    found = estate(stack, {IN_A_STACK: 3})
    assert upstreams(found, IN_A_STACK) == addresses(found, IN_A_STACK) == list(slots(IN_A_STACK, EDGE, 3))


def test_a_choice_that_is_none_is_told() -> None:
    with pytest.raises(SpecError) as caught:
        estate({"it": {"kind": "Service", "spec": exposed("it")}}, {"it": 0})
    assert any("greater than or equal to 1" in each.message for each in caught.value.diagnostics), caught.value.diagnostics
