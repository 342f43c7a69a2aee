"""What an import would write, and which objects it takes over or leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from controller.core.discovery import Discovery
from controller.core.key import Key

SCHEMA_LINE = "# yaml-language-server: $schema={}schemas/homelab.json\n"
_USED = ("network", "volume")
"""Kinds of objects that are worth a declaration only where something uses them."""
_UNUSED = "nothing that was imported uses it; name it with `--only` to import it all the same"


@dataclass(frozen=True, slots=True)
class Handle:
    """An object to take over: its key, and which one it is on the backend ("" = the one at the declared address)."""

    key: str
    handle: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """An object that was not taken, and why; or something of one that was taken, which could not be declared."""

    key: str
    reason: str


@dataclass(frozen=True)
class Sketch:
    """What an import would write: files by path below the spec folder, secret values by reference, and what it takes over.

    `left` are objects that are not imported, `lost` what of imported ones is not declared. `policy` are files with house rules
    that a person must commit, `permits` what they allow, by key."""

    files: Mapping[str, bytes]
    secrets: Mapping[str, str]
    objects: tuple[Handle, ...]
    left: tuple[Left, ...] = ()
    lost: tuple[Left, ...] = ()
    policy: Mapping[str, bytes] = field(default_factory=dict)
    permits: Mapping[str, Sequence[str]] = field(default_factory=dict)


def file_of(key: Key) -> str:
    """Where an importer declares a key."""
    return f"{key.kind}s/{key.name}.yaml"


def uses(spec: Any) -> Iterator[Key]:
    """Keys that a spec refers to by `resource`."""
    if isinstance(spec, Mapping):
        if isinstance(spec.get("resource"), str):
            yield Key.parse(spec["resource"])
        for value in spec.values():
            yield from uses(value)
    elif isinstance(spec, (list, tuple)):
        for value in spec:
            yield from uses(value)


def chosen(items: Sequence[Discovery], patterns: Sequence[str]) -> tuple[Discovery, ...]:
    """Those whose key fits a shell pattern, with what they use and need; without patterns all but what nothing uses."""
    by_key = {item.key: item for item in items}
    wanted = patterns or [f"{kind}/*" for kind in {item.key.kind for item in items}.difference(_USED)]
    queue = [item for item in items if any(fnmatchcase(str(item.key), pattern) for pattern in wanted)]
    found: dict[Key, Discovery] = {}
    while queue:
        item = queue.pop()
        if item.key not in found:
            found[item.key] = item
            queue += [by_key[key] for key in (*uses(item.spec), *item.needs) if key in by_key]
    return tuple(found[key] for key in sorted(found))


def unused(items: Sequence[Discovery], taken: Sequence[Discovery]) -> tuple[Left, ...]:
    """What was not chosen although nothing was named, with the reason."""
    keys = {item.key for item in taken}
    return tuple(Left(str(item.key), _UNUSED) for item in items if item.key not in keys)
