"""Proxies: whose word counts about who asks, by which name, and whether it came by https. By default nobody's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import Scope

from controller.core.errors import SettingsError

_TOLD = (b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"forwarded", b"x-real-ip")
Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Proxies:
    """Networks of proxies that a person trusts. What they tell (`X-Forwarded-For`, `-Host`, `-Proto`) takes the place of what
    their own connection says; from everybody else it counts for nothing."""

    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, named: Iterable[str]) -> Proxies:
        """By address (`192.0.2.1`) or network (`172.18.0.0/16`). Raises SettingsError."""
        found: list[Network] = []
        for text in named:
            try:
                found.append(ip_network(text.strip()))
            except ValueError as error:
                raise SettingsError(f"trusted-proxy: {text!r} is no address; write 192.0.2.1 or 172.18.0.0/16") from error
        return cls(tuple(found))

    def believed(self, scope: Scope) -> Scope:
        """The request as a trusted proxy tells it; as it came, for everybody else. The peer is the last hop before our own
        proxies: what stands further left was written by whoever asked."""
        client = scope.get("client")
        if not self.networks or not client or not self._trusts(client[0]):
            return scope
        headers = Headers(scope=scope)
        peer = client[0]
        for hop in reversed([part for line in headers.getlist("x-forwarded-for") for part in line.split(",")]):
            found = _address(hop)
            if found is None:
                break
            peer = str(found)
            if not self._trusts(peer):
                break
        host, proto = _last(headers, "x-forwarded-host"), _last(headers, "x-forwarded-proto").lower()
        kept = [(name, value) for name, value in scope["headers"] if name not in _TOLD and not (host and name == b"host")]
        if host:
            kept.insert(0, (b"host", host.encode("latin-1")))
        scheme = proto if proto in ("http", "https") else scope["scheme"]
        return {**scope, "client": (peer, 0), "headers": kept, "scheme": scheme}

    def _trusts(self, peer: str) -> bool:
        address = _address(peer)
        return address is not None and any(address in network for network in self.networks)


def _last(headers: Headers, name: str) -> str:
    """What the nearest proxy wrote."""
    told = headers.getlist(name)
    return told[-1].rpartition(",")[2].strip() if told else ""


def _address(text: str) -> Address | None:
    """An address as hops write them: bare, `[v6]`, or with a port."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
