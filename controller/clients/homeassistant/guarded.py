"""What somebody must have agreed to that a body reaches: garages, gates, doors and gas valves that it may open, locks and alarm
panels that it would set by the way.

A body says what it is aimed at, and only Home Assistant knows what that is. So a rule allows a target by name (`home-target:
cover.garage`) where the revision itself says that a person is asked about it, and everything else is refused live."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controller.clients.homeassistant.allowed import GUARDED, NO_ACTIONS
from controller.clients.homeassistant.home import Home
from controller.clients.homeassistant.mentions import AREA, DEVICE, ENTITY, FLOOR, LABEL
from controller.clients.homeassistant.values import ids, is_template
from controller.core.resource import Risk

_CLASSES: Mapping[str, frozenset[str]] = {"cover": frozenset(["garage", "gate", "door"]), "valve": frozenset(["gas"])}
"""Classes of devices behind which somebody may get hurt or robbed."""
_OPENING: Mapping[str, frozenset[str]] = {
    "cover": frozenset(["open_cover", "toggle", "set_cover_position"]),
    "homeassistant": frozenset(["turn_on", "turn_off", "toggle"]),
}
"""Services that need no rule and may open something."""
_OPENING_DEVICE = frozenset(["open", "set_position"])
_KINDS = (ENTITY, DEVICE, AREA, FLOOR, LABEL)
_SCENES = ("entities", "snapshot_entities")


@dataclass(frozen=True, slots=True)
class Aim:
    """What may open something (`cover.open_cover`, "a scene"), of which domains of entities ("" = any), and the ids that it is
    aimed at by their kind ("entity", "area", …)."""

    what: str
    domain: str
    at: Mapping[str, tuple[str, ...]]


def aims(normal: Mapping[str, Any]) -> Iterator[Aim]:
    """Everything in a normal body that may open something."""
    yield from _scene(normal.get("entities"), "a scene")
    yield from _walk({name: value for name, value in normal.items() if name != "entities"})


def risks_of_aims(found: Iterable[Aim], attended: Collection[str]) -> Iterator[Risk]:
    """What a rule must allow by name: targets about which a person is asked otherwise, and those that nobody knows yet."""
    for aim in found:
        for each in (each for kind in _KINDS for each in aim.at.get(kind, ())):
            if is_template(each):
                yield Risk("home-target:template", f"{aim.what} is done to what is only known when it runs")
        for entity in aim.at.get(ENTITY, ()):
            domain = entity.partition(".")[0]
            if (domain in GUARDED and not aim.domain) or (entity in attended and aim.domain in ("", domain)):
                yield Risk(_risk(entity), f"{aim.what} reaches {entity}, about which a person is asked"[:160])


def unasked(home: Home, normal: Mapping[str, Any], risks: Collection[str]) -> str:
    """In words, what a body would open without anybody having been asked; "" = nothing. `risks` are the names of those that were
    judged. Raises Transient."""
    for aim in aims(normal):
        for entity in sorted(_reached(home, aim)):
            domain = entity.partition(".")[0]
            what = _guarded(home, entity, domain)
            if what and aim.domain in ("", domain) and _risk(entity) not in risks:
                return (
                    f"{aim.what} reaches {entity}, {what}, about which a person is asked: name it by `entity_id`, declare it as "
                    f"a Device with `attended: true`, and let a rule under policy/ allow {_risk(entity)!r}"
                )
    return ""


def _risk(entity: str) -> str:
    return f"home-target:{entity}"[:120]


def _walk(data: Any) -> Iterator[Aim]:
    if isinstance(data, (list, tuple)):
        for item in data:
            yield from _walk(item)
    elif isinstance(data, Mapping):
        yield from _action(data)
        for name, value in data.items():
            if name not in NO_ACTIONS:
                yield from _walk(value)


def _action(item: Mapping[str, Any]) -> Iterator[Aim]:
    called = item.get("action")
    if isinstance(called, str):
        domain, _, service = called.strip().lower().partition(".")
        data = item.get("data")
        if service in _OPENING.get(domain, ()):
            yield Aim(f"{domain}.{service}", "" if domain == "homeassistant" else domain, _aimed(item))
        if domain == "scene" and isinstance(data, Mapping):
            for word in _SCENES:
                yield from _scene(data.get(word), f"{domain}.{service}")
    elif item.get("domain") == "cover" and item.get("type") in _OPENING_DEVICE and "condition" not in item:
        entity = _listed(item.get("entity_id"))
        yield Aim("a device action", "cover", {ENTITY: entity} if entity else {DEVICE: _listed(item.get("device_id"))})


def _scene(entities: Any, what: str) -> Iterator[Aim]:
    found = [str(name).strip().lower() for name in entities or () if not _is_shut(entities, name)] if _is_many(entities) else []
    if covers := tuple(name for name in found if name.partition(".")[0] in _CLASSES):
        yield Aim(what, "", {ENTITY: covers})


def _is_many(value: Any) -> bool:
    return isinstance(value, (Mapping, list, tuple))


def _is_shut(entities: Any, name: Any) -> bool:
    """True for an entity that a scene only closes."""
    wanted = entities[name] if isinstance(entities, Mapping) else None
    if isinstance(wanted, Mapping):
        return wanted.get("state") == "closed" and not any(word.endswith("position") for word in map(str, wanted))
    return bool(wanted == "closed")


def _aimed(item: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for part in (item, item.get("target"), item.get("data")):
        if isinstance(part, str):
            found[ENTITY] = (*found.get(ENTITY, ()), part)
        elif isinstance(part, Mapping):
            for kind in _KINDS:
                found[kind] = (*found.get(kind, ()), *_listed(part.get(f"{kind}_id")))
    return found


def _listed(value: Any) -> tuple[str, ...]:
    found = ids(value)
    return tuple(str(each) for each in (found if isinstance(found, list) else [found]) if each)


def _reached(home: Home, aim: Aim) -> set[str]:
    """Entities that an aim reaches, with the members of groups."""
    rows = home.entities()
    registered = (
        {row.get("id"): name for name, row in rows.items()} if any("." not in each for each in aim.at.get(ENTITY, ())) else {}
    )
    found = {registered.get(each, each) for each in aim.at.get(ENTITY, ())}
    if any(aim.at.get(kind) for kind in _KINDS if kind != ENTITY):
        found.update(_within(home, {kind: frozenset(each) for kind, each in aim.at.items()}))
    states, waiting = home.states(), list(found)
    while waiting:
        shown = states.get(waiting.pop())
        members = shown.attributes.get("entity_id") if shown is not None else None
        new = {str(each) for each in members if each not in found} if isinstance(members, (list, tuple)) else set()
        found |= new
        waiting += new
    return found


def _within(home: Home, wanted: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Entities of devices, areas, floors and labels."""
    none: frozenset[str] = frozenset()
    devices, areas, labels = home.devices(), home.areas(), wanted.get(LABEL, none)
    for name, row in home.entities().items():
        device: Mapping[str, Any] = devices.get(str(row.get("device_id")), {})
        place = row.get("area_id") or device.get("area_id")
        area: Mapping[str, Any] = areas.get(str(place), {})
        carried = {label for each in (row, device, area) for label in each.get("labels") or ()}
        here = place in wanted.get(AREA, none) or area.get("floor_id") in wanted.get(FLOOR, none)
        if here or row.get("device_id") in wanted.get(DEVICE, none) or carried & labels:
            yield name


def _guarded(home: Home, entity: str, domain: str) -> str:
    """What it is that a person is asked about, "" for anything else."""
    if domain in GUARDED:
        return "a lock" if domain == "lock" else "an alarm panel"
    shown = home.states().get(entity)
    kind = shown.attributes.get("device_class") if shown is not None else None
    return f"a {kind} {domain}" if kind in _CLASSES.get(domain, ()) else ""
