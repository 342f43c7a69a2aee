"""Which servers to ask for a zone: a fixed list, or those that the zone's delegation names."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from threading import Lock

from controller.core.errors import Transient
from controller.core.ports import Clock

PORT = 53
_KEEP = 600.0
_LIFETIME = 5.0
_WRITTEN = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<host>[^:\[\]\s]+))(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True, order=True)
class Server:
    """One server by address. `name` is what people know it by."""

    address: str
    port: int = PORT
    name: str = ""

    def __str__(self) -> str:
        host = self.name or self.address
        return host if self.port == PORT else f"{host}:{self.port}"


def read_server(text: str) -> tuple[str, int]:
    """Host and port of `192.0.2.1`, `ns1.example.net:5353` or `[2001:db8::1]:53`. Raises ValueError."""
    try:
        return str(ip_address(text)), PORT
    except ValueError:
        pass
    match = _WRITTEN.fullmatch(text)
    port = int(match["port"] or PORT) if match else 0
    if match is None or not 0 < port <= 0xFFFF:
        raise ValueError(f"{text!r} is not a server; write an address or name, with :port when it is not 53")
    return match["six"] or match["host"], port


class Servers:
    """The servers of each zone. With `fixed` (host, port) the same for every zone; without, those that the NS records name, by
    the system's resolver, looked up again every ten minutes. For many threads."""

    def __init__(self, clock: Clock, fixed: Sequence[tuple[str, int]] | None = None) -> None:
        self._clock = clock
        self._fixed = fixed
        self._lock = Lock()
        self._known: dict[str, tuple[float, tuple[Server, ...]]] = {}

    def of(self, zone: str) -> tuple[Server, ...]:
        """Every server of a zone. Raises Transient when they cannot be found."""
        place = "" if self._fixed is not None else zone
        now = self._clock.monotonic()
        with self._lock:
            known = self._known.get(place)
        if known is not None and now - known[0] < _KEEP:
            return known[1]
        found = _addresses(self._fixed) if self._fixed is not None else _delegated(zone)
        with self._lock:
            self._known[place] = now, found
        return found


def _addresses(hosts: Sequence[tuple[str, int]]) -> tuple[Server, ...]:
    found: list[Server] = []
    for host, port in hosts:
        try:
            found.append(Server(str(ip_address(host)), port))
            continue
        except ValueError:
            pass
        try:
            known = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except OSError as error:
            raise Transient(f"the address of the name server {host} cannot be found: {error.strerror or error}") from error
        found += [Server(str(item[4][0]), port, host) for item in known]
    return tuple(dict.fromkeys(found))


def _delegated(zone: str) -> tuple[Server, ...]:
    import dns.exception
    import dns.resolver

    try:
        resolver = dns.resolver.Resolver()
        names = sorted(str(item.target) for item in resolver.resolve(f"{zone}.", "NS", lifetime=_LIFETIME))
    except dns.exception.DNSException as error:
        raise Transient(f"the name servers of {zone} cannot be found: {error}") from error
    found: list[Server] = []
    for name in names:
        for kind in ("A", "AAAA"):
            try:
                answer = resolver.resolve(name, kind, lifetime=_LIFETIME)
            except dns.exception.DNSException:
                continue
            found += [Server(str(item.address), PORT, name.rstrip(".")) for item in answer]
    if not found:
        raise Transient(f"the addresses of the name servers of {zone} ({', '.join(names)}) cannot be found")
    return tuple(dict.fromkeys(found))
