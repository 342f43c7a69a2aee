"""A connection to ZoneEdit as homelab.yaml declares it, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from controller.clients.dns.names import Unwritable, host_name
from controller.core.errors import Problem, Rejected
from controller.core.explain import explain
from controller.core.secret import SecretVersion

FIELDS = frozenset(["user", "zones", "url", "dynamic_every", "txt_every", "timeout"])
"""Fields that only this type of connection has."""
URL = "https://dynamic.zoneedit.com"


class _Token(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    ref: str
    version: int = 0
    fingerprint: str = ""


class _Zone(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    token: _Token


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    user: str = Field(min_length=1, max_length=255)
    zones: dict[str, _Zone] = Field(min_length=1)
    url: str = URL
    dynamic_every: float = Field(default=600.0, gt=0, le=86_400)
    txt_every: float = Field(default=10.0, gt=0, le=86_400)
    propagation: float = Field(default=600.0, gt=0, le=86_400)
    timeout: float = Field(default=30.0, gt=0, le=300)


@dataclass(frozen=True, slots=True)
class Connection:
    """A checked declaration. `tokens` are the tokens of zones. Seconds: between two requests for a dynamic host, for a TXT name,
    how long a change may take to show, and how long an answer may take."""

    name: str
    user: str
    tokens: Mapping[str, SecretVersion]
    url: str = URL
    dynamic_every: float = 600.0
    txt_every: float = 10.0
    propagation: float = 600.0
    timeout: float = 30.0

    @classmethod
    def parse(cls, name: str, declared: Mapping[str, Any]) -> Connection:
        """Read `{type: zoneedit, user: …, zones: {example.net: {token: {ref: …}}}}`, without the fields that every DNS connection
        has. Raises Rejected with every problem."""
        try:
            found = _Declared.model_validate(declared)
        except ValidationError as error:
            items = error.errors(include_input=False)
            raise Rejected([Problem(item["loc"], *explain(item, _Declared, declared)) for item in items]) from error
        problems = [Problem(("zones", zone), why, hint) for zone in found.zones for why, hint in _wrong_zone(zone)]
        problems += [Problem(("url",), why) for why in _wrong_url(found.url)]
        if ":" in found.user:
            problems.append(Problem(("user",), "a user name with a colon cannot be sent (HTTP Basic)"))
        if problems:
            raise Rejected(problems)
        return cls(
            name=name,
            user=found.user,
            tokens={
                zone: SecretVersion(each.token.ref, each.token.version, each.token.fingerprint)
                for zone, each in found.zones.items()
            },
            url=found.url.rstrip("/"),
            dynamic_every=found.dynamic_every,
            txt_every=found.txt_every,
            propagation=found.propagation,
            timeout=found.timeout,
        )


def _wrong_zone(zone: str) -> list[tuple[str, str]]:
    try:
        name = host_name(zone)
    except Unwritable as error:
        return [(str(error), error.hint)]
    return [] if name == zone else [(f"{zone!r} is not spelled as it is looked up", f"write {name}")]


def _wrong_url(url: str) -> list[str]:
    """A token never crosses a network in the clear."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        return [f"{url!r}: {error}"]
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query or parts.fragment:
        return [f"{url!r} is not the address of a server; leave it out to use {URL}"]
    return (
        [] if parts.scheme == "https" or _loopback(host) else ["plain http would show the token to the whole network; use https"]
    )


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
