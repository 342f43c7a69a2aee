"""What a body in its normal form speaks of: services, entities, devices, areas, floors and labels, each with its place. Pure.

What a template will say, and data that an action hands on, are not looked into."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controller.clients.homeassistant.values import is_template

SERVICE, ENTITY, DEVICE, AREA, FLOOR, LABEL = "service", "entity", "device", "area", "floor", "label"
_HANDED_ON = frozenset(
    [
        "event_data",
        "variables",
        "trigger_variables",
        "metadata",
        "fields",
        "for_each",
        "options",
        "state",
        "use_blueprint",
        "trace",
    ]
)
_IDS = {"entity_id": ENTITY, "device_id": DEVICE, "area_id": AREA, "floor_id": FLOOR, "label_id": LABEL}
_ENTITY_OR_ELSE = frozenset(["at", "above", "below", "before", "after", "zone", "scene"])
"""Fields that may hold an entity, a number or a time."""
_ENTITY_ID = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")
_ANY = frozenset(["all", "none"])


@dataclass(frozen=True, slots=True)
class Mention:
    """`id` of something of a kind ("entity", …); `path` is where it stands, dotted."""

    kind: str
    id: str
    path: str


def mentions(body: Mapping[str, Any]) -> Iterator[Mention]:
    """Everything that a normal automation, script or scene speaks of."""
    if isinstance(body.get("entities"), Mapping):
        yield from _named(body["entities"], "entities")
    yield from _walk(body, "")


def words(value: Any) -> Iterator[str]:
    """Every text and key, for bodies that only say so between the lines (the inputs of a blueprint)."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name)
            yield from words(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from words(item)


def _walk(data: Any, path: str) -> Iterator[Mention]:
    if isinstance(data, (list, tuple)):
        for number, item in enumerate(data):
            yield from _walk(item, f"{path}[{number}]")
    elif isinstance(data, Mapping):
        for name, value in data.items():
            here = f"{path}.{name}" if path else str(name)
            if name == "action" and isinstance(value, str):
                if not is_template(value):
                    yield Mention(SERVICE, value, here)
            elif name in _IDS:
                yield from _ids(_IDS[name], value, here)
            elif name == "data":
                yield from _data(value, here)
            elif name in _ENTITY_OR_ELSE:
                yield from _maybe(value, here)
            elif name not in _HANDED_ON:
                yield from _walk(value, here)


def _ids(kind: str, value: Any, path: str) -> Iterator[Mention]:
    for each in value if isinstance(value, (list, tuple)) else [value]:
        if isinstance(each, str) and each and each not in _ANY and not is_template(each):
            yield Mention(kind, each, path)


def _data(value: Any, path: str) -> Iterator[Mention]:
    if isinstance(value, Mapping):
        yield from _ids(ENTITY, value.get("entity_id"), f"{path}.entity_id")
        for name in ("entities", "snapshot_entities"):
            yield from _named(value.get(name), f"{path}.{name}")


def _named(value: Any, path: str) -> Iterator[Mention]:
    for each in value if isinstance(value, (Mapping, list, tuple)) else ():
        yield from _ids(ENTITY, str(each).lower(), path)


def _maybe(value: Any, path: str) -> Iterator[Mention]:
    for each in value if isinstance(value, (list, tuple)) else [value]:
        if isinstance(each, Mapping):
            yield from _walk(each, path)
        elif isinstance(each, str) and _ENTITY_ID.fullmatch(each):
            yield Mention(ENTITY, each, path)
