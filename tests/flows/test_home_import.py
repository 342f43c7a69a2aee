"""What people made in Home Assistant becomes documents: nothing there moves, the first plan is empty, and then git decides."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from controller.clients.yaml import read_yaml
from tests.faces.command import Home, Said, empty
from tests.support.devices import Light, Thermostat
from tests.support.homeassistant import NEW, OLD, HomeAssistant, HomeAssistants, Refused
from tests.support.space import wait_until

HELPERS = (
    *("input_boolean", "input_number", "input_select", "input_text", "input_datetime", "input_button"),
    *("counter", "timer", "schedule"),
)
_numbers = itertools.count(1)


@dataclass
class Rooms:
    """A home that somebody set up by hand, with ids of this test alone."""

    server: HomeAssistant
    mark: str

    def ask(self, command: str, **content: Any) -> Any:
        return self.server.ask(command, token=self.server.person_token, **content)

    def post(self, kind: str, name: str, body: Mapping[str, Any]) -> None:
        """Save something in the editor, and wait until it is loaded."""
        self.server.call("POST", f"/api/config/{kind}/config/{name}", dict(body), token=self.server.person_token)
        platform = "homeassistant" if kind == "scene" else kind
        wait_until(lambda: (platform, name) in self.loaded(), f"{kind} {name}")

    def loaded(self) -> dict[tuple[str, str], str]:
        """Entities by the integration that knows them and its id."""
        rows = self.ask("config/entity_registry/list")
        return {(row["platform"], row["unique_id"]): row["entity_id"] for row in rows}

    def everything(self) -> dict[str, Any]:
        """All that an import could have touched, states but for when they were told last."""
        lists = {each: self.ask(f"config/{each}_registry/list") for each in ("floor", "area", "label", "device", "entity")}
        lists["entries"] = self.ask(
            "config/entity_registry/get_entries", entity_ids=[row["entity_id"] for row in lists["entity"]]
        )
        lists |= {each: self.ask(f"{each}/list") for each in HELPERS}
        files = [self.server.config / f"{each}.yaml" for each in ("automations", "scripts", "scenes", "configuration")]
        lists |= {file.name: sha256(file.read_bytes()).hexdigest() for file in files}
        moving = f"schedule.{self.mark}"  # goes by the clock
        states = [row for row in self.ask("get_states") if self.mark in row["entity_id"] and moving not in row["entity_id"]]
        lists["states"] = [(row["entity_id"], row["state"], row["attributes"], row["context"]) for row in states]
        return lists

    def settled(self) -> dict[str, Any]:
        """The same, once nothing of what was done before still comes."""
        seen = [self.everything()]

        def same() -> bool:
            seen.append(self.everything())
            return seen[-1] == seen[-2]

        wait_until(same, "the home to settle")
        return seen[-1]

    def clear(self) -> None:
        for kind in ("automation", "script", "scene"):
            for platform, name in self.loaded():
                if self.mark in name and platform in (kind, "homeassistant"):
                    with suppress(Refused):
                        self.server.call("DELETE", f"/api/config/{kind}/config/{name}", token=self.server.person_token)
        for kind in HELPERS:
            for item in self.ask(f"{kind}/list"):
                if self.mark in item["id"]:
                    self.ask(f"{kind}/delete", **{f"{kind}_id": item["id"]})
        for kind in ("area", "floor", "label"):
            for row in self.ask(f"config/{kind}_registry/list"):
                if self.mark in row[f"{kind}_id"]:
                    self.ask(f"config/{kind}_registry/delete", **{f"{kind}_id": row[f"{kind}_id"]})


@pytest.fixture(params=[OLD, NEW])
def rooms(request: pytest.FixtureRequest, home_assistants: HomeAssistants) -> Iterator[Rooms]:
    made = Rooms(home_assistants.get(request.param), f"t_import_{next(_numbers)}")
    try:
        yield made
    finally:
        made.clear()


def furnish(rooms: Rooms) -> None:
    """What a person makes in an evening."""
    mark, ask = rooms.mark, rooms.ask
    floor = ask("config/floor_registry/create", name=f"{mark} ground", level=0)["floor_id"]
    label = ask("config/label_registry/create", name=f"{mark} quiet", icon="mdi:sleep")["label_id"]
    area = ask("config/area_registry/create", name=f"{mark} den", floor_id=floor, labels=[label])["area_id"]
    ask("config/area_registry/update", area_id=area, name=f"Study {mark}", aliases=["office"])
    named = {each: {"name": f"{mark} {each}"} for each in HELPERS}
    ask("input_boolean/create", **named["input_boolean"], icon="mdi:bed")
    ask("input_number/create", **named["input_number"], min=5, max=30, step=0.5, mode="box", unit_of_measurement="°C")
    ask("input_select/create", **named["input_select"], options=["home", "away", "on"])
    ask("input_text/create", **named["input_text"], pattern="[a-z]*")
    ask("input_datetime/create", **named["input_datetime"], has_date=False, has_time=True)
    ask("input_button/create", **named["input_button"])
    ask("counter/create", **named["counter"], initial=3, step=2, minimum=1)
    ask("timer/create", **named["timer"], duration="00:05:00", restore=True)
    ask("schedule/create", **named["schedule"], monday=[{"from": "06:30:00", "to": "08:00:00"}])
    ask("input_text/create", name=f"{mark} pass", mode="password", initial="a-secret-of-somebody")
    asleep, level = f"input_boolean.{mark}_input_boolean", f"input_number.{mark}_input_number"
    rooms.post("script", f"{mark}_calm", {"alias": "Calm down", "sequence": [{"delay": {"seconds": 1}}, off(asleep)]})
    rooms.post("scene", f"{mark}_7", {"name": f"{mark} Evening", "entities": {asleep: "on", level: {"state": "21.5"}}})
    rooms.post("automation", f"{mark}_1", old_spelling(mark, asleep))
    rooms.post("automation", f"1699{next(_numbers):09}{mark}", new_spelling(mark, asleep, level))
    rooms.post("automation", f"{mark}_leak", secretive(mark))
    loaded = rooms.loaded()
    automation = loaded["automation", f"{mark}_1"]
    ask("config/entity_registry/update", entity_id=automation, area_id=area, labels=[label])
    ask("config/entity_registry/update", entity_id=asleep, icon="mdi:power-sleep", aliases=["sleep mode"], hidden_by="user")
    ask("config/entity_registry/update", entity_id=level, name="Wished warmth")


def off(entity: str) -> dict[str, Any]:
    return {"service": "input_boolean.turn_off", "target": {"entity_id": entity}}


def old_spelling(mark: str, entity: str) -> dict[str, Any]:
    """An automation as people wrote it for years."""
    return {
        "alias": f"{mark} Wake up",
        "description": "for work days",
        "trigger": [{"platform": "time", "at": "06:30:00"}],
        "condition": [{"condition": "state", "entity_id": entity, "state": "on", "for": "00:05:00"}],
        "action": [off(entity), {"service": "counter.increment", "entity_id": f"counter.{mark}_counter"}],
        "mode": "single",
    }


def new_spelling(mark: str, entity: str, level: str) -> dict[str, Any]:
    """One of the editor, with templates, a choice and a loop."""
    warm = {"condition": "numeric_state", "entity_id": level, "above": 20}
    step = {"action": "input_number.increment", "target": {"entity_id": level}}
    return {
        "alias": f"{mark} Ümlaut & Größe",
        "triggers": [{"trigger": "state", "entity_id": entity, "to": "on", "for": {"minutes": 3}, "id": "slept"}],
        "conditions": ["{{ is_state('" + entity + "', 'on') }}"],
        "actions": [
            {"choose": [{"conditions": [warm], "sequence": [step]}], "default": [{"delay": "00:00:01"}]},
            {"repeat": {"count": 2, "sequence": [step]}},
            {"variables": {"text": "it is {{ now() }}"}},
        ],
        "mode": "queued",
        "max": 4,
    }


def secretive(mark: str) -> dict[str, Any]:
    """One with a value that nobody should read in git."""
    return {
        "alias": f"{mark} Leak",
        "triggers": [{"trigger": "event", "event_type": f"{mark}_never"}],
        "actions": [{"event": "call_out", "event_data": {"api_key": "a-secret-of-somebody", "to": "x"}}],
    }


WRITTEN = """
automation written:
  - id: {mark}_written
    alias: {mark} Written
    trigger: [{{platform: event, event_type: {mark}_never}}]
    action: [{{delay: 1}}]
  - alias: {mark} Nameless
    trigger: [{{platform: event, event_type: {mark}_never}}]
    action: [{{delay: 1}}]
