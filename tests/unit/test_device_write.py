"""What a Device is asked again right before it is written, and whose write it was. Against a home of values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Event as Flag
from typing import Any, cast

import pytest

from controller.clients.homeassistant import Home, Shown, Unsure
from controller.core.change import Action, Change
from controller.core.errors import Conflict, Deferred, Permanent, Transient
from controller.core.limit import YES, Never, Wait
from controller.core.state import Present, Target
from controller.kinds.device import DeviceProvider
from tests.contract.device_yard import NO, key_of, wanted_state
from tests.support.clock import HandClock
from tests.support.house import OpenVault

ME, ANN = "me", "ann"
Follow = Callable[[str, Mapping[str, Any]], None]


class Values:
    """A home that is nothing but its states. `follow` is what happens when a service is called, `later` while somebody waits,
    `lost` why nothing can be read."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.me = ME
        self.zone = "Europe/Berlin"
        self.lost: Exception | None = None
        self.shown: dict[str, Shown] = {}
        self.called: list[str] = []
        self.follow: Follow = lambda service, data: None
        self.later: Callable[[], None] = lambda: None

    def put(self, entity: str, state: str, *, by: str = "", context: str = "somebody's", **attributes: Any) -> None:
        now = self.clock.now()
        self.shown = {**self.shown, entity: Shown(entity, state, attributes, now, now, context, by)}

    def states(self) -> Mapping[str, Shown]:
        if self.lost is not None:
            raise self.lost
        return self.shown

    def entities(self) -> Mapping[str, Mapping[str, Any]]:
        return {}

    def call(self, type: str) -> dict[str, str]:  # noqa: A002 (its name on the wire)
        assert type == "get_config"
        return {"time_zone": self.zone}

    def service(self, domain: str, service: str, target: Mapping[str, str], data: Mapping[str, Any]) -> str:
        self.called.append(f"{domain}.{service}")
        self.follow(service, data)
        return "ours"

    def await_state(self, entity: str, holds: Callable[[Shown | None], bool], seconds: float, interrupt: Flag) -> bool:
        if holds(self.shown.get(entity)):
            return True
        self.later()
        return holds(self.shown.get(entity))


class Room:
    """One provider of such a home."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.home = Values(self.clock)
        self.provider = DeviceProvider(cast(Home, self.home), OpenVault(), self.clock)

    def look(self, entity: str) -> Present:
        key = key_of(entity)
        found = self.provider.observe([Target(key, entity)]).of(key)
        assert isinstance(found, Present)
        return found

    def change(self, entity: str, desired: Mapping[str, Any], *, drift: bool = True, **rules: Any) -> Change:
        before, after = self.look(entity).state, wanted_state(entity, desired, **rules)
        return Change(key_of(entity), "home", entity, Action.UPDATE, before, after, "test", drift=drift)


@pytest.fixture
def room() -> Room:
    made = Room()
    made.home.put("light.desk", "off", by=ANN, supported_color_modes=["brightness"])
    made.home.put("binary_sensor.home", "on")
    made.clock.advance(7200)
    return made


def by_ann(room: Room) -> None:
    room.home.put("light.desk", "on", by=ANN, context="ann's", brightness=20, supported_color_modes=["brightness"])


def nobody_home(room: Room) -> None:
    room.home.put("binary_sensor.home", "off")


def an_hour(room: Room) -> None:
    room.clock.advance(3600)


@pytest.mark.parametrize(
    ("rules", "moves", "said", "waits", "reason"),
    [
        (
            {"conditions": [{"entity": "binary_sensor.home", "state": "on"}]},
            nobody_home,
            "binary_sensor.home is off, and must be on",
            60,
            "what must hold does not any more",
        ),
        (
            {"when": {"from": "00:00", "to": "00:30", "timezone": "UTC"}},
            an_hour,
            "outside of its window, 00:00 to 00:30",
            None,
            "its window closed while others were waited for",
        ),
    ],
)
def test_its_rules_are_asked_again_right_before_it_is_sent(
    room: Room, rules: dict[str, Any], moves: Callable[[Room], None], said: str, waits: float | None, reason: str
) -> None:
    if "when" in rules:
        room.clock.advance(86400 - room.clock.now() % 86400)
    change = room.change("light.desk", {"state": "on", "brightness": 180}, **rules)
    assert room.provider.limit(change) is YES
    moves(room)
    with pytest.raises(Deferred, match=said) as caught:
        room.provider.apply(change, NO)
    assert room.home.called == [], reason
    assert waits is None or caught.value.not_before == room.clock.now() + waits


def heats(room: Room, mode: str, degrees: float, **context: str) -> None:
    room.home.put("climate.hall", mode, temperature=degrees, hvac_modes=["heat", "cool"], **context)


def test_what_a_person_did_after_the_plan_is_left_alone(room: Room) -> None:
    """Each value is one that was planned with, and one of them is a person's wish by now."""
    heats(room, "heat", 25.0, by=ANN)
    room.clock.advance(3600)
    change = room.change("climate.hall", {"state": "cool", "temperature": 21}, override="30m")
    assert room.provider.limit(change) is YES
    heats(room, "cool", 25.0, by=ANN, context="ann's")
    with pytest.raises(Conflict, match="changed by a person at"):
        room.provider.apply(change, NO)
    assert room.home.called == []
    by_ann(room)
    lamp = room.change("light.desk", {"state": "off"}, override="0s")
    room.home.follow = lambda _service, _data: room.home.put("light.desk", "off", by=ME, context="ours")
    room.provider.apply(lamp, NO)
    assert room.home.called == ["light.turn_off"], "without a window it is put back at once"


