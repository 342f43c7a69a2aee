"""A dry run judges what is deployed and what is proposed by one picture: they differ by nothing but what is written in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from threading import Event as Flag

import pytest

from controller.clients.memory import MemoryProvider
from controller.core.change import Change
from controller.core.decision import Suspension
from controller.core.errors import Transient
from controller.core.key import Key
from controller.core.limit import YES, Limit
from controller.core.plan import UNKNOWN, Note
from controller.core.ports import Place
from controller.core.run import Row
from controller.core.state import Snapshot, Target
from controller.engine.dry_run import LOOK, PLAN
from controller.engine.survey import Survey
from tests.support.clock import HandClock
from tests.support.house import House


def compared(house: House) -> tuple[Survey, Survey]:
    """What is deployed, held against itself."""
    return house.reconciler.compare(house.book.read(house.book.tip))


def test_what_is_said_during_a_dry_run_is_said_to_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    house.commit({"web": {}, "db": {}})
    suspensions = house.store.suspensions

    def and_then_one_is_suspended() -> Mapping[str, Suspension]:
        found = dict(suspensions())
        house.store.suspend(Suspension("box/web", "ada", house.clock.now(), "later"))
        return found

    monkeypatch.setattr(house.store, "suspensions", and_then_one_is_suspended)
    for said in ([], [("box/web", "Suspended")]):
        now, then = compared(house)
        assert [(str(note.key), note.reason) for note in now.plan.notes] == said
        assert (now.plan.notes, now.plan.digest, now.facts.now) == (then.plan.notes, then.plan.digest, then.facts.now)


def test_what_lands_while_a_dry_run_begins_is_not_planned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    house.commit({"web": {}})
    real, landed = house.store.rows, False
    flying = Note(Key("box", "web"), "InProgress", "create is under way (new)", "local")

    def land() -> None:
        nonlocal landed
        if not landed:
            landed = True
            house.reconcile()

    def rows() -> Mapping[Place, Row]:
        found = real()
        land()
        return found

    def notes() -> Sequence[Note]:
        found = () if landed else (flying,)
        land()
        return found

    monkeypatch.setattr(house.store, "rows", rows)
    monkeypatch.setattr(house.reconciler.flights, "notes", notes)
    for found in compared(house):
        assert (found.plan.rollouts, found.plan.notes) == ((), (flying,))
    for found in compared(house):
        assert (found.plan.rollouts, found.plan.notes) == ((), ()), "the next one judges it"


def test_what_hangs_is_waited_for_until_its_time_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, hangs, goes_on = HandClock(), Flag(), Flag()
    house = House(clock=clock)
    house.commit({"web": {}})
    house.reconcile()
    provider = house.providers["box", "local"]
    look, began = provider.observe, clock.monotonic()

    def observe(targets: Collection[Target]) -> Snapshot:
        hangs.set()
        assert goes_on.wait(600)
        return look(targets)

    monkeypatch.setattr(provider, "observe", observe)
    clock.over.set()
    found = house.reconciler.survey(house.book.read(house.book.tip))
    assert hangs.wait(60)
    assert clock.monotonic() == began + LOOK
    assert found.plan.rollouts == ()
    assert [(str(note.key), note.reason) for note in found.plan.notes] == [("box/web", UNKNOWN)]
    goes_on.set()
    monkeypatch.undo()
    assert house.reconciler.survey(house.book.read(house.book.tip)).plan.notes == ()


def test_a_plan_that_hangs_is_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, goes_on = HandClock(), Flag()
    house = House(clock=clock)
    house.commit({"web": {}})
    asked = house.providers["box", "local"]
    assert isinstance(asked, MemoryProvider)

    def limit(_change: Change) -> Limit:
        clock.over.set()
        assert goes_on.wait(600)
        return YES

    monkeypatch.setattr(asked, "limit", limit)
    began = clock.monotonic()
    with pytest.raises(Transient, match="no plan could be made within 10 s"):
        compared(house)
    goes_on.set()
    assert clock.monotonic() == began + PLAN
