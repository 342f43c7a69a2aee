"""Domains and records through the whole engine, on BIND and Knot with their secondaries and on PowerDNS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.clients.clock import SystemClock
from controller.clients.yaml import write_yaml
from controller.core.run import Outcome
from controller.kinds import domain, record
from tests.contract.dns_yard import WORLDS, record_provider, server_of
from tests.support.dns import DnsServers, NameServer, serial
from tests.support.house import House
from tests.support.space import wait_until

KINDS = {kind.name: kind for kind in (domain.KIND, record.KIND)}
POLICY = {"kind": "Policy", "name": "house", "spec": {"deletions": {"count": 1000, "share": 1.0}}}


class Home:
    """A house whose records live on one server, in a zone that is its own."""

    def __init__(self, server: NameServer, folder: Path, zone: str = "", **connection: Any) -> None:
        self.server = server
        self.zone = zone or server.fresh()
        self.house = House(kinds=KINDS, clock=SystemClock())
        self.provider = record_provider(server, folder, **connection)
        self.house.providers = {("record", "dns"): self.provider}
        self.before = server.dump(self.zone)

    def commit(self, records: Sequence[Mapping[str, Any]], *, policy: bool = False, **spec: Any) -> None:
        connections = {"connections": {"dns": {"type": "docker"}}}
        files = {"homelab.yaml": write_yaml({"kind": "Homelab", "name": "home", "spec": connections})}
        if policy:
            files["policy/house.yaml"] = write_yaml(POLICY)
        zone = {"zone": self.zone, "via": "dns", "records": [dict(each) for each in records], **spec}
        files["zone.yaml"] = write_yaml({"kind": "Domain", "name": "zone", "spec": zone})
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

    change_to()
    home.commit([{"name": "last", "type": "A", "value": "192.0.2.1"}], policy=True)
    home.run()
    for port in home.server.others:
        wait_until(lambda port=port: serial(home.zone, port) == serial(home.zone, home.server.port), "the secondary")  # type: ignore[misc]
        assert home.server.dump(home.zone, port) == home.server.dump(home.zone)
    assert home.strangers() == home.before
