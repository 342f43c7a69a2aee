"""A family and its controller in one real house: what is declared holds, what people do is respected, and nobody is surprised."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from controller.clients.clock import SystemClock
from controller.clients.homeassistant import Connection
from controller.clients.homeassistant import Home as HomeClient
from controller.clients.memory import Effect, Fault, MemoryProvider
from controller.core.decision import Approval
from controller.core.event import Status, Sync
from controller.core.key import Key
from controller.core.ports import Clock, Provider
from controller.core.run import Outcome
from controller.kinds import device, entity, helper
from controller.loop.chronicle import Chronicle
from controller.loop.lease import Seat
from controller.loop.loop import Loop
from tests.contract.device_yard import caught_up, fresh
from tests.support.clock import HandClock
from tests.support.devices import Device, Light, Lock, Obeys, Switch
from tests.support.homeassistant import HomeAssistant
from tests.support.house import BOX, House, OpenVault
from tests.support.space import wait_until

HOMELAB = json.dumps({"kind": "Homelab", "name": "home", "spec": {"connections": {"home": {"type": "homeassistant"}}}})
KINDS = {"box": BOX, "device": device.KIND, "entity": entity.KIND, "helper": helper.KIND}


class Living:
    """A controller of one real home, and of simulated boxes beside it."""

    def __init__(self, house: HomeAssistant, clock: Clock | None = None) -> None:
        self.house = House(kinds=KINDS, clock=clock or SystemClock(), holder="" if clock is None else "test")
        self.home = HomeClient(Connection("home", house.url), lambda: house.token, SystemClock())
        providers: dict[str, Provider] = {
            "device": device.DeviceProvider(self.home, OpenVault(), self.house.clock),
            "entity": entity.EntityProvider(self.home),
            "helper": helper.HelperProvider(self.home),
        }
        boxes = MemoryProvider(BOX, self.house.world)
        self.house.providers = {("box", "local"): boxes, **{(kind, "home"): each for kind, each in providers.items()}}
        self.files: dict[str, str] = {"homelab.yaml": HOMELAB}
        self.loop: Loop | None = None

    def start(self) -> None:
        """Let the loop run."""
        reconciler, store = self.house.reconciler, self.house.store
        chronicle = Chronicle(store, self.house.clock)
        object.__setattr__(reconciler.bench, "tell", chronicle.tell)
        self.loop = Loop(reconciler, self.house.book, Seat(store, self.house.clock, "the controller"), chronicle)
        self.loop.start()

    def declare(self, kind: str, name: str, spec: Mapping[str, Any], **envelope: Any) -> None:
        self.files[f"{name}.yaml"] = json.dumps({"kind": kind, "name": name, "spec": dict(spec), **envelope})

    def commit(self) -> None:
        """Commit what is declared; with a loop, have a pass over it that reaches the home."""
        self.house.book.write(self.files)
        caught_up(self.home)
        if self.loop is not None:
            wait_until(self.passed, "a pass that reaches the home")

    def passed(self) -> bool:
        """Have a pass; True when it reached the home."""
        assert self.loop is not None
        report = self.loop.run_now("asked", "ann")
        assert (report.diagnostics, report.reason) == ((), "")
        return not any(report.backends.values())

    def status(self, name: str, kind: str = "device") -> Status:
        report = self.house.reconciler.last
        assert report is not None
        return next(line for line in report.statuses if line.key == Key(kind, name))

    def drifts(self) -> list[str]:
        """What was repaired and why, in words."""
        changes = [change for run in self.house.store.runs() for rollout in run.rollouts for change in rollout.changes]
        return [cause for _, _, cause in changes if cause.startswith("drift")]

    def close(self) -> None:
        if self.loop is not None:
            self.loop.stop()
        self.home.close()


@pytest.fixture
def house(home_assistant: HomeAssistant) -> HomeAssistant:
    return home_assistant


@pytest.fixture
def living(house: HomeAssistant) -> Iterator[Living]:
    made = Living(house)
    made.start()
    yield made
    made.close()


def person(house: HomeAssistant, service: str, thing: Device, **data: Any) -> None:
    house.call("POST", f"/api/services/{service}", {"entity_id": thing.entity_id, **data}, token=house.person_token)


def test_what_a_hand_changes_is_put_back_at_once_and_told_with_who_it_was(house: HomeAssistant, living: Living) -> None:
    with Light(house, fresh("lamp")) as lamp:
        living.declare("Device", "lamp", {"entity": lamp.entity_id, "desired": {"state": "on", "brightness": 180}})
        living.commit()
        assert (living.status("lamp").sync, lamp.state["brightness"]) == (Sync.SYNCED, 180), living.status("lamp")
        person(house, "light/turn_on", lamp, brightness=20)
        wait_until(lambda: len(lamp.commands) == 3, "the repair")
        wait_until(lambda: "drift: desired.brightness (by a person)" in living.drifts(), "word of it")
        assert lamp.state["brightness"] == 180


def test_a_hand_is_left_alone_while_the_override_lasts(house: HomeAssistant, living: Living) -> None:
    with Light(house, fresh("lamp")) as lamp:
        living.declare("Device", "lamp", {"entity": lamp.entity_id, "desired": {"state": "on"}, "override": "1h"})
        living.commit()
        person(house, "light/turn_off", lamp)
        wait_until(lambda: "changed by a person at" in living.status("lamp").why, "word of it")
        sent = len(lamp.commands)
        wait_until(living.passed, "a pass")
        assert (len(lamp.commands), lamp.state["on"]) == (sent, False)


def test_a_lock_is_written_only_after_a_person_agreed_each_time(house: HomeAssistant, living: Living) -> None:
    with Lock(house, fresh("door")) as door:
        door.by_hand(**{"is": "unlocked"})
        living.declare("Device", "door", {"entity": door.entity_id, "desired": {"state": "locked"}})
        living.declare("Box", "other", {})
        living.commit()
        assert living.status("door").sync is Sync.HELD
        assert living.status("other", "box").sync is Sync.SYNCED, "nobody else waits for that"
        assert door.commands == []
        approve(living)
        assert door.commands == [("lock", "LOCK")]
        person(house, "lock/unlock", door)
        wait_until(lambda: living.status("door").sync is Sync.HELD, "the repair to be asked for")
        assert door.commands == [("lock", "LOCK"), ("lock", "UNLOCK")]
        approve(living)
        assert door.state == {"is": "locked"}


def approve(living: Living) -> None:
    """A person agrees to what is held."""
    for rollout in living.house.reconciler.survey().plan.rollouts:
        living.house.store.approve(Approval(rollout.digest, True, "ann", living.house.clock.now()))
    wait_until(living.passed, "a pass after that")


def test_one_that_is_away_waits_and_gets_its_command_once_from_a_fresh_look(house: HomeAssistant, living: Living) -> None:
    with Light(house, fresh("lamp")) as lamp:
        lamp.offline()
        living.declare("Device", "lamp", {"entity": lamp.entity_id, "desired": {"state": "on"}})
        living.commit()
        line = living.status("lamp")
        assert (line.sync, line.why) == (Sync.UNKNOWN, f"{lamp.entity_id} is unavailable; it is written when it is back")
        assert [run.outcome for run in living.house.store.runs() if run.outcome is not Outcome.APPLIED] == []
        living.declare("Device", "lamp", {"entity": lamp.entity_id, "desired": {"state": "on", "brightness": 99}})
        living.commit()
        lamp.online()
        wait_until(lambda: lamp.state["brightness"] == 99, "the command after its return")
        wait_until(lambda: living.status("lamp").sync is Sync.SYNCED, "the end of the wait")
        assert len(lamp.commands) == 1, "what was wanted while it was away, and nothing that was wanted before"
        assert lamp.missed == []


def test_one_that_comes_and_goes_holds_up_nobody(house: HomeAssistant, living: Living) -> None:
    with Switch(house, fresh("loose")) as loose, Light(house, fresh("lamp")) as lamp:
        living.declare("Device", "lamp", {"entity": lamp.entity_id, "desired": {"state": "on"}})
        living.declare("Device", "loose", {"entity": loose.entity_id, "desired": {"state": "on"}})
        living.commit()
        wait_until(lambda: loose.state["on"], "the switch")
        for turn in range(6):
            loose.offline()
            loose.by_hand(on=False, wait=False)
            loose.online()
            sent = len(lamp.commands)
            lamp.by_hand(on=False, wait=False)
            wait_until(lambda sent=sent: len(lamp.commands) > sent and lamp.state["on"], f"the lamp in turn {turn}")  # type: ignore[misc]
        assert loose.missed == []


def test_what_is_only_observed_is_told_and_what_is_once_is_left_alone(house: HomeAssistant, living: Living) -> None:
    with Switch(house, fresh("seen")) as seen, Switch(house, fresh("once")) as once:
        living.declare("Device", "seen", {"entity": seen.entity_id, "enforce": "observe", "desired": {"state": "on"}})
        living.declare("Device", "once", {"entity": once.entity_id, "enforce": "once", "desired": {"state": "on"}})
        living.commit()
        line = living.status("seen")
        assert (line.sync, line.why) == (Sync.DRIFTED, "differs in desired.state (by the device); it is only observed")
        assert once.state == {"on": True}
        person(house, "switch/turn_off", once)
        seen.by_hand(on=True)
        wait_until(lambda: living.status("seen").sync is Sync.SYNCED, "the end of the difference")
        wait_until(living.passed, "a pass")
        assert once.state == {"on": False}
        assert (seen.commands, len(once.commands)) == ([], 2)


def test_a_rollout_that_fails_puts_every_lamp_back_but_those_that_somebody_changed(house: HomeAssistant, living: Living) -> None:
    with Light(house, fresh("lamp")) as lamp, Light(house, fresh("other")) as other, Switch(house, fresh("deaf")) as deaf:
        lamp.by_hand(on=True, brightness=50)
        deaf.obeys = Obeys.NEVER
        living.declare("Device", "lamp", {"entity": lamp.entity_id, "desired": {"state": "on", "brightness": 180}})
        living.declare("Device", "other", {"entity": other.entity_id, "desired": {"state": "on"}}, needs=["device/lamp"])
        spec = {"entity": deaf.entity_id, "desired": {"state": "on"}, "confirm": "1s"}
        living.declare("Device", "deaf", spec, needs=["device/other"])
        living.commit()
        line = living.status("deaf")
        assert "took the command and did not follow within 1 s: it is off" in line.why
        assert (lamp.state["brightness"], other.state["on"]) == (50, False)
        assert not living.house.store.open_entries()
        deaf.obeys = Obeys.AT_ONCE
        spec["confirm"] = "2s"
        living.declare("Device", "deaf", spec, needs=["device/other"])
        living.commit()
        assert (lamp.state["brightness"], other.state["on"], deaf.state["on"]) == (180, True, True)


def test_an_undo_leaves_what_somebody_changed_since(house: HomeAssistant, living: Living) -> None:
    with Light(house, fresh("lamp")) as lamp:
        living.declare("Device", "lamp", {"entity": lamp.entity_id, "desired": {"state": "on", "brightness": 180}})
        living.declare("Box", "late", {}, needs=["device/lamp"])
        provider = living.house.providers["box", "local"]
        assert isinstance(provider, MemoryProvider)
        living.house.world.faults.add(Fault(Effect.REFUSE, key=Key("box", "late")))
        before = living.house.world.faults.before

        def meanwhile(*args: Any, **more: Any) -> Any:
            lamp.by_hand(brightness=20)
            return before(*args, **more)

        living.house.world.faults.before = meanwhile  # type: ignore[method-assign]
        living.commit()
        assert lamp.state["brightness"] == 20
        wait_until(lambda: "LeftAsItIs" in {event.reason for event in living.house.store.events(limit=1000)}, "word of it")
        assert not living.house.store.open_entries()


def test_a_window_opens_by_the_clock(house: HomeAssistant) -> None:
    noon = datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    clock = HandClock(noon)
    living = Living(house, clock)
    with Light(house, fresh("lamp")) as lamp:
        spec = {"entity": lamp.entity_id, "desired": {"state": "on"}, "when": {"from": "22:00", "to": "06:00"}}
        living.declare("Device", "lamp", spec)
        living.commit()
        living.house.reconcile()
        assert living.status("lamp").why.startswith("outside of its window, 22:00 to 06:00; waits until ")
        due = living.house.reconciler.patience.expected()
        assert due is not None
        assert round(due - clock.monotonic()) == 10 * 3600, "the loop wakes up when it opens"
        clock.advance(10 * 3600)
        living.house.reconcile()
        assert (lamp.state["on"], len(lamp.commands)) == (True, 1)
        clock.advance(9 * 3600)
        lamp.by_hand(on=False)
        living.house.reconcile()
        assert (lamp.state["on"], len(lamp.commands)) == (False, 1), "in the morning it is left to the family"
    living.close()


def test_a_helper_of_the_same_commit_is_made_and_set(house: HomeAssistant, living: Living) -> None:
    name = fresh("guests").replace("_", "-")
    entity_id = f"input_boolean.{name.replace('-', '_')}"
    living.declare("Helper", name, {"type": "input_boolean"})
    living.declare("Device", "guests", {"entity": entity_id, "desired": {"state": "on"}})
    living.commit()
    assert living.home.states()[entity_id].state == "on"
    assert living.status("guests").sync is Sync.SYNCED
    living.files = {"homelab.yaml": HOMELAB}
    living.declare("Box", "other", {})
    living.commit()
    wait_until(lambda: entity_id not in living.home.states(), "the helper to be gone")
