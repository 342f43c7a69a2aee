"""Published ports: Compose's short syntax, one entry or a range at a time, in its long form."""

from __future__ import annotations

import ipaddress

from controller.clients.compose.data import Data
from controller.clients.compose.findings import Invalid
from controller.clients.compose.text import integer_of

_PROTOCOLS = ("tcp", "udp", "sctp")
_HIGHEST = 65_535
_HINT = 'write "HOST:CONTAINER", such as "8080:80"'


def parse_port(spec: str) -> list[dict[str, Data]]:
    """The long form of `[[IP:]HOST:]CONTAINER[/PROTOCOL]`, where both ports may be ranges; sorted as text. Raises Invalid."""
    address, host, container = _parts(spec)
    container, _, protocol = container.partition("/")
    protocol = (protocol or "tcp").lower()
    if not container:
        raise Invalid(f"`{spec}` has no container port", _HINT)
    if protocol not in _PROTOCOLS:
        raise Invalid(f"`{protocol}` is no protocol for a port", "use tcp, udp or sctp")
    address = _address(address)
    first, last = _range(container, spec)
    if first == 0:
        raise Invalid(f"`{spec}` has the container port 0", _HINT)
    published = _published(host, last - first + 1, spec)
    targets = sorted(range(first, last + 1), key=str)
    return [_entry(address, target, published[target - first], protocol) for target in targets]


def is_address(text: str) -> bool:
    """Whether `text` is an IP address without a zone or a mask."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _parts(spec: str) -> tuple[str, str, str]:
    parts = spec.split(":")
    container = parts.pop()
    host = parts.pop() if parts else ""
    return ":".join(parts), host, container


def _address(address: str) -> str:
    bare = address[1:-1] if address.startswith("[") and address.endswith("]") else address
    if bare and not is_address(bare):
        raise Invalid(f"`{address}` is not an IP address", "a port can only be bound to an IP address, not to a name")
    return bare


def _range(ports: str, spec: str) -> tuple[int, int]:
    start, dash, end = ports.partition("-")
    first, last = _number(start, spec), _number(end if dash else start, spec)
    if last < first:
        raise Invalid(f"the range `{ports}` of `{spec}` ends before it starts", _HINT)
    return first, last


def _number(port: str, spec: str) -> int:
    try:
        number = integer_of(port)
    except Invalid:
        number = -1
    if not 0 <= number <= _HIGHEST or not port[:1].isdigit():
        raise Invalid(f"`{spec}` does not say ports from 0 to {_HIGHEST}", _HINT)
    return number


def _published(host: str, count: int, spec: str) -> list[str]:
    if not host:
        return [""] * count
    first, last = _range(host, spec)
    if last - first + 1 == count:
        return [str(port) for port in range(first, last + 1)]
    if count > 1:
        raise Invalid(f"`{spec}` maps {last - first + 1} host ports to {count} container ports", "make both ranges equally long")
    return [f"{first}-{last}"]


def _entry(address: str, target: int, published: str, protocol: str) -> dict[str, Data]:
    entry: dict[str, Data] = {"mode": "ingress"}
    if address:
        entry["host_ip"] = address
    entry["target"] = target
    if published:
        entry["published"] = published
    entry["protocol"] = protocol
    return entry
