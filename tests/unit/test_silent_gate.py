"""A backend that goes away while health is waited for: nothing is known against the change, so it is tried again."""

from __future__ import annotations

from controller.clients.memory import Effect, Fault
from controller.core.key import Key
from controller.core.run import Outcome
from tests.support.house import House


def test_who_does_not_answer_proves_nothing() -> None:
    house = House()
    house.world.faults.add(Fault(Effect.FAIL, "health", Key("box", "web"), times=1000))
    house.commit({"web": {}})
    house.reconcile()
    assert house.store.runs()[0].outcome is Outcome.WAITING
    assert not house.store.quarantined()
    house.world.faults.clear()
    house.reconcile()
    assert (house.boxes(), house.plan()) == ({"web": ("box:1", 1, "running")}, "")
