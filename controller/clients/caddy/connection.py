"""A connection to a Caddy as homelab.yaml declares it, checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from controller.clients.dns.servers import read_server
from controller.core.dns import certificate_key
from controller.core.edge import DEFAULT_SUBNET, slots
from controller.core.errors import Problem, Rejected

TYPE = "caddy"
ADMIN = "http://127.0.0.1:2019"
"""Where a Caddy listens when its configuration does not say."""
LOOPBACK = ("127.0.0.0/8", "::1/128")
PRIVATE = ("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7", "fe80::/10")
"""Who is at home where nothing else is declared. The range of carriers (100.64.0.0/10) is not in it: strangers may be there."""
OWNED, COEXIST = "owned", "coexist"
DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h))+")
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
_LOG = "homelab-certificates.log"
_FOLDER = re.compile(r"(/[^/{}\x00-\x1f\x7f]+)+/?")
FOLDER_HINT = "add `certificates: /var/lib/caddy/certificates` to it in homelab.yaml: a folder that Caddy reads and that stays"
_LISTEN = re.compile(r"[0-9A-Za-z.:\[\]-]*")


class _Acme(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    ca: str = ""
    email: str = ""
    roots: list[str] = []
    challenges: list[Literal["http", "tls-alpn"]] = Field(default=["http", "tls-alpn"], min_length=1)
    caa: list[str] = []
    resolvers: list[str] = []
    trust: list[str] = []


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str = TYPE
    admin: str = ADMIN
    mode: Literal["owned", "coexist"] = "owned"
    server: str = ""
    listen: list[str] = [""]
    http_port: int = Field(default=80, ge=1, le=65_535)
    https_port: int = Field(default=443, ge=1, le=65_535)
    acme: _Acme = _Acme()
    private: list[str] = list(PRIVATE)
    vpn: list[str] = []
    edge: str = DEFAULT_SUBNET
    slots: dict[str, Annotated[int, Field(ge=1)]] = {}
    addresses: dict[Literal["public", "vpn", "private"], list[str]] = {}
    grace_period: str = "10s"
    probe: str = ""
    unhealthy: list[int] = [502, 503, 504]
    version: str = ""
    log: str | None = None
    certificates: str = ""


@dataclass(frozen=True, slots=True)
class Acme:
    """How public certificates are ordered. `ca` is a directory URL ("" = Let's Encrypt), `roots` PEM files on Caddy's machine
    that the CA itself is trusted by, `challenges` those that may be used. `caa` are its names in CAA records (none = those of a
    known CA, else CAA is not asked), looked up at `resolvers` (none = this machine's); `trust` PEM files on this machine with the
    roots that visitors trust what it issues by (none = those of this machine for Let's Encrypt, else trust is not judged)."""

    ca: str = ""
    email: str = ""
    roots: tuple[str, ...] = ()
    challenges: tuple[str, ...] = ("http", "tls-alpn")
    caa: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    trust: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Connection:
    """A checked declaration.

    `admin` is `unix:///path` or `http://` on loopback. Mode owned: the whole Caddy is ours; coexist: one route among those of a
    person, in the server called `server` ("" = the one on the HTTPS port). `listen` are addresses to listen on ("" = all);
    `private` and `vpn` source ranges; `edge` the network where services have their slots, `slots` which choice of a place a
    service has there when it is not the first; `addresses` what a host's record says by exposure (absent = the public address);
    `probe` the address at which Caddy is reached for a look ("" = where it listens), `unhealthy` the answers that say that
    nothing stands behind a route; `version` for a Caddy that nothing else tells (2.7);
    `log` the file, by the same path on both machines, to which a Caddy of ours writes what happens to certificates ("" = no);
    `certificates` the folder, by the same path on both machines, from which Caddy reads those that we order ("" = none)."""

    name: str = TYPE
    admin: str = ADMIN
    mode: str = OWNED
    server: str = ""
    listen: tuple[str, ...] = ("",)
    http_port: int = 80
    https_port: int = 443
    acme: Acme = Acme()
    private: tuple[str, ...] = PRIVATE
    vpn: tuple[str, ...] = ()
    edge: str = DEFAULT_SUBNET
    slots: Mapping[str, int] = field(default_factory=dict)
    addresses: Mapping[str, Sequence[str]] = field(default_factory=dict)
    grace_period: str = "10s"
    probe: str = ""
    unhealthy: tuple[int, ...] = (502, 503, 504)
    version: str = ""
    log: str = ""
    certificates: str = ""

    def bundle(self, host: str) -> str:
        """The file with the certificate of a host that is ordered for this Caddy, and its private key."""
        return f"{self.certificates}/{certificate_key(host).name}.pem"

    @property
    def admin_listen(self) -> str:
        """The admin endpoint in Caddy's own spelling."""
        parts = urlsplit(self.admin)
        return f"unix/{parts.path}" if parts.scheme == "unix" else parts.netloc

    @property
    def https(self) -> tuple[str, ...]:
        """Listener addresses for HTTPS, in Caddy's spelling."""
        return tuple(f"{address}:{self.https_port}" for address in self.listen)

    @property
    def http(self) -> tuple[str, ...]:
        """Listener addresses for plain HTTP."""
        return tuple(f"{address}:{self.http_port}" for address in self.listen)

    @classmethod
    def parse(cls, name: str, declared: Mapping[str, Any]) -> Connection:
        """Read `{type: caddy, admin: …, mode: …, …}`. Raises Rejected with every problem, with paths below the declaration."""
        try:
            read = _Declared.model_validate(dict(declared))
        except ValidationError as error:
            raise Rejected(
                [Problem(tuple(item["loc"]), _said(item, name)) for item in error.errors(include_url=False)]
            ) from error
        if problems := list(_problems(read)):
            raise Rejected(problems)
        acme = Acme(
            ca=read.acme.ca,
            email=read.acme.email,
            roots=tuple(read.acme.roots),
            challenges=tuple(sorted(set(read.acme.challenges))),
            caa=tuple(name.rstrip(".").lower() for name in read.acme.caa),
            resolvers=tuple(read.acme.resolvers),
            trust=tuple(read.acme.trust),
        )
        return cls(
            name=name,
            admin=read.admin,
            mode=read.mode,
            server=read.server,
            listen=tuple(read.listen),
            http_port=read.http_port,
            https_port=read.https_port,
            acme=acme,
            private=ranges(read.private),
            vpn=ranges(read.vpn),
            edge=read.edge,
            slots=dict(read.slots),
            addresses={exposure: tuple(values) for exposure, values in read.addresses.items()},
            grace_period=read.grace_period,
            probe=read.probe,
            unhealthy=tuple(sorted(set(read.unhealthy))),
            version=read.version,
            log=_log(read),
            certificates=read.certificates.rstrip("/"),
        )


def _log(read: _Declared) -> str:
    """Beside the socket unless it is declared: that folder is shared with a Caddy in a container."""
    if read.mode != OWNED:
        return ""
    if read.log is not None:
        return read.log
    parts = urlsplit(read.admin)
    return f"{parts.path.rpartition('/')[0]}/{_LOG}" if parts.scheme == "unix" else ""


def ranges(texts: Iterable[str]) -> tuple[str, ...]:
    """Source ranges in canonical form, sorted, none twice. Raises ValueError."""
    found = {ip_network(text) for text in texts}
    return tuple(str(each) for each in sorted(found, key=lambda each: (each.version, int(each.network_address), each.prefixlen)))


def _said(item: Any, name: str) -> str:
    if item["type"] == "extra_forbidden":
        return f"the Caddy connection {name!r} has no field {item['loc'][-1]!r}"
    return str(item["msg"])


def _problems(read: _Declared) -> Iterable[Problem]:
    yield from _admin_problems(read.admin)
    for word, texts in (("private", read.private), ("vpn", read.vpn)):
        for index, text in enumerate(texts):
            try:
                ranges([text])
            except ValueError as error:
                yield Problem((word, index), f"{text!r} is not a range of addresses: {error}", "write 192.168.1.0/24")
    try:
        slots("any", read.edge)
    except ValueError as error:
        yield Problem(("edge",), f"edge: {error}")
    for index, text in enumerate(read.listen):
        if not _LISTEN.fullmatch(text):
            yield Problem(("listen", index), f"{text!r} is not an address to listen on", 'write 192.168.1.10, or "" for all')
    if not read.listen:
        yield Problem(("listen",), "listen names no address", 'leave it out, or write [""] for all')
    if read.http_port == read.https_port:
        yield Problem(("https_port",), "http_port and https_port are the same")
    if not DURATION.fullmatch(read.grace_period):
        yield Problem(("grace_period",), f"{read.grace_period!r} is not a duration", "write 10s")
    if read.acme.ca and not read.acme.ca.startswith("https://"):
        yield Problem(("acme", "ca"), "the directory of a CA is an https:// address")
    for index, text in enumerate(read.acme.resolvers):
        try:
            ip_address(read_server(text)[0])
        except ValueError:
            yield Problem(("acme", "resolvers", index), f"{text!r} is not a resolver", "write its address, 192.168.1.1:53")
    for index, path in enumerate(read.acme.trust):
        if not path.startswith("/"):
            yield Problem(("acme", "trust", index), f"{path!r} is not an absolute path on this machine")
    for index, path in enumerate(read.acme.roots):
        if not path.startswith("/"):
            yield Problem(("acme", "roots", index), f"{path!r} is not an absolute path on Caddy's machine")
    if read.log and not read.log.startswith("/"):
        yield Problem(("log",), f"{read.log!r} is not an absolute path", 'write /run/caddy/certificates.log, or "" for none')
    if read.certificates and not _FOLDER.fullmatch(read.certificates):
        yield Problem(("certificates",), f"{read.certificates!r} is not an absolute path", FOLDER_HINT)
    if read.version and not re.fullmatch(r"2\.\d+(\.\d+)?", read.version):
        yield Problem(("version",), f"{read.version!r} is not a version of Caddy", "write 2.7.6")


def _admin_problems(admin: str) -> Iterable[Problem]:
    hint = "write unix:///run/caddy/admin.sock, or http://127.0.0.1:2019"
    try:
        parts = urlsplit(admin)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme == "unix":
        if parts.netloc or not parts.path.startswith("/"):
            yield Problem(("admin",), f"{admin!r} is not the address of a socket", hint)
    elif parts.scheme != "http" or port is None or parts.path not in ("", "/") or parts.query or parts.username:
        yield Problem(("admin",), f"{admin!r} is not the address of Caddy's admin endpoint", hint)
    elif parts.hostname not in _LOCAL_HOSTS:
        # Whoever reaches the endpoint controls Caddy, and nothing on the way is encrypted.
        yield Problem(("admin",), f"Caddy's admin endpoint on {parts.hostname} is open to the network", hint)
