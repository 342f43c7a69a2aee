"""The cold start of 20 services: network, volumes and containers, from nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import local
from typing import Any

from benchmarks.fleet import NETWORK, SLEEP, Fleet
from benchmarks.peers import Project
from benchmarks.raw import Raw, Stream
from benchmarks.stage import Stage
from benchmarks.timing import Row, Sample, interleaved

FLOOR = 1.1
_COUNT = 20
_WORKERS = 4
"""The bare calls at once: as few as a careful script makes. Ours makes eight, so that this floor can be beaten."""


def measure(stage: Stage) -> Iterator[Row]:
    """From the commit until the last container runs, and until the last one has proven itself."""
    stage.empty()
    fleet = Fleet.of(_COUNT)
    proven: list[float] = []

    def ours() -> float:
        running, passed = _commit(stage, fleet)
        proven.append(passed)
        return running

    project = stage.project(fleet)
    jobs: dict[str, Any] = {"ours": ours, "floor": lambda: _bare(stage, fleet)}
    for name, binary in stage.composes.items():
        jobs[name] = lambda binary=binary: _compose(stage, project, binary)
    rounds = stage.rounds(5, 2)
    found = interleaved(jobs, rounds, warm=0)
    peers = {name: found[name] for name in stage.composes}
    met = found["ours"].median <= min(FLOOR * found["floor"].median, *(sample.median for sample in peers.values()))
    goal = f"≤ {FLOOR} × the bare calls, {_WORKERS} at a time; faster than Compose"
    own = f"the floor makes its calls {_WORKERS} at a time, ours 8"
    yield Row(f"cold start of {_COUNT}, all running", stage.version, found["ours"], goal, met, found["floor"], peers, own)
    note = "the gate of a container without a health check is 1 s of running"
    all_proven = Sample(tuple(proven[-rounds:]))
    yield Row(f"cold start of {_COUNT}, all proven", stage.version, all_proven, "reported", None, found["floor"], peers, note)
    stage.empty()


def _commit(stage: Stage, fleet: Fleet) -> tuple[float, float]:
    stage.ours.clean()
    home = stage.home()
    with closing(Stream(stage.ours.socket)) as stream, home.controller():
        time.sleep(1.5)
        mark = stream.mark()
        began = home.commit(fleet.documents())
        running = stream.wait(mark, lambda each: each.action == "start", count=_COUNT).at
        proven = stream.wait(mark, lambda each: each.action == "rename" and each.name in fleet.services, count=_COUNT).at
    home.close()
    return running - began, proven - began


def _bare(stage: Stage, fleet: Fleet) -> float:
    stage.ours.clean()
    own = local()

    def one(name: str) -> None:
        if not hasattr(own, "raw"):
            own.raw = Raw(stage.ours.socket)
        mount = {"Type": "volume", "Source": f"{name}-data", "Target": "/data"}
        host = {"NetworkMode": NETWORK, "Mounts": [mount], "RestartPolicy": {"Name": "unless-stopped"}}
        body = {"Image": SLEEP["image"], "Env": ["A=1", "B=x"], "Labels": {"app": name}, "StopTimeout": 1, "HostConfig": host}
        own.raw.start(own.raw.create(name, body))

    began = time.monotonic()
    Raw(stage.ours.socket)("POST", "/networks/create", {"Name": NETWORK, "CheckDuplicate": True})
    with ThreadPoolExecutor(_WORKERS) as pool:
        list(pool.map(one, fleet.services))
    return time.monotonic() - began


def _compose(stage: Stage, project: Project, binary: Path) -> float:
    stage.theirs.clean()
    with closing(Stream(stage.theirs.socket)) as stream:
        mark, began = stream.mark(), time.monotonic()
        project.up(binary)
        return stream.wait(mark, lambda each: each.action == "start", count=_COUNT).at - began
