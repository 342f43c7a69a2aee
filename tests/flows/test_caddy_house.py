"""A whole controller with a real Caddy: commits become routes, together and back, and a converged world is left in peace."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from controller.clients.caddy import Connection
from controller.clients.clock import SystemClock
from controller.core.decision import Approval, Verdict
from controller.core.event import Report
from controller.core.key import Key
from controller.core.run import Outcome
from controller.core.state import Absent
from controller.kinds.route import RouteProvider
from controller.usecases.renewing import renew
from controller.usecases.sync import Sync
from controller.wire.backends import BACKENDS
from controller.wire.kinds import load_kinds
from tests.contract.caddy_yard import person, target
from tests.support.caddy import NEW, OLD, Caddies, Caddy, Tap, WebSocket, echo, upstream
from tests.support.clock import GatheringClock
from tests.support.dns import DnsServers
from tests.support.house import House
from tests.support.pebble import Pebble
from tests.support.space import wait_until

Specs = Mapping[str, Mapping[str, Any]]


class CaddyHouse:
    """One repository of routes, one Caddy, one controller."""

    def __init__(self, caddy: Caddy, **declared: Any) -> None:
        self.caddy = caddy
        self.declared = caddy.declared(**declared)
        self.tap = Tap(str(self.declared["admin"]))
        self.house = House(clock=GatheringClock(), kinds=load_kinds())
        tools: Any = SimpleNamespace(clock=SystemClock(), state=caddy.folder, others=dict)
        opened: dict[str, Any] = dict(BACKENDS["caddy"].open("caddy", self.declared, tools))
        permitted = opened["certificate"].permitted
        self.provider = RouteProvider(Connection.parse("caddy", self.declared), SystemClock(), self.tap, permitted)
        self.house.providers = {**{(kind, "caddy"): each for kind, each in opened.items()}, ("route", "caddy"): self.provider}

    def commit(self, specs: Specs) -> None:
        homelab = {"kind": "Homelab", "name": "home", "spec": {"connections": {"caddy": self.declared}}}
        files = {
            f"{name}.yaml": json.dumps({"kind": "Route", "name": name, "spec": {"dns": "off", "timeout": 60, **spec}})
            for name, spec in specs.items()
        }
        self.house.book.write({"homelab.yaml": json.dumps(homelab), **files})

    def apply(self, specs: Specs) -> Report:
        self.commit(specs)
        return self.house.reconcile()

    def outcomes(self) -> list[Outcome]:
        return [each.outcome for each in self.house.store.runs()[0].rollouts]


@pytest.fixture(params=[OLD, NEW])
def caddy(request: pytest.FixtureRequest, caddies: Caddies) -> Caddy:
    return caddies.clean(request.param)


def routes_to(url: str, *names: str) -> dict[str, dict[str, Any]]:
    return {name: {"host": f"{name}.home.test", "to": url} for name in names}


@pytest.mark.parametrize("mode", ["owned", "coexist"])
def test_a_commit_with_many_routes_is_one_write_and_then_there_is_peace(caddy: Caddy, mode: str) -> None:
    if mode == "coexist":
        caddy.load(person(caddy))
    before = caddy.document()
    home = CaddyHouse(caddy, mode=mode)
    with upstream() as server:
        specs = routes_to(server.url, *(f"r{number}" for number in range(12)))
        home.apply(specs)
        assert set(home.outcomes()) == {Outcome.APPLIED}
        assert len(home.outcomes()) == 12, "each is a rollout of its own"
        assert home.tap.writes == 1
        assert caddy.get("r7.home.test")[0] == 200
        for _ in range(3):
            home.house.reconcile()
        assert home.tap.writes == 1, "a converged world costs nothing"
        closed = {**specs["r3"], "exposure": "vpn"}
        home.apply({**specs, "r3": closed})
        assert home.tap.writes == 2
        approve_all(home, {"r3": closed})
        assert home.tap.writes == 3, "eleven deletions that were approved are one write too"
        home.commit({})
        home.house.reconcile()
        approve_held(home)
        home.house.reconcile()
        if mode == "coexist":
            assert caddy.document() == before


def approve_all(home: CaddyHouse, specs: Specs) -> None:
    home.apply(specs)
    approve_held(home)
    home.house.reconcile()


def approve_held(home: CaddyHouse) -> None:
    found = home.house.reconciler.survey()
    for digest, decision in found.decisions.items():
        if decision.verdict is Verdict.HOLD:
            home.house.store.approve(Approval(digest, True, "tester", home.house.clock.now()))


def test_a_route_to_something_sick_is_taken_back_and_the_others_serve_on(caddy: Caddy) -> None:
    home = CaddyHouse(caddy)
    with upstream() as fine, upstream(status=503) as sick:
        specs = routes_to(fine.url, "a", "b")
        home.apply(specs)
        served = caddy.document()
        home.apply({**specs, "b": {**specs["b"], "to": sick.url}, "c": {"host": "c.home.test", "to": fine.url}})
        assert sorted(home.outcomes()) == [Outcome.APPLIED, Outcome.ROLLED_BACK]
        assert home.tap.writes == 3, "one for both, one back"
        assert [caddy.get(f"{name}.home.test")[0] for name in ("a", "b", "c")] == [200, 200, 200]
        assert home.provider.observe([target("b")]).of(target("b").key) != Absent()
        home.house.reconcile()
        assert home.tap.writes == 3, "what failed is not tried again"
        home.apply(specs)
        assert caddy.document() == served


def test_a_route_that_caddy_refuses_is_told_with_its_reason(caddy: Caddy) -> None:
    home = CaddyHouse(caddy)
    with upstream() as fine:
        missing = {"certificate": "/nowhere/at-all.pem", "key": "/nowhere/key.pem"}
        specs = {**routes_to(fine.url, "a", "b"), "c": {"host": "c.home.test", "to": fine.url, "tls": missing}}
        home.apply(specs)
        told = {each.outcome: each.reason for each in home.house.store.runs()[0].rollouts}
        assert sorted(home.outcomes()) == [Outcome.APPLIED, Outcome.APPLIED, Outcome.ROLLED_BACK]
        assert "/nowhere/at-all.pem" in told[Outcome.ROLLED_BACK]
        assert [caddy.get(f"{name}.home.test")[0] for name in ("a", "b")] == [200, 200]


def test_a_reload_by_hand_is_repaired_in_one_write(caddies: Caddies) -> None:
    caddy = caddies.clean(NEW)
    caddy.load(person(caddy))
    home = CaddyHouse(caddy, mode="coexist")
    with upstream() as server:
        home.apply(routes_to(server.url, "a", "b", "c"))
        full = caddy.document()
        caddy.load(person(caddy))
        assert home.house.plan() == "\n".join(f"create route/{name}: missing [allow]" for name in ("a", "b", "c"))
        home.house.reconcile()
        assert (home.tap.writes, caddy.document()) == (2, full)
        assert caddy.get("mine.home.test")[2] == "<mine & only>"


def test_passes_with_nothing_to_do_leave_websockets_open(caddy: Caddy) -> None:
    home = CaddyHouse(caddy)
    with echo() as server:
        home.apply(routes_to(server.url, "ws"))
        with contextlib.closing(WebSocket(caddy, "ws.home.test")) as socket:
            for number in range(5):
                home.house.reconcile()
                assert socket.echoes(str(number).encode())


def test_a_caddy_that_is_away_is_unknown_and_nothing_is_concluded(caddy: Caddy) -> None:
    home = CaddyHouse(caddy)
    with upstream() as server:
        specs = routes_to(server.url, "a", "b")
        home.apply(specs)
        served = caddy.document()
        caddy.kill()
        report = home.apply({"a": specs["a"]})
        assert any("does not answer" in status.why for status in report.statuses), report.statuses
        caddy.start(served)
        wait_until(lambda: caddy.document() == served, "the configuration that it resumed")
        home.apply(specs)
        assert caddy.document() == served
        assert home.tap.writes == 1


def test_a_certificate_is_renewed_on_demand_beside_the_loop(caddy: Caddy) -> None:
    authority = Pebble(caddy.http_port, caddy.https_port)
    try:
        with upstream() as server:
            house = CaddyHouse(caddy, acme=authority.acme)
            house.apply({"renewed": {"host": "renewed.home.test", "to": server.url, "exposure": "public"}})
            assert house.outcomes() == [Outcome.APPLIED]
            document, made = caddy.document(), house.house
            sync = Sync(made.reconciler, made.book, made.store, made.clock, made.reconciler.reconcile)
            done = renew(sync, Key("certificate", "renewed-home-test"), "tester")
            assert done.host == "renewed.home.test"
            assert done.before != done.after
            assert caddy.document() == document
            runs = len(made.store.runs())
            made.reconcile()
            assert len(made.store.runs()) == runs, "nothing is left to do"
    finally:
        authority.close()


def test_a_host_whose_caa_forbids_it_is_told_and_never_ordered(caddy: Caddy) -> None:
    authority, names = Pebble(caddy.http_port, caddy.https_port), DnsServers()
    try:
        zone = names.bind.fresh()
        names.bind.edit(zone, zone, "CAA", '0 issue "other.test"')
        asked = {"caa": ["pebble.test"], "resolvers": [f"127.0.0.1:{names.bind.port}"]}
        house = CaddyHouse(caddy, acme={**authority.acme, **asked})
        with upstream() as server:
            app = {"host": f"app.{zone}", "to": server.url, "exposure": "public"}
            report = house.apply({"app": app, "in": {"host": f"in.{zone}", "to": server.url}})
            stands = {str(status.key): status for status in report.statuses}
            assert [str(stands[key].sync) for key in ("route/app", "route/in")] == ["Failed", "Synced"]
            assert f'CAA at {zone} says 0 issue "other.test"' in stands["route/app"].why
            assert f"app.{zone}" not in str(caddy.document()) + authority.log()
            names.bind.edit(zone, zone, "CAA", '0 issue "other.test"', '0 issue "pebble.test"')

            def mended() -> bool:
                return all(str(status.sync) == "Synced" for status in house.house.reconcile().statuses)

            wait_until(mended, "a pass that finds the new record")
            assert f"app.{zone}" in authority.log()
    finally:
        names.close()
        authority.close()
