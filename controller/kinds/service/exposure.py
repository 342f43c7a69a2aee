"""`expose` as a map: the Route that it stands for, and the places on the edge that a routed service has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from controller.clients.compose.filled import filled
from controller.core.document import Draft
from controller.core.errors import Problem, Rejected
from controller.core.explain import explain
from controller.core.key import Key
from controller.core.kind import Surroundings
from controller.core.state import fingerprint
from controller.kinds.service.edge import Place, edge_of, place

EXPOSE = "expose"
HOST_NETWORK = "host"
_LONGEST = 63
_SHORT = 8
_OTHER = re.compile(r"[^a-z0-9]+")


def _as_route(description: str) -> Any:
    return Field(default=None, description=description)


class Exposed(BaseModel):
    """How a service is reached from outside: the words of a Route that has this service as its target."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    host: str = Field(description="Host name, such as plex.example.net.")
    port: int = Field(ge=1, le=65_535, description="Port on which the service listens in its container.")
    hosts: Any = _as_route("Further host names.")
    path: Any = _as_route("Only paths at or below these, such as /api (one, or a list).")
    strip: Any = _as_route("Take the path away before the request goes on.")
    exposure: Any = _as_route("Who may use it: private (default), vpn or public.")
    via: Any = _as_route("Connection of homelab.yaml that names the Caddy (default: the only one there is).")
    tls: Any = _as_route("Who issues the certificate: acme, dns, internal, off, or {certificate, key}.")
    fallback: Any = _as_route("true: a wildcard host serves what no other route names.")
    dns: Any = _as_route("auto = the record of each host is made as well; off.")
    health: Any = _as_route("Path that a healthy service answers with 2xx or 3xx, asked by Caddy.")
    headers: Any = _as_route("Headers that are changed on the way.")
    timeouts: Any = _as_route("How long Caddy waits for the service.")
    timeout: Any = _as_route("Seconds until a change must work through Caddy.")


def exposed(written: Any, variables: Mapping[str, str] | None) -> dict[str, Any] | None:
    """What an `expose` says, with variables put in (None = that was done), or None when it is Compose's list. Raises Rejected."""
    if not isinstance(written, Mapping):
        return None
    said: dict[str, Any] = dict(written)
    found: list[Problem] = []
    if variables is not None:
        said, found = filled(said, variables, (EXPOSE,))
    try:
        Exposed.model_validate(said)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            missing = each["type"] == "missing"
            path = (EXPOSE,) if missing else (EXPOSE, *each["loc"])
            message = f"`expose` needs `{each['loc'][0]}`" if missing else explain(each, Exposed, said)[0]
            message = f"`expose` has no word {each['loc'][0]!r}" if each["type"] == "extra_forbidden" else message
            hint = "write {host: app.example.net, port: 8080}" if missing else ""
            found.append(Problem(path, message, hint))
    if found:
        raise Rejected(found)
    return said


def route(service: str, said: Mapping[str, Any], network_mode: str) -> Draft:
    """The Route of an exposed service. One in the host's own network is reached at its loopback address."""
    target: dict[str, Any] = {"service": service, "port": said["port"]}
    if network_mode == HOST_NETWORK:
        target = {"to": [f"http://127.0.0.1:{said['port']}"]}
    spec = {**{word: value for word, value in said.items() if word != "port"}, **target}
    return Draft("route", route_name(said), spec, (Key("service", service),), at=(EXPOSE,))


def route_name(said: Mapping[str, Any]) -> str:
    """The host with dashes, and the path where there is one."""
    paths = said.get("path") or ""
    first = paths[0] if isinstance(paths, list) else paths
    text = f"{said['host']}{first}"
    name = _OTHER.sub("-", text.lower()).strip("-")
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - _SHORT - 1]}-{fingerprint(name)[:_SHORT]}"


def places(service: str, said: Mapping[str, Any] | None, around: Surroundings) -> list[Place]:
    """Where routes look for a service: its own `expose`, and written Routes that name it."""
    vias = {str(said.get("via") or "")} if said is not None else set()
    vias |= {str(getattr(each, "via", "")) for each in _routes(around) if getattr(each, "service", "") == service}
    found = {}
    for via in sorted(vias):
        subnet, choice = edge_of(around.connections, via, service)
        try:
            found[subnet] = place(service, subnet, choice)
        except ValueError:  # told where the connection is written
            continue
    return list(found.values())


def _routes(around: Surroundings) -> Iterable[BaseModel]:
    try:
        return around.others("route").values()
    except Rejected:  # one could not be read, which is told where it is written
        return ()
