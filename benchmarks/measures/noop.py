"""The resident no-op pass: everything runs as declared, the event stream stands, nothing is dirty."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.raw import Raw
from benchmarks.stage import Stage
from benchmarks.timing import Row, interleaved, stopwatch

FLOOR, PEER = 1.5, 10.0
_QUIET = 1.0
"""Seconds after which the events of the start are over."""


def measure(stage: Stage) -> Iterator[Row]:
    """100 services; 500 in the full run."""
    for count in (100,) if stage.quick else (100, 500):
        yield from _pass(stage, count)


def _pass(stage: Stage, count: int) -> Iterator[Row]:
    _, home, project = stage.fleet(count)
    raw = Raw(stage.ours.socket)
    with home.house() as house:
        house.reconciler.reconcile("bench", "bench")
        time.sleep(_QUIET)

        def ours() -> float:
            seconds = stopwatch(lambda: house.reconciler.reconcile("bench", "bench"))
            if house.reconciler.last is None or any(each.sync != "Synced" for each in house.reconciler.last.statuses):
                raise RuntimeError("the world is not as declared: this is no no-op")
            return seconds

        def audit() -> float:
            for provider in house.connections.providers().values():
                if hasattr(provider, "audit"):
                    provider.audit()
            return ours()

        def inspects() -> float:
            return stopwatch(lambda: [raw.inspect(row["Id"]) for row in raw.list()])

        jobs = {"ours": ours, "floor": lambda: stopwatch(raw.list)}
        fine = interleaved(jobs, stage.rounds(40, 15), warm=3)
        full = interleaved({"ours": audit, "floor": inspects}, stage.rounds(10, 4))
        peers = interleaved(
            {name: lambda binary=binary: stopwatch(lambda: project.up(binary)) for name, binary in stage.composes.items()},  # type: ignore[misc]
            stage.rounds(9, 3),
        )
    slowest = min(peers.values(), key=lambda sample: sample.median)
    met = fine["ours"].median <= FLOOR * fine["floor"].median and slowest.median >= PEER * fine["ours"].median
    goal = f"≤ {FLOOR} × one list call; ≥ {PEER:.0f} × faster than `up -d`"
    yield Row(f"no-op pass, {count} running services", stage.version, fine["ours"], goal, met, fine["floor"], peers)
    note = "floor: the list and a bare inspect of each"
    yield Row(f"full audit, {count} running services", stage.version, full["ours"], "reported", None, full["floor"], note=note)
