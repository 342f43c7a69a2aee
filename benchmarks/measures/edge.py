"""Routes and records through the real wiring: an unchanged pass, and one route more, each against the bare calls."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import Any

import dns.flags
import dns.message
import dns.query

from benchmarks.fleet import document
from benchmarks.home import Home
from benchmarks.settled import settle
from benchmarks.stage import Stage
from benchmarks.timing import Row, Sample, interleaved, stopwatch
from controller.kinds.route import RouteProvider
from controller.kinds.route.layout import PLAIN
from controller.wire import House
from tests.support import caddy as caddies
from tests.support.caddy import Caddy, upstream
from tests.support.dns import ALGORITHM, HOST, KEY, SECRET, DnsServers, NameServer

NOOP, ADD = 1.5, 1.2
_ROUTES, _RECORDS, _MANY = 300, 1_000, 1_000
_AT_ONCE = 16
Names = Sequence[tuple[str, str]]


def measure(stage: Stage) -> Iterator[Row]:
    """Both Caddys; the name server is BIND."""
    servers = DnsServers()
    try:
        for version in (caddies.OLD, caddies.NEW):
            for part in (_unchanged(servers.bind), _one_more()):
                caddy = Caddy(version)
                try:
                    yield part(caddy, stage)
                finally:
                    caddy.close()
    finally:
        servers.close()


def _unchanged(server: NameServer) -> Callable[[Caddy, Stage], Row]:
    """Routes with certificates of Caddy's own, each with its record, and further records beside them."""

    def take(caddy: Caddy, stage: Stage) -> Row:
        zone = server.fresh()
        connections = {"caddy": caddy.declared(addresses={"private": ["192.0.2.10"]}), "dns": _bind(server)}
        with upstream() as web:
            routes = {f"r{number}": {"host": f"r{number}.{zone}", "to": web.url} for number in range(_ROUTES)}
            files = {f"{name}.yaml": document("Route", name, spec) for name, spec in routes.items()}
            entries = [{"name": f"n{number}", "type": "TXT", "value": f"number {number}"} for number in range(_RECORDS - _ROUTES)]
            files["zone.yaml"] = document("Domain", "zone", {"zone": zone, "via": "dns", "ttl": 300, "records": entries})
            with settled(connections, files) as (_, house):
                names = [(f"r{number}.{zone}", "A") for number in range(_ROUTES)]
                names += [(f"{entry['name']}.{zone}", "TXT") for entry in entries]
                jobs = {"ours": lambda: _quiet(house), "floor": lambda: _bare(caddy, server, names)}
                found = interleaved(jobs, stage.rounds(9, 3), warm=2)
        met = found["ours"].median <= NOOP * found["floor"].median
        name = f"no-op pass over {_ROUTES} routes and {_RECORDS:,} records"
        goal = f"≤ {NOOP} × the bare reads"
        note = "floor: one GET of the configuration, then a question for each record, 16 at a time"
        return Row(name, f"{caddy.version}, BIND 9.18", found["ours"], goal, met, found["floor"], note=note)

    return take


def _one_more() -> Callable[[Caddy, Stage], Row]:
    """From the pass that finds one more route in git to its end. The bare write adds the same to the same Caddy."""

    def take(caddy: Caddy, stage: Stage) -> Row:
        numbers = count()
        with upstream() as web:

            def spec() -> tuple[str, Mapping[str, Any]]:
                name = f"r{next(numbers):05}"
                return name, {"host": f"{name}.home.test", "to": web.url, "dns": "off", "tls": "off"}

            files = {f"{name}.yaml": document("Route", name, one) for name, one in (spec() for _ in range(_MANY))}
            with settled({"caddy": caddy.declared()}, files) as (home, house):
                provider = house.connections.providers()["route", "caddy"]
                assert isinstance(provider, RouteProvider)
                provider.gather = 0.0
                gate = provider.health = _Stopped(provider.health)  # type: ignore[method-assign]
                whole: list[float] = []
                jobs = {"ours": lambda: _added(home, house, spec(), gate, whole), "floor": lambda: _appended(caddy)}
                found = interleaved(jobs, stage.rounds(9, 3), warm=2)
        met = found["ours"].median <= ADD * found["floor"].median
        name = f"one route more among {_MANY:,}"
        passed = Sample(tuple(whole[-stage.rounds(9, 3) :]))
        note = f"a run without debounce and gate; floor: a POST of that route alone; the whole pass, from git on: {passed}"
        return Row(name, caddy.version, found["ours"], f"≤ {ADD} × one bare write", met, found["floor"], note=note)

    return take


