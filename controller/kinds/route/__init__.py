"""Route: a host name, and where its requests go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from controller.clients.caddy import Connection
from controller.core.errors import Problem, Rejected
from controller.core.kind import Kind
from controller.core.ports import Clock, Provider
from controller.kinds.route.caddy import RouteProvider
from controller.kinds.route.expand import expand
from controller.kinds.route.model import RouteSpec
from controller.kinds.route.resolve import WHOLE, resolve, same, verb

KIND = Kind(
    name="route",
    model=RouteSpec,
    summary="A host name, and where its requests go: a service, addresses, another place or a folder.",
    resolve=resolve,
    expand=expand,
    verb=verb,
    same=same,
    whole=WHOLE,
)


class Tools(Protocol):
    """What it takes to open a connection."""

    @property
    def clock(self) -> Clock:
        """The teller of time."""


def open_caddy(name: str, declared: Mapping[str, Any], tools: Tools) -> Mapping[str, Provider]:
    """The providers behind a connection of the type `caddy`. Never connects; raises Rejected for a wrong declaration."""
    return {"route": RouteProvider(Connection.parse(name, declared), tools.clock)}


def caddy_problems(name: str, declared: Mapping[str, Any]) -> Iterable[Problem]:
    """What is wrong with such a connection."""
    try:
        Connection.parse(name, declared)
    except Rejected as error:
        return error.problems
    return ()


__all__ = ["KIND", "RouteProvider", "RouteSpec", "caddy_problems", "open_caddy"]
