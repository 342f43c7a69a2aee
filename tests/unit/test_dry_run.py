"""A dry run judges what is deployed and what is proposed by one picture: they differ by nothing but what is written in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from controller.core.decision import Suspension
from controller.core.key import Key
from controller.core.plan import Note
from controller.core.ports import Place
from controller.core.run import Row
from controller.engine.survey import Survey
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
