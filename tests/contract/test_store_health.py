"""How healthy everything was over time, in every store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.core.errors import JournalError
from controller.core.run import Outcome, RunTime
from controller.core.uptime import NO_MORE, HealthChange, HealthRecord, Watch
from tests.contract.stores import KINDS, World, a_run, of_kind


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made = of_kind(request.param, tmp_path, request)
    yield made
    made.close()


def change(name: str, at: float, health: str = "Healthy") -> HealthChange:
    return HealthChange(f"service/{name}", at, health)


def test_a_span_begins_with_how_everything_stood(world: World) -> None:
    health = world.leading().health
    health.note(Watch(10.0, 20.0), [change("plex", 10.0), change("n8n", 10.0), HealthChange("serviceless/odd", 10.0, "Healthy")])
    health.note(Watch(10.0, 30.0), [change("plex", 25.0, "Degraded")])
    health.note(Watch(50.0, 60.0), [change("plex", 50.0), change("n8n", 55.0, "Missing")])
    other = world.open().health
    watches = (Watch(50.0, 60.0),)
    assert other.between(50.0, 52.0, kind="service") == HealthRecord(
        (change("n8n", 10.0), change("plex", 25.0, "Degraded"), change("plex", 50.0)), watches
    )
    assert other.between(51.0, 70.0, key="service/plex") == HealthRecord((change("plex", 50.0),), watches)
    assert len(other.between(0.0, 99.0).changes) == 6
    assert other.between(0.0, 9.0) == other.between(31.0, 49.0, key="service/none") == HealthRecord()
    assert [watch.began for watch in other.between(30.0, 50.0).watches] == [10.0, 50.0]


def test_what_stands_is_what_the_last_change_says(world: World) -> None:
    health = world.leading().health
    assert (health.standing(9.0), health.watch(9.0), health.newest()) == ({}, None, 0.0)
    health.note(Watch(1.0, 1.0), [change("plex", 1.0), change("n8n", 1.0)])
    health.note(Watch(1.0, 2.0), [change("plex", 2.0, NO_MORE)])
    health.note(Watch(1.0, 2.0), [change("n8n", 1.0, "Degraded")])
    assert health.standing(1.0) == {"service/plex": "Healthy", "service/n8n": "Degraded"}
    assert health.standing(2.0) == {"service/n8n": "Degraded"}
    assert (health.watch(0.5), health.watch(1.5), health.newest()) == (None, Watch(1.0, 2.0), 2.0)


def test_only_who_leads_writes_it(world: World) -> None:
    with pytest.raises(JournalError):
        world.open().health.note(Watch(1.0, 1.0), [change("plex", 1.0)])
    assert world.open().health.between(0.0, 9.0) == HealthRecord()


def test_what_is_forgotten_leaves_how_everything_stood(world: World) -> None:
    store = world.leading()
    store.health.note(Watch(1.0, 2.0), [change("plex", 1.0, "Degraded"), change("gone", 1.0)])
    store.health.note(Watch(3.0, 9.0), [change("plex", 3.0), change("gone", 3.0, NO_MORE), change("n8n", 3.0)])
    store.health.note(Watch(3.0, 9.0), [change("plex", 8.0, "Missing")])
    before = store.health.between(5.0, 9.0)
    assert store.prune(5.0, 5.0) == 4
    assert store.health.between(0.0, 9.0) == store.health.between(5.0, 9.0)
    kept = tuple(each for each in before.changes if each.health != NO_MORE)
    assert store.health.between(5.0, 9.0) == HealthRecord(kept, before.watches)
    assert store.prune(5.0, 5.0) == 0


def test_runs_are_counted_from_a_time_on(world: World) -> None:
    store = world.leading()
    for name, at, outcome in (("b", 2.0, Outcome.FAILED), ("a", 1.0, Outcome.APPLIED), ("c", 3.0, Outcome.RUNNING)):
        store.save(a_run(name, at, outcome))
    store.save(a_run("c", 3.0, Outcome.ROLLED_BACK))
    assert world.open().run_times(2.0) == (RunTime(2.0, 3.0, Outcome.FAILED), RunTime(3.0, 4.0, Outcome.ROLLED_BACK))
