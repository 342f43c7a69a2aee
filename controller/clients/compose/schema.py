"""Small checks that compose the shape of a compose file: which keys there are and what types their values have.

A check looks at one value and adds findings; it never changes the value and never raises."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from controller.clients.compose.data import Data
from controller.clients.compose.findings import Findings, Path

Check = Callable[[Data, Path, Findings], None]

_NAMES: dict[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a map",
    type(None): "nothing",
}
_TIMES = ("interval", "timeout", "period", "delay", "window")
_QUOTABLE = (bool, int, float)


def anything(_value: Data, _path: Path, _findings: Findings) -> None:
    """Any value."""


def scalar(
    *types: type, pattern: str = "", values: Collection[str] = (), low: int | None = None, high: int | None = None
) -> Check:
    """One of the given types (float takes whole numbers too); text may have to match a pattern or be one of `values`."""
    allowed = frozenset(types) | ({int} if float in types else set())
    match = re.compile(pattern).search if pattern else None

    def check(value: Data, path: Path, findings: Findings) -> None:
        kind = type(value)
        if kind not in allowed and not (kind is float and int in allowed and value.is_integer()):
            return wrong_type(value, path, findings, allowed)
        if kind is str:
            if values and value not in values:
                findings.add(path, f"`{value}` is not possible here", "use " + " or ".join(f"`{word}`" for word in values))
            elif match and not match(value):
                findings.add(path, f"`{value}` is not possible here", f"it must match {pattern}")
        elif kind is not bool and ((low is not None and value < low) or (high is not None and value > high)):
            findings.add(
                path, f"{value} is out of range", f"use a number from {low}" + (f" to {high}" if high is not None else "")
            )
        return None

    return check


def wrong_type(value: Data, path: Path, findings: Findings, allowed: Collection[type]) -> None:
    """The finding for a value of a type that is not among the allowed ones."""
    wanted = list(dict.fromkeys(_NAMES[kind] for kind in _NAMES if kind in allowed))
    found = _NAMES.get(type(value), type(value).__name__)
    hint = "write it in quotes" if str in allowed and isinstance(value, _QUOTABLE) else ""
    if hint and path and str(path[-1]).endswith(_TIMES) and type(value) is int:
        hint = f"write a number with a unit, such as `{value}s`"
    if isinstance(value, dict) and path and isinstance(path[-1], int) and dict not in allowed:
        hint = "write `NAME=value`, or take the dashes away"
    if list in allowed and not isinstance(value, dict | list):
        hint = "put `- ` before it"
    findings.add(path, f"{_place(path)} must be {' or '.join(wanted)}, not {found}", hint)


def _place(path: Path) -> str:
    if not path:
        return "the file"
    return f"`{path[-1]}`" if isinstance(path[-1], str) else f"an entry of {_place(path[:-1])}"


def by_type(checks: Mapping[type, Check]) -> Check:
    """The check that fits the value's type."""
    table = dict(checks)
    if float in table:
        table.setdefault(int, table[float])

    def check(value: Data, path: Path, findings: Findings) -> None:
        chosen = table.get(type(value))
        if chosen is None:
            wrong_type(value, path, findings, table)
        else:
            chosen(value, path, findings)

    return check


def items(entry: Check, *, unique: bool = False) -> Check:
    """A list whose entries all pass `entry`, without doubles if `unique`."""

    def check(value: Data, path: Path, findings: Findings) -> None:
        if type(value) is not list:
            return wrong_type(value, path, findings, (list,))
        for index, one in enumerate(value):
            entry(one, (*path, index), findings)
        if unique and len(value) > 1:
            _doubles(value, path, findings)
        return None

    return check


def _doubles(values: list[Data], path: Path, findings: Findings) -> None:
    try:
        if len(set(values)) == len(values):
            return
    except TypeError:
        pass  # maps cannot be hashed: compare them one by one
    for index, value in enumerate(values):
        if any(type(other) is type(value) and other == value for other in values[:index]):
            findings.add((*path, index), f"`{value}` is in the list twice", "remove one of them")


def entries(value_check: Check, *, name: str = ".+", what: str = "name") -> Check:
    """A map with free names that match `name`, whose values all pass `value_check`."""
    match = None if name == ".+" else re.compile(name).fullmatch

    def check(value: Data, path: Path, findings: Findings) -> None:
        if type(value) is not dict:
            return wrong_type(value, path, findings, (dict,))
        for key, one in value.items():
            if not key or (match and not match(key)):
                findings.add((*path, key), f"`{key}` is not a possible {what}", f"it must match {name}")
            else:
                value_check(one, (*path, key), findings)
        return None

    return check


def record(where: str, fields: Mapping[str, Check], *, required: Collection[str] = (), extensions: bool = True) -> Check:
    """A map with known keys. Keys that start with `x-` are free if `extensions`."""
    find = fields.get

    def check(value: Data, path: Path, findings: Findings) -> None:
        if type(value) is not dict:
            return wrong_type(value, path, findings, (dict,))
        for key, one in value.items():
            field = find(key)
            if field is not None:
                field(one, (*path, key), findings)
            elif not (extensions and key.startswith("x-")):
                findings.unknown(path, key, fields, where)
        for key in required:
            if key not in value:
                findings.add(path, f"`{key}` is missing in {where}")
        return None

    return check
