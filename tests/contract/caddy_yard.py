"""Routes on a real Caddy for contract tests: specs in, changes through the provider, and the hands of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from typing import Any

from controller.clients.caddy import Connection
from controller.clients.clock import SystemClock
from controller.clients.yaml import read_yaml
from controller.core.change import Action, Change
from controller.core.diff import compare
from controller.core.errors import ProviderError
from controller.core.estate import HomelabSpec
from controller.core.key import Key
from controller.core.kind import Desired
from controller.core.state import Observed, Present, Receipt, State, Target
from controller.engine.surroundings import RepositorySurroundings
from controller.kinds.route import KIND, RouteProvider, RouteSpec
from tests.contract.yard import Specs, Yard
from tests.support.caddy import Caddy, Tap
from tests.support.house import Drawer, OpenVault, Tree

NO = Flag()
Spec = Mapping[str, Any]


def resolved(declared: Mapping[str, Any], name: str, spec: Spec, others: Mapping[str, Any] | None = None) -> Desired:
    """What a spec means for one declared Caddy. Without a word, no record is made."""
    homelab = HomelabSpec(connections={"local": dict(declared)})
    around = RepositorySurroundings(Tree({}), "", read_yaml, OpenVault(), Drawer(), homelab, written=others or {})
    assert KIND.resolve is not None
    return KIND.resolve(name, RouteSpec.model_validate({"dns": "off", **spec}), around)


@dataclass
class Routes:
    """The routes of one Caddy, by name."""

    caddy: Caddy
    rest: Mapping[str, Any] = field(default_factory=dict)
    """More words of the connection."""

    def __post_init__(self) -> None:
        self.declared = self.caddy.declared(**self.rest)
        self.tap = Tap(str(self.declared["admin"]))
        self.provider = RouteProvider(Connection.parse("local", self.declared), SystemClock(), self.tap)

    def state(self, name: str, spec: Spec) -> State:
        return resolved(self.declared, name, spec).state

    def look(self, name: str) -> Observed:
        return self.provider.observe([target(name)]).of(target(name).key)

    def shown(self, name: str) -> State:
        found = self.look(name)
        assert isinstance(found, Present), found
        return found.state

    def change(self, name: str, spec: Spec | None) -> Change:
        """From what is there now to a spec (None = nothing)."""
        found = self.look(name)
        before = found.state if isinstance(found, Present) else None
        after = self.state(name, spec) if spec is not None else None
        action = Action.DELETE if after is None else Action.CREATE if before is None else Action.UPDATE
        return Change(target(name).key, "local", name, action, before, after, "test")

    def put(self, specs: Mapping[str, Spec | None]) -> Sequence[Receipt | ProviderError]:
        """Change several at once."""
        return self.provider.apply_many([self.change(name, spec) for name, spec in specs.items()], NO)

    def make(self, specs: Mapping[str, Spec | None]) -> None:
        """Change several at once; all of them must work."""
        failed = [outcome for outcome in self.put(specs) if isinstance(outcome, ProviderError)]
        assert failed == []

    def drift(self, name: str, spec: Spec) -> list[str]:
        """What a plan would say differs."""
        return [each.path for each in compare(self.state(name, spec), self.shown(name), same=KIND.same, whole=KIND.whole)]

    def health(self, name: str) -> tuple[str, str]:
        health, why = self.provider.health(target(name))
        return str(health), why


def target(name: str) -> Target:
    return Target(Key("route", name), name)


PERSON: Mapping[str, Any] = {
    "logging": {"logs": {"default": {"level": "INFO"}}},
    "apps": {
        "http": {
            "servers": {
                "srv0": {
                    "routes": [
                        {
                            "match": [{"host": ["mine.home.test"]}],
                            "handle": [{"handler": "static_response", "body": "<mine & only>"}],
                            "terminal": True,
                        },
                        {"match": [{"host": ["*.wild.test"]}], "handle": [{"handler": "static_response", "body": "wild"}]},
                    ]
                }
            }
        },
        "pki": {"certificate_authorities": {"local": {"install_trust": False}}},
        "tls": {
            "automation": {
                "policies": [
                    {"subjects": ["mine.home.test", "*.wild.test"], "issuers": [{"module": "internal"}]},
                    {"issuers": [{"module": "internal"}]},
                ]
            }
        },
    },
}
"""What a person's Caddyfile with `local_certs` comes to, without ports: no test may ask a public authority."""


def person(caddy: Caddy) -> dict[str, Any]:
    """A person's configuration on the ports of a test."""
    http = PERSON["apps"]["http"]
    server = {**http["servers"]["srv0"], "listen": [f"127.0.0.1:{caddy.https_port}"]}
    ports = {"http_port": caddy.http_port, "https_port": caddy.https_port, "grace_period": "1s"}
    return {**PERSON, "apps": {**PERSON["apps"], "http": {**http, **ports, "servers": {"srv0": server}}}}


def folder(path: Path) -> Path:
    """A folder with one page."""
    path.mkdir(parents=True)
    (path / "index.html").write_text("a page")
    return path


@dataclass
class CaddySpecs(Specs):
    """Specs of routes for one declared Caddy."""

    declared: Mapping[str, Any] = field(default_factory=dict)

    def resolve(self, kind: str, name: str, spec: Spec, files: Mapping[str, str] | None = None) -> Desired:
        assert (kind, files) == ("route", None)
        return resolved(self.declared, name, spec)


@dataclass
class CaddyHands:
    """A person at the admin endpoint, and a power cut."""

    caddy: Caddy

    def edit(self, yard: Yard) -> None:
        self.caddy.call("PATCH", "/id/homelab:it/match/0/host", ["edited.home.test"])

    def remove(self, yard: Yard) -> None:
        self.caddy.call("DELETE", "/id/homelab:it")

    def cut(self) -> None:
        self.served = self.caddy.document()
        self.caddy.kill()

    def mend(self) -> None:
        self.caddy.start(self.served)


def caddy_yard(caddy: Caddy, mode: str, folder: Path) -> Yard:
    """One route called `it`."""
    if mode == "coexist":
        caddy.load(person(caddy))
    routes = Routes(caddy, {"mode": mode})
    first = {"host": "it.home.test", "to": "http://127.0.0.1:9", "headers": {"response": {"set": {"X-A": "1"}}}}
    second = {"host": "it.home.test", "redirect": "https://x.test", "exposure": "vpn", "tls": "off"}
    impossible = {**first, "tls": {"certificate": "/nowhere.pem", "key": "/nowhere.pem"}}
    specs = CaddySpecs(folder, declared=routes.declared)
    return Yard("route", specs, routes.provider, CaddyHands(caddy), first, second, impossible)
