"""Which fields each type of helper has, how their values are read, and what must hold between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from controller.clients.homeassistant.names import Findings, Unfit
from controller.core.secret import has_credentials, looks_sensitive
from controller.core.state import State
from controller.core.suggest import did_you_mean
from controller.kinds.helper import values

Reader = Callable[[Any], Any]
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FIELDS: Mapping[str, Mapping[str, Reader]] = {
    "input_boolean": {"initial": values.truth},
    "input_number": {
        "min": values.number,
        "max": values.number,
        "initial": values.number,
        "step": values.positive,
        "mode": values.one_of("slider", "box"),
        "unit_of_measurement": values.text,
        "device_class": values.text,
    },
    "input_select": {"options": values.options, "initial": values.text},
    "input_text": {
        "min": values.length,
        "max": values.length,
        "initial": values.text,
        "pattern": values.pattern,
        "mode": values.one_of("text", "password"),
        "unit_of_measurement": values.text,
    },
    "input_datetime": {"has_date": values.truth, "has_time": values.truth, "initial": values.moment},
    "input_button": {},
    "counter": {
        "initial": values.whole,
        "minimum": values.whole,
        "maximum": values.whole,
        "step": values.counted,
        "restore": values.truth,
    },
    "timer": {"duration": values.duration, "restore": values.truth},
    "schedule": dict.fromkeys(DAYS, values.periods),
}
"""Home Assistant's own fields by type (components/<type>/__init__.py, 2025.4 and 2026.11)."""
REQUIRED: Mapping[str, tuple[str, ...]] = {"input_number": ("min", "max"), "input_select": ("options",)}
MEANT: Mapping[str, Mapping[str, Any]] = {
    "input_datetime": {"has_date": False, "has_time": False},
    "schedule": {day: [] for day in DAYS},
}
"""What is declared by saying nothing: half a date or half a week has no meaning of its own."""
NEWER: Mapping[str, tuple[str, ...]] = {"input_number": ("device_class",)}
"""Fields that older versions of Home Assistant do not know."""
TEXT_LENGTHS = 0, 100
"""Home Assistant's own limits of an input_text that says none."""


def read(kind: str, said: Mapping[str, Any], found: Findings) -> State:
    """The normal form of the declared fields of a type; problems are kept."""
    known = FIELDS[kind]
    state: dict[str, Any] = dict(MEANT.get(kind, {}))
    for name, value in said.items():
        if name not in known:
            hint = did_you_mean(name, known) or (f"it has {', '.join(known)}" if known else "it has a name and an icon")
            article = "an" if kind.startswith("i") else "a"
            found.add((name,), f"{article} {kind} has no `{name}`", hint)
        else:
            state[name] = found.read((name,), value, known[name])
    for name in REQUIRED.get(kind, ()):
        if name not in said:
            found.add((), f"{name!r} is missing", f"write `{name}: …`")
    if not found.problems and kind in _RULES:
        _RULES[kind](state, found)
    return state


def shown(kind: str, item: Mapping[str, Any]) -> State:
    """The normal form of what Home Assistant holds. What cannot be read (older data) is shown as it is."""
    state: dict[str, Any] = {"type": kind, "name": item.get("name"), "icon": item.get("icon")}
    for name, reader in FIELDS[kind].items():
        value = item.get(name)
        try:
            state[name] = None if value is None else reader(value)
        except (Unfit, KeyError, TypeError):
            state[name] = value
    return state


def sent(kind: str, state: State) -> dict[str, Any]:
    """The fields of a normal form as Home Assistant takes them; what is not set is left out and gets its default."""
    names = ("name", "icon", *FIELDS[kind])
    return {name: state[name] for name in names if state.get(name) is not None}


def _number(state: State, found: Findings) -> None:
    if state["min"] >= state["max"]:
        found.add(("max",), f"max ({state['max']}) is not above min ({state['min']})")
    elif not state["min"] <= state.get("initial", state["min"]) <= state["max"]:
        found.add(("initial",), f"{state['initial']} is not between {state['min']} and {state['max']}")


def _select(state: State, found: Findings) -> None:
    initial = state.get("initial")
    if initial is not None and initial not in state["options"]:
        known = did_you_mean(initial, state["options"]) or f"known: {', '.join(state['options'])}"
        found.add(("initial",), f"{initial!r} is not among the options", known)


def _text(state: State, found: Findings) -> None:
    low, high = state.get("min", TEXT_LENGTHS[0]), state.get("max", TEXT_LENGTHS[1])
    initial = state.get("initial")
    if high < 1 or low > high:
        place = "max" if "max" in state else "min"
        found.add((place,), f"no text is between {low} and {high} characters long", "max is 100 unless it is written")
    elif initial is not None and not low <= len(initial) <= high:
        found.add(("initial",), f"it has {len(initial)} characters, not between {low} and {high}")
    elif initial is not None and state.get("pattern") and not re.match(state["pattern"], initial):
        found.add(("initial",), f"{initial!r} does not match the pattern {state['pattern']}")


def _datetime(state: State, found: Findings) -> None:
    if not state["has_date"] and not state["has_time"]:
        found.add((), "it holds neither a date nor a time", "write `has_date: true`, `has_time: true` or both")
        return
    initial = state.get("initial")
    date, _, time = (initial or "").partition(" ")
    if initial is not None and (("-" in date), (":" in date or bool(time))) != (state["has_date"], state["has_time"]):
        wanted = " and ".join(word for word in ("date", "time") if state[f"has_{word}"])
        found.add(("initial",), f"{initial!r} is not a {wanted}")


def _counter(state: State, found: Findings) -> None:
    low, high, initial = state.get("minimum"), state.get("maximum"), state.get("initial", 0)
    if low is not None and high is not None and low > high:
        found.add(("maximum",), f"maximum ({high}) is below minimum ({low})")
    elif (low is not None and initial < low) or (high is not None and initial > high):
        place: tuple[str, ...] = ("initial",) if "initial" in state else ()
        found.add(place, f"it begins at {initial}, which is outside of {low} to {high}", "write `initial:` within them")


_RULES: Mapping[str, Callable[[State, Findings], None]] = {
    "input_number": _number,
    "input_select": _select,
    "input_text": _text,
    "input_datetime": _datetime,
    "counter": _counter,
}


HIDDEN = "initial looks like a secret, and a helper cannot hold one by reference: it stays as it is in Home Assistant"


def hides(address: str, state: State) -> bool:
    """True when a helper (`type.id`) holds a first text that looks like a secret: for its mode, for its id, or for a password in
    an address."""
    text = state.get("initial")
    if not address.startswith("input_text.") or not isinstance(text, str) or not text:
        return False
    return state.get("mode") == "password" or looks_sensitive(address) or has_credentials(text)
