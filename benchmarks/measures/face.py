"""What a person waits for: `homelab plan` and `homelab status` with 100 services."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.raw import Raw
from benchmarks.stage import Stage
from benchmarks.timing import Row, interleaved, stopwatch

THROUGH, ALONE = 0.4, 1.0
_COUNT = 100


def measure(stage: Stage) -> Iterator[Row]:
    """Both through the running controller; the plan also alone, where it must inspect every container."""
    _, home, _ = stage.fleet(_COUNT)
    raw = Raw(stage.ours.socket)
    rounds = stage.rounds(15, 5)

    def said(verb: str) -> float:
        return stopwatch(lambda: home.homelab(verb))

    with home.controller():
        through = interleaved({"plan": lambda: said("plan"), "status": lambda: said("status")}, rounds, warm=2)
    for verb, sample in through.items():
        name = f"`homelab {verb}`, {_COUNT} services, controller running"
        yield Row(name, stage.version, sample, "≤ 0.4 s", sample.median <= THROUGH)

    def inspects() -> float:
        return stopwatch(lambda: [raw.inspect(row["Id"]) for row in raw.list()])

    alone = interleaved({"ours": lambda: said("plan"), "floor": inspects}, rounds)
    name = f"`homelab plan`, {_COUNT} services, alone"
    met = alone["ours"].median <= ALONE
    note = "floor: the list and a bare inspect of each"
    yield Row(name, stage.version, alone["ours"], "≤ 1.0 s", met, alone["floor"], note=note)
