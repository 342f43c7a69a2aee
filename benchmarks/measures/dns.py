"""A large zone from its file to PowerDNS, beside octoDNS: each reads its own language, plans, applies and plans again."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.octodns_peer import resident
from benchmarks.settled import applied, ledger
from benchmarks.stage import Stage
from benchmarks.timing import Row, Sample
from controller.clients.yaml import write_yaml
from controller.core.ports import Providers
from controller.engine.observe import observe, targets
from controller.engine.plan import Situation, plan
from controller.kinds import domain, record
from controller.source import FolderSource
from controller.wire.house import _COLLECT
from tests.contract.dns_yard import record_provider
from tests.support.dns import API_KEY, HOST, DnsServers, NameServer
from tests.support.house import House
from tests.support.roots import cache_folder

OCTODNS = ("octodns==1.22.0", "octodns-powerdns==1.2.0")
DIFF = 1.0
_MANY, _PART = 10_000, 800
_KINDS = {kind.name: kind for kind in (domain.KIND, record.KIND)}
Wanted = Sequence[tuple[str, str, str]]


def measure(stage: Stage) -> Iterator[Row]:
    """The server is that of the tests; both sides are processes of their own, in turn, each in a fresh zone."""
    servers = DnsServers()
    try:
        yield from _rows(_samples(servers.powerdns, stage.rounds(5, 1)))
    finally:
        servers.close()


def _samples(server: NameServer, rounds: int) -> dict[str, list[Mapping[str, float]]]:
    python, peer = _environment(), Path(__file__).parents[1] / "octodns_peer.py"
    found: dict[str, list[Mapping[str, float]]] = {"ours": [], "octodns": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            zone = server.fresh()
            _write_theirs(Path(folder), zone, wanted(_MANY))
            where = [HOST, server.web.rpartition(":")[2], API_KEY, zone, folder]
            found["octodns"].append(_child([str(python), str(peer), *where]))
        with tempfile.TemporaryDirectory() as folder:
            zone = server.fresh()
            _write_ours(Path(folder), zone, wanted(_MANY))
            own = [sys.executable, "-m", "benchmarks.measures.dns", server.web, str(server.port), zone, folder]
            found["ours"].append(_child(own))
    return found


def _rows(found: Mapping[str, Sequence[Mapping[str, float]]]) -> Iterator[Row]:
    def sample(side: str, *parts: str, unit: str = "s") -> Sample:
        return Sample(tuple(sum(one[part] for part in parts) for one in found[side]), unit)

    def row(
        what: str, *parts: str, share: float = 1.0, goal: str = "not slower than octoDNS 1.22 (floor)", unit: str = "s"
    ) -> Row:
        ours, theirs = sample("ours", *parts, unit=unit), sample("octodns", *parts, unit=unit)
        return Row(f"{name}: {what}", engine, ours, goal, ours.median <= share * theirs.median, theirs, note=notes.get(what, ""))

    def parts(side: str) -> str:
        return ", ".join(f"{part} {sample(side, part).median:.2f} s" for part in ("read", "plan", "apply"))

    name, engine = f"{_MANY:,} records on PowerDNS", "PowerDNS 4.7"
    notes = {"plan and apply, from the file": f"ours: {parts('ours')}; octoDNS: {parts('octodns')}"}
    yield row("plan and apply, from the file", "read", "plan", "apply")
    yield row("plan without a change", "again")
    diff = sample("ours", "diff")
    yield Row(f"{name}: processor time of the diff", engine, diff, "≤ 1 s", diff.median <= DIFF)
    yield row("memory over the imports", "memory", share=0.5, goal="≤ half of octoDNS 1.22 (floor)", unit="MB")


def _child(command: Sequence[str]) -> Mapping[str, float]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
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


def _write_ours(folder: Path, zone: str, records: Wanted) -> None:
    connections = {"connections": {"dns": {"type": "docker"}}}
    (folder / "homelab.yaml").write_text(write_yaml({"kind": "Homelab", "name": "home", "spec": connections}))
    for at in range(0, len(records), _PART):
        entries = [{"name": name, "type": kind, "value": value} for name, kind, value in records[at : at + _PART]]
        spec = {"zone": zone, "via": "dns", "ttl": 300, "records": entries}
        (folder / f"zone{at}.yaml").write_text(write_yaml({"kind": "Domain", "name": f"zone{at}", "spec": spec}))


def _write_theirs(folder: Path, zone: str, records: Wanted) -> None:
    content: dict[str, dict[str, object]] = {"": {"type": "NS", "ttl": 3600, "values": [f"ns1.{zone}.", f"ns2.{zone}."]}}
    for name, kind, value in records:
        text = value.replace(";", "\\;") if kind == "TXT" else f"{value}." if kind == "CNAME" else value
        content[name] = {"type": kind, "ttl": 300, "value": text}
    (folder / f"{zone}.yaml").write_text(write_yaml(content))


def _run(web: str, port: int, zone: str, folder: str) -> Mapping[str, float]:
    """Our side: seconds of the parts, megabytes over the imports; memory is collected as the controller does it."""
    gc.set_threshold(_COLLECT)
    server = NameServer("powerdns", port, None, (), lambda: zone, "", web=web)  # type: ignore[arg-type]
    provider = record_provider(server, Path(tempfile.mkdtemp()))
    providers: Providers = {("record", "dns"): provider}
    linker, source = House(kinds=_KINDS).reconciler.linker, FolderSource(Path(folder))
    base = resident()
    began = time.perf_counter()
    head = source.head()
    estate = linker.estate(head, source.read(head.id))
    read = time.perf_counter()
    look = targets(estate.resources.values(), {})
    made = plan(Situation(estate, observe(providers, look), {}, _KINDS))
    planned = time.perf_counter()
    receipts = applied(provider, made.changes)
    done = time.perf_counter()
    count = len(made.changes)
    rows = {row.place: row for row in ledger(made.changes, receipts)}
    del made, receipts  # a pass does not keep them either
    ready = time.perf_counter()
    world = observe(providers, look)
    processor = time.process_time()
    left = plan(Situation(estate, world, rows, _KINDS))
    diff = time.process_time() - processor
    if left.changes or left.notes or count != _MANY:
        raise RuntimeError(f"{count} changes, and then {left}")
    again = time.perf_counter()
    found = {"read": read - began, "plan": planned - read, "apply": done - planned, "again": again - ready}
    return {**found, "diff": diff, "memory": resident() - base}


if __name__ == "__main__":
    print(json.dumps(_run(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])))
