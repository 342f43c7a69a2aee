"""Changes that are ready together become one write, and each of them ends for itself."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event as Flag
from typing import Any

import pytest

from controller.clients.memory import Effect, Fault
from controller.core.change import Change
from controller.core.errors import Interrupted
from controller.core.key import Key
from controller.core.run import Outcome, Step
from tests.support.house import House

GATHER = 0.2
"""Seconds: much longer than one thread takes to come after another, so that the number of writes is certain."""
LONE: dict[str, Any] = {f"lone-{number}": {} for number in range(6)}


def writes(house: House) -> int:
    """How often the backend was written."""
    return house.world.faults.calls.get("batch", 0)


def outcomes(house: House) -> list[Outcome]:
    return sorted((item.outcome for item in house.store.runs()[0].rollouts), key=list(Outcome).index)


def test_rollouts_that_are_ready_together_are_one_write() -> None:
    house = House(gather=GATHER)
    house.commit(LONE)
    house.reconcile()
    assert set(house.boxes()) == set(LONE)
    assert len(house.store.runs()[0].rollouts) == len(LONE)
    assert writes(house) == 1
    house.reconcile()
    assert writes(house) == 1, "a converged world is not written"


def test_one_that_is_refused_does_not_hold_up_the_others() -> None:
    house = House(gather=GATHER)
    house.commit(LONE)
    house.world.faults.add(Fault(Effect.REFUSE, "apply", Key("box", "lone-3")))
    house.reconcile()
    assert set(house.boxes()) == LONE.keys() - {"lone-3"}
    assert outcomes(house) == [Outcome.APPLIED] * 5 + [Outcome.ROLLED_BACK]
    assert [item.culprit for item in house.store.quarantined()] == ["box/lone-3"]


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        pytest.param(Effect.FAIL, "nothing was written: every change waits", id="no-answer"),
        pytest.param(Effect.LOSE, "all of it was written: what is undecided is looked at and taken back", id="lost-reply"),
    ],
)
def test_a_write_that_fails_fails_for_every_change_of_it(effect: Effect, reason: str) -> None:
    house = House(gather=GATHER)
    house.commit(LONE)
    house.world.faults.add(Fault(effect, "batch"))
    house.reconcile()
    assert outcomes(house) == [Outcome.WAITING] * len(LONE), reason
    assert house.boxes() == {}
    assert not house.store.open_entries()
    house.reconcile()
    assert set(house.boxes()) == set(LONE)
    assert house.plan() == ""


def test_an_undo_is_one_write_too() -> None:
    house = House(gather=GATHER)
    needs: dict[str, Any] = {"aa": {}, "bb": {}, "cc": {}}
    house.commit({**needs, "web": {"uses": [f"box/{name}" for name in needs]}})
    house.reconcile()
    before, known = writes(house), house.boxes()
    newer: dict[str, Any] = {name: {"image": "box:2"} for name in needs}
    house.commit({**newer, "web": {"image": "x:bad", "uses": [f"box/{name}" for name in needs]}})
    house.reconcile()
    assert house.boxes() == known
    assert outcomes(house) == [Outcome.ROLLED_BACK]
    assert writes(house) - before == 4, "what web needs, web, web back, what it needs back"


def test_an_undo_that_the_end_of_the_controller_meets_is_finished_by_the_next_one() -> None:
    house = House(gather=0.0)
    house.commit({"aa": {}, "web": {"uses": ["box/aa"]}})
    house.reconcile()
    known = house.boxes()
    provider: Any = house.providers["box", "local"]
    whole = provider.apply_many

    def ending(changes: Sequence[Change], interrupt: Flag) -> Any:
        if changes[0].cause.startswith("undo: "):
            house.bench.closing.set()
        if interrupt.is_set():
            raise Interrupted("called off")
        return whole(changes, interrupt)

    provider.apply_many = ending
    house.commit({"aa": {"size": 2}, "web": {"image": "x:bad", "uses": ["box/aa"]}})
    house.reconcile()
    assert {entry.step for entry in house.store.open_entries()} <= {Step.DONE, Step.UNDOING}
    assert len(house.store.open_entries()) == 2
    again = house.restarted()
    again.reconcile()
    assert again.boxes() == known
    assert not again.store.open_entries()


def test_what_needs_each_other_is_undone_in_order() -> None:
    house = House(gather=0.0)
    house.commit({"aa": {}, "bb": {"uses": ["box/aa"]}, "web": {"uses": ["box/bb"]}})
    house.reconcile()
    known = house.boxes()
    newer: dict[str, Any] = {"aa": {"size": 2}, "bb": {"size": 2, "uses": ["box/aa"]}}
    house.commit({**newer, "web": {"image": "x:bad", "uses": ["box/bb"]}})
    house.reconcile()
    assert house.boxes() == known
    undone = [event.key for event in house.said if event.reason == "Undone"]
    assert undone == ["box/web", "box/bb", "box/aa"]


def test_an_error_of_the_program_reaches_every_rollout_and_is_settled() -> None:
    house = House(gather=GATHER)
    house.commit(LONE)
    provider: Any = house.providers["box", "local"]
    whole = provider.apply_many
    provider.apply_many = lambda changes, interrupt: whole(changes, interrupt)[1:]
    house.reconcile()
    assert set(outcomes(house)) == {Outcome.FAILED}
    assert len(house.store.open_entries()) == len(LONE)
    provider.apply_many = whole
    house.reconcile()
    house.reconcile()
    assert set(house.boxes()) == set(LONE)
    assert not house.store.open_entries()