input_boolean:
  {mark}_fixed:
    name: {mark} fixed
"""


@contextmanager
def written(rooms: Rooms) -> Iterator[None]:
    """Things of this test in configuration.yaml, for a while."""
    file = rooms.server.config / "configuration.yaml"
    before = file.read_text()
    shown = [f"automation.{rooms.mark}_written", f"automation.{rooms.mark}_nameless", f"input_boolean.{rooms.mark}_fixed"]

    def there() -> set[str]:
        for domain in ("automation", "input_boolean"):
            rooms.server.call("POST", f"/api/services/{domain}/reload", {})
        return {row["entity_id"] for row in rooms.ask("get_states") if row["entity_id"] in shown}

    try:
        file.write_text(before + WRITTEN.format(mark=rooms.mark))
        wait_until(lambda: there() == set(shown), "what is written")
        yield
    finally:
        file.write_text(before)
        there()
        for entity in sorted({*shown} & {*rooms.loaded().values()}):
            rooms.ask("config/entity_registry/remove", entity_id=entity)
        wait_until(lambda: not there(), "what was written to go")


def home_of(server: HomeAssistant, folder: Path) -> Home:
    """A spec repository that knows the Home Assistant, and no Docker engine."""
    home = empty(folder)
    home.environment.update(HOMELAB_WORLD="docker", DOCKER_HOST=f"unix://{folder}/none.sock")
    assert home("secret", "set", "homeassistant/token", stdin=server.token).code == 0
    connection = {"type": "homeassistant", "url": server.url, "token": {"ref": "homeassistant/token"}}
    text = json.dumps({"kind": "Homelab", "name": "home", "spec": {"connections": {"home": connection}}})
    home.commit("home", {"homelab.yaml": text})
    return home


def documents(home: Home, mark: str) -> dict[str, dict[str, Any]]:
    """The specs of this test's documents, by key."""
    found = {}
    for file in sorted((home.repo / "home").rglob("*.yaml")):
        for parsed in read_yaml(str(file), file.read_bytes()):
            if mark in json.dumps(parsed.data):
                found[f"{parsed.data['kind'].lower()}/{parsed.data['name']}"] = parsed.data["spec"]
    return found


