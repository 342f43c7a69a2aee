"""What we call things on an engine: the two other names of a container during a replacement, and our labels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from controller.core.key import Key
from controller.core.secret import secret_in
from controller.core.state import State, canonical, fingerprint

NEXT, PREV = ".next", ".prev"
PREFIX = "homelab."
OWNER = "homelab.owner"
KEY = "homelab.key"
SPEC = "homelab.spec"
RESTART = "homelab.restart"
SECRETS = "homelab.secrets"
FILES = "homelab.files"
REPLACED = "homelab.replaced"
COMPLETES = "homelab.completes"
MAC = "homelab.mac"
EDGE = "homelab.edge"
_DELIVERED = ("configs", "secrets")


def marks(key: Key, instance: str, state: State, delivered: Mapping[str, Any], replaced: str) -> dict[str, str]:
    """Our labels for a container: whose it is, which resource, the identity of its normal form, the restart policy it gets
    after its probation, which variables hold secrets, which contents were put into it, which container it takes the place of,
    whether others wait for its end, and on which networks a proxy finds it."""
    secret = sorted(name for name, value in (state.get("environment") or {}).items() if secret_in(value) is not None)
    found = {
        OWNER: instance,
        KEY: str(key),
        SPEC: identity(state),
        RESTART: str(state.get("restart", "")),
        SECRETS: ",".join(secret),
        FILES: canonical(delivered) if delivered else "",
        REPLACED: replaced,
        COMPLETES: "yes" if state.get("completes") else "",
        EDGE: canonical(state["edge"]) if state.get("edge") else "",
        MAC: "yes" if any("mac_address" in entry for entry in (state.get("networks") or {}).values()) else "",
    }
    return {name: value for name, value in found.items() if value or name == RESTART}


def identity(state: State) -> str:
    """What makes two containers twins: everything but whether it runs and under which policy, which change in place."""
    return fingerprint({name: value for name, value in state.items() if name not in ("status", "restart")})


def secret_names(labels: Mapping[str, str]) -> frozenset[str]:
    """Names of the variables that a label says hold secrets."""
    return frozenset(name for name in labels.get(SECRETS, "").split(",") if name)


def delivered(labels: Mapping[str, str]) -> dict[str, Any]:
    """The contents that a label says were put into the container: parts of the normal form."""
    return _data(labels, FILES)


def edge(labels: Mapping[str, str]) -> dict[str, Any]:
    """The edge networks with their subnets that a label says the container was made for."""
    return _data(labels, EDGE)


def _data(labels: Mapping[str, str], name: str) -> dict[str, Any]:
    try:
        found = json.loads(labels.get(name, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def family(address: str) -> tuple[str, str, str]:
    """The three names of a service's containers: the one that stands, the one that comes, the one that was."""
    return address, address + NEXT, address + PREV


def stem(name: str) -> str:
    """The address that a container's name belongs to."""
    for suffix in (NEXT, PREV):
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


def without_marks(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels that are not ours."""
    return {name: value for name, value in labels.items() if not name.startswith(PREFIX)}


def contents(state: State) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Every content to put into a container, as (path inside, entry)."""
    for part in _DELIVERED:
        yield from (state.get(part) or {}).items()
