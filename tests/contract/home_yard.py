"""The yard in which every kind of Home Assistant tells the story of a provider: on two real versions and on the simulated world.

A kind adds its `Story` to `STORIES`; the tests in test_home_narrative.py are told by each of them."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from controller.clients.clock import SystemClock
from controller.clients.homeassistant import Connection, Home
from controller.clients.homeassistant.items import ItemProvider
from controller.clients.homeassistant.registry import RegistryProvider
from controller.clients.memory import MemoryProvider, MemoryWorld
from controller.clients.yaml import read_yaml
from controller.core.change import Change
from controller.core.errors import Transient
from controller.core.estate import HomelabSpec
from controller.core.kind import Desired
from controller.core.ports import Provider
from controller.core.state import canonical
from controller.engine.surroundings import RepositorySurroundings
from controller.kinds.area import REGISTRY as AREA
from controller.kinds.device import DeviceProvider
from controller.kinds.entity import EntityProvider
from controller.kinds.floor import REGISTRY as FLOOR
from controller.kinds.helper import HelperProvider
from controller.kinds.label import REGISTRY as LABEL
from tests.contract.yard import KINDS, MemoryHands, Specs, Yard
from tests.support.homeassistant import NEW, OLD, PORT, HomeAssistant, HomeAssistants, Refused
from tests.support.house import OpenVault, Tree
from tests.support.ports import free_port
from tests.support.relay import Relay
from tests.support.space import wait_until

HOME = "local"
"""The name of the connection."""
WORLDS: Mapping[str, str | None] = {"memory": None, "old": OLD, "new": NEW}
DECLARED = {"type": "homeassistant", "url": "http://192.0.2.5:8123", "token": {"ref": "homeassistant/token"}}
_numbers = itertools.count(1)
Spec = Mapping[str, Any]
Hand = Callable[["HomeHands", str], None]
"""Something that a person does in Home Assistant: with the hands, to the object of an id."""


def fresh(word: str = "it") -> str:
    """An id that no other test of this process has; each process has servers of its own."""
    return f"t_{word}_{next(_numbers)}"


def nothing(_hands: HomeHands, _name: str) -> None:
    """No hand is needed."""


@dataclass(frozen=True)
class Story:
    """What one kind tells. `first` and `second` are specs that differ, with `{it}` for the id of the test; `impossible` is one
    that the provider refuses (None = there is none). `address` is where it stands, `provider` makes the real one.

    `edit` changes a declared field by hand and `remove` takes the object away; `edited` is what `edit` does on the simulated
    world. `prepare` and `clean` are before and after the story: for an object that is there before us (`standing`), and what it
    needs; `stands` is that object on the simulated world."""

    kind: str
    first: Spec
    second: Spec
    address: str
    provider: Callable[[Home], Provider]
    edit: Hand
    remove: Hand
    edited: Spec
    impossible: Spec | None = None
    prepare: Hand = nothing
    clean: Hand = nothing
    stands: Spec | None = None

    @property
    def standing(self) -> bool:
        """True for an object that is there before us and stays."""
        return self.stands is not None


@dataclass
class HomeHands:
    """A person at a real Home Assistant, and a power cut on the way to it."""

    door: Door
    story: Story
    name: str

    def edit(self, yard: Yard) -> None:
        self.story.edit(self, self.name)
        self.seen()

    def remove(self, yard: Yard) -> None:
        self.story.remove(self, self.name)
        self.seen()

    def cut(self) -> None:
        self.door.cut()

    def mend(self) -> None:
        self.door.mend()

    def ask(self, command: str, **content: Any) -> Any:
        """A command of a person. Raises Refused."""
        server = self.door.server
        return server.ask(command, token=server.person_token, **content)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A call of a person. Raises Refused."""
        server = self.door.server
        return server.call(method, path, body, token=server.person_token)

    def seen(self) -> None:
        """What a person did is known to the controller: events of it come before the answer to what is asked afterwards."""
        self.door.home.audit()
        self.door.home.call("ping")


