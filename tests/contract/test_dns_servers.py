"""What DNS servers do with changes that meet others: conflicts, refusals, large batches, aliases, wildcards, keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest

from controller.clients.dns.primary import Edit, RecordSet
from controller.clients.dns.values import declared
from controller.core.change import Action, Change
from controller.core.dns import RecordPlace, record_key
from controller.core.errors import Conflict, Permanent, ProviderError, Transient
from controller.core.state import Absent, Health, Present, Receipt, State, Target, Unknown
from controller.kinds.record import RecordProvider
from tests.contract.dns_yard import WORLDS, record_provider, server_of
from tests.support import dns
from tests.support.dns import DnsServers, NameServer
from tests.support.space import wait_until

NO = Flag()
Values = Iterable[str]


class Bench:
    """One zone and the provider that writes to it."""

    def __init__(self, server: NameServer, folder: Path, **more: Any) -> None:
        self.server = server
        self.zone = server.fresh()
        self.folder = folder
        self.provider: RecordProvider = record_provider(server, folder, **more)

    def place(self, name: str, kind: str) -> RecordPlace:
        return RecordPlace(f"{name}.{self.zone}" if name else self.zone, kind, self.zone)

    def state(self, place: RecordPlace, values: Values, ttl: int = 300) -> State:
        texts = sorted(declared(place.type, value) for value in values)
        return {"zone": place.zone, "name": place.name, "type": place.type, "values": texts, "ttl": ttl}

    def change(self, name: str, kind: str, before: Values | None, after: Values | None, ttl: int = 300) -> Change:
        place = self.place(name, kind)
        action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
        states = [self.state(place, values, ttl) if values is not None else None for values in (before, after)]
        return Change(record_key(place.name, kind), "dns", str(place), action, states[0], states[1], "test", handle=str(place))

    def make(self, *changes: Change) -> list[Receipt | ProviderError]:
        return list(self.provider.apply_many(changes, NO))

    def look(self, name: str, kind: str) -> Any:
        place = self.place(name, kind)
        key = record_key(place.name, kind)
        return self.provider.observe([Target(key, str(place))]).of(key)

    def lines(self, name: str = "") -> list[str]:
        return [line for line in self.server.dump(self.zone) if line.startswith(name)]


@pytest.fixture(params=WORLDS)
def bench(request: pytest.FixtureRequest, name_servers: DnsServers, tmp_path: Path) -> Bench:
    return Bench(server_of(name_servers, request.param), tmp_path)


def test_one_conflict_does_not_hold_up_the_others(bench: Bench) -> None:
    bench.server.edit(bench.zone, f"n7.{bench.zone}", "A", "192.0.2.66")
    done = bench.make(*(bench.change(f"n{number}", "A", None, ["192.0.2.1"]) for number in range(20)))
    assert [number for number, each in enumerate(done) if isinstance(each, ProviderError)] == [7]
    assert isinstance(done[7], Conflict)
    assert bench.lines("n7.") == [f"n7.{bench.zone}. 3600 A 192.0.2.66"]
    assert len(bench.lines("n")) == 20 + 2, "all n… and the two name servers"


def test_what_is_so_already_is_done_without_a_write(bench: Bench) -> None:
    bench.make(bench.change("a", "A", None, ["192.0.2.1"]))
    before = dns.serial(bench.zone, bench.server.port)
    create, delete = bench.change("a", "A", None, ["192.0.2.1"]), bench.change("b", "A", ["192.0.2.1"], None)
    done = bench.make(create, delete)
    assert done == [Receipt(create.address, create.after), Receipt(delete.address, None)]
    assert dns.serial(bench.zone, bench.server.port) == before


def test_an_alias_takes_the_place_of_an_address_in_one_step(bench: Bench) -> None:
    bench.make(bench.change("a", "A", None, ["192.0.2.1"]))
    swap = [bench.change("a", "A", ["192.0.2.1"], None), bench.change("a", "CNAME", None, ["example.org"])]
    assert not [each for each in bench.make(*swap) if isinstance(each, ProviderError)]
    assert bench.lines("a.") == [f"a.{bench.zone}. 300 CNAME example.org."]
    back = [each.inverse() for each in swap]
    assert not [each for each in bench.make(*back) if isinstance(each, ProviderError)]
    assert bench.lines("a.") == [f"a.{bench.zone}. 300 A 192.0.2.1"]


@pytest.mark.parametrize(
    ("theirs", "kind", "value", "reason"),
    [
        (("TXT", '"theirs"'), "CNAME", "example.org", "an alias beside a text: servers drop it without a word"),
        (("CNAME", "example.org."), "A", "192.0.2.1", "an address beside an alias, likewise"),
        (
            ("SSHFP", "4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789"),
            "CNAME",
            "example.org",
            "any type counts",
        ),
    ],
)
def test_an_alias_has_no_company(bench: Bench, theirs: tuple[str, str], kind: str, value: str, reason: str) -> None:
    bench.server.edit(bench.zone, f"a.{bench.zone}", *theirs)
    before = bench.lines()
    (done,) = bench.make(bench.change("a", kind, None, [value]))
    assert isinstance(done, (Conflict, Permanent)), reason
    assert bench.lines() == before


def test_a_record_below_a_wildcard_is_not_taken_for_it(bench: Bench) -> None:
    """The wildcard answers for every name below it; only the name itself counts."""
    assert isinstance(bench.look("x.wild", "A"), Absent)
    assert isinstance(bench.look("*.wild", "A"), Present)
    bench.make(bench.change("x.wild", "A", None, ["192.0.2.99"], ttl=3600))
    assert isinstance(bench.look("x.wild", "A"), Present)
    bench.make(bench.change("x.wild", "A", ["192.0.2.99"], None, ttl=3600))
    assert isinstance(bench.look("x.wild", "A"), Absent)
    assert bench.lines("*") == [f"*.wild.{bench.zone}. 3600 A 192.0.2.99"]


def test_a_delegation_is_seen_where_it_stands(bench: Bench) -> None:
    found = bench.look("sub", "NS")
    assert isinstance(found, Present)
    assert found.state["values"] == ["ns.example.org."]


def test_more_than_fits_into_one_message_never_empties_a_zone(bench: Bench) -> None:
    """Deletes and creates that do not fit together: what is new stands before what is old goes."""
    old = [bench.change(f"old{number}", "TXT", None, ["o" * 200]) for number in range(400)]
    assert not [each for each in bench.make(*old) if isinstance(each, ProviderError)]
    writes: list[tuple[int, int]] = []
    server = bench.provider._server
    through = server.write

    def counted(zone: str, edits: list[Edit]) -> None:
        through(zone, edits)
        writes.append((sum(1 for e in edits if e.after is not None), sum(1 for e in edits if e.after is None)))

    server.write = counted  # type: ignore[method-assign, assignment]
    mixed = [bench.change(f"old{number}", "TXT", ["o" * 200], None) for number in range(400)]
    mixed += [bench.change(f"new{number}", "TXT", None, ["n" * 200]) for number in range(500)]
    assert not [each for each in bench.make(*mixed) if isinstance(each, ProviderError)]
    if bench.server.web:
        assert writes == [(500, 400)], "one request that is all or nothing"
    else:
        assert len(writes) > 1
        first_delete = next(at for at, (_, gone) in enumerate(writes) if gone)
        assert sum(made for made, _ in writes[: first_delete + 1]) == 500, "every create is in before the first delete"
    assert (len(bench.lines("old")), len(bench.lines("new"))) == (0, 500)


def test_a_set_that_fits_into_no_message_is_refused(bench: Bench) -> None:
    huge = bench.change("huge", "TXT", None, [f"{number:04}" + "x" * 240 for number in range(300)])
    small = bench.change("small", "A", None, ["192.0.2.1"])
    before = bench.lines()
    done = bench.make(huge, small)
    if bench.server.web:
        assert isinstance(done[0], Receipt), "its interface takes more than a message"
    else:
        assert isinstance(done[0], Permanent)
        assert bench.lines() == sorted([*before, f"small.{bench.zone}. 300 A 192.0.2.1"])
    assert isinstance(done[1], Receipt)


def test_what_one_server_refuses_is_told_and_isolated(name_servers: DnsServers, tmp_path: Path) -> None:
    bench = Bench(name_servers.powerdns, tmp_path)
    bad = bench.change("bad", "A", None, ["192.0.2.1"])
    bad = Change(**{**_fields(bad), "after": {**(bad.after or {}), "values": ["not-an-address"]}})
    done = bench.make(bench.change("a", "A", None, ["192.0.2.1"]), bad, bench.change("b", "A", None, ["192.0.2.2"]))
    assert [type(each) for each in done] == [Receipt, Permanent, Receipt]
    assert "not-an-address" in str(done[1])


def _fields(change: Change) -> Mapping[str, Any]:
    return {name: getattr(change, name) for name in Change.__dataclass_fields__}


def test_what_powerdns_keeps_disabled_stays(name_servers: DnsServers, tmp_path: Path) -> None:
    bench = Bench(name_servers.powerdns, tmp_path)
    name = f"a.{bench.zone}"
    records = [{"content": "192.0.2.1", "disabled": False}, {"content": "192.0.2.9", "disabled": True}]
    change = {"name": f"{name}.", "type": "A", "ttl": 300, "changetype": "REPLACE", "records": records}
    bench.server.api("PATCH", f"/zones/{bench.zone}.", {"rrsets": [change]})
    assert isinstance(found := bench.look("a", "A"), Present)
    assert found.state["values"] == ["192.0.2.1"]
    bench.make(bench.change("a", "A", ["192.0.2.1"], ["192.0.2.2"]))
    bench.make(bench.change("a", "A", ["192.0.2.2"], None))
    assert isinstance(bench.look("a", "A"), Absent)
    rrsets = bench.server.api("GET", f"/zones/{bench.zone}.").json()["rrsets"]
    kept = next(each for each in rrsets if each["name"] == f"{name}.")
    assert kept["records"] == [{"content": "192.0.2.9", "disabled": True}]


@pytest.mark.parametrize("world", WORLDS)
def test_a_wrong_key_is_told(world: str, name_servers: DnsServers, tmp_path: Path) -> None:
    server = server_of(name_servers, world)
    bench = Bench(server, tmp_path)
    before = bench.lines()
    key = "wrong" if server.web else {"name": dns.KEY, "algorithm": dns.ALGORITHM, "secret": "d3Jvbmctd3Jvbmctd3Jvbmc="}
    bench.provider = record_provider(server, tmp_path, key=key)
    (done,) = bench.make(bench.change("a", "A", None, ["192.0.2.1"]))
    assert isinstance(done, Permanent)
    assert "401" in str(done) or "key" in str(done)
    assert bench.lines() == before


@pytest.mark.parametrize("world", WORLDS)
def test_a_zone_that_is_not_there_is_unknown(world: str, name_servers: DnsServers, tmp_path: Path) -> None:
    bench = Bench(server_of(name_servers, world), tmp_path)
    bench.zone = "nowhere.test"
    assert isinstance(bench.look("a", "A"), Unknown)
    (done,) = bench.make(bench.change("a", "A", None, ["192.0.2.1"]))
    assert isinstance(done, (Permanent, Transient))


@pytest.mark.parametrize("world", ["bind", "knot"])
def test_without_transfers_records_are_asked_for_one_by_one(world: str, name_servers: DnsServers, tmp_path: Path) -> None:
    bench = Bench(server_of(name_servers, world), tmp_path, transfer=False)
    bench.make(*(bench.change(f"n{number}", "A", None, ["192.0.2.1"]) for number in range(12)))
    places = [bench.place(f"n{number}", "A") for number in range(14)]
    targets = [Target(record_key(place.name, "A"), str(place)) for place in places]
    snapshot = bench.provider.observe(targets)
    assert snapshot.complete
    assert [isinstance(snapshot.of(target.key), Present) for target in targets] == [True] * 12 + [False] * 2


def test_a_refused_transfer_is_not_a_missing_zone(name_servers: DnsServers, tmp_path: Path) -> None:
    """BIND hands zones out with the key only; without one it still answers questions."""
    bench = Bench(name_servers.bind, tmp_path)
    bench.make(*(bench.change(f"n{number}", "A", None, ["192.0.2.1"]) for number in range(12)))
    without = RecordProvider(_unsigned(bench), None, {}, None)
    places = [bench.place(f"n{number}", "A") for number in range(13)]
    snapshot = without.observe([Target(record_key(place.name, "A"), str(place)) for place in places])
    assert snapshot.complete
    assert sum(isinstance(each, Present) for each in snapshot.items.values()) == 12


def _unsigned(bench: Bench) -> Any:
    from controller.clients.clock import SystemClock
    from controller.clients.dns.primary import Primary
    from controller.clients.dns.servers import Servers
    from controller.kinds.record.rfc2136 import UpdatedZones

    return UpdatedZones(Primary(Servers(SystemClock(), [(dns.HOST, bench.server.port)])))


@pytest.mark.parametrize("world", WORLDS)
def test_health_waits_for_every_server(world: str, name_servers: DnsServers, tmp_path: Path) -> None:
    server = server_of(name_servers, world)
    bench = Bench(server, tmp_path)
    change = bench.change("a", "A", None, ["192.0.2.1"])
    place = bench.place("a", "A")
    target = Target(change.key, change.address)
    assert bench.provider.health(target)[0] is Health.MISSING
    assert isinstance(bench.make(change)[0], Receipt)
    wait_until(lambda: bench.provider.health(target)[0] is Health.HEALTHY, "the servers to agree")
    server.edit(bench.zone, place.name, "A", "192.0.2.66", ttl=300)
    health, why = bench.provider.health(target)
    assert health is Health.PROGRESSING
    assert "192.0.2.66" in why


def test_a_set_of_records_is_estimated_from_above() -> None:
    """What `fitting` puts together must fit: its estimate is never below the real size."""
    import dns.update as library

    values = tuple(declared("TXT", "x" * size) for size in (1, 200, 255, 900))
    edit = Edit("a" * 60 + ".example.net", "TXT", RecordSet(values[:2], 60), RecordSet(values, 60), 60)
    message = library.UpdateMessage("example.net.")
    message.present(f"{edit.name}.", *(library_rdata(value) for value in values[:2]))
    message.delete(f"{edit.name}.", "TXT")
    message.add(f"{edit.name}.", 60, *(library_rdata(value) for value in values))
    assert len(message.to_wire()) <= edit.size


def library_rdata(value: str) -> Any:
    import dns.rdata as library

    return library.from_text("IN", "TXT", value)
