"""Label: a label in Home Assistant."""

from controller.clients.homeassistant.registry import same, verb
from controller.core.kind import Kind
from controller.kinds.label.model import LabelSpec
from controller.kinds.label.resolve import REGISTRY, resolve

KIND = Kind(
    name="label",
    model=LabelSpec,
    summary="A label in Home Assistant, which areas, devices and entities carry.",
    resolve=resolve,
    verb=verb,
    same=same,
    markless=True,
)

__all__ = ["KIND", "REGISTRY", "LabelSpec"]
