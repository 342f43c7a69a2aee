"""Which Caddy holds a route. Pure."""

from __future__ import annotations

from controller.clients.caddy import Connection, caddy_called
from controller.core.kind import Surroundings
from controller.kinds.route.model import RouteSpec


def caddy_of(spec: RouteSpec, around: Surroundings) -> Connection:
    """The Caddy that holds a route. Raises Rejected."""
    return caddy_called(spec.via, around.connections)
