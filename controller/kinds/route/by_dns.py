"""`tls: dns`: which certificate, ordered by the controller with a proof in the DNS, each host of a Route is served with. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from controller.clients.caddy import FOLDER_HINT, Connection
from controller.clients.dns.names import Unwritable, owner_name
from controller.core.dns import certificate_key
from controller.core.errors import Problem
from controller.core.key import Key
from controller.core.kind import Surroundings
from controller.kinds.route.hosts import Place, covers

FROM_DNS = "dns"


def problems(hosts: Iterable[tuple[Place, str]], around: Surroundings, connection: Connection) -> Iterable[Problem]:
    """Why hosts cannot be served so."""
    if not connection.certificates:
        yield Problem(("tls",), f"the connection {connection.name!r} names no folder for certificates", FOLDER_HINT)
    for at, host in hosts:
        for name, each in _written(around):
            if _name(getattr(each, "host", "")) == host and getattr(each, "challenge", "") != FROM_DNS:
                hint = f"write `challenge: dns` in certificate/{name}, or leave it out"
                yield Problem(at, f"certificate/{name} says that Caddy orders the one of {host}", hint)


def chosen(host: str, around: Surroundings) -> tuple[Key, str]:
    """The certificate that a host is served with, and the host that its file is named after: a written one, or the one that the
    Route makes."""
    return written(host, around) or (certificate_key(host), host)


def written(host: str, around: Surroundings) -> tuple[Key, str] | None:
    """The written certificate that is good for a host: its own, or else one that names it, or one of a wildcard."""
    fitting = []
    for name, each in _written(around):
        first = _name(getattr(each, "host", ""))
        names = [first, *map(_name, getattr(each, "names", ()))]
        good = host in names or any(covers(wildcard, host) for wildcard in names)
        if good and getattr(each, "challenge", "") == FROM_DNS:
            fitting.append((first != host, host not in names, name, first))
    if not fitting:
        return None
    _, _, name, first = min(fitting)
    return Key("certificate", name), first


def _written(around: Surroundings) -> list[tuple[str, Any]]:
    return sorted(around.others("certificate").items())


def _name(text: Any) -> str:
    try:
        return owner_name(str(text))
    except Unwritable:
        return ""
