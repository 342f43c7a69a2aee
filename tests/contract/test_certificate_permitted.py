"""Before an order: CAA as a real name server shows it, and the limits of the public authority."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.clients.caddy import Connection
from controller.core.change import Action, Change
from controller.core.key import Key
from controller.core.limit import YES, Limit, Never, Wait
from controller.kinds.certificate.permitted import DUPLICATES, FAILURES, HOUR, PER_DOMAIN, WEEK, Permitted, registered
from controller.kinds.route import RouteProvider
from tests.contract.caddy_yard import resolved
from tests.support.clock import HandClock
from tests.support.dns import DnsServers, NameServer


@pytest.fixture(scope="module")
def bind() -> Iterator[NameServer]:
    servers = DnsServers()
    yield servers.bind
    servers.close()


class Home:
    """A Caddy as it is declared (none runs), asking a name server for CAA."""

    def __init__(self, resolver: str, folder: Path, **acme: object) -> None:
        self.folder = folder
        self.clock = HandClock()
        self.declared = {
            "type": "caddy",
            "admin": f"unix://{folder}/admin.sock",
            "acme": {"resolvers": [resolver], **acme},
        }
        self.connection = Connection.parse("caddy", self.declared)
        self.permitted = self.anew()

    def anew(self) -> Permitted:
        """As after a restart."""
        return Permitted(self.connection, self.clock, self.folder / "issued.json")

    def route(self, host: str, before: str = "") -> Limit:
        """What is said at plan time of a public route of a host."""
        provider = RouteProvider(self.connection, self.clock, permitted=self.permitted)
        spec = {"to": "http://127.0.0.1:9", "exposure": "public"}
        after = resolved(self.declared, "app", {"host": host, **spec}).state
        was = resolved(self.declared, "app", {"host": before, **spec}).state if before else None
        action = Action.UPDATE if before else Action.CREATE
        return provider.limit(Change(Key("route", "app"), "caddy", "app", action, was, after, "test"))


@pytest.fixture
def home(bind: NameServer, tmp_path: Path) -> Home:
    return Home(f"127.0.0.1:{bind.port}", tmp_path)


def test_a_host_whose_caa_forbids_it_is_never_sent(bind: NameServer, home: Home) -> None:
    zone = bind.fresh()
    bind.edit(zone, zone, "CAA", '0 issue "other.test"')
    answer = home.route(f"deep.app.{zone}")
    assert isinstance(answer, Never)
    assert f'CAA at {zone} says 0 issue "other.test"' in answer.why, "climbed to the zone"
    assert f'add the record `{zone} CAA 0 issue "letsencrypt.org"`' in answer.why
    assert home.route(f"deep.app.{zone}", before=f"deep.app.{zone}") is YES, "it has its certificate already"
    bind.edit(zone, zone, "CAA", '0 issue "other.test"', '0 issue "letsencrypt.org"')
    home.clock.advance(11)
    assert home.route(f"deep.app.{zone}") is YES, "mended, and seen soon"


def test_the_nearest_records_count(bind: NameServer, home: Home) -> None:
    zone = bind.fresh()
    bind.edit(zone, zone, "CAA", '0 issue ";"')
    bind.edit(zone, f"app.{zone}", "CAA", '0 issue "letsencrypt.org"')
    assert home.permitted([f"app.{zone}"]) is YES
    assert isinstance(home.permitted([f"app.{zone}", f"other.{zone}"]), Never), "one of several hosts is enough"


def test_an_alias_is_followed_and_not_climbed_from(bind: NameServer, home: Home) -> None:
    zone, other = bind.fresh(), bind.fresh()
    bind.edit(other, other, "CAA", '0 issue "elsewhere.test"')
    bind.edit(other, f"target.{other}", "CAA", '0 issue "other.test"')
    bind.edit(zone, f"alias.{zone}", "CNAME", f"target.{other}.")
    bind.edit(zone, f"plain.{zone}", "CNAME", f"without.{other}.")
    bind.edit(zone, zone, "CAA", '0 issue "letsencrypt.org"')
    answer = home.permitted([f"alias.{zone}"])
    assert isinstance(answer, Never)
    assert "other.test" in answer.why
    assert home.permitted([f"plain.{zone}"]) is YES, "what stands above the target of an alias does not count"


def test_stars_have_their_own_word(bind: NameServer, home: Home) -> None:
    zone = bind.fresh()
    bind.edit(zone, zone, "CAA", '0 issue "letsencrypt.org"', '0 issuewild ";"')
    assert home.permitted([f"app.{zone}"]) is YES
    answer = home.permitted([f"*.{zone}"], ["dns-01"])
    assert isinstance(answer, Never)
    assert f'`{zone} CAA 0 issuewild "letsencrypt.org"`' in answer.why


def test_what_nobody_knows_and_is_critical_forbids(bind: NameServer, home: Home) -> None:
    zone = bind.fresh()
    bind.edit(zone, zone, "CAA", '128 future "x"', '0 issue "letsencrypt.org"')
    answer = home.permitted([f"app.{zone}"])
    assert isinstance(answer, Never)
    assert "remove that record" in answer.why


def test_another_authority_has_another_name(bind: NameServer, tmp_path: Path) -> None:
    zone = bind.fresh()
    bind.edit(zone, zone, "CAA", '0 issue "pebble.test"')
    where, directory = f"127.0.0.1:{bind.port}", "https://ca.home.test/dir"
    assert Home(where, tmp_path, ca=directory, caa=["Pebble.test."]).permitted([f"app.{zone}"]) is YES
    assert isinstance(Home(where, tmp_path, ca=directory, caa=["x.test"]).permitted([f"app.{zone}"]), Never)
    assert Home(where, tmp_path, ca=directory).permitted([f"app.{zone}"]) is YES, "its name is not known"
    assert Home(where, tmp_path, ca="https://acme.zerossl.com/v2/DV90").permitted.authorities[0] == "sectigo.com"


def test_what_cannot_be_asked_holds_nothing_up(tmp_path: Path) -> None:
    assert Home("127.0.0.1:1", tmp_path).permitted(["app.home.test"]) is YES, "the authority looks for itself"


@pytest.fixture
def limits(bind: NameServer, tmp_path: Path) -> tuple[Home, str]:
    return Home(f"127.0.0.1:{bind.port}", tmp_path), bind.fresh()


def test_the_same_certificate_only_so_often_a_week(limits: tuple[Home, str]) -> None:
    home, zone = limits
    start = home.clock.now()
    for number in range(DUPLICATES):
        assert home.permitted([f"app.{zone}"]) is YES
        home.permitted.shown(f"app.{zone}", f"a{number}", start)
        home.permitted.shown(f"app.{zone}", f"a{number}", start)
    answer = home.anew()([f"app.{zone}"])
    assert isinstance(answer, Wait)
    assert answer.until == start + WEEK
    assert f"app.{zone} got {DUPLICATES} certificates within a week" in answer.why
    assert home.permitted([f"other.{zone}"]) is YES
    home.clock.advance(WEEK + 1)
    assert home.anew()([f"app.{zone}"]) is YES


def test_one_domain_only_so_many_a_week(limits: tuple[Home, str]) -> None:
    home, zone = limits
    for number in range(PER_DOMAIN):
        home.permitted.shown(f"h{number}.{zone}", f"{number}", home.clock.now() - number)
    answer = home.permitted([f"one-more.{zone}"])
    assert isinstance(answer, Wait)
    assert answer.until == home.clock.now() - (PER_DOMAIN - 1) + WEEK, "when the oldest is a week old"


def test_who_failed_too_often_waits(limits: tuple[Home, str]) -> None:
    home, zone = limits
    now = home.clock.now()
    line = {"level": "error", "logger": "tls.issuance.acme.acme_client", "msg": "challenge failed", "identifier": f"app.{zone}"}
    times = [now - HOUR - 1, *(now - 60 * number for number in range(FAILURES))]
    Path(home.connection.log).write_text("".join(json.dumps({**line, "ts": at}) + "\n" for at in times))
    answer = home.permitted([f"app.{zone}"])
    assert isinstance(answer, Wait)
    assert answer.until == now - 60 * (FAILURES - 1) + HOUR
    assert home.permitted([f"other.{zone}"]) is YES


@pytest.mark.parametrize(
    ("host", "domain", "reason"),
    [
        ("app.home.test", "home.test", "two labels"),
        ("*.home.test", "home.test", "a star is no label"),
        ("a.b.home.co.uk", "home.co.uk", "below a short second label of a country"),
        ("home.test", "home.test", "itself"),
    ],
)
def test_the_registered_domain(host: str, domain: str, reason: str) -> None:
    assert registered(host) == domain, reason
