"""What an automation, a script or a scene may do without being asked about: an allow-list of services by domain.

Everything else is a risk that a rule under policy/ must allow by name: `home-action:<domain>.<service>` (`home-action:lock.*` for
a domain), `home-action:template` for a service that is only known when it runs, `home-target:all` for what is done to everything
at once. Pure and total: everything but data is walked through, so that actions in forms to come are looked into too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from controller.clients.homeassistant.values import is_template
from controller.core.resource import Risk

_SWITCHED = frozenset(["turn_on", "turn_off", "toggle"])
_EVERY: frozenset[str] = frozenset()
ALLOWED: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        [
            *("light", "switch", "fan", "cover", "climate", "humidifier", "water_heater", "media_player", "remote", "siren"),
            *("vacuum", "lawn_mower", "number", "select", "text", "date", "time", "datetime", "button", "notify", "tts"),
            *("input_boolean", "input_number", "input_select", "input_text", "input_datetime", "input_button"),
            *("counter", "timer", "schedule", "script", "persistent_notification", "mobile_app", "logbook", "todo"),
            *("shopping_list", "weather"),
        ],
        _EVERY,
    ),
    "automation": _SWITCHED | {"trigger"},
    "scene": frozenset(["turn_on", "apply", "create", "delete"]),
    "homeassistant": _SWITCHED | {"update_entity", "save_persistent_states"},
    "calendar": frozenset(["get_events", "create_event"]),
    "camera": frozenset(["turn_on", "turn_off"]),
    "valve": frozenset(["close_valve"]),
}
"""Services by domain; an empty set = all of the domain but those that load its configuration anew."""
_RELOADING = "reload"
GUARDED: Mapping[str, str] = {"lock": "lock|unlock|open", "alarm_control_panel": "alarm_.*"}
"""Domains of entities that nothing may set by the way, and how their services are called."""
_TROUBLE = frozenset(["homeassistant", "hassio", "shell_command", "command_line", "python_script", "pyscript", "rest_command"])
"""Domains without entities, so that a text such as `shell_command.x` can only be a service."""
_NAMES = ("action", "service", "service_template")
_DATA = ("data", "data_template", "service_data")
NO_ACTIONS = frozenset(
    [
        *("triggers", "trigger", "wait_for_trigger", "variables", "trigger_variables", "metadata", "target", "fields"),
        *("event_data", "event_data_template", "for_each", *_DATA),
    ]
)
"""Keys below which nothing is an action."""
_ENTITIES = ("entities", "snapshot_entities")
_SERVICE = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")


def is_allowed(domain: str, service: str) -> bool:
    """True for what needs no rule."""
    services = ALLOWED.get(domain)
    if services is None:
        return False
    return service in services if services else service != _RELOADING


def risks_of_actions(body: Mapping[str, Any]) -> tuple[Risk, ...]:
    """What an automation or a script does that a rule must allow, at every depth, also in what is switched off."""
    return sorted_risks(_walk(body))


def risks_of_scene(body: Mapping[str, Any]) -> tuple[Risk, ...]:
    """Locks and alarms that a scene would set."""
    return sorted_risks(_set_by_the_way(body.get("entities"), "a scene"))


def sorted_risks(risks: Iterable[Risk]) -> tuple[Risk, ...]:
    """Each risk once, by name."""
    return tuple(sorted({risk.name: risk for risk in risks}.values(), key=lambda risk: risk.name))


def _walk(data: Any) -> Iterator[Risk]:
    if isinstance(data, (list, tuple)):
        for item in data:
            yield from _walk(item)
    elif isinstance(data, Mapping):
        yield from _action(data)
        for name, value in data.items():
            if name == "use_blueprint" and isinstance(value, Mapping):
                yield from _inputs(value.get("input"))
            elif name not in NO_ACTIONS:
                yield from _walk(value)


def _action(item: Mapping[str, Any]) -> Iterator[Risk]:
    for name in _NAMES:
        if isinstance(item.get(name), str):
            yield from _called(item[name], item)
    if "device_id" in item and "domain" in item and "condition" not in item:
        domain, kind = (str(item.get(name)).strip().lower() for name in ("domain", "type"))
        yield from _judged(domain, kind, "a device action")


def _called(written: str, item: Mapping[str, Any]) -> Iterator[Risk]:
    if is_template(written):
        yield Risk("home-action:template", "calls a service that is only known when it runs")
    else:
        domain, _, service = written.strip().lower().partition(".")
        yield from _judged(domain, service, "an action")
    for name in ("target", *_DATA, ""):
        aimed = item.get(name) if name else item
        if isinstance(aimed, Mapping):
            if _means_all(aimed.get("entity_id")):
                yield Risk("home-target:all", f"{written.strip()[:60]} is done to every entity there is")
            for entities in _ENTITIES if name in _DATA else ():
                yield from _set_by_the_way(aimed.get(entities), written.strip()[:60])


def _judged(domain: str, service: str, what: str) -> Iterator[Risk]:
    if not is_allowed(domain, service):
        yield Risk(f"home-action:{domain}.{service}"[:120], f"{what} calls {domain}.{service}"[:120])


def _means_all(value: Any) -> bool:
    if isinstance(value, str):
        return "all" in (part.strip().lower() for part in value.split(","))
    return isinstance(value, (list, tuple)) and any(_means_all(item) for item in value if isinstance(item, str))


def _set_by_the_way(entities: Any, what: str) -> Iterator[Risk]:
    if isinstance(entities, str) and is_template(entities):
        yield Risk("home-action:template", f"{what} sets entities that are only known when it runs")
        return
    for name in entities if isinstance(entities, (Mapping, list, tuple)) else ():
        entity = str(name).strip().lower()
        domain = entity.partition(".")[0]
        if domain in GUARDED:
            yield Risk(f"home-action:{domain}.scene", f"{what} sets {entity}"[:120])


def _inputs(value: Any) -> Iterator[Risk]:
    """What a blueprint is given: actions, or a word that it calls as a service."""
    yield from _walk(value)
    for text in _texts(value):
        word = text.strip().lower()
        domain, _, service = word.partition(".")
        guarded = domain in GUARDED and re.fullmatch(GUARDED[domain], service)
        if (domain in _TROUBLE or guarded) and _SERVICE.fullmatch(word):
            yield from _judged(domain, service, "an input of a blueprint")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
