"""What an Entity means. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from controller.clients.homeassistant.declared import connection_of
from controller.clients.homeassistant.names import (
    Findings,
    aliases,
    claim,
    declared_as,
    declared_entity,
    entity_id,
    icon,
    optional_title,
)
from controller.core.change import Action
from controller.core.diff import FieldDiff
from controller.core.key import Key
from controller.core.kind import Desired, Surroundings
from controller.core.resource import Gate
from controller.kinds.entity.model import EntitySpec

_PATIENCE = 60.0


def resolve(_name: str, spec: EntitySpec, around: Surroundings) -> Desired:
    """The desired entry. Raises Rejected with every problem."""
    connection = connection_of(spec.via, around.connections)
    found = Findings()
    address = found.read(("entity",), spec.entity, entity_id) or ""
    state: dict[str, Any] = {}
    needs: list[Key | None] = [declared_entity(spec.entity, connection, around)]
    if spec.name is not None:
        state["name"] = found.read(("name",), spec.name, optional_title)
    if spec.icon is not None:
        state["icon"] = found.read(("icon",), spec.icon, icon)
    if spec.area is not None:
        area, key = declared_as("area", spec.area, connection, around)
        state["area"] = area or None
        needs.append(key)
    for field in ("disabled", "hidden"):
        value = getattr(spec, field)
        if value is not None:
            state[field] = value
    if spec.labels is not None:
        labels = [declared_as("label", text, connection, around) for text in spec.labels]
        state["labels"] = sorted({label for label, _ in labels})
        needs += [key for _, key in labels]
    if spec.aliases is not None:
        state["aliases"] = found.read(("aliases",), spec.aliases, aliases)
    if not state and not found.problems:
        found.add((), "it says nothing about the entity", "write a name, icon, area, disabled, hidden, labels or aliases")
    found.end()
    return Desired(
        state=state,
        provider=connection,
        address=address,
        references=tuple(dict.fromkeys(key for key in needs if key is not None)),
        claims=(claim(connection, "entity", address),),
        gate=Gate(timeout=_PATIENCE) if spec.disabled is False else None,
    )


def verb(_fields: Sequence[FieldDiff]) -> Action:
    """Entries change in place."""
    return Action.UPDATE
