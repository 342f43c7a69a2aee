"""Which Home Assistant is meant where several may be declared. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.clients.homeassistant.connection import TYPE
from controller.core.errors import Problem, Rejected
from controller.core.suggest import did_you_mean

_HINT = "add one: `connections: {home: {type: homeassistant, url: 'http://192.0.2.5:8123', token: {ref: homeassistant/token}}}`"


def connection_of(via: str, connections: Mapping[str, Mapping[str, Any]]) -> str:
    """The name of the Home Assistant called `via`, or of the only one there is. Raises Rejected."""
    known = sorted(name for name, declared in connections.items() if declared.get("type") == TYPE)
    if via in known:
        return via
    if not known:
        raise Rejected([Problem(("via",) if via else (), "homelab.yaml declares no Home Assistant", _HINT)])
    if via:
        hint = did_you_mean(via, known) or f"known: {', '.join(known)}"
        raise Rejected([Problem(("via",), f"there is no Home Assistant {via!r} in homelab.yaml", hint)])
    if len(known) > 1:
        said = f"several Home Assistants are declared: {', '.join(known)}"
        raise Rejected([Problem((), said, f"say which: `via: {known[0]}`")])
    return known[0]
