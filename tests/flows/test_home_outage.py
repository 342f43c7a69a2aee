"""A running controller and a Home Assistant that goes away in the middle of its work, or must not be told everything."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from threading import Event as Flag
from threading import Thread
from typing import Any
from unittest.mock import patch

import pytest

from controller.clients.clock import SystemClock
from controller.clients.homeassistant import Connection, Home
from controller.clients.homeassistant.items import ItemProvider
from controller.clients.memory import MemoryProvider
from controller.core.change import Change
from controller.core.event import Status, Sync
from controller.core.key import Key
from controller.core.ports import Providers
from controller.core.state import Receipt, Snapshot, Target
from controller.kinds import automation, device
from controller.loop.chronicle import Chronicle
from controller.loop.lease import Seat
from controller.loop.loop import Loop
from tests.contract.device_yard import caught_up, fresh
from tests.flows.smart_home import Way
from tests.flows.test_loop_quiet import Controller
from tests.support import homeassistant
from tests.support.devices import Light
from tests.support.homeassistant import NEW, OLD, HomeAssistant, HomeAssistants
from tests.support.house import BOX, House, OpenVault
from tests.support.space import wait_until

DOWN = 30.0
"""Seconds without Home Assistant: what a restart of its machine takes."""
RETURN = 300.0
"""Seconds in which everything stands again, also beside load."""
COMMAND = """\
shell_command:
  x: "true"
"""
KINDS = {"automation": automation.KIND, "box": BOX, "device": device.KIND}
HOMELAB = json.dumps({"kind": "Homelab", "name": "home", "spec": {"connections": {"home": {"type": "homeassistant"}}}})


def document(kind: str, name: str, spec: Mapping[str, Any]) -> str:
    return json.dumps({"kind": kind, "name": name, "spec": dict(spec)})


def calling(name: str, action: str, **data: Any) -> dict[str, Any]:
    """An automation that calls a service when it is asked to."""
    steps = [{"action": action, "data": data}]
    return {"id": name, "alias": name, "triggers": [{"trigger": "event", "event_type": name}], "actions": steps}


def telling(name: str) -> dict[str, Any]:
    return calling(name, "persistent_notification.create", message=name)


class Roof:
    """A controller of one real home, on a way on which a test can sit, and of simulated boxes beside it."""

    def __init__(self, server: HomeAssistant) -> None:
        self.server = server
        self.way = Way(server.port, socket.create_server(("127.0.0.1", 0)))
        clock = SystemClock()
        self.house = House(kinds=KINDS, clock=clock, holder="")
        self.home = Home(Connection("home", f"http://127.0.0.1:{self.way.port}"), lambda: server.token, clock)
        items = ItemProvider(self.home, "automation", clock)
        self.house.providers = {("automation", "home"): items, ("box", "local"): MemoryProvider(BOX, self.house.world)}
        self.files = {"homelab.yaml": HOMELAB, "shelf.yaml": document("Box", "shelf", {})}
        self.house.book.write(self.files)
        reconciler, store = self.house.reconciler, self.house.store
        chronicle = Chronicle(store, clock)
        object.__setattr__(reconciler.bench, "tell", chronicle.tell)
        self.loop = Loop(reconciler, self.house.book, Seat(store, clock, "the controller"), chronicle)
        self.loop.start()

    def close(self) -> None:
        self.loop.stop()
        self.home.close()
        self.way.close()

    def commit(self, kind: str, specs: Mapping[str, Mapping[str, Any]]) -> None:
        """Commit, and let the controller know: nobody waits for what it does."""
        folder = "policy/" if kind == "Policy" else ""
        self.files |= {f"{folder}{name}.yaml": document(kind, name, spec) for name, spec in specs.items()}
        self.house.book.write(self.files)
        self.loop.kick("asked")

    def status(self, automation: str) -> Status | None:
        report = self.house.reconciler.last
        key = Key("automation", automation)
        return next((line for line in report.statuses if line.key == key), None) if report else None

    def sync(self, automation: str) -> Sync | None:
        line = self.status(automation)
        return line.sync if line else None

    def why(self, automation: str) -> str:
        line = self.status(automation)
        return line.why if line else ""

    def converged(self, lines: int) -> bool:
        """Everything there is stands as declared, and nothing is under way."""
        report = self.house.reconciler.last
        assert report is not None
        synced = [line for line in report.statuses if line.sync is Sync.SYNCED]
        return len(synced) == len(report.statuses) == lines and not self.house.store.open_entries()

    def told(self, reason: str) -> list[str]:
        return [event.message for event in self.house.store.events(limit=10_000) if event.reason == reason]

    def size(self, name: str) -> int:
        return int(self.house.boxes().get(name, ("", 0, ""))[1])


class Many:
    """Twenty automations of which some are stored."""

    def __init__(self, server: HomeAssistant, mark: str) -> None:
        self.server = server
        self.names = [f"t_{mark}_{number:02}" for number in range(20)]
        self.specs = {name.replace("_", "-"): telling(name) for name in self.names}

    def stored(self) -> list[int]:
        """How often each stands in Home Assistant's own file."""
        text = (self.server.config / "automations.yaml").read_text()
        return [text.count(f"id: {name}\n") for name in self.names]

    def entities(self) -> list[tuple[str, str]]:
        """Ids and entities of these automations, also of doubled ones (`_2`)."""
        rows = self.server.ask("config/entity_registry/list")
        mine = [row for row in rows if any(name in f"{row['unique_id']} {row['entity_id']}" for name in self.names)]
        return sorted((row["unique_id"], row["entity_id"]) for row in mine)


