"""One story that every provider tells, on the simulated world and on real engines: the laws of `core.ports.Provider`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag

import pytest

from controller.clients.memory import Effect, Fault
from controller.core.change import Action
from controller.core.errors import Conflict, Interrupted, Permanent, Transient, Unhealthy
from controller.core.ports import Adapts
from controller.core.state import ABSENT, Absent, Present, Target, Unknown
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


def test_create_change_delete(yard: Yard) -> None:
    assert isinstance(yard.look(), Absent)
    made = yard.make(yard.first)
    assert made.handle
    assert yard.differing(yard.desired(yard.first)[1]) == []
    if yard.second is not None:
        changed = yard.make(yard.second)
        assert yard.differing(yard.desired(yard.second)[1]) == []
        assert yard.differing(yard.desired(yard.first)[1]) != []
        assert changed.state is not None
    yard.commit(gone := yard.change(None), yard.provider.apply(gone, NO))
    assert isinstance(yard.look(), Absent)


def test_what_is_asked_twice_is_done_once(yard: Yard) -> None:
    create = yard.change(yard.first)
    first = yard.provider.apply(create, NO)
    assert yard.provider.apply(create, NO) == first
    done = yard.commit(create, first)
    assert yard.commit(create, done) == done
    delete = yard.change(None)
    gone = yard.provider.apply(delete, NO)
    assert yard.provider.apply(delete, NO).state is None
    assert yard.commit(delete, gone).state is None
    assert yard.commit(delete, gone).state is None
    assert isinstance(yard.look(), Absent)


def test_a_swapped_change_puts_back_what_was(yard: Yard) -> None:
    create = yard.change(yard.first)
    yard.commit(
        create.inverse(), yard.provider.apply(replace(create.inverse(), handle=yard.provider.apply(create, NO).handle), NO)
    )
    assert isinstance(yard.look(), Absent)
    yard.make(yard.first)
    before = yard.shown()
    if yard.second is not None:
        change = yard.change(yard.second)
        receipt = yard.provider.apply(change, NO)
        assert yard.differing(before) != []
        back = replace(change.inverse(), handle=receipt.handle)
        yard.commit(back, yard.provider.apply(back, NO))
        assert yard.differing(before) == []
    delete = yard.change(None)
    yard.provider.apply(delete, NO)
    assert isinstance(yard.look(), Absent)
    restored = yard.provider.apply(delete.inverse(), NO)
    assert yard.differing(before) == []
    assert restored.handle


def test_what_somebody_changed_meanwhile_is_left_alone(yard: Yard) -> None:
    yard.make(yard.first)
    change = yard.change(yard.second if yard.second is not None else None)
    yard.hands.edit(yard)
    edited = yard.shown()
    with pytest.raises(Conflict):
        yard.provider.apply(change, NO)
    assert yard.shown() == edited


def test_what_exists_is_not_created_over(yard: Yard) -> None:
    create = yard.change(yard.first)
    yard.make(yard.first)
    yard.hands.edit(yard)
    edited = yard.shown()
    with pytest.raises(Conflict):
        yard.provider.apply(create, NO)
    assert yard.shown() == edited


def test_what_is_gone_is_not_changed(yard: Yard) -> None:
    yard.make(yard.first)
    delete = yard.change(None)
    update = yard.change(yard.second) if yard.second is not None else None
    yard.hands.remove(yard)
    assert yard.provider.apply(delete, NO).state is None
    if update is not None:
        with pytest.raises(Conflict):
            yard.provider.apply(update, NO)
    assert isinstance(yard.look(), Absent)


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


def test_a_backend_that_does_not_answer_is_unknown(yard: Yard) -> None:
    yard.make(yard.first)
    delete = yard.change(None)
    yard.hands.cut()
    found = yard.provider.observe([Target(yard.key, yard.address)])
    assert not found.complete
    assert isinstance(found.of(yard.key), Unknown)
    with pytest.raises(Transient):
        yard.provider.apply(delete, NO)
    if isinstance(yard.provider, Adapts) and yard.kind == "service":
        with pytest.raises(Transient):
            yard.provider.adapt(yard.specs.resolve(yard.kind, "it", yard.first).state, None)
    yard.hands.mend()
    assert isinstance(yard.look(), Present)


def test_a_lost_reply_is_made_good_by_asking_again(yard: Yard) -> None:
    create = yard.change(yard.first)
    if isinstance(yard.hands, MemoryHands):
        yard.hands.lose()
        with pytest.raises(Transient):
            yard.provider.apply(create, NO)
    else:
        yard.provider.apply(create, NO)
    again = yard.provider.apply(create, NO)
    done = yard.commit(create, again)
    assert done.handle == again.handle
    assert yard.differing(create.after or {}) == []


def test_a_look_tells_the_same_objects_while_nothing_moved(yard: Yard) -> None:
    yard.make(yard.first)
    first, second = yard.look(), yard.look()
    assert isinstance(first, Present)
    assert first.state == second.state  # type: ignore[union-attr]


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
