"""Entity: an entity's entry in Home Assistant's registry."""

from controller.core.kind import Kind
from controller.kinds.entity.model import EntitySpec
from controller.kinds.entity.provider import EntityProvider
from controller.kinds.entity.resolve import resolve, verb

KIND = Kind(
    name="entity",
    model=EntitySpec,
    summary="How an entity of Home Assistant is called and shown: name, icon, area, labels, disabled, hidden.",
    resolve=resolve,
    verb=verb,
    standing=True,
    lasting=True,
    markless=True,
)

__all__ = ["KIND", "EntityProvider", "EntitySpec"]