class _Stopped:
    """A job with the time that went into it."""

    def __init__(self, job: Callable[..., Any]) -> None:
        self.job = job
        self.seconds = 0.0

    def __call__(self, *words: Any, **more: Any) -> Any:
        began = time.perf_counter()
        try:
            return self.job(*words, **more)
        finally:
            self.seconds += time.perf_counter() - began


@contextmanager
def settled(connections: Mapping[str, Any], files: Mapping[str, str]) -> Iterator[tuple[Home, House]]:
    """A home without an engine whose files are made real, until the block ends."""
    home = Home("unix:///nowhere", files)
    home.environment["HOMELAB_WORLD"] = "docker"
    home.commit({"homelab.yaml": document("Homelab", "home", {"connections": connections})})
    try:
        with home.house() as house:
            house.vault.set("dns/key", SECRET)
            settle(house)
            house.reconciler.reconcile("bench", "bench")
            _quiet(house)
            yield home, house
    finally:
        home.close()


def _bind(server: NameServer) -> Mapping[str, Any]:
    key = {"name": KEY, "algorithm": ALGORITHM, "secret": {"ref": "dns/key"}}
    where = f"{HOST}:{server.port}"
    return {"type": "rfc2136", "server": where, "servers": [where], "key": key, "transfer": False}


def _quiet(house: House) -> float:
    seconds = stopwatch(lambda: house.reconciler.reconcile("bench", "bench"))
    report = house.reconciler.last
    if report is None or any(each.sync != "Synced" for each in report.statuses):
        raise RuntimeError("the world is not as declared: this is no no-op")
    return seconds


def _bare(caddy: Caddy, server: NameServer, names: Names) -> float:
    def question(place: tuple[str, str]) -> None:
        query = dns.message.make_query(place[0], place[1], use_edns=0, payload=1232)
        query.flags &= ~dns.flags.RD
        dns.query.udp_with_fallback(query, HOST, 2, server.port)

    began = time.perf_counter()
    json.loads(caddy.call("GET", "/config/")[1])
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        list(pool.map(question, names))
    return time.perf_counter() - began


def _added(home: Home, house: House, route: tuple[str, Mapping[str, Any]], gate: _Stopped, whole: list[float]) -> float:
    """The time of the run; that of the pass around it goes to the others."""
    name, spec = route
    home.commit({f"{name}.yaml": document("Route", name, spec)})
    gate.seconds = 0.0
    whole.append(_quiet(house) - gate.seconds)
    (run,) = house.store.runs(1)
    if [change for rollout in run.rollouts for change in rollout.changes] != [(f"route/{name}", "create", "new")]:
        raise RuntimeError(f"the run is about something else: {run.rollouts}")
    return run.finished - run.started - gate.seconds


def _appended(caddy: Caddy) -> float:
    """A route is added by hand; it goes again outside of the time."""
    where = f"/config/apps/http/servers/{PLAIN}/routes"
    raw = {**caddy.document()["apps"]["http"]["servers"][PLAIN]["routes"][0]}
    raw.pop("@id")
    raw["match"] = [{"host": ["bare.home.test"]}]
    began = time.perf_counter()
    _call(caddy, "POST", where, raw)
    seconds = time.perf_counter() - began
    _call(caddy, "DELETE", f"{where}/{len(caddy.document()['apps']['http']['servers'][PLAIN]['routes']) - 1}")
    return seconds


def _call(caddy: Caddy, method: str, path: str, body: Any = None) -> None:
    status, answer = caddy.call(method, path, body)
    if status != 200:
        raise RuntimeError(f"{method} {path}: {status} {answer}")
