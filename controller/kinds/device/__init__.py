"""Device: what one entity of Home Assistant is to be."""

from controller.core.kind import Kind
from controller.kinds.device.domains import CALLED
from controller.kinds.device.model import DeviceSpec
from controller.kinds.device.provider import DeviceProvider
from controller.kinds.device.resolve import attended, expand, heeds, resolve, reversal, same, verb

KIND = Kind(
    name="device",
    model=DeviceSpec,
    summary="What an entity of Home Assistant is to be: a lamp, a thermostat, a cover, a lock.",
    resolve=resolve,
    expand=expand,
    verb=verb,
    reversal=reversal,
    same=same,
    markless=True,
    lasting=True,
    standing=True,
    volatile=True,
    attended=attended,
    heeds=heeds,
    called=CALLED,
)

__all__ = ["KIND", "DeviceProvider", "DeviceSpec"]
