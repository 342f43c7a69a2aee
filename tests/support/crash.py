"""Killing a controller for real: scenarios, places to die, and the promises that must hold after the next start.

Each run is two processes: one that is killed with SIGKILL in the middle, and one that starts again on what is on disk."""

from __future__ import annotations

import os
import random
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.clients.clock import SystemClock
from controller.clients.memory import Effect, Fault, Faults, MemoryWorld
from controller.core.key import Key
from controller.core.ports import Store
from controller.store.sql import SqlStore
from tests.support.house import Book, House, box

Boxes = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Scenario:
    """From one set of boxes to another; `bad` = the second must be taken back, `gather` = what is ready within so many seconds is
    one write, `faults` meet the process that dies."""

    name: str
    before: Boxes
    after: Boxes
    bad: bool = False
    gather: float | None = None
    faults: tuple[Fault, ...] = ()

    def book(self) -> Book:
        """Both commits."""
        book = Book()
        for boxes in (self.before, self.after):
            book.write({f"{name}.yaml": box(name, spec) for name, spec in boxes.items()} | {"README.md": ""})
        return book

    def first(self) -> Book:
        """Only the first commit."""
        book = self.book()
        book.tip = book.parents[book.tip]
        return book


def _chain(*names: str, **spec: Any) -> dict[str, Any]:
    return {name: {**spec, **({"uses": [f"box/{names[number - 1]}"]} if number else {})} for number, name in enumerate(names)}


_others: dict[str, Any] = {f"other-{number}": {} for number in range(8)}

SCENARIOS = (
    Scenario("create", {"first": {}}, {"first": {}, **_chain("net", "db", "web"), "lone": {}}),
    Scenario("update", _chain("net", "db", "web", image="x:1"), _chain("net", "db", "web", image="x:2")),
    Scenario(
        "bad",
        _chain("net", "db", "web", image="x:1"),
        {**_chain("net", "db", image="x:2"), "web": {"image": "x:bad", "uses": ["box/db"]}},
        True,
    ),
    Scenario("delete", {**_chain("net", "db", "web"), **_others}, _others),
    Scenario(
        "mixed",
        {"old": {"port": 80}, "kept": {"size": 1}, "xx": {}, "yy": {}, "zz": {}},
        {"new": {"port": 80, "uses": ["box/kept"]}, "kept": {"size": 2}, "xx": {}, "yy": {}, "zz": {}},
    ),
    Scenario("batched", {"first": {}}, {"first": {"size": 2}, **_others, **_chain("net", "db", "web")}, gather=0.01),
    Scenario(
        "batched-bad",
        {"aa": {}, "bb": {}, "web": {"uses": ["box/aa", "box/bb"]}},
        {"aa": {"image": "x:2"}, "bb": {"size": 2}, "web": {"image": "x:bad", "uses": ["box/aa", "box/bb"]}},
        True,
        gather=0.01,
    ),
    Scenario(
        "deferred",
        _chain("net", "db", "web", image="x:1"),
        {**_chain("net", "db", image="x:2"), "web": {"image": "x:bad", "uses": ["box/db"]}},
        True,
        faults=(Fault(Effect.DEFER, "apply", Key("box", "db"), nth=2, seconds=0.2),),
    ),
    Scenario("bad-create", {"first": {}}, {"first": {"size": 3}, "web": {"image": "x:crash", "uses": ["box/first"]}}, True),
)


class DyingStore:
    """A store whose process is killed at its n-th journal write: before it (odd) or right after it (even)."""

    def __init__(self, store: SqlStore, at: int) -> None:
        self._store = store
        self._at = at
        self._lock = threading.Lock()
        self.boundaries = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name in ("record", "save", "put", "quarantine", "remember"):
            return lambda *args, **rest: self._around(found, *args, **rest)
        return found

    def _around(self, write: Callable[..., Any], *args: Any, **rest: Any) -> Any:
        self._boundary()
        result = write(*args, **rest)
        self._boundary()
        return result

    def _boundary(self) -> None:
        with self._lock:
            self.boundaries += 1
            if self.boundaries == self._at:
                os.kill(os.getpid(), signal.SIGKILL)


