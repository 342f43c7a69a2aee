"""Volume: data on a Docker host that outlives every container."""

from controller.core.kind import Kind
from controller.kinds.volume.docker import VolumeProvider
from controller.kinds.volume.model import VolumeSpec
from controller.kinds.volume.resolve import resolve, reversal, same, verb

KIND = Kind(
    name="volume",
    model=VolumeSpec,
    summary="Data on a Docker host that outlives every container; never deleted without approval.",
    resolve=resolve,
    verb=verb,
    reversal=reversal,
    same=same,
)

__all__ = ["KIND", "VolumeProvider", "VolumeSpec"]
