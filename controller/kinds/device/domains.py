"""Every domain whose entities can be told what to be, and the reading of what a person wants of one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from controller.core.errors import Problem
from controller.core.suggest import did_you_mean, nearest
from controller.kinds.device.climate import CLIMATE, FAN, HUMIDIFIER, WATER_HEATER
from controller.kinds.device.domain import STATE, Domain
from controller.kinds.device.lights import LIGHT
from controller.kinds.device.openings import ALARM, COVER, LOCK, VALVE
from controller.kinds.device.others import DATETIME, LAWN_MOWER, MEDIA_PLAYER, NUMBER, SELECT, SWITCH, TEXT, VACUUM
from controller.kinds.device.values import Near

DOMAINS: Mapping[str, Domain] = {
    "alarm_control_panel": ALARM,
    "climate": CLIMATE,
    "cover": COVER,
    "fan": FAN,
    "humidifier": HUMIDIFIER,
    "input_boolean": SWITCH,
    "input_datetime": DATETIME,
    "input_number": NUMBER,
    "input_select": SELECT,
    "input_text": TEXT,
    "lawn_mower": LAWN_MOWER,
    "light": LIGHT,
    "lock": LOCK,
    "media_player": MEDIA_PLAYER,
    "number": NUMBER,
    "remote": SWITCH,
    "select": SELECT,
    "siren": SWITCH,
    "switch": SWITCH,
    "text": TEXT,
    "vacuum": VACUUM,
    "valve": VALVE,
    "water_heater": WATER_HEATER,
}
_ELSEWHERE = {
    "automation": "declare an Automation; its `enabled` says whether it is on",
    "group": "name the entities of the group, each in a Device of its own",
    "script": "declare a Script; an automation runs it",
    "scene": "declare a Scene; an automation turns it on",
    "button": "a button is pressed by an automation; it has no state to hold",
    "input_button": "a button is pressed by an automation; it has no state to hold",
    "counter": "declare a Helper",
    "timer": "declare a Helper",
    "schedule": "declare a Helper",
}
_IN_WORDS = {
    "lamp": "light",
    "thermostat": "climate",
    "heating": "climate",
    "blind": "cover",
    "shutter": "cover",
    "garage": "cover",
}
CALLED: Mapping[str, str] = {
    word: f"a {word} is a Device with `entity: {domain}.…`"
    for word, domain in [*((name, name) for name in DOMAINS if not name.startswith("input_")), *_IN_WORDS.items()]
}
"""What a person may take for a kind, with what to write."""
_NEAR: Mapping[str, frozenset[Near]] = {
    word: frozenset(domain.fields[word].near for domain in DOMAINS.values() if word in domain.fields)
    for word in {word for domain in DOMAINS.values() for word in domain.fields}
}
_MOVING: Mapping[str, frozenset[str]] = {
    wanted: frozenset().union(*(domain.moving.get(wanted, frozenset()) for domain in DOMAINS.values()))
    for wanted in {wanted for domain in DOMAINS.values() for wanted in domain.moving}
}
_ENTITY = re.compile(r"[a-z][a-z0-9_]*\.[a-z0-9_]+")


def entity_problem(text: str) -> tuple[str, str]:
    """What is wrong with the name of one entity, with a hint; two empty texts when it is one. Nothing that stands for several
    entities is taken: what is not listed must not be switched."""
    if text == "all" or text.endswith(".all") or any(sign in text for sign in "*,{"):
        return f"{text!r} stands for several entities", "name one entity, such as light.desk, in a Device of its own"
    if _ENTITY.fullmatch(text):
        return "", ""
    return f"{text!r} is not the id of an entity", "write it as Home Assistant shows it, such as light.desk"


def domain_of(entity: str) -> Domain | None:
    """What may be wanted of an entity; None when it cannot be told anything."""
    return DOMAINS.get(entity.partition(".")[0])


def mute(entity: str) -> tuple[str, str]:
    """Why an entity cannot be told anything, with a hint."""
    name = entity.partition(".")[0]
    hint = _ELSEWHERE.get(name) or did_you_mean(name, DOMAINS) or f"these can be: {', '.join(DOMAINS)}"
    return f"{entity} shows what is; a {name} cannot be told what to be", hint


def read_desired(entity: str, written: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    """The values that are wanted of an entity in their normal form. What is wrong with them is added to `problems`."""
    domain = domain_of(entity)
    if domain is None:
        problems.append(Problem(("entity",), *mute(entity)))
        return {}
    found: dict[str, Any] = {}
    for word, value in written.items():
        name, read = domain.short.get(word, (word, None))
        if name not in domain.fields:
            problems.append(Problem(("desired", word), *_stranger(entity, word, domain)))
            continue
        if name in found:
            problems.append(Problem(("desired", word), f"{name} is said twice"))
            continue
        try:
            found[name] = (read or domain.fields[name].read)(value)
        except ValueError as error:
            problems.append(Problem(("desired", word), f"{word} of {entity} is {error}", _meant(value, str(error))))
    problems += _together(entity, found, domain)
    return {
        domain.told.get((word, value) if isinstance(value, str) else (word, None), word): value for word, value in found.items()
    }


def means_same(word: str, wanted: Any, shown: Any) -> bool:
    """True when two values of a word are the same but for what devices round away, or when one is on its way to the other."""
    return any(near(wanted, shown) for near in _NEAR.get(word, ())) or (word == STATE and shown in _MOVING.get(wanted, ()))


def _stranger(entity: str, word: str, domain: Domain) -> tuple[str, str]:
    known = [*domain.fields, *domain.short]
    kind = entity.partition(".")[0]
    hint = did_you_mean(word, known) or f"what can be wanted of a {kind}: {', '.join(known)}"
    return f"a {kind} has no {word!r}", hint


def _meant(value: Any, allowed: str) -> str:
    choices = allowed.removeprefix("one of ").split(", ") if allowed.startswith("one of ") else []
    near = nearest(value, choices) if isinstance(value, str) else None
    return f"did you mean `{near}`?" if near is not None else ""


def _together(entity: str, found: Mapping[str, Any], domain: Domain) -> Iterator[Problem]:
    """What cannot be wanted at the same time."""
    kind, state = entity.partition(".")[0], found.get(STATE)
    others = [word for word in found if word != STATE]
    if others and state in domain.rest:
        yield Problem(("desired", others[0]), f"a {kind} that is {state} has no {others[0]}", f"leave out {', '.join(others)}")
    elif others and domain.needs_state and state is None:
        hint = f"write `state` beside {others[0]}"
        yield Problem(("desired", others[0]), f"a {kind} has a {others[0]} only while it is on, and no state is wanted", hint)
    for words in domain.apart:
        several = [word for word in found if word in words]
        if len(several) > 1:
            yield Problem(("desired", several[1]), f"write either {several[0]} or {several[1]}: one follows from the other")
    for words in domain.together:
        missing = sorted(words - found.keys())
        if missing and len(missing) < len(words):
            yield Problem(("desired",), f"{', '.join(sorted(words & found.keys()))} is wanted without {', '.join(missing)}")
    low, high = found.get("target_temp_low"), found.get("target_temp_high")
    if low is not None and high is not None and low > high:
        yield Problem(("desired", "target_temp_low"), f"target_temp_low {low:g} is above target_temp_high {high:g}")
