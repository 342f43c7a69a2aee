"""Switches, media players, robots, and the values that a person sets: numbers, choices, texts and times. Pure."""

from __future__ import annotations

import re
from typing import Any

from controller.kinds.device.domain import STATE, Call, Domain, Field, Values, attribute, state_itself
from controller.kinds.device.values import (
    Able,
    Shows,
    any_entity,
    between,
    featured,
    flag,
    listed,
    number,
    same_value,
    shown_number,
    text,
    within,
    words,
)

_LARGEST = 1e15
_PAUSE, _VOLUME, _MUTE, _ON, _OFF, _SOURCE, _STOP, _PLAY, _SOUND = 1, 4, 8, 128, 256, 2048, 4096, 16384, 65536
_PLAYS = {
    "playing": ("media_play", _PLAY),
    "paused": ("media_pause", _PAUSE),
    "idle": ("media_stop", _STOP),
}
_POWER = {"on": _ON, "off": _OFF}
_DORMANT = frozenset(["off", "standby"])
VALUE, OPTION, POWER = "value", "option", "power"
_MOMENT = re.compile(r"(?:(\d{4}-\d{2}-\d{2})[ T])?([0-2]?\d:[0-5]\d(?::[0-5]\d)?)|(\d{4}-\d{2}-\d{2})")


def _switch(wanted: Values, _live: Values) -> list[Call]:
    return [Call(f"turn_{wanted[STATE]}", {}, (STATE,))]


def _set_value(wanted: Values, _live: Values) -> list[Call]:
    return [Call("set_value", {VALUE: wanted[VALUE]}, (VALUE,))]


def _select(wanted: Values, _live: Values) -> list[Call]:
    return [Call("select_option", {OPTION: wanted[OPTION]}, (OPTION,))]


def _numeric(state: str, _shows: Shows) -> Any:
    return shown_number(state)


def _media(wanted: Values, live: Values) -> list[Call]:
    """First on, then what it plays from, then whether it plays."""
    if wanted.get(POWER) == "off":
        return [Call("turn_off", {}, (POWER,))]
    asleep = live.get(POWER) == "off" and (POWER in wanted or STATE in wanted)
    found = [Call("turn_on", {}, (POWER,))] if asleep else []
    if "source" in wanted:
        found.append(Call("select_source", {"source": wanted["source"]}, ("source",)))
    if "sound_mode" in wanted:
        found.append(Call("select_sound_mode", {"sound_mode": wanted["sound_mode"]}, ("sound_mode",)))
    if "volume_level" in wanted:
        found.append(Call("volume_set", {"volume_level": wanted["volume_level"]}, ("volume_level",)))
    if "is_volume_muted" in wanted:
        found.append(Call("volume_mute", {"is_volume_muted": wanted["is_volume_muted"]}, ("is_volume_muted",)))
    if wanted.get(STATE) in _PLAYS:
        found.append(Call(_PLAYS[wanted[STATE]][0], {}, (STATE,)))
    return found


def _power(state: str, _shows: Shows) -> str:
    return "off" if state in _DORMANT else "on"


def _play(state: str, _shows: Shows) -> str | None:
    return None if state in _DORMANT else state


def _plays(value: Any, shows: Shows) -> str:
    return featured(_PLAYS[value][1], f"be told to be {value}")(value, shows)


def _powers(value: Any, shows: Shows) -> str:
    return featured(_POWER[value], f"be turned {value}")(value, shows)


def _has(name: str, bit: int, what: str, then: Able = any_entity) -> Able:
    """A feature that shows only while the entity is on."""

    def able(value: Any, shows: Shows) -> str:
        return featured(bit, what, then if name in shows else any_entity)(value, shows)

    return able


def _robot(services: dict[str, str]) -> Any:
    def calls(wanted: Values, _live: Values) -> list[Call]:
        found = [Call("set_fan_speed", {"fan_speed": wanted["fan_speed"]}, ("fan_speed",))] if "fan_speed" in wanted else []
        service = services.get(wanted.get(STATE, ""))
        return [*found, Call(service, {}, (STATE,))] if service else found

    return calls


