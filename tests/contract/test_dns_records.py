"""Domains and records through the whole engine, on BIND and Knot with their secondaries and on PowerDNS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.clients.clock import SystemClock
from controller.clients.dns.primary import Edit
from controller.clients.dns.public_address import EVERY, SOON, PublicAddress
from controller.clients.yaml import write_yaml
from controller.core.change import Action
from controller.core.dns import record_key
from controller.core.errors import Permanent
from controller.core.run import Outcome
from controller.kinds import domain, record
from controller.usecases.importing_zone import domain as domain_document
from tests.contract.dns_yard import WORLDS, record_provider, server_of
from tests.support.clock import GatheringClock, HandClock
from tests.support.dns import DnsServers, NameServer, serial
from tests.support.house import House
from tests.support.space import wait_until

KINDS = {kind.name: kind for kind in (domain.KIND, record.KIND)}
HOMELAB = {"kind": "Homelab", "name": "home", "spec": {"connections": {"dns": {"type": "docker"}}}}
POLICY = {"kind": "Policy", "name": "house", "spec": {"deletions": {"count": 1000, "share": 1.0}}}


class Home:
    """A house whose records live on one server, in a zone that is its own."""

    def __init__(self, server: NameServer, folder: Path, zone: str = "", **connection: Any) -> None:
        self.server = server
        self.folder = folder
        self.zone = zone or server.fresh()
        self.house = House(kinds=KINDS, clock=SystemClock())
        self.provider = record_provider(server, folder, **connection)
        self.house.providers = {("record", "dns"): self.provider}
        self.before = server.dump(self.zone)

    def key(self, name: str) -> str:
        return str(record_key(f"{name}.{self.zone}", "A"))

    def commit(
        self, records: Sequence[Mapping[str, Any]], *, policy: bool = False, more: Mapping[str, Any] | None = None, **spec: Any
    ) -> None:
        files = {"homelab.yaml": write_yaml(HOMELAB)}
        if policy:
            files["policy/house.yaml"] = write_yaml(POLICY)
        zone = {"zone": self.zone, "via": "dns", "records": [dict(each) for each in records], **spec}
        files["zone.yaml"] = write_yaml({"kind": "Domain", "name": "zone", "spec": zone})
        if more is not None:
            files["more.yaml"] = write_yaml(dict(more))
        self.house.book.write(files)

    def run(self, outcome: Outcome = Outcome.APPLIED) -> None:
        known = len(self.house.store.runs())
        self.house.reconcile()
        runs = self.house.store.runs()[: len(self.house.store.runs()) - known]
        assert [(run.outcome, run.reason) for run in runs] == [(outcome, runs[0].reason if runs else "")]

    @property
    def plan(self) -> str:
        return self.house.plan()

    def notes(self) -> list[str]:
        return [f"{note.key} {note.reason}" for note in self.house.reconciler.survey().plan.notes]

    def strangers(self) -> list[str]:
        """What is not declared, on the server itself."""
        keys = [row.address.split(" ") for row in self.house.store.rows().values()]
        ours = {(name, kind) for name, kind, _, _ in keys}
        return [line for line in self.server.dump(self.zone) if (line.split()[0].rstrip("."), line.split()[2]) not in ours]


@pytest.fixture(params=WORLDS)
def home(request: pytest.FixtureRequest, name_servers: DnsServers, tmp_path: Path) -> Home:
    return Home(server_of(name_servers, request.param), tmp_path)


NAMES = st.sampled_from(["@", "a", "b", "*", "*.a", "deep.b", "_srv._tcp", "x-y", "büro"])
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True).filter(lambda text: "--" not in text)
HOSTS = st.builds(lambda one, two: f"{one}.{two}.example", LABEL, LABEL)
TEXTS = st.text(st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs", "Cn"]), max_size=600).filter(
    lambda text: not text.startswith('"') and not any(0x7F <= ord(each) < 0xA0 for each in text)
)
NUMBER = st.integers(0, 0xFFFF)
VALUES: Mapping[str, st.SearchStrategy[str]] = {
    "A": st.ip_addresses(v=4).map(str),
    "AAAA": st.ip_addresses(v=6).map(str).filter(lambda text: not text.startswith("::ffff:")),
    "CNAME": HOSTS,
    "MX": st.builds(lambda number, host: f"{number} {host}", NUMBER, HOSTS | st.just(".")),
    "NS": HOSTS,
    "SRV": st.builds(lambda a, b, c, host: f"{a} {b} {c} {host}", NUMBER, NUMBER, NUMBER, HOSTS),
    "CAA": st.builds(
        lambda flag, tag, host: f"{flag} {tag} {host}", st.sampled_from([0, 128]), st.sampled_from(["issue", "iodef"]), HOSTS
    ),
    "TXT": TEXTS,
}


@st.composite
def record_sets(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Records that may stand together: a name with an alias or a delegation has nothing else."""
    found: list[dict[str, Any]] = []
    for name in draw(st.lists(NAMES, unique=True, min_size=1, max_size=9)):
        alone = name not in ("@", "*", "b") and draw(st.booleans())
        kinds = [draw(st.sampled_from(["CNAME", *(["NS"] if name == "a" else [])]))] if alone else []
        plain = st.sampled_from(["A", "AAAA", "MX", "TXT", "SRV", "CAA"])
        for kind in kinds or draw(st.lists(plain, unique=True, min_size=1, max_size=4)):
            if (name, kind) in (("@", "TXT"), ("@", "MX")) or (name.startswith("_") and kind in ("A", "AAAA", "MX")):
                continue  # a stranger's, or of no host
            most = 1 if kind == "CNAME" else 4
            values = draw(st.lists(VALUES[kind], unique_by=_meaning(kind), min_size=1, max_size=most))
            ttl = draw(st.none() | st.integers(1, 86400))
            found.append({"name": name, "type": kind, "values": values} | ({"ttl": ttl} if ttl else {}))
    below_cut = any(each["type"] == "NS" for each in found)
    return [each for each in found if not (below_cut and each["name"] == "*.a")]


