"""What a Floor means. Pure."""

from __future__ import annotations

from typing import Any

from controller.clients.homeassistant.declared import connection_of
from controller.clients.homeassistant.names import Findings, aliases, entry_claims, icon, identity
from controller.clients.homeassistant.registry import Pointer, Registry
from controller.core.kind import Desired, Surroundings
from controller.kinds.floor.model import FloorSpec

REGISTRY = Registry(
    kind="floor",
    fields={"name": "name", "icon": "icon", "level": "level", "aliases": "aliases"},
    pointers=(Pointer("area", "floor_id"),),
    lists=frozenset(["aliases"]),
)


def resolve(name: str, spec: FloorSpec, around: Surroundings) -> Desired:
    """The desired floor. Raises Rejected with every problem."""
    connection = connection_of(spec.via, around.connections)
    found = Findings()
    address, called = identity(found, name, spec.id, spec.name)
    state: dict[str, Any] = {"name": called}
    if spec.icon is not None:
        state["icon"] = found.read(("icon",), spec.icon, icon)
    if spec.level is not None:
        state["level"] = spec.level
    if spec.aliases is not None:
        state["aliases"] = found.read(("aliases",), spec.aliases, aliases)
    found.end()
    return Desired(
        state=state,
        provider=connection,
        address=address,
        claims=entry_claims(connection, "floor", address, called),
    )
