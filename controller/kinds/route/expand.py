"""What a Route makes and needs beside itself: the record and the certificate of each of its hosts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from controller.clients.caddy import Connection
from controller.clients.dns.names import WILDCARD, Unwritable, owner_name
from controller.core.dns import PUBLIC_ADDRESS, certificate_key, is_inside, record_key
from controller.core.document import Draft
from controller.core.errors import Rejected
from controller.core.key import Key
from controller.core.kind import Surroundings
from controller.kinds.route.by_dns import FROM_DNS, chosen, written
from controller.kinds.route.hosts import Place, canonical_host
from controller.kinds.route.model import RouteSpec
from controller.kinds.route.places import caddy_of

_ANSWERS = ("A", "AAAA", "CNAME")
"""Types of records that lead to an address."""
_TOP = "@"


def expand(name: str, spec: RouteSpec, around: Surroundings) -> Sequence[Draft]:
    """The Records and Certificates of the hosts that nothing else in the revision has one for."""
    drafts: list[Draft] = []
    for at, host in _hosts(spec):
        if not _written(host, around) and not _earlier(name, spec, host, around, _wants_record):
            for record_type, values in _values(spec, caddy_of(spec, around)).items():
                record = {"name": host, "type": record_type, "values": values}
                drafts.append(Draft("record", record_key(host, record_type).name, record, at=at))
    for at, host in _secured(spec, around):
        drafts += _certificate(name, spec, host, at, around)
    return drafts


def _certificate(name: str, spec: RouteSpec, host: str, at: Place, around: Surroundings) -> Iterable[Draft]:
    """One that Caddy orders comes after the Route; one that is ordered here comes before it, for the Route is to serve it. What
    is in the way of that is told by `resolve`."""
    if _promised(host, around):
        return
    via = {"via": spec.via} if spec.via else {}
    key = certificate_key(host).name
    if spec.issuer() == FROM_DNS:
        if (
            caddy_of(spec, around).certificates
            and not written(host, around)
            and not _earlier(name, spec, host, around, _wants_order)
        ):
            yield Draft("certificate", key, {"host": host, "challenge": "dns", **via}, at=at)
    elif not _earlier(name, spec, host, around, _wants_certificate):
        issuer = "any" if spec.issuer() == "files" else spec.issuer()
        yield Draft("certificate", key, {"host": host, "issuer": issuer, **via}, needs=(Key("route", name),), at=at)


def needed(spec: RouteSpec, around: Surroundings, connection: Connection) -> list[Key]:
    """The Records without which nobody finds the hosts of a route, written ones or those that it makes; and the certificates that
    must be there before it."""
    found: list[Key] = []
    for _, host in _hosts(spec):
        found += _written(host, around) or [record_key(host, record_type) for record_type in _values(spec, connection)]
    if spec.issuer() == FROM_DNS:
        found += [chosen(host, around)[0] for _, host in named(spec)]
    return list(dict.fromkeys(found))


def _hosts(spec: RouteSpec) -> Iterable[tuple[Place, str]]:
    """Hosts that need a record."""
    return named(spec) if spec.dns == "auto" else ()


def _secured(spec: RouteSpec, around: Surroundings) -> Iterable[tuple[Place, str]]:
    """Hosts that need a certificate. That no Caddy is known is told by `resolve`."""
    try:
        caddy_of(spec, around)
    except Rejected:
        return ()
    return named(spec) if spec.issuer() != "off" else ()


def named(spec: RouteSpec) -> Iterable[tuple[Place, str]]:
    """Every host with its path below the spec. One that is no host name is told by `resolve`."""
    for at, text in spec.names():
        try:
            yield at, canonical_host(text, at)
        except Rejected:
            continue


def _values(spec: RouteSpec, connection: Connection) -> dict[str, list[str]]:
    """Values by type: what the connection says for the exposure, or the address of the home."""
    found: dict[str, list[str]] = {}
    for value in connection.addresses.get(spec.exposure.value) or [PUBLIC_ADDRESS]:
        found.setdefault("AAAA" if ":" in value else "A", []).append(value)
    return found


def _written(host: str, around: Surroundings) -> list[Key]:
    """Records that somebody wrote for a host, or a wildcard that answers for it."""
    known = set(_records(around))
    exact = [record_key(host, record_type) for name, record_type in sorted(known) if name == host and record_type in _ANSWERS]
    if exact or any(name == host for name, _ in known):
        return exact
    base = host.removeprefix(WILDCARD)
    while base.count("."):
        base = base.partition(".")[2]
        star = [record_key(f"{WILDCARD}{base}", kind) for kind in _ANSWERS if (f"{WILDCARD}{base}", kind) in known]
        if star:
            return star
        if any(is_inside(name, base) for name, _ in known if not name.startswith(WILDCARD)):
            return []  # a name that exists between ends the reach of every wildcard above it
    return []


def _records(around: Surroundings) -> Iterable[tuple[str, str]]:
    """(full name, type) of every record that is written in the revision, in a Domain or alone."""
    for domain in around.others("domain").values():
        zone = _name(getattr(domain, "zone", ""))
        for record in getattr(domain, "records", ()):
            short = getattr(record, "name", _TOP)
            yield _name(zone if short == _TOP else f"{short}.{zone}"), str(getattr(record, "type", ""))
    for record in around.others("record").values():
        yield _name(getattr(record, "name", "")), str(getattr(record, "type", ""))


def _promised(host: str, around: Surroundings) -> bool:
    """True when somebody wrote a Certificate for a host."""
    return any(_name(getattr(each, "host", "")) == host for each in around.others("certificate").values())


def _wants_record(dns: str, _issuer: str) -> bool:
    return dns != "off"


def _wants_certificate(_dns: str, issuer: str) -> bool:
    return issuer != "off"


def _wants_order(_dns: str, issuer: str) -> bool:
    return issuer == FROM_DNS


def _earlier(name: str, spec: RouteSpec, host: str, around: Surroundings, wants: Callable[[str, str], bool]) -> bool:
    """True when another Route of the same host makes what this one `wants` (by its `dns` and its issuer): paths of a host may be
    different Routes. Written ones come before those that services make, and else the first by name."""
    routes = around.others("route")
    others = [
        other
        for other, each in routes.items()
        if isinstance(each, RouteSpec) and wants(each.dns, each.issuer()) and any(text == host for _, text in named(each))
    ]
    if others:
        return min(others) != name
    services = [other for other, each in around.others("service").items() if _exposes(each, host, wants)]
    return bool(services) and min(services) != spec.service


def _exposes(service: Any, host: str, wants: Callable[[str, str], bool]) -> bool:
    said = getattr(service, "expose", None)
    if not isinstance(said, Mapping) or not wants(str(said.get("dns", "")), str(said.get("tls", ""))):
        return False
    more = said.get("hosts")
    return host in map(_name, [said.get("host"), *(more if isinstance(more, list) else [])])


def _name(text: Any) -> str:
    try:
        return owner_name(str(text))
    except Unwritable:
        return ""
