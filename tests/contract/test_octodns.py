"""Records through packages of octoDNS, on real BIND and PowerDNS: what it carries, what it refuses, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.core.change import Action, Change
from controller.core.errors import Conflict, Permanent, ProviderError
from controller.core.key import Key
from controller.core.state import Health, Target
from tests.contract.dns_yard import BRIDGED, bridge_provider, record_provider, server_of
from tests.contract.test_dns_records import Home
from tests.contract.yard import NO
from tests.support.dns import DnsServers, NameServer, free_port

RECORDS: list[dict[str, Any]] = [
    {"name": "@", "type": "A", "value": "192.0.2.10"},
    {"name": "@", "type": "CAA", "values": ["0 issue letsencrypt.org", '0 issue "ca.example; validationmethods=dns-01"']},
    {"name": "*.apps", "type": "AAAA", "value": "2001:DB8::7"},
    {"name": "www", "type": "CNAME", "value": "Server.Example.net", "ttl": 60},
    {"name": "lab", "type": "NS", "values": ["ns1.example.org", "ns2.example.org"]},
    {"name": "in", "type": "MX", "values": ["10 mx1.example.org", "20 mx2.example.org"]},
    {"name": "_sip._tcp", "type": "SRV", "value": "0 5 5060 sip.example.org"},
    {"name": "_dmarc", "type": "TXT", "value": "v=DMARC1; p=reject; rua=mailto:me@example.net"},
    {"name": "key._domainkey", "type": "TXT", "values": ["v=DKIM1; k=rsa; p=" + "Ab9+" * 100, "  two  blanks  "]},
    {"name": "büro", "type": "A", "values": ["192.0.2.11", "192.0.2.12"], "ttl": 120},
]
IT = Key("record", "it")
UNKNOWN = ("odd", "HINFO", '"PDP-11" "UNIX"')
"""A record that no provider of octoDNS tells."""


def creation(name: str, record_type: str, zone: str, value: str) -> Change:
    state = {"zone": zone, "name": name, "type": record_type, "values": [value], "ttl": 60}
    return Change(IT, "dns", f"{name} {record_type} in {zone}", Action.CREATE, None, state, "test")


def bridged_home(server: NameServer, folder: Path) -> Home:
    """A house whose records go through octoDNS."""
    zone = server.fresh()
    server.edit(zone, f"{UNKNOWN[0]}.{zone}", *UNKNOWN[1:])
    home = Home(server, folder, zone)
    home.provider.close()
    home.provider = bridge_provider(server, folder, zone)
    home.house.providers = {("record", "dns"): home.provider}
    return home


def refused(home: Home) -> str:
    """Why the one change that is not made is not."""
    (note,) = home.house.reconciler.survey().plan.notes
    assert note.reason == "Refused"
    return note.message


@pytest.fixture(params=BRIDGED)
def home(request: pytest.FixtureRequest, name_servers: DnsServers, tmp_path: Path) -> Home:
    return bridged_home(server_of(name_servers, request.param), tmp_path)


def test_every_type_is_written_as_declared_and_strangers_are_left_alone(home: Home) -> None:
    home.commit(RECORDS, policy=True)
    assert home.notes() == []
    home.run()
    assert (home.plan, home.notes()) == ("", [])
    assert home.strangers() == home.before
    targets = [Target(row.key, row.address) for row in home.house.store.rows().values()]
    assert len(targets) == len(RECORDS)
    for target in targets:
        assert home.provider.health(target)[0] is Health.HEALTHY, "the servers say what octoDNS says"
    home.commit([{"name": "last", "type": "A", "value": "192.0.2.1"}], policy=True)
    home.run()
    assert home.server.dump(home.zone) == sorted([*home.before, f"last.{home.zone}. 300 A 192.0.2.1"])


@pytest.mark.parametrize(
    ("record", "said", "reason"),
    [
        ({"type": "TXT", "value": 'say "hello"'}, "do not agree on quotes", "a quote is spelled in two ways"),
        ({"type": "TXT", "value": "back\\slash"}, "do not agree on quotes", "so is a backslash"),
        ({"type": "TXT", "value": "grün"}, "do not agree on quotes", "and what is beyond ASCII"),
        ({"type": "TXT", "value": '""'}, "no empty text", "octoDNS drops it"),
        ({"type": "CAA", "value": '0 issue "a\\"b"'}, "do not agree on quotes", "the same in a CAA"),
    ],
)
def test_what_would_be_lost_on_the_way_is_told_at_plan_time(
    record: dict[str, str], said: str, reason: str, name_servers: DnsServers, tmp_path: Path
) -> None:
    home = bridged_home(name_servers.powerdns, tmp_path)
    home.commit([{"name": "it", **record}, {"name": "fine", "type": "A", "value": "192.0.2.7"}])
    assert said in refused(home), reason
    home.house.reconcile()
    assert [line.split()[0] for line in home.server.dump(home.zone) if line not in home.before] == [f"fine.{home.zone}."]


def test_what_stands_there_and_cannot_be_carried_is_never_written_over(home: Home) -> None:
    spec = {"name": f"theirs.{home.zone}", "type": "TXT", "value": "mine"}
    home.commit([], more={"kind": "Record", "name": "theirs", "mode": "adopt", "spec": spec})
    home.house.reconcile()
    assert "do not agree on quotes" in refused(home), "what is taken over is not yet written"
    home.house.reconcile()
    assert home.server.dump(home.zone) == home.before


def test_only_the_zones_of_the_connection_are_touched(home: Home) -> None:
    other = home.server.fresh()
    before = home.server.dump(other)
    change = creation(f"it.{other}", "A", other, "192.0.2.7")
    with pytest.raises(Permanent, match="not among the zones"):
        home.provider.apply(change, NO)
    found = home.provider.observe([Target(IT, change.address)])
    assert (found.complete, "not among the zones" in found.reason) == (False, True)
    assert home.server.dump(other) == before


def test_an_alias_never_stands_beside_other_records(home: Home) -> None:
    with pytest.raises(Conflict):
        home.provider.apply(creation(f"mail.{home.zone}", "CNAME", home.zone, "x.example.org."), NO)
    assert home.server.dump(home.zone) == home.before


def test_an_alias_takes_the_place_of_an_address_and_gives_it_back(home: Home) -> None:
    kept = {"name": "kept", "type": "A", "value": "192.0.2.1"}
    address, alias = {"type": "A", "value": "192.0.2.2"}, {"type": "CNAME", "value": "kept.example.org"}
    shown = []
    for swapped in (address, alias, address):
        home.commit([kept, {"name": "it", **swapped}], policy=True)
        home.run()
        shown += [line.split()[2:] for line in home.server.dump(home.zone) if line.startswith(f"it.{home.zone}.")]
    assert shown == [["A", "192.0.2.2"], ["CNAME", "kept.example.org."], ["A", "192.0.2.2"]]
    assert home.strangers() == home.before


def test_a_zone_is_listed_without_what_octodns_cannot_carry(home: Home) -> None:
    itself = record_provider(home.server, home.folder)
    plain, through = itself.zone(home.zone), home.provider.zone(home.zone)
    itself.close()
    expected = {(each.name, each.type): each for each in plain.records if (each.name, each.type) != ("theirs", "TXT")}
    expected["@", "TXT"] = replace(expected["@", "TXT"], values=("v=spf1 mx -allsecond string",))
    assert list(expected.values()) == list(through.records), "the strings of a text are one"
    left = dict(through.left)
    assert "do not agree on quotes" in left[f"theirs.{home.zone} TXT"]
    assert f"theirs.{home.zone} SSHFP" in left


@pytest.mark.parametrize("world", BRIDGED)
def test_a_zone_that_is_not_there_is_never_made(world: str, name_servers: DnsServers, tmp_path: Path) -> None:
    provider = bridge_provider(server_of(name_servers, world), tmp_path, "nowhere.test")
    change = creation("it.nowhere.test", "A", "nowhere.test", "192.0.2.7")
    assert not provider.observe([Target(IT, change.address)]).complete
    for ask in (lambda: provider.apply(change, NO), lambda: provider.zone("nowhere.test")):
        with pytest.raises(ProviderError):
            ask()
    assert not provider.observe([Target(IT, change.address)]).complete


def test_a_secret_is_not_in_what_is_said(name_servers: DnsServers, tmp_path: Path) -> None:
    """The package puts the host into its errors."""
    server = name_servers.powerdns
    zone = server.fresh()
    options = {"host": "127.0.0.1", "port": free_port(), "scheme": {"ref": "s3cr3t"}, "api_key": {"ref": "another"}}
    provider = bridge_provider(server, tmp_path, zone, options=options)
    found = provider.observe([Target(IT, f"it.{zone} A in {zone}")])
    assert not found.complete
    assert "s3cr3t" not in found.reason
    assert "***" in found.reason
