"""The plan of 10,000 resources on the simulated world: time, memory, and what one resource costs as the number grows."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event as Flag
from typing import Any

from benchmarks.fleet import Fleet
from benchmarks.home import Home
from benchmarks.stage import Stage
from benchmarks.timing import Row, Sample

SECONDS, MEMORY, FLAT = 2.0, 300.0, 1.5
_MOST = 10_000
_SIZES = (100, 1_000, _MOST)


def measure(stage: Stage) -> Iterator[Row]:
    """Each in a process of its own. The first plan of a revision reads and resolves every file; later ones only compare."""
    rounds = stage.rounds(3, 1)
    found = {size: [_child(size) for _ in range(rounds)] for size in _SIZES}

    def sample(size: int, *parts: str, unit: str = "s") -> Sample:
        return Sample(tuple(sum(one[part] for part in parts) for one in found[size]), unit)

    plan = sample(_MOST, "plan")
    shares = {part: sample(_MOST, part).median for part in ("read", "load", "resolve")}
    said = ", ".join(f"{part} {seconds:.2f} s" for part, seconds in shares.items())
    name = f"plan of {_MOST:,} resources"
    yield Row(f"{name}: all are new", "memory", plan, "≤ 2 s", plan.median <= SECONDS, note=f"the revision before it: {said}")
    for part, words in (("quiet", "all are as declared"), ("drift", "every tenth has drifted")):
        one = sample(_MOST, part)
        yield Row(f"{name}: {words}", "memory", one, "≤ 2 s", one.median <= SECONDS)
    whole = sample(_MOST, "read", "load", "resolve", "plan")
    yield Row(f"{name}: with the first reading of the revision", "memory", whole, "reported", None)
    memory = sample(_MOST, "memory", unit="MB")
    yield Row(f"{name}: memory", "memory", memory, "≤ 300 MB", memory.median <= MEMORY)
    each = {size: sample(size, "plan").median / size * 1e6 for size in _SIZES}
    ratio = each[_MOST] / each[_SIZES[0]]
    costs = ", ".join(f"{size:,}: {cost:.0f} µs" for size, cost in each.items())
    note = f"plan of new resources, each: {costs}"
    goal = "flat from 100 to 10,000"
    yield Row("cost per resource, 10,000 ÷ 100", "memory", Sample((ratio,), "×"), goal, ratio <= FLAT, note=note)


def _child(size: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.measures.plan", str(size)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _run(size: int) -> dict[str, float]:
    """The parts of one plan, in seconds, and the most memory, in MB."""
    from controller.clients.yaml import read_yaml
    from controller.engine.load import load
    from controller.wire.house import built

    home = Home("unix:///nowhere", Fleet.of(size).documents())
    home.environment["HOMELAB_WORLD"] = "memory"
    from controller.clients.clock import SystemClock

    found: dict[str, float] = {}
    with built(home.settings, SystemClock()) as house:
        reconciler = house.reconciler

        def part(name: str, job: Any) -> Any:
            began = time.perf_counter()
            result = job()
            found[name] = time.perf_counter() - began
            return result

        head = house.source.head()
        files = part("read", lambda: _read(house.source.read(head.id)))
        part("load", lambda: load(files, read_yaml, reconciler.linker.kinds))
        part("resolve", lambda: reconciler._estate(head))
        found["resolve"] -= found["load"] + found["read"]
        survey = part("plan", reconciler.survey)
        if len(survey.plan.changes) != size + 1:
            raise RuntimeError(f"{len(survey.plan.changes)} changes instead of {size + 1}: {survey.report.diagnostics[:2]}")
        found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
        house.seat.require()
        reconciler.reconcile("bench", "bench", Flag())
        survey = part("quiet", reconciler.survey)
        if survey.plan.changes or len(survey.estate.resources) != size + 1:
            raise RuntimeError(f"{len(survey.plan.changes)} changes are left")
    home.close()
    return found


def _read(files: Any) -> Any:
    for path in files.paths():
        files.read(path)
    return files


if __name__ == "__main__":
    with tempfile.TemporaryDirectory():
        print(json.dumps(_run(int(sys.argv[1]))))
