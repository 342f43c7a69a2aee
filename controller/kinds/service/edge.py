"""The edge: networks on which a reverse proxy finds the containers of exposed services, by addresses that never change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from threading import Lock
from typing import Any

from controller.clients.docker import DockerHost
from controller.core.edge import DEFAULT_SUBNET, DYNAMIC, halves, slots
from controller.core.errors import Conflict, Permanent
from controller.core.state import State
from controller.kinds.service import endpoints

NETWORK = "homelab-edge"
MARK = "homelab.edge"
"""Label of such a network: who made it. It is no resource, so nothing prunes it."""
_SIDES = ("a", "b")
FIRST = f"{NETWORK}-a"
"""How the names of networks begin that traffic takes first. A service has the same place on both sides: this one is claimed."""
_CADDY = "caddy"
_NOT_IN_NAMES = re.compile(r"[^0-9]+")
_NAME = re.compile(rf"{NETWORK}-([{''.join(_SIDES)}])(?:-(\d+-\d+-\d+-\d+)-(\d+))?")


@dataclass(frozen=True, slots=True)
class Place:
    """Where one service is on the edge: addresses by network, and the subnet of each network."""

    addresses: Mapping[str, str]
    subnets: Mapping[str, str]


def place(service: str, subnet: str, choice: int) -> Place:
    """The slots of a service in a subnet. Raises ValueError for a subnet that cannot be an edge."""
    special = "" if subnet == DEFAULT_SUBNET else f"-{_NOT_IN_NAMES.sub('-', subnet)}"
    networks = [f"{NETWORK}-{side}{special}" for side in _SIDES]
    pairs = zip(networks, slots(service, subnet, choice), strict=True), zip(networks, halves(subnet), strict=True)
    return Place(*(dict(pair) for pair in pairs))


def edge_of(connections: Mapping[str, Mapping[str, Any]], via: str, service: str) -> tuple[str, int]:
    """The subnet of the edge of the proxy that a route names, or of the only one there is, and which choice of a place a service
    has in it. What is wrong with that is said by the route."""
    known = {name: declared for name, declared in connections.items() if declared.get("type") == _CADDY}
    declared = known.get(via) if via or len(known) != 1 else next(iter(known.values()))
    found = declared or {}
    choices = found.get("slots")
    choice = choices.get(service, 1) if isinstance(choices, Mapping) else 1
    return str(found.get("edge") or DEFAULT_SUBNET), choice if isinstance(choice, int) else 1


def subnet_of(network: str) -> str | None:
    """The subnet of an edge network by its name, or None for any other network."""
    match = _NAME.fullmatch(network)
    if match is None:
        return None
    side, address, length = match.groups()
    try:
        found = halves(f"{address.replace('-', '.')}/{length}" if address else DEFAULT_SUBNET)
    except ValueError:
        return None
    return found[_SIDES.index(side)]


class EdgeNetworks:
    """The edge networks of one host. They are made when the first container needs one, and stay."""

    def __init__(self, host: DockerHost, instance: str) -> None:
        self._host = host
        self._instance = instance
        self._lock = Lock()

    def ensure(self, state: State) -> None:
        """Every edge network of a state exists and has its address. Raises Permanent for one that has not, and what the calls
        raise."""
        edge: Mapping[str, str] = state.get("edge") or {}
        for network, entry in endpoints.late(state).items():
            with self._lock:
                details = self._host.networks.inspect(network) or self._make(network, edge[network])
            pools = [str(pool.get("Subnet", "")) for pool in (details.get("IPAM") or {}).get("Config") or ()]
            if not any(_within(entry["ipv4_address"], pool) for pool in pools):
                shown = ", ".join(pools) or "no subnet of its own"
                message = f"the network {network!r} on {self._host.name} has {shown} instead of {edge[network]}"
                raise Permanent(f"{message}; remove it so that it is made as it must be")

    def provide(self, networks: Iterable[str]) -> None:
        """Edge networks that somebody else than an exposed service wants to be on (a proxy in a container) exist."""
        for network in networks:
            subnet = subnet_of(network)
            with self._lock:
                if subnet is not None and self._host.networks.inspect(network) is None:
                    self._make(network, subnet)

    def _make(self, network: str, subnet: str) -> Mapping[str, Any]:
        """Internal: it leads nowhere, so it never becomes the way out of a container that joins it while it runs."""
        first = IPv4Network(subnet).network_address
        pool = {"Subnet": subnet, "IPRange": f"{first}/{32 - (DYNAMIC.bit_length() - 1)}", "Gateway": str(first + 1)}
        body = {
            "Name": network,
            "Driver": "bridge",
            "Internal": True,
            "Labels": {MARK: self._instance},
            "IPAM": {"Driver": "default", "Config": [pool]},
        }
        try:
            with suppress(Conflict):  # somebody else was faster
                self._host.networks.create(body)
        except Permanent as error:
            hint = "choose another subnet for it: `edge:` in the connection of Caddy, such as 10.99.0.0/16"
            raise Permanent(f"the network {network!r} cannot be made on {self._host.name}: {error}; {hint}") from error
        details = self._host.networks.inspect(network)
        if details is None:
            raise Conflict(f"the network {network!r} on {self._host.name} was removed by somebody")
        return details


def _within(address: str, subnet: str) -> bool:
    return bool(subnet) and ":" not in subnet and IPv4Address(address) in IPv4Network(subnet)