def open_house(
    folder: Path, book: Book, store: Store | None = None, faults: Iterable[Fault] = (), gather: float | None = None
) -> House:
    """A controller on the store and world in a folder."""
    clock = SystemClock()
    world = MemoryWorld(clock, folder / "world.json", faults=Faults(faults, kill=_die))
    return House(book, world, store or SqlStore(f"sqlite:///{folder / 'state.db'}", clock), clock, gather=gather)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def prepare(scenario: Scenario, folder: Path) -> None:
    """The first commit, applied."""
    folder.mkdir()
    assert in_child(lambda: _settle_down(open_house(folder, scenario.first(), gather=scenario.gather)), folder) == 0, problem(
        folder
    )


def _settle_down(house: House) -> None:
    house.reconcile()
    assert house.plan() == "", house.plan()


def boundaries(scenario: Scenario, base: Path, folder: Path) -> int:
    """How many boundaries a run without a crash has."""
    shutil.copytree(base, folder)

    def count() -> None:
        store = DyingStore(SqlStore(f"sqlite:///{folder / 'state.db'}", SystemClock()), 0)
        open_house(folder, scenario.book(), store, scenario.faults, scenario.gather).reconcile()
        (folder / "count").write_text(str(store.boundaries))

    assert in_child(count, folder) == 0, problem(folder)
    return int((folder / "count").read_text())


def crash(scenario: Scenario, base: Path, folder: Path, boundary: int = 0, seed: int = 0, faults: Sequence[Fault] = ()) -> None:
    """Die at a boundary, by a fault, or (0, none) at an instant drawn from the seed; then start again and keep every promise."""
    shutil.copytree(base, folder)

    def die() -> None:
        store = DyingStore(SqlStore(f"sqlite:///{folder / 'state.db'}", SystemClock()), boundary)
        house = open_house(folder, scenario.book(), store, (*scenario.faults, *faults), scenario.gather)
        if not boundary and not faults:
            threading.Thread(target=_die_within, args=(seed, 0.08), daemon=True).start()
        house.reconcile()
        _die()

    killed = in_child(die, folder)
    assert killed == -signal.SIGKILL, (killed, problem(folder))
    again = in_child(lambda: recovered(open_house(folder, scenario.book(), gather=scenario.gather), scenario), folder)
    assert again == 0, problem(folder)
    shutil.rmtree(folder)


def _die_within(seed: int, seconds: float) -> None:
    time.sleep(random.Random(seed).uniform(0.0, seconds))
    _die()


def recovered(house: House, scenario: Scenario) -> None:
    """The promises: converged or exactly undone, nothing twice, no orphan, no open entry."""
    for _ in range(3):
        # What must wait for its time is not due yet on a machine that is fast enough.
        due = max((entry.not_before for entry in house.store.open_entries()), default=0.0)
        house.clock.wait(threading.Event(), due - house.clock.now())
        house.reconcile()
    assert not house.store.open_entries(), house.store.open_entries()
    assert house.plan() == "", house.plan()
    expected = scenario.before if scenario.bad else scenario.after
    assert house.boxes() == {n: (s.get("image", "box:1"), s.get("size", 1), "running") for n, s in expected.items()}, (
        house.boxes()
    )
    owned = {key.name for key, _ in house.store.rows()}
    assert owned == set(house.world.things("box", "local")), "what stands is what the ledger knows"
    things = house.world.things("box", "local").values()
    assert not any(thing.transit for thing in things), "nothing is left in between"
    assert len(house.store.quarantined()) == int(scenario.bad)


def in_child(work: Callable[[], None], folder: Path) -> int:
    """Run in a forked process: 0, 1 with a trace in the folder, or minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 (the parent reads the trace)
            (folder / "trace").write_text(traceback.format_exc())
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def problem(folder: Path) -> str:
    """The trace of a failed child."""
    trace = folder / "trace"
    return trace.read_text() if trace.exists() else "no trace"
