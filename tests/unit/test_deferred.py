"""What a backend allows only later: written down, left alone until then, and done."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from controller.clients.memory import Effect, Fault, MemoryProvider, MemoryWorld
from controller.core.event import Status, Sync
from controller.core.key import Key
from controller.core.kind import Desired, Surroundings
from controller.core.run import Outcome, Step
from tests.support.clock import HandClock
from tests.support.house import BOX, House

LATER = 600.0
DNS = Key("box", "dns")
BEFORE: dict[str, Any] = {"dns": {"size": 1}, "db": {"size": 1}, "web": {"uses": ["box/dns", "box/db"]}}
BAD: dict[str, Any] = {"dns": {"size": 2}, "db": {"size": 2}, "web": {"image": "x:bad", "uses": ["box/dns", "box/db"]}}


def house() -> House:
    clock = HandClock()
    return House(world=MemoryWorld(clock), clock=clock)


def status(made: House, key: Key) -> Status:
    report = made.reconciler.last
    assert report is not None
    return next(item for item in report.statuses if item.key == key)


def advance(made: House, seconds: float) -> None:
    made.clock.advance(seconds)  # type: ignore[attr-defined]


def waits(made: House, key: Key) -> bool:
    return re.search(r"waits until \d\d:\d\d:\d\d", status(made, key).why) is not None


def test_a_change_that_is_allowed_later_is_not_tried_before() -> None:
    made = house()
    made.commit({"dns": {}, "web": {"uses": ["box/dns"]}})
    made.world.faults.add(Fault(Effect.DEFER, "apply", DNS, seconds=LATER))
    made.reconcile()
    assert made.store.runs()[0].rollouts[0].outcome is Outcome.WAITING
    assert made.boxes() == {}
    tried = made.world.faults.calls["apply"]
    for _ in range(20):
        made.reconcile()
        made.reconciler.reconcile("resync", "controller", patient=True)
    assert made.world.faults.calls["apply"] == tried, "whoever asks, the backend is not asked again"
    assert len(made.store.runs()) == 1
    assert status(made, DNS).sync is Sync.PENDING
    assert waits(made, DNS)
    due = made.reconciler.patience.next()
    assert due is not None
    assert due - made.clock.monotonic() == pytest.approx(LATER, abs=2)
    advance(made, LATER + 1)
    made.reconciler.reconcile("retry", "controller", patient=True)
    assert set(made.boxes()) == {"dns", "web"}


def undo_that_waits() -> tuple[House, dict[str, Any]]:
    """A rollout that failed; the undo of one of its changes is allowed only later."""
    made = house()
    made.commit(BEFORE)
    made.reconcile()
    known = made.boxes()
    made.commit(BAD)
    made.world.faults.add(Fault(Effect.DEFER, "apply", DNS, nth=2, seconds=LATER))
    made.reconcile()
    return made, known


def test_an_undo_that_must_wait_holds_up_nothing_else() -> None:
    made, known = undo_that_waits()
    assert made.boxes() == {**known, "dns": ("box:1", 2, "running")}, "web and db are as before at once"
    (entry,) = made.store.open_entries()
    assert (entry.change.key, entry.step, entry.not_before) == (DNS, Step.UNDOING, made.store.open_entries()[0].at + LATER)
    assert status(made, DNS).sync is Sync.PENDING
    assert waits(made, DNS)


@pytest.mark.parametrize("restarts", [pytest.param(False, id="same-process"), pytest.param(True, id="killed-in-between")])
def test_an_undo_that_must_wait_is_done_when_it_may(restarts: bool) -> None:
    made, known = undo_that_waits()
    if restarts:
        made = made.restarted()
    tried = made.world.faults.calls["apply"]
    for _ in range(10):
        advance(made, LATER / 20)
        made.reconcile()
        if restarts:
            made = made.restarted()
    assert made.world.faults.calls["apply"] == tried, "nothing is sent before it may"
    assert len(made.store.open_entries()) == 1
    made.reconcile()
    due = made.reconciler.patience.expected()
    assert due is not None
    assert 0 < due - made.clock.monotonic() < LATER
    assert not made.reconciler.unsettled, "the loop waits for the time, not in vain before it"
    advance(made, LATER)
    made.reconcile()
    assert made.boxes() == known
    assert not made.store.open_entries()
    made.reconcile()
    assert status(made, DNS).sync is Sync.FAILED, "quarantined: the commit was bad"
    assert made.plan() == ""


def test_what_the_waiting_undo_needs_stays_until_then() -> None:
    made = house()
    made.commit({"pad": {}})
    made.reconcile()
    made.commit({"pad": {}, "net": {}, "dns": {"uses": ["box/net"]}, "web": {"image": "x:bad", "uses": ["box/dns"]}})
    made.world.faults.add(Fault(Effect.DEFER, "apply", DNS, nth=2, seconds=LATER))
    made.reconcile()
    assert set(made.boxes()) == {"pad", "net", "dns"}, "dns lives in net: net goes after it"
    advance(made, LATER + 1)
    made.reconcile()
    assert set(made.boxes()) == {"pad"}
    assert not made.store.open_entries()


def _far(name: str, spec: Any, around: Surroundings) -> Desired:
    assert BOX.resolve is not None
    return replace(BOX.resolve(name, spec, around), provider="far")


def test_a_backend_that_does_not_answer_keeps_no_other_from_being_undone() -> None:
    clock = HandClock()
    far = replace(BOX, name="far", resolve=_far)
    made = House(world=MemoryWorld(clock), clock=clock, kinds={"box": BOX, "far": far})
    made.providers = {**made.providers, ("far", "far"): MemoryProvider(far, made.world, "far")}
    uses = ["far/one", "far/two", "box/db"]
    made.book.write(_files({"far": {"one": {}, "two": {}}, "box": {"db": {}, "web": {"uses": uses}}}))
    made.reconcile()
    known = made.boxes()
    size = {"size": 2}
    made.book.write(_files({"far": {"one": size, "two": size}, "box": {"db": size, "web": {"image": "x:bad", "uses": uses}}}))
    made.world.faults.add(Fault(Effect.FAIL, "apply", Key("far", "two"), nth=2, times=2))
    made.world.faults.add(Fault(Effect.FAIL, "apply", Key("far", "one"), nth=2, times=2))
    made.reconcile()
    assert made.boxes() == known, "box answers"
    assert made.store.runs()[0].rollouts[0].outcome is Outcome.WAITING
    assert {entry.change.key.kind for entry in made.store.open_entries()} == {"far"}
    for _ in range(4):
        made.reconcile()
    assert {thing.state["size"] for thing in made.world.things("far", "far").values()} == {1}
    assert not made.store.open_entries()


def test_after_a_crash_a_backend_that_does_not_answer_keeps_no_other_from_being_undone() -> None:
    clock = HandClock()
    far = replace(BOX, name="far", resolve=_far)
    made = House(world=MemoryWorld(clock), clock=clock, kinds={"box": BOX, "far": far})
    made.providers = {**made.providers, ("far", "far"): MemoryProvider(far, made.world, "far")}
    uses = ["far/dns", "box/db"]
    made.book.write(_files({"far": {"dns": {}}, "box": {"db": {}, "web": {"uses": uses}}}))
    made.reconcile()
    known = made.boxes()
    newer: dict[str, dict[str, Any]] = {"far": {"dns": {"size": 2}}, "box": {"db": {"size": 2}, "web": {"size": 2, "uses": uses}}}
    made.book.write(_files(newer))
    made.world.faults.add(Fault(Effect.LATE, "apply", Key("far", "dns")))
    made.reconcile()
    assert {entry.change.key for entry in made.store.open_entries()} == {Key("far", "dns"), Key("box", "db")}
    made.world.cut("far")
    again = made.restarted()
    again.providers = made.providers
    again.reconcile()
    assert [event.key for event in again.said if event.reason == "Undone"] == ["box/db"], "it can never be whole"
    assert again.boxes()["web"] == known["web"], "what needs the silent one waits"
    assert {entry.change.key for entry in again.store.open_entries()} == {Key("far", "dns")}
    again.world.mend("far")
    for _ in range(2):
        again.reconcile()
    assert not again.store.open_entries()
    assert {name: each[1] for name, each in again.boxes().items()} == {"db": 2, "web": 2}
    assert again.plan() == ""


def _files(kinds: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {
        f"{name}.yaml": json.dumps({"kind": kind.capitalize(), "name": name, "spec": spec})
        for kind, named in kinds.items()
        for name, spec in named.items()
    }
