"""What a Helper means, and how differences of one are judged. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from controller.clients.homeassistant.declared import connection_of
from controller.clients.homeassistant.names import Findings, claim, icon, identified, in_words, title
from controller.core.change import Action
from controller.core.diff import FieldDiff, equal
from controller.core.kind import Desired, Surroundings
from controller.core.resource import Gate
from controller.kinds.helper.fields import DAYS, hides, read
from controller.kinds.helper.model import HelperSpec

_COMMON = frozenset(["via", "type", "id", "name", "icon"])
_PATIENCE = 30.0


def resolve(name: str, spec: HelperSpec, around: Surroundings) -> Desired:
    """The desired helper. Raises Rejected with every problem."""
    connection = connection_of(spec.via, around.connections)
    found = Findings()
    address = found.read(("id",) if spec.id else (), spec.id, lambda text: identified(name, text)) or ""
    called = found.read(("name",), spec.name or in_words(name), title) or ""
    state: dict[str, Any] = {"type": spec.type, "name": called}
    if spec.icon is not None:
        state["icon"] = found.read(("icon",), spec.icon, icon)
    said = {
        field: [period.model_dump(by_alias=True) for period in value] if field in DAYS else value
        for field in HelperSpec.model_fields
        if field not in _COMMON and (value := getattr(spec, field)) is not None
    }
    state |= read(spec.type, said, found)
    entity = f"{spec.type}.{address}"
    if hides(entity, state):
        found.add(("initial",), "a helper cannot hold a secret, and `initial` looks like one", "leave it out, and enter it there")
    found.end()
    return Desired(
        state=state,
        provider=connection,
        address=entity,
        claims=(claim(connection, "helper", entity),),
        gate=Gate(timeout=_PATIENCE),
    )


def same(path: tuple[str, ...], desired: Any, observed: Any) -> bool:
    """Equal data. Home Assistant forgets the initial value of a number at its next start, and keeps the number."""
    if path == ("initial",) and observed is None:
        return isinstance(desired, (int, float)) and not isinstance(desired, bool)
    return equal(path, desired, observed)


def verb(_fields: Sequence[FieldDiff]) -> Action:
    """Helpers change in place."""
    return Action.UPDATE