@dataclass
class HomeMemoryHands(MemoryHands):
    """A person in the simulated world."""

    story: Story

    def edit(self, yard: Yard) -> None:
        self.world.edit(yard.kind, HOME, yard.address, **self.story.edited)

    def remove(self, yard: Yard) -> None:
        self.world.remove(yard.kind, HOME, yard.address)


@dataclass
class HomeSpecs(Specs):
    """Specs of one Home Assistant, with `{it}` filled in."""

    name: str = "it"

    def resolve(self, kind: str, name: str, spec: Spec, files: Mapping[str, str] | None = None) -> Desired:
        assert files is None
        homelab = HomelabSpec(connections={HOME: DECLARED})
        around = RepositorySurroundings(Tree({}), "", read_yaml, self.vault, self.blobs, homelab, set(), (), self.others)
        resolve = KINDS[kind].resolve
        assert resolve is not None
        return resolve(name, KINDS[kind].model.model_validate(filled(spec, self.name)), around)


@dataclass
class HomeYard(Yard):
    """One object called `it`."""

    story: Story = field(kw_only=True)

    def change(self, after: Spec | None) -> Change:
        if self.story.standing:
            assert after is not None, "what stands before us is not removed by us"
        return super().change(after)


def filled(value: Any, name: str) -> Any:
    """The same data with `{it}` replaced."""
    if isinstance(value, str):
        return value.replace("{it}", name)
    if isinstance(value, Mapping):
        return {filled(word, name): filled(item, name) for word, item in value.items()}
    return [filled(item, name) for item in value] if isinstance(value, (list, tuple)) else value


class Doors:
    """The controller's door to each server, and the way to it that a test may cut; opened on first use."""

    def __init__(self, servers: HomeAssistants) -> None:
        self._servers = servers
        self._open: dict[str, Door] = {}

    def get(self, which: str) -> Door:
        """The one to a version."""
        if which not in self._open:
            self._open[which] = Door(self._servers.get(which))
        return self._open[which]

    def close(self) -> None:
        """End them all."""
        for door in self._open.values():
            door.close()


class Door:
    """A client of a server, on a way of its own that can be cut and mended."""

    def __init__(self, server: HomeAssistant) -> None:
        self.server = server
        self._port = free_port()
        self._relay = Relay(self._port, server.space.pid, PORT)
        self.home = Home(Connection(HOME, f"http://127.0.0.1:{self._port}"), lambda: server.token, SystemClock())

    def cut(self) -> None:
        """From now on nothing answers."""
        self._relay.close()
        wait_until(self._silent, "the connection to be lost")

    def mend(self) -> None:
        """Everything answers again."""
        self._relay = Relay(self._port, self.server.space.pid, PORT)
        wait_until(lambda: not self._silent(), "the connection to be back")

    @contextmanager
    def silent(self) -> Iterator[None]:
        """While the block runs the way stands, and nothing gets through: what is sent is answered afterwards."""
        self._relay.hold()
        try:
            yield
        finally:
            self._relay.go_on()

    def close(self) -> None:
        """End it."""
        self.home.close()
        self._relay.close()

    def _silent(self) -> bool:
        try:
            self.home.call("ping")
        except Transient:
            return True
        return False


@contextmanager
def home_yard(story: Story, world: str, doors: Doors, folder: Path) -> Iterator[HomeYard]:
    """A yard for a story. What is in Home Assistant beside the object is as before when it ends."""
    which, name = WORLDS[world], fresh(story.kind)
    specs = HomeSpecs(folder, name=name)
    told = story.first, story.second, story.impossible
    address = filled(story.address, name)
    if which is None:
        memory = MemoryWorld(SystemClock())
        if story.stands is not None:
            memory.put(story.kind, HOME, address, filled(story.stands, name))
        provider: Provider = MemoryProvider(KINDS[story.kind], memory)
        yield HomeYard(story.kind, specs, provider, HomeMemoryHands(memory, story), *told, address, story=story)
        return
    door = doors.get(which)
    hands = HomeHands(door, story, name)
    before = registries(door.server)
    try:
        story.prepare(hands, name)
        hands.seen()
        yield HomeYard(story.kind, specs, story.provider(door.home), hands, *told, address, story=story)
    finally:
        with contextlib.suppress(Refused):  # it is gone already
            story.remove(hands, name)
        story.clean(hands, name)
    assert registries(door.server) == before, "nothing else moved"


