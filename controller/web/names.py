"""Names: the hosts and origins under which this endpoint answers. What is not among them is another site."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

_HOST = re.compile(r"(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?)(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True)
class Names:
    """`hosts` are names; IP literals always count (only a *name* can be pointed at us by somebody else's DNS). `origins` are
    public addresses behind a TLS proxy, as `https://host[:port]`."""

    hosts: frozenset[str]
    origins: frozenset[str] = frozenset()

    @classmethod
    def of(cls, public: Iterable[str] = ()) -> Names:
        """This machine's own names and the public addresses that a person set."""
        machine = socket.gethostname().lower()
        origins = frozenset(address.rstrip("/").lower() for address in public)
        proxied = {urlsplit(origin).hostname or "" for origin in origins}
        return cls(frozenset({"localhost", machine, f"{machine}.local", *proxied}), origins)

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

    def own(self, origin: str, host: str) -> bool:
        """True when an Origin header is exactly the address that the Host header was reached by."""
        return origin.lower() == f"{'https' if self.secure(host) else 'http'}://{host.lower()}"


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
