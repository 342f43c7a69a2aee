"""Which Caddy is meant where several may be declared. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from controller.clients.caddy.connection import TYPE, Connection
from controller.core.errors import Problem, Rejected
from controller.core.state import canonical


def caddy_called(via: str, connections: Mapping[str, Mapping[str, Any]]) -> Connection:
    """The Caddy called `via`, or the only one there is. Raises Rejected."""
    known = [name for name, declared in connections.items() if declared.get("type") == TYPE]
    chosen = via or (known[0] if len(known) == 1 else "")
    if chosen in known:
        try:
            return _read(chosen, canonical(connections[chosen]))
        except Rejected as error:  # told where the connection is written
            raise Rejected([Problem(("via",), f"the connection {chosen!r} is not usable: {error}")]) from error
    if not known:
        hint = "add one: `connections: {caddy: {type: caddy, admin: 'unix:///run/caddy/admin.sock'}}`"
        raise Rejected([Problem((), "homelab.yaml declares no Caddy", hint)])
    if via:
        raise Rejected([Problem(("via",), f"there is no Caddy {via!r} in homelab.yaml", f"known: {', '.join(known)}")])
    raise Rejected([Problem((), f"several Caddys are declared: {', '.join(known)}", f"say which: `via: {known[0]}`")])


@lru_cache(maxsize=16)
def _read(name: str, declared: str) -> Connection:
    """Read once: every route asks for it."""
    return Connection.parse(name, json.loads(declared))
