"""The loop on its own threads: commits are seen at once, gates never hold up a fix, a stop leaves what the next start settles."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.clients.clock import SystemClock
from controller.clients.memory import Effect, Fault, MemoryWorld
from controller.core.errors import HomelabError
from controller.core.event import Sync
from controller.core.key import Key
from controller.core.run import Outcome, Step
from controller.loop.chronicle import Chronicle
from controller.loop.lease import Seat
from controller.loop.loop import Loop
from controller.source import FolderSource, GitSource
from controller.store.memory import MemoryStore
from tests.support.house import House, box


def until(holds: Callable[[], object], what: str) -> None:
    """Wait until something holds; fails after a minute."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, f"did not happen: {what}"
        time.sleep(0.005)


class Repository:
    """A git repository with a work tree, as a person has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._git("init", "-q", "-b", "main", str(folder))
        self.source = GitSource(str(folder))

    def commit(self, boxes: Mapping[str, Mapping[str, Any]]) -> None:
        for name, spec in boxes.items():
            (self.folder / f"{name}.yaml").write_text(box(name, spec))
        self._git("-C", str(self.folder), "add", "-A")
        self._git("-C", str(self.folder), "commit", "-q", "-m", json.dumps(boxes))

    def _git(self, *arguments: str) -> None:
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.net"]
        subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


class Alive:
    """A controller that runs on its threads, on a source of the file system."""

    def __init__(self, source: GitSource | FolderSource, beside: Alive | None = None) -> None:
        clock = SystemClock()
        self.store: MemoryStore = MemoryStore(clock, beside.store if beside else None)
        self.world: MemoryWorld = beside.world if beside else MemoryWorld(clock)
        self.house = House(None, self.world, self.store, clock, holder="")
        self.chronicle = Chronicle(self.store, clock)
        reconciler = self.house.reconciler
        object.__setattr__(reconciler, "source", source)
        object.__setattr__(reconciler.bench, "tell", self.chronicle.tell)
        self.seat = Seat(self.store, clock, "the controller")
        self.loop = Loop(reconciler, source, self.seat, self.chronicle, source.watch_paths)
        self.loop.start()

    def images(self) -> dict[str, str]:
        return {name: each[0] for name, each in self.house.boxes().items()}

    def waiting(self, name: str) -> bool:
        """True while the gate of a box is waited for."""
        return any(entry.change.key.name == name and entry.step is Step.DONE for entry in self.store.open_entries())

    def reasons(self) -> list[str]:
        return [event.reason for event in self.store.events(limit=1000)]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "specs")


@pytest.fixture
def alive(repository: Repository) -> Iterator[Alive]:
    repository.commit({"web": {"image": "web:1"}, "db": {"image": "db:1"}})
    controller = Alive(repository.source)
    until(lambda: controller.images() == {"web": "web:1", "db": "db:1"}, "the first commit is applied")
    yield controller
    controller.loop.stop()


def test_a_local_commit_is_applied_without_a_poll(alive: Alive, repository: Repository) -> None:
    repository.commit({"web": {"image": "web:2"}})
    until(lambda: alive.images()["web"] == "web:2", "the commit is applied")
    repository.commit({"web": {"image": "web:3"}})
    until(lambda: alive.images()["web"] == "web:3", "and the next one")


def test_a_fix_is_picked_up_while_the_gate_of_the_bad_commit_still_waits(alive: Alive, repository: Repository) -> None:
    repository.commit({"web": {"image": "web:never", "timeout": 3600}})
    until(lambda: alive.waiting("web"), "the gate waits")
    repository.commit({"web": {"image": "web:2"}})
    until(lambda: alive.images()["web"] == "web:2" and not alive.store.open_entries(), "the fix is applied")
    assert not alive.store.quarantined(), "what was called off did not fail"
    until(lambda: alive.store.runs()[0].outcome is Outcome.APPLIED, "the run of the fix ended")


def test_an_unrelated_commit_is_applied_beside_a_waiting_gate(alive: Alive, repository: Repository) -> None:
    repository.commit({"web": {"image": "web:never", "timeout": 3600}})
    until(lambda: alive.waiting("web"), "the gate waits")
    repository.commit({"db": {"image": "db:2"}})
    until(lambda: alive.images()["db"] == "db:2", "the other commit is applied")
    assert alive.waiting("web"), "and the gate still waits"


def test_what_dies_while_another_gate_waits_is_started_again(alive: Alive, repository: Repository) -> None:
    repository.commit({"web": {"image": "web:never", "timeout": 3600}})
    until(lambda: alive.waiting("web"), "the gate waits")
    alive.world.remove("box", "local", "db")
    until(lambda: "db" in alive.images(), "the event brings it back")
    assert alive.waiting("web")


def test_what_failed_for_a_moment_is_tried_again_while_another_gate_waits(alive: Alive, repository: Repository) -> None:
    repository.commit({"web": {"image": "web:never", "timeout": 3600}})
    until(lambda: alive.waiting("web"), "the gate waits")
    alive.world.faults.add(Fault(Effect.FAIL, key=Key("box", "late")))
    repository.commit({"late": {"image": "late:1"}})
    until(lambda: "late" in alive.images(), "it is tried again")
    assert alive.waiting("web"), "and the gate still waits"


def test_what_flaps_beside_a_waiting_gate_neither_ends_it_nor_holds_up_a_commit(alive: Alive, repository: Repository) -> None:
    repository.commit({"web": {"image": "web:never", "timeout": 3600}})
    until(lambda: alive.waiting("web"), "the gate waits")
    before = [entry.number for entry in alive.store.open_entries()]
    for _ in range(300):
        alive.loop._backends.moved(Key("box", "db"), ("box", "local"))
    alive.world.edit("box", "local", "db", size=9)
    repository.commit({"lone": {"image": "lone:1"}})
    until(lambda: "lone" in alive.images(), "the commit is applied")
    until(lambda: alive.house.boxes()["db"][1] == 1, "the last state is repaired")
    assert alive.waiting("web"), "and the gate still waits"
    assert [entry.number for entry in alive.store.open_entries()][: len(before)] == before, "for the same attempt"


def test_an_event_repairs_without_waiting_for_a_resync(alive: Alive) -> None:
    for _ in range(3):
        alive.world.edit("box", "local", "web", status="exited")
        until(lambda: alive.house.boxes()["web"][2] == "running", "it runs again")


def test_a_person_gets_the_report_of_a_pass_that_left_nothing_under_way(alive: Alive, repository: Repository) -> None:
    alive.world.cut("local")
    report = alive.loop.run_now("apply", "ann")
    assert report.backends["local"]
    alive.world.mend("local")
    report = alive.loop.run_now("apply", "ann")
    assert {line.sync for line in report.statuses} == {Sync.SYNCED}


def test_a_stop_in_a_gate_leaves_an_open_entry_that_the_next_start_settles(repository: Repository) -> None:
    repository.commit({"web": {"image": "web:1"}})
    first = Alive(repository.source)
    until(lambda: first.images() == {"web": "web:1"}, "the first commit is applied")
    repository.commit({"web": {"image": "web:never", "timeout": 3600}})
    until(lambda: first.waiting("web"), "the gate waits")
    first.loop.stop()
    assert [entry.step for entry in first.store.open_entries()] == [Step.DONE]
    assert first.store.leader() == ("", 0.0), "the lease was given back"
    repository.commit({"web": {"image": "web:2"}})
    second = Alive(repository.source, first)
    try:
        until(lambda: second.images() == {"web": "web:2"} and not second.store.open_entries(), "settled, and the fix applied")
    finally:
        second.loop.stop()
    with pytest.raises(HomelabError, match="stops"):
        second.loop.run_now("apply", "ann")


def test_a_start_that_settles_an_old_gate_is_not_stuck_behind_it(repository: Repository) -> None:
    repository.commit({"web": {"image": "web:1"}})
    first = Alive(repository.source)
    until(lambda: first.images() == {"web": "web:1"}, "the first commit is applied")
    repository.commit({"web": {"image": "web:never", "timeout": 3600}})
    until(lambda: first.waiting("web"), "the gate waits")
    first.loop.stop()
    second = Alive(repository.source, first)
    try:
        until(lambda: "Settling" in second.reasons(), "the next start waits for the old gate")
        repository.commit({"web": {"image": "web:2"}})
        until(lambda: second.images() == {"web": "web:2"} and not second.store.open_entries(), "the fix is applied")
    finally:
        second.loop.stop()


def test_a_folder_that_is_no_repository_is_followed_too(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(box("web", {"image": "web:1"}))
    controller = Alive(FolderSource(tmp_path))
    try:
        until(lambda: controller.images() == {"web": "web:1"}, "applied")
        (tmp_path / "web.yaml").write_text(box("web", {"image": "web:2"}))
        until(lambda: controller.images() == {"web": "web:2"}, "followed")
    finally:
        controller.loop.stop()


def test_whoever_waits_for_an_event_hears_of_it(alive: Alive) -> None:
    newest = alive.store.last_event()
    alive.world.remove("box", "local", "web")
    assert alive.chronicle.wait(newest, 30) > newest
    until(lambda: "Applied" in [event.reason for event in alive.store.events(newest)], "the repair is told")
