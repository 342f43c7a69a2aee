"""What an Area means. Pure."""

from __future__ import annotations

from typing import Any

from controller.clients.homeassistant.declared import connection_of
from controller.clients.homeassistant.names import (
    Findings,
    aliases,
    declared_as,
    declared_entity,
    entity_id,
    entry_claims,
    icon,
    identity,
)
from controller.clients.homeassistant.registry import Pointer, Registry
from controller.core.key import Key
from controller.core.kind import Desired, Surroundings
from controller.kinds.area.model import AreaSpec

REGISTRY = Registry(
    kind="area",
    fields={
        "name": "name",
        "icon": "icon",
        "floor": "floor_id",
        "labels": "labels",
        "aliases": "aliases",
        "picture": "picture",
        "temperature_entity_id": "temperature_entity_id",
        "humidity_entity_id": "humidity_entity_id",
    },
    pointers=(Pointer("device", "area_id"), Pointer("entity", "area_id")),
    lists=frozenset(["labels", "aliases"]),
    refers={"floor": "floor", "labels": "label"},
)
_SENSORS = ("temperature_entity_id", "humidity_entity_id")


def resolve(name: str, spec: AreaSpec, around: Surroundings) -> Desired:
    """The desired area. Raises Rejected with every problem."""
    connection = connection_of(spec.via, around.connections)
    found = Findings()
    address, called = identity(found, name, spec.id, spec.name)
    state: dict[str, Any] = {"name": called}
    needs: list[Key | None] = []
    if spec.icon is not None:
        state["icon"] = found.read(("icon",), spec.icon, icon)
    if spec.floor is not None:
        floor, key = declared_as("floor", spec.floor, connection, around)
        state["floor"] = floor or None
        needs.append(key)
    if spec.labels is not None:
        labels = [declared_as("label", text, connection, around) for text in spec.labels]
        state["labels"] = sorted({label for label, _ in labels})
        needs += [key for _, key in labels]
    if spec.aliases is not None:
        state["aliases"] = found.read(("aliases",), spec.aliases, aliases)
    if spec.picture is not None:
        state["picture"] = spec.picture or None
    for field in _SENSORS:
        value = getattr(spec, field)
        if value is not None:
            state[field] = found.read((field,), value, entity_id) if value else None
            needs.append(declared_entity(value, connection, around))
    found.end()
    return Desired(
        state=state,
        provider=connection,
        address=address,
        references=tuple(dict.fromkeys(key for key in needs if key is not None)),
        claims=entry_claims(connection, "area", address, called),
    )