def provider_of(kind: str, home: Home) -> Provider:
    """The real provider of a kind."""
    return next(story.provider(home) for story in STORIES.values() if story.kind == kind)


def registries(server: HomeAssistant) -> Mapping[str, str]:
    """A hash of everything that is registered, by registry, with who points where; without what is only a time."""
    commands = {name: f"config/{name}_registry/list" for name in ("area", "floor", "label", "device", "entity")}
    commands |= {kind: f"{kind}/list" for kind in HELPERS}
    found: dict[str, str] = {}
    with server.socket() as line:
        for number, (name, command) in enumerate(commands.items(), 1):
            line.send(json.dumps({"id": number, "type": command}))
            rows = json.loads(line.recv(60))["result"]
            found[name] = _hash([{word: _plain(item) for word, item in row.items() if word not in _TIMES} for row in rows])
    return found


HELPERS = (
    "input_boolean",
    "input_number",
    "input_select",
    "input_text",
    "input_datetime",
    "input_button",
    "counter",
    "timer",
    "schedule",
)
_TIMES = frozenset(["created_at", "modified_at"])


def _plain(value: Any) -> Any:
    """Lists of words in order; without the fingerprint that newer versions keep of a helper once it was changed."""
    if isinstance(value, dict):
        return {word: item for word, item in value.items() if word != "collection"}
    return sorted(value) if isinstance(value, list) and all(isinstance(item, str) for item in value) else value


def _hash(rows: list[Any]) -> str:
    return sha256("\n".join(sorted(canonical(row) for row in rows)).encode()).hexdigest()


def _entry(kind: str, **fields: Any) -> Hand:
    """A person changes an entry of a registry."""

    def edit(hands: HomeHands, name: str) -> None:
        hands.ask(f"config/{kind}_registry/update", **{f"{kind}_id": name}, **fields)

    return edit


def _no_entry(kind: str) -> Hand:
    """A person removes an entry of a registry."""

    def remove(hands: HomeHands, name: str) -> None:
        hands.ask(f"config/{kind}_registry/delete", **{f"{kind}_id": name})

    return remove


def _helper(kind: str, **fields: Any) -> Hand:
    """A person changes a helper in the editor, which sends all of it."""

    def edit(hands: HomeHands, name: str) -> None:
        item = next(item for item in hands.ask(f"{kind}/list") if item["id"] == name)
        whole = {**{word: value for word, value in item.items() if word != "id"}, **fields}
        hands.ask(f"{kind}/update", **{f"{kind}_id": name}, **whole)

    return edit


def _no_helper(kind: str) -> Hand:
    """A person removes a helper."""

    def remove(hands: HomeHands, name: str) -> None:
        hands.ask(f"{kind}/delete", **{f"{kind}_id": name})

    return remove


def _helper_story(kind: str, first: Spec, second: Spec, edited: Spec, impossible: Spec | None = None) -> Story:
    common = {"type": kind, "id": "{it}"}
    return Story(
        kind="helper",
        first={**common, **first},
        second={**common, **second},
        impossible={**common, **impossible} if impossible is not None else None,
        address=f"{kind}.{{it}}",
        provider=HelperProvider,
        edit=_helper(kind, **edited),
        remove=_no_helper(kind),
        edited=edited,
    )


def _entity_made(hands: HomeHands, name: str) -> None:
    """An entity that a person's switch brings."""
    hands.ask("input_boolean/create", name=name)


def _entity_edited(hands: HomeHands, name: str) -> None:
    hands.ask("config/entity_registry/update", entity_id=f"input_boolean.{name}", name="By hand")


def _no_entity(hands: HomeHands, name: str) -> None:
    hands.ask("input_boolean/delete", input_boolean_id=name)


