"""The story that every provider tells, told by what Docker holds: on the simulated world and on real engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag

import pytest

from controller.clients.memory import Effect, Fault
from controller.core.change import Action
from controller.core.errors import Interrupted, Permanent, Unhealthy
from controller.core.state import ABSENT, Target
from tests.contract.narrative import Narrative
from tests.contract.yard import NO, STORIES, MemoryHands, Yard, docker_yard, memory_yard
from tests.support.engines import NEW, OLD, Engines

WORLDS = {"memory": None, "docker-20.10": OLD, "docker-28.5": NEW}


@pytest.fixture(params=[(kind, world) for kind in STORIES for world in WORLDS], ids=lambda each: "-".join(each))
def yard(request: pytest.FixtureRequest, engines: Engines, tmp_path: Path) -> Iterator[Yard]:
    kind, world = request.param
    engine_kind = WORLDS[world]
    if engine_kind is None:
        yield memory_yard(kind, tmp_path)
        return
    with engines.clean(engine_kind) as engine, docker_yard(kind, engine, tmp_path) as made:
        yield made


class TestNarrative(Narrative):
    """As it stands there."""


def test_what_is_refused_leaves_the_world_as_it_was(yard: Yard) -> None:
    yard.make(yard.first)
    before = yard.shown()
    if isinstance(yard.hands, MemoryHands):
        change = yard.change(None)
        yard.hands.world.faults.add(Fault(Effect.REFUSE))
    elif yard.impossible is not None:
        change = yard.change(yard.impossible)
    else:
        change = replace(yard.change(yard.first), after={**before, "driver_opts": {"type": "nfs"}}, action=Action.REPLACE)
    with pytest.raises((Permanent, Unhealthy)):
        yard.provider.apply(change, NO)
    assert yard.shown() == before


@pytest.mark.parametrize("kind", list(STORIES))
def test_half_a_page_is_unknown(kind: str, tmp_path: Path) -> None:
    yard = memory_yard(kind, tmp_path)
    yard.make(yard.first)
    assert isinstance(yard.hands, MemoryHands)
    yard.hands.world.put(kind, "local", "other", {"name": "other"}, key=f"{kind}/other", mark="home")
    yard.hands.world.faults.add(Fault(Effect.HALF, operation="observe"))
    snapshot = yard.provider.observe([Target(yard.key, "it"), Target(replace(yard.key, name="zz"), "zz")])
    assert not snapshot.complete
    assert ABSENT not in [snapshot.of(replace(yard.key, name=name)) for name in ("it", "other", "zz")]


@pytest.mark.parametrize("world", list(WORLDS))
def test_a_wait_is_called_off_at_once(world: str, engines: Engines, tmp_path: Path) -> None:
    flag = Flag()
    flag.set()
    engine_kind = WORLDS[world]
    if engine_kind is None:
        yard = memory_yard("service", tmp_path)
        yard.make(yard.first)
        before = yard.shown()
        assert isinstance(yard.hands, MemoryHands)
        yard.hands.world.faults.add(Fault(Effect.SLOW, seconds=60))
        with pytest.raises(Interrupted):
            yard.provider.apply(yard.change(yard.second), flag)
        assert yard.shown() == before
        return
    with engines.clean(engine_kind) as engine, docker_yard("service", engine, tmp_path) as yard:
        yard.make(yard.first)
        before = yard.shown()
        with pytest.raises(Interrupted):
            yard.provider.apply(yard.change(yard.second), flag)
        assert yard.shown() == before
        assert engine.containers() == {"it": "running"}
