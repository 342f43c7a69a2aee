"""What the other documents of a revision bring that a body speaks of: they come first, and need not be there yet. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controller.clients.homeassistant.bodies import NORMAL
from controller.clients.homeassistant.mentions import AREA, ENTITY, FLOOR, LABEL, SERVICE, mentions, words
from controller.clients.homeassistant.names import in_words, slug
from controller.core.key import Key
from controller.core.kind import Surroundings

HELPER, SCENE, SCRIPT, AUTOMATION = "helper", "scene", "script", "automation"
_RANK = {AREA: 0, FLOOR: 0, LABEL: 0, HELPER: 0, SCENE: 1, SCRIPT: 2, AUTOMATION: 3}
"""What is made of what: a body needs only what is further down, so that bodies that speak of each other are no circle."""


@dataclass(frozen=True, slots=True)
class Promise:
    """An id that a document of the revision brings."""

    id: str
    key: Key


def titled(kind: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A body with a name for people: the document's in words where it has none (entity ids come from it)."""
    word = "name" if kind == SCENE else "alias"
    return dict(body) if body.get(word) else {word: in_words(name), **body}


def promised(normal: Mapping[str, Any], connection: str, around: Surroundings) -> list[Promise]:
    """What a normal body speaks of and some document brings, itself included. Raises Rejected where one cannot be read."""
    spoken = dict.fromkeys(_spoken(normal))
    found: dict[str, Promise] = {}
    for maker in dict.fromkeys(_maker(each) for each in spoken):
        for each in _brought(maker, connection, around):
            if each.id in spoken:
                found.setdefault(each.id, each)
    return [found[each] for each in sorted(found)]


def needed(kind: str, name: str, promises: list[Promise], connection: str, around: Surroundings) -> tuple[Key, ...]:
    """The documents that must come first. Of those of the same kind only what does not lead back here."""
    own = Key(kind, name)
    found: dict[Key, None] = {}
    for each in promises:
        rank = _RANK[each.key.kind]
        if each.key != own and (rank < _RANK[kind] or (rank == _RANK[kind] and not _leads(each.key, own, connection, around))):
            found[each.key] = None
    return tuple(found)


def _spoken(normal: Mapping[str, Any]) -> Iterator[str]:
    for each in mentions(normal):
        if each.kind == SERVICE and not each.id.startswith("script."):
            continue
        yield each.id if each.kind in (ENTITY, SERVICE) else f"{each.kind}:{each.id}"
    blueprint = normal.get("use_blueprint")
    if isinstance(blueprint, Mapping):
        yield from (word for word in words(blueprint.get("input")) if "." in word)


def _maker(spoken: str) -> str:
    registry, colon, _ = spoken.partition(":")
    if colon and registry in (AREA, FLOOR, LABEL):
        return registry
    domain = spoken.partition(".")[0]
    return domain if domain in (SCENE, SCRIPT, AUTOMATION) else HELPER


def _brought(maker: str, connection: str, around: Surroundings) -> Iterator[Promise]:
    """Every id that the documents of a kind bring."""
    for name, spec in around.others(maker).items():
        declared: Any = spec
        if declared.via not in ("", connection):
            continue
        key, address = Key(maker, name), declared.id or name.replace("-", "_")
        if maker == HELPER:
            yield Promise(f"{declared.type}.{address}", key)
        elif maker in (AREA, FLOOR, LABEL):
            yield Promise(f"{maker}:{address}", key)
        else:
            yield Promise(f"{maker}.{address}", key)
            title = getattr(declared, "name" if maker == SCENE else "alias", "") or in_words(name)
            made = slug(title) if maker != SCRIPT else None
            if made is not None and made != address:
                yield Promise(f"{maker}.{made}", key)


def _leads(start: Key, goal: Key, connection: str, around: Surroundings) -> bool:
    """True when a document leads to another of its kind, straight or by others of it."""
    specs: Mapping[str, Any] = around.others(start.kind)
    brought = {each.id: each.key for each in _brought(start.kind, connection, around)}
    seen, stack = {start}, [start]
    while stack:
        spec = specs[stack.pop().name]
        for word in _spoken(NORMAL[start.kind](spec.body())):
            found = brought.get(word)
            if found == goal:
                return True
            if found is not None and found not in seen:
                seen.add(found)
                stack.append(found)
    return False
