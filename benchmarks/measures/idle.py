"""What an idle controller costs that watches 100 services: processor time and memory."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.stage import Stage
from benchmarks.timing import Row, Sample

CPU, MEMORY = 1.0, 120.0
_COUNT = 100
_SETTLE = 10.0


def measure(stage: Stage) -> Iterator[Row]:
    """Over a minute, which holds the passes that nothing asked for."""
    _, home, _ = stage.fleet(_COUNT)
    seconds = 20.0 if stage.quick else 60.0
    with home.controller() as process:
        time.sleep(_SETTLE)
        used, began = cpu_seconds(process.pid), time.monotonic()
        time.sleep(seconds)
        share = 100.0 * (cpu_seconds(process.pid) - used) / (time.monotonic() - began)
        memory = megabytes(process.pid)
    name = f"idle controller watching {_COUNT} services"
    yield Row(f"{name}, {seconds:.0f} s: one core", stage.version, Sample((share,), "%"), "≤ 1 %", share <= CPU)
    yield Row(f"{name}: memory", stage.version, Sample((memory,), "MB"), "≤ 120 MB", memory <= MEMORY)


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / float(os.sysconf("SC_CLK_TCK"))


def megabytes(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024.0