def told(said: Said) -> str:
    return said.out + said.err


def test_a_home_is_taken_over_as_it_is(rooms: Rooms, tmp_path: Path) -> None:
    furnish(rooms)
    mark = rooms.mark
    word = mark.replace("_", "-")
    before = rooms.settled()
    home = home_of(rooms.server, tmp_path)
    dry = home("import", "homeassistant", "--dry-run")
    assert dry.code == 0, told(dry)
    assert home.git("status", "--short") == ""
    said = home("import", "homeassistant")
    assert said.code == 0, told(said)
    assert "no changes" in said.out, told(said)
    assert home("plan", "--detailed-exitcode").code == 0, home("plan").out
    assert rooms.everything() == before, "nothing in Home Assistant was touched"
    found = documents(home, mark)
    assert found[f"area/{word}-den"] == {
        "name": f"Study {mark}",
        "floor": f"{mark}_ground",
        "labels": [f"{mark}_quiet"],
        "aliases": ["office"],
    }, "it has the id that its name makes, so none is written"
    assert found[f"helper/{word}-timer"]["duration"] == "0:05:00"
    assert {key for key in found if key.startswith("helper/")} == {f"helper/{word}-{each.replace('_', '-')}" for each in HELPERS}
    assert found[f"script/{word}-calm"]["alias"] == "Calm down"
    assert found[f"automation/{word}-umlaut-grosse"]["id"].startswith("1699")
    assert "{{ is_state(" in json.dumps(found[f"automation/{word}-umlaut-grosse"])
    asleep = f"input_boolean.{mark}_input_boolean"
    assert found[f"entity/{asleep.replace('.', '-').replace('_', '-')}"] == {
        "entity": asleep,
        "icon": "mdi:power-sleep",
        "hidden": True,
        "aliases": ["sleep mode"],
    }
    everything = "".join(file.read_text() for file in home.repo.rglob("*.yaml"))
    assert "a-secret-of-somebody" not in everything + told(said) + told(dry)
    assert f"{mark}_leak" in told(said)
    assert "actions.0.event_data.api_key looks like a secret" in told(said)
    assert f"input_text.{mark}_pass" in told(said)


