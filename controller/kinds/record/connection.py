"""DNS connections as homelab.yaml declares them, checked and opened."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from controller.clients.dns.primary import ALGORITHMS, Primary, Tsig
from controller.clients.dns.public_address import PublicAddress
from controller.clients.dns.servers import Servers, read_server
from controller.clients.powerdns import PowerDns
from controller.core.errors import Problem, Rejected
from controller.core.ports import Clock, Provider
from controller.kinds.record.powerdns import PowerDnsZones
from controller.kinds.record.provider import RecordProvider
from controller.kinds.record.rfc2136 import UpdatedZones

DELEGATED = "delegated"
COMMON = ("type", "servers", "public_ip_sources", "propagation")
"""Fields of every DNS connection."""
_WEB = ("http", "https")
_LEAST_SOURCES = 2


class Tools(Protocol):
    """What a DNS provider is given: the clock, a private folder for what must survive a restart, and secrets."""

    @property
    def clock(self) -> Clock:
        """The teller of time."""

    @property
    def state(self) -> Path:
        """The folder; every file in it starts with the name of its connection."""

    def secret(self, declared: Mapping[str, Any], field: str) -> Callable[[], str]:
        """The value of a field that is written as a reference, revealed each time. Raises Rejected."""


def open_rfc2136(name: str, declared: Mapping[str, Any], tools: Tools) -> Mapping[str, Provider]:
    """`{type: rfc2136, server: 192.0.2.1, key: {name, algorithm, secret: {ref}}, transfer: true}` and the common fields.
    Raises Rejected."""
    problems = [*common_problems(declared, {"server", "key", "transfer"})]
    server = declared.get("server")
    host, port = "", 0
    try:
        host, port = read_server(server) if isinstance(server, str) else ("", 0)
    except ValueError as error:
        problems.append(Problem(("server",), str(error)))
    if not isinstance(server, str):
        problems.append(Problem(("server",), "server is missing: the address of the primary", "write server: 192.0.2.1"))
    if not isinstance(declared.get("transfer", True), bool):
        problems.append(Problem(("transfer",), "transfer is true or false"))
    if "key" in declared:
        problems += _key_problems(declared["key"])
    if problems:
        raise Rejected(problems)
    key = _key(declared, tools) if "key" in declared else None
    zones = UpdatedZones(Primary(Servers(tools.clock, [(host, port)]), key), transfers=declared.get("transfer", True))
    return {"record": RecordProvider(zones, authority(declared, (host, port), tools.clock), *follow(name, declared, tools))}


def open_powerdns(name: str, declared: Mapping[str, Any], tools: Tools) -> Mapping[str, Provider]:
    """`{type: powerdns, url: http://192.0.2.1:8081, key: {ref}, server: localhost}` and the common fields. Raises Rejected."""
    problems = [*common_problems(declared, {"url", "key", "server"})]
    url, host = declared.get("url"), ""
    try:
        parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
        host = parts.hostname or ""
        good = parts.scheme in _WEB and bool(host) and not parts.username and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        problems.append(Problem(("url",), "url is not the address of an HTTP interface", "write url: http://192.0.2.1:8081"))
    if not isinstance(declared.get("server", ""), str):
        problems.append(Problem(("server",), "server is the name that PowerDNS gives itself, usually localhost"))
    if problems:
        raise Rejected(problems)
    server = PowerDns(str(url), tools.secret(declared, "key"), declared.get("server", "localhost"))
    servers = authority(declared, (host, 53), tools.clock)
    return {"record": RecordProvider(PowerDnsZones(server), servers, *follow(name, declared, tools))}


def authority(declared: Mapping[str, Any], default: tuple[str, int] | None, clock: Clock) -> Servers | None:
    """The authoritative servers to believe: `servers: [192.0.2.1, "ns2.example.net:5353"]`, `servers: delegated` for those that
    the zone's NS records name (as without a default), `servers: []` for none (None)."""
    written = declared.get("servers")
    if written == DELEGATED or (written is None and default is None):
        return Servers(clock)
    if written is None:
        return Servers(clock, [default] if default else [])
    return Servers(clock, [read_server(item) for item in written]) if written else None


def follow(name: str, declared: Mapping[str, Any], tools: Tools) -> tuple[Mapping[int, PublicAddress], Clock]:
    """What `Following` needs: the public address of both families, known again after a restart."""
    sources = declared.get("public_ip_sources", ())
    addresses = {
        family: PublicAddress(family, tools.state / f"{name}-public-ipv{family}.json", tools.clock, sources) for family in (4, 6)
    }
    return addresses, tools.clock


def common_problems(declared: Mapping[str, Any], own: Collection[str]) -> Iterator[Problem]:
    """What is wrong with the fields that every DNS connection has, and with unknown ones."""
    known = {*COMMON, *own}
    for word in sorted(set(declared) - known):
        yield Problem((word,), f"this connection has no field {word!r}", f"known: {', '.join(sorted(known))}")
    servers = declared.get("servers")
    if isinstance(servers, list):
        for at, item in enumerate(servers):
            try:
                read_server(str(item))
            except ValueError as error:
                yield Problem(("servers", at), str(error))
    elif servers not in (None, DELEGATED):
        yield Problem(("servers",), "servers is a list of addresses, or the word delegated")
    sources = declared.get("public_ip_sources")
    if sources is not None and not (isinstance(sources, list) and len(sources) >= _LEAST_SOURCES and all(map(_is_url, sources))):
        message = "public_ip_sources is a list of two or more addresses of web services"
        yield Problem(("public_ip_sources",), message, "two must agree: write at least three, such as https://api.ipify.org")
    propagation = declared.get("propagation", 1)
    if isinstance(propagation, bool) or not isinstance(propagation, (int, float)) or propagation <= 0:
        yield Problem(("propagation",), "propagation is a number of seconds: how long the servers may take to agree")


def _key(declared: Mapping[str, Any], tools: Tools) -> Tsig:
    key = declared["key"]
    try:
        secret = tools.secret(key, "secret")
    except Rejected as error:
        raise Rejected([Problem(("key", *item.path), item.message, item.hint) for item in error.problems]) from error
    return Tsig(key["name"], secret, key.get("algorithm", "hmac-sha256"))


def _key_problems(key: Any) -> Iterator[Problem]:
    if not isinstance(key, Mapping) or not isinstance(key.get("name"), str) or "secret" not in key:
        hint = "write key: {name: homelab, algorithm: hmac-sha256, secret: {ref: dns/homelab}}"
        yield Problem(("key",), "key needs a name and a secret", hint)
        return
    for word in sorted(set(key) - {"name", "algorithm", "secret"}):
        yield Problem(("key", word), f"a key has no field {word!r}")
    if key.get("algorithm", ALGORITHMS[0]) not in ALGORITHMS:
        yield Problem(("key", "algorithm"), f"unknown algorithm; known: {', '.join(ALGORITHMS)}")


def _is_url(text: Any) -> bool:
    try:
        return isinstance(text, str) and urlsplit(text).scheme in _WEB and bool(urlsplit(text).hostname)
    except ValueError:
        return False
