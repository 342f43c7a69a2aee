"""Scene: states for entities under a name, all set at once."""

from controller.clients.homeassistant.declaring import WHOLE, same, verb
from controller.core.kind import Kind
from controller.kinds.scene.model import SceneSpec
from controller.kinds.scene.resolve import resolve

KIND = Kind(
    name="scene",
    model=SceneSpec,
    summary="States for entities of Home Assistant under a name, all set at once.",
    resolve=resolve,
    verb=verb,
    same=same,
    whole=WHOLE,
    markless=True,
)

__all__ = ["KIND", "SceneSpec"]
