"""Domains: every host with its records, its certificate and what answers for it, as the last pass saw them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from controller.core.key import Key
from controller.core.resource import Resource
from controller.core.state import Absent, Present
from controller.engine.survey import Survey
from controller.usecases.look import Look
from controller.usecases.views import FORMAT_VERSION

_ADDRESSES = ("A", "AAAA", "CNAME")
_EVERYBODY = "everybody"
_LOOPBACK = ("127.0.0.0/8", "::1/128")
_TOLD = "%Y-%m-%d %H:%M UTC"
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class RecordView:
    """DNS records of one name and type: values that are wanted, and those that were seen (null = could not look)."""

    key: str
    name: str
    type: str
    wanted: tuple[str, ...]
    seen: tuple[str, ...] | None
    sync: str
    health: str
    why: str


@dataclass(frozen=True, slots=True)
class CertificateView:
    """The certificate that visitors of a host get. `issuer` is who shall sign it (acme, internal, any), `issued_by` who did.
    `until` and `renews` in seconds since the epoch, null while nothing of that is known; `days` are full days left at the time of
    the look. `why` also says why it is not there or was not renewed."""

    key: str
    issuer: str
    issued_by: str
    until: float | None
    renews: float | None
    days: int | None
    sync: str
    health: str
    why: str


@dataclass(frozen=True, slots=True)
class RouteView:
    """What answers for a host: `target` are upstreams, a redirect or files."""

    key: str
    target: str
    sync: str
    health: str
    why: str


@dataclass(frozen=True, slots=True)
class HostView:
    """One host name. `zone` "" = in none that is declared; `exposure` is public, vpn, private or "" (no route); `service` is the
    key behind the route ("" = none of ours). `address` are the addresses seen in its records."""

    host: str
    zone: str
    exposure: str
    records: tuple[RecordView, ...] = ()
    address: tuple[str, ...] = ()
    certificate: CertificateView | None = None
    route: RouteView | None = None
    service: str = ""


@dataclass(frozen=True, slots=True)
class ZoneView:
    """One zone: the connection that holds it, why that does not answer ("" = it does), and how many records are declared."""

    zone: str
    connection: str
    trouble: str
    records: int


@dataclass(frozen=True, slots=True)
class DomainsView:
    """Every host, zone and record that is declared, as the pass at `at` (seconds since the epoch) saw them. `others` are records
    that lead to no host (TXT, MX, …)."""

    at: float
    revision: str
    live: str
    world: str
    reason: str
    zones: tuple[ZoneView, ...] = ()
    hosts: tuple[HostView, ...] = ()
    others: tuple[RecordView, ...] = ()
    backends: dict[str, str] = field(default_factory=dict)
    format_version: str = FORMAT_VERSION


def domains(look: Look) -> DomainsView | None:
    """As the last pass saw them, None before the first: no backend is looked at."""
    found = look.reconciler.shown
    return None if found is None else domains_of(found)


def domains_now(look: Look) -> DomainsView:
    """As the last pass saw them; where there was none, by a look now. Raises SpecError, SourceError."""
    return domains(look) or domains_of(look.reconciler.survey())


def domains_of(found: Survey) -> DomainsView:
    """The same of one look. Pure."""
    report, seen = found.report, _Seen(found)
    return DomainsView(
        at=report.at,
        revision=report.revision.id,
        live=report.live,
        world=report.world,
        reason=report.reason,
        zones=tuple(seen.zones()),
        hosts=tuple(map(seen.host, seen.names())),
        others=tuple(seen.record(item) for item in seen.records if item.state["type"] not in _ADDRESSES),
        backends=dict(report.backends),
    )


class AddressRecords:
    """Which records answer for a host: those of its own name, else those of the nearest wildcard above it."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_name: dict[str, list[Resource]] = {}
        for item in resources:
            if item.key.kind == "record" and item.state["type"] in _ADDRESSES:
                self._by_name.setdefault(str(item.state["name"]), []).append(item)

    def names(self) -> Iterable[str]:
        """Every name that has an address."""
        return self._by_name

    def of(self, host: str) -> tuple[Resource, ...]:
        """The records of a host, () for none."""
        name, above = host, host
        while name not in self._by_name:
            _, dot, above = above.partition(".")
            if not dot:
                return ()
            name = f"*.{above}"
        return tuple(self._by_name[name])


def service_of(route: Resource, resources: Mapping[Key, Resource]) -> Key | None:
    """The service behind a route: the one at its upstreams' addresses, else the one that it was made for."""
    upstreams = {str(item).rpartition(":")[0] for item in _map(route.state.get("target")).get("upstreams", ())}
    for key in route.needs:
        service = resources.get(key)
        if key.kind == "service" and service is not None and upstreams & _addresses(service):
            return key
    return route.made_by if route.made_by is not None and route.made_by.kind == "service" else None


def hosts_of(resource: Resource) -> tuple[str, ...]:
    """The host names that a route or a certificate is for."""
    state = resource.state
    found = state.get("hosts") if resource.key.kind == "route" else (state.get("names") or [state.get("host")])
    return tuple(map(str, found or ()))


