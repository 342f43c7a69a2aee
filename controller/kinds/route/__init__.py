"""Route: a host name, and where its requests go."""

from controller.core.kind import Kind
from controller.kinds.route.caddy import RouteProvider
from controller.kinds.route.expand import expand
from controller.kinds.route.model import RouteSpec
from controller.kinds.route.resolve import WHOLE, resolve, same, verb
from controller.kinds.route.telling import STAGES
from controller.kinds.route.widening import widens

KIND = Kind(
    name="route",
    model=RouteSpec,
    summary="A host name, and where its requests go: a service, addresses, another place or a folder.",
    resolve=resolve,
    expand=expand,
    verb=verb,
    widens=widens,
    same=same,
    whole=WHOLE,
    stages=STAGES,
)

__all__ = ["KIND", "RouteProvider", "RouteSpec"]
