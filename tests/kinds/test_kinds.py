"""Every kind by its own words: `example.yaml` and `cases/*.yaml` in its folder. README.md says how a case is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from controller.cli.show_plan import change_lines
from controller.cli.text import Paint
from controller.clients.memory import Effect, Fault, MemoryWorld
from controller.clients.vault import AgeVault
from controller.clients.yaml import read_yaml, write_yaml
from controller.core.errors import SpecError
from controller.core.estate import Estate
from controller.core.key import Key
from controller.core.kind import Kind
from controller.core.run import Outcome
from controller.usecases.views import masked, plan_view
from tests.support.clock import HandClock
from tests.support.house import House

FOLDER = Path(import_module("controller.kinds").__path__[0])
KINDS: dict[str, Kind] = {
    folder.name: import_module(f"controller.kinds.{folder.name}").KIND
    for folder in sorted(FOLDER.iterdir())
    if (folder / "__init__.py").exists()
}
KEEPER = write_yaml({"kind": "Service", "name": "keeper", "spec": {"image": "keeper:1"}})
LATER = 600.0
FINGERPRINT = re.compile(r" ?#[0-9a-f]{8}|(?<![0-9a-f])[0-9a-f]{12,}(?![0-9a-f])")
Fields = dict[str, Any] | Literal["gone"]


class Failure(BaseModel):
    """A fault of the simulated world."""

    model_config = ConfigDict(extra="forbid")

    effect: Effect
    operation: str = "apply"
    key: Key | None = None
    nth: int = 1


class Case(BaseModel):
    """One document of a `cases` file."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=20)
    files: dict[str, str] = {}
    applied: dict[str, Any] | None = None
    observed: Fields | None = None
    rotated: list[str] = []
    published: dict[str, str] = {}
    desired: dict[str, Any] | Literal["removed"] | None = None
    envelope: dict[str, Any] = {}
    plan: str = ""
    refused: str = ""
    failure: Failure | None = None
    outcome: Outcome = Outcome.APPLIED
    end: Fields | None = None


def cases() -> Iterator[Any]:
    for kind in KINDS:
        for file in sorted((FOLDER / kind / "cases").glob("*.yaml")):
            for parsed in read_yaml(str(file), file.read_bytes()):
                name = f"{kind}/{file.stem}:{parsed.origin.line}"
                yield pytest.param(kind, parsed.data, id=name)


class Stage:
    """One house in which a case is played. Something else stands in it already: an empty house would be a brake of its own."""

    def __init__(self, kind: str, case: Case, folder: Path) -> None:
        self.key = Key(kind, "it")
        self.case = case
        self.vault = AgeVault(folder)
        self.clock = HandClock()
        self.world = MemoryWorld(self.clock)
        self.house = House(world=self.world, clock=self.clock, kinds=KINDS, vault=self.vault)
        self.house.book.write({"keeper.yaml": KEEPER})
        self.house.reconcile()

    def commit(self, spec: Any, **envelope: Any) -> None:
        files = {"keeper.yaml": KEEPER, **self.case.files}
        if isinstance(spec, dict):
            document = {"kind": self.key.kind.capitalize(), "name": self.key.name, **envelope, "spec": spec}
            files["it.yaml"] = write_yaml(document)
        self.house.book.write(files)

    def estate(self) -> Estate:
        head = self.house.book.head()
        return self.house.reconciler.linker.estate(head, self.house.book.read(head.id))

    def prepare(self) -> None:
        """What was before: our own past, and what happened to it."""
        case = self.case
        if case.applied is not None:
            self.commit(case.applied)
            self.run(Outcome.APPLIED)
        for reference in case.rotated:
            self.vault.rotate(reference)
        for image, digest in case.published.items():
            self.world.publish(image, digest)
        self.house.reconciler.forget()
        self.commit(case.desired if case.desired is not None else case.applied, **case.envelope)

    def disturb(self) -> None:
        """Let the world show what the case says."""
        resources = self.estate().resources
        for key, fields in self.by_key(self.case.observed).items():
            known = next((thing.address for thing in self.house.store.rows().values() if thing.key == key), "")
            spot = (key.kind, "local", known or resources[key].address)
            if fields == "gone":
                self.world.remove(*spot)
            elif known:
                self.world.edit(*spot, **fields)
            else:
                self.world.put(*spot, fields)

    def by_key(self, fields: Any) -> dict[Key, Any]:
        if isinstance(fields, dict) and fields and all("/" in name for name in fields):
            return {Key.parse(name): value for name, value in fields.items()}
        return {} if fields is None else {self.key: fields}

    def plan(self) -> str:
        """The plan as the command line shows it, with … for digests."""
        found = self.house.reconciler.survey()
        view = asdict(plan_view(found.plan, found.decisions, found.report))
        lines: list[str] = []
        for rollout in view["rollouts"]:
            if rollout["verdict"] != "allow":
                lines.append(f"{rollout['verdict']} by {rollout['rule']}: {rollout['reason']}")
            for change in rollout["changes"]:
                lines += [line.removeprefix("  ") for line in change_lines(change, Paint(False))]
        lines += [f"! {note['key']}  {note['reason']}: {note['message']}" for note in view["notes"]]
        return FINGERPRINT.sub(_short, "\n".join(lines))

    def run(self, outcome: Outcome) -> None:
        before = len(self.house.store.runs())
        self.house.reconcile()
        made = self.house.store.runs()[: len(self.house.store.runs()) - before]
        wanted = [] if outcome in (Outcome.HELD, Outcome.DENIED) else [outcome]
        assert [run.outcome for run in made] == wanted, self.plan()

    def again(self) -> None:
        """A later pass."""
        self.clock.advance(LATER)
        self.house.reconcile()

    def shown(self) -> dict[str, Any]:
        """Everything in the world, by key."""
        owned = [(row.key, row.address) for row in self.house.store.rows().values()]
        wanted = [(key, resource.address) for key, resource in self.estate().resources.items()]
        keys = {(key.kind, address): key for key, address in [*wanted, *owned]}
        found = {}
        for kind in KINDS:
            for address, thing in self.world.things(kind, "local").items():
                found[str(keys.get((kind, address), f"{kind} {address}"))] = json.loads(
                    FINGERPRINT.sub(_short, json.dumps(masked(thing.state)))
                )
        return found


