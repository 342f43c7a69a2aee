"""Rooms and values of a real home, declared, planned, applied, edited by a person, taken back: with the whole engine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import pytest

from controller.cli.show_plan import change_lines
from controller.cli.text import Paint
from controller.clients.yaml import write_yaml
from controller.core.decision import Approval
from controller.core.run import Outcome
from controller.usecases.views import plan_view
from tests.contract.home_yard import Door, fresh, provider_of, registries
from tests.contract.yard import KINDS
from tests.support.homeassistant import HomeAssistant, Refused
from tests.support.house import House

DECLARED = ("floor", "label", "area", "helper", "entity")
CONNECTION = {"type": "homeassistant", "url": "http://192.0.2.5:8123", "token": {"ref": "t", "generate": 8}}
Document = Mapping[str, Any]


class Flat:
    """A controller and a real home with ids of its own: `{it}` in a document is the id of the test, with `-` in names."""

    def __init__(self, door: Door) -> None:
        self.door, self.name = door, fresh("flat")
        self.house = House(kinds={name: KINDS[name] for name in DECLARED})
        self.house.providers = {(kind, "local"): provider_of(kind, door.home) for kind in DECLARED}

    def ask(self, command: str, **content: Any) -> Any:
        """A person's command; what comes of it is known to the controller when it returns."""
        answer = self.door.server.ask(command, token=self.door.server.person_token, **content)
        self.door.home.call("ping")
        return answer

    def commit(self, *documents: str) -> None:
        """Declare this and nothing else: each is `kind name {spec}`."""
        files = {"homelab.yaml": write_yaml({"kind": "Homelab", "name": "home", "spec": {"connections": {"local": CONNECTION}}})}
        for number, text in enumerate(documents):
            kind, name, spec = text.split(" ", 2)
            envelope, _, rest = spec.rpartition("| ")
            said = rest.replace("{it}", self.name)
            files[f"{number}.yaml"] = f"kind: {kind}\nname: {self.named(name)}\n{envelope}\nspec: {said}\n"
        self.house.book.write(files)

    def named(self, name: str) -> str:
        """The name of a document, from which its id comes."""
        return f"{self.name}-{name}".replace("_", "-")

    def id(self, name: str) -> str:
        """The id that comes from the name of a document."""
        return f"{self.name}_{name}"

    def apply(self, *documents: str) -> Outcome | None:
        """Declare it, and one pass; how its run ended (None = there was nothing to do)."""
        self.commit(*documents)
        return self.reconcile()

    def reconcile(self) -> Outcome | None:
        before = self.house.store.runs(1)
        report = self.house.reconcile()
        assert not report.diagnostics, report.diagnostics
        last = self.house.store.runs(1)
        return last[0].outcome if last and last != before else None

    def plan(self) -> str:
        """The plan as people read it, without the id of the test."""
        found = self.house.reconciler.survey()
        view = asdict(plan_view(found.plan, found.decisions, found.report))
        changes = [change for rollout in view["rollouts"] for change in rollout["changes"]]
        lines = [line for change in changes for line in change_lines(change, Paint(False))]
        lines += [f"! {note['key']}  {note['reason']}: {note['message']}" for note in view["notes"]]
        return "\n".join(lines).replace(self.name, "it").replace(self.name.replace("_", "-"), "it")

    def row(self, registry: str, name: str) -> Mapping[str, Any]:
        key = {"entity": "entity_id"}.get(registry, f"{registry}_id")
        return next(row for row in self.ask(f"config/{registry}_registry/list") if row[key] == name)

    def empty(self) -> None:
        """Take away what the test made."""
        for registry in ("area", "floor", "label"):
            for row in self.ask(f"config/{registry}_registry/list"):
                if row[f"{registry}_id"].startswith(self.name):
                    self.ask(f"config/{registry}_registry/delete", **{f"{registry}_id": row[f"{registry}_id"]})
        for kind in ("input_boolean", "input_select"):
            for row in self.ask(f"{kind}/list"):
                if row["id"].startswith(self.name):
                    with contextlib.suppress(Refused):
                        self.ask(f"{kind}/delete", **{f"{kind}_id": row["id"]})


@pytest.fixture
def flat(home_assistant: HomeAssistant) -> Iterator[Flat]:
    door = Door(home_assistant)
    made = Flat(door)
    before = registries(home_assistant)
    yield made
    made.empty()
    door.close()
    assert registries(home_assistant) == before, "nothing else moved"


ROOMS = (
    "Floor up {level: 1}",
    "Label quiet {color: teal}",
    "Area bed {icon: mdi:bed, floor: {it}_up, labels: [{it}_quiet]}",
    "Helper guests {type: input_boolean, icon: mdi:account}",
    "Entity guests {entity: input_boolean.{it}_guests, name: Guests, area: {it}_bed, labels: [{it}_quiet]}",
)


