"""The address of a remote repository: https or ssh, checked against what git would run, and shown without its password."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import re
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from controller.core.errors import SourceError

_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:(?P<user>[^@/]*)@)?(?P<host>\[[^\]]*\]|[^:/\[\]@]*)(?::(?P<port>\d{1,5}))?(?P<path>/.*)"
)
_SHORT = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<host>[^@/:\[\]]+):(?P<path>[^:].*)")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_PATH = re.compile(r"~?[A-Za-z0-9._~%+@=,:/-]*")
_USER = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]{0,63}")
_SCHEMES = ("https", "ssh", "http")
_LONGEST = 1024
_HINT = "write it like https://host/path.git or ssh://git@host/path.git"
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address. `url` has no password or token and may be shown; `header` authenticates and may not."""

    url: str
    scheme: str
    host: str
    port: int
    trusted: bool
    header: str = field(default="", repr=False)

    def resolved(self) -> tuple[IPAddress, ...]:
        """The addresses that the host's name leads to now; none for a trusted host, and where the name is not known: ssh has
        names of its own, and a proxy looks for itself. Raises SourceError when one is this machine or a metadata service."""
        if self.trusted:
            return ()
        found: dict[IPAddress, None] = {}
        with contextlib.suppress(OSError, UnicodeError):
            for item in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
                found[ipaddress.ip_address(str(item[4][0]).partition("%")[0])] = None
        for address in found:
            if reason := _forbidden(address):
                raise SourceError(f"{self.url} is refused: {self.host} leads to {reason}")
        return tuple(found)

    def pin(self, addresses: Iterable[IPAddress]) -> str:
        """What makes curl connect to these addresses whatever the name leads to by then: `HOST:PORT:ADDRESS,ADDRESS`."""
        shown = (f"[{address}]" if address.version == 6 else str(address) for address in addresses)
        return f"{self.host}:{self.port}:{','.join(shown)}"


def looks_remote(text: str) -> bool:
    """True for what git would take for a remote address rather than a path."""
    return "://" in text or "::" in text or (":" in text.partition("/")[0] and not text.startswith((".", "~")))


def parse_address(text: str, trusted: Collection[str] = ()) -> Address:
    """The address, when it is allowed. Raises SourceError, never repeating a password.

    `trusted` hosts may be this machine or a link-local address, and may be reached by plain http."""
    found = _URL.fullmatch(text) or (None if "://" in text or "::" in text else _SHORT.fullmatch(text))
    if found is None or len(text) > _LONGEST or not text.isascii() or not text.isprintable():
        raise SourceError(f"this is not the address of a repository: {_HINT}")
    parts = found.groupdict()
    scheme, user, path = parts.get("scheme") or "ssh", parts["user"] or "", parts["path"]
    host = parts["host"].strip("[]").lower().rstrip(".")
    if scheme not in _SCHEMES:
        raise SourceError(f"{scheme}:// is not allowed for a repository: {_HINT}" + _local_hint(scheme))
    if not _PATH.fullmatch(path) or "/-" in f"/{path}" or "/../" in f"{path}/":
        raise SourceError(f"the address has a path that is not allowed: {_HINT}")
    at_home = host in trusted
    _check_host(host, at_home)
    if scheme == "http" and not at_home:
        raise SourceError(
            "http:// sends specs and passwords in the clear: use https:// or ssh://, or trust the host in the settings"
        )
    port = int(parts.get("port") or {"https": 443, "ssh": 22, "http": 80}[scheme])
    if not 0 < port < 65536:
        raise SourceError(f"{port} is not a port")
    shown = f"[{host}]" if ":" in host else host
    where = f"{shown}:{port}" if parts.get("port") else shown
    if scheme == "ssh":
        login = f"{_ssh_user(user)}@" if user else ""
        short = "scheme" not in parts
        return Address(f"{login}{host}:{path}" if short else f"ssh://{login}{where}{path}", scheme, host, port, at_home)
    return Address(f"{scheme}://{where}{path}", scheme, host, port, at_home, _header(user))


def _local_hint(scheme: str) -> str:
    return "; for a folder on this machine write its path" if scheme == "file" else ""


def _ssh_user(user: str) -> str:
    if ":" in user:
        raise SourceError("ssh takes no password in an address: use a key")
    if not _USER.fullmatch(user):
        raise SourceError("the user name in the address is not allowed")
    return user


def _header(user: str) -> str:
    if not user:
        return ""
    name, _, password = (unquote(part) for part in user.partition(":"))
    if not (name + password).isprintable() or ":" in name:
        raise SourceError("the user name or password in the address has a character that is not allowed")
    return "Authorization: Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def _check_host(host: str, trusted: bool) -> None:
    address = _address(host)
    if address is None and not _HOST.fullmatch(host):
        raise SourceError(f"the address has a host name that is not allowed: {_HINT}")
    if trusted:
        return
    if host in ("localhost", "ip6-localhost", "ip6-loopback") or host.endswith(".localhost"):
        raise SourceError("the host is this machine: for a folder on it write its path, or trust the host in the settings")
    if address is not None and (reason := _forbidden(address)):
        raise SourceError(f"the host {host} is {reason}: it is refused unless the settings trust it")


def _address(host: str) -> IPAddress | None:
    """The IP address a host is written as, in any of the ways that a resolver takes (`127.1`, `0x7f000001`, `2130706433`)."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host)
    if re.fullmatch(r"[0-9a-fx.]+", host):
        with contextlib.suppress(OSError):
            return ipaddress.ip_address(socket.inet_aton(host))
    return None


def _forbidden(address: IPAddress) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        address = inner if inner is not None else address
    if address.is_loopback or address.is_unspecified:
        return "this machine"
    if address.is_link_local:
        return "a link-local address, where clouds keep their secrets"
    return "not the address of one machine" if address.is_multicast else ""
