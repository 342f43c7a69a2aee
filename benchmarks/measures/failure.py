"""A new version that crashes, cannot start or never gets healthy: how long nobody answers, and when the old one is back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

from benchmarks.fleet import document
from benchmarks.home import Home
from benchmarks.peers import Project
from benchmarks.probe import Answer, Probe, outage
from benchmarks.raw import Raw, Stream
from benchmarks.stage import Stage
from benchmarks.timing import Row, Sample
from tests.support.engines import Engine
from tests.support.space import wait_until

BACK = 2.5
_PORT, _PATIENCE = 8080, 5.0
_GOOD: dict[str, Any] = {"image": "lab/web:1", "restart": "unless-stopped", "stop_grace_period": "5s"}
_BAD: dict[str, dict[str, Any]] = {
    "crashes": {"image": "lab/crash:1"},
    "has a bad command": {"command": ["/nowhere"]},
    "never gets healthy": {"image": "lab/web:bad"},
}
_VERDICTS = {"crashes": "die", "has a bad command": "rename", "never gets healthy": "health_status: unhealthy"}
"""The engine's event with which the fate of the new version is known; an engine tells nothing of a command that it cannot run, so
there the time counts from the moment at which the old one was set aside."""
_MARKS = count(1)


@dataclass
class Seen:
    """What the probes saw in each repetition."""

    out: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)


def measure(stage: Stage) -> Iterator[Row]:
    """Start-first, then stop-first with a published port; Compose knows only the latter."""
    stage.empty()
    rounds = stage.rounds(3, 1)
    first = {"deploy": {"update_config": {"order": "start-first"}}}
    beside = _ours(stage, {**_GOOD, **first}, rounds)
    swapped = _ours(stage, {**_GOOD, "ports": [f"{_PORT}:80"]}, rounds)
    peers = {case: _theirs(stage, case) for case in _BAD}
    start = _bare_start(stage, rounds)
    for case, seen in beside.items():
        out = Sample(tuple(seen.out))
        name = f"new version {case}, start-first: outage"
        yield Row(name, stage.version, out, "0 ms", max(seen.out) == 0.0 and seen.versions == {"v1"}, peers=_outages(peers[case]))
    for case, seen in swapped.items():
        back = Sample(tuple(seen.back))
        name = f"new version {case}, stop-first: verdict → old one answers"
        met = len(seen.back) == rounds and back.median <= BACK
        served = " then ".join(sorted(seen.versions, key=lambda version: version == "v1"))
        note = f"whole outage {Sample(tuple(seen.out))} on {stage.version}; served meanwhile: {served}"
        yield Row(name, stage.version, back, "≤ 2.5 s", met, start, _returns(peers[case]), note)
    stage.empty()


def _ours(stage: Stage, good: dict[str, Any], rounds: int) -> dict[str, Seen]:
    stage.ours.clean()
    home = stage.home()
    home.commit({"web.yaml": document("Service", "web", good)})
    found = {case: Seen() for case in _BAD}
    with closing(Stream(stage.ours.socket)) as stream, home.controller():
        stream.wait(0, lambda each: each.action == "rename" and each.name == "web")
        for _ in range(rounds):
            for case, seen in found.items():
                _wait_healthy(stage.ours, "web")
                _one(stage, home, stream, good, case, seen)
    home.close()
    return found


def _one(stage: Stage, home: Home, stream: Stream, good: dict[str, Any], case: str, seen: Seen) -> None:
    probe = _probe(stage.ours, published="ports" in good)
    time.sleep(1.0)
    mark = stream.mark()
    bad = {**good, **_BAD[case], "environment": {"MARK": str(next(_MARKS))}}
    home.commit({"web.yaml": document("Service", "web", bad)})
    stream.wait(mark, lambda each: each.action == "destroy" and each.name == "web.next", 60.0)
    if "ports" in good:
        name = "web.prev" if case == "has a bad command" else "web.next"
        verdict = stream.wait(mark, lambda each: each.action == _VERDICTS[case] and each.name == name).at
        back = probe.until("v1", verdict, _PATIENCE)
        seen.back += [back - verdict] if back is not None else []
    time.sleep(0.5)
    _note(seen, probe.end())
    home.commit({"web.yaml": document("Service", "web", good)})
    time.sleep(1.0)


def _theirs(stage: Stage, case: str) -> dict[str, Seen]:
    found = {}
    for version, binary in stage.composes.items():
        stage.theirs.clean()
        good = {**_GOOD, "ports": [f"{_PORT}:80"]}
        project = Project(stage.home_folder("bad"), stage.theirs.url)
        project.write(json.dumps({"services": {"web": good}}))
        project.up(binary)
        _wait_healthy(stage.theirs, f"{project.name}-web-1")
        seen = found[version] = Seen()
        probe = _probe(stage.theirs, published=True)
        time.sleep(0.5)
        project.write(json.dumps({"services": {"web": {**good, **_BAD[case]}}}))
        began = time.monotonic()
        project.run(binary, "up", "-d")
        wait_until(lambda at=began: time.monotonic() > at + _PATIENCE, "the version before")  # type: ignore[misc]
        answers = probe.end()
        _note(seen, answers)
        if answers[-1].version == "v1":
            seen.back.append(answers[-1].at - began)
    return found


def _outages(peers: dict[str, Seen]) -> dict[str, Sample]:
    return {name: Sample(tuple(seen.out) if seen.back else (), never=_never(seen)) for name, seen in peers.items()}


def _returns(peers: dict[str, Seen]) -> dict[str, Sample]:
    return {name: Sample(tuple(seen.back), never=_never(seen)) for name, seen in peers.items()}


def _never(seen: Seen) -> str:
    return "stays on the bad one" if "v9" in seen.versions else "stays down"


def _note(seen: Seen, answers: list[Answer]) -> None:
    seen.out.append(outage(answers))
    seen.versions |= {each.version for each in answers if each.version}


def _probe(engine: Engine, *, published: bool) -> Probe:
    if published:
        return Probe(partial(engine.connect, _PORT, 2.0))
    address = engine.api.inspect_container("web")["NetworkSettings"]["IPAddress"]
    return Probe(partial(engine.space.connect, 80, address, 2.0))


def _wait_healthy(engine: Engine, name: str) -> None:
    wait_until(lambda: engine.containers().get(name) == "running" and engine.health(name) == "healthy", f"{name} to be healthy")


def _bare_start(stage: Stage, rounds: int) -> Sample:
    """A bare start of the same container until it answers."""
    stage.ours.clean()
    raw = Raw(stage.ours.socket)
    ports = {"PortBindings": {"80/tcp": [{"HostPort": str(_PORT)}]}}
    raw.create("bare", {"Image": _GOOD["image"], "ExposedPorts": {"80/tcp": {}}, "HostConfig": ports})
    values = []
    for _ in range(rounds):
        probe = Probe(partial(stage.ours.connect, _PORT, 2.0))
        began = time.monotonic()
        raw.start("bare")
        back = probe.until("v1", began, _PATIENCE)
        probe.end()
        raw.stop("bare")
        values += [back - began] if back is not None else []
    return Sample(tuple(values))
