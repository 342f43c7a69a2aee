"""Lights: on or off, how bright, in which colour or effect. Pure."""

from __future__ import annotations

from typing import Any

from controller.kinds.device.domain import STATE, Call, Domain, Field, Shown, Values, attribute, pick, state_itself
from controller.kinds.device.values import (
    Able,
    Shows,
    between,
    listed,
    numbers,
    same_hue,
    same_warmth,
    text,
    whole,
    within,
    words,
)

_BYTE = (0, 255)
_PLAIN = frozenset(["onoff", "unknown"])
_COLOURED = frozenset(["hs", "xy", "rgb", "rgbw", "rgbww"])
_EXACT = ("color_temp_kelvin", "rgbww_color", "rgbw_color", "hs_color", "rgb_color")
"""Words for a colour; where a light shows several for the same colour, the first says most."""


def _modes(shows: Shows) -> frozenset[str]:
    found = shows.get("supported_color_modes")
    return frozenset(map(str, found)) if isinstance(found, (list, tuple, set, frozenset)) else frozenset()


def _dims(_value: Any, shows: Shows) -> str:
    return "" if _modes(shows) - _PLAIN else "it can only be switched"


def _mode(*needed: str, what: str) -> Able:
    def able(_value: Any, shows: Shows) -> str:
        return (
            "" if _modes(shows) & set(needed) else f"it cannot show {what}: it knows {', '.join(sorted(_modes(shows))) or 'none'}"
        )

    return able


def _warmth(value: Any, shows: Shows) -> str:
    lacking = _mode("color_temp", what="a colour temperature")(value, shows)
    return lacking or between("min_color_temp_kelvin", "max_color_temp_kelvin")(value, shows)


def _while(name: str, *modes: str) -> Shown:
    """An attribute, in the modes in which it is not merely worked out from another one."""

    def shown(_state: str, shows: Shows) -> Any:
        return attribute(name)(_state, shows) if shows.get("color_mode") in modes else None

    return shown


def _calls(wanted: Values, _live: Values) -> list[Call]:
    if wanted.get(STATE) == "off":
        return [Call("turn_off", {}, (STATE,))]
    data = pick(wanted, "brightness", "effect")
    colour = next((word for word in _EXACT if word in wanted), "")
    return [Call("turn_on", {**data, **pick(wanted, colour)}, tuple(wanted))]


def _percent(value: Any) -> int:
    return max(1, round(int(whole(1, 100)(value)) * 255 / 100))


LIGHT = Domain(
    fields={
        STATE: Field(words("on", "off", yes="on", no="off"), state_itself),
        "brightness": Field(whole(1, 255), attribute("brightness"), _dims, within(3)),
        "color_temp_kelvin": Field(whole(1000, 40000), _while("color_temp_kelvin", "color_temp"), _warmth, same_warmth),
        "hs_color": Field(
            numbers((0, 360), (0, 100), whole=False), _while("hs_color", *_COLOURED), _mode(*_COLOURED, what="colours"), same_hue
        ),
        "rgb_color": Field(
            numbers(_BYTE, _BYTE, _BYTE), _while("rgb_color", *_COLOURED), _mode(*_COLOURED, what="colours"), within(12)
        ),
        "rgbw_color": Field(
            numbers(*[_BYTE] * 4), _while("rgbw_color", "rgbw"), _mode("rgbw", what="colours with white"), within(12)
        ),
        "rgbww_color": Field(
            numbers(*[_BYTE] * 5), _while("rgbww_color", "rgbww"), _mode("rgbww", what="colours with two whites"), within(12)
        ),
        "effect": Field(text, attribute("effect"), listed("effect_list")),
    },
    calls=_calls,
    rest=frozenset(["off"]),
    needs_state=True,
    apart=(frozenset(_EXACT),),
    short={"brightness_pct": ("brightness", _percent)},
)
