"""What may be wanted of a device, what is the same, and which calls bring it about: values only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.errors import Problem
from controller.kinds.device.actuator import differing
from controller.kinds.device.domains import DOMAINS, means_same, read_desired

LAMP: Mapping[str, Any] = {
    "supported_color_modes": ["color_temp", "hs"],
    "color_mode": "hs",
    "brightness": 100,
    "hs_color": [120.0, 50.0],
    "rgb_color": [127, 255, 127],
    "color_temp_kelvin": None,
    "min_color_temp_kelvin": 2000,
    "max_color_temp_kelvin": 6500,
    "effect_list": ["rainbow"],
}
HALL: Mapping[str, Any] = {
    "hvac_modes": ["off", "heat"],
    "min_temp": 7.0,
    "max_temp": 35.0,
    "temperature": 19.5,
    "fan_mode": "auto",
    "fan_modes": ["auto", "low"],
    "supported_features": 393,
}
FAN: Mapping[str, Any] = {"percentage": 33, "percentage_step": 100 / 3, "supported_features": 1 | 16 | 32}
SPEAKER: Mapping[str, Any] = {"supported_features": 128 | 256 | 16384, "volume_level": 0.5}


def read(entity: str, written: Mapping[str, Any]) -> dict[str, Any]:
    problems: list[Problem] = []
    found = read_desired(entity, written, problems)
    assert not problems
    return found


def calls(entity: str, state: str, shows: Mapping[str, Any], written: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    domain = DOMAINS[entity.partition(".")[0]]
    live = domain.values(state, shows)
    missing = differing(domain, read(entity, written), live)
    return [(call.service, call.data) for call in domain.calls(missing, live)] if missing else []


def unable(entity: str, shows: Mapping[str, Any], written: Mapping[str, Any]) -> list[str]:
    return [f"{word}: {why}" for word, why in DOMAINS[entity.partition(".")[0]].unable(read(entity, written), shows)]


@pytest.mark.parametrize(
    ("entity", "written", "normal", "reason"),
    [
        ("light.a", {"state": True}, {"state": "on"}, "true is on"),
        ("light.a", {"state": "on", "brightness_pct": 100}, {"state": "on", "brightness": 255}, "percent become steps of 255"),
        (
            "light.a",
            {"state": "on", "brightness": 10.0},
            {"state": "on", "brightness": 10},
            "a whole number may be written with .0",
        ),
        ("climate.a", {"temperature": 21.0}, {"temperature": 21}, "equal numbers are equal data"),
        ("input_number.a", {"state": 3}, {"value": 3}, "the value of a number may be called its state"),
        ("select.a", {"state": "Eco"}, {"option": "Eco"}, "as may the choice"),
        ("input_datetime.a", {"value": "7:05"}, {"value": "07:05:00"}, "times are as Home Assistant shows them"),
        ("media_player.a", {"state": "off"}, {"power": "off"}, "a player that sleeps is off, whatever it calls that"),
        ("media_player.a", {"state": "on", "volume_level": 1}, {"power": "on", "volume_level": 1}, "and on may be anything else"),
        ("media_player.a", {"state": "paused"}, {"state": "paused"}, "what it plays is its state"),
        ("water_heater.a", {"away_mode": "off"}, {"away_mode": False}, "on and off are flags too"),
    ],
)
def test_what_is_written_has_one_normal_form(entity: str, written: Any, normal: Any, reason: str) -> None:
    assert read(entity, written) == normal, reason


@pytest.mark.parametrize(
    ("entity", "shows", "written", "why", "reason"),
    [
        ("climate.a", HALL, {"temperature": 99}, "temperature: it takes 7 to 35", "99 °C is refused here, on every version"),
        ("climate.a", HALL, {"state": "cool"}, "state: it knows only off, heat", "a heater cannot cool"),
        ("climate.a", HALL, {"fan_mode": "turbo"}, "fan_mode: it knows only auto, low", "modes are those of the device"),
        ("climate.a", HALL, {"swing_mode": "on"}, "swing_mode: it has no swing_modes", "it has no such thing at all"),
        (
            "climate.a",
            HALL,
            {"target_temp_low": 18, "target_temp_high": 22},
            "target_temp_low: it has no target_temp_low",
            "one set point is no range",
        ),
        (
            "light.a",
            {"supported_color_modes": ["onoff"]},
            {"state": "on", "brightness": 9},
            "brightness: it can only be switched",
            "no dimmer",
        ),
        ("light.a", LAMP, {"state": "on", "color_temp_kelvin": 9000}, "color_temp_kelvin: it takes 2000 to 6500", "too cold"),
        ("light.a", LAMP, {"state": "on", "effect": "disco"}, "effect: it knows only rainbow", "unknown effect"),
        (
            "light.a",
            {"supported_color_modes": ["brightness"]},
            {"state": "on", "rgb_color": [1, 2, 3]},
            "rgb_color: it cannot show colours: it knows brightness",
            "no colours",
        ),
        ("cover.a", {"supported_features": 3}, {"position": 40}, "position: it cannot stop at a position", "open or closed only"),
        ("fan.a", FAN, {"state": "on", "percentage": 50}, "percentage: its speeds are 33, 67, 100", "between two speeds"),
        (
            "number.a",
            {"min": 0, "max": 10, "step": 0.5},
            {"value": 0.7},
            "value: it takes steps of 0.5, counted from 0",
            "off the grid",
        ),
        ("number.a", {"min": 0, "max": 10, "step": 0.5}, {"value": 11}, "value: it takes 0 to 10", "out of range"),
        ("select.a", {"options": ["a", "b"]}, {"option": "c"}, "option: it knows only a, b", "no such choice"),
        ("input_text.a", {"min": 0, "max": 2}, {"value": "abc"}, "value: it holds 0 to 2 characters", "too long"),
        (
            "input_text.a",
            {"min": 0, "max": 9, "pattern": "[a-z]*"},
            {"value": "A"},
            "value: it holds only what fits [a-z]*",
            "unfit",
        ),
        ("input_datetime.a", {"has_time": True}, {"value": "2026-12-24"}, "value: it holds a time only", "a day for a time"),
        (
            "alarm_control_panel.a",
            {"supported_features": 2},
            {"state": "armed_home"},
            "state: it cannot be armed_home",
            "not at home",
        ),
        ("media_player.a", SPEAKER, {"state": "on", "is_volume_muted": True}, "is_volume_muted: it cannot be muted", "no mute"),
    ],
)
def test_what_an_entity_cannot_be_is_refused(entity: str, shows: Any, written: Any, why: str, reason: str) -> None:
    assert why in unable(entity, shows, written), reason


def test_what_an_entity_can_be_is_not() -> None:
    assert unable("light.a", LAMP, {"state": "on", "brightness": 9, "hs_color": [10, 20], "effect": "rainbow"}) == []
    assert unable("climate.a", HALL, {"state": "heat", "temperature": 35, "fan_mode": "low"}) == []
    assert unable("fan.a", FAN, {"state": "on", "percentage": 67}) == []
    assert unable("number.a", {"min": 0.1, "max": 10, "step": 0.1}, {"value": 0.7}) == []


@pytest.mark.parametrize(
    ("entity", "state", "shows", "written", "sent", "reason"),
    [
        ("light.a", "on", LAMP, {"state": "on", "brightness": 101}, [], "what is so already is not sent again"),
        ("light.a", "on", LAMP, {"state": "on", "brightness": 200}, [("turn_on", {"brightness": 200})], "only what differs"),
        (
            "light.a",
            "off",
            {**LAMP, "brightness": None, "color_mode": None},
            {"state": "on", "brightness": 200, "hs_color": [10, 20]},
            [("turn_on", {"brightness": 200, "hs_color": [10, 20]})],
            "one call brings all of it",
        ),
        ("light.a", "on", LAMP, {"state": "off"}, [("turn_off", {})], "off is off"),
        (
            "climate.a",
            "off",
            HALL,
            {"state": "heat", "temperature": 21, "fan_mode": "low"},
            [
                ("set_hvac_mode", {"hvac_mode": "heat"}),
                ("set_temperature", {"temperature": 21}),
                ("set_fan_mode", {"fan_mode": "low"}),
            ],
            "the mode comes first: the temperature may follow from it",
        ),
        (
            "cover.a",
            "closed",
            {"current_position": 0},
            {"position": 40},
            [("set_cover_position", {"position": 40})],
            "a position",
        ),
        ("cover.a", "closed", {}, {"state": "open"}, [("open_cover", {})], "a state"),
        ("lock.a", "unlocked", {}, {"state": "locked"}, [("lock", {})], "a lock"),
        ("fan.a", "off", FAN, {"state": "on", "percentage": 67}, [("turn_on", {"percentage": 67})], "on with its speed"),
        ("fan.a", "on", FAN, {"state": "on", "percentage": 67}, [("set_percentage", {"percentage": 67})], "the speed alone"),
        (
            "media_player.a",
            "standby",
            SPEAKER,
            {"state": "playing", "volume_level": 0.2},
            [("turn_on", {}), ("volume_set", {"volume_level": 0.2}), ("media_play", {})],
            "awake, then loud enough, then playing",
        ),
        ("media_player.a", "standby", SPEAKER, {"state": "off"}, [], "asleep is off"),
        ("input_datetime.a", "07:00:00", {}, {"value": "08:30"}, [("set_datetime", {"time": "08:30:00"})], "a time"),
        ("vacuum.a", "cleaning", {}, {"state": "docked"}, [("return_to_base", {})], "home"),
        ("alarm_control_panel.a", "disarmed", {}, {"state": "armed_away"}, [("alarm_arm_away", {})], "armed"),
    ],
)
def test_as_few_calls_as_there_can_be(entity: str, state: str, shows: Any, written: Any, sent: Any, reason: str) -> None:
    assert calls(entity, state, shows, written) == sent, reason


@pytest.mark.parametrize(
    ("word", "wanted", "shown", "same", "reason"),
    [
        ("brightness", 180, 182, True, "lamps round brightness"),
        ("brightness", 180, 190, False, "but not that much"),
        ("temperature", 21, 21.2, True, "a thermostat with steps of half a degree"),
        ("temperature", 21, 21.5, False, "half a degree is felt"),
        ("color_temp_kelvin", 6500, 6535, True, "one mired of a cold light"),
        ("color_temp_kelvin", 2700, 2735, False, "five mireds of a warm one"),
        ("hs_color", [359, 50], [1, 50], True, "the circle of colours closes"),
        ("hs_color", [120, 0], [200, 1], True, "without saturation there is no hue"),
        ("hs_color", [120, 50], [140, 50], False, "another colour"),
        ("position", 100, 98, True, "blinds never stop exactly"),
        ("state", "open", "opening", True, "on its way is as good as there"),
        ("state", "closed", "opening", False, "on the wrong way is not"),
        ("state", "on", "off", False, "off is not on"),
        ("value", 0.3, 0.30000000000000004, True, "numbers of computers"),
        ("value", "a", "b", False, "texts are exact"),
    ],
)
def test_what_means_the_same(word: str, wanted: Any, shown: Any, same: bool, reason: str) -> None:
    assert means_same(word, wanted, shown) is same, reason


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=5)
)
EVERY_WORD = sorted({word for domain in DOMAINS.values() for word in (*domain.fields, *domain.short)})


@given(
    entity=st.sampled_from(sorted(DOMAINS)).map(lambda domain: f"{domain}.a"),
    written=st.dictionaries(st.sampled_from(EVERY_WORD), ANYTHING, max_size=4),
)
@settings(derandomize=True, max_examples=150, deadline=None)
def test_whatever_is_written_is_read_or_told(entity: str, written: Mapping[str, Any]) -> None:
    problems: list[Problem] = []
    found = read_desired(entity, written, problems)
    again: list[Problem] = []
    assert found.keys() <= DOMAINS[entity.partition(".")[0]].fields.keys()
    assert all(means_same(word, value, value) for word, value in found.items()), "whatever holds is no drift"
    if not problems:
        spelled = {"state" if word == "power" else word: value for word, value in found.items()}
        assert read_desired(entity, spelled, again) == found
        assert not again, "a normal form is its own"
