"""What a Network means, and how differences of one are judged. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controller.clients.docker import CONTAINER_NAME
from controller.core.diff import FieldDiff, compare, equal
from controller.core.errors import Problem, Rejected
from controller.core.kind import Desired, Surroundings
from controller.core.resource import Mode, Risk
from controller.core.state import State
from controller.kinds.network.model import NetworkSpec, Pool

_BUILT_IN = ("bridge", "host", "none")
_HOST_DRIVERS = ("macvlan", "ipvlan")


def resolve(name: str, spec: NetworkSpec, around: Surroundings) -> Desired:
    """The desired network. Raises Rejected."""
    address = spec.name or name
    problems = []
    if not CONTAINER_NAME.fullmatch(address):
        problems.append(Problem(("name",), f"{address!r} cannot be the name of a network", "use at least two letters or digits"))
    if address in _BUILT_IN and not spec.external:
        problems.append(Problem(("name",), f"the network {address!r} is the engine's own", "use another name"))
    if spec.host != "local" and spec.host not in around.connections:
        problems.append(Problem(("host",), f"there is no connection {spec.host!r} in homelab.yaml"))
    if problems:
        raise Rejected(problems)
    if spec.external:
        return Desired({"name": address}, spec.host, address, mode=Mode.OBSERVE)
    risks = [Risk(f"network-driver:{spec.driver}", "containers appear in the house's own network")]
    return Desired(
        state=_state(address, spec),
        provider=spec.host,
        address=address,
        claims=(f"network:{address}@{spec.host}",),
        risks=tuple(risks) if spec.driver in _HOST_DRIVERS else (),
    )


def same(path: tuple[str, ...], desired: Any, observed: Any) -> bool:
    """Equal data; what is not said and empty are the same."""
    return equal(path, desired, observed) or (not desired and not observed)


def differences(wanted: State, shown: State) -> Sequence[FieldDiff]:
    """Declared fields that a network does not show."""
    return compare(wanted, shown, same=same)


def pairs(labels: Mapping[str, Any] | list[str]) -> dict[str, str]:
    """Labels in either of Compose's spellings as a map."""
    if isinstance(labels, list):
        return dict(str(each).partition("=")[::2] for each in labels)
    return {name: "" if value is None else str(value) for name, value in labels.items()}


def _state(address: str, spec: NetworkSpec) -> dict[str, Any]:
    ipam = {
        "driver": spec.ipam.driver,
        "options": dict(spec.ipam.options),
        "config": {pool.subnet or "auto": _pool(pool) for pool in spec.ipam.config},
    }
    found = {
        "name": address,
        "driver": spec.driver or "bridge",
        "driver_opts": dict(spec.driver_opts),
        "attachable": spec.attachable,
        "internal": spec.internal,
        "enable_ipv4": spec.enable_ipv4,
        "enable_ipv6": spec.enable_ipv6,
        "ipam": {name: value for name, value in ipam.items() if value},
        "labels": pairs(spec.labels),
    }
    return {name: value for name, value in found.items() if value not in ({}, None)}


def _pool(pool: Pool) -> dict[str, Any]:
    found = {"subnet": pool.subnet, "ip_range": pool.ip_range, "gateway": pool.gateway, "aux_addresses": dict(pool.aux_addresses)}
    return {name: value for name, value in found.items() if value}
