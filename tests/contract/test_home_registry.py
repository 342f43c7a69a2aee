"""What is special about areas, floors, labels, entities and helpers, on two real Home Assistants."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any

import pytest

from controller.clients.homeassistant import Home, Unsure
from controller.core.change import Action, Change
from controller.core.diff import FieldDiff, compare
from controller.core.errors import Conflict, Permanent
from controller.core.key import Key
from controller.core.limit import YES, Limit, Never
from controller.core.ports import Limits, Provider, Watches
from controller.core.state import Absent, Health, Observed, Present, Receipt, State, Target
from tests.contract.home_yard import Door, HomeSpecs, fresh, provider_of
from tests.contract.yard import KINDS, NO
from tests.support.homeassistant import HomeAssistant, Refused
from tests.support.space import wait_until


@dataclass
class Rooms:
    """One real home, what a person does in it, and what the controller does."""

    server: HomeAssistant
    home: Home
    specs: HomeSpecs
    made: list[tuple[str, str]]

    def ask(self, command: str, **content: Any) -> Any:
        """A person's command."""
        return self.server.ask(command, token=self.server.person_token, **content)

    def make(self, registry: str, name: str, **fields: Any) -> None:
        """A person makes an entry or a helper, which is gone after the test."""
        self.keep(registry, name)
        command = f"config/{registry}_registry" if registry in ("area", "floor", "label") else registry
        self.ask(f"{command}/create", name=name, **fields)

    def keep(self, registry: str, name: str) -> str:
        """What is called so is gone after the test."""
        self.made.append((registry, name))
        return name

    def row(self, registry: str, name: str) -> Mapping[str, Any]:
        """An entry as Home Assistant has it."""
        key = {"device": "id", "entity": "entity_id"}.get(registry, f"{registry}_id")
        return next(row for row in self.ask(f"config/{registry}_registry/list") if row[key] == name)

    def items(self, kind: str) -> list[str]:
        """Ids of the helpers of a type."""
        return [item["id"] for item in self.ask(f"{kind}/list")]

    def provider(self, kind: str) -> Provider:
        return provider_of(kind, self.home)

    def state(self, kind: str, spec: Mapping[str, Any]) -> tuple[State, str]:
        desired = self.specs.resolve(kind, "it", spec)
        return desired.state, desired.address

    def look(self, kind: str, address: str) -> Observed:
        return self.provider(kind).observe([Target(Key(kind, "it"), address)]).of(Key(kind, "it"))

    def change(self, kind: str, spec: Mapping[str, Any], declared: Mapping[str, Any] | None = None) -> Change:
        """From what is there now to a spec, with the fields that a plan would name; `declared` is the spec of before."""
        after, address = self.state(kind, spec)
        found = self.look(kind, address)
        before, handle = (found.state, found.handle) if isinstance(found, Present) else (None, "")
        applied = self.state(kind, declared)[0] if declared is not None else None
        fields: tuple[FieldDiff, ...] = ()
        if before is not None:
            fields = compare(after, before, applied, same=KINDS[kind].same)
        action = Action.CREATE if before is None else Action.UPDATE
        return Change(Key(kind, "it"), "local", address, action, before, after, "test", fields, handle=handle)

    def apply(self, kind: str, spec: Mapping[str, Any], declared: Mapping[str, Any] | None = None) -> Receipt:
        return self.provider(kind).apply(self.change(kind, spec, declared), NO)

    def removal(self, kind: str, spec: Mapping[str, Any]) -> Change:
        """From what is there now to nothing."""
        change = self.change(kind, spec)
        assert change.before is not None
        return replace(change, action=Action.DELETE, after=None, fields=())

    def limit(self, change: Change) -> Limit:
        provider = self.provider(change.key.kind)
        assert isinstance(provider, Limits)
        return provider.limit(change)


@pytest.fixture
def rooms(home_assistant: HomeAssistant, tmp_path: Path) -> Iterator[Rooms]:
    door = Door(home_assistant)
    made = Rooms(home_assistant, door.home, HomeSpecs(tmp_path), [])
    yield made
    for registry, name in reversed(made.made):
        command = f"config/{registry}_registry" if registry in ("area", "floor", "label") else registry
        with contextlib.suppress(Refused):
            made.ask(f"{command}/delete", **{f"{registry}_id": name})
    door.close()