def test_one_commit_furnishes_a_home_and_another_clears_it(flat: Flat) -> None:
    before = registries(flat.door.server)
    assert flat.apply(*ROOMS) is Outcome.APPLIED
    area, entity = flat.row("area", flat.id("bed")), flat.row("entity", f"input_boolean.{flat.id('guests')}")
    assert (area["floor_id"], area["labels"]) == (flat.id("up"), [flat.id("quiet")])
    assert (entity["name"], entity["area_id"], entity["labels"]) == ("Guests", flat.id("bed"), [flat.id("quiet")])
    assert flat.plan() == ""
    assert flat.reconcile() is None
    flat.commit()
    assert flat.plan().splitlines()[0] == "  . entity/it-guests  forget: removed from git"
    approve(flat)
    flat.house.reconcile()
    assert registries(flat.door.server) == before
    assert flat.plan() == ""


def approve(flat: Flat) -> None:
    """A person agrees to everything."""
    for rollout in flat.house.reconciler.survey().plan.rollouts:
        flat.house.store.approve(Approval(rollout.digest, True, "tester", flat.house.clock.now()))


def test_a_person_is_answered_by_field_and_keeps_what_is_not_declared(flat: Flat) -> None:
    assert flat.apply(*ROOMS) is Outcome.APPLIED
    flat.ask("config/area_registry/update", area_id=flat.id("bed"), icon="mdi:hammer", picture="/local/mine.jpg", floor_id=None)
    flat.ask("config/entity_registry/update", entity_id=f"input_boolean.{flat.id('guests')}", name="Mine", icon="mdi:hand")
    assert sorted(flat.plan().splitlines()) == [
        "      floor: not set → it_up",
        "      icon: mdi:hammer → mdi:bed",
        "      name: Mine → Guests",
        "  ~ area/it-bed  update: drift: icon, floor",
        "  ~ entity/it-guests  update: drift: name",
    ]
    assert flat.reconcile() is Outcome.APPLIED
    assert flat.plan() == ""
    area, entity = flat.row("area", flat.id("bed")), flat.row("entity", f"input_boolean.{flat.id('guests')}")
    assert (area["icon"], area["picture"], area["floor_id"]) == ("mdi:bed", "/local/mine.jpg", flat.id("up"))
    assert (entity["name"], entity["icon"]) == ("Guests", "mdi:hand")


def test_what_cannot_be_made_takes_back_what_it_needed(flat: Flat) -> None:
    choice = "Helper mode {type: input_select, options: [home, away]}"
    assert flat.apply(*ROOMS, choice) is Outcome.APPLIED
    flat.ask("config/area_registry/create", name=f"{flat.name} taken")
    before = registries(flat.door.server)
    needs = f"needs: [helper/{flat.named('mode')}, label/{flat.named('quiet')}, floor/{flat.named('up')}]"
    outcome = flat.apply(
        "Floor up {level: 2, name: Größe {it}}",
        "Label quiet {color: red, icon: mdi:bell}",
        *ROOMS[2:],
        "Helper mode {type: input_select, options: [away, out], initial: out}",
        f"Area hall {needs}| {{name: '{{it}} taken'}}",
    )
    assert outcome is Outcome.ROLLED_BACK
    assert "of the name" in flat.house.store.runs(1)[0].reason
    assert registries(flat.door.server) == before


def test_what_is_unknown_is_refused_and_holds_up_nothing_else(flat: Flat) -> None:
    flat.commit(*ROOMS[:4], "Entity guests {entity: input_boolean.{it}_guests, area: {it}_bad, labels: []}")
    assert flat.reconcile() is Outcome.APPLIED
    assert flat.plan() == ("! entity/it-guests  Refused: update: Home Assistant has no area 'it_bad'; did you mean `it_bed`?"), (
        "it is told now that the entity is there"
    )


def test_what_a_person_made_is_foreign_until_it_is_adopted_and_stays_afterwards(flat: Flat) -> None:
    area = flat.id("den")
    flat.ask("config/area_registry/create", name=area, icon="mdi:wood")
    before = registries(flat.door.server)
    flat.commit("Area den {icon: mdi:sofa}")
    assert "it-den  Foreign: 'it_den' exists and is not ours" in flat.plan()
    assert flat.reconcile() is None
    flat.commit("Area den mode: adopt| {icon: mdi:sofa}")
    assert flat.plan().startswith("  = area/it-den  adopt: adopted as it is")
    flat.reconcile()
    assert registries(flat.door.server) == before, "taken over without a change"
    flat.commit()
    flat.reconcile()
    assert registries(flat.door.server) == before, "and left there"
