"""Devices on real Home Assistants: told once, confirmed by what they show, put back, and never told what they cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from threading import Event as Flag

import pytest

from controller.core.errors import Conflict, Interrupted, Permanent, Transient
from controller.core.limit import YES, Never
from controller.core.secret import SecretVersion
from controller.core.state import Absent, Unknown
from controller.kinds.device import KIND
from tests.contract.device_yard import NO, DeviceYard, device_yard, fresh
from tests.support.devices import Cover, Light, Lock, Obeys, Switch, Thermostat
from tests.support.homeassistant import HomeAssistant
from tests.support.space import wait_until


@pytest.fixture
def yard(home_assistant: HomeAssistant) -> Iterator[DeviceYard]:
    with device_yard(home_assistant) as made:
        yield made


def test_a_lamp_is_told_once_and_put_back_exactly(yard: DeviceYard) -> None:
    with Light(yard.house, fresh("lamp")) as lamp:
        lamp.by_hand(on=True, brightness=50, kelvin=4000)
        yard.heard(lamp.entity_id, brightness=50)
        change = yard.make(lamp.entity_id, {"state": "on", "brightness": 180, "color_temp_kelvin": 2700})
        assert len(lamp.commands) == 1, "one call brings all of it"
        assert yard.provider.apply(change, NO).state == yard.present(lamp.entity_id).state
        assert len(lamp.commands) == 1, "what is so already is not sent again"
        yard.undo(change)
        assert lamp.state == {"on": True, "brightness": 50, "kelvin": 4000}
        assert yard.differing(change.before or {}) == []


def test_a_lamp_that_was_off_is_off_again_and_one_that_was_on_gets_its_values_back(yard: DeviceYard) -> None:
    with Light(yard.house, fresh("lamp")) as lamp:
        lamp.by_hand(on=True, brightness=77, kelvin=5000)
        yard.heard(lamp.entity_id, brightness=77)
        off = yard.make(lamp.entity_id, {"state": "off"})
        on = yard.make(lamp.entity_id, {"state": "on", "brightness": 9})
        yard.undo(on)
        assert lamp.state["on"] is False
        lamp.by_hand(brightness=200, kelvin=2000)
        yard.undo(off)
        assert lamp.state == {"on": True, "brightness": 77, "kelvin": 5000}


def test_one_that_follows_late_is_waited_for(yard: DeviceYard) -> None:
    with Cover(yard.house, fresh("blind"), obeys=Obeys.LATE) as blind:
        change = yard.change(blind.entity_id, {"state": "open"})
        with yard.applying(change) as applied:
            wait_until(lambda: yard.shows(blind.entity_id)["state"] == "opening", "the blind to move")
            assert not applied.done(), "a blind that moves is not there yet"
            assert yard.differing(change.after or {}) == [], "and is no drift either"
            blind.catch_up()
            assert applied.result(60).state == yard.present(blind.entity_id).state
        assert yard.shows(blind.entity_id) == {"state": "open", "position": 100}
        assert blind.commands == [("move", "OPEN")]


def test_a_position_is_put_back_as_a_position(yard: DeviceYard) -> None:
    with Cover(yard.house, fresh("blind")) as blind:
        blind.by_hand(position=40)
        yard.heard(blind.entity_id, position=40)
        change = yard.make(blind.entity_id, {"state": "closed"})
        yard.undo(change)
        assert blind.state["position"] == 40
        assert blind.commands == [("move", "CLOSE"), ("position", "40")]


def test_one_that_ignores_the_command_fails_with_what_it_is(yard: DeviceYard) -> None:
    with Light(yard.house, fresh("lamp"), obeys=Obeys.NEVER) as lamp:
        change = yard.change(lamp.entity_id, {"state": "on"}, confirm=1)
        with pytest.raises(Permanent, match="took the command and did not follow within 1 s: it is off"):
            yard.provider.apply(change, NO)
        assert len(lamp.commands) == 1
        assert yard.differing(change.before or {}) == []


def test_one_that_follows_in_part_is_told_and_put_back(yard: DeviceYard) -> None:
    with Light(yard.house, fresh("lamp"), obeys=Obeys.PARTLY) as lamp:
        change = yard.change(lamp.entity_id, {"state": "on", "brightness": 200}, confirm=1)
        with pytest.raises(Permanent, match="followed only in part within 1 s: brightness is 100, not 200"):
            yard.provider.apply(change, NO)
        lamp.obeys = Obeys.AT_ONCE
        settled = yard.change(lamp.entity_id, {"state": "on", "brightness": 100})
        yard.undo(replace(settled, before=change.before))
        assert lamp.state["on"] is False


def test_a_wait_that_is_called_off_ends_at_once(yard: DeviceYard) -> None:
    interrupt = Flag()
    with (
        Light(yard.house, fresh("lamp"), obeys=Obeys.NEVER) as lamp,
        yard.applying(yard.change(lamp.entity_id, {"state": "on"}), interrupt) as applied,
    ):
        wait_until(lambda: lamp.commands, "the command")
        interrupt.set()
        with pytest.raises(Interrupted):
            applied.result(60)


def test_a_thermostat_gets_its_mode_first(yard: DeviceYard) -> None:
    with Thermostat(yard.house, fresh("hall")) as hall:
        change = yard.make(hall.entity_id, {"state": "heat", "temperature": 21.5})
        assert hall.commands == [("mode", "heat"), ("temperature", "21.5")]
        yard.make(hall.entity_id, {"temperature": 19})
        assert hall.commands[2:] == [("temperature", "19.0")]
        yard.make(hall.entity_id, {"temperature": 21.5})
        yard.undo(change)
        assert (hall.state["mode"], hall.state["target"]) == ("off", 18.0)


@pytest.mark.parametrize(
    ("desired", "why", "reason"),
    [
        ({"temperature": 99}, "temperature 99: it takes 5 to 30", "2024.3 sets 99 °C without a word"),
        ({"state": "cool"}, "state cool: it knows only off, heat, auto", "some versions say success and write a line to a log"),
        ({"preset_mode": "party"}, "preset_mode party: it has no preset_modes", "what it has not"),
    ],
)
def test_what_a_device_cannot_be_is_never_sent(yard: DeviceYard, desired: dict[str, object], why: str, reason: str) -> None:
    with Thermostat(yard.house, fresh("hall")) as hall:
        change = yard.change(hall.entity_id, desired)
        answer = yard.provider.limit(change)
        assert isinstance(answer, Never)
        assert why in answer.why, reason
        with pytest.raises(Permanent, match="cannot be so"):
            yard.provider.apply(change, NO)
        assert hall.commands == []


def test_an_entity_that_does_not_exist_is_told_with_the_nearest(yard: DeviceYard) -> None:
    with Switch(yard.house, fresh("fountain")) as fountain:
        mistyped = fountain.entity_id.replace("fountain", "fontain")
        assert isinstance(yard.look(mistyped), Absent)
        answer = yard.provider.limit(yard.change(mistyped, {"state": "on"}))
        assert isinstance(answer, Never)
        assert answer.why.startswith(f"Home Assistant has no {mistyped}; did you mean `switch.t_device_")


def test_one_that_was_renamed_is_known_again(yard: DeviceYard) -> None:
    with Switch(yard.house, fresh("pump")) as pump:
        handle, renamed = yard.present(pump.entity_id).handle, f"{pump.entity_id}_new"
        yard.house.ask("config/entity_registry/update", entity_id=pump.entity_id, new_entity_id=renamed)
        wait_until(lambda: isinstance(yard.look(pump.entity_id), Absent), "the new name")
        change = replace(yard.change(pump.entity_id, {"state": "on"}), handle=handle)
        answer = yard.provider.limit(change)
        assert answer == Never(f"{pump.entity_id} is called {renamed} now: write `entity: {renamed}`")
        yard.house.ask("config/entity_registry/update", entity_id=renamed, new_entity_id=pump.entity_id)


def test_one_that_is_disabled_waits(yard: DeviceYard) -> None:
    with Switch(yard.house, fresh("pump")) as pump:
        yard.house.ask("config/entity_registry/update", entity_id=pump.entity_id, disabled_by="user")

        def said() -> str:
            found = yard.look(pump.entity_id)
            return found.reason if isinstance(found, Unknown) else ""

        wait_until(lambda: "is disabled in Home Assistant (by user)" in said(), "word of it")
        yard.house.ask("config/entity_registry/remove", entity_id=pump.entity_id)


def test_nothing_is_sent_to_one_that_is_away_and_nothing_is_kept_for_it(yard: DeviceYard) -> None:
    with Light(yard.house, fresh("lamp")) as lamp:
        change = yard.change(lamp.entity_id, {"state": "on"})
        lamp.offline()
        yard.lost(lamp.entity_id)
        found = yard.look(lamp.entity_id)
        assert found == Unknown(f"{lamp.entity_id} is unavailable; it is written when it is back")
        with pytest.raises(Transient, match="nothing is sent before it is back"):
            yard.provider.apply(change, NO)
        lamp.online()
        yard.heard(lamp.entity_id, state="off")
        assert (lamp.commands, lamp.missed) == ([], [])
        yard.make(lamp.entity_id, {"state": "on"})
        assert len(lamp.commands) == 1


def test_one_that_goes_away_while_it_is_waited_for_is_no_failure(yard: DeviceYard) -> None:
    with (
        Light(yard.house, fresh("lamp"), obeys=Obeys.NEVER) as lamp,
        yard.applying(yard.change(lamp.entity_id, {"state": "on"})) as applied,
    ):
        wait_until(lambda: lamp.commands, "the command")
        lamp.offline()
        with pytest.raises(Transient, match="went away before it followed: it is unavailable"):
            applied.result(60)


def test_what_changed_since_is_left_by_an_undo(yard: DeviceYard) -> None:
    with Light(yard.house, fresh("lamp")) as lamp:
        change = yard.make(lamp.entity_id, {"state": "on", "brightness": 180})
        lamp.by_hand(brightness=20)
        yard.heard(lamp.entity_id, brightness=20)
        with pytest.raises(Conflict, match="moved meanwhile: brightness"):
            yard.undo(change)
        assert lamp.state["brightness"] == 20


def test_what_changed_since_the_plan_is_a_conflict(yard: DeviceYard) -> None:
    with Light(yard.house, fresh("lamp")) as lamp:
        change = yard.change(lamp.entity_id, {"state": "on", "brightness": 180})
        lamp.by_hand(on=True, brightness=20)
        yard.heard(lamp.entity_id, brightness=20)
        with pytest.raises(Conflict):
            yard.provider.apply(change, NO)
        assert lamp.commands == []
        yard.make(lamp.entity_id, {"state": "on", "brightness": 180})


def test_a_lock_is_guarded_and_no_undo_opens_it(yard: DeviceYard) -> None:
    with Lock(yard.house, fresh("door")) as door:
        door.by_hand(**{"is": "unlocked"})
        yard.heard(door.entity_id, state="unlocked")
        change = yard.make(door.entity_id, {"state": "locked"})
        assert "is a lock" in KIND.attended(change.before, change.after)
        assert KIND.reversal(change.action, change.after, {**(change.before or {}), "rules": {}}) == "none"
        with pytest.raises(Conflict, match="stays shut: only a person opens it again"):
            yard.undo(change)
        assert door.state == {"is": "locked"}
        assert door.commands == [("lock", "LOCK")]


def test_the_code_of_a_lock_comes_from_the_vault(yard: DeviceYard) -> None:
    with Coded(yard.house, fresh("door")) as door:
        change = yard.change(door.entity_id, {"state": "unlocked"})
        after = {**(change.after or {}), "rules": {"confirm": 60, "code": SecretVersion("4711", 1, "fingerprint").state()}}
        yard.provider.apply(replace(change, after=after), NO)
        assert door.commands == [("lock", "UNLOCK 4711")]


def test_one_that_jams_is_told(yard: DeviceYard) -> None:
    with Lock(yard.house, fresh("door"), obeys=Obeys.PARTLY) as door:
        with pytest.raises(Permanent, match="did not follow within 1 s: it is jammed"):
            yard.provider.apply(yard.change(door.entity_id, {"state": "unlocked"}, confirm=1), NO)
        assert door.commands == [("lock", "UNLOCK")]


def test_a_garage_door_is_known_by_its_class(yard: DeviceYard) -> None:
    with Garage(yard.house, fresh("garage")) as garage, Cover(yard.house, fresh("blind")) as blind:
        assert "is a garage cover" in yard.present(garage.entity_id).state["guard"]
        assert yard.present(blind.entity_id).state["guard"] == ""


def test_values_of_helpers_are_set(yard: DeviceYard) -> None:
    name = fresh("level")
    yard.house.ask("input_number/create", name=name, min=0, max=10, step=0.5, initial=2)
    entity = f"input_number.{name}"
    yard.heard(entity, value=2)
    change = yard.make(entity, {"value": 7.5})
    assert yard.provider.limit(yard.change(entity, {"value": 7.6})) != YES
    yard.undo(change)
    assert yard.shows(entity) == {"value": 2}
    yard.house.ask("input_number/delete", input_number_id=name)


class Garage(Cover):
    """A cover of another class."""

    def description(self) -> dict[str, object]:
        return {**super().description(), "device_class": "garage"}


class Coded(Lock):
    """A lock that asks for a code."""

    def description(self) -> dict[str, object]:
        return {**super().description(), "code_format": "^\\d{4}$", "command_template": "{{ value }} {{ code }}"}

    def understood(self, what: str, text: str) -> dict[str, object]:
        return super().understood(what, text.partition(" ")[0])
