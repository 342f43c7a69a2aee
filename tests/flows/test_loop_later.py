"""The loop wakes up by itself for what a backend allows only later: long before it would look again anyway."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.clients.memory import Effect, Fault
from controller.core.change import Change
from controller.core.key import Key
from controller.core.limit import YES, Limit, Wait
from controller.core.run import Entry, Run
from tests.flows.test_loop_live import Alive, Repository, until

LATER = 1.5
"""Seconds; a pass that nothing asks for comes after 48 at the earliest."""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "specs")


@pytest.fixture
def alive(repository: Repository) -> Iterator[Alive]:
    repository.commit({"dns": {"size": 1}, "web": {"uses": ["box/dns"]}})
    made = Alive(repository.source)
    until(lambda: set(made.images()) == {"dns", "web"}, "the first commit is applied")
    yield made
    made.loop.stop()


def names(alive: Alive, run: Run) -> list[str]:
    """What a run wrote, by name."""
    return [entry.change.key.name for entry in alive.store.entries(run.id)]


def sizes(alive: Alive) -> dict[str, Any]:
    return {name: each[1] for name, each in alive.house.boxes().items()}


def test_a_change_that_must_wait_is_made_when_it_may(alive: Alive, repository: Repository) -> None:
    asked: list[float] = []

    def limit(change: Change) -> Limit:
        if change.key.name != "dns":
            return YES
        asked.append(time.time())
        allowed = asked[0] + LATER
        return Wait(allowed, "one update a while") if asked[-1] < allowed else YES

    alive.world.limit = limit
    repository.commit({"dns": {"size": 2}, "lone": {}})
    until(lambda: sizes(alive).get("lone") and sizes(alive)["dns"] == 2, "it is made without being asked again")
    last = {name: number for number, run in enumerate(reversed(alive.store.runs())) for name in names(alive, run)}
    assert last["lone"] < last["dns"], "the rest went on before it"


def test_an_undo_that_must_wait_is_done_when_it_may(
    alive: Alive, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[int] = []
    record = alive.store.record

    def noticed(entry: Entry, *rows: Any, **more: Any) -> None:
        record(entry, *rows, **more)
        if entry.not_before:
            waiting.append(sizes(alive)["dns"])

    monkeypatch.setattr(alive.store, "record", noticed)
    alive.world.faults.add(Fault(Effect.DEFER, "apply", Key("box", "dns"), nth=2, seconds=LATER))
    repository.commit({"dns": {"size": 2}, "web": {"image": "x:bad", "uses": ["box/dns"]}})
    until(lambda: waiting, "the undo waits")
    assert waiting[0] == 2
    until(lambda: sizes(alive)["dns"] == 1, "it is done without being asked again")
    until(lambda: not alive.store.open_entries(), "nothing is open")


def test_a_rollout_that_must_wait_is_made_when_it_may(alive: Alive, repository: Repository) -> None:
    alive.world.faults.add(Fault(Effect.DEFER, "apply", Key("box", "dns"), seconds=LATER))
    repository.commit({"dns": {"size": 2}})
    until(lambda: alive.world.faults.calls["apply"] > 2, "it was tried")
    until(lambda: sizes(alive)["dns"] == 2, "it is made without being asked again")
    newest, *older = alive.store.runs()
    assert [run.revision for run in older].count(newest.revision) == 1, "tried once before its time, and once after"
