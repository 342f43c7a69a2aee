"""What was measured: samples, and taking several of them in turn so that a busy machine slows all sides alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sample:
    """Repeated measurements of one thing, in `unit` (s, MB, %). Empty = it never happened."""

    values: tuple[float, ...]
    unit: str = "s"
    never: str = "never"

    @property
    def best(self) -> float:
        """The smallest."""
        return min(self.values, default=float("inf"))

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values) if self.values else float("inf")

    def __str__(self) -> str:
        if not self.values:
            return self.never
        texts = dict.fromkeys(_shown(each, self.unit) for each in (self.best, self.median))
        return " / ".join(texts)


@dataclass(frozen=True)
class Row:
    """One line of the table. `over_floor` and `under_peer` are ratios of medians; `met` says whether the goal holds."""

    measure: str
    engine: str
    ours: Sample
    goal: str
    met: bool | None
    floor: Sample | None = None
    peers: Mapping[str, Sample] = field(default_factory=dict)
    note: str = ""

    @property
    def over_floor(self) -> float | None:
        """How many times the floor we take."""
        return self.ours.median / self.floor.median if self.floor is not None else None

    def under_peer(self, name: str) -> float | None:
        """How many times faster than a peer we are."""
        peer = self.peers.get(name)
        return peer.median / self.ours.median if peer is not None and self.ours.median else None


def stopwatch(job: Callable[[], object]) -> float:
    """Seconds that a job takes."""
    began = time.perf_counter()
    job()
    return time.perf_counter() - began


def interleaved(jobs: Mapping[str, Callable[[], float]], rounds: int, warm: int = 1) -> dict[str, Sample]:
    """Each job once per round, one after the other; a job returns its own seconds. `warm` rounds come first and do not count."""
    found: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(-warm, rounds):
        for name, job in jobs.items():
            seconds = job()
            if number >= 0:
                found[name].append(seconds)
    return {name: Sample(tuple(values)) for name, values in found.items()}


def _shown(value: float, unit: str) -> str:
    if unit != "s":
        return f"{value:.1f} {unit}" if value < 100 else f"{value:.0f} {unit}"
    if value < 1.0:
        return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value * 1000:.0f} ms"
    return f"{value:.2f} s"
