"""Twenty unchanged stacks of two services: one resident pass against one Compose process a stack."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.fleet import document, stack
from benchmarks.home import Home
from benchmarks.peers import OLD, Project
from benchmarks.raw import Raw
from benchmarks.stage import Stage
from benchmarks.timing import Row, interleaved, stopwatch

GOAL = 0.05
_STACKS, _SERVICES = 20, 2


def measure(stage: Stage) -> Iterator[Row]:
    """The same compose contents on both sides."""
    stage.empty()
    contents = {f"stack{i:02d}": stack(_SERVICES, f"app{i:02d}") for i in range(_STACKS)}
    home = stage.home()
    home.commit({f"stacks/{name}.yaml": document("Stack", name, content) for name, content in contents.items()})
    home.homelab("apply")
    projects = []
    for name, content in contents.items():
        project = Project(stage.home_folder(name), stage.theirs.url, name)
        project.write(json.dumps(content))
        project.up(stage.composes[OLD])
        projects.append(project)
    yield _rows(stage, home, projects)
    stage.empty()


def _rows(stage: Stage, home: Home, projects: list[Project]) -> Row:
    raw = Raw(stage.ours.socket)

    def theirs(binary: Path) -> float:
        def every() -> None:
            for project in projects:
                project.up(binary)

        return stopwatch(every)

    with home.house() as house:
        house.reconciler.reconcile("bench", "bench")
        time.sleep(1.0)
        jobs = {
            "ours": lambda: stopwatch(lambda: house.reconciler.reconcile("bench", "bench")),
            "floor": lambda: stopwatch(raw.list),
        }
        fine = interleaved(jobs, stage.rounds(40, 15), warm=3)
        report = house.reconciler.last
        if report is None or any(each.sync != "Synced" for each in report.statuses) or len(report.statuses) < _STACKS * _SERVICES:
            raise RuntimeError("the stacks are not as declared: this is no no-op")
    peers = interleaved(
        {name: lambda binary=binary: theirs(binary) for name, binary in stage.composes.items()},  # type: ignore[misc]
        stage.rounds(5, 1),
        warm=0,
    )
    met = fine["ours"].median <= GOAL
    return Row(f"{_STACKS} unchanged stacks of {_SERVICES}", stage.version, fine["ours"], "≤ 50 ms", met, fine["floor"], peers)
