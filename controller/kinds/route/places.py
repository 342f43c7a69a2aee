"""Which Caddy holds a route. Pure."""

from __future__ import annotations

from controller.clients.caddy import TYPE, Connection
from controller.core.errors import Problem, Rejected
from controller.core.kind import Surroundings
from controller.kinds.route.model import RouteSpec


def caddy_of(spec: RouteSpec, around: Surroundings) -> Connection:
    """The Caddy that holds a route. Raises Rejected."""
    known = [name for name, declared in around.connections.items() if declared.get("type") == TYPE]
    chosen = spec.via or (known[0] if len(known) == 1 else "")
    if chosen in known:
        try:
            return Connection.parse(chosen, around.connections[chosen])
        except Rejected as error:  # told where the connection is written
            raise Rejected([Problem(("via",), f"the connection {chosen!r} is not usable: {error}")]) from error
    if not known:
        hint = "add one: `connections: {caddy: {type: caddy, admin: 'unix:///run/caddy/admin.sock'}}`"
        raise Rejected([Problem((), "homelab.yaml declares no Caddy", hint)])
    if spec.via:
        raise Rejected([Problem(("via",), f"there is no Caddy {spec.via!r} in homelab.yaml", f"known: {', '.join(known)}")])
    raise Rejected([Problem((), f"several Caddys are declared: {', '.join(known)}", f"say which: `via: {known[0]}`")])
