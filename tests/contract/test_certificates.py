"""Certificates that real Caddys serve, as a commit asks for them: issued, watched, told why not, and taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest

from controller.clients.caddy import Connection
from controller.clients.clock import SystemClock
from controller.core.key import Key
from controller.core.run import Outcome
from controller.core.state import Absent, Observed, Present, Target, Unknown
from controller.kinds import certificate, route
from controller.kinds.certificate import CertificateProvider
from controller.kinds.route import RouteProvider
from tests.support.caddy import Caddy, Tap, Upstream, upstream
from tests.support.clock import HandClock
from tests.support.house import House
from tests.support.pebble import Pebble
from tests.support.space import wait_until

YEAR = 365 * 86_400.0


class Home:
    """Routes and certificates on one Caddy, from one repository."""

    def __init__(self, caddy: Caddy, authority: Pebble, server: Upstream) -> None:
        self.caddy = caddy
        self.authority = authority
        self.url = server.url
        self.declared = caddy.declared(acme=authority.acme)
        self.connection = Connection.parse("caddy", self.declared)
        self.tap = Tap(str(self.declared["admin"]))
        self.house = House(clock=SystemClock(), kinds={"route": route.KIND, "certificate": certificate.KIND})
        self.certificates = CertificateProvider(self.connection, SystemClock())
        routes = RouteProvider(self.connection, SystemClock(), self.tap)
        self.house.providers = {("route", "caddy"): routes, ("certificate", "caddy"): self.certificates}

    def commit(self, *hosts: str, issuer: str = "acme", beside: Sequence[str] = ()) -> list[Outcome]:
        """Routes for hosts, each with its certificate, beside private ones; how the rollouts ended."""
        homelab = {"kind": "Homelab", "name": "home", "spec": {"connections": {"caddy": self.declared}}}
        files = {"homelab.yaml": json.dumps(homelab)}
        for host in (*hosts, *beside):
            name = host.replace(".", "-")
            wanted = {"host": host, "issuer": issuer if host in hosts else "internal", "timeout": 60}
            exposure = "public" if wanted["issuer"] == "acme" else "private"
            spec = {"host": host, "to": self.url, "dns": "off", "timeout": 60, "exposure": exposure}
            files[f"{name}.yaml"] = "\n---\n".join(
                json.dumps(each)
                for each in (
                    {"kind": "Route", "name": name, "spec": spec},
                    {"kind": "Certificate", "name": name, "spec": wanted, "needs": [f"route/{name}"]},
                )
            )
        self.house.book.write(files)
        before = len(self.house.store.runs())
        self.house.reconcile()
        runs = self.house.store.runs()
        return [each.outcome for each in runs[0].rollouts] if len(runs) > before else []

    def look(self, host: str) -> Observed:
        target = Target(Key("certificate", host.replace(".", "-")), host)
        self.certificates.audit()
        return self.certificates.observe([target]).of(target.key)

    def issuer(self, host: str) -> str:
        found = self.look(host)
        return str(found.state["issuer"]) if isinstance(found, Present) else "none"


@pytest.fixture
def home(caddy: Caddy) -> Iterator[Home]:
    authority = Pebble(caddy.http_port, caddy.https_port)
    with upstream() as server:
        yield Home(caddy, authority, server)
    authority.close()


def test_a_public_and_a_private_host_get_what_they_are_promised(home: Home) -> None:
    assert home.commit("open.home.test") == [Outcome.APPLIED]
    found = home.look("open.home.test")
    assert isinstance(found, Present)
    assert (found.state["issuer"], found.state["names"]) == ("acme", ["open.home.test"])
    assert home.commit("open.home.test") == [], "a second plan is empty"
    assert home.commit("open.home.test", issuer="internal") == [Outcome.APPLIED]
    assert home.issuer("open.home.test") == "internal"
    assert home.tap.writes == 2


def test_a_certificate_that_is_not_issued_takes_the_route_back_and_says_why(home: Home) -> None:
    assert home.commit("fine.home.test", issuer="internal") == [Outcome.APPLIED]
    home.authority.place("lost.home.test", "127.0.0.9")
    assert home.commit("lost.home.test", beside=["fine.home.test"]) == [Outcome.ROLLED_BACK]
    reason = home.house.store.runs()[0].rollouts[0].reason
    assert "lost.home.test" in reason
    assert "127.0.0.9" in reason, "the authority's own words"
    assert isinstance(home.look("lost.home.test"), Absent)
    assert home.caddy.get("fine.home.test")[0] == 200


def test_one_that_was_let_go_of_is_not_looked_at(home: Home) -> None:
    stay = [f"stays{number}.home.test" for number in range(6)]
    assert set(home.commit("goes.home.test", issuer="internal", beside=stay)) == {Outcome.APPLIED}
    assert home.commit(*stay, issuer="internal") == [Outcome.APPLIED]
    left = sorted(str(key) for key, _ in home.house.store.rows() if key.kind == "certificate")
    assert left == [f"certificate/{host.replace('.', '-')}" for host in stay]
    assert isinstance(home.look("goes.home.test"), Absent)


def test_old_age_is_told_before_it_hurts(home: Home) -> None:
    assert home.commit("old.home.test") == [Outcome.APPLIED]
    clock = HandClock(SystemClock().now())
    provider = CertificateProvider(home.connection, clock)
    target = Target(Key("certificate", "old-home-test"), "old.home.test")
    assert str(provider.health(target)[0]) == "Healthy"
    clock.advance(4.5 * YEAR)
    health, why = provider.health(target)
    assert (str(health), "was not renewed" in why) == ("Degraded", True), "Pebble's live for five years"
    clock.advance(YEAR)
    assert "expired on" in provider.health(target)[1]


def test_a_caddy_that_is_away_is_not_a_missing_certificate(home: Home) -> None:
    assert home.commit("kept.home.test", issuer="internal") == [Outcome.APPLIED]
    home.caddy.kill()
    assert isinstance(home.look("kept.home.test"), Unknown)
    home.caddy.start()
    wait_until(lambda: not isinstance(home.look("kept.home.test"), Unknown), "Caddy")
