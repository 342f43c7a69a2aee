"""Sensors of our own at a real Home Assistant: shown while we lead, back after a restart, and never taken for somebody's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from controller.clients.clock import SystemClock
from controller.clients.homeassistant import Connection, Home, Shown
from controller.clients.homeassistant.items import ItemProvider
from controller.clients.homeassistant.registry import RegistryProvider
from controller.clients.homeassistant.sensors import Sensor, Sensors
from controller.core.discovery import Discovers
from controller.core.document import Revision
from controller.core.event import Report, Status, Sync
from controller.core.key import Key
from controller.core.state import Health
from controller.kinds import area, entity
from controller.store.memory import MemoryStore
from controller.usecases.summary import summary
from controller.wire.sensors import Board, sensors_of
from tests.support.homeassistant import HomeAssistant, Refused
from tests.support.space import wait_until

SYNC, PENDING = "sensor.homelab_sync", "sensor.homelab_pending_approvals"


class QuickClock(SystemClock):
    """The real one, for which a wait that nothing ends is shorter."""

    def wait(self, flag: Any, seconds: float) -> bool:
        return super().wait(flag, min(seconds, 0.05))


def report(*syncs: Sync) -> Report:
    lines = tuple(Status(Key("box", f"b{n}"), sync, Health.HEALTHY, rollout="d" * 8) for n, sync in enumerate(syncs))
    return Report(0.0, Revision("r"), "r", lines, backends={"local": ""}, world="docker")


def opened(ha: HomeAssistant) -> Home:
    declared = {"type": "homeassistant", "url": ha.url, "token": {"ref": "the-token"}, "sensors": True}
    connection = Connection.parse("home", declared)
    assert connection.sensors
    return Home(connection, lambda: ha.token, SystemClock())


@contextmanager
def shown(home: Home, board: Board) -> Iterator[None]:
    sensors = Sensors(home, QuickClock(), board)
    sensors.start()
    try:
        yield
    finally:
        sensors.close()
        home.close()


def state(ha: HomeAssistant, entity_id: str) -> tuple[str, dict[str, Any]] | None:
    """What Home Assistant itself shows."""
    with suppress(Refused, OSError):
        found = ha.call("GET", f"/api/states/{entity_id}")
        return found["state"], found["attributes"]
    return None


@pytest.fixture
def cleared(home_assistant: HomeAssistant) -> Iterator[HomeAssistant]:
    yield home_assistant
    for name in (SYNC, PENDING):
        with suppress(Refused):
            home_assistant.call("DELETE", f"/api/states/{name}")


def test_they_follow_the_house_and_are_nobody_elses(cleared: HomeAssistant) -> None:
    ha, last, leads = cleared, [report(Sync.SYNCED, Sync.HELD)], [False]
    board, home = Board(), opened(cleared)
    board.follow(lambda: last[0], lambda: leads[0], MemoryStore(SystemClock()))
    with shown(home, board):
        assert state(ha, SYNC) is None, "another controller leads"
        leads[0] = True
        wait_until(lambda: (state(ha, SYNC) or ("",))[0] == "Held", "the state to be shown")
        _, attributes = state(ha, SYNC) or ("", {})
        assert {name: attributes[name] for name in ("synced", "held", "failed", "friendly_name")} == {
            "synced": 1,
            "held": 1,
            "failed": 0,
            "friendly_name": "Homelab sync",
        }
        wait_until(lambda: (state(ha, PENDING) or ("",))[0] == "1", "what waits to be shown")
        last[0] = report(Sync.SYNCED, Sync.SYNCED)
        wait_until(lambda: (state(ha, SYNC) or ("",))[0] == "Synced", "the new state to be shown")
        wait_until(lambda: (state(ha, PENDING) or ("",))[0] == "0", "that nothing waits")
        ha.call("POST", f"/api/states/{SYNC}", {"state": "tampered"}, token=ha.person_token)
        wait_until(lambda: (state(ha, SYNC) or ("",))[0] == "Synced", "a hand edit to be put right")
        ha.call("DELETE", f"/api/states/{SYNC}")
        wait_until(lambda: (state(ha, SYNC) or ("",))[0] == "Synced", "what was removed to be back")
        assert not [name for name in home.entities() if "homelab" in name], "no entry in the registry"
        clock = SystemClock()
        providers: list[object] = [
            entity.EntityProvider(home),
            RegistryProvider(home, area.REGISTRY),
            *(ItemProvider(home, kind, clock) for kind in ("automation", "scene", "script")),
        ]
        found = [item for each in providers if isinstance(each, Discovers) for item in each.discover()]
        assert not [item for item in found if "homelab" in f"{item.key} {item.address}"]
        assert len(providers) == sum(isinstance(each, Discovers) for each in providers)


def test_they_come_back_after_a_restart(cleared: HomeAssistant) -> None:
    ha, board = cleared, Board()
    board.follow(lambda: report(Sync.FAILED), lambda: True, MemoryStore(SystemClock()))
    with shown(opened(ha), board):
        wait_until(lambda: state(ha, SYNC), "the state to be shown")
        ha.restart()
        wait_until(lambda: (state(ha, SYNC) or ("",))[0] == "Failed", "the state to be back")


class Counting:
    """A home that counts what is asked and written, and shows a state."""

    name = "home"

    def __init__(self, *shows: Shown) -> None:
        self.calls: list[str] = []
        self._shows = {each.entity_id: each for each in shows}

    def states(self) -> dict[str, Shown]:
        self.calls.append("states")
        return self._shows

    def show(self, entity_id: str, state: str, attributes: Mapping[str, Any]) -> None:
        self.calls.append(f"{entity_id}={state}")


@pytest.mark.parametrize(
    ("wanted", "calls"),
    [
        ((), []),
        ((Sensor(SYNC, "Synced", {"held": 0}),), ["states"]),
        ((Sensor(SYNC, "Held", {"held": 0}),), ["states", f"{SYNC}=Held"]),
        ((Sensor(SYNC, "Synced", {"held": 1}),), ["states", f"{SYNC}=Synced"]),
        ((Sensor(PENDING, "0"),), ["states", f"{PENDING}=0"]),
    ],
    ids=["nothing is wanted", "as it is", "another state", "another number", "not there"],
)
def test_only_what_differs_is_written(wanted: Sequence[Sensor], calls: list[str]) -> None:
    home = Counting(Shown(SYNC, "Synced", {"held": 0}, 0.0, 0.0))
    Sensors(home, QuickClock(), lambda: wanted)._show()  # type: ignore[arg-type]
    assert home.calls == calls


def test_what_is_shown_has_no_time_in_it() -> None:
    before, after = (summary(replace(report(Sync.SYNCED), at=at)) for at in (1.0, 2.0))
    assert sensors_of(before) == sensors_of(after)
    assert sensors_of(before)[0] == Sensor(SYNC, "Synced", sensors_of(before)[0].attributes)
