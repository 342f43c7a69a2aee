"""DNS records on real servers: an unchanged pass against the bare questions, and a large zone on PowerDNS beside octoDNS."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import dns.flags
import dns.message
import dns.query

from benchmarks.octodns_peer import resident
from benchmarks.stage import Stage
from benchmarks.timing import Row, Sample, interleaved
from controller.clients.clock import SystemClock
from controller.clients.yaml import write_yaml
from controller.core.change import Change
from controller.core.ports import Providers
from controller.core.run import Row as LedgerRow
from controller.core.state import Receipt
from controller.engine.observe import observe, targets
from controller.engine.plan import Situation, plan
from controller.kinds import domain, record
from controller.wire.house import _COLLECT
from tests.contract.dns_yard import record_provider
from tests.support.dns import API_KEY, HOST, DnsServers, NameServer
from tests.support.house import House
from tests.support.roots import cache_folder

OCTODNS = ("octodns==1.22.0", "octodns-powerdns==1.2.0")
NOOP, DIFF = 1.5, 1.0
_FEW, _MANY, _PART = 1_000, 10_000, 800
_KINDS = {kind.name: kind for kind in (domain.KIND, record.KIND)}
Wanted = Sequence[tuple[str, str, str]]


def measure(stage: Stage) -> Iterator[Row]:
    """The servers are those of the tests."""
    servers = DnsServers()
    try:
        yield _unchanged(servers.bind, stage.rounds(7, 3))
        yield from _beside_octodns(servers.powerdns, stage.rounds(3, 1))
    finally:
        servers.close()


def _unchanged(server: NameServer, rounds: int) -> Row:
    """A pass over applied records, each asked for at its server, against the same questions alone."""
    zone = server.fresh()
    house = _house(zone, wanted(_FEW))
    provider = record_provider(server, Path(tempfile.mkdtemp()), transfer=False)
    house.providers = {("record", "dns"): provider}
    survey = house.reconciler.survey()
    _apply(provider.apply_many(survey.plan.changes, Event()))
    house.store.put(_rows(survey.plan.changes))
    names = [(change.address.split(" ")[0], change.address.split(" ")[1]) for change in survey.plan.changes]

    def quiet() -> float:
        began = time.perf_counter()
        found = house.reconciler.survey()
        if found.plan.changes or found.plan.notes:
            raise RuntimeError(f"the pass is not empty: {found.plan.changes[:1]} {found.plan.notes[:1]}")
        return time.perf_counter() - began

    found = interleaved({"ours": quiet, "floor": lambda: _bare(server, names)}, rounds)
    met = found["ours"].median <= NOOP * found["floor"].median
    return Row(
        f"unchanged pass over {_FEW:,} records", "BIND 9.18", found["ours"], f"≤ {NOOP} × the bare questions", met, found["floor"]
    )


def _bare(server: NameServer, names: Sequence[tuple[str, str]]) -> float:
    def one(place: tuple[str, str]) -> None:
        query = dns.message.make_query(place[0], place[1], use_edns=0, payload=1232)
        query.flags &= ~dns.flags.RD
        dns.query.udp_with_fallback(query, HOST, 2, server.port)

    began = time.perf_counter()
    with ThreadPoolExecutor(max_workers=16) as pool:
        list(pool.map(one, names))
    return time.perf_counter() - began


def _beside_octodns(server: NameServer, rounds: int) -> Iterator[Row]:
    """Both in processes of their own, in turn, each in a fresh zone."""
    python = _environment()
    found: dict[str, list[Mapping[str, float]]] = {"ours": [], "octodns": []}
    for _ in range(rounds):
        where = [HOST, server.web.rpartition(":")[2], API_KEY]
        peer = [str(python), str(Path(__file__).parents[1] / "octodns_peer.py"), *where, server.fresh(), str(_MANY)]
        found["octodns"].append(_child(peer, json.dumps(wanted(_MANY))))
        own = [sys.executable, "-m", "benchmarks.measures.dns", server.web, str(server.port), server.fresh(), str(_MANY)]
        found["ours"].append(_child(own, ""))

    def sample(side: str, *parts: str, unit: str = "s") -> Sample:
        return Sample(tuple(sum(one[part] for part in parts) for one in found[side]), unit)

    name, engine = f"{_MANY:,} records on PowerDNS", "PowerDNS 4.7"
    ours, theirs = sample("ours", "plan", "apply"), sample("octodns", "plan", "apply")
    yield Row(
        f"{name}: plan and apply", engine, ours, "not slower than octoDNS 1.22 (floor)", ours.median <= theirs.median, theirs
    )
    again, other = sample("ours", "again"), sample("octodns", "again")
    yield Row(
        f"{name}: plan without a change",
        engine,
        again,
        "not slower than octoDNS 1.22 (floor)",
        again.median <= other.median,
        other,
    )
    diff = sample("ours", "diff")
    yield Row(f"{name}: processor time of the diff", engine, diff, "≤ 1 s", diff.median <= DIFF)
    memory, weight = sample("ours", "memory", unit="MB"), sample("octodns", "memory", unit="MB")
    goal = "≤ half of octoDNS 1.22 (floor)"
    yield Row(f"{name}: memory over the imports", engine, memory, goal, memory.median <= weight.median / 2, weight)


def _child(command: Sequence[str], text: str) -> Mapping[str, float]:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _environment() -> Path:
    """A Python with octoDNS, made once in the cache folder."""
    folder = cache_folder() / "octodns-1.22.0"
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *OCTODNS], check=True)
        (folder / "made").touch()
    return python


def wanted(count: int) -> Wanted:
    """So many records of four types."""
    kinds: Sequence[Callable[[int], tuple[str, str, str]]] = (
        lambda i: (f"a{i}", "A", f"10.{i // 65536}.{i // 256 % 256}.{i % 256}"),
        lambda i: (f"b{i}", "AAAA", f"2001:db8::{i + 1:x}"),
        lambda i: (f"c{i}", "CNAME", f"h{i}.example.org"),
        lambda i: (f"d{i}", "TXT", f"v=test; number={i}"),
    )
    return [kinds[number % 4](number) for number in range(count)]


def _house(zone: str, records: Wanted) -> House:
    house = House(kinds=_KINDS, clock=SystemClock())
    connections = {"connections": {"dns": {"type": "docker"}}}
    files = {"homelab.yaml": write_yaml({"kind": "Homelab", "name": "home", "spec": connections})}
    for at in range(0, len(records), _PART):
        entries = [{"name": name, "type": kind, "value": value} for name, kind, value in records[at : at + _PART]]
        spec = {"zone": zone, "via": "dns", "ttl": 300, "records": entries}
        files[f"zone{at}.yaml"] = write_yaml({"kind": "Domain", "name": f"zone{at}", "spec": spec})
    house.book.write(files)
    return house


def _apply(results: Sequence[Any]) -> None:
    failed = [each for each in results if not isinstance(each, Receipt)]
    if failed:
        raise RuntimeError(f"{len(failed)} changes failed: {failed[0]}")


def _rows(changes: Sequence[Change]) -> list[LedgerRow]:
    return [
        LedgerRow(each.key, each.provider, each.address, each.address, each.after, each.after, each.digest, claims=each.claims)
        for each in changes
    ]


def _run(web: str, port: int, zone: str, count: int) -> Mapping[str, float]:
    """Our side: seconds of the parts, megabytes over the imports; memory is collected as the controller does it."""
    gc.set_threshold(_COLLECT)
    server = NameServer("powerdns", port, None, (), lambda: zone, "", web=web)  # type: ignore[arg-type]
    provider = record_provider(server, Path(tempfile.mkdtemp()))
    providers: Providers = {("record", "dns"): provider}
    house = _house(zone, wanted(count))
    base = resident()
    began = time.perf_counter()
    head = house.book.head()
    estate = house.reconciler.linker.estate(head, house.book.read(head.id))
    built = time.perf_counter()
    look = targets(estate.resources.values(), {})
    made = plan(Situation(estate, observe(providers, look), {}, _KINDS))
    planned = time.perf_counter()
    _apply(provider.apply_many(made.changes, Event()))
    done = time.perf_counter()
    rows = {row.place: row for row in _rows(made.changes)}
    ready = time.perf_counter()
    world = observe(providers, look)
    processor = time.process_time()
    left = plan(Situation(estate, world, rows, _KINDS))
    diff = time.process_time() - processor
    if left.changes or left.notes:
        raise RuntimeError("the second plan is not empty")
    again = time.perf_counter()
    found = {"build": built - began, "plan": planned - built, "apply": done - planned, "again": again - ready}
    return {**found, "diff": diff, "memory": resident() - base}


if __name__ == "__main__":
    print(json.dumps(_run(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))))
