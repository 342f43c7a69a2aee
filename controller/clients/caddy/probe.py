"""One request through Caddy's front door, as a browser of that host would make it."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from controller.core.errors import Transient

_TIMEOUT = 10.0


class NoCertificate(Transient):
    """Caddy has no certificate for the host, so far."""


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
        connection.sock = _secured(made, door.host) if door.tls else made
        try:
            connection.request("GET", path, headers={"Host": door.host, "User-Agent": "homelabhub", "Connection": "close"})
            return connection.getresponse().status
        except (OSError, HTTPException) as error:
            raise Transient(f"{door.host} gave no answer: {str(error) or type(error).__name__}") from error
        finally:
            connection.close()
    finally:
        made.close()


def _secured(made: socket.socket, host: str) -> socket.socket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return context.wrap_socket(made, server_hostname=host)
    except ssl.SSLError as error:
        raise NoCertificate(f"there is no certificate for {host} ({error.reason or error})") from error
    except OSError as error:
        raise Transient(f"{host} ended the connection: {error.strerror or error}") from error