@pytest.fixture(scope="module", params=[OLD, NEW])
def own(request: pytest.FixtureRequest) -> Iterator[HomeAssistant]:
    """A Home Assistant that nobody else needs, with a command of its machine."""
    with patch.object(homeassistant, "CONFIGURATION", f"{homeassistant.CONFIGURATION}{COMMAND}"):
        server = HomeAssistant(request.param)
    with closing(server):
        yield server


@pytest.fixture
def roof(own: HomeAssistant) -> Iterator[Roof]:
    with closing(Roof(own)) as made:
        wait_until(lambda: made.size("shelf") == 1, "the first box")
        yield made


def others_go_on(roof: Roof) -> None:
    """While Home Assistant is away: what belongs to another backend is repaired, and made."""
    roof.house.world.edit("box", "local", "shelf", size=9)
    wait_until(lambda: roof.size("shelf") == 1, "the repair of a box")
    roof.commit("Box", {"chest": {"size": 4}})
    wait_until(lambda: roof.size("chest") == 4, "a new box")


def all_made(roof: Roof, many: Many) -> None:
    """The controller came back to it by itself: everything is there once, and both ends of the outage were told once."""
    lines = len(roof.files) - 1
    wait_until(lambda: roof.converged(lines) and many.stored() == [1] * 20, "everything to be as declared", RETURN)
    assert many.entities() == [(name, f"automation.{name}") for name in many.names]
    wait_until(lambda: roof.told("BackendUp"), "word of its return")
    assert [message.partition(" ")[0] for message in roof.told("BackendUp")] == ["home"]
    assert [message.partition(":")[0] for message in roof.told("BackendDown")] == ["home"]
    runs = roof.house.store.runs(1000)
    report = roof.loop.run_now("asked", "ann")
    assert {line.sync for line in report.statuses} == {Sync.SYNCED}
    assert len(roof.house.store.runs(1000)) == len(runs), "there is nothing left to do"


def test_a_home_assistant_killed_in_the_middle_of_many_is_made_good_when_it_is_back(own: HomeAssistant, roof: Roof) -> None:
    many = Many(own, "killed")
    roof.way.lose_after(8)
    roof.commit("Automation", many.specs)
    assert roof.way.lost.wait(120), "eight were answered, and the ninth was written"
    own.kill()
    since = time.monotonic()
    roof.way.open()
    assert 8 <= sum(many.stored()) < 20, "in the middle"
    others_go_on(roof)
    wait_until(lambda: roof.told("BackendDown"), "word of the outage")
    wait_until(lambda: time.monotonic() - since >= DOWN, "the time without it", 2 * DOWN)
    assert not roof.told("BackendUp")
    own.start()
    all_made(roof, many)


def test_a_restart_in_the_middle_of_many_is_made_good(own: HomeAssistant, roof: Roof) -> None:
    many = Many(own, "restarted")
    roof.way.hold_after(8)
    roof.commit("Automation", many.specs)
    assert roof.way.held.wait(120), "eight were answered, and the ninth was sent"
    assert sum(many.stored()) == 8, "in the middle"
    process = own.space.path("/run/hass.pid")
    before = process.read_text()
    restart = Thread(target=own.restart)
    restart.start()
    wait_until(lambda: process.read_text() not in {before, ""}, "it to go down", RETURN)
    roof.way.open()
    others_go_on(roof)
    restart.join()
    all_made(roof, many)


