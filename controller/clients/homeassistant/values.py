"""Single values of Home Assistant's YAML in their one form: durations, times, numbers, booleans and lists. Pure and total.

What has no fixed value yet (a template) stays as it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TRUE = frozenset(["1", "true", "yes", "on", "enable"])
_FALSE = frozenset(["0", "false", "no", "off", "disable"])
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)")
_PERIOD = re.compile(r"([-+]?)(\d{1,6}):(\d{1,6})(?::(\d{1,6}(?:\.\d*)?))?")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?")
_UNITS = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1, "milliseconds": 0.001}
_PLACES = 6
"""Home Assistant counts in microseconds."""


def is_template(text: str) -> bool:
    """True for text that Home Assistant renders."""
    return "{{" in text or "{%" in text or "{#" in text


def plain(value: Any) -> Any:
    """The same data with whole numbers as integers and without subtypes of text."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def number(value: Any) -> Any:
    """A number, also one in quotes."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return plain(float(value))
    return plain(value)


def boolean(value: Any) -> Any:
    """True or False for every word that Home Assistant takes for it."""
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _TRUE else False if word in _FALSE else str(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value != 0
    return value


def duration(value: Any) -> Any:
    """Seconds: `"00:05:00"`, `"00:05"`, `{minutes: 5}`, `300` and `"300"` are the same."""
    if isinstance(value, Mapping):
        parts = {str(name): number(item) for name, item in value.items()}
        if parts and parts.keys() <= _UNITS.keys() and all(_is_number(item) for item in parts.values()):
            return _seconds(sum(item * _UNITS[name] for name, item in parts.items()))
        return plain(value)
    if isinstance(value, str) and (found := _PERIOD.fullmatch(value.strip())):
        sign, hours, minutes, seconds = found.groups()
        total = int(hours) * 3600 + int(minutes) * 60 + float(seconds or 0)
        return _seconds(-total if sign == "-" else total)
    found_number = number(value)
    return _seconds(found_number) if _is_number(found_number) else found_number


def time_of_day(value: Any) -> Any:
    """`7:00` and `07:00` as `07:00:00`; everything else (an entity, a template) as it is."""
    if isinstance(value, str) and (found := _TIME.fullmatch(value.strip())):
        return ":".join(f"{int(part or 0):02}" for part in found.groups())
    return plain(value)


def listed(value: Any) -> list[Any]:
    """A list of what may be written alone."""
    if value is None:
        return []
    return plain(value) if isinstance(value, (list, tuple)) else [plain(value)]


def ids(value: Any) -> Any:
    """Ids, which may be written alone, as a list, or with commas between them; a template stays as it is."""
    if isinstance(value, str):
        if is_template(value):
            return str(value)
        return [part.strip().lower() for part in value.split(",") if part.strip()]
    if isinstance(value, (list, tuple)):
        return [each.strip().lower() if isinstance(each, str) and not is_template(each) else plain(each) for each in value]
    return plain(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _seconds(value: float) -> int | float:
    seconds = round(float(value), _PLACES)
    return int(seconds) if seconds.is_integer() else seconds
