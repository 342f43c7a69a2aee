"""Names: the hosts and origins under which this endpoint answers. What is not among them is another site."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from controller.core.errors import SettingsError

_HOST = re.compile(r"(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?)(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True)
class Names:
    """`hosts` are names; IP literals always count (only a *name* can be pointed at us by somebody else's DNS). `origins` are
    further addresses that a person set, as `http[s]://host[:port]`; https is ended by a proxy."""

    hosts: frozenset[str]
    origins: frozenset[str] = frozenset()

    @classmethod
    def of(cls, public: Iterable[str] = ()) -> Names:
        """This machine's own names and the addresses that a person set. Raises SettingsError."""
        machine = socket.gethostname().lower()
        origins = frozenset(address.rstrip("/").lower() for address in public)
        for origin in origins:
            scheme, _, host = origin.partition("://")
            if scheme not in ("http", "https") or not _HOST.fullmatch(host):
                raise SettingsError(f"public: {origin!r} is not an address; write https://HOST or https://HOST:PORT")
        named = {urlsplit(origin).hostname or "" for origin in origins}
        return cls(frozenset({"localhost", machine, f"{machine}.local", *named}), origins)

    def knows(self, host: str) -> bool:
        """True when a Host header names us."""
        found = _HOST.fullmatch(host.lower())
        if found is None or int(found["port"] or 0) > 65535:
            return False
        name = found["host"].strip("[]")
        return name in self.hosts or _is_address(name)

    def secure(self, host: str) -> bool:
        """True when people reach this host by https (through a proxy that ends TLS)."""
        return f"https://{host.lower()}" in self.origins

    @staticmethod
    def own(origin: str, host: str, https: bool) -> bool:
        """True when an Origin header is exactly the address that the Host header was reached by."""
        return origin.lower() == f"{'https' if https else 'http'}://{host.lower()}"


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
