"""Area: a room or another place in Home Assistant."""

from controller.clients.homeassistant.registry import same, verb
from controller.core.kind import Kind
from controller.kinds.area.model import AreaSpec
from controller.kinds.area.resolve import REGISTRY, resolve

KIND = Kind(
    name="area",
    model=AreaSpec,
    summary="A room or another place in Home Assistant, with its floor, labels and other names.",
    resolve=resolve,
    verb=verb,
    same=same,
    markless=True,
)

__all__ = ["KIND", "REGISTRY", "AreaSpec"]
