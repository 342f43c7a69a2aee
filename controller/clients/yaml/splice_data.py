"""What an edit means, as steps on plain data: the oracle that a changed text is held against."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from controller.clients.compose.data import Override, Plain
from controller.clients.yaml.grow import MOST_DEPTH
from controller.clients.yaml.splice_tree import Span
from controller.core.document import Path


@dataclass(frozen=True, slots=True)
class Put:
    """What stands at a path becomes this value; a key may be new."""

    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class Insert:
    """A list gets an entry, which then has this path."""

    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class Drop:
    """The entry at a path goes."""

    path: Path


Step = Put | Insert | Drop


def stepped(data: Any, step: Step) -> Any:
    """The data after a step; what is given stays as it is. The path must lead somewhere."""
    if not step.path:
        return step.value if isinstance(step, Put) else None
    last: Any = step.path[-1]

    def change(parent: Any) -> Any:
        copy = parent.copy()
        if isinstance(step, Put):
            copy[last] = step.value
        elif isinstance(step, Insert):
            copy.insert(last, step.value)
        else:
            del copy[last]
        return copy

    return _at(data, step.path[:-1], change)


def _at(data: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    if isinstance(data, Override):
        return Override(_at(data.value, path, change))
    if not path:
        return change(data)
    copy = data.copy()
    copy[path[0]] = _at(data[path[0]], path[1:], change)
    return copy


def bare(data: Any) -> Any:
    """The data below an `!override`."""
    return data.value if isinstance(data, Override) else data


def same(one: Any, other: Any) -> bool:
    """True for equal data of equal types; the order of keys says nothing."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Override):
        return same(one.value, other.value)
    return bool(one == other) if one is None or isinstance(one, bool | int | float | str) else True


def differing(path: Path, span: Span | None, old: Any, new: Any) -> Iterator[Step]:
    """The fewest steps that turn the old data, written at the span, into the new: an unchanged value is in none of them."""
    if same(unmarked(old), new):
        return
    if span is None or span.means is not None or type(old) is not type(new) or not old or not new:
        yield Put(path, new)
    elif isinstance(old, dict):
        for key, value in new.items():
            index = span.index(key)
            if key not in old:
                yield Put((*path, key), value)
            else:
                yield from differing((*path, key), None if index is None else span.child(index), old[key], value)
        yield from (Drop((*path, key)) for key in old if key not in new)
    elif isinstance(old, list):
        yield from _items(path, span, old, new)
    else:
        yield Put(path, new)


def _items(path: Path, span: Span, old: list[Any], new: list[Any]) -> Iterator[Step]:
    """From the end on, so that the numbers of entries further up stay what they are."""
    one, other = [_shown(item) for item in old], [_shown(item) for item in new]
    least = min(len(one), len(other))
    head = next((at for at in range(least) if one[at] != other[at]), least)
    tail = next((at for at in range(least - head) if one[-1 - at] != other[-1 - at]), least - head)
    alike = SequenceMatcher(None, one[head : len(one) - tail], other[head : len(other) - tail])
    for what, *bounds in reversed(alike.get_opcodes()):
        start, end, first, last = (head + bound for bound in bounds)
        both = min(end - start, last - first)
        if what == "equal":
            continue
        for at in range(both):
            yield from differing((*path, start + at), span.child(start + at), old[start + at], new[first + at])
        yield from (Insert((*path, start + both + at), new[first + both + at]) for at in range(last - first - both))
        yield from (Drop((*path, at)) for at in reversed(range(start + both, end)))


def _shown(item: Any) -> str:
    return json.dumps(unmarked(item), sort_keys=True, default=repr)


def unmarked(data: Any) -> Any:
    """The data as one knows it who has seen it as JSON: `Plain` is text."""
    if isinstance(data, dict):
        return {key: unmarked(value) for key, value in data.items()}
    if isinstance(data, list):
        return [unmarked(item) for item in data]
    return str(data) if isinstance(data, Plain) else data


def unwritable(value: Any, depth: int = 0) -> str:
    """Why a value cannot be written, or ""."""
    if depth > MOST_DEPTH:
        return f"lists and mappings are nested more than {MOST_DEPTH} deep"
    if isinstance(value, dict):
        if any(type(key) is not str for key in value):
            return "a key is not text"
        return next(filter(None, (unwritable(each, depth + 1) for pair in value.items() for each in pair)), "")
    if isinstance(value, list):
        return next(filter(None, (unwritable(item, depth + 1) for item in value)), "")
    if type(value) is int:
        return "" if -(2**63) <= value < 2**64 else "a number does not fit into 64 bits"
    if type(value) is float:
        return "" if math.isfinite(value) else "a number is not finite"
    if type(value) is str:
        return "" if value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value) else "half a character"
    return "" if value is None or type(value) is bool else f"{type(value).__name__} is not plain data"
