"""A connection to Home Assistant as homelab.yaml declares it, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from controller.core.errors import Problem, Rejected
from controller.core.explain import explain

TYPE = "homeassistant"
_HINT = "write the address of its front page, such as http://192.0.2.5:8123"
_REFERENCE = "write `token: {ref: homeassistant/token}` and set it with `homelab secret set homeassistant/token`"


class _Token(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    ref: str = Field(min_length=1)
    version: int = 0
    fingerprint: str = ""
    generate: int = 0
    """Only a simulated home takes a token that was made up."""


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str = TYPE
    url: str
    token: _Token
    ca: str = ""
    sensors: bool = False


@dataclass(frozen=True, slots=True)
class Connection:
    """A checked declaration. `url` has no slash at its end; `ca` is a PEM file on this machine with the authority that signed the
    certificate of an https address ("" = those that this machine trusts); `ref` is the name of the token's secret; `sensors` =
    it shows how the house stands."""

    name: str
    url: str
    ca: str = ""
    ref: str = ""
    sensors: bool = False

    @classmethod
    def parse(cls, name: str, declared: Mapping[str, Any]) -> Connection:
        """Read `{type: homeassistant, url: …, token: {ref: …}}`. Raises Rejected with every problem."""
        if isinstance(declared.get("token"), str):
            raise Rejected([Problem(("token",), "the token itself must not stand here", _REFERENCE)])
        try:
            found = _Declared.model_validate(declared)
        except ValidationError as error:
            items = error.errors(include_input=False)
            raise Rejected([Problem(item["loc"], *explain(item, _Declared, declared)) for item in items]) from error
        problems = list(_problems(found))
        if problems:
            raise Rejected(problems)
        return cls(name=name, url=found.url.rstrip("/"), ca=found.ca, ref=found.token.ref, sensors=found.sensors)

    @property
    def socket(self) -> str:
        """The address of the WebSocket."""
        return f"ws{self.url.removeprefix('http')}/api/websocket"


def _problems(read: _Declared) -> Iterable[Problem]:
    try:
        parts = urlsplit(read.url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        yield Problem(("url",), f"{read.url!r} is not the address of a Home Assistant", _HINT)
    elif parts.username or parts.password is not None:
        yield Problem(("url",), "a name or a password in the address is not used; `token` is what opens it", _HINT)
    elif parts.path not in ("", "/") or parts.query or parts.fragment:
        yield Problem(("url",), f"{read.url!r} has something behind the host", _HINT)
    if read.ca and parts.scheme == "http":
        yield Problem(("ca",), "`ca` says whom to trust over https, and the address is http", "write https:// or leave it out")
    elif read.ca and not read.ca.startswith("/"):
        yield Problem(("ca",), f"{read.ca!r} is not an absolute path on this machine")
