"""Bodies of automations, scripts and scenes in their one form: what Home Assistant takes for the same is equal data, whether a
person wrote it, or Home Assistant wrote it back. Pure and total; comparing is all that these forms are for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from controller.clients.homeassistant.spelling import Fields, actions, conditions, fields, renamed, triggers
from controller.clients.homeassistant.values import boolean, number, plain

Body = Mapping[str, Any]
_PLURALS = {"trigger": "triggers", "condition": "conditions", "action": "actions"}
_RUNNING: Mapping[str, Any] = {
    "description": "",
    "alias": "",
    "icon": "",
    "mode": "single",
    "max": 10,
    "max_exceeded": "WARNING",
    "trace": {},
}
_EMPTY = ("conditions", "variables", "trigger_variables", "fields")


def normal_automation(body: Body) -> dict[str, Any]:
    """An automation as it is compared; its id is no part of it."""
    return _without_empty(fields(renamed(_bare(body), _PLURALS), _AUTOMATION, _RUNNING))


def normal_script(body: Body) -> dict[str, Any]:
    """A script as it is compared."""
    return _without_empty(fields(_bare(body), _SCRIPT, _RUNNING))


def normal_scene(body: Body) -> dict[str, Any]:
    """A scene as it is compared."""
    return fields(_bare(body), {"entities": _entities}, {"icon": ""})


NORMAL: Mapping[str, Callable[[Body], dict[str, Any]]] = {
    "automation": normal_automation,
    "script": normal_script,
    "scene": normal_scene,
}
"""The normal form by kind."""


def _bare(body: Body) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "id"}


def _without_empty(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in _EMPTY or value not in ([], {}, None)}


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else plain(value)


def _trace(value: Any) -> Any:
    return fields(value, {"stored_traces": number}, {"stored_traces": 5}) if isinstance(value, Mapping) else plain(value)


def _blueprint(value: Any) -> Any:
    """A blueprint with its inputs. What stands in an input Home Assistant reads as what the blueprint makes of it, and
    rewrites actions there too."""
    if not isinstance(value, Mapping):
        return plain(value)
    return {name: _inputs(item) if name == "input" else plain(item) for name, item in value.items() if item != {}}


def _inputs(value: Any) -> Any:
    if isinstance(value, Mapping):
        words = {"service": "action"} if isinstance(value.get("service"), str) else {}
        return {name: _inputs(item) for name, item in renamed(value, words).items()}
    if isinstance(value, (list, tuple)):
        return [_inputs(item) for item in value]
    return plain(value)


def _inputs_of_script(value: Any) -> Any:
    """What a script can be given."""
    if not isinstance(value, Mapping):
        return plain(value)
    known: Fields = {"advanced": boolean, "required": boolean}
    idle = {"advanced": False, "required": False, "description": "", "name": "", "example": ""}
    return {name: fields(item, known, idle) if isinstance(item, Mapping) else plain(item) for name, item in value.items()}


def _entities(value: Any) -> Any:
    """Each entity with its state and attributes; a state may stand alone."""
    if not isinstance(value, Mapping):
        return plain(value)
    found = {}
    for name, item in value.items():
        wanted = plain(item) if isinstance(item, Mapping) else {"state": plain(item)}
        if isinstance(wanted.get("state"), bool):
            wanted["state"] = "on" if wanted["state"] else "off"
        found[str(name).strip().lower()] = wanted
    return found


_COMMON: Fields = {"max": number, "max_exceeded": _upper, "trace": _trace, "use_blueprint": _blueprint}
_AUTOMATION: Fields = {
    **_COMMON,
    "triggers": triggers,
    "conditions": conditions,
    "actions": actions,
    "initial_state": boolean,
    "hide_entity": boolean,
}
_SCRIPT: Fields = {**_COMMON, "sequence": actions, "fields": _inputs_of_script}