@pytest.mark.parametrize("kind", ["area", "floor", "label", "input_button"])
def test_a_title_that_gives_another_id_is_given_after_the_id(rooms: Rooms, kind: str) -> None:
    name = rooms.keep(kind, fresh("title"))
    spec = {"id": name, "name": f"Straße № {name}", **({"type": kind} if kind == "input_button" else {})}
    rooms.apply("helper" if kind == "input_button" else kind, spec)
    if kind == "input_button":
        assert rooms.server.get(f"/api/states/input_button.{name}")["attributes"]["friendly_name"] == spec["name"]
    else:
        assert rooms.row(kind, name)["name"] == spec["name"]


@pytest.mark.parametrize("kind", ["area", "floor", "label", "input_button"])
def test_what_a_crash_left_without_its_title_is_finished_and_taken_back(rooms: Rooms, kind: str) -> None:
    named = "helper" if kind == "input_button" else kind
    for finished in (True, False):
        name = rooms.keep(kind, fresh("torn"))
        spec = {"id": name, "name": f"Straße {name}", **({"type": kind} if kind == "input_button" else {})}
        change = rooms.change(named, spec)
        rooms.make(kind, name)
        provider = rooms.provider(named)
        if finished:
            assert (provider.apply(change, NO).state or {})["name"] == spec["name"]
        else:
            assert provider.apply(change.inverse(), NO).state is None
            assert isinstance(rooms.look(named, change.address), Absent)


def test_an_area_that_comes_back_has_what_was_in_it(rooms: Rooms) -> None:
    area, other = (rooms.keep("area", fresh("area")) for _ in range(2))
    switch, moved = fresh("switch"), fresh("moved")
    rooms.apply("area", {"id": area, "icon": "mdi:sofa"})
    rooms.apply("area", {"id": other, "name": other})
    for name in (switch, moved):
        rooms.make("input_boolean", name)
        rooms.ask("config/entity_registry/update", entity_id=f"input_boolean.{name}", area_id=area)
    wait_until(lambda: len(members(rooms.look("area", area), "entity")) == 2, "both to be seen in the area")
    removal = rooms.removal("area", {"id": area})
    rooms.provider("area").apply(removal, NO)
    assert rooms.row("entity", f"input_boolean.{switch}")["area_id"] is None, "Home Assistant clears it"
    rooms.ask("config/entity_registry/update", entity_id=f"input_boolean.{moved}", area_id=other)
    rooms.provider("area").apply(removal.inverse(), NO)
    assert rooms.row("entity", f"input_boolean.{switch}")["area_id"] == area
    assert rooms.row("entity", f"input_boolean.{moved}")["area_id"] == other, "what a person moved meanwhile stays"
    assert rooms.row("area", area)["icon"] == "mdi:sofa"
    rooms.ask("config/entity_registry/update", entity_id=f"input_boolean.{switch}", area_id=None)
    rooms.provider("area").apply(removal.inverse(), NO)
    assert rooms.row("entity", f"input_boolean.{switch}")["area_id"] == area, "half of it done: the other half is done again"


def test_an_area_that_is_changed_back_does_not_move_anything(rooms: Rooms) -> None:
    area, switch = rooms.keep("area", fresh("area")), fresh("switch")
    rooms.apply("area", {"id": area, "icon": "mdi:sofa"})
    rooms.make("input_boolean", switch)
    rooms.ask("config/entity_registry/update", entity_id=f"input_boolean.{switch}", area_id=area)
    wait_until(lambda: members(rooms.look("area", area), "entity"), "it to be seen in the area")
    change = rooms.change("area", {"id": area, "icon": "mdi:bed"})
    rooms.provider("area").apply(change, NO)
    rooms.ask("config/entity_registry/update", entity_id=f"input_boolean.{switch}", area_id=None)
    rooms.provider("area").apply(change.inverse(), NO)
    assert rooms.row("area", area)["icon"] == "mdi:sofa"
    assert rooms.row("entity", f"input_boolean.{switch}")["area_id"] is None


