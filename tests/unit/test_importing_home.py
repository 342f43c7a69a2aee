"""What an import of a home writes: files that people like to read, names of its own, nothing that the name says already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from controller.clients.memory import MemoryProvider
from controller.clients.yaml import read_yaml, write_yaml
from controller.core.discovery import Discovery
from controller.core.errors import Refused
from controller.core.key import Key
from controller.usecases.importing import Importing
from controller.usecases.importing_home import HomeImport
from controller.usecases.importing_sketch import Sketch
from controller.wire import load_kinds
from tests.support.house import House

KINDS = load_kinds()
CONNECTION = "{type: homeassistant, url: 'http://192.0.2.5:8123', token: {ref: homeassistant/token, generate: 16}}"


class Found(MemoryProvider):
    """A provider that finds what it is told."""

    items: Sequence[Discovery] = ()

    def discover(self) -> Sequence[Discovery]:
        return self.items


def home(found: Sequence[Discovery] | None, *connections: str, files: Mapping[str, str] | None = None) -> Importing:
    """A house with Home Assistants in which things are found; all of them in the first. None = they are simulated."""
    house = House(kinds=KINDS)
    names = connections or ("home",)
    written = "\n".join(f"    {name}: {CONNECTION}" for name in names)
    house.book.write({"homelab.yaml": f"kind: Homelab\nname: home\nspec:\n  connections:\n{written}\n", **(files or {})})
    house.providers = {}
    for name in names:
        for kind in KINDS.values():
            if kind.name in ("floor", "label", "area", "helper", "script", "scene", "automation", "entity", "device"):
                provider = MemoryProvider(kind, house.world, name)
                if found is not None:
                    provider = Found(kind, house.world, name)
                    provider.items = [item for item in found if item.key.kind == kind.name] if name == names[0] else []
                house.providers = {**house.providers, (kind.name, name): provider}
    keeper: Any = None  # nothing here has a secret
    return Importing(house.reconciler, house.book, house.store, keeper, house.clock, write_yaml)


def area(name: str, address: str, /, **spec: Any) -> Discovery:
    return Discovery(Key("area", name), {"id": address, **spec}, address, address)


def helper(name: str, address: str, /, **spec: Any) -> Discovery:
    kind, _, own = address.partition(".")
    return Discovery(Key("helper", name), {"type": kind, "id": own, **spec}, address, address)


def documents(sketch: Sketch) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """The name and the spec of every document, by file."""
    return {
        path: [(each.data["name"], each.data["spec"]) for each in read_yaml(path, content)]
        for path, content in sorted(sketch.files.items())
    }


def test_small_things_stand_together_and_the_name_says_the_rest() -> None:
    found = [
        area("living-room", "living_room", name="Living room"),
        area("den", "den", name="The den"),
        area("cellar", "the_old_cellar", name="Cellar", icon="mdi:stairs-down"),
        helper("guests", "input_boolean.guests", name="Guests"),
    ]
    sketch = HomeImport(home(found)).sketch()
    assert documents(sketch) == {
        "home/areas.yaml": [
            ("living-room", {}),
            ("den", {"name": "The den"}),
            ("cellar", {"id": "the_old_cellar", "icon": "mdi:stairs-down"}),
        ],
        "home/helpers.yaml": [("guests", {"type": "input_boolean"})],
    }
    assert sketch.files["home/areas.yaml"].startswith(b"# yaml-language-server: $schema=../schemas/homelab.json\nkind: Area\n")
    assert [item.key for item in sketch.objects] == ["area/living-room", "area/den", "area/cellar", "helper/guests"]


def test_every_document_gets_a_name_of_its_own() -> None:
    long = "x" * 63
    found = [area("den", "den", name="Den"), area("den", "den_2", name="Den!"), area(long, "a1", name="A"), area(long, "a2")]
    files = {"mine.yaml": "kind: Area\nname: den-2\nspec: {id: another}\n"}
    sketch = HomeImport(home(found, files=files)).sketch()
    assert [name for name, _ in documents(sketch)["home/areas.yaml"]] == ["den", "den-3", long, "x" * 61 + "-2"]
    assert documents(sketch)["home/areas.yaml"][1] == ("den-3", {"id": "den_2", "name": "Den!"})


def test_what_is_declared_already_is_left_and_its_file_stays() -> None:
    files = {"home/areas.yaml": "kind: Area\nname: office\nspec: {id: den}\n"}
    sketch = HomeImport(home([area("den", "den"), area("hall", "hall")], files=files)).sketch()
    assert list(sketch.files) == ["home/areas-2.yaml"], "a person's file is not written to"
    assert [(item.key, item.reason) for item in sketch.left] == [("area/office", "declared already")]


def test_what_is_not_valid_is_left_with_the_reason() -> None:
    found = [helper("n", "input_number.n", min=9, max=3), helper("b", "input_boolean.b"), area("x", "x", nonsense=True)]
    hidden = Discovery(Key("script", "s"), {}, "s", "s", obstacle="it is written in YAML")
    sketch = HomeImport(home([*found, hidden])).sketch()
    assert documents(sketch) == {"home/helpers.yaml": [("b", {"type": "input_boolean"})]}
    left = {item.key: item.reason for item in sketch.left}
    assert left["script s"] == "it is written in YAML"
    assert "max (3) is not above min (9)" in left["helper/n"]
    assert "nonsense" in left["area/x"]


def test_only_what_fits_is_imported() -> None:
    found = [area("den", "den"), area("hall", "hall"), helper("den", "input_boolean.den")]
    sketch = HomeImport(home(found)).sketch(["*/den"])
    assert list(documents(sketch)) == ["home/areas.yaml", "home/helpers.yaml"]
    assert [item.key for item in sketch.objects] == ["area/den", "helper/den"]
    with pytest.raises(Refused, match="nothing in Home Assistant fits 'scene/x'"):
        HomeImport(home(found)).sketch(["area/den", "scene/x"])


def test_of_several_homes_one_is_meant_and_written_out() -> None:
    found = [area("den", "den")]
    with pytest.raises(Refused, match=r"several Home Assistants are declared: barn, home. Which one\? Say it with --via NAME"):
        HomeImport(home(found, "home", "barn")).sketch()
    sketch = HomeImport(home(found, "home", "barn"), "home").sketch()
    assert documents(sketch) == {"home/areas.yaml": [("den", {"via": "home"})]}


def test_a_house_without_a_home_is_told() -> None:
    importing = home([])
    house_files = {"homelab.yaml": "kind: Homelab\nname: home\nspec: {}\n"}
    importing.source.write(house_files)  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="declares no Home Assistant"):
        HomeImport(importing).sketch()


def test_bodies_have_files_of_their_own_and_what_they_risk_gets_a_rule() -> None:
    actions = [{"action": "shell_command.beep"}]
    body = {"id": "17", "alias": "Beep at noon", "triggers": [{"trigger": "time", "at": "12:00:00"}], "actions": actions}
    sketch = HomeImport(home([Discovery(Key("automation", "beep"), body, "17", "17")])).sketch()
    assert documents(sketch) == {"home/automations/beep.yaml": [("beep", body)]}
    assert {key: tuple(risks) for key, risks in sketch.permits.items()} == {
        "automation/beep": ("home-action:shell_command.beep",)
    }
    (text,) = sketch.policy.values()
    assert b"home-action:shell_command.beep" in text


def test_devices_are_written_only_when_asked_for() -> None:
    spec = {"entity": "light.desk", "desired": {"state": "on"}, "enforce": "observe"}
    found = [Discovery(Key("device", "light-desk"), spec, "light.desk", "light.desk")]
    assert HomeImport(home(found)).sketch().files == {}
    assert documents(HomeImport(home(found), devices=True).sketch()) == {"home/devices/light.yaml": [("light-desk", spec)]}


def test_a_long_list_is_several_files() -> None:
    found = [area(f"room-{each}", f"room_{each}") for each in range(201)]
    sketch = HomeImport(home(found)).sketch()
    assert {path: len(each) for path, each in documents(sketch).items()} == {"home/areas.yaml": 200, "home/areas-2.yaml": 1}
    assert len(sketch.objects) == 201


def test_what_stands_in_a_home_is_nothing_that_runs_on_docker() -> None:
    assert home([area("den", "den")]).discover() == ()


def test_a_simulated_home_has_nothing_to_import() -> None:
    with pytest.raises(Refused, match="home cannot say what it holds: it is simulated"):
        HomeImport(home(None)).sketch()
