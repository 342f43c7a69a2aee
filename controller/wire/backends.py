"""Connections made: the providers behind what homelab.yaml declares, opened once and kept while the declaration stays.

A new backend is one line in `BACKENDS`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from threading import Event as Flag
from threading import RLock
from typing import Any, Protocol, runtime_checkable

from controller.clients import caddy
from controller.clients.docker import DEFAULT_URL, Connection, DockerHost, Tls
from controller.clients.memory import BatchingProvider, MemoryProvider, MemoryWorld, MeteredProvider
from controller.core.change import Change
from controller.core.errors import HomelabError, Problem, Rejected, SettingsError, Transient
from controller.core.estate import HomelabSpec
from controller.core.kind import Kind
from controller.core.ports import Provider, Providers
from controller.core.state import Receipt, Snapshot, Target, canonical
from controller.core.suggest import did_you_mean
from controller.kinds import certificate, record, route
from controller.settings import Settings
from controller.wire.home import PROVIDERS, home_problems, open_home
from controller.wire.kinds import Tools, docker_providers, foreign_kinds

LOCAL = "local"
DOCKER = "docker"
_ONE_WRITE = frozenset(["route"])
"""Kinds of which a real backend makes many changes with one write."""

_HOME, _METERED = "homeassistant", "entity"
"""The type of connection that measures energy, and the kind whose provider does."""

Opened = Mapping[str, Provider]
"""Providers of one connection by kind."""
Closed = Callable[[], None]
"""Ends a connection."""


@dataclass(frozen=True)
class Backend:
    """What stands behind a type of connection: the kinds that it holds, and how it is opened (name, declaration, tools). Opening
    never connects; it raises Rejected for a declaration that is wrong, with paths below it. What needs an end, a provider or the
    whole, has a `close`.
    `check` is what is wrong with a declaration as a person wrote it, with the same paths."""

    kinds: tuple[str, ...]
    open: Callable[[str, Mapping[str, Any], Tools], Opened]
    check: Callable[[str, Mapping[str, Any]], Iterable[Problem]] = lambda _name, _declared: ()


def _open_caddy(name: str, declared: Mapping[str, Any], tools: Tools) -> Opened:
    connection = caddy.Connection.parse(name, declared)
    certificates = certificate.open_certificates(connection, tools)
    return {
        "route": route.RouteProvider(connection, tools.clock, permitted=certificates.permitted),
        "certificate": certificates,
    }


def _caddy_problems(name: str, declared: Mapping[str, Any]) -> Iterable[Problem]:
    try:
        caddy.Connection.parse(name, declared)
    except Rejected as error:
        return error.problems
    return ()


BACKENDS: Mapping[str, Backend] = {
    "caddy": Backend(("route", "certificate"), _open_caddy, _caddy_problems),
    "rfc2136": Backend(("record",), record.open_rfc2136),
    "powerdns": Backend(("record",), record.open_powerdns),
    "zoneedit": Backend(("record",), record.open_zoneedit),
    "octodns": Backend(("record",), record.open_octodns, record.octodns_problems),
    "homeassistant": Backend(tuple(PROVIDERS), open_home, home_problems),
}
"""Types of connections beside `docker`."""


_DOCKER_KINDS = ("service", "network", "volume")


def connection_problems(name: str, declared: Mapping[str, Any]) -> Iterable[Problem]:
    """What is wrong with a declared connection before anything is opened."""
    kind = declared.get("type", DOCKER)
    known = sorted({DOCKER, *BACKENDS, *(word for item in foreign_kinds().values() for word in getattr(item, "TYPES", ()))})
    if kind not in known:
        hint = did_you_mean(str(kind), known) or f"known types: {', '.join(known)}"
        yield Problem(("type",), f"connection {name!r} has an unknown type {kind!r}; known: {', '.join(known)}", hint)
    elif kind in BACKENDS:
        yield from BACKENDS[kind].check(name, declared)


@runtime_checkable
class Closes(Protocol):
    """A provider, or the providers of a connection, that hold something open."""

    def close(self) -> None:
        """End it. Never raises."""


class Shut:
    """The provider behind a connection that cannot be opened: nothing is known and nothing is done."""

    visible_within = 0.0

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def observe(self, _targets: Collection[Target]) -> Snapshot:
        """Unknown."""
        return Snapshot({}, complete=False, reason=self._reason)

    def apply(self, _change: Change, _interrupt: Flag) -> Receipt:
        """Raises Transient."""
        raise Transient(self._reason)


class Connections:
    """`connect` of the reconciler. `local` is the engine of DOCKER_HOST or the default socket unless it is declared. An unchanged
    declaration keeps its providers (and their event streams); the same set of providers is the same object. For many threads."""

    def __init__(
        self,
        open_one: Callable[[str, Mapping[str, Any]], tuple[Opened, Closed]],
        kinds: Callable[[Mapping[str, Any]], Iterable[str]],
    ) -> None:
        """`kinds` tells what a declared connection would serve, without opening it."""
        self._open, self._kinds = open_one, kinds
        self._lock = RLock()
        self._opened: dict[tuple[str, str], tuple[Opened, Closed]] = {}
        self._providers: Providers = {}
        self.changed: Callable[[Providers], None] = lambda _providers: None

    def connect(self, homelab: HomelabSpec) -> Providers:
        """The providers for the declared connections."""
        declared = {LOCAL: {"type": DOCKER}, **homelab.connections}
        wanted = {(name, canonical(item)): (name, item) for name, item in declared.items()}
        with self._lock:
            if wanted.keys() == self._opened.keys():
                return self._providers
            for place in self._opened.keys() - wanted.keys():
                self._opened.pop(place)[1]()
            for place, (name, item) in wanted.items():
                if place not in self._opened:
                    self._opened[place] = self._open(name, item)
            self._providers = {
                (kind, name): provider for (name, _), (opened, _) in self._opened.items() for kind, provider in opened.items()
            }
            providers = self._providers
        self.changed(providers)
        return providers

    def beside(self, homelab: HomelabSpec) -> Providers:
        """The providers for declarations that are only looked at, such as those of a proposal: what is declared as in the last
        `connect` is shared, and nothing else is opened, because whoever wrote it could have our secrets sent anywhere. Only
        where nothing is open at all is this a `connect`."""
        declared = {LOCAL: {"type": DOCKER}, **homelab.connections}
        with self._lock:
            if not self._opened:
                return self.connect(homelab)
            found: dict[tuple[str, str], Provider] = {}
            for name, item in declared.items():
                known = self._opened.get((name, canonical(item)))
                shut = Shut(f"{name} is declared otherwise than now: it is looked at as soon as that counts")
                opened = known[0] if known is not None else dict.fromkeys(self._kinds(item), shut)
                found |= {(kind, name): provider for kind, provider in opened.items()}
            return found

    def providers(self) -> Providers:
        """Those of the last `connect`."""
        with self._lock:
            return self._providers

    def close(self) -> None:
        """End every connection."""
        with self._lock:
            for _, close in self._opened.values():
                close()
            self._opened.clear()
            self._providers = {}


def real_connections(settings: Settings, tools: Tools) -> Connections:
    """Real backends."""
    connections: Connections
    tools = replace(tools, others=lambda: connections.providers())  # noqa: PLW0108 (they are made below)

    def open_one(name: str, declared: Mapping[str, Any]) -> tuple[Opened, Closed]:
        kind = str(declared.get("type", DOCKER))
        opened: dict[str, Provider] = {}
        ends: Closed = _nothing
        if kind == DOCKER:
            opened, ends = _docker(settings, name, declared, tools)
        elif kind in BACKENDS:
            opened, ends = _other(BACKENDS[kind], name, declared, tools)
        for made, foreign in foreign_kinds().items():
            provider = foreign.provider(name, declared, tools) if foreign.KIND.resolve is not None else None
            if provider is not None:
                opened[made] = provider
        return opened, ends

    connections = Connections(open_one, _served)
    return connections


def _served(declared: Mapping[str, Any]) -> Iterable[str]:
    kind = str(declared.get("type", DOCKER))
    known = _DOCKER_KINDS if kind == DOCKER else BACKENDS[kind].kinds if kind in BACKENDS else ()
    foreign = (made for made, item in foreign_kinds().items() if kind in getattr(item, "TYPES", ()))
    return (*known, *foreign)


def _docker(settings: Settings, name: str, declared: Mapping[str, Any], tools: Tools) -> tuple[dict[str, Provider], Closed]:
    try:
        host = _host(settings, name, declared)
    except HomelabError as error:
        return dict.fromkeys(_DOCKER_KINDS, Shut(f"{name}: {_said(error)}")), _nothing
    return dict(docker_providers(host, tools)), host.close


def _other(backend: Backend, name: str, declared: Mapping[str, Any], tools: Tools) -> tuple[dict[str, Provider], Closed]:
    try:
        opened = backend.open(name, declared, tools)
    except HomelabError as error:
        return dict.fromkeys(backend.kinds, Shut(f"{name}: {_said(error)}")), _nothing
    closes = [each.close for each in (*opened.values(), opened) if isinstance(each, Closes)]

    def end() -> None:
        for close in closes:
            close()

    return dict(opened), end


def memory_connections(world: MemoryWorld, kinds: Mapping[str, Kind], instance: str) -> Connections:
    """The simulated world behind every connection, for every kind that stands for objects."""

    def open_one(name: str, declared: Mapping[str, Any]) -> tuple[Opened, Closed]:
        standing = {each: kind for each, kind in kinds.items() if kind.resolve is not None}
        metered = _METERED if declared.get("type") == _HOME else ""
        return {each: _simulated(kind, world, name, instance, metered) for each, kind in standing.items()}, _nothing

    return Connections(open_one, lambda _declared: [each for each, kind in kinds.items() if kind.resolve is not None])


def _simulated(kind: Kind, world: MemoryWorld, connection: str, instance: str, metered: str) -> MemoryProvider:
    if kind.name == metered:
        return MeteredProvider(kind, world, connection, instance)
    if kind.name in _ONE_WRITE:
        return BatchingProvider(kind, world, connection, instance, gather=0.05)
    return MemoryProvider(kind, world, connection, instance)


def _host(settings: Settings, name: str, declared: Mapping[str, Any]) -> DockerHost:
    if name == LOCAL and "url" not in declared:
        return local_host(settings)
    return DockerHost.open(Connection.parse(name, declared))


def local_host(settings: Settings) -> DockerHost:
    """The engine that DOCKER_HOST names, or the one on the default socket. Raises SettingsError."""
    url = settings.docker_host or DEFAULT_URL
    declared: dict[str, Any] = {"type": DOCKER, "url": url}
    if settings.docker_certificates:
        folder = settings.docker_certificates.rstrip("/")
        tls = Tls(f"{folder}/ca.pem", f"{folder}/cert.pem", f"{folder}/key.pem")
        declared["tls"] = {"ca": tls.ca, "cert": tls.cert, "key": tls.key}
    try:
        return DockerHost.open(Connection.parse(LOCAL, declared))
    except Rejected as error:
        raise SettingsError(f"DOCKER_HOST: {error}; unset it to use {DEFAULT_URL}") from error


def engine_answers(settings: Settings) -> bool:
    """True when a Docker engine answers where `local` is."""
    host = local_host(settings)
    try:
        host.info()
    except HomelabError:
        return False
    finally:
        host.close()
    return True


def _nothing() -> None:
    return None


def _said(error: HomelabError) -> str:
    return str(error) or type(error).__name__
