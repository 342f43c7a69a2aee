"""Routes of a person's own in a running Caddy: found by what they say, taken over as they are. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from controller.clients.caddy import OWNED, Connection
from controller.core.state import fingerprint
from controller.kinds.route.layout import ROOT, Placed, servers
from controller.kinds.route.policies import Certificates
from controller.kinds.route.read import name_of
from controller.kinds.route.render import Json

_MARK = "found:"


def handle_of(raw: Json) -> str:
    """What a route without our mark is called: another content is another route."""
    return f"{_MARK}{fingerprint(raw)[:24]}"


def find(document: Any, handle: str, connection: Connection) -> Placed | None:
    """The route of a person's own with a handle, in its surroundings."""
    if not handle.startswith(_MARK):
        return None
    for server, raw in strange(document):
        if handle_of(raw) == handle:
            certificates = Certificates.of(document, owned=connection.mode == OWNED)
            entry = Placed(raw, {})
            return Placed(raw, certificates.tls("", entry.hosts, plain=False), (), server)
    return None


def without(document: Any, raw: Json) -> Any:
    """The configuration without that route."""
    found = {
        name: {**server, "routes": [item for item in server["routes"] if item is not raw]}
        if any(item is raw for item in server.get("routes") or ())
        else server
        for name, server in servers(document).items()
    }
    apps = document["apps"]
    return {**document, "apps": {**apps, "http": {**apps["http"], "servers": found}}}


def strange(document: Any) -> Iterator[tuple[str, Json]]:
    """(server, route) of every route at the top of a server that is not ours."""
    for name, server in servers(document).items():
        for raw in server.get("routes") or ():
            if isinstance(raw, dict) and raw.get("@id") != ROOT and not name_of(raw):
                yield name, raw
