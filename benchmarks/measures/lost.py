"""Requests that an update behind Caddy loses, and how long the unluckiest one waits; beside it what a bare reload loses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.stage import Stage
from benchmarks.timing import Row, Sample
from tests.flows.edge_home import Count, Home, web, web_image
from tests.support import caddy as caddies
from tests.support.caddy import Caddy

_MICRO = 1e6
_RELOADS = 10
_GRACE = 10_000_000_000
"""Nanoseconds that a reload lets connections end; each reload gets another number, or it would be none."""


def measure(stage: Stage) -> Iterator[Row]:
    """Both Caddys, both orders, on kept and on fresh connections at a time."""
    for version in (caddies.OLD, caddies.NEW):
        stage.empty()
        web_image(stage.ours)
        with _house(stage, version) as home:
            for order in ("stop-first", "start-first"):
                yield _updates(stage, home, version, order)
            yield _reloads(stage, home, version)
    stage.empty()


@contextmanager
def _house(stage: Stage, version: str) -> Iterator[Home]:
    with TemporaryDirectory() as folder:
        server = Caddy(version, f"/proc/{stage.ours.space.pid}/ns/net")
        try:
            yield Home(stage.ours, server, Path(folder))
        finally:
            server.close()


def _updates(stage: Stage, home: Home, version: str, order: str) -> Row:
    _apply(home, f"{order}-0", order)
    counts: list[Count] = []
    for number in range(1, stage.rounds(4, 1) + 1):
        with home.load("web") as found:
            time.sleep(1.0)
            _apply(home, f"{order}-{number}", order)
            time.sleep(1.0)
        counts += found
    lost = sum(each.lost for each in counts)
    waits = Sample(tuple(each.longest / _MICRO for each in counts))
    note = f"{lost} of {sum(each.requests for each in counts)} requests lost in {len(counts) // 2} updates on {stage.version}"
    name = f"update behind {version}, {order}: longest wait of a request"
    return Row(name, stage.version, waits, "0 requests lost", lost == 0, note=note)


def _reloads(stage: Stage, home: Home, version: str) -> Row:
    with home.load("web") as counts:
        time.sleep(1.0)
        for number in range(_RELOADS):
            status, answer = home.caddy.call("POST", "/config/apps/http/grace_period", _GRACE + number)
            if status != 200:
                raise RuntimeError(answer)
            time.sleep(0.3)
    kept, fresh = (each.lost / _RELOADS for each in counts)
    waits = Sample(tuple(each.longest / _MICRO for each in counts))
    note = f"lost per reload on {stage.version}: {kept:.1f} on kept connections, {fresh:.1f} on fresh ones"
    return Row(f"bare reload of {version}: longest wait of a request", stage.version, waits, "", None, note=note)


def _apply(home: Home, text: str, order: str) -> None:
    web(home, text, order)
    if home.apply():
        raise RuntimeError(home.said)
