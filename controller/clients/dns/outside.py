"""Asking a web service under which address it sees us: one GET, by one address family, never led astray to a machine of ours."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from controller.clients.tally import asking
from controller.core.errors import Transient

Address = IPv4Address | IPv6Address
_TIMEOUT = 5.0
_LARGEST = 16 * 1024
_OK = 200
_CHECKIP = re.compile(r"Current IP Address:\s*([0-9A-Fa-f.:]+)")
_CGNAT = ip_network("100.64.0.0/10")
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


def seen_from(url: str, family: int) -> Address:
    """The address that a service answers with: the whole body of a text answer, or what an HTML page of the checkip form names.
    No redirect is followed. Raises Transient for everything else."""
    parts = urlsplit(url)
    host, plain = parts.hostname or "", parts.scheme == "http"
    port = parts.port or (80 if plain else 443)
    connection = (
        HTTPConnection(host, port, _TIMEOUT)
        if plain
        else HTTPSConnection(host, port, timeout=_TIMEOUT, context=ssl.create_default_context())
    )
    connection._create_connection = _guarded(host, family)  # type: ignore[attr-defined]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with asking("checkip") as ended:
            connection.request("GET", path, headers={"Accept": "text/plain, */*", "User-Agent": "homelab"})
            answer = connection.getresponse()
            ended(answer.status)
            body = answer.read(_LARGEST).decode("ascii", "replace")
        status, kind = answer.status, answer.headers.get_content_type()
    except (OSError, HTTPException, ValueError) as error:
        raise Transient(f"{host}: {error}") from error
    finally:
        connection.close()
    if status != _OK:
        raise Transient(f"{host} answers with status {status}")
    return _read(host, body, kind, family)


def unfit(address: Address) -> str:
    """Why an address cannot be published as the one of this home, or ""."""
    if isinstance(address, IPv4Address) and address in _CGNAT:
        return (
            f"{address} is shared by many customers of the provider (carrier-grade NAT): nobody can reach this home under it; "
            "ask the provider for a public IPv4 address, or use IPv6 or a tunnel"
        )
    if address.is_private:
        return f"{address} is a private address: it means nothing outside this home"
    if not address.is_global or address.is_multicast:
        return f"{address} is reserved: it cannot be the address of a home"
    return ""


def is_loopback(url: str) -> bool:
    """True for a source that is written as one on this very machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _read(host: str, body: str, kind: str, family: int) -> Address:
    text = body.strip()
    found = _CHECKIP.search(text) if kind == "text/html" or "<" in text else None
    try:
        address = ip_address(found[1] if found else text)
    except ValueError as error:
        raise Transient(f"{host} does not answer with an address but with {text[:60]!r}") from error
    if address.version != family:
        raise Transient(f"{host} answers with {address}, which is not IPv{family}")
    return address


def _guarded(host: str, family: int) -> Callable[..., socket.socket]:
    """How a connection is made: by one family, and to an address of this machine or network only when the source is written as
    such: a name that suddenly points into the home is refused before anything is sent."""

    def connect(address: tuple[str, int], timeout: float, _source: object = None) -> socket.socket:
        written = is_loopback(f"//{host}")
        found = socket.getaddrinfo(address[0], address[1], 0 if written else _FAMILIES[family], socket.SOCK_STREAM)
        last: OSError | None = None
        for kind, _, _, _, place in found:
            target = ip_address(place[0])
            if target.is_loopback if written else target.is_global:
                made = socket.socket(kind, socket.SOCK_STREAM)
                made.settimeout(timeout)
                try:
                    made.connect(place)
                except OSError as error:
                    made.close()
                    last = error
                    continue
                return made
            last = OSError(f"it points to {target}, which is not on the internet")
        raise last or OSError("it has no address")

    return connect
