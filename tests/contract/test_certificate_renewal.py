"""Certificates that are renewed before their time on real Caddys: a new serial number, and nobody without one meanwhile."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from threading import Event as Flag
from typing import Any

import pytest

from controller.clients.caddy import CaddyDoor, Config, Connection, Unsure
from controller.clients.clock import SystemClock
from controller.clients.tls import NoCertificate, Served, served
from controller.core.errors import Permanent, Transient
from controller.core.key import Key
from controller.core.renewal import Renewal
from controller.core.state import Present, Target
from controller.kinds.certificate import CertificateProvider
from controller.kinds.certificate.forced import MARK, due
from tests.contract.caddy_yard import Routes, person
from tests.support.caddy import NEW, OLD, Caddy, upstream
from tests.support.pebble import Pebble
from tests.support.space import wait_until


@pytest.fixture(params=[OLD, NEW])
def caddy(request: pytest.FixtureRequest) -> Iterator[Caddy]:
    """A Caddy of one's own: what it could not get it tries again later, also for the next test."""
    made = Caddy(request.param)
    yield made
    made.close()


class House:
    """A Caddy with two public hosts and a private one, each with its certificate."""

    public, other, own = "app.home.test", "other.home.test", "in.home.test"

    def __init__(self, caddy: Caddy, mode: str, to: str) -> None:
        self.caddy = caddy
        self.authority = Pebble(caddy.http_port, caddy.https_port)
        caddy.acquaint(self.authority.acme)
        if mode == "coexist":
            caddy.load(person(caddy))
        self.routes = Routes(caddy, {"mode": mode, "acme": self.authority.acme})
        self.specs = {
            "app": {"host": self.public, "to": to, "exposure": "public"},
            "other": {"host": self.other, "to": to, "exposure": "public"},
            "in": {"host": self.own, "to": to},
        }
        self.routes.make(self.specs)
        for host in (self.public, self.other, self.own):
            caddy.secured(host).close()
        self.provider = CertificateProvider(Connection.parse("local", self.routes.declared), SystemClock())

    def serial(self, host: str) -> str:
        """What a visitor gets who comes again when the connection was reset. Raises NoCertificate."""
        found: list[str] = []

        def asked() -> bool:
            try:
                found.append(served("127.0.0.1", self.caddy.https_port, host).serial)
            except NoCertificate:
                raise
            except Transient:
                return False
            return True

        wait_until(asked, f"an answer for {host}")
        return found[0]

    def renew(self, host: str) -> Renewal:
        return self.provider.renew(Target(Key("certificate", host.replace(".", "-")), host), {}, Flag())

    @contextmanager
    def visitor(self, host: str) -> Iterator[list[tuple[float, float]]]:
        """Somebody who shakes hands again and again: from when to when there was no certificate. (A connection that is reset is
        what any reload may cost.)"""
        wrong: list[tuple[float, float]] = []
        stop = threading.Event()

        def visit() -> None:
            while not stop.wait(0.01):
                begun = time.time()
                try:
                    self.serial(host)
                except NoCertificate:
                    wrong.append((begun, time.time()))

        thread = threading.Thread(target=visit)
        thread.start()
        try:
            yield wrong
        finally:
            stop.set()
            thread.join()


@contextmanager
def house(caddy: Caddy, mode: str) -> Iterator[House]:
    with upstream() as server:
        made = House(caddy, mode, server.url)
        try:
            yield made
        finally:
            made.authority.close()


@pytest.mark.parametrize("mode", ["owned", "coexist"])
def test_a_new_certificate_without_a_gap(caddy: Caddy, mode: str) -> None:
    with house(caddy, mode) as home:
        before, other = home.serial(home.public), home.serial(home.other)
        configured = json.dumps(caddy.document())
        with home.visitor(home.public) as wrong:
            done = home.renew(home.public)
        assert (done.before, done.after != before) == (before, True)
        assert home.serial(home.public) != before, "it stays after Caddy is as it was"
        if caddy.version == OLD:  # a load of its own, not the renewal: it opens its doors before it has read the certificates
            loads = caddy.loads()
            wrong = [(begin, end) for begin, end in wrong if not any(end >= first and begin <= last for first, last in loads)]
        assert wrong == [], "nobody was without a certificate"
        assert home.serial(home.other) == other, "the others keep theirs"
        assert json.dumps(caddy.document()) == configured
        assert home.routes.drift("app", home.specs["app"]) == []


