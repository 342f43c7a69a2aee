"""What an automation, a script or a scene may do without being asked about: an allow-list of services by domain.

Everything else is a risk that a rule under policy/ must allow by name: `home-action:<domain>.<service>` (`home-action:lock.*` for
a domain), `home-action:template` for a service, or data, that is only known when it runs, `home-target:all` for what is done to
everything at once, `home-target:template` for what may be. Pure and total: everything but data is walked through, so that actions
in forms to come are looked into too."""

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
_GROUP = "group"
"""Setting a group (not one of a single domain, such as a group of lights) sets whatever is in it, also locks."""
_WIDE = frozenset(["homeassistant", "scene", _GROUP, *GUARDED])
"""Domains whose services reach what is guarded, or entities of every domain: they must say at what they are aimed."""
_BUS = re.compile(r"homeassistant_.*|call_service")
"""Events by which Home Assistant tells itself what goes on, such as that it stops."""
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
    if isinstance(event := item.get("event"), str):
        if is_template(event):
            yield Risk("home-action:template", "fires an event that is only known when it runs")
        elif _BUS.fullmatch(word := event.strip().lower()):
            yield Risk(
                f"home-action:event.{word}"[:120], f"fires {word}, by which Home Assistant tells itself what goes on"[:120]
            )


def _called(written: str, item: Mapping[str, Any]) -> Iterator[Risk]:
    said = written.strip()[:60]
    domain, _, service = written.strip().lower().partition(".")
    if is_template(written):
        yield Risk("home-action:template", "calls a service that is only known when it runs")
    else:
        yield from _judged(domain, service, "an action")
    for name in ("target", *_DATA, ""):
        aimed = item.get(name) if name else item
        if isinstance(aimed, str) and is_template(aimed):
            if name == "target":
                yield _aimed_by_template(said)
            else:
                yield Risk("home-action:template", f"{said} is handed data that is only known when it runs")
        elif isinstance(aimed, Mapping):
            if _means_all(aimed.get("entity_id")):
                yield Risk("home-target:all", f"{said} is done to every entity there is")
            if domain in _WIDE and _has_template(aimed.get("entity_id")):
                yield _aimed_by_template(said)
            yield from _handed(aimed, said) if name in _DATA else ()


def _handed(data: Mapping[str, Any], said: str) -> Iterator[Risk]:
    """What the data of a call sets. Home Assistant renders names in it, too."""
    if any(is_template(str(name)) for name in data):
        yield Risk("home-action:template", f"{said} is handed data that is only known when it runs")
    for entities in _ENTITIES:
        yield from _set_by_the_way(data.get(entities), said)


def _aimed_by_template(said: str) -> Risk:
    return Risk("home-target:template", f"{said} is done to what is only known when it runs, which may be everything")


def _has_template(value: Any) -> bool:
    several = value if isinstance(value, (list, tuple)) else [value]
    return any(isinstance(each, str) and is_template(each) for each in several)


def _judged(domain: str, service: str, what: str) -> Iterator[Risk]:
    if not is_allowed(domain, service):
        yield Risk(f"home-action:{domain}.{service}"[:120], f"{what} calls {domain}.{service}"[:120])


def _means_all(value: Any) -> bool:
    if isinstance(value, str):
        return "all" in (part.strip().lower() for part in value.split(","))
    return isinstance(value, (list, tuple)) and any(_means_all(item) for item in value if isinstance(item, str))


def _set_by_the_way(entities: Any, what: str) -> Iterator[Risk]:
    if isinstance(entities, str):
        entities = [entities] if is_template(entities) else entities.split(",")
    for name in entities if isinstance(entities, (Mapping, list, tuple)) else ():
        entity = str(name).strip().lower()
        domain = entity.partition(".")[0]
        if is_template(entity):
            yield Risk("home-action:template", f"{what} sets entities that are only known when it runs")
        elif domain in GUARDED or domain == _GROUP:
            yield Risk(f"home-action:{domain}.scene", f"{what} sets {entity}"[:120])


def _inputs(value: Any) -> Iterator[Risk]:
    """What a blueprint is given, under whatever names: actions, or a word that it calls as a service."""
    for name, given in value.items() if isinstance(value, Mapping) else [("", value)]:
        yield from _walk(given)
        if name in _NAMES and isinstance(given, str) and (is_template(given) or _SERVICE.fullmatch(given.strip().lower())):
            yield from _called(given, {})
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
