"""What heats, cools, dries and blows: climate, water heaters, humidifiers and fans. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from controller.kinds.device.domain import STATE, Call, Domain, Field, Values, attribute, pick, state_itself
from controller.kinds.device.values import Able, Shows, between, featured, flag, listed, number, text, whole, within, words

_ON_OFF = Field(words("on", "off", yes="on", no="off"), state_itself)
_MODES = ("off", "heat", "cool", "heat_cool", "auto", "dry", "fan_only")
_DEGREES = number(-50, 250)
_NEAR_DEGREES = within(0.25)
_SPEED, _OSCILLATE, _DIRECTION = 1, 2, 4


def _degrees(name: str) -> Field:
    return Field(_DEGREES, attribute(name), _shown_too(name, between("min_temp", "max_temp")), _NEAR_DEGREES)


def _shown_too(name: str, then: Able) -> Able:
    """An entity that cannot take a value does not even name its attribute."""

    def able(value: Any, shows: Shows) -> str:
        return then(value, shows) if name in shows else f"it has no {name}"

    return able


def _humidity(able: Able) -> Field:
    return Field(whole(0, 100), attribute("humidity"), able, within(1))


def _choice(name: str, choices: str) -> Field:
    return Field(text, attribute(name), listed(choices))


def _each(wanted: Values, *services: tuple[str, str]) -> Iterable[Call]:
    """One call for each value that has a service of its own."""
    return [Call(service, {word: wanted[word]}, (word,)) for word, service in services if word in wanted]


def _climate(wanted: Values, _live: Values) -> list[Call]:
    """The mode first, for what a device heats to may follow from it and from a preset; but last when it is off then."""
    mode = [Call("set_hvac_mode", {"hvac_mode": wanted[STATE]}, (STATE,))] if STATE in wanted else []
    values = [*_each(wanted, ("preset_mode", "set_preset_mode"))]
    for data in (pick(wanted, "temperature"), pick(wanted, "target_temp_low", "target_temp_high")):
        values += [Call("set_temperature", data, tuple(data))] if data else []
    others = (("humidity", "set_humidity"), ("fan_mode", "set_fan_mode"), ("swing_mode", "set_swing_mode"))
    values += _each(wanted, *others)
    return [*values, *mode] if wanted.get(STATE) == "off" else [*mode, *values]


def _water_heater(wanted: Values, _live: Values) -> list[Call]:
    found = [Call("set_operation_mode", {"operation_mode": wanted[STATE]}, (STATE,))] if STATE in wanted else []
    return [*found, *_each(wanted, ("away_mode", "set_away_mode"), ("temperature", "set_temperature"))]


def _humidifier(wanted: Values, _live: Values) -> list[Call]:
    found = [Call(f"turn_{wanted[STATE]}", {}, (STATE,))] if STATE in wanted else []
    return [*found, *_each(wanted, ("mode", "set_mode"), ("humidity", "set_humidity"))]


def _fan(wanted: Values, _live: Values) -> list[Call]:
    if wanted.get(STATE) == "off":
        return [Call("turn_off", {}, (STATE,))]
    speeds = ("percentage", "set_percentage"), ("preset_mode", "set_preset_mode")
    speed = pick(wanted, *(word for word, _ in speeds))
    found = [Call("turn_on", speed, (STATE, *speed))] if STATE in wanted else [*_each(wanted, *speeds)]
    return [*found, *_each(wanted, ("oscillating", "oscillate"), ("direction", "set_direction"))]


def _speed(value: Any, shows: Shows) -> str:
    """Most fans have a few speeds, which are percentages in between."""
    width = shows.get("percentage_step")
    if not isinstance(width, (int, float)) or not 0 < width <= 100:
        return ""
    speeds = [round(width * step) for step in range(1, round(100 / width) + 1)]
    return "" if any(abs(value - each) <= 1 for each in speeds) else f"its speeds are {', '.join(map(str, speeds))}"


def _away(_state: str, shows: Shows) -> Any:
    """Shown as on and off."""
    found = shows.get("away_mode")
    return found == "on" if found in ("on", "off") else None


CLIMATE = Domain(
    fields={
        STATE: Field(words(*_MODES), state_itself, listed("hvac_modes")),
        "temperature": _degrees("temperature"),
        "target_temp_low": _degrees("target_temp_low"),
        "target_temp_high": _degrees("target_temp_high"),
        "humidity": _humidity(featured(4, "hold a humidity", between("min_humidity", "max_humidity"))),
        "fan_mode": _choice("fan_mode", "fan_modes"),
        "preset_mode": _choice("preset_mode", "preset_modes"),
        "swing_mode": _choice("swing_mode", "swing_modes"),
    },
    calls=_climate,
    apart=(frozenset(["temperature", "target_temp_low"]), frozenset(["temperature", "target_temp_high"])),
    together=(frozenset(["target_temp_low", "target_temp_high"]),),
)
WATER_HEATER = Domain(
    fields={
        STATE: Field(text, state_itself, listed("operation_list")),
        "temperature": _degrees("temperature"),
        "away_mode": Field(flag, _away, featured(4, "be away")),
    },
    calls=_water_heater,
)
HUMIDIFIER = Domain(
    fields={
        STATE: _ON_OFF,
        "humidity": _humidity(between("min_humidity", "max_humidity")),
        "mode": _choice("mode", "available_modes"),
    },
    calls=_humidifier,
)
FAN = Domain(
    fields={
        STATE: _ON_OFF,
        "percentage": Field(whole(1, 100), attribute("percentage"), featured(_SPEED, "hold a speed", _speed), within(1)),
        "preset_mode": _choice("preset_mode", "preset_modes"),
        "oscillating": Field(flag, attribute("oscillating"), featured(_OSCILLATE, "oscillate")),
        "direction": Field(words("forward", "reverse"), attribute("direction"), featured(_DIRECTION, "turn the other way")),
    },
    calls=_fan,
    rest=frozenset(["off"]),
    needs_state=True,
    apart=(frozenset(["percentage", "preset_mode"]),),
)