def test_a_floor_and_a_label_come_back_to_what_had_them(rooms: Rooms) -> None:
    floor, label, mine, area = (rooms.keep(kind, fresh(kind)) for kind in ("floor", "label", "label", "area"))
    rooms.apply("floor", {"id": floor})
    rooms.apply("label", {"id": label})
    rooms.make("label", mine)
    rooms.apply("area", {"id": area, "floor": floor, "labels": [label, mine]})
    for kind, name in (("floor", floor), ("label", label)):
        wait_until(lambda kind=kind, name=name: members(rooms.look(kind, name), "area"), "the area to be seen")  # type: ignore[misc]
    removals = [rooms.removal("floor", {"id": floor}), rooms.removal("label", {"id": label})]
    for removal in removals:
        rooms.provider(removal.key.kind).apply(removal, NO)
    assert (rooms.row("area", area)["floor_id"], rooms.row("area", area)["labels"]) == (None, [mine])
    for removal in removals:
        rooms.provider(removal.key.kind).apply(removal.inverse(), NO)
    assert (rooms.row("area", area)["floor_id"], sorted(rooms.row("area", area)["labels"])) == (floor, sorted([label, mine]))


def test_a_name_that_is_taken_is_told_with_who_has_it(rooms: Rooms) -> None:
    name, other = rooms.keep("area", fresh("name")), rooms.keep("area", fresh("other"))
    rooms.make("area", other)
    rooms.ask("config/area_registry/update", area_id=other, name=f"Room {other}")
    with pytest.raises(Permanent, match=f"has area {other} of the name"):
        rooms.apply("area", {"id": name, "name": f"room{other}"})
    assert isinstance(rooms.look("area", name), Absent), "it is not left behind under its id"


def test_unknown_areas_labels_and_floors_are_refused_with_what_was_meant(rooms: Rooms) -> None:
    area, switch = fresh("kitchen"), fresh("switch")
    rooms.make("area", area)
    rooms.make("input_boolean", switch)
    rooms.ask("config/entity_registry/update", entity_id=f"input_boolean.{switch}", area_id="nowhere")
    assert rooms.row("entity", f"input_boolean.{switch}")["area_id"] == "nowhere", "Home Assistant takes anything"
    rooms.ask("config/entity_registry/update", entity_id=f"input_boolean.{switch}", area_id=None)
    wait_until(lambda: area in rooms.home.areas(), "the area to be known")
    entity = rooms.change("entity", {"entity": f"input_boolean.{switch}", "area": f"{area}x"})
    assert never(rooms.limit(entity)) == f"Home Assistant has no area '{area}x'; did you mean `{area}`?"
    with pytest.raises(Permanent, match="has no area"):
        rooms.provider("entity").apply(entity, NO)
    assert rooms.row("entity", f"input_boolean.{switch}")["area_id"] is None
    assert rooms.limit(replace(entity, needs=(Key("area", "made-before"),))) == YES, "a need of the same plan makes it"
    labelled = rooms.change("area", {"id": area, "labels": ["no_such_label"]})
    assert "has no label 'no_such_label'" in never(rooms.limit(labelled))
    floored = rooms.change("area", {"id": area, "floor": "no_such_floor"})
    assert "has no floor 'no_such_floor'" in never(rooms.limit(floored))


@pytest.mark.parametrize(("kind", "word"), [("area", ""), ("helper", "timer.")])
def test_another_id_for_the_same_document_leaves_nothing_behind(rooms: Rooms, kind: str, word: str) -> None:
    old, new = (rooms.keep(kind if not word else "timer", fresh("id")) for _ in range(2))
    more = {"type": "timer"} if word else {}
    handle = rooms.apply(kind, {"id": old, **more}).handle
    wait_until(lambda: isinstance(rooms.look(kind, f"{word}{old}"), Present), "it to be seen")
    moved = rooms.change(kind, {"id": new, "name": new, **more})
    assert rooms.limit(moved) == YES
    said = never(rooms.limit(replace(moved, handle=handle)))
    assert f"it is {word}{old} in Home Assistant, and an id never changes there" in said


def test_a_helper_keeps_what_is_not_declared(rooms: Rooms) -> None:
    name = rooms.keep("input_number", fresh("number"))
    spec = {"type": "input_number", "id": name, "min": 0, "max": 10, "step": 2}
    rooms.apply("helper", spec)
    whole = {"min": 0, "max": 10, "step": 2, "name": name, "icon": "mdi:hand", "unit_of_measurement": "lm"}
    rooms.ask("input_number/update", input_number_id=name, **whole)
    wait_until(lambda: shown(rooms.look("helper", f"input_number.{name}")).get("icon") == "mdi:hand", "the icon to be seen")
    later = rooms.apply("helper", {**spec, "max": 20}, declared=spec).state or {}
    assert (later["max"], later["icon"], later["unit_of_measurement"], later["step"]) == (20, "mdi:hand", "lm", 2)
    without = {word: value for word, value in spec.items() if word != "step"}
    released = rooms.change("helper", without, declared=spec)
    assert sorted(field.path for field in released.fields) == ["max", "step"]
    last = rooms.provider("helper").apply(released, NO).state or {}
    assert (last["step"], last["icon"]) == (1, "mdi:hand"), "what is no longer declared gets the default"


