"""A controller, its engine and a real Home Assistant, for tests about automations, scripts and scenes."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any

from controller.cli.show_plan import change_lines
from controller.cli.text import Paint
from controller.clients.clock import SystemClock
from controller.clients.homeassistant import Connection, Home
from controller.clients.homeassistant.bodies import NORMAL
from controller.clients.homeassistant.items import ItemProvider
from controller.clients.yaml import write_yaml
from controller.core.change import Action, Change
from controller.core.key import Key
from controller.core.kind import Kind
from controller.core.resource import Resource
from controller.core.run import Outcome
from controller.core.state import Present, State, Target
from controller.kinds import automation, helper, scene, script
from controller.kinds.helper import HelperProvider
from controller.usecases.views import plan_view
from tests.support.home_bodies import ENTITIES
from tests.support.homeassistant import HomeAssistant, Refused
from tests.support.house import House
from tests.support.space import wait_until

KINDS: Mapping[str, Kind] = {module.KIND.name: module.KIND for module in (automation, helper, scene, script)}
HOUSE = {
    "connections": {"local": {"type": "homeassistant", "url": "http://192.0.2.5:8123", "token": {"ref": "t", "generate": 8}}}
}
_numbers = itertools.count(1)


class Loft:
    """`server` with the entities of tests.support.home_bodies, and a `house` that knows what it declared. Everything that a test
    makes has an id of `fresh` and is gone afterwards."""

    def __init__(self, server: HomeAssistant, home: Home) -> None:
        self.server, self.home = server, home
        self.house = House(kinds=KINDS)
        items = {(kind, "local"): ItemProvider(home, kind, SystemClock()) for kind in ("automation", "scene", "script")}
        self.items = {kind: provider for (kind, _), provider in items.items()}
        self.house.providers = {**items, ("helper", "local"): HelperProvider(home)}
        self._made: set[tuple[str, str]] = set()

    def fresh(self, kind: str) -> str:
        """An id that nobody has, and that is free again after the test."""
        name = f"t_{kind}_{next(_numbers)}"
        self._made.add((kind, name))
        return name

    def commit(self, *documents: Mapping[str, Any]) -> None:
        """Declare this and nothing else."""
        house = {"kind": "Homelab", "name": "home", "spec": HOUSE}
        files = {f"{number}.yaml": write_yaml(each) for number, each in enumerate(documents)}
        self.house.book.write({"homelab.yaml": write_yaml(house), **files})

    def apply(self, *documents: Mapping[str, Any]) -> Outcome | None:
        """Declare it, and one pass; how its run ended (None = there was nothing to do)."""
        self.commit(*documents)
        before = self.house.store.runs(1)
        report = self.house.reconcile()
        assert not report.diagnostics, report.diagnostics
        last = self.house.store.runs(1)
        return last[0].outcome if last and last != before else None

    def plan(self) -> str:
        """The plan as people read it."""
        found = self.house.reconciler.survey()
        view = asdict(plan_view(found.plan, found.decisions, found.report))
        lines = [f"! {note['key']}  {note['reason']}: {note['message']}" for note in view["notes"]]
        for rollout in view["rollouts"]:
            for change in rollout["changes"]:
                lines += change_lines(change, Paint(False))
        return "\n".join(lines)

    def reason(self) -> str:
        """Why the last run ended as it did."""
        return "; ".join(run.reason for run in self.house.store.runs(1))

    def stored(self, kind: str, name: str) -> Any:
        """What Home Assistant's editor shows, None for nothing."""
        try:
            return self.server.get(f"/api/config/{kind}/config/{name}")
        except Refused as error:
            if not str(error).startswith("404"):
                raise
            return None

    def by_hand(self, kind: str, name: str, body: Mapping[str, Any] | None) -> None:
        """A person saves something in the editor, or removes it; returns when it is loaded."""
        path, token = f"/api/config/{kind}/config/{name}", self.server.person_token
        self.server.call("DELETE" if body is None else "POST", path, body, token=token)
        wait_until(lambda: self._shows(kind, name, body), f"{kind} {name} to be loaded")

    def entity(self, kind: str, name: str) -> str:
        return self.home.entity_of("homeassistant" if kind == "scene" else kind, name)

    def state(self, entity: str) -> str:
        """The state of an entity, "" when there is none."""
        shown = self.home.states().get(entity)
        return shown.state if shown is not None else ""

    def look(self, kind: str, name: str) -> State:
        """The normal form of what stands there."""
        found = self.items[kind].observe([Target(Key(kind, "it"), name)]).of(Key(kind, "it"))
        assert isinstance(found, Present), found
        return found.state

    def desired(self, kind: str, spec: Mapping[str, Any], *others: Mapping[str, Any]) -> Resource:
        """What a spec means."""
        self.commit({"kind": kind.capitalize(), "name": "it", "spec": spec}, *others)
        head = self.house.book.head()
        return self.house.reconciler.linker.estate(head, self.house.book.read(head.id)).resources[Key(kind, "it")]

    def change(self, kind: str, spec: Mapping[str, Any], before: State | None = None, *others: Mapping[str, Any]) -> Change:
        """The change that makes it so."""
        wanted = self.desired(kind, spec, *others)
        action = Action.CREATE if before is None else Action.UPDATE
        return Change(
            wanted.key, "local", wanted.address, action, before, wanted.state, "test", needs=wanted.needs, gate=wanted.gate
        )

    def close(self) -> None:
        """Take away what the test made."""
        for kind, name in self._made:
            with contextlib.suppress(Refused):  # what is gone already
                if kind == "input_boolean":
                    self.server.ask("input_boolean/delete", input_boolean_id=name)
                else:
                    self.server.call("DELETE", f"/api/config/{kind}/config/{name}")

    def _shows(self, kind: str, name: str, body: Mapping[str, Any] | None) -> bool:
        if body is None or not self.entity(kind, name):
            return body is None and not self.entity(kind, name)
        normal = NORMAL[kind]
        return normal(self.home.configs(kind, [name]).get(name, {})) == normal(body)


def _is_there(home: Home, entity: str) -> bool:
    return entity in home.states()


@contextmanager
def loft_of(server: HomeAssistant) -> Iterator[Loft]:
    """A loft, while the block runs."""
    home = Home(Connection("local", server.url), lambda: server.token, SystemClock())
    try:
        for entity in (each for several in ENTITIES.values() for each in several):
            kind, _, name = entity.partition(".")
            if entity not in home.states():
                home.call(f"{kind}/create", name=name, **({"min": 0, "max": 10} if kind == "input_number" else {}))
                wait_until(partial(_is_there, home, entity), entity)
        made = Loft(server, home)
        try:
            yield made
        finally:
            made.close()
    finally:
        home.close()