class _Seen:
    """What one look showed, found by key and by host."""

    def __init__(self, found: Survey) -> None:
        self._found = found
        self._statuses = {status.key: status for status in found.report.statuses}
        self._resources = found.estate.resources
        self.records = [item for key, item in self._resources.items() if key.kind == "record"]
        self._addresses = AddressRecords(self.records)
        self._routes = self._by_host("route")
        self._certificates = self._by_host("certificate")

    def _by_host(self, kind: str) -> dict[str, Resource]:
        several = [item for key, item in self._resources.items() if key.kind == kind]
        return {host: item for item in reversed(several) for host in hosts_of(item)}

    def names(self) -> list[str]:
        """Every host name: of routes, of certificates and of addresses; those of one zone together."""
        found = {*self._routes, *self._certificates, *self._addresses.names()}
        return sorted(found, key=lambda name: name.split(".")[::-1])

    def zones(self) -> Iterator[ZoneView]:
        """Every zone with a declared record."""
        several: dict[tuple[str, str], int] = {}
        for item in self.records:
            place = str(item.state["zone"]), item.provider
            several[place] = several.get(place, 0) + 1
        for (zone, connection), count in sorted(several.items()):
            yield ZoneView(zone, connection, self._found.report.backends.get(connection, ""), count)

    def record(self, resource: Resource) -> RecordView:
        """One record, wanted and seen."""
        state = resource.state
        observed = self._found.world.of(resource.key, resource.provider)
        seen: tuple[str, ...] | None = () if isinstance(observed, Absent) else None
        if isinstance(observed, Present):
            seen = tuple(map(str, observed.state.get("values", ())))
        wanted = tuple(map(str, state["values"]))
        return RecordView(str(resource.key), str(state["name"]), str(state["type"]), wanted, seen, *self._stands(resource))

    def host(self, name: str) -> HostView:
        """One host with all that belongs to it."""
        covering = self._addresses.of(name)
        records = tuple(map(self.record, covering))
        route, certificate = self._routes.get(name), self._certificates.get(name)
        service = service_of(route, self._resources) if route is not None else None
        return HostView(
            host=name,
            zone=str(covering[0].state["zone"]) if covering else "",
            exposure=self._exposure(route) if route is not None else "",
            records=records,
            address=tuple(dict.fromkeys(value for record in records for value in record.seen or ())),
            certificate=self._certificate(certificate) if certificate is not None else None,
            route=self._route(route) if route is not None else None,
            service=str(service) if service is not None else "",
        )

    def _certificate(self, resource: Resource) -> CertificateView:
        observed = self._found.world.of(resource.key, resource.provider)
        shown: Mapping[str, Any] = observed.state if isinstance(observed, Present) else {}
        until = _moment(shown.get("expires"))
        days = None if until is None else int((until - self._found.report.at) // _DAY)
        wanted, signed, renews = (
            str(resource.state.get("issuer", "")),
            str(shown.get("issued_by", "")),
            shown.get("renews_around"),
        )
        return CertificateView(str(resource.key), wanted, signed, until, _moment(renews), days, *self._stands(resource))

    def _route(self, resource: Resource) -> RouteView:
        return RouteView(str(resource.key), _target(_map(resource.state.get("target"))), *self._stands(resource))

    def _exposure(self, route: Resource) -> str:
        return _exposure(route, self._found.estate.homelab.connections.get(route.provider, {}))

    def _stands(self, resource: Resource) -> tuple[str, str, str]:
        status = self._statuses.get(resource.key)
        return ("", "", "") if status is None else (status.sync.value, status.health.value, status.why)


def _exposure(route: Resource, connection: Mapping[str, Any]) -> str:
    allowed = route.state.get("allow")
    if allowed == _EVERYBODY:
        return "public"
    vpn: list[Any] = []
    with suppress(ValueError):
        vpn = [ipaddress.ip_network(str(item), strict=False) for item in connection.get("vpn", ())]
        inside = [ipaddress.ip_network(str(item)) for item in allowed or () if item not in _LOOPBACK]
        if inside and all(any(_within(each, other) for other in vpn) for each in inside):
            return "vpn"
    return "private"


def _within(one: Any, other: Any) -> bool:
    return bool(one.version == other.version and one.subnet_of(other))


def _target(target: Mapping[str, Any]) -> str:
    if "redirect" in target:
        return f"redirects to {target['redirect']}"
    if "files" in target:
        return f"files in {target['files']}"
    return ", ".join(map(str, target.get("upstreams", ())))


def _addresses(service: Resource) -> set[str]:
    networks = _map(service.state.get("networks")).values()
    return {str(_map(item)["ipv4_address"]) for item in networks if "ipv4_address" in _map(item)}


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _moment(text: Any) -> float | None:
    """A time as certificates show it."""
    with suppress(ValueError):
        return datetime.strptime(str(text), _TOLD).replace(tzinfo=UTC).timestamp()
    return None
