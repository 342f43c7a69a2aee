"""Floor: a floor in Home Assistant."""

from controller.clients.homeassistant.registry import same, verb
from controller.core.kind import Kind
from controller.kinds.floor.model import FloorSpec
from controller.kinds.floor.resolve import REGISTRY, resolve

KIND = Kind(
    name="floor",
    model=FloorSpec,
    summary="A floor in Home Assistant, which areas are on.",
    resolve=resolve,
    verb=verb,
    same=same,
    markless=True,
)

__all__ = ["KIND", "REGISTRY", "FloorSpec"]
