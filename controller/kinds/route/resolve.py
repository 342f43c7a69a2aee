"""What a Route means. Pure.

The normal form is complete: every field is there, so that whatever is added to a route by hand shows as a difference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from controller.clients.caddy import COEXIST, LOOPBACK, Connection, ranges
from controller.clients.dns.names import WILDCARD
from controller.core.change import Action
from controller.core.diff import FieldDiff, equal
from controller.core.edge import slots
from controller.core.errors import Problem, Rejected
from controller.core.key import Claim, Key
from controller.core.kind import Desired, Surroundings
from controller.core.resource import Gate
from controller.kinds.route import by_dns, tuning
from controller.kinds.route.by_dns import FROM_DNS
from controller.kinds.route.expand import named, needed
from controller.kinds.route.hosts import canonical_host, canonical_path
from controller.kinds.route.model import CertificateFiles, Exposure, RouteSpec
from controller.kinds.route.places import caddy_of
from controller.kinds.route.render import EVERYBODY
from controller.kinds.route.rules import header_changes, problems
from controller.kinds.route.targets import addresses

WHOLE = frozenset(["headers", "target", "tls", "unrecognised"])


def resolve(name: str, spec: RouteSpec, around: Surroundings) -> Desired:
    """The desired route. Raises Rejected with every problem that does not hide another."""
    connection = caddy_of(spec, around)
    found = [*problems(spec)]
    hosts, paths = _collect(spec, found)
    if spec.fallback and not any(host.startswith(WILDCARD) for host in hosts):
        found.append(Problem(("fallback",), "only a wildcard host can be a fallback"))
    if spec.issuer() == FROM_DNS:
        found += by_dns.problems(named(spec), around, connection)
    if spec.exposure is Exposure.VPN and not connection.vpn:
        hint = f"add `vpn: [10.8.0.0/24]` to the connection {connection.name!r} in homelab.yaml"
        found.append(Problem(("exposure",), "nobody says which addresses are in the VPN", hint))
    if found:
        raise Rejected(found)
    state: dict[str, Any] = {
        "hosts": sorted(hosts),
        "paths": sorted(paths),
        "strip": spec.strip,
        "allow": _allowed(spec.exposure, connection),
        "target": _target(spec, connection),
        "headers": header_changes(spec.headers),
        "tls": _tls(spec, hosts, connection, around),
        "listen": _listen(spec, connection),
        "unrecognised": {},
    }
    return Desired(
        state=state,
        provider=connection.name,
        address=name,
        references=(*([Key("service", spec.service)] if spec.service else []), *needed(spec, around, connection)),
        claims=tuple(_claims(hosts, paths, fallback=spec.fallback)),
        gate=Gate(timeout=spec.timeout),
    )


def verb(_changes: Sequence[FieldDiff]) -> Action:
    """A route is written over in place."""
    return Action.UPDATE


def same(path: tuple[str, ...], desired: Any, observed: Any) -> bool:
    """Equal data; and surroundings that were found broken need not be broken again."""
    return equal(path, desired, observed) or (path == ("unrecognised", "surroundings") and observed is None)


def _collect(spec: RouteSpec, found: list[Problem]) -> tuple[list[str], list[str]]:
    hosts: list[str] = []
    paths: list[str] = []
    for at, text in spec.names():
        try:
            host = canonical_host(text, at)
        except Rejected as error:
            found += error.problems
            continue
        if host in hosts:
            found.append(Problem(at, f"{host} is named twice"))
        if host.startswith(WILDCARD) and spec.issuer() == "acme":
            hint = "write `tls: dns`: the controller orders it; or `tls: internal`, or files of a certificate that you have"
            found.append(Problem(at, f"a public certificate for {host} cannot be ordered through Caddy", hint))
        hosts.append(host)
    for index, text in enumerate(spec.path):
        try:
            paths.append(canonical_path(text, ("path", index)))
        except Rejected as error:
            found += error.problems
    return hosts, [] if "" in paths else sorted(set(paths))


def _claims(hosts: list[str], paths: list[str], *, fallback: bool) -> Iterable[Claim]:
    """What only one route can have. A wildcard wants every name that it covers, until somebody says that it is a fallback."""
    for host in sorted(hosts):
        yield from (f"host:{host}{path}" for path in sorted(paths) or [""])
        if host.startswith(WILDCARD) and not fallback:
            yield f"below:{host}"


def _allowed(exposure: Exposure, connection: Connection) -> list[str] | str:
    """Ranges that may come in. Those of this machine are always in: the controller itself looks from there."""
    if exposure is Exposure.PUBLIC:
        return EVERYBODY
    inside = connection.private if exposure is Exposure.PRIVATE else connection.vpn
    return list(_with_loopback(tuple(inside)))


@lru_cache(maxsize=64)
def _with_loopback(inside: tuple[str, ...]) -> tuple[str, ...]:
    """Asked for by every route."""
    return ranges([*inside, *LOOPBACK])


def _target(spec: RouteSpec, connection: Connection) -> dict[str, Any]:
    if spec.redirect is not None:
        tail = "{http.request.uri}" if spec.redirect.path == "keep" else ""
        return {"redirect": f"{spec.redirect.to.rstrip('/') if tail else spec.redirect.to}{tail}", "code": spec.redirect.code}
    if spec.files:
        return {"files": spec.files}
    if spec.service:
        choice = connection.slots.get(spec.service, 1)
        scheme, retry, connect = "http", tuning.RETRY, tuning.DIAL_SLOT
        dial = [f"{address}:{spec.port}" for address in slots(spec.service, connection.edge, choice)]
    else:
        scheme, dial = addresses(spec.to)
        retry, connect = tuning.RETRY_PLAIN, tuning.DIAL
    health = spec.health
    waits = {"connect": connect, **{word: value for word, value in spec.timeouts.model_dump().items() if value}}
    checked: dict[str, Any] = {}
    if health is not None:
        checked = {"uri": health.uri, "interval": health.interval, "timeout": health.timeout}
    if health is not None and health.status is not None:
        checked["status"] = health.status
    return {
        "upstreams": dial,
        "scheme": "https-unverified" if spec.insecure else scheme,
        "retry": retry,
        "timeouts": waits,
        "health": checked,
    }


def _tls(spec: RouteSpec, hosts: Iterable[str], connection: Connection, around: Surroundings) -> dict[str, Any]:
    if isinstance(spec.tls, CertificateFiles):
        return {"issuer": "files", "certificate": spec.tls.certificate, "key": spec.tls.key}
    chosen = spec.issuer()
    if chosen == FROM_DNS:
        return {"issuer": FROM_DNS, "files": sorted({connection.bundle(by_dns.chosen(host, around)[1]) for host in hosts})}
    if chosen != "acme":
        return {"issuer": chosen}
    acme = connection.acme
    return {
        "issuer": "acme",
        "ca": acme.ca,
        "email": acme.email,
        "roots": list(acme.roots),
        "challenges": list(acme.challenges),
    }


def _listen(spec: RouteSpec, connection: Connection) -> list[str]:
    """Where Caddy listens for it, as far as that is ours to say."""
    if spec.issuer() == "off":
        return list(connection.http)
    return [] if connection.mode == COEXIST else list(connection.https)
