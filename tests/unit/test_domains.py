"""Hosts as the last pass saw them: records, certificate, route, exposure, and what is told when something is not as wanted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from controller.usecases.domains import AddressRecords, DomainsView, HostView, domains, domains_now
from controller.usecases.look import Look
from tests.support.hosts import house_of_hosts
from tests.support.house import House

WEB = "https://web.example.net"


@pytest.fixture(scope="module")
def applied() -> House:
    """For tests that change nothing in it."""
    house = house_of_hosts()
    house.reconcile()
    return house


def look(house: House) -> Look:
    return Look(house.reconciler, house.book, house.store)


def seen(house: House) -> DomainsView:
    found = domains(look(house))
    assert found is not None
    return found


def host(house: House, name: str) -> HostView:
    return next(item for item in seen(house).hosts if item.host == name)


def test_before_the_first_pass_nothing_is_looked_at() -> None:
    house = house_of_hosts()
    assert domains(look(house)) is None
    now = domains_now(look(house))
    assert {item.route.sync for item in now.hosts if item.route} == {"Pending"}
    assert domains(look(house)) is None


def test_every_host_has_what_belongs_to_it(applied: House) -> None:
    found = host(applied, "web.example.net")
    assert (found.zone, found.exposure, found.service) == ("example.net", "public", "service/web")
    assert [(item.key, item.wanted, item.seen) for item in found.records] == [
        ("record/wildcard-example-net-a", found.address, found.address)
    ]
    assert found.certificate is not None
    assert found.route is not None
    assert (found.certificate.key, found.certificate.issuer) == ("certificate/web-example-net", "acme")
    assert found.route.key == "route/web-example-net"
    assert {found.certificate.sync, found.route.sync, found.records[0].sync} == {"Synced"}


@pytest.mark.parametrize(
    ("name", "exposure", "target", "records"),
    [
        ("admin.example.net", "vpn", "192.0.2.9:8080", ["record/wildcard-example-net-a"]),
        (
            "direct.example.net",
            "private",
            "redirects to https://web.example.net{http.request.uri}",
            ["record/direct-example-net-a"],
        ),
    ],
)
def test_a_route_may_lead_elsewhere(applied: House, name: str, exposure: str, target: str, records: list[str]) -> None:
    found = host(applied, name)
    assert found.route is not None
    assert (found.exposure, found.route.target, found.service) == (exposure, target, "")
    assert [item.key for item in found.records] == records


def test_zones_and_other_records_are_listed(applied: House) -> None:
    found = seen(applied)
    assert [(item.zone, item.connection, item.trouble, item.records) for item in found.zones] == [("example.net", "zone", "", 3)]
    assert [(item.name, item.type) for item in found.others] == [("example.net", "TXT")]
    assert [item.host for item in found.hosts] == ["*.example.net", "admin.example.net", "direct.example.net", "web.example.net"]


def test_a_record_that_shows_something_else_tells_both() -> None:
    house = house_of_hosts()
    house.reconcile()
    house.world.edit("record", "zone", "direct.example.net A in example.net", values=["203.0.113.9"])
    house.reconciler.reconcile("test", "tester")
    assert host(house, "direct.example.net").records[0].seen == ("192.0.2.5",), "it was repaired"
    house.world.cut("zone")
    house.reconcile()
    found = host(house, "direct.example.net")
    assert found.records[0].seen is None, "could not look is not nothing"
    assert found.records[0].sync == "Unknown"
    assert found.address == ()
    assert seen(house).zones[0].trouble == "zone: simulated: cut off"
    assert found.route is not None
    assert found.route.sync == "Synced", "the others answer"


def test_a_certificate_tells_how_long_it_is_good() -> None:
    house = house_of_hosts()
    house.reconcile()
    half_days = {"web.example.net": 61, "admin.example.net": 1, "direct.example.net": -3}
    for name, halves in half_days.items():
        told = datetime.fromtimestamp(house.clock.now() + halves * 43_200, UTC).strftime("%Y-%m-%d %H:%M UTC")
        house.world.edit("certificate", "caddy", name, issued_by="Example CA", expires=told, renews_around=told)
    house.reconcile()
    found = {name: host(house, name).certificate for name in half_days}
    assert {name: item.days for name, item in found.items() if item} == {
        "web.example.net": 30,
        "admin.example.net": 0,
        "direct.example.net": -2,
    }
    certificate = found["web.example.net"]
    assert certificate is not None
    assert certificate.issued_by == "Example CA"
    assert certificate.until == certificate.renews


def test_what_is_known_of_no_certificate_is_not_made_up(applied: House) -> None:
    found = host(applied, "web.example.net").certificate
    assert found is not None
    assert (found.until, found.days, found.renews, found.issued_by) == (None, None, None, "")


@pytest.mark.parametrize(
    ("name", "record", "reason"),
    [
        ("direct.example.net", "direct.example.net", "its own name goes first"),
        ("web.example.net", "*.example.net", "the wildcard"),
        ("a.b.example.net", "*.example.net", "also further below"),
        ("example.net", "", "a wildcard is not for the zone itself"),
        ("example.org", "", "somewhere else"),
        ("*.example.net", "*.example.net", "the wildcard itself"),
    ],
)
def test_the_nearest_record_answers(applied: House, name: str, record: str, reason: str) -> None:
    shown = applied.reconciler.shown
    assert shown is not None
    found = AddressRecords(shown.estate.resources.values()).of(name)
    assert [item.state["name"] for item in found] == ([record] if record else []), reason


def test_a_house_without_hosts_has_none() -> None:
    house = House()
    house.commit({"one": {}})
    house.reconcile()
    found = seen(house)
    assert (found.hosts, found.zones, found.others) == ((), (), ())
