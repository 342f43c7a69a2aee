"""Fields: where large values differ, and how one object is declared, seen and was applied, side by side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_SHORT = 100
"""Characters up to which a value is shown as a whole."""


@dataclass(frozen=True, slots=True)
class RowView:
    """One field of an object: as declared, as the world shows it, as it was applied last (None = not set). `differs` = the
    world is not as declared."""

    path: str
    desired: Any
    observed: Any
    applied: Any
    differs: bool = False


def differing(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """Where two values of a state differ: the values themselves while they are short, else what differs inside of them."""
    if max(_length(old), _length(new)) <= _SHORT:
        yield path, old, new
    else:
        yield from inside(path, old, new)


def side_by_side(desired: Any, observed: Any, applied: Any, changed: Iterable[str] = ()) -> tuple[RowView, ...]:
    """Every field, declared ones first. `changed` are the paths in which the world is not as declared."""
    paths = tuple(changed)
    found = tuple(_rows("", desired, observed, applied))
    return tuple(
        RowView(path, one, two, three, any(_within(path, other) or _within(other, path) for other in paths))
        for path, one, two, three in found
    )


def _within(path: str, other: str) -> bool:
    return path == other or path.startswith((f"{other}.", f"{other}["))


def _rows(path: str, *values: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    maps = [value for value in values if isinstance(value, Mapping)]
    if maps and all(value is None or isinstance(value, Mapping) for value in values) and any(maps):
        for name in dict.fromkeys(name for each in maps for name in each):
            below = f"{path}.{name}" if path else name
            yield from _rows(below, *(value.get(name) if value is not None else None for value in values))
        return
    lists = [value for value in values if isinstance(value, list | tuple)]
    if lists and all(value is None or isinstance(value, list | tuple) for value in values) and max(map(_length, values)) > _SHORT:
        for at in range(max(map(len, lists))):
            entries = (value[at] if value is not None and at < len(value) else None for value in values)
            yield from _rows(f"{path}[{at}]", *entries)
        return
    if path:
        one, two, three = values
        yield path, one, two, three


def inside(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """The same, as deep as both have the same shape."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in {**old, **new}:
            if name not in old or name not in new or old[name] != new[name]:
                yield from inside(f"{path}.{name}", old.get(name), new.get(name))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _inside_lists(path, old, new)
    else:
        yield path, old, new


def _inside_lists(path: str, old: list[Any], new: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Entry by entry, when as many are there, or when some only came or went."""
    short = min(len(old), len(new))
    head = next((at for at in range(short) if old[at] != new[at]), short)
    tail = next((at for at in range(short - head) if old[-1 - at] != new[-1 - at]), short - head)
    if len(old) == len(new):
        for at in range(head, short - tail):
            if old[at] != new[at]:
                yield from inside(f"{path}[{at}]", old[at], new[at])
    elif head + tail == short:
        for at in range(head, len(old) - tail):
            yield f"{path}[{at}]", old[at], None
        for at in range(head, len(new) - tail):
            yield f"{path}[{at}]", None, new[at]
    else:
        yield path, old, new


def _length(data: Any) -> int:
    return len(data) if isinstance(data, str) else len(json.dumps(data, ensure_ascii=False))
