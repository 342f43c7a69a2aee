"""The part of a configuration that a change is about: written instead of all of it, which may be large. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

ROOT = "/config/"
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
"""Names that are one step of a path and nothing else."""


@dataclass(frozen=True, slots=True)
class Part:
    """One call of the admin endpoint. PUT puts a new entry into an object, or before an element of a list; PATCH replaces what is
    there; POST adds to the end of a list, and at the root replaces everything."""

    method: str
    path: str
    value: Any


def part(old: Any, new: Any, path: str = ROOT) -> Part:
    """The smallest call that makes `new` of `old`."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() <= new.keys():
        moved = [name for name, value in new.items() if name not in old or old[name] != value]
        if len(moved) == 1 and _PLAIN.fullmatch(moved[0]):
            name, inner = moved[0], f"{path.rstrip('/')}/{moved[0]}"
            return part(old[name], new[name], inner) if name in old else Part("PUT", inner, new[name])
    if path != ROOT and isinstance(old, list) and isinstance(new, list) and (found := _element(old, new, path)) is not None:
        return found
    return Part("POST" if path == ROOT else "PATCH", path, new)


def _element(old: list[Any], new: list[Any], path: str) -> Part | None:
    """One element that is new or another, or None."""
    at = next((index for index, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), min(len(old), len(new)))
    if len(new) == len(old) + 1 and old[at:] == new[at + 1 :]:
        return Part("PUT", f"{path}/{at}", new[at]) if at < len(old) else Part("POST", path, new[at])
    if len(new) == len(old) and at < len(old) and old[at + 1 :] == new[at + 1 :]:
        return Part("PATCH", f"{path}/{at}", new[at])
    return None
