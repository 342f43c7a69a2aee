"""Script: actions of Home Assistant under a name, to be called."""

from controller.clients.homeassistant.declaring import WHOLE, same, verb
from controller.core.kind import Kind
from controller.kinds.script.model import ScriptSpec
from controller.kinds.script.resolve import resolve

KIND = Kind(
    name="script",
    model=ScriptSpec,
    summary="Actions of Home Assistant under a name, to be called by a person, an automation or another script.",
    resolve=resolve,
    verb=verb,
    same=same,
    whole=WHOLE,
    markless=True,
)

__all__ = ["KIND", "ScriptSpec"]