def test_a_second_helper_is_never_left_behind(rooms: Rooms) -> None:
    name = rooms.keep("timer", fresh("timer"))
    change = rooms.change("helper", {"type": "timer", "id": name, "duration": 60})
    forgetful = Forgetful(rooms.home, "timer/create")
    with pytest.raises(Unsure):
        provider_of("helper", forgetful).apply(change, NO)  # type: ignore[arg-type]
    rooms.provider("helper").apply(change, NO)
    assert [each for each in rooms.items("timer") if each.startswith(name)] == [name]


def test_a_helper_in_yaml_is_told_and_not_doubled(rooms: Rooms) -> None:
    name = fresh("yaml")
    file = rooms.server.config / "configuration.yaml"
    before = file.read_text()
    file.write_text(f"{before}\ninput_boolean:\n  {name}:\n    name: Mine\n")
    try:
        rooms.server.call("POST", "/api/services/input_boolean/reload", {})
        wait_until(lambda: f"input_boolean.{name}" in rooms.home.states(), "the helper of the YAML")
        change = rooms.change("helper", {"type": "input_boolean", "id": name})
        assert change.before is None
        assert "is written in Home Assistant's YAML" in never(rooms.limit(change))
        with pytest.raises(Conflict):
            rooms.provider("helper").apply(change, NO)
        assert [each for each in rooms.items("input_boolean") if each.startswith(name)] == []
    finally:
        file.write_text(before)
        rooms.server.call("POST", "/api/services/input_boolean/reload", {})
        wait_until(lambda: f"input_boolean.{name}" not in rooms.home.states(), "the helper of the YAML to be gone")


def test_a_helper_comes_back_under_its_own_entity(rooms: Rooms) -> None:
    name = rooms.keep("counter", fresh("counter"))
    spec = {"type": "counter", "id": name}
    rooms.apply("helper", spec)
    rooms.ask("config/entity_registry/update", entity_id=f"counter.{name}", new_entity_id=f"counter.{name}_renamed")
    wait_until(lambda: f"counter.{name}_renamed" in rooms.home.entities(), "the new name to be known")
    rooms.provider("helper").apply(rooms.removal("helper", spec), NO)
    rooms.apply("helper", spec)
    wait_until(lambda: health(rooms, "helper", f"counter.{name}")[0] is Health.HEALTHY, "its entity")
    assert rooms.server.get(f"/api/states/counter.{name}")["state"] == "0"


def test_an_entity_that_cannot_be_named_says_why(rooms: Rooms) -> None:
    zone = rooms.change("entity", {"entity": "zone.home", "name": "Mine"})
    assert "zone.home has no unique id" in never(rooms.limit(zone))
    switch = fresh("switch")
    rooms.make("input_boolean", switch)
    wait_until(lambda: f"input_boolean.{switch}" in rooms.home.entities(), "the entity to be known")
    wrong = rooms.change("entity", {"entity": f"input_bolean.{switch}", "name": "Mine"})
    assert f"did you mean `input_boolean.{switch}`?" in never(rooms.limit(wrong))
    right = rooms.change("entity", {"entity": f"input_boolean.{switch}", "name": "Mine"})
    rooms.ask("config/entity_registry/update", entity_id=f"input_boolean.{switch}", new_entity_id=f"input_boolean.{switch}_new")
    wait_until(lambda: f"input_boolean.{switch}_new" in rooms.home.entities(), "the new name to be known")
    renamed = replace(right, action=Action.CREATE, before=None)
    assert (
        never(rooms.limit(renamed))
        == f"somebody renamed it to input_boolean.{switch}_new: write `entity: input_boolean.{switch}_new`"
    )


