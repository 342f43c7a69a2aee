"""The plan of 10,000 resources on the simulated world: time, memory, and what one resource costs as the number grows."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from resource import RUSAGE_SELF, getrusage
from typing import Any, TypeVar, cast

from benchmarks.fleet import Fleet
from benchmarks.home import Home
from benchmarks.stage import Stage
from benchmarks.timing import Row, Sample
from controller.clients.clock import SystemClock
from controller.clients.memory import MemoryWorld
from controller.clients.memory.world import Thing
from controller.clients.yaml import read_yaml
from controller.core.run import Row as LedgerRow
from controller.engine.load import load
from controller.engine.survey import Survey
from controller.wire import House
from controller.wire.house import built

T = TypeVar("T")
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
    home = Home("unix:///nowhere", Fleet.of(size).documents())
    home.environment["HOMELAB_WORLD"] = "memory"
    found: dict[str, float] = {}

    def part(name: str, job: Callable[[], T]) -> T:
        began = time.perf_counter()
        result = job()
        found[name] = time.perf_counter() - began
        return result

    with built(home.settings, SystemClock()) as house:
        reconciler = house.reconciler
        head = house.source.head()
        files = part("read", lambda: _read(house.source.read(head.id)))
        part("load", lambda: load(files, read_yaml, reconciler.linker.kinds))
        part("resolve", lambda: reconciler.linker.estate(head, house.source.read(head.id)))
        found["resolve"] -= found["load"] + found["read"]
        reconciler.survey()  # the revision is known from here on
        reconciler._adapted.clear()
        survey = part("plan", reconciler.survey)
        _expect(survey, size + 1)
        found["memory"] = getrusage(RUSAGE_SELF).ru_maxrss / 1024.0
        _make_real(house, survey)
        _expect(part("quiet", reconciler.survey), 0)
        _drift(house, survey)
        _expect(part("drift", reconciler.survey), size // 10)
    home.close()
    return found


def _expect(survey: Survey, changes: int) -> None:
    if len(survey.plan.changes) != changes:
        raise RuntimeError(f"{len(survey.plan.changes)} changes instead of {changes}: {survey.report.diagnostics[:2]}")


def _make_real(house: House, survey: Survey) -> None:
    """Put into the world and the ledger what an apply would, without its thousands of synced writes."""
    world = _world(house)
    rows: list[LedgerRow] = []
    with world.writing(None) as content:
        for change in survey.plan.changes:
            state = dict(change.after or {})
            spot = (change.key.kind, change.provider, change.address)
            thing = Thing(str(change.key), state, f"memory-{len(rows)}", house.instance)
            content.things[spot] = thing
            rows.append(
                LedgerRow(
                    change.key, change.provider, change.address, thing.handle, state, state, change.digest, needs=change.needs
                )
            )
    house.seat.require()
    house.store.put(rows)


def _drift(house: House, survey: Survey) -> None:
    """Change every tenth service by hand."""
    services = [change for change in survey.plan.changes if change.key.kind == "service"]
    with _world(house).writing(None) as content:
        for change in services[::10]:
            spot = (change.key.kind, change.provider, change.address)
            thing = content.things[spot]
            content.things[spot] = replace(thing, state={**thing.state, "restart": "no"})


def _world(house: House) -> MemoryWorld:
    """The world behind the simulated providers; a second one on the same file would cost a parse of it."""
    provider = next(iter(house.connections.providers().values()))
    return cast(MemoryWorld, vars(provider)["_world"])


def _read(files: Any) -> Any:
    for path in files.paths():
        files.read(path)
    return files


if __name__ == "__main__":
    print(json.dumps(_run(int(sys.argv[1]))))
