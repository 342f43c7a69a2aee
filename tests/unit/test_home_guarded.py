"""What a body reaches that somebody must have agreed to: garages, gates, locks and alarm panels that are opened by the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from controller.clients.homeassistant import Home
from controller.clients.homeassistant.bodies import NORMAL
from controller.clients.homeassistant.guarded import aims, risks_of_aims, unasked

UUID = "0123456789abcdef0123456789abcdef"
STATES: Mapping[str, Mapping[str, Any]] = {
    "cover.garage": {"device_class": "garage"},
    "cover.gate": {"device_class": "gate"},
    "cover.blind": {"device_class": "blind"},
    "cover.plain": {},
    "cover.both": {"entity_id": ["cover.blind", "cover.garage"]},
    "group.all": {"entity_id": ["light.hall", "cover.both"]},
    "group.itself": {"entity_id": ["group.itself", "light.hall"]},
    "valve.gas": {"device_class": "gas"},
    "lock.front": {},
    "light.hall": {},
}
ROWS: Mapping[str, Mapping[str, Any]] = {
    "cover.garage": {"id": UUID, "device_id": "motor", "area_id": None, "labels": []},
    "cover.gate": {"id": "g", "device_id": None, "area_id": "yard", "labels": []},
    "cover.blind": {"id": "b", "device_id": None, "area_id": "hall", "labels": ["shade"]},
    "light.hall": {"id": "l", "device_id": None, "area_id": "hall", "labels": []},
    "lock.front": {"id": "k", "device_id": None, "area_id": "yard", "labels": []},
}
HOME = cast(
    Home,
    SimpleNamespace(
        states=lambda: {name: SimpleNamespace(attributes=shown) for name, shown in STATES.items()},
        entities=lambda: ROWS,
        devices=lambda: {"motor": {"area_id": "shed", "labels": ["loud"]}},
        areas=lambda: {
            "shed": {"floor_id": "ground", "labels": ["outside"]},
            "yard": {"floor_id": None, "labels": []},
            "hall": {},
        },
    ),
)


def opening(**target: Any) -> dict[str, Any]:
    return {"action": "cover.open_cover", "target": target}


REACHED: tuple[tuple[Any, str, str], ...] = (
    (opening(entity_id="cover.garage"), "cover.garage", "a garage"),
    ({"service": "Cover.Toggle", "entity_id": "cover.gate"}, "cover.gate", "in old words"),
    ({"action": "cover.set_cover_position", "data": {"entity_id": "cover.gate", "position": 9}}, "cover.gate", "in its data"),
    (opening(entity_id=UUID), "cover.garage", "by the id of its registry entry"),
    (opening(device_id="motor"), "cover.garage", "by its device"),
    (opening(area_id=["hall", "shed"]), "cover.garage", "by the area of its device"),
    (opening(area_id="yard"), "cover.gate", "by its own area"),
    (opening(floor_id="ground"), "cover.garage", "by the floor"),
    (opening(label_id="loud"), "cover.garage", "by a label of its device"),
    (opening(label_id="outside"), "cover.garage", "by a label of its area"),
    (opening(entity_id="cover.both"), "cover.garage", "in a group"),
    ({"action": "homeassistant.toggle", "target": {"entity_id": "group.all"}}, "cover.garage", "in a group of groups"),
    ({"action": "homeassistant.turn_on", "target": {"entity_id": ["light.hall", "lock.front"]}}, "lock.front", "a lock"),
    ({"action": "homeassistant.toggle", "target": {"entity_id": "valve.gas"}}, "valve.gas", "gas"),
    ({"action": "scene.apply", "data": {"entities": {"cover.garage": "open"}}}, "cover.garage", "as a state"),
    ({"action": "scene.apply", "data": {"entities": {"cover.gate": {"state": "closed", "current_position": 40}}}}, "cover.gate",
     "half shut"),
    ({"action": "scene.create", "data": {"snapshot_entities": ["cover.garage"]}}, "cover.garage", "to come back to it"),
    ({"device_id": "motor", "domain": "cover", "type": "open"}, "cover.garage", "a device action"),
    ({"device_id": "x", "domain": "cover", "type": "set_position", "entity_id": UUID}, "cover.garage", "of an entity"),
)  # fmt: skip
FREE: tuple[tuple[Any, str], ...] = (
    (opening(entity_id=["cover.blind", "cover.plain"]), "blinds"),
    (opening(area_id="hall"), "an area without one"),
    (opening(entity_id="cover.unheard_of"), "what is not there is told elsewhere"),
    ({"action": "cover.close_cover", "target": {"entity_id": "cover.garage"}}, "closing"),
    ({"action": "cover.stop_cover", "target": {"entity_id": "cover.garage"}}, "stopping"),
    ({"action": "light.turn_on", "target": {"area_id": "yard"}}, "a lamp beside the gate"),
    ({"action": "homeassistant.toggle", "target": {"entity_id": "group.itself"}}, "a group that is in itself"),
    ({"action": "scene.apply", "data": {"entities": {"cover.garage": "closed", "light.hall": "on"}}}, "a scene that shuts"),
    ({"wait_for_trigger": [{"trigger": "device", "device_id": "motor", "domain": "cover", "type": "opened"}]}, "waiting for it"),
    ({"condition": "device", "device_id": "motor", "domain": "cover", "type": "is_open"}, "asking it"),
)
PLACES: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "at the top": lambda action: {"actions": [action]},
    "deep inside": lambda action: {"actions": [{"if": [], "then": [{"parallel": [{"choose": [{"sequence": [action]}]}]}]}]},
    "in an input of a blueprint": lambda action: {"use_blueprint": {"path": "a.yaml", "input": {"open": [action]}}},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("action", "entity", "reason"), REACHED)
def test_nobody_opens_what_a_person_is_asked_about(action: Any, entity: str, reason: str, place: str) -> None:
    normal = NORMAL["automation"](PLACES[place](action))
    said = unasked(HOME, normal, ())
    assert f"reaches {entity}, a" in said, reason
    assert f"allow 'home-target:{entity}'" in said, "it teaches the way"
    assert unasked(HOME, normal, [f"home-target:{entity}"]) == "", "a rule was asked about exactly this"
    assert unasked(HOME, normal, ["home-target:cover.other", "home-action:cover.open_cover"]) != "", "not about this"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("action", "reason"), FREE)
def test_what_nobody_need_be_asked_about(action: Any, reason: str, place: str) -> None:
    normal = NORMAL["automation"](PLACES[place](action))
    assert unasked(HOME, normal, ()) == "", reason
    assert list(risks_of_aims(aims(normal), ["cover.garage"])) == [], reason


@pytest.mark.parametrize(
    ("entities", "said", "reason"),
    [
        ({"cover.gate": "open"}, "a scene reaches cover.gate, a gate cover", "a state alone"),
        ({"cover.gate": {"state": "open"}}, "a scene reaches cover.gate, a gate cover", "with its attributes"),
        ({"cover.gate": "closed", "cover.blind": "open"}, "", "shut, and a blind"),
    ],
)
def test_a_scene_opens_no_gate(entities: Any, said: str, reason: str) -> None:
    found = unasked(HOME, NORMAL["scene"]({"entities": entities}), ())
    assert found.partition(", about")[0] == said, reason


@pytest.mark.parametrize(
    ("action", "names", "reason"),
    [
        (
            opening(entity_id=["cover.garage", "cover.blind"]),
            ["home-target:cover.garage"],
            "its Device says that a person is asked",
        ),
        (opening(entity_id="cover.blind"), [], "nobody said so"),
        (opening(entity_id="{{ which }}"), ["home-target:template"], "nobody knows yet"),
        ({"action": "homeassistant.toggle", "entity_id": "lock.front"}, ["home-target:lock.front"], "a lock says so itself"),
        (opening(entity_id="light.garage"), [], "no cover, so nothing happens to it"),
    ],
)
def test_what_the_revision_itself_says_is_a_risk_with_a_name(action: Any, names: list[str], reason: str) -> None:
    normal = NORMAL["script"]({"sequence": [action]})
    assert [risk.name for risk in risks_of_aims(aims(normal), ["cover.garage", "light.garage"])] == names, reason