def _short(digest: re.Match[str]) -> str:
    return "" if "#" in digest[0] else "…"


def refusals(stage: Stage) -> str:
    with pytest.raises(SpecError) as caught:
        stage.estate()
    return "\n".join(f"{item.origin} {item.message}" for item in caught.value.diagnostics)


@pytest.mark.parametrize(("kind", "written"), list(cases()))
def test_a_case(kind: str, written: Any, tmp_path: Path) -> None:
    case = Case.model_validate(written)
    stage = Stage(kind, case, tmp_path)
    stage.prepare()
    if case.refused:
        assert refusals(stage) == case.refused.strip(), case.reason
        return
    stage.disturb()
    before = stage.shown()
    plan = stage.plan()
    assert plan == case.plan.strip(), f"{case.reason}\n{plan}"
    if case.failure is not None:
        stage.world.faults.add(Fault(**case.failure.model_dump()))
    if any(not line.startswith("!") for line in plan.splitlines()):
        stage.run(case.outcome)
    else:
        stage.house.reconcile()
    if case.outcome is Outcome.WAITING:
        stage.again()
    after = stage.shown()
    if case.outcome in (Outcome.APPLIED, Outcome.WAITING):
        assert [line for line in stage.plan().splitlines() if not line.startswith("!")] == [], "the second plan is empty"
    else:
        assert after == before, "the world is what it was"
    for key, fields in stage.by_key(case.end).items():
        state = after.get(str(key), "gone")
        if fields == "gone" or state == "gone":
            assert state == fields, case.reason
        else:
            assert {name: state.get(name) for name in fields} == fields, case.reason


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_is_valid_and_leaves_nothing_to_do(kind: str, tmp_path: Path) -> None:
    example = FOLDER / kind / "example.yaml"
    (parsed,) = read_yaml(str(example), example.read_bytes())
    assert parsed.data["kind"].lower() == kind
    stage = Stage(kind, Case(reason="every kind has an example that works"), tmp_path)
    beside = FOLDER / kind / "beside.yaml"
    needed = {"homelab.yaml": beside.read_text()} if beside.exists() else {}
    stage.house.book.write({"keeper.yaml": KEEPER, "example.yaml": example.read_text(), **needed})
    assert stage.plan(), "it declares something"
    stage.run(Outcome.APPLIED)
    assert stage.plan() == ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_complete(kind: str) -> None:
    text = (FOLDER / kind / "README.md").read_text()
    assert [word for word in ("## Limits", "## Health", "## Undo") if word not in text] == []
    assert any((FOLDER / kind / "cases").glob("*.yaml"))
    assert KINDS[kind].summary
