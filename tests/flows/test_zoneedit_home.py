"""A home whose domain is at ZoneEdit: one commit, one address that moves, one crash, and the person who is asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest

from controller.core.change import Action
from controller.core.event import Sync
from controller.core.key import Key
from controller.engine.batch import _NEVER, Gathering
from controller.kinds.record.zoneedit import ZoneEditRecords
from tests.flows.home import Home, Inside, document
from tests.support.clock import HandClock, gather
from tests.support.dns import DnsServers
from tests.support.zoneedit import FakeZoneEdit, Fault, Published

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "token-of-the-zone-7f3a9c"
NOWHERE = "unix:///nonexistent/docker.sock"
FIRST, SECOND, THIRD = "8.8.4.1", "8.8.4.2", "8.8.4.3"
Records = list[dict[str, Any]]


class PatientClock(HandClock):
    """Time passes at once, but for the moment in which changes that are ready together find each other."""

    gathering: Gathering

    def wait(self, flag: Flag, seconds: float) -> bool:
        if flag is _NEVER:
            gather(self.gathering, 0.2)
            return False
        return super().wait(flag, seconds)


@dataclass
class Zone:
    """The domain, the account that holds it, and the home."""

    fake: FakeZoneEdit
    home: Home
    settings: dict[str, object] = field(default_factory=dict)

    @property
    def published(self) -> Published:
        return self.fake.published

    @property
    def name(self) -> str:
        return self.published.zone

    def declare(self, records: Records, *documents: str) -> None:
        """Commit the domain with these records, and other documents."""
        servers = [f"{host}:{port}" for host, port in self.published.servers]
        settings = {"servers": servers, "public_ip_sources": self.fake.sources, "timeout": 5.0, **self.settings}
        files: dict[str, str | None] = {
            "homelab.yaml": document("Homelab", "home", {"connections": {"dns": self.fake.connection(**settings)}}),
            "domain.yaml": document("Domain", "zone", {"zone": self.name, "via": "dns", "records": records}),
        }
        self.home.commit({**files, **{f"more-{number}.yaml": text for number, text in enumerate(documents)}})

    @contextmanager
    def open(self) -> Iterator[Inside]:
        """The house, with the token in its vault."""
        with self.home.open() as inside:
            assert isinstance(self.home.clock, PatientClock)
            self.home.clock.gathering = inside.house.reconciler.bench.gathering
            ref = f"zoneedit/{self.name.split('.')[0]}"
            if ref not in inside.house.vault.names():
                inside.house.vault.set(ref, TOKEN)
            yield inside

    def key(self, label: str, record_type: str = "A") -> Key:
        from controller.core.dns import record_key

        return record_key(f"{label}.{self.name}" if label else self.name, record_type)

    def look(self) -> Mapping[str, list[str]]:
        """What the name server says of every name that the tests use."""
        names = [("", "A"), ("*", "A"), ("plex", "A"), ("", "MX"), ("", "TXT"), ("foreign", "A"), ("t", "TXT")]
        full = [(f"{label}.{self.name}" if label else self.name, kind) for label, kind in names]
        return {f"{name} {kind}": self.published.values(name, kind) for name, kind in full}


@pytest.fixture
def zone(name_servers: DnsServers, tmp_path: Path) -> Iterator[Zone]:
    clock, published = PatientClock(time.time()), Published(name_servers.bind)
    name = published.zone
    dynamic = {name, f"*.{name}", f"plex.{name}"}
    for each in (*dynamic, f"foreign.{name}"):
        published.put(each, "A", FIRST)
    published.put(name, "MX", "10 mail.example.org.")
    published.put(name, "TXT", '"v=spf1 -all"')
    fake = FakeZoneEdit(published, clock, {name: TOKEN}, dynamic, outside=FIRST)
    with fake.serving():
        yield Zone(fake, Home(tmp_path, {"world": "docker", "docker_host": NOWHERE}, clock))


FOLLOWING: Records = [{"name": name, "type": "A", "value": "publicIP"} for name in ("@", "*", "plex")]
STANDING: Records = [{"type": "MX", "value": "10 mail.example.org"}, {"type": "TXT", "value": "v=spf1 -all"}]


def standing(inside: Inside, key: Key) -> tuple[Sync, str]:
    """How a key stands after a pass, and why."""
    return next((item.sync, item.why) for item in inside.apply().statuses if item.key == key)


def address_moves(zone: Zone, inside: Inside, address: str) -> None:
    """Another address outside, seen twice as it must be."""
    zone.fake.outside = address
    provider = inside.house.connections.providers()["record", "dns"]
    assert isinstance(provider, ZoneEditRecords)
    moved, stop = list[object](), Flag()

    def told(key: object) -> None:
        moved.append(key)
        stop.set()

    provider.watch(told, stop)
    assert moved == [None]
    inside.apply()


def test_what_stands_is_taken_over_and_only_the_address_is_ever_written(zone: Zone) -> None:
    zone.declare([*FOLLOWING, *STANDING])
    before = zone.look()
    with zone.open() as inside:
        inside.apply()
        assert inside.lines() == []
        assert zone.fake.requests == []
        assert zone.look() == before
        address_moves(zone, inside, SECOND)
        assert inside.lines() == []
        assert len(zone.fake.requests) == 1, "one update for the zone"
        assert sorted(zone.fake.requests[0].parameters["host"].split(",")) == sorted(zone.fake.dynamic)
        moved = {f"{name} A" for name in zone.fake.dynamic}
        assert zone.look() == {name: [SECOND] if name in moved else values for name, values in before.items()}


def test_an_address_that_moves_again_too_soon_waits_and_survives_a_restart(zone: Zone) -> None:
    zone.fake.per_zone = True
    zone.settings = {"dynamic_every": 3600.0}
    zone.fake.dynamic_every = 3600.0
    zone.declare(FOLLOWING)
    with zone.open() as inside:
        inside.apply()
        address_moves(zone, inside, SECOND)
        sent = zone.fake.requests[0].at
        address_moves(zone, inside, THIRD)
        sync, why = standing(inside, zone.key("plex"))
        assert sync is not Sync.SYNCED
        assert "not before" in why
    with zone.open() as inside:
        inside.apply()
        assert len(zone.fake.requests) == 1
        zone.home.clock.advance(sent + 3601 - zone.home.clock.now())
        inside.apply()
        assert [request.at - sent >= 3600 for request in zone.fake.requests] == [False, True]
        assert zone.published.addresses(f"plex.{zone.name}") == [THIRD]
        assert not [request for request in zone.fake.requests if "ERROR" in request.answer]


def test_what_only_a_person_can_do_is_asked_and_turns_green_by_itself(zone: Zone) -> None:
    zone.declare([{"type": "MX", "value": "20 mx.example.org"}, {"name": "t", "type": "TXT", "value": "hello"}])
    zone.published.put(zone.name, "MX")
    with zone.open() as inside:
        inside.apply()
        asks = inside.house.reconciler.survey().plan.changes
        assert [(change.action, change.key) for change in asks] == [(Action.ASK, zone.key("", "MX"))]
        assert "Enter: Host @, Priority 20, Mail server mx.example.org" in asks[0].instructions
        assert zone.fake.said == [f"add t.{zone.name} hello"], "the rest goes on"
        zone.published.put(zone.name, "MX", "20 mx.example.org.")
        assert standing(inside, zone.key("", "MX")) == (Sync.SYNCED, "")
        assert inside.lines() == []
        zone.declare([{"name": "t", "type": "TXT", "value": "hello"}])
        inside.apply()
        assert zone.published.values(zone.name, "MX") == ["20 mx.example.org."], "forgotten, not removed"
        assert len(zone.fake.requests) == 1


def test_a_success_without_effect_is_taken_back_and_not_tried_again(zone: Zone) -> None:
    zone.declare([{"name": "plex", "type": "A", "value": FIRST}])
    with zone.open() as inside:
        inside.apply()
        zone.declare([{"name": "plex", "type": "A", "value": SECOND}])
        zone.fake.faults = [Fault.NO_EFFECT]
        sync, why = standing(inside, zone.key("plex"))
        assert sync is Sync.FAILED
        assert "do not show it yet" in why or "never showed" in why
        assert not inside.house.store.open_entries()
        zone.home.clock.advance(3600)
        inside.apply()
        assert len(zone.fake.requests) == 1
        assert zone.published.addresses(f"plex.{zone.name}") == [FIRST]


def test_an_undo_that_must_wait_is_done_when_it_may(zone: Zone) -> None:
    zone.settings = {"propagation": 60.0}
    records: Records = [{"name": "plex", "type": "A", "value": FIRST}]
    zone.declare(records)
    plex = zone.key("plex")
    with zone.open() as inside:
        inside.apply()
        follower = document("Record", "follower", {"name": f"t.{zone.name}", "type": "TXT", "value": "x"}, needs=[str(plex)])
        zone.fake.faults = [Fault.DUPLICATE, Fault.NO_EFFECT]
        zone.declare([{"name": "plex", "type": "A", "value": SECOND}], follower)
        report = inside.apply()
        assert zone.fake.said == [f"update plex.{zone.name} {SECOND}", f"add t.{zone.name} x", f"remove t.{zone.name} x"]
        assert inside.house.store.open_entries(), "the address could not be put back yet"
        assert next(item.sync for item in report.statuses if item.key == plex) is not Sync.SYNCED
    with zone.open() as inside:
        inside.apply()
        assert len(zone.fake.requests) == 3
        zone.home.clock.advance(zone.fake.requests[0].at + 600 - zone.home.clock.now())
        inside.apply()
        assert zone.fake.said[3:] == [f"update plex.{zone.name} {FIRST}"]
        inside.apply()
        assert not inside.house.store.open_entries()
        assert zone.published.addresses(f"plex.{zone.name}") == [FIRST]
        zone.home.clock.advance(3600)
        inside.apply()
        assert len(zone.fake.requests) == 4, "what failed is not tried again"


@pytest.mark.parametrize("shown", [True, False], ids=["published later", "never published"])
@pytest.mark.parametrize("what", ["address", "text"])
def test_killed_after_it_was_accepted(zone: Zone, what: str, shown: bool) -> None:
    """Never forgotten, never sent twice within its limit."""
    label, kind = ("plex", "A") if what == "address" else ("t", "TXT")
    zone.declare([{"name": "plex", "type": "A", "value": FIRST}])
    with zone.open() as inside:
        inside.apply()
    after = {"name": label, "type": kind, "value": SECOND if what == "address" else "hello"}
    zone.declare([after] if what == "address" else [{"name": "plex", "type": "A", "value": FIRST}, after])
    zone.fake.delayed = True
    assert dies_when_accepted(zone) == -signal.SIGKILL
    zone.home.clock.advance(time.time() - zone.home.clock.now())  # the process that was killed had the real clock
    (first,) = zone.fake.requests
    with zone.open() as inside:
        _, why = standing(inside, zone.key(label, kind))
        assert inside.house.store.open_entries(), "it is not forgotten"
        assert "do not show it yet" in why or "interrupted" in why
        zone.home.clock.advance(300)
        inside.apply()
        assert len(zone.fake.requests) == 1
        if shown:
            zone.fake.publish()
        else:
            zone.home.clock.advance(301)
            zone.fake.lose()
            zone.fake.delayed = False
        for _ in range(3):
            inside.apply()
        assert not inside.house.store.open_entries()
        assert standing(inside, zone.key(label, kind))[0] is Sync.SYNCED
        assert inside.lines() == []
        wanted = [SECOND] if what == "address" else ['"hello"']
        assert zone.published.values(f"{label}.{zone.name}", kind) == wanted
        again = [request for request in zone.fake.requests[1:] if request.said == first.said]
        assert [request.at - first.at >= 600 for request in again] == ([] if shown else [True])
        assert all(request.at - first.at >= 600 for request in zone.fake.requests[1:])
        assert not [request for request in zone.fake.requests if "ERROR" in request.answer]


def dies_when_accepted(zone: Zone) -> int:
    """One pass of another process, killed when ZoneEdit has accepted its request and before it answers."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "HOMELAB_REPO": str(zone.home.repo),
        "HOMELAB_STATE": str(zone.home.state),
        "HOMELAB_WORLD": "docker",
        "DOCKER_HOST": NOWHERE,
    }
    child = subprocess.Popen([sys.executable, "-m", "tests.support.dying_apply", "0", "0"], cwd=ROOT, env=environment)
    zone.fake.accepted = lambda: os.kill(child.pid, signal.SIGKILL)
    try:
        return child.wait(120)
    finally:
        zone.fake.accepted = lambda: None
