"""One pass after an interruption: what waited for the interrupted rollout goes on in the same pass."""

from __future__ import annotations

import threading

from controller.clients.clock import SystemClock
from controller.clients.memory import Effect, Fault, MemoryWorld
from controller.core.key import Key
from controller.core.run import Outcome, Step
from tests.support.house import House
from tests.support.space import wait_until


def interrupted() -> House:
    """A controller that stopped while `base` was getting healthy; the one that is started again."""
    world = MemoryWorld(SystemClock(), delay=3600)
    house = House(world=world)
    house.commit({"base": {"timeout": 3600}})
    passing = threading.Thread(target=house.reconcile)
    passing.start()
    wait_until(lambda: [entry.step for entry in house.store.open_entries()] == [Step.DONE], "base to be made")
    house.reconciler.flights.close()
    passing.join()
    world.delay = 0
    world.faults.add(Fault(Effect.SLOW, "health", seconds=0.5))  # it is still being proved when the next plan is made
    return house.restarted()


def test_what_waited_for_a_recovered_rollout_goes_on_in_the_same_pass() -> None:
    house = interrupted()
    house.commit({"base": {"timeout": 3600}, "top": {"uses": ["box/base"]}})
    assert house.plan() == "", "before it is settled, nothing is planned on top of it"
    house.reconcile()
    assert house.boxes() == {"base": ("box:1", 1, "running"), "top": ("box:1", 1, "running")}
    assert house.plan() == ""
    assert [run.outcome for run in house.store.runs()] == [Outcome.APPLIED, Outcome.APPLIED]


def test_what_did_not_work_in_a_pass_is_not_tried_twice_in_it() -> None:
    house = interrupted()
    house.world.faults.add(Fault(Effect.FAIL, "apply", Key("box", "beside"), times=1000))
    house.commit({"base": {"timeout": 3600}, "beside": {}, "top": {"uses": ["box/base"]}})
    house.reconcile()
    assert house.boxes() == {"base": ("box:1", 1, "running"), "top": ("box:1", 1, "running")}
    tried = [key for run in house.store.runs() for each in run.rollouts for key, *_ in each.changes]
    assert sorted(tried) == ["box/base", "box/beside", "box/top"]