def test_only_what_is_declared_of_an_entity_is_written_and_put_back(rooms: Rooms) -> None:
    switch = fresh("switch")
    rooms.make("input_boolean", switch)
    entity = f"input_boolean.{switch}"
    spec = {"entity": entity, "name": "Ours", "aliases": ["other"]}
    change = rooms.change("entity", spec)
    own = rooms.ask("config/entity_registry/get", entity_id=entity)["aliases"]
    rooms.provider("entity").apply(change, NO)
    assert rooms.ask("config/entity_registry/get", entity_id=entity)["aliases"] == [*own, "other"], (
        "its own name is still understood"
    )
    rooms.ask("config/entity_registry/update", entity_id=entity, icon="mdi:hand")
    back = rooms.provider("entity").apply(change.inverse(), NO).state or {}
    assert (back["name"], back["aliases"], back["icon"]) == (None, [], "mdi:hand"), "a person's icon is not part of our undo"
    rooms.apply("entity", spec)
    wait_until(lambda: shown(rooms.look("entity", entity)).get("name") == "Ours", "our name to be seen")
    released = rooms.apply("entity", {"entity": entity, "aliases": ["other"]}, declared=spec).state or {}
    assert (released["name"], released["aliases"], released["icon"]) == (None, ["other"], "mdi:hand")


def test_an_entity_that_is_enabled_comes_back_at_once(rooms: Rooms) -> None:
    name = fresh("lamp")
    entity, topic = f"light.{name}", f"homeassistant/light/{name}/config"
    lamp = {"name": None, "unique_id": name, "default_entity_id": entity, "object_id": name, "command_topic": f"{name}/set"}
    rooms.server.broker.publish(topic, json.dumps({**lamp, "state_topic": name}), retain=True)
    try:
        wait_until(lambda: entity in rooms.home.states(), "the lamp")
        off = {"entity": entity, "disabled": True}
        rooms.apply("entity", off)
        wait_until(lambda: entity not in rooms.home.states(), "the lamp to be gone")
        assert health(rooms, "entity", entity) == (Health.HEALTHY, "it is disabled")
        enabling = rooms.change("entity", {"entity": entity, "disabled": False})
        rooms.provider("entity").apply(enabling, NO)
        assert entity in rooms.home.states()
        assert health(rooms, "entity", entity) == (Health.HEALTHY, "")
    finally:
        rooms.server.broker.publish(topic, "", retain=True)
        wait_until(lambda: entity not in rooms.home.entities(), "the lamp to be taken away")


@pytest.mark.parametrize("kind", ["area", "entity", "helper"])
def test_a_person_at_work_is_seen_at_once(rooms: Rooms, kind: str) -> None:
    name = fresh("seen")
    rooms.make("area" if kind == "area" else "input_boolean", name)
    address = name if kind == "area" else f"input_boolean.{name}"
    provider = rooms.provider(kind)
    wait_until(
        lambda: isinstance(provider.observe([Target(Key(kind, "it"), address)]).of(Key(kind, "it")), Present), "it to be there"
    )
    moved: list[Key | None] = []
    stop = Flag()
    assert isinstance(provider, Watches)
    watching = Thread(target=provider.watch, args=(moved.append, stop))
    watching.start()
    try:
        wait_until(lambda: None in moved, "the first word")
        if kind == "area":
            rooms.ask("config/area_registry/update", area_id=name, icon="mdi:hand")
        elif kind == "entity":
            rooms.ask("config/entity_registry/update", entity_id=address, icon="mdi:hand")
        else:
            rooms.ask("input_boolean/update", input_boolean_id=name, name="By hand")
        wait_until(lambda: Key(kind, "it") in moved, "the word about it")
        if kind == "helper":
            moved.clear()
            rooms.server.call("POST", "/api/services/input_boolean/toggle", {"entity_id": address})
            rooms.ask("input_boolean/update", input_boolean_id=name, name="By hand again")
            wait_until(lambda: Key(kind, "it") in moved, "the second word about it")
            assert moved == [Key(kind, "it")], "its value is its own business"
    finally:
        stop.set()
        watching.join(60)


class Forgetful:
    """A client that loses the answer to one command."""

    def __init__(self, home: Home, command: str) -> None:
        self._home = home
        self._command = command

    def call(self, type: str, **fields: Any) -> Any:  # noqa: A002 (as in the client)
        answer = self._home.call(type, **fields)
        if type == self._command:
            raise Unsure("the answer was lost")
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._home, name)


def members(observed: Observed, registry: str) -> list[str]:
    return list(shown(observed)["members"][registry])


def shown(observed: Observed) -> State:
    assert isinstance(observed, Present), observed
    return observed.state


def never(limit: Limit) -> str:
    assert isinstance(limit, Never), limit
    return limit.why


def health(rooms: Rooms, kind: str, address: str) -> tuple[Health, str]:
    found: tuple[Health, str] = rooms.provider(kind).health(Target(Key(kind, "it"), address))  # type: ignore[attr-defined]
    return found
