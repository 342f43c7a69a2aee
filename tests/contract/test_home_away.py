"""A lamp that loses its power, on two real versions of Home Assistant and on the simulated world: unknown, told nothing, and as
it is when it comes back.

What the simulated world does not know is told by real ones only: what an entity can be (capabilities, spellings of bodies,
services that are refused: it makes whatever our own model lets through), who changed it last and so the time for which that is
left alone (`override`), the seconds for which it must have been back, and what Home Assistant answers without doing it: see
`test_home_client.py`, `test_home_devices.py`, `test_home_device_rules.py` and `test_home_automations.py`. Those are laws about
Home Assistant, and a simulation of them would only prove itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.clients.clock import SystemClock
from controller.core.errors import Conflict, Transient
from controller.core.state import Present, Target, Unknown
from controller.kinds.device import DeviceProvider
from tests.contract.home_yard import HOME, WORLDS, Doors, HomeHands, HomeYard, Story, home_yard
from tests.contract.yard import NO, MemoryHands
from tests.support.devices import Light
from tests.support.homeassistant import HomeAssistants
from tests.support.house import OpenVault

LAMPS: dict[str, Light] = {}
"""The real ones, by id."""


def bring(hands: HomeHands, name: str) -> None:
    LAMPS[name] = Light(hands.door.server, name)


def dim(_hands: HomeHands, name: str) -> None:
    LAMPS[name].by_hand(on=True, brightness=50)


def take_away(_hands: HomeHands, name: str) -> None:
    LAMPS[name].remove()


LAMP = Story(
    kind="device",
    first={"entity": "light.{it}", "desired": {"state": "on", "brightness": 100}, "confirm": 60},
    second={"entity": "light.{it}", "desired": {"state": "on", "brightness": 200}, "confirm": 60},
    address="light.{it}",
    provider=lambda home: DeviceProvider(home, OpenVault(), SystemClock()),
    prepare=bring,
    edit=dim,
    remove=take_away,
    edited={"desired": {"state": "on", "brightness": 50}},
    stands={"entity": "light.{it}", "desired": {"state": "off"}, "guard": ""},
)


@pytest.fixture(scope="module")
def doors(home_assistants: HomeAssistants) -> Iterator[Doors]:
    made = Doors(home_assistants)
    yield made
    made.close()


@pytest.fixture(params=WORLDS)
def yard(request: pytest.FixtureRequest, doors: Doors, tmp_path: Path) -> Iterator[HomeYard]:
    with home_yard(LAMP, request.param, doors, tmp_path) as made:
        yield made


def power(yard: HomeYard, *, on: bool) -> None:
    """It loses its power, or has it again; returns when the controller knows."""
    if isinstance(yard.hands, MemoryHands):
        yard.hands.world.edit("device", HOME, yard.address, away=None if on else "unavailable")
        return
    assert isinstance(yard.hands, HomeHands)
    lamp = LAMPS[yard.hands.name]
    lamp.online() if on else lamp.offline()
    yard.hands.seen()


def sent(yard: HomeYard) -> int:
    """How many commands a real one got or missed."""
    lamp = LAMPS.get(yard.hands.name) if isinstance(yard.hands, HomeHands) else None
    return len(lamp.commands) + len(lamp.missed) if lamp is not None else 0


def test_what_is_away_is_unknown_and_told_nothing(yard: HomeYard) -> None:
    yard.make(yard.first)
    assert yard.second is not None
    change, before = yard.change(yard.second), sent(yard)
    power(yard, on=False)
    found = yard.provider.observe([Target(yard.key, yard.address)])
    assert found.complete, "one lamp is no outage"
    away = found.of(yard.key)
    assert isinstance(away, Unknown)
    assert "it is written when it is back" in away.reason
    for each in (change, change.inverse()):
        with pytest.raises(Transient, match="nothing is sent before it is back"):
            yard.provider.apply(each, NO)
    power(yard, on=True)
    assert isinstance(yard.look(), Present)
    assert yard.differing(yard.desired(yard.first)[1]) == [], "nothing was kept to be sent later"
    assert sent(yard) == before
    yard.provider.apply(change, NO)
    assert yard.differing(yard.desired(yard.second)[1]) == []


def test_an_undo_waits_for_what_is_away(yard: HomeYard) -> None:
    yard.make(yard.first)
    before = yard.shown()
    assert yard.second is not None
    change = yard.change(yard.second)
    yard.provider.apply(change, NO)
    power(yard, on=False)
    with pytest.raises(Transient, match="nothing is sent before it is back"):
        yard.provider.apply(change.inverse(), NO)
    power(yard, on=True)
    yard.provider.apply(change.inverse(), NO)
    assert yard.differing(before) == []


def test_what_somebody_did_to_it_before_it_went_is_left_alone(yard: HomeYard) -> None:
    yard.make(yard.first)
    assert yard.second is not None
    change = yard.change(yard.second)
    yard.hands.edit(yard)
    power(yard, on=False)
    power(yard, on=True)
    edited = yard.shown()
    with pytest.raises(Conflict):
        yard.provider.apply(change, NO)
    assert yard.shown() == edited
