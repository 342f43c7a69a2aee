"""A home whose certificates are ordered by the controller: a real Caddy, a real authority that asks a real name server."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.clients.caddy import Connection
from controller.clients.clock import SystemClock
from controller.clients.tls import Served, served
from controller.core.ports import Clock, Provider
from controller.core.run import Outcome, Run
from controller.kinds import certificate, domain, record, route
from controller.kinds.route import RouteProvider
from tests.contract import dns_yard
from tests.contract.caddy_yard import person
from tests.support.caddy import Caddy, Tap
from tests.support.dns import NameServer
from tests.support.house import House
from tests.support.pebble import Pebble
from tests.support.space import wait_until

KINDS = {"route": route.KIND, "certificate": certificate.KIND, "domain": domain.KIND, "record": record.KIND}


class ShiftedClock(SystemClock):
    """The clock of somebody who lives `later` seconds later."""

    later = 0.0

    def now(self) -> float:
        return super().now() + self.later


@dataclass
class GivenTools:
    """What the provider is given."""

    clock: Clock
    state: Path
    others: Any = field(repr=False, default=None)


class Home:
    """Routes, certificates and one zone, from one repository. `last` is the last pass, None when it did nothing."""

    last: Run | None = None

    def __init__(
        self, caddy: Caddy, server: NameServer, folder: Path, url: str, mode: str = "owned", known: NameServer | None = None
    ) -> None:
        """`known` is the name server that the authority asks (default: the one that holds the zone)."""
        self.caddy = caddy
        self.server = server
        self.clock = ShiftedClock()
        self.zone = self.fresh_zone()
        self.url = url
        self.folder = folder
        self.state = folder / "state"
        self.handed = folder / "handed"
        self.state.mkdir()
        self.handed.mkdir()
        self.authority = Pebble(caddy.http_port, caddy.https_port, f"127.0.0.1:{(known or server).port}")
        if mode == "coexist":
            caddy.load(person(caddy))
        self.declared = caddy.declared(mode=mode, acme=self.authority.acme, certificates=str(self.handed))
        self.tap = Tap(str(self.declared["admin"]))
        self.house = House(clock=self.clock, kinds=KINDS)
        self.restart()

    def fresh_zone(self) -> str:
        """A zone of the name server that nobody else uses."""
        return self.server.fresh()

    def open_records(self) -> Provider:
        """Who writes to it."""
        return dns_yard.record_provider(self.server, self.state, self.clock)

    def restart(self) -> None:
        """Other providers on the same files, as after a restart of the controller."""
        connection = Connection.parse("caddy", self.declared)
        self.certificates = certificate.open_certificates(
            connection, GivenTools(self.clock, self.state, lambda: self.house.providers)
        )
        routes = RouteProvider(connection, self.clock, self.tap)
        providers: dict[tuple[str, str], Provider] = {
            ("route", "caddy"): routes,
            ("certificate", "caddy"): self.certificates,
            ("record", "dns"): self.open_records(),
        }
        self.house.providers = providers

    def files(self, routes: Mapping[str, Mapping[str, Any]], more: Sequence[Mapping[str, Any]] = ()) -> dict[str, str]:
        connections = {"caddy": self.declared, "dns": {"type": "rfc2136"}}
        documents: list[Mapping[str, Any]] = [
            {"kind": "Domain", "name": "zone", "spec": {"zone": self.zone, "via": "dns"}},
            *more,
            *(
                {"kind": "Route", "name": name, "spec": {"to": self.url, "dns": "off", "tls": "dns", "timeout": 60, **spec}}
                for name, spec in routes.items()
            ),
        ]
        homelab = {"kind": "Homelab", "name": "home", "spec": {"connections": connections}}
        return {"homelab.yaml": json.dumps(homelab), "all.yaml": "\n---\n".join(json.dumps(each) for each in documents)}

    def commit(self, routes: Mapping[str, Mapping[str, Any]], more: Sequence[Mapping[str, Any]] = ()) -> list[Outcome]:
        """How the rollouts of a commit ended."""
        self.house.book.write(self.files(routes, more))
        return self.look_again()

    def look_again(self) -> list[Outcome]:
        """How the rollouts of one more pass ended."""
        before = {run.id for run in self.house.store.runs()}
        self.house.reconcile()
        made = [run for run in self.house.store.runs() if run.id not in before]
        self.last = made[0] if made else None
        return [each.outcome for each in self.last.rollouts] if self.last else []

    def reasons(self) -> str:
        """Why the last pass ended as it did; of one that did nothing, what is wrong with the commit."""
        if self.last is None:
            return str(self.house.reconciler.survey().report)
        return "; ".join(each.reason for each in self.last.rollouts)

    def name(self, label: str) -> str:
        return f"{label}.{self.zone}" if label else self.zone

    def served(self, label: str) -> Served:
        return served("127.0.0.1", self.caddy.https_port, self.name(label))

    def trusted(self, label: str) -> bool:
        """True when a visitor who trusts the authority trusts what the host serves."""
        context = ssl.create_default_context(cadata=self.authority.root())
        with socket.create_connection(("127.0.0.1", self.caddy.https_port), 60) as made:
            try:
                context.wrap_socket(made, server_hostname=self.name(label)).close()
            except ssl.SSLCertVerificationError:
                return False
        return True

    def texts(self) -> list[str]:
        """Every proof that stands in the zone, at the primary and at its secondaries."""
        ports = [self.server.port, *self.server.others]
        return [row for port in ports for row in self.server.dump(self.zone, port) if "_acme-challenge" in row]

    def cleared(self) -> bool:
        """True when no proof stands in the zone any more; a secondary hears of it a moment later."""
        wait_until(lambda: not self.texts(), "a zone without proofs")
        return True

    def orders(self) -> int:
        """How many certificates the authority has issued."""
        return self.authority.log().count("Issued certificate serial")

    def causes(self) -> list[str]:
        """What the last pass did, and why."""
        assert self.last is not None
        entries = self.house.store.entries(self.last.id)
        return [f"{entry.change.action} {entry.change.key}: {entry.change.cause}" for entry in entries]

    def secrets(self) -> list[str]:
        """The lines of every private key that is on disk, but for the last: it holds the public half, which is no secret."""
        found: list[str] = []
        for path in [*self.state.glob("*/*/*.pem"), *self.handed.glob("*.pem")]:
            inside = path.read_text().partition("-----BEGIN PRIVATE KEY-----")[2].partition("-----END")[0]
            found += [line for line in inside.splitlines() if line][:-1]
        return found

    def close(self) -> None:
        self.authority.close()
