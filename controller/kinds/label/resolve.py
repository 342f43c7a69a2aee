"""What a Label means. Pure."""

from __future__ import annotations

import re
from typing import Any

from controller.clients.homeassistant.declared import connection_of
from controller.clients.homeassistant.names import Findings, Unfit, entry_claims, icon, identity, optional_title
from controller.clients.homeassistant.registry import Pointer, Registry
from controller.core.kind import Desired, Surroundings
from controller.core.suggest import did_you_mean
from controller.kinds.label.model import LabelSpec

REGISTRY = Registry(
    kind="label",
    fields={"name": "name", "icon": "icon", "color": "color", "description": "description"},
    pointers=(
        Pointer("area", "labels", many=True),
        Pointer("device", "labels", many=True),
        Pointer("entity", "labels", many=True),
    ),
    folded=frozenset(["color"]),
)
COLOURS = frozenset(
    "primary accent disabled red pink purple deep-purple indigo blue light-blue cyan teal green light-green lime yellow amber "
    "orange deep-orange brown light-grey grey dark-grey blue-grey black white".split()
)
"""The names that Home Assistant knows (components/config/label_registry.py, 2025.4 and 2026.11)."""
_HEX = re.compile(r"#[0-9a-f]{6}")


def resolve(name: str, spec: LabelSpec, around: Surroundings) -> Desired:
    """The desired label. Raises Rejected with every problem."""
    connection = connection_of(spec.via, around.connections)
    found = Findings()
    address, called = identity(found, name, spec.id, spec.name)
    state: dict[str, Any] = {"name": called}
    if spec.icon is not None:
        state["icon"] = found.read(("icon",), spec.icon, icon)
    if spec.color is not None:
        state["color"] = found.read(("color",), spec.color, colour)
    if spec.description is not None:
        state["description"] = found.read(("description",), spec.description, optional_title)
    found.end()
    return Desired(
        state=state,
        provider=connection,
        address=address,
        claims=entry_claims(connection, "label", address, called),
    )


def colour(text: str) -> str | None:
    """A colour, None for an empty one. Raises Unfit."""
    found = text.strip().lower()
    if found and found not in COLOURS and not _HEX.fullmatch(found):
        raise Unfit(f"{text!r} is not a colour", did_you_mean(found, COLOURS) or 'write a name such as light-green, or "#RRGGBB"')
    return found or None