class Counting(MemoryProvider):
    """Counts who looks at its backend."""

    looks = 0

    def observe(self, targets: Collection[Target]) -> Snapshot:
        self.looks += 1
        return super().observe(targets)


class Noting(device.DeviceProvider):
    """Notes for every call how often the other backend had been looked at before."""

    def __init__(self, home: Home, other: Counting) -> None:
        super().__init__(home, OpenVault(), SystemClock())
        self.other = other
        self.calls: list[int] = []

    def apply(self, change: Change, interrupt: Flag) -> Receipt:
        self.calls.append(self.other.looks)
        return super().apply(change, interrupt)


@pytest.mark.parametrize("which", [OLD, NEW])
def test_a_hand_on_one_device_is_one_call_and_no_look_elsewhere(home_assistants: HomeAssistants, which: str) -> None:
    server = home_assistants.get(which)
    controller = Controller(kinds=KINDS)
    home = Home(Connection("home", server.url), lambda: server.token, SystemClock())
    boxes = Counting(BOX, controller.house.world)
    devices = Noting(home, boxes)
    providers: Providers = {("box", "local"): boxes, ("device", "home"): devices}
    controller.house.providers = providers
    with closing(home), Light(server, fresh("lamp")) as lamp, Light(server, fresh("other")) as other:
        files = {
            name: document("Device", name, {"entity": each.entity_id, "desired": {"state": "on", "brightness": 180}})
            for name, each in (("lamp", lamp), ("other", other))
        }
        named = {"homelab": HOMELAB, "shelf": document("Box", "shelf", {}), **files}
        controller.house.book.write({f"{name}.yaml": text for name, text in named.items()})
        caught_up(home)
        controller.live(5)
        report = controller.house.reconciler.last
        assert report is not None
        assert [line.sync for line in report.statuses] == [Sync.SYNCED] * 3, report.statuses
        made, looks, told = len(devices.calls), boxes.looks, (len(lamp.commands), len(other.commands))
        controller.backends.follow({("device", "home"): devices})
        data = {"entity_id": lamp.entity_id, "brightness": 20}
        server.call("POST", "/api/services/light/turn_on", data, token=server.person_token)
        repaired(controller, devices, made + 1)
        assert devices.calls[made:] == [looks], "one call, before anybody looked at a box"
        assert lamp.state["brightness"] == 180
        assert (len(lamp.commands), len(other.commands)) == (told[0] + 2, told[1]), "the hand, and the repair"
        controller.live(5)
        assert len(devices.calls) == made + 1
        controller.backends.stop()
        controller.worker.stop()


def repaired(controller: Controller, devices: Noting, calls: int) -> None:
    """Turn the loop whenever the home has told of something, until so many calls were made."""

    def turned() -> bool:
        controller.clock.advance(0.01)
        controller.turn()
        return len(devices.calls) >= calls

    wait_until(turned, "the repair")


DENIED = {"command": "shell_command.x", "restart": "homeassistant.restart"}


def test_what_no_rule_allows_never_reaches_home_assistant(own: HomeAssistant, roof: Roof) -> None:
    roof.commit("Automation", {f"t-{name}": calling(f"t_{name}", service) for name, service in DENIED.items()})
    for name, service in DENIED.items():
        wait_until(lambda name=name: roof.sync(f"t-{name}") is Sync.FAILED, f"the verdict on {name}")  # type: ignore[misc]
        assert f"calls {service}" in roof.why(f"t-{name}")
    assert (stored(own, DENIED), roof.way.wrote) == ([], 0)
    rule = {"name": "may", "verdict": "allow", "match": {"concerns": [f"home-action:{DENIED['command']}"]}}
    roof.commit("Policy", {"house": {"rules": [rule]}})
    wait_until(lambda: roof.sync("t-command") is Sync.SYNCED, "what a rule allows")
    assert (stored(own, DENIED), roof.way.wrote) == (["command"], 1)
    assert roof.sync("t-restart") is Sync.FAILED


def stored(server: HomeAssistant, names: Collection[str]) -> list[str]:
    """Which of these automations stand in Home Assistant's own file."""
    text = (server.config / "automations.yaml").read_text()
    return [name for name in names if f"id: t_{name}\n" in text]
