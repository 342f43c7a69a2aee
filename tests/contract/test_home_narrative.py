"""The story that every provider tells, told by the kinds of Home Assistant: on two real versions and on the simulated world."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from controller.clients.memory import Effect, Fault
from controller.core.change import Action
from controller.core.errors import Conflict, Permanent, Transient, Unhealthy
from controller.core.limit import Never
from controller.core.ports import Limits
from controller.core.state import Absent, Present, Receipt, Target, Unknown
from tests.contract.home_yard import MADE, STANDING, STORIES, WORLDS, Doors, HomeHands, HomeYard, home_yard
from tests.contract.narrative import Narrative
from tests.contract.yard import NO, MemoryHands
from tests.support.homeassistant import HomeAssistants


@pytest.fixture(scope="module")
def doors(home_assistants: HomeAssistants) -> Iterator[Doors]:
    made = Doors(home_assistants)
    yield made
    made.close()


@pytest.fixture(params=[(story, world) for story in MADE for world in WORLDS], ids="-".join)
def yard(request: pytest.FixtureRequest, doors: Doors, tmp_path: Path) -> Iterator[HomeYard]:
    story, world = request.param
    with home_yard(STORIES[story], world, doors, tmp_path) as made:
        yield made


class TestNarrative(Narrative):
    """As it stands there."""


@pytest.fixture(params=[(story, world) for story in STANDING for world in WORLDS], ids="-".join)
def standing(request: pytest.FixtureRequest, doors: Doors, tmp_path: Path) -> Iterator[HomeYard]:
    story, world = request.param
    with home_yard(STORIES[story], world, doors, tmp_path) as made:
        yield made


@pytest.fixture(params=[(story, world) for story in STORIES for world in WORLDS], ids="-".join)
def told(request: pytest.FixtureRequest, doors: Doors, tmp_path: Path) -> Iterator[HomeYard]:
    story, world = request.param
    with home_yard(STORIES[story], world, doors, tmp_path) as made:
        yield made


REAL = [world for world in WORLDS if world != "memory"]


@pytest.fixture(params=[(story, world) for story in STANDING for world in REAL], ids="-".join)
def really_standing(request: pytest.FixtureRequest, doors: Doors, tmp_path: Path) -> Iterator[HomeYard]:
    """The simulated world makes anything: what a backend cannot do is known by a real one only."""
    story, world = request.param
    with home_yard(STORIES[story], world, doors, tmp_path) as made:
        yield made


def test_a_slow_answer_is_waited_for(told: HomeYard) -> None:
    told.make(told.first)
    assert told.second is not None
    change = told.change(told.second)
    began = Event()

    def apply() -> Receipt:
        began.set()
        return told.provider.apply(change, NO)

    with ThreadPoolExecutor(1) as pool:
        if isinstance(told.hands, MemoryHands):
            told.hands.world.faults.add(Fault(Effect.SLOW, seconds=0.05))
            applied = pool.submit(apply)
        else:
            assert isinstance(told.hands, HomeHands)
            with told.hands.door.silent():
                applied = pool.submit(apply)
                assert began.wait(60)
                assert not applied.done(), "nothing gets through"
        assert applied.result(60).state == told.shown()
    assert told.differing(told.desired(told.second)[1]) == []
    assert told.provider.apply(change, NO).state == told.shown(), "once is enough"


def test_what_is_refused_leaves_the_world_as_it_was(yard: HomeYard) -> None:
    yard.make(yard.first)
    before = yard.shown()
    if isinstance(yard.hands, MemoryHands):
        change = yard.change(None)
        yard.hands.world.faults.add(Fault(Effect.REFUSE))
    elif yard.impossible is not None:
        change = yard.change(yard.impossible)
    else:  # what our own model never lets through
        change = replace(yard.change(yard.second), after={**yard.desired(yard.second or {})[1], "name": ["no", "name"]})
    with pytest.raises((Permanent, Unhealthy)):
        yard.provider.apply(change, NO)
    assert yard.shown() == before


def test_what_stands_is_changed_and_put_back(standing: HomeYard) -> None:
    before = standing.shown()
    first = standing.change(standing.first)
    receipt = standing.provider.apply(first, NO)
    assert standing.differing(standing.desired(standing.first)[1]) == []
    assert standing.provider.apply(first, NO) == receipt, "asked twice, done once"
    assert standing.second is not None
    second = standing.change(standing.second)
    standing.provider.apply(second, NO)
    assert standing.differing(standing.desired(standing.second)[1]) == []
    assert standing.differing(standing.desired(standing.first)[1]) != []
    standing.provider.apply(second.inverse(), NO)
    standing.provider.apply(first.inverse(), NO)
    assert standing.differing(before) == []


def test_what_stands_is_left_alone_when_somebody_was_quicker(standing: HomeYard) -> None:
    standing.make(standing.first)
    assert standing.second is not None
    change = standing.change(standing.second)
    standing.hands.edit(standing)
    edited = standing.shown()
    with pytest.raises(Conflict):
        standing.provider.apply(change, NO)
    assert standing.shown() == edited


def test_what_does_not_stand_is_not_made(really_standing: HomeYard) -> None:
    standing = really_standing
    change = standing.change(standing.first)
    standing.hands.remove(standing)
    assert isinstance(standing.look(), Absent)
    made = replace(change, action=Action.CREATE, before=None)
    assert isinstance(standing.provider, Limits)
    assert isinstance(standing.provider.limit(made), Never)
    for each in (made, change):
        with pytest.raises(Conflict):
            standing.provider.apply(each, NO)
    assert isinstance(standing.look(), Absent)


def test_what_stands_is_as_it_was_when_a_change_is_refused(standing: HomeYard) -> None:
    standing.make(standing.first)
    before = standing.shown()
    assert standing.second is not None
    assert standing.impossible is not None
    if isinstance(standing.hands, MemoryHands):
        change = standing.change(standing.second)
        standing.hands.world.faults.add(Fault(Effect.REFUSE))
    else:
        change = standing.change(standing.impossible)
    with pytest.raises((Permanent, Unhealthy)):
        standing.provider.apply(change, NO)
    assert standing.shown() == before


def test_what_stands_behind_a_lost_connection_is_unknown(standing: HomeYard) -> None:
    standing.make(standing.first)
    assert standing.second is not None
    change = standing.change(standing.second)
    standing.hands.cut()
    found = standing.provider.observe([Target(standing.key, standing.address)])
    assert not found.complete
    assert isinstance(found.of(standing.key), Unknown)
    with pytest.raises(Transient):
        standing.provider.apply(change, NO)
    standing.hands.mend()
    assert isinstance(standing.look(), Present)
    standing.provider.apply(change, NO)
    assert standing.differing(standing.desired(standing.second)[1]) == []
