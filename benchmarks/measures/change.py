"""One changed service among 100, stop-first: from the commit to the new container being healthy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.fleet import WEB, Fleet
from benchmarks.home import Home
from benchmarks.peers import Project
from benchmarks.raw import Happening, Raw, Stream
from benchmarks.stage import Stage
from benchmarks.timing import Row, interleaved

FLOOR = 1.15
_COUNT, _NAME = 100, "s00000"
_MARKS = count(1)


def measure(stage: Stage) -> Iterator[Row]:
    """A variable of the service changes; its health check is the image's."""
    fleet, home, project = stage.fleet(_COUNT)
    with closing(Stream(stage.ours.socket)) as ours, closing(Stream(stage.theirs.socket)) as theirs, home.controller():
        time.sleep(2.0)
        bare = Bare(Raw(stage.ours.socket), ours)
        jobs: dict[str, Any] = {"ours": lambda: _commit(home, fleet, ours), "floor": bare.replace}
        for name, binary in stage.composes.items():
            jobs[name] = lambda binary=binary: _compose(project, binary, fleet, theirs)
        found = interleaved(jobs, stage.rounds(10, 3))
        bare.close()
    peers = {name: found[name] for name in stage.composes}
    fastest = min(sample.median for sample in peers.values())
    met = found["ours"].median <= min(FLOOR * found["floor"].median, fastest)
    name = f"one changed service among {_COUNT}, commit → healthy"
    goal = f"≤ {FLOOR} × the bare calls; not slower than Compose"
    yield Row(name, stage.version, found["ours"], goal, met, found["floor"], peers)
    home.commit({name: text for name, text in fleet.documents().items() if _NAME in name})
    home.homelab("apply")
    project.write(fleet.compose())
    project.up(stage.composes["v2.40.3"])


def _changed(fleet: Fleet) -> Fleet:
    return fleet.changed(_NAME, environment={"A": "1", "B": f"mark-{next(_MARKS)}"})


def _commit(home: Home, fleet: Fleet, stream: Stream) -> float:
    mark = stream.mark()
    began = home.commit(_changed(fleet).only(_NAME).documents())
    created = stream.wait(mark, lambda each: each.action == "create" and each.name.startswith(_NAME))
    end = stream.wait(mark, lambda each: each.action == "health_status: healthy" and each.id == created.id)
    stream.wait(mark, lambda each: each.action == "rename" and each.id == created.id)
    time.sleep(1.0)
    return end.at - began


def _compose(project: Project, binary: Path, fleet: Fleet, stream: Stream) -> float:
    project.write(_changed(fleet).compose())
    mark, began = stream.mark(), time.monotonic()
    project.up(binary)
    created = stream.wait(mark, lambda each: each.action == "create")
    end = stream.wait(mark, lambda each: each.action == "health_status: healthy" and each.id == created.id)
    return end.at - began


class Bare:
    """The calls that one replacement needs, made by hand beside the fleet: create, stop, rename, start, wait for health."""

    NAME = "bare"

    def __init__(self, raw: Raw, stream: Stream) -> None:
        self._raw = raw
        self._stream = stream
        self._current = self._create(self.NAME)
        raw.start(self._current)

    def replace(self) -> float:
        """One replacement; its seconds."""
        mark, began = self._stream.mark(), time.monotonic()
        made = self._create(f"{self.NAME}.next")
        self._raw.stop(self._current)
        self._raw.rename(self._current, f"{self.NAME}.prev")
        self._raw.start(made)

        def healthy(each: Happening) -> bool:
            return each.action == "health_status: healthy" and each.id == made

        end = self._stream.wait(mark, healthy).at
        self._raw.rename(made, self.NAME)
        self._raw.remove(self._current)
        self._current = made
        return end - began

    def close(self) -> None:
        """Remove it."""
        self._raw.remove(self._current)

    def _create(self, name: str) -> str:
        mount = {"Type": "volume", "Source": f"{self.NAME}-data", "Target": "/data"}
        host = {"NetworkMode": "home", "Mounts": [mount]}
        return self._raw.create(name, {"Image": WEB["image"], "Env": ["A=1", f"B={next(_MARKS)}"], "HostConfig": host})