def test_from_then_on_git_decides(rooms: Rooms, tmp_path: Path) -> None:
    furnish(rooms)
    mark = rooms.mark
    word = mark.replace("_", "-")
    home = home_of(rooms.server, tmp_path)
    assert home("import", "homeassistant", "--only", f"*/{word}*", "--only", f"*/*-{word}*").code == 0
    again = home("import", "homeassistant", "--only", f"*/{word}*")
    assert again.code == 0, told(again)
    assert "there is nothing to import" in again.err, "everything that fits is declared already"
    path = f"home/automations/{word}-1.yaml"
    home.commit("later", {path: (home.repo / path).read_text().replace("06:30:00", "07:15:00")})
    done = home("apply")
    assert done.code == 0, told(done)
    stored = rooms.server.get(f"/api/config/automation/config/{mark}_1")
    assert "07:15:00" in json.dumps(stored)
    assert home("plan", "--detailed-exitcode").code == 0


def test_what_yaml_defines_is_told_and_left_out(rooms: Rooms, tmp_path: Path) -> None:
    mark, word = rooms.mark, rooms.mark.replace("_", "-")
    light = {"motion_entity": f"binary_sensor.{mark}", "light_target": {"entity_id": f"light.{mark}"}, "no_motion_wait": 30}
    blueprint = {"path": "homeassistant/motion_light.yaml", "input": light}
    rooms.post("automation", f"{mark}_light", {"alias": f"{mark} Light", "use_blueprint": blueprint})
    home = home_of(rooms.server, tmp_path)
    with written(rooms):
        said = home("import", "homeassistant", "--only", f"*/*{word}*")
        assert said.code == 0, told(said)
        assert "no changes" in said.out, told(said)
    (reason,) = [line for line in said.err.splitlines() if "is written in Home Assistant's YAML" in line]
    assert f"automation {mark}_written" in reason
    assert f"helper input_boolean.{mark}_fixed" in reason
    assert f"automation automation.{mark}_nameless: it has no id" in told(said)
    found = documents(home, mark)
    assert set(found) == {f"automation/{word}-light"}
    assert found[f"automation/{word}-light"]["use_blueprint"] == blueprint


def test_an_import_that_nothing_fits_is_refused(rooms: Rooms, tmp_path: Path) -> None:
    home = home_of(rooms.server, tmp_path)
    done = home("import", "homeassistant", "--only", "automation/no-such-thing")
    assert done.code == 4
    assert "nothing in Home Assistant fits 'automation/no-such-thing'" in done.err
    other = home("import", "homeassistant", "--via", "hone")
    assert other.code == 4
    assert "there is no Home Assistant 'hone' in homelab.yaml; did you mean `home`?" in other.err


def test_a_token_of_somebody_who_may_not_is_told(rooms: Rooms, tmp_path: Path) -> None:
    home = home_of(rooms.server, tmp_path)
    assert home("secret", "set", "homeassistant/token", stdin="not-a-token").code == 0
    done = home("import", "homeassistant", "--dry-run")
    assert done.code == 8
    assert "token" in done.err


def test_devices_are_watched_and_never_told_anything(rooms: Rooms, tmp_path: Path) -> None:
    with Light(rooms.server) as lamp, Thermostat(rooms.server) as stove:
        call = {"entity_id": lamp.entity_id, "brightness": 120}
        rooms.server.call("POST", "/api/services/light/turn_on", call, token=rooms.server.person_token)
        wait_until(lambda: lamp.live()["state"] == "on", "the lamp")
        names = [each.entity_id.replace(".", "-").replace("_", "-") for each in (lamp, stove)]
        home = home_of(rooms.server, tmp_path)
        patterns = [word for name in names for word in ("--only", f"device/{name}")]
        assert home("import", "homeassistant", *patterns).code == 4, "nobody asked for devices"
        said = home("import", "homeassistant", "--devices", *patterns)
        assert said.code == 0, told(said)
        assert "no changes" in said.out, told(said)
        found = documents(home, lamp.entity_id)[f"device/{names[0]}"]
        assert (found["desired"]["state"], found["desired"]["brightness"], found["enforce"]) == ("on", 120, "observe")
        assert documents(home, stove.entity_id)[f"device/{names[1]}"]["enforce"] == "observe"
        heard = len(lamp.commands), len(stove.commands)
        lamp.by_hand(brightness=7)
        assert home("apply").code == 0
        assert (len(lamp.commands), len(stove.commands)) == heard
        shown = {item["key"]: item["sync"] for item in home("status", "-o", "json").json["items"]}
        assert shown == {f"device/{names[0]}": "Drifted", f"device/{names[1]}": "Synced"}
