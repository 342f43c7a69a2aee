"""Networks that exist without being ours, as the documents that would declare them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from controller.clients.docker import DockerHost
from controller.core.discovery import Discovery
from controller.core.key import Key

_BUILT_IN = ("bridge", "host", "none", "docker_gwbridge", "ingress")
_OWNER, _KEY = "homelab.owner", "homelab.key"
_EDGE = "homelab.edge"
"""Mark of the networks on which a proxy finds exposed services: they are made by themselves."""
_NOT_OURS_TO_SAY = ("homelab.", "com.docker.compose.")
_POOL = {"Subnet": "subnet", "IPRange": "ip_range", "AuxiliaryAddresses": "aux_addresses"}


def discover(host: DockerHost, instance: str) -> list[Discovery]:
    """Every local network but the engine's own; the caller knows which ones are ours. Raises Transient."""
    found: dict[Key, Discovery] = {}
    for details in sorted(host.networks.all(), key=lambda each: str(each["Name"])):
        labels = details.get("Labels") or {}
        own = details["Name"] in _BUILT_IN or details.get("Scope") != "local" or details.get("ConfigOnly")
        if own or _EDGE in labels:
            continue
        key = _key(str(details["Name"]), labels, instance)
        spec = _spec(details, key.name, host.name)
        group = str(labels.get("com.docker.compose.project", ""))
        found.setdefault(key, Discovery(key, spec, str(details["Name"]), str(details["Id"]), group=group))
    return list(found.values())


def _key(name: str, labels: Mapping[str, str], instance: str) -> Key:
    """One that was ours is called as it was."""
    if labels.get(_OWNER) == instance and labels.get(_KEY, "").startswith("network/"):
        return Key.parse(labels[_KEY])
    return Key("network", _slug(name))


def _spec(details: Mapping[str, Any], name: str, host: str) -> dict[str, Any]:
    labels = {key: value for key, value in (details.get("Labels") or {}).items() if not key.startswith(_NOT_OURS_TO_SAY)}
    driver = details["Driver"]
    spec: dict[str, Any] = {
        "host": "" if host == "local" else host,
        "name": "" if details["Name"] == name else details["Name"],
        "driver": "" if driver == "bridge" else driver,
        "driver_opts": dict(details.get("Options") or {}),
        "internal": bool(details.get("Internal")),
        "attachable": bool(details.get("Attachable")),
        "enable_ipv6": bool(details.get("EnableIPv6")) or None,
        "ipam": _ipam(details.get("IPAM") or {}),
        "labels": labels,
    }
    return {key: value for key, value in spec.items() if value}


def _ipam(given: Mapping[str, Any]) -> dict[str, Any]:
    pools = []
    for each in given.get("Config") or ():
        pool = {name: each[key] for key, name in _POOL.items() if each.get(key)}
        gateway = str(each.get("Gateway", "")).partition("/")[0]
        if gateway and not gateway.endswith((".1", "::1")):
            pool["gateway"] = gateway
        pools.append(pool)
    driver = given.get("Driver") or "default"
    found = {"driver": "" if driver == "default" else driver, "config": pools, "options": dict(given.get("Options") or {})}
    return {name: value for name, value in found.items() if value}


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-") or "unnamed"