NOTIFY = {"action": "persistent_notification.create", "data": {"message": "{it}"}}


def _item_story(kind: str, first: Spec, second: Spec, impossible: Spec) -> Story:
    """What an automation, a script or a scene tells. A person writes in the editor."""
    word = "name" if kind == "scene" else "alias"

    def edit(hands: HomeHands, name: str) -> None:
        body = {**filled({each: value for each, value in first.items() if each != "enabled"}, name), word: "By hand"}
        hands.call("POST", f"/api/config/{kind}/config/{name}", body)
        wait_until(lambda: hands.door.home.configs(kind, [name]).get(name, {}).get(word) == "By hand", f"{name} to be loaded")

    def remove(hands: HomeHands, name: str) -> None:
        hands.call("DELETE", f"/api/config/{kind}/config/{name}")
        wait_until(lambda: not hands.door.home.configs(kind, [name]), f"{name} to be gone")

    return Story(
        kind=kind,
        first={"id": "{it}", **first},
        second={"id": "{it}", **second},
        impossible={"id": "{it}", **impossible},
        address="{it}",
        provider=lambda home: ItemProvider(home, kind, SystemClock()),
        edit=edit,
        remove=remove,
        edited={"body": {word: "By hand"}},
    )


def _level_made(hands: HomeHands, name: str) -> None:
    """Something with a value, which a person's helper brings."""
    hands.ask("input_number/create", name=name, min=0, max=10, step=1, initial=1)
    wait_until(lambda: any(row["entity_id"] == f"input_number.{name}" for row in hands.ask("get_states")), "its state")


def _level_set(hands: HomeHands, name: str) -> None:
    hands.call("POST", "/api/services/input_number/set_value", {"entity_id": f"input_number.{name}", "value": 5})


def _no_level(hands: HomeHands, name: str) -> None:
    hands.ask("input_number/delete", input_number_id=name)