def _moment(value: Any) -> str:
    """A date, a time, or both, as Home Assistant shows them."""
    match = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a time ("07:00"), a date ("2026-12-24") or both ("2026-12-24 07:00:00"), in quotes')
    day, time = match[1] or match[3], match[2]
    if time is not None:
        hours, *rest = time.split(":")
        time = ":".join([hours.zfill(2), *rest, "00"][:3])
        if int(hours) > 23:
            raise ValueError("a time from 00:00:00 to 23:59:59")
    return " ".join(part for part in (day, time) if part)


def _set_moment(wanted: Values, _live: Values) -> list[Call]:
    value = wanted[VALUE]
    name = "datetime" if " " in value else "time" if ":" in value else "date"
    return [Call("set_datetime", {name: value}, (VALUE,))]


def _holds_moment(value: Any, shows: Shows) -> str:
    day, time = bool(shows.get("has_date")), bool(shows.get("has_time"))
    if ("-" in value, ":" in value) == (day, time):
        return ""
    return "it holds a date and a time" if day and time else f"it holds {'a date' if day else 'a time'} only"


def _fits(value: Any, shows: Shows) -> str:
    least, most = shows.get("min"), shows.get("max")
    if isinstance(least, (int, float)) and isinstance(most, (int, float)) and not least <= len(value) <= most:
        return f"it holds {least:g} to {most:g} characters"
    pattern = shows.get("pattern")
    try:
        good = not isinstance(pattern, str) or re.fullmatch(pattern, value) is not None
    except re.error:
        good = True  # it judges that itself
    return "" if good else f"it holds only what fits {pattern}"


SWITCH = Domain(fields={STATE: Field(words("on", "off", yes="on", no="off"), state_itself)}, calls=_switch)
_NUMBER = number(-_LARGEST, _LARGEST)
NUMBER = Domain(
    fields={VALUE: Field(_NUMBER, _numeric, between("min", "max", "step"), same_value)},
    calls=_set_value,
    short={STATE: (VALUE, _NUMBER)},
)
SELECT = Domain(fields={OPTION: Field(text, state_itself, listed("options"))}, calls=_select, short={STATE: (OPTION, text)})
TEXT = Domain(fields={VALUE: Field(text, state_itself, _fits, same_value)}, calls=_set_value, short={STATE: (VALUE, text)})
DATETIME = Domain(
    fields={VALUE: Field(_moment, state_itself, _holds_moment, same_value)}, calls=_set_moment, short={STATE: (VALUE, _moment)}
)
MEDIA_PLAYER = Domain(
    fields={
        STATE: Field(words(*_PLAYS, *_POWER, yes="on", no="off"), _play, _plays),
        POWER: Field(words(*_POWER), _power, _powers),
        "volume_level": Field(number(0, 1), attribute("volume_level"), featured(_VOLUME, "set its volume"), within(0.02)),
        "is_volume_muted": Field(flag, attribute("is_volume_muted"), featured(_MUTE, "be muted")),
        "source": Field(text, attribute("source"), _has("source_list", _SOURCE, "choose a source", listed("source_list"))),
        "sound_mode": Field(
            text, attribute("sound_mode"), _has("sound_mode_list", _SOUND, "choose a sound mode", listed("sound_mode_list"))
        ),
    },
    calls=_media,
    moving={"playing": frozenset(["buffering"])},
    rest=frozenset(["off"]),
    needs_state=True,
    apart=(frozenset([STATE, POWER]),),
    told={(STATE, word): POWER for word in _POWER},
)
VACUUM = Domain(
    fields={
        STATE: Field(words("cleaning", "docked", "paused", "idle"), state_itself),
        "fan_speed": Field(text, attribute("fan_speed"), listed("fan_speed_list")),
    },
    calls=_robot({"cleaning": "start", "docked": "return_to_base", "paused": "pause", "idle": "stop"}),
    moving={"docked": frozenset(["returning"])},
)
LAWN_MOWER = Domain(
    fields={STATE: Field(words("mowing", "docked", "paused"), state_itself)},
    calls=_robot({"mowing": "start_mowing", "docked": "dock", "paused": "pause"}),
    moving={"docked": frozenset(["returning"])},
)
