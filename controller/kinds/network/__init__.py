"""Network: a network on a Docker host that services share."""

from controller.core.kind import Kind
from controller.kinds.network.docker import NetworkProvider
from controller.kinds.network.model import NetworkSpec
from controller.kinds.network.resolve import resolve, same

KIND = Kind(
    name="network",
    model=NetworkSpec,
    summary="A network on a Docker host that services share.",
    resolve=resolve,
    same=same,
)

__all__ = ["KIND", "NetworkProvider", "NetworkSpec"]