def _meaning(kind: str) -> Any:
    from controller.clients.dns.values import declared, joined

    return lambda value: joined(declared(kind, value))


@pytest.mark.parametrize("world", WORLDS)
def test_what_was_applied_leaves_nothing_to_do_and_strangers_alone(world: str, name_servers: DnsServers, tmp_path: Path) -> None:
    home = Home(server_of(name_servers, world), tmp_path)

    @settings(max_examples=6, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(records=record_sets())
    def change_to(records: list[dict[str, Any]]) -> None:
        home.commit(records, policy=True)
        assert home.notes() == []
        if home.plan:
            home.run()
        assert (home.plan, home.notes()) == ("", [])
        rows = {row.address for row in home.house.store.rows().values()}
        assert len(rows) == len(records)
        assert home.strangers() == home.before
        assert_import_changes_nothing(home)

    change_to()
    home.commit([{"name": "last", "type": "A", "value": "192.0.2.1"}], policy=True)
    home.run()
    for port in home.server.others:
        wait_until(lambda port=port: serial(home.zone, port) == serial(home.zone, home.server.port), "the secondary")  # type: ignore[misc]
        assert home.server.dump(home.zone, port) == home.server.dump(home.zone)
    assert home.strangers() == home.before


def assert_import_changes_nothing(home: Home) -> None:
    """Somebody else's house that imports the zone as it is now finds everything as it declares it."""
    listing = home.provider.zone(home.zone)
    assert [reason for _, reason in listing.left if "cannot be declared" not in reason and "name servers" not in reason] == []
    other = House(kinds=KINDS, clock=SystemClock())
    other.providers = home.house.providers
    document = domain_document(home.zone, "dns", list(listing.records))
    other.book.write({"homelab.yaml": write_yaml(HOMELAB), "zone.yaml": write_yaml(document)})
    found = other.reconciler.survey().plan
    assert [(change.action, change.fields) for change in found.changes] == [(Action.ADOPT, ())] * len(listing.records)
    assert found.notes == ()


def a(name: str, *values: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "A", "values": list(values), **more}


def test_most_of_a_small_zone_is_never_deleted_without_a_word(home: Home) -> None:
    """Zones of homes have few records: a limit that starts at ten would never hold."""
    records = [a(f"n{number}", "192.0.2.1") for number in range(8)]
    home.commit(records)
    home.run()
    home.commit(records[:5])
    assert "[hold]" in home.plan, "three of eight are more than a third"
    before = home.server.dump(home.zone)
    home.house.reconcile()
    assert home.server.dump(home.zone) == before
    home.commit(records[:7])
    home.run()
    assert [line for line in home.server.dump(home.zone) if line.startswith("n7.")] == []


def test_what_stands_as_declared_is_taken_over_and_let_go_again(home: Home) -> None:
    """DNS has no owner marks: nothing that we did not make is deleted."""
    home.commit([a("mail", "192.0.2.25"), a("own", "192.0.2.1")])
    home.run()
    assert home.plan == ""
    assert home.server.dump(home.zone) == sorted([*home.before, f"own.{home.zone}. 300 A 192.0.2.1"])
    home.commit([a("other", "192.0.2.1")], policy=True)
    home.run()
    assert home.server.dump(home.zone) == sorted([*home.before, f"other.{home.zone}. 300 A 192.0.2.1"])


def test_what_differs_is_somebody_elses(home: Home) -> None:
    home.commit([a("mail", "192.0.2.66")])
    assert home.plan == ""
    assert home.notes() == [f"record/mail-{home.zone.replace('.', '-')}-a Foreign"]
    home.house.reconcile()
    assert home.server.dump(home.zone) == home.before


def test_drift_is_put_back_and_strangers_stay(home: Home) -> None:
    home.commit([a("one", "192.0.2.1", ttl=60), a("two", "192.0.2.2")])
    home.run()
    home.server.edit(home.zone, f"one.{home.zone}", "A", "192.0.2.66", ttl=60)
    home.server.edit(home.zone, f"two.{home.zone}", "A")
    home.server.edit(home.zone, f"three.{home.zone}", "A", "192.0.2.3")
    assert len(home.plan.splitlines()) == 2
    home.house.reconcile()
    expected = [f"one.{home.zone}. 60 A 192.0.2.1", f"two.{home.zone}. 300 A 192.0.2.2", f"three.{home.zone}. 3600 A 192.0.2.3"]
    assert home.server.dump(home.zone) == sorted([*home.before, *expected])


def test_records_follow_the_public_address(home: Home) -> None:
    said = {"address": "93.184.216.34"}
    clock = HandClock()
    sources = ["a", "b"]
    address = PublicAddress(4, home.folder / "address.json", clock, sources, lambda _url, _family: ip_address(said["address"]))
    home.provider._addresses = {4: address}
    follower = {"type": "A", "value": "publicIP"}
    home.commit([follower, {"name": "*", **follower}, a("fixed", "192.0.2.1")])
    home.run()
    assert home.plan == ""
    object.__setattr__(home.house.bench, "clock", GatheringClock(home.house.bench.gathering))
    writes: list[int] = []
    through = home.provider._server.write

    def counted(zone: str, edits: Sequence[Edit]) -> None:
        writes.append(len(edits))
        through(zone, edits)

    home.provider._server.write = counted  # type: ignore[method-assign]
    said["address"] = "93.184.216.99"
    clock.advance(EVERY)
    assert not address.look()
    home.house.reconcile()
    assert home.plan == "", "one look is none"
    clock.advance(SOON)
    assert address.look()
    home.house.reconcile()
    assert home.plan == ""
    ours = [line for line in home.server.dump(home.zone) if "93.184.216" in line]
    assert ours == sorted(f"{name}{home.zone}. 300 A 93.184.216.99" for name in ("", "*."))
    assert writes == [2], "one update of the zone, and nothing else"


def test_a_rollout_that_fails_puts_every_record_back(home: Home) -> None:
    home.commit([a("one", "192.0.2.1"), a("two", "192.0.2.2")])
    home.run()
    before = home.server.dump(home.zone)
    through = home.provider._server.write

    def refuse(zone: str, edits: Sequence[Edit]) -> None:
        if any(edit.after and "192.0.2.66" in edit.after.values for edit in edits):
            raise Permanent("the server does not like it")
        through(zone, edits)

    home.provider._server.write = refuse  # type: ignore[method-assign]
    document = {"kind": "Record", "name": "bad", "spec": {"name": f"bad.{home.zone}", "type": "A", "value": "192.0.2.66"}}
    home.commit([a("one", "192.0.2.11"), a("two", "192.0.2.2")], more={**document, "needs": [home.key("one")]})
    home.run(Outcome.ROLLED_BACK)
    assert home.server.dump(home.zone) == before