WEEK: dict[str, Any] = {"monday": [{"from": "07:00", "to": "09:30"}], "sunday": [{"from": "20:00", "to": "24:00"}]}
STORIES: Mapping[str, Story] = {
    "area": Story(
        kind="area",
        first={"id": "{it}", "icon": "mdi:sofa", "aliases": ["Salon {it}"]},
        second={"id": "{it}", "name": "Größe {it}", "icon": "mdi:bed", "aliases": []},
        impossible={"id": "{it}", "floor": "nowhere"},
        address="{it}",
        provider=lambda home: RegistryProvider(home, AREA),
        edit=_entry("area", icon="mdi:hammer"),
        remove=_no_entry("area"),
        edited={"icon": "mdi:hammer"},
    ),
    "floor": Story(
        kind="floor",
        first={"id": "{it}", "level": 0, "icon": "mdi:home"},
        second={"id": "{it}", "name": "Oben {it} ä", "level": 1, "icon": ""},
        address="{it}",
        provider=lambda home: RegistryProvider(home, FLOOR),
        edit=_entry("floor", level=-7),
        remove=_no_entry("floor"),
        edited={"level": -7},
    ),
    "label": Story(
        kind="label",
        first={"id": "{it}", "color": "light-green", "description": "what it is"},
        second={"id": "{it}", "name": "№ {it}", "color": "#AABBCC", "description": ""},
        address="{it}",
        provider=lambda home: RegistryProvider(home, LABEL),
        edit=_entry("label", color="red"),
        remove=_no_entry("label"),
        edited={"color": "red"},
    ),
    "entity": Story(
        kind="entity",
        first={"entity": "input_boolean.{it}", "name": "First", "icon": "mdi:lamp", "hidden": True, "aliases": ["desk", "Lamp"]},
        second={"entity": "input_boolean.{it}", "name": "Second", "icon": "", "hidden": False, "aliases": []},
        impossible={"entity": "input_boolean.{it}", "name": "Second", "area": "nowhere"},
        address="input_boolean.{it}",
        provider=EntityProvider,
        prepare=_entity_made,
        edit=_entity_edited,
        remove=_no_entity,
        edited={"name": "By hand"},
        stands={"name": None, "icon": None, "area": None, "disabled": False, "hidden": False, "labels": [], "aliases": []},
    ),
    "device": Story(
        kind="device",
        first={"entity": "input_number.{it}", "desired": {"value": 3}, "confirm": 60},
        second={"entity": "input_number.{it}", "desired": {"value": 7}, "confirm": 60},
        impossible={"entity": "input_number.{it}", "desired": {"value": 99}},
        address="input_number.{it}",
        provider=lambda home: DeviceProvider(home, OpenVault(), SystemClock()),
        prepare=_level_made,
        edit=_level_set,
        remove=_no_level,
        edited={"desired": {"value": 5}},
        stands={"entity": "input_number.{it}", "desired": {"value": 1}, "guard": ""},
    ),
    "input_boolean": _helper_story(
        "input_boolean", {"initial": True}, {"name": "Schalter ß {it}", "initial": False, "icon": "mdi:lamp"}, {"name": "by hand"}
    ),
    "input_number": _helper_story(
        "input_number",
        {"min": 0, "max": 10, "step": 0.5, "unit_of_measurement": "°C"},
        {"min": -5.5, "max": 20, "step": 0.5, "mode": "box"},
        {"max": 11.0, "min": -50.0},
    ),
    "input_select": _helper_story(
        "input_select", {"options": ["a", "b"]}, {"options": ["b", "c"], "initial": "c"}, {"options": ["x"], "name": "by hand"}
    ),
    "input_text": _helper_story(
        "input_text",
        {"max": 20, "pattern": "[a-z]*", "mode": "text"},
        {"min": 1, "max": 30, "pattern": "[a-z]*", "mode": "password"},
        {"max": 21, "pattern": ".*"},
    ),
    "input_datetime": _helper_story(
        "input_datetime",
        {"has_time": True, "initial": "7:30"},
        {"has_date": True, "has_time": True, "initial": "2026-11-23 07:30"},
        {"has_time": True, "has_date": False, "initial": "08:00:00", "name": "by hand"},
    ),
    "input_button": _helper_story("input_button", {"icon": "mdi:bell"}, {"name": "Klingel ü {it}"}, {"name": "by hand"}),
    "counter": _helper_story(
        "counter",
        {"minimum": 0, "maximum": 9, "step": 2},
        {"minimum": -1, "maximum": 99, "initial": 5},
        {"maximum": 8, "minimum": -9},
    ),
    "timer": _helper_story(
        "timer", {"duration": "00:05:00"}, {"duration": {"hours": 25}, "restore": True}, {"duration": "0:06:00"}
    ),
    "automation": _item_story(
        "automation",
        {"alias": "{it}", "triggers": {"trigger": "event", "event_type": "{it}"}, "actions": NOTIFY},
        {
            "alias": "{it}",
            "trigger": [{"platform": "event", "event_type": "{it}"}],
            "action": [],
            "mode": "queued",
            "enabled": False,
        },
        {"alias": "{it}", "use_blueprint": {"path": "nowhere.yaml"}},
    ),
    "script": _item_story(
        "script",
        {"alias": "{it}", "sequence": NOTIFY},
        {"alias": "Zweites {it} ä", "sequence": [NOTIFY, {"delay": "00:00:05"}], "fields": {"who": {"required": True}}},
        {"alias": "{it}", "sequence": [{"action": "nothing.at_all"}]},
    ),
    "scene": _item_story(
        "scene",
        {"name": "{it}", "entities": {"zone.home": "0"}},
        {"name": "Zweite {it} ä", "entities": {"zone.home": {"state": "1", "level": 2.0}}, "icon": "mdi:lamp"},
        {"name": "{it}", "entities": {"light.nowhere": "on"}},
    ),
    "schedule": _helper_story("schedule", WEEK, {**WEEK, "monday": [{"from": "06:00", "to": "24:00"}]}, {"monday": []}),
}
"""The stories, by what each is about."""
MADE = [name for name, story in STORIES.items() if not story.standing]
STANDING = [name for name, story in STORIES.items() if story.standing]
