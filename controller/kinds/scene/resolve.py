"""What a Scene means. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from controller.clients.homeassistant.declaring import declared
from controller.clients.homeassistant.names import Unfit, entity_id
from controller.core.errors import Problem
from controller.core.kind import Desired, Surroundings
from controller.kinds.scene.model import SceneSpec


def resolve(name: str, spec: SceneSpec, around: Surroundings) -> Desired:
    """The desired scene. Raises Rejected with every problem."""
    return declared("scene", name, spec, around, list(_problems(spec)))


def _problems(spec: SceneSpec) -> Iterator[Problem]:
    """Home Assistant takes nothing but text, and on and off, for a state."""
    for entity, wanted in spec.entities.items():
        try:
            entity_id(entity.strip().lower())
        except Unfit as error:
            yield Problem(("entities", entity), str(error), error.hint)
            continue
        state = wanted.get("state") if isinstance(wanted, Mapping) else wanted
        if not isinstance(state, (str, bool)):
            path = ("entities", entity, "state") if isinstance(wanted, Mapping) and "state" in wanted else ("entities", entity)
            hint = f'put it in quotes: "{state}"' if isinstance(state, (int, float)) else "write its `state:`"
            yield Problem(path, f"the state of {entity} must be text", hint)
