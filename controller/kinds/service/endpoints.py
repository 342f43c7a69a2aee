"""How a service is attached to networks: from the normal form into endpoints, and back from what an engine shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from controller.core.state import State
from controller.kinds.service import names

DEFAULT = "bridge"
PLAIN_MODES = ("host", "none")
_SHORT_ID = re.compile(r"[0-9a-f]{12}")
_OWN_NAMESPACE = ("host", "none", "container:")
_FIXED = ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address", "driver_opts", "gw_priority", "interface_name")

Attachments = Mapping[str, Mapping[str, Any]]


def attachments(state: State) -> Attachments:
    """The networks of a state, by the engine's name of them."""
    return state.get("networks") or {}


def late(state: State) -> Attachments:
    """The edge networks of a state, the one that traffic takes first: a new container is found there only when it is healthy."""
    edge = state.get("edge") or {}
    return {name: entry for name, entry in sorted(attachments(state).items()) if name in edge}


def without(state: State, names: Collection[str]) -> State:
    """A state that is not on some of its networks."""
    return {**state, "networks": {name: entry for name, entry in attachments(state).items() if name not in names}}


def joined(details: Mapping[str, Any]) -> Collection[str]:
    """The networks that a container is on, running or not."""
    return (details.get("NetworkSettings", {}).get("Networks") or {}).keys()


def early(state: State) -> Attachments:
    """The networks that a container is on from the start."""
    edge = state.get("edge") or {}
    return {name: entry for name, entry in attachments(state).items() if name not in edge}


def primary(state: State) -> str:
    """The network that a container starts on: highest priority, then first by name, as in Compose."""
    networks = early(state)
    return min(networks, key=lambda name: (-int(networks[name].get("priority", 0)), name), default="none")


def endpoint(entry: Mapping[str, Any], *, quiet: bool = False) -> dict[str, Any]:
    """The settings of one attachment. A `quiet` one has no aliases: nobody finds it by name."""
    addresses = {
        "IPv4Address": entry.get("ipv4_address"),
        "IPv6Address": entry.get("ipv6_address"),
        "LinkLocalIPs": entry.get("link_local_ips"),
    }
    ipam = {name: value for name, value in addresses.items() if value}
    options = {**(entry.get("driver_opts") or {})}
    if entry.get("interface_name"):
        options["com.docker.network.endpoint.ifname"] = entry["interface_name"]
    settings = {
        "Aliases": None if quiet else list(entry.get("aliases") or ()) or None,
        "IPAMConfig": ipam or None,
        "MacAddress": entry.get("mac_address"),
        "DriverOpts": options or None,
        "GwPriority": entry.get("gw_priority"),
    }
    return {name: value for name, value in settings.items() if value is not None}


def differs(wanted: Mapping[str, Any], shown: Mapping[str, Any]) -> bool:
    """True when an attachment must be made anew; what an engine invents by itself is no difference."""
    return any(wanted.get(name, shown.get(name)) != shown.get(name) for name in _FIXED) or (
        sorted(wanted.get("aliases") or ()) != sorted(shown.get("aliases") or ())
    )


def shown(details: Mapping[str, Any], name_of: Callable[[str], str]) -> dict[str, Any]:
    """`networks`, or `network_mode` for a container without a network of its own. `name_of` turns a container's id into the
    service or container that it is called by."""
    mode = str(details["HostConfig"].get("NetworkMode", ""))
    if mode.startswith(_OWN_NAMESPACE):
        return {"network_mode": referenced(mode, name_of)}
    networks = details["NetworkSettings"].get("Networks") or {}
    labels = details["Config"].get("Labels") or {}
    chosen = names.MAC in labels or bool(details["Config"].get("MacAddress"))
    # Engines before 25 add the host name to the aliases; later ones answer to it as well and do not show it.
    implied = (details["Id"][:12], details["Config"].get("Hostname"))
    found = {name: _entry(settings or {}, implied) for name, settings in networks.items()}
    if not chosen:
        # An engine makes one up at every start: it is no part of what the container is.
        for entry in found.values():
            entry.pop("mac_address", None)
    return {"networks": found}


def referenced(mode: str, name_of: Callable[[str], str]) -> str:
    """A namespace mode with the container's id replaced by what it is called."""
    kind, colon, container = mode.partition(":")
    return name_of(container) if colon and kind == "container" else mode


def donors(state: State, container_id: Callable[[str], str]) -> list[str]:
    """Containers to take volumes from, by id: `NAME`, `NAME:ro` or `container:NAME` in the normal form."""
    found = []
    for text in state.get("volumes_from") or ():
        known = text if text.startswith("container:") else f"service:{text}"
        kind, name, *access = known.split(":")
        found.append(":".join([container_id(f"{kind}:{name}"), *access]))
    return found


def donated(given: Any, name_of: Callable[[str], str]) -> list[str]:
    """The same as a container shows it."""
    found = []
    for text in given or ():
        container, *access = str(text).split(":")
        found.append(":".join([name_of(container).removeprefix("service:"), *access]))
    return found


def _entry(settings: Mapping[str, Any], implied: tuple[Any, ...]) -> dict[str, Any]:
    ipam = settings.get("IPAMConfig") or {}
    options = dict(settings.get("DriverOpts") or {})
    found = {
        "aliases": sorted(alias for alias in settings.get("Aliases") or () if alias not in implied),
        "ipv4_address": ipam.get("IPv4Address"),
        "ipv6_address": ipam.get("IPv6Address"),
        "link_local_ips": ipam.get("LinkLocalIPs"),
        "interface_name": options.pop("com.docker.network.endpoint.ifname", None),
        "driver_opts": options,
        "mac_address": settings.get("MacAddress"),
        "gw_priority": settings.get("GwPriority"),
    }
    return {name: value for name, value in found.items() if value}
