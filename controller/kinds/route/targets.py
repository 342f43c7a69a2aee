"""Addresses that a route sends requests to, as people write them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from controller.core.errors import Problem

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_PORTS = {"http": 80, "https": 443}


def addresses(texts: Iterable[str]) -> tuple[str, list[str]]:
    """The scheme and `host:port` of each address. For checked ones only."""
    found = [_split(text) for text in texts]
    return found[0][0], [f"{host}:{port}" for _, host, port in found]


def address_problems(texts: Iterable[str]) -> Iterable[Problem]:
    """What is wrong with addresses in `to`."""
    schemes: set[str] = set()
    hint = "write http://192.168.1.20:8123"
    for index, text in enumerate(texts):
        try:
            scheme, host, _ = _split(text)
        except ValueError as error:
            yield Problem(("to", index), f"{text!r} is not an address to send requests to: {error}", hint)
            continue
        if not _HOST.fullmatch(host):
            yield Problem(("to", index), f"{text!r} is not an address to send requests to: no host", hint)
        schemes.add(scheme)
    if len(schemes) > 1:
        yield Problem(("to",), "http and https cannot be mixed in one route", "make two routes of it")


def _split(text: str) -> tuple[str, str, int]:
    """Raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme not in _PORTS:
        raise ValueError("it does not begin with http:// or https://")
    if parts.username or parts.password:
        raise ValueError("a name and a password do not belong here")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("it may have no path; what visitors ask for is passed on")
    host = parts.netloc.rpartition(":")[0] if parts.port is not None else parts.netloc.removesuffix(":")
    return parts.scheme, host, parts.port if parts.port is not None else _PORTS[parts.scheme]
