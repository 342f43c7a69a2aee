"""What stands behind the entity of an automation, a script or a scene. Pure."""

from __future__ import annotations

from controller.clients.homeassistant.model import Shown


def stands(shown: Shown | None) -> bool:
    """True while something shows this state. Home Assistant remembers the entity of what it does not find any more (and shows it
    as unavailable and restored), and shows nothing for one that is disabled."""
    return shown is not None and not shown.restored


def ends(shown: Shown | None) -> str:
    """What a change of the body would end."""
    running = shown.attributes.get("current") if shown is not None else 0
    return "it runs right now, and a changed body ends that" if isinstance(running, int) and running > 0 else ""


def in_yaml(kind: str, name: str) -> str:
    """Why something that only an editor of YAML can change is left alone."""
    return f"the {kind} {name!r} is written in Home Assistant's own YAML: change it there, or move it"


def unloaded(kind: str) -> str:
    """Why something that is stored has no entity."""
    file = f"{kind}s.yaml"
    return (
        f"Home Assistant accepted it and does not load it: add `{kind}: !include {file}` to its configuration.yaml and restart "
        f"it; where that stands there, another {kind} in YAML has this id"
    )