AGES = (
    pytest.param(90, 0, 2, id="young"),
    pytest.param(90, 0, 40_000, id="hours"),
    pytest.param(90, 3600, 3600 + 300, id="backdated"),
    pytest.param(1826, 0, 20_000_000, id="years"),
)
"""Days that it is good for, seconds by which its authority dates it back, its age; reason: it is due, one of now is not."""


@pytest.mark.parametrize(("days", "back", "age"), AGES)
def test_the_old_one_is_due_and_the_new_one_is_not(days: int, back: int, age: int) -> None:
    now, life = 1_800_000_000.0, days * 86_400.0
    old, new = (Served((), "", "", since, since + life) for since in (now - age, now - back))
    ratio = due(old, now)

    def renews(found: Served, at: float) -> bool:
        """As Caddy counts: the window begins when less than the ratio of its life is left (certmagic)."""
        return at > found.until - life * ratio

    assert 0 < ratio <= 1
    assert renews(old, now)
    assert not renews(new, now + min(59, (age - back) / 2 - 0.5)), "also while Caddy is put back"


def test_a_certificate_of_caddys_own(caddy: Caddy) -> None:
    with house(caddy, "owned") as home:
        before = home.serial(home.own)
        done = home.renew(home.own)
        assert done.before == before != done.after
        assert home.serial(home.own) != before
        assert home.own not in home.authority.log()


def test_a_new_one_that_is_not_to_be_had(caddy: Caddy) -> None:
    with house(caddy, "owned") as home:
        before, configured = home.serial(home.public), json.dumps(caddy.document())
        home.authority.kill()
        with pytest.raises(Permanent, match=home.public):
            home.renew(home.public)
        assert home.serial(home.public) == before, "the old one is served on"
        assert json.dumps(caddy.document()) == configured


def test_an_answer_that_gets_lost_leaves_nothing_behind(caddy: Caddy, monkeypatch: pytest.MonkeyPatch) -> None:
    write, cut = CaddyDoor.write, iter([True])

    def cut_once(door: CaddyDoor, document: Any, config: Config) -> None:
        write(door, document, config)
        if next(cut, False):
            raise Unsure("the connection was cut")

    with house(caddy, "coexist") as home:
        before, configured = home.serial(home.public), json.dumps(caddy.document())
        monkeypatch.setattr(CaddyDoor, "write", cut_once)
        assert home.renew(home.public).before == before
        assert json.dumps(caddy.document()) == configured


def test_what_a_crash_left_is_told_and_put_in_order(caddy: Caddy) -> None:
    with house(caddy, "owned") as home:
        document = deepcopy(caddy.document())
        policies = document["apps"]["tls"]["automation"]["policies"]
        issuers = next(item["issuers"] for item in policies if home.public in item.get("subjects", ()))
        policies[0]["subjects"].remove(home.public)
        policies.insert(0, {"@id": MARK, "subjects": [home.public], "issuers": issuers, "renewal_window_ratio": 0.4})
        caddy.load({key: value for key, value in document.items() if key not in ("admin", "storage")})
        name = min(home.specs)
        assert home.routes.drift(name, home.specs[name]) == ["unrecognised.surroundings"]
        home.routes.make({name: home.specs[name]})
        assert MARK not in json.dumps(caddy.document())


def test_routes_look_past_what_is_there_for_a_moment(caddy: Caddy) -> None:
    with house(caddy, "owned") as home:
        seen: list[bool] = []

        def look(stop: threading.Event) -> None:
            while not stop.is_set():
                forced = MARK in json.dumps(home.routes.tap.raw().document)
                found = home.routes.look("app")
                assert isinstance(found, Present)
                seen.append(forced and not found.state["unrecognised"])

        stop = threading.Event()
        thread = threading.Thread(target=look, args=(stop,))
        thread.start()
        try:
            home.renew(home.public)
        finally:
            stop.set()
            thread.join()
        wait_until(lambda: home.routes.drift("app", home.specs["app"]) == [], "Caddy is as it was")
        assert any(seen), "it was there, and no route was taken for changed"
