"""One request through Caddy's front door, as a browser of that host would make it."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address

from controller.clients.tls import secured
from controller.core.errors import Transient

_TIMEOUT = 10.0
_LABEL = "homelab-probe"


@dataclass(frozen=True, slots=True)
class Door:
    """Where a front door is. `host` is the name that is asked for."""

    address: str
    port: int
    tls: bool
    host: str


def probe(door: Door, path: str = "/", timeout: float = _TIMEOUT) -> int:
    """The status of the answer to `GET path`. Trust in the certificate is not judged here. Raises NoCertificate, Transient."""
    try:
        made = socket.create_connection((door.address, door.port), timeout)
    except OSError as error:
        raise Transient(f"nothing answers at {door.address} port {door.port}: {error.strerror or error}") from error
    try:
        connection = HTTPConnection(door.host, timeout=timeout)
        connection.sock = secured(made, door.host) if door.tls else made
        try:
            connection.request("GET", path, headers={"Host": door.host, "User-Agent": "homelabhub", "Connection": "close"})
            return connection.getresponse().status
        except (OSError, HTTPException) as error:
            raise Transient(f"{door.host} gave no answer: {str(error) or type(error).__name__}") from error
        finally:
            connection.close()
    finally:
        made.close()


def visited(host: str) -> str:
    """A name that a visitor of a host asks for: some name stands for the star of a wildcard."""
    return f"{_LABEL}{host[1:]}" if host.startswith("*.") else host


def reachable(address: str) -> str:
    """Where a listener is met from this machine: one on all addresses is also on loopback."""
    text = address.strip("[]")
    with suppress(ValueError):
        return "127.0.0.1" if ip_address(text).is_unspecified else text
    return text or "127.0.0.1"
