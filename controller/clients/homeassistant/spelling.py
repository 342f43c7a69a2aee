"""Triggers, conditions and actions in their one form, at every depth: what Home Assistant takes for the same is equal data.

Old words get their new names, what may be written alone is a list, durations are seconds, and defaults are left out. Nothing is
judged here: what is not known stays as it is written. Pure and total."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from controller.clients.homeassistant.values import boolean, duration, ids, is_template, listed, number, plain, time_of_day

Fields = Mapping[str, Callable[[Any], Any]]
_LOGIC = ("and", "or", "not")
_DEFAULTS: Mapping[str, Any] = {"enabled": True, "alias": "", "continue_on_error": False, "continue_on_timeout": True}
_NOTHING: Mapping[str, Any] = {"else": [], "data": {}, "target": {}, "entity_id": []}
_IDLE = ("metadata",)
"""Notes of the editor, which mean nothing."""


def triggers(value: Any) -> list[Any]:
    """A list of triggers, without the lists in it."""
    found: list[Any] = []
    for item in value if isinstance(value, (list, tuple)) else listed(value):
        if isinstance(item, Mapping) and item.keys() == {"triggers"}:
            found += triggers(item["triggers"])
        else:
            found.append(_trigger(item))
    return found


def conditions(value: Any) -> list[Any]:
    """A list of conditions."""
    return [_condition(item) for item in (value if isinstance(value, (list, tuple)) else listed(value))]


def actions(value: Any) -> list[Any]:
    """A list of actions."""
    return [_action(item) for item in (value if isinstance(value, (list, tuple)) else listed(value))]


def renamed(data: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    """The same entries under their new names; one that has both keeps both."""
    return {words.get(name, name) if words.get(name) not in data else name: value for name, value in data.items()}


def fields(data: Mapping[str, Any], known: Fields, defaults: Mapping[str, Any] = _DEFAULTS) -> dict[str, Any]:
    """Each entry in its one form, defaults left out."""
    made = {name: known.get(name, plain)(value) for name, value in data.items() if name not in _IDLE}
    return {name: value for name, value in made.items() if name not in defaults or not _is(value, defaults[name])}


def _is(value: Any, default: Any) -> bool:
    if default == "":
        return value in ("", None)
    return type(value) is type(default) and bool(value == default)


def _trigger(item: Any) -> Any:
    if not isinstance(item, Mapping):
        return plain(item)
    return fields(renamed(item, {"platform": "trigger"}), _TRIGGER)


def _condition(item: Any) -> Any:
    if isinstance(item, str) and is_template(item):
        return {"condition": "template", "value_template": str(item)}
    if not isinstance(item, Mapping):
        return plain(item)
    return fields(_spelled_out(item), _of_condition(item), {**_DEFAULTS, "match": "all"})


def _spelled_out(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """`or: […]`, `condition: […]` and `condition: "{{ … }}"` in full."""
    word = item.get("condition")
    if "conditions" not in item:
        for name in _LOGIC:
            if name in item and word is None:
                rest = {key: value for key, value in item.items() if key != name}
                return {"condition": name, "conditions": item[name], **rest}
        if isinstance(word, (list, tuple)):
            return {**item, "condition": "and", "conditions": word}
    if isinstance(word, str) and is_template(word) and "value_template" not in item:
        return {**item, "condition": "template", "value_template": word}
    return item


def _of_condition(item: Mapping[str, Any]) -> Fields:
    """`before` and `after` are times in one condition and words in others."""
    return _TIMED_CONDITION if item.get("condition") == "time" else _CONDITION


def _action(item: Any) -> Any:
    if not isinstance(item, Mapping):
        return _condition(item)
    if any(name in item for name in ("condition", *_LOGIC)):
        return _condition(item)
    words = {"service": "action", "service_template": "action", "event_data_template": "event_data"}
    return fields(_joined(renamed(item, words)), _ACTION, {**_DEFAULTS, **_NOTHING, "error": False})


def _joined(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """`data_template` is another word for `data`; an action may have both."""
    if "data_template" not in item:
        return item
    old, new = item["data_template"], item.get("data", {})
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return item if "data" in item else renamed(item, {"data_template": "data"})
    joined = {name: value for name, value in item.items() if name != "data_template"}
    return {**joined, "data": {**old, **new}}


def _service(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) and not is_template(value) else plain(value)


def target(value: Any) -> Any:
    """What an action is aimed at."""
    return fields(value, _TARGET, {}) if isinstance(value, Mapping) else plain(value)


def _data(value: Any) -> Any:
    return fields(value, {"entity_id": ids}, {}) if isinstance(value, Mapping) else plain(value)


def _choices(value: Any) -> list[Any]:
    known: Fields = {"conditions": conditions, "sequence": actions}
    return [fields(item, known) if isinstance(item, Mapping) else item for item in listed(value)]


def _repeat(value: Any) -> Any:
    known: Fields = {"count": number, "while": conditions, "until": conditions, "sequence": actions}
    return fields(value, known, {}) if isinstance(value, Mapping) else plain(value)


def _branches(value: Any) -> list[Any]:
    """Each branch as a sequence."""
    found: list[Any] = []
    for item in listed(value):
        whole = isinstance(item, Mapping) and "sequence" in item
        found.append(_action(item) if whole else {"sequence": actions(item)})
    return found


def _states(value: Any) -> Any:
    return None if value is None else listed(value)


def _moments(value: Any) -> list[Any]:
    return [
        fields(item, {"entity_id": _entity, "offset": duration}, {}) if isinstance(item, Mapping) else time_of_day(item)
        for item in listed(value)
    ]


def _entity(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) and not is_template(value) else plain(value)


_TARGET: Fields = {
    "entity_id": ids,
    "device_id": listed,
    "area_id": listed,
    "floor_id": listed,
    "label_id": listed,
    "exclude": target,
}
_COMMON: Fields = {
    "entity_id": ids,
    "enabled": boolean,
    "for": duration,
    "above": number,
    "below": number,
    "weekday": listed,
    "target": target,
}
_TRIGGER: Fields = {
    **_COMMON,
    "at": _moments,
    "from": _states,
    "to": _states,
    "not_from": _states,
    "not_to": _states,
    "offset": duration,
}
_CONDITION: Fields = {
    **_COMMON,
    "conditions": conditions,
    "state": listed,
    "id": listed,
    "before_offset": duration,
    "after_offset": duration,
}
_TIMED_CONDITION: Fields = {**_CONDITION, "before": time_of_day, "after": time_of_day}
_ACTION: Fields = {
    "action": _service,
    "target": target,
    "entity_id": ids,
    "data": _data,
    "enabled": boolean,
    "continue_on_error": boolean,
    "continue_on_timeout": boolean,
    "error": boolean,
    "delay": duration,
    "timeout": duration,
    "wait_for_trigger": triggers,
    "choose": _choices,
    "default": actions,
    "if": conditions,
    "then": actions,
    "else": actions,
    "repeat": _repeat,
    "parallel": _branches,
    "sequence": actions,
}
