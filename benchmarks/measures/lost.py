"""Requests that an update behind Caddy loses, and those that a bare reload of it does."""

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
    # Two loads run during each update: on kept connections, and on fresh ones.
    lost = Sample(tuple(float(kept.lost + fresh.lost) for kept, fresh in zip(counts[::2], counts[1::2], strict=True)), "lost")
    waits = Sample(tuple(each.longest / _MICRO for each in counts))
    note = f"of {sum(each.requests for each in counts):,} requests; longest wait of one {waits} on {stage.version}"
    name = f"requests lost by an update behind {version}, {order}"
    return Row(name, stage.version, lost, "0", sum(lost.values) == 0, note=note)


def _reloads(stage: Stage, home: Home, version: str) -> Row:
    with home.load("web") as counts:
        time.sleep(1.0)
        for number in range(_RELOADS):
            status, answer = home.caddy.call("POST", "/config/apps/http/grace_period", _GRACE + number)
            if status != 200:
                raise RuntimeError(answer)
            time.sleep(0.3)
    kept, fresh = counts
    waits = Sample(tuple(each.longest / _MICRO for each in counts))
    lost = Sample(((kept.lost + fresh.lost) / _RELOADS,), "lost")
    note = (
        f"{kept.lost} on kept connections and {fresh.lost} on fresh ones in {_RELOADS}; longest wait {waits} on {stage.version}"
    )
    return Row(f"requests lost by a bare reload of {version}", stage.version, lost, "reported", None, note=note)


def _apply(home: Home, text: str, order: str) -> None:
    web(home, text, order)
    if home.apply():
        raise RuntimeError(home.said)
