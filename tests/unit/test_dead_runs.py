"""A run that died with nothing open: the next one says how it ended."""

from __future__ import annotations

from dataclasses import replace

from controller.core.run import Outcome, RolloutRun, Run
from tests.support.house import House


def died(house: House, run: Run) -> str:
    """Put a run back to where it was when its process died."""
    rollouts = tuple(replace(item, outcome=Outcome.RUNNING) for item in run.rollouts)
    house.store.save(replace(run, outcome=Outcome.RUNNING, finished=0.0, rollouts=rollouts))
    return run.id


def test_one_that_had_done_everything_is_applied() -> None:
    house = House()
    house.commit({"web": {"image": "web:1"}})
    house.reconcile()
    dead = died(house, house.store.runs()[0])
    house.commit({"web": {"image": "web:2"}})
    house.reconcile()
    found = house.store.run(dead)
    assert found is not None
    assert (found.outcome, bool(found.finished)) == (Outcome.APPLIED, True)


def test_one_that_had_not_begun_has_changed_nothing() -> None:
    house = House()
    rollouts = (RolloutRun("some", Outcome.RUNNING), RolloutRun("other", Outcome.WAITING))
    house.store.save(Run("20200101-dead", "abc", "test", "tester", house.clock.now(), rollouts=rollouts))
    house.commit({"web": {"image": "web:1"}})
    house.reconcile()
    found = house.store.run("20200101-dead")
    assert found is not None
    assert [item.outcome for item in found.rollouts] == [Outcome.UNCHANGED, Outcome.WAITING]
    assert (found.outcome, bool(found.finished)) == (Outcome.WAITING, True)
    assert [run.outcome for run in house.store.runs()].count(Outcome.RUNNING) == 0


def test_one_that_was_taken_back_says_so() -> None:
    house = House()
    house.commit({"web": {"image": "x:bad"}})
    house.reconcile()
    dead = died(house, house.store.runs()[0])
    house.commit({"web": {"image": "web:2"}})
    house.reconcile()
    found = house.store.run(dead)
    assert found is not None
    assert found.outcome is Outcome.ROLLED_BACK
