"""When Devices on real Home Assistants are written: who changed them, windows, conditions, absences; and who hears of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from threading import Event as Flag
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from controller.clients.clock import SystemClock
from controller.core.key import Key
from controller.core.limit import YES, Never, Wait
from tests.contract.device_yard import DeviceYard, device_yard, fresh, key_of
from tests.support.clock import HandClock
from tests.support.devices import Device, Light, Switch, Thermostat
from tests.support.homeassistant import HomeAssistant
from tests.support.space import wait_until

OVERRIDE = 1800
DAY = 86400


@pytest.fixture
def clock() -> HandClock:
    return HandClock(SystemClock().now())


@pytest.fixture
def yard(home_assistant: HomeAssistant, clock: HandClock) -> Iterator[DeviceYard]:
    with device_yard(home_assistant, clock) as made:
        yield made


def by_a_person(yard: DeviceYard, lamp: Device) -> None:
    yard.person("light/turn_on", lamp.entity_id, brightness=30)


def by_its_switch(yard: DeviceYard, lamp: Device) -> None:
    lamp.by_hand(on=True, brightness=30)


def by_an_automation(yard: DeviceYard, lamp: Device) -> None:
    name = fresh("automation")
    body = {
        "alias": name,
        "triggers": [{"trigger": "event", "event_type": name}],
        "actions": [{"action": "light.turn_on", "target": {"entity_id": lamp.entity_id}, "data": {"brightness": 30}}],
    }
    yard.house.call("POST", f"/api/config/automation/config/{name}", body)
    wait_until(lambda: f"automation.{name}" in yard.home.states(), "the automation")
    yard.house.call("POST", f"/api/events/{name}", {})
    wait_until(lambda: lamp.state["brightness"] == 30, "the automation to have run")
    yard.house.call("DELETE", f"/api/config/automation/config/{name}")


@pytest.mark.parametrize(
    ("moves", "who", "kept", "reason"),
    [
        (by_a_person, "a person", True, "somebody wanted it so"),
        (by_its_switch, "the device", True, "who presses a switch at the wall wanted it so too"),
        (by_an_automation, "an automation", False, "an automation is nobody's wish of now"),
    ],
)
def test_who_changed_it_is_known_and_a_hand_is_left_alone_for_a_while(
    yard: DeviceYard, clock: HandClock, moves: Callable[[DeviceYard, Device], None], who: str, kept: bool, reason: str
) -> None:
    with Light(yard.house, fresh("lamp")) as lamp:
        yard.make(lamp.entity_id, {"state": "on", "brightness": 180}, override=OVERRIDE)
        assert yard.present(lamp.entity_id).by == "us"
        moves(yard, lamp)
        yard.heard(lamp.entity_id, brightness=30)
        found = yard.present(lamp.entity_id)
        assert found.by == who, reason
        change = yard.change(lamp.entity_id, {"state": "on", "brightness": 180}, override=OVERRIDE, drift=True)
        answer = yard.provider.limit(change)
        if not kept:
            assert answer is YES, reason
            return
        assert isinstance(answer, Wait), reason
        at = yard.home.states()[lamp.entity_id].changed_at
        said = f"{datetime.fromtimestamp(at, ZoneInfo('Europe/Berlin')):%H:%M}"
        assert answer == Wait(at + OVERRIDE, f"changed by {who} at {said}")
        newer = yard.change(lamp.entity_id, {"state": "on", "brightness": 190}, override=OVERRIDE)
        assert yard.provider.limit(newer) is YES, "a changed declaration is the newer wish"
        none = yard.change(lamp.entity_id, {"state": "on", "brightness": 180}, drift=True)
        assert yard.provider.limit(none) is YES, "without a window it is put back at once"
        clock.advance(answer.until - clock.now())
        assert yard.provider.limit(change) is YES, "and after the window"


def test_what_says_nothing_new_does_not_say_who_it_was(yard: DeviceYard) -> None:
    with Thermostat(yard.house, fresh("hall")) as hall:
        yard.make(hall.entity_id, {"state": "heat", "temperature": 21})
        yard.person("climate/set_temperature", hall.entity_id, temperature=25)
        yard.heard(hall.entity_id, temperature=25)
        first = yard.present(hall.entity_id)
        hall.by_hand(current=23.0)
        wait_until(lambda: yard.home.states()[hall.entity_id].attributes["current_temperature"] == 23, "the warmer room")
        assert yard.present(hall.entity_id) is first, "the room got warmer: a person had set it all the same"
        assert first.by == "a person"


def test_the_owner_of_the_token_is_a_person_too(yard: DeviceYard) -> None:
    with Light(yard.house, fresh("lamp")) as lamp:
        yard.make(lamp.entity_id, {"state": "on", "brightness": 180})
        yard.house.call("POST", "/api/services/light/turn_on", {"entity_id": lamp.entity_id, "brightness": 30})
        yard.heard(lamp.entity_id, brightness=30)
        assert yard.present(lamp.entity_id).by == "a person"


def test_what_came_with_its_return_was_nobodys_hand(yard: DeviceYard, clock: HandClock) -> None:
    with Light(yard.house, fresh("lamp")) as lamp:
        yard.make(lamp.entity_id, {"state": "on", "brightness": 180}, override=OVERRIDE)
        lamp.offline()
        yard.lost(lamp.entity_id)
        lamp.by_hand(on=False, wait=False)  # it forgets what it was without power
        lamp.online()
        yard.heard(lamp.entity_id, state="off")
        change = yard.change(lamp.entity_id, {"state": "on", "brightness": 180}, override=OVERRIDE, drift=True)
        answer = yard.provider.limit(change)
        assert isinstance(answer, Wait)
        assert (answer.why, answer.until - clock.now()) == (f"{lamp.entity_id} came back a moment ago", 2.0)
        clock.advance(2.0)
        assert yard.provider.limit(change) is YES


def test_a_hand_is_honoured_over_a_short_absence(yard: DeviceYard, clock: HandClock) -> None:
    with Light(yard.house, fresh("lamp")) as lamp:
        yard.make(lamp.entity_id, {"state": "on", "brightness": 180}, override=OVERRIDE)
        by_a_person(yard, lamp)
        yard.heard(lamp.entity_id, brightness=30)
        lamp.offline()
        yard.lost(lamp.entity_id)
        lamp.online()
        yard.heard(lamp.entity_id, brightness=30)
        clock.advance(10)
        answer = yard.provider.limit(
            yard.change(lamp.entity_id, {"state": "on", "brightness": 180}, override=OVERRIDE, drift=True)
        )
        assert isinstance(answer, Wait)
        assert answer.why.startswith("changed by a person at ")


def test_one_that_comes_and_goes_must_stay_longer_each_time(yard: DeviceYard, clock: HandClock) -> None:
    waits = []
    with Switch(yard.house, fresh("loose")) as loose:
        yard.look(loose.entity_id)
        for _ in range(8):
            loose.offline()
            yard.lost(loose.entity_id)
            clock.advance(10)
            loose.online()
            yard.heard(loose.entity_id, state="off")
            answer = yard.provider.limit(yard.change(loose.entity_id, {"state": "on"}))
            assert isinstance(answer, Wait)
            waits.append(answer.until - clock.now())
        assert [round(each, 3) for each in waits] == [2, 4, 8, 16, 32, 64, 120, 120]
        assert loose.commands == []
        clock.advance(120)
        assert yard.provider.limit(yard.change(loose.entity_id, {"state": "on"})) is YES
        loose.offline()
        yard.lost(loose.entity_id)
        loose.online()
        yard.heard(loose.entity_id, state="off")
        answer = yard.provider.limit(yard.change(loose.entity_id, {"state": "on"}))
        assert isinstance(answer, Wait)
        assert round(answer.until - clock.now(), 3) == 2, "long enough ago is forgotten"


def test_outside_of_its_window_it_waits_for_it(home_assistant: HomeAssistant) -> None:
    noon = datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    clock = HandClock(noon)
    night = {"from": "22:00", "to": "06:00"}
    with device_yard(home_assistant, clock) as yard, Light(yard.house, fresh("lamp")) as lamp:

        def answer(**rules: Any) -> Any:
            return yard.provider.limit(yard.change(lamp.entity_id, {"state": "on"}, **rules))

        assert answer(when=night) == Wait(noon + 10 * 3600, "outside of its window, 22:00 to 06:00")
        assert answer(when={**night, "timezone": "UTC"}) == Wait(noon + 11 * 3600, "outside of its window, 22:00 to 06:00")
        assert answer(when={**night, "days": ["tue"]}).until == noon + DAY + 10 * 3600
        assert answer(when={"from": "11:00", "to": "12:30"}) is YES
        clock.advance(10 * 3600)
        assert answer(when=night) is YES
        clock.advance(8 * 3600)
        assert isinstance(answer(when=night), Wait), "closed in the morning"


def test_while_a_condition_does_not_hold_it_waits_and_hears_of_it(yard: DeviceYard, clock: HandClock) -> None:
    with Light(yard.house, fresh("lamp")) as lamp, Switch(yard.house, fresh("guests")) as guests:
        conditions = [{"entity": guests.entity_id, "state": True}]

        def answer(*more: Mapping[str, Any]) -> Any:
            return yard.provider.limit(yard.change(lamp.entity_id, {"state": "on"}, conditions=[*conditions, *more]))

        found = answer()
        assert found == Wait(clock.now() + 60, f"{guests.entity_id} is off, and must be on")
        with watching(yard) as heard:
            guests.by_hand(on=True)
            wait_until(lambda: key_of(lamp.entity_id) in heard, "word of the condition")
        assert answer() is YES
        unknown = answer({"entity": f"{guests.entity_id}x", "state": "on"})
        assert isinstance(unknown, Never)
        assert f"did you mean `{guests.entity_id}`?" in unknown.why


def test_the_loop_hears_only_of_what_can_be_wanted(yard: DeviceYard) -> None:
    with Thermostat(yard.house, fresh("hall")) as hall, Light(yard.house, fresh("lamp")) as other, watching(yard) as heard:
        yard.look(hall.entity_id)  # the pass that the first word asks for
        hall.by_hand(current=23.5)
        other.by_hand(on=True)
        hall.by_hand(target=25.0)
        wait_until(lambda: heard, "word of the set point")
        assert heard == [key_of(hall.entity_id)], "not of a warmer room, nor of what nobody declared"
        hall.offline()
        wait_until(lambda: len(heard) == 2, "word of its absence")
        hall.online()
        wait_until(lambda: len(heard) == 3, "word of its return")
        yard.lost(f"{hall.entity_id}_none")
        assert heard == [key_of(hall.entity_id)] * 3


@contextmanager
def watching(yard: DeviceYard) -> Iterator[list[Key | None]]:
    """What the loop would hear, after the first word (anything may have moved)."""
    heard: list[Key | None] = []
    stop = Flag()
    thread = Thread(target=yard.provider.watch, args=(heard.append, stop), daemon=True)
    thread.start()
    wait_until(lambda: heard == [None], "the first word")
    heard.clear()
    try:
        yield heard
    finally:
        stop.set()
        thread.join(60)


def test_the_rules_of_a_device_are_plain_data(yard: DeviceYard) -> None:
    with Switch(yard.house, fresh("plain")) as plain:
        change = yard.change(plain.entity_id, {"state": "on"}, when={"from": "22:00", "to": "06:00"}, override="30m")
        assert json.loads(json.dumps(change.after)) == change.after
        assert (change.after or {})["rules"]["override"] == OVERRIDE
