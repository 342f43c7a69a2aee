"""From the write of a route to the certificate that its visitors get, against the same write by hand to the same Caddy."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import count
from typing import Any

from benchmarks.fleet import document
from benchmarks.measures.edge import settled
from benchmarks.stage import Stage
from benchmarks.timing import Row, Sample, interleaved
from controller.clients.tls import NoCertificate, served
from controller.core.errors import Transient
from controller.kinds.route import RouteProvider
from controller.wire import House
from tests.support import caddy as caddies
from tests.support.caddy import Caddy, upstream
from tests.support.pebble import Pebble

GOAL = 1.5
_STEP, _LONGEST = 0.01, 120.0


def measure(stage: Stage) -> Iterator[Row]:
    """Both Caddys, each with its own authority and with one that speaks ACME (Pebble)."""
    for version in (caddies.OLD, caddies.NEW):
        for issuer in ("internal", "acme"):
            caddy = Caddy(version)
            try:
                with closing(Pebble(caddy.http_port, caddy.https_port)) as authority:
                    yield _row(stage, caddy, authority, issuer)
            finally:
                caddy.close()


def _row(stage: Stage, caddy: Caddy, authority: Pebble, issuer: str) -> Row:
    numbers = count()
    with upstream() as web:

        def spec() -> tuple[str, Mapping[str, Any]]:
            name = f"r{next(numbers):05}"
            return name, {"host": f"{name}.home.test", "to": web.url, "dns": "off", "tls": issuer, "exposure": "public"}

        first, one = spec()
        connections = {"caddy": caddy.declared(acme=authority.acme)}
        with settled(connections, {f"{first}.yaml": document("Route", first, one)}) as (home, house):
            proven: list[float] = []

            def ours() -> float:
                name, wanted = spec()
                home.commit({f"{name}.yaml": document("Route", name, wanted)})
                return _ours(caddy, house, wanted["host"], proven)

            jobs = {"ours": ours, "floor": lambda: _by_hand(caddy, first, spec()[0])}
            rounds = stage.rounds(9, 3)
            found = interleaved(jobs, rounds)
    met = found["ours"].median <= GOAL * found["floor"].median
    note = f"until the pass has proven it, debounce apart: {Sample(tuple(proven[-rounds:]))} on {caddy.version}"
    name = f"route write → served certificate, {issuer}"
    return Row(name, caddy.version, found["ours"], f"≤ {GOAL} × Caddy's own time", met, found["floor"], note=note)


class _Visitor:
    """Asks for the certificate of a host, again and again, until there is one."""

    def __init__(self, caddy: Caddy, host: str) -> None:
        self._place = ("127.0.0.1", caddy.https_port, host)
        self._at = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def served(self) -> float:
        """When it was first served. Raises TimeoutError."""
        self._thread.join(_LONGEST)
        if not self._at:
            raise TimeoutError(f"no certificate for {self._place[2]}")
        return self._at

    def _run(self) -> None:
        deadline = time.monotonic() + _LONGEST
        while time.monotonic() < deadline:
            try:
                if served(*self._place).covers(self._place[2]):
                    self._at = time.monotonic()
                    return
            except (NoCertificate, Transient):
                pass
            time.sleep(_STEP)


def _ours(caddy: Caddy, house: House, host: str, proven: list[float]) -> float:
    provider = house.connections.providers()["route", "caddy"]
    assert isinstance(provider, RouteProvider)
    provider.gather = 0.0
    door = provider._door
    sent: list[float] = []
    write = door.write

    def noted(*words: Any) -> None:
        sent.append(time.monotonic())
        write(*words)

    door.write = noted  # type: ignore[assignment, method-assign]
    visitor = _Visitor(caddy, host)
    try:
        report = house.reconciler.reconcile("bench", "bench")
    finally:
        door.write = write  # type: ignore[method-assign]
    if len(sent) != 1 or any(each.sync != "Synced" for each in report.statuses):
        raise RuntimeError(f"{len(sent)} writes: {[each for each in report.statuses if each.sync != 'Synced']}")
    proven.append(time.monotonic() - sent[0])
    return visitor.served() - sent[0]


def _by_hand(caddy: Caddy, first: str, name: str) -> float:
    """The running configuration with another host in the place of the first one, and back again outside of the time."""
    before = json.dumps(caddy.document())
    visitor = _Visitor(caddy, f"{name}.home.test")
    began = time.monotonic()
    _post(caddy, before.replace(first, name))
    seconds = visitor.served() - began
    _post(caddy, before)
    return seconds


def _post(caddy: Caddy, text: str) -> None:
    status, answer = caddy.call("POST", "/config/", json.loads(text))
    if status != 200:
        raise RuntimeError(answer)