def test_what_cannot_be_read_is_no_leave_to_write(room: Room) -> None:
    change = room.change("light.desk", {"state": "on"}, when={"from": "22:00", "to": "06:00"})
    room.home.lost = Transient("no answer in time")
    assert room.provider.limit(change) == Wait(room.clock.now() + 5, "no answer in time")


def test_a_time_zone_that_this_machine_does_not_know_is_told(room: Room) -> None:
    room.home.zone = "Atlantis/Deep"
    windowed = room.change("light.desk", {"state": "on"}, when={"from": "22:00", "to": "06:00"})
    answer = room.provider.limit(windowed)
    assert isinstance(answer, Never)
    assert "does not know the time zone 'Atlantis/Deep' of Home Assistant" in answer.why
    with pytest.raises(Transient, match="Atlantis/Deep"):
        room.provider.apply(windowed, NO)
    by_ann(room)
    kept = room.provider.limit(room.change("light.desk", {"state": "off"}, override="30m"))
    assert isinstance(kept, Wait)
    assert kept.why.endswith(" UTC"), "who needs no zone waits for no zone"
    assert room.provider.limit(room.change("light.desk", {"state": "off"}, drift=False)) is YES


@pytest.mark.parametrize(
    ("entity", "before", "leads", "arrives", "attributes", "reason"),
    [
        ("cover.blind", "closed", "opening", "open", {"supported_features": 3}, "a cover takes a minute"),
        ("lock.door", "unlocked", "locking", "locked", {}, "so does a motor lock"),
        ("vacuum.robot", "cleaning", "returning", "docked", {"supported_features": 16}, "a robot drives home"),
        ("alarm_control_panel.house", "disarmed", "arming", "armed_away", {"supported_features": 2}, "time to leave the house"),
        ("media_player.tv", "paused", "buffering", "playing", {"supported_features": 16384}, "a stream begins"),
    ],
)
def test_what_is_on_its_way_is_waited_for_and_not_told_again(
    room: Room, entity: str, before: str, leads: str, arrives: str, attributes: dict[str, Any], reason: str
) -> None:
    """After an interruption, the world is looked at: it is so already, but for the way."""
    room.home.put(entity, before, **attributes)
    change = room.change(entity, {"state": arrives}, drift=False)
    room.home.put(entity, leads, **attributes)
    room.home.later = lambda: room.home.put(entity, arrives, **attributes)
    receipt = room.provider.apply(change, NO)
    assert receipt.state is not None
    assert (receipt.state["desired"]["state"], room.home.called) == (arrives, []), reason


def test_what_stays_on_its_way_is_told_as_that(room: Room) -> None:
    room.home.put("cover.blind", "closed", supported_features=3)
    change = room.change("cover.blind", {"state": "open"}, drift=False)
    room.home.put("cover.blind", "opening", supported_features=3)
    with pytest.raises(Permanent, match=r"cover\.blind was on its way and did not follow within 60 s: it is opening"):
        room.provider.apply(change, NO)
    assert room.home.called == []


@pytest.mark.parametrize(
    ("user", "who", "reason"),
    [
        (ME, "us", "our call arrived, though its answer did not"),
        (ANN, "a person", "somebody else was faster"),
    ],
)
def test_whose_write_it_was_is_known_when_its_answer_was_lost(room: Room, user: str, who: str, reason: str) -> None:
    def follow(_service: str, data: Mapping[str, Any]) -> None:
        room.home.put("light.desk", "on", by=user, context="new", supported_color_modes=["brightness"], **data)
        raise Unsure("the connection broke")

    room.home.follow = follow
    room.provider.apply(room.change("light.desk", {"state": "on", "brightness": 180}), NO)
    assert room.home.called == ["light.turn_on"]
    assert room.look("light.desk").by == who, reason


def garage(room: Room) -> None:
    room.home.put("cover.garage", "closed", device_class="garage", supported_features=3)


@pytest.mark.parametrize(
    ("looked", "reason"),
    [(True, "the next look knows of it"), (False, "it arrives between the plan and the write")],
)
def test_a_garage_that_arrives_late_guards_its_group(room: Room, looked: bool, reason: str) -> None:
    room.home.put("cover.blind", "closed", supported_features=3)
    room.home.put("cover.inner", "closed", supported_features=3, entity_id=["cover.gate"])
    room.home.put("cover.gate", "closed")
    room.home.put("cover.house", "closed", supported_features=3, entity_id=["cover.blind", "cover.inner"])
    change = room.change("cover.house", {"state": "open"}, drift=False)
    assert room.look("cover.house").state["guard"] == ""
    assert room.look("cover.house") is room.look("cover.house"), "nothing moved"
    room.home.put("cover.gate", "closed", device_class="gate")
    if looked:
        assert room.look("cover.house").state["guard"] == "cover.house is a gate cover: a person agrees to every change of it"
    with pytest.raises(Transient, match="a person agrees to every change of it, which the plan did not know"):
        room.provider.apply(change, NO)
    assert room.home.called == [], reason
    agreed = room.change("cover.house", {"state": "open"}, drift=False)
    room.home.follow = lambda _service, _data: room.home.put("cover.house", "open", supported_features=3)
    room.provider.apply(agreed, NO)
    assert room.home.called == ["cover.open_cover"]


def test_no_undo_opens_a_group_that_got_a_garage(room: Room) -> None:
    members: dict[str, Any] = {"supported_features": 3, "entity_id": ["cover.garage"]}
    room.home.put("cover.garage", "open")
    room.home.put("cover.house", "open", **members)
    change = room.change("cover.house", {"state": "closed"}, drift=False)
    room.home.put("cover.house", "closed", **members)
    garage(room)
    with pytest.raises(Conflict, match="stays shut: only a person opens it again"):
        room.provider.apply(replace(change.inverse(), handle=change.handle), NO)
    assert room.home.called == []
