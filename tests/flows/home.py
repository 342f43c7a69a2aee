"""A home for flow tests: a real git repository and a whole house on the simulated world, driven through its use cases."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.core.codec import to_data
from controller.core.event import Report
from controller.core.key import Key
from controller.settings import read_settings
from controller.usecases.desk import Desk
from controller.usecases.sync import Sync
from controller.usecases.views import PlanView
from controller.wire import House
from controller.wire.house import built
from tests.support.clock import HandClock


@dataclass
class Home:
    """A spec repository and the house that follows it. Time passes only while something waits."""

    folder: Path
    flags: dict[str, str] = field(default_factory=dict)
    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        self.repo.mkdir(parents=True)
        self.git("init", "-q", "--initial-branch=main")

    @property
    def repo(self) -> Path:
        return self.folder / "repo"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def git(self, *arguments: str) -> str:
        """Run git in the repository."""
        who = ("-c", "user.name=me", "-c", "user.email=me@example.net", "-c", "commit.gpgsign=false")
        return subprocess.run(["git", *who, *arguments], cwd=self.repo, capture_output=True, text=True, check=True).stdout

    def commit(self, files: Mapping[str, str | None]) -> str:
        """Write files (None removes one) and commit; the revision."""
        for path, text in files.items():
            file = self.repo / path
            if text is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD").strip()

    @contextmanager
    def open(self, **flags: str) -> Iterator[Inside]:
        """The house as one command opens it, holding the lease."""
        given = {"repo": str(self.repo), "state": str(self.state), "world": "memory", **self.flags, **flags}
        settings = read_settings(given, {"PATH": "/usr/bin:/bin", "HOME": str(self.folder)}, self.folder)
        with built(settings, self.clock) as house:
            house.seat.require()
            house.desk = house.desk_with(house.reconciler.reconcile, lambda _cause: None)
            try:
                yield Inside(house)
            finally:
                house.reconciler.flights.close()


@dataclass(frozen=True)
class Inside:
    """An open house."""

    house: House

    @property
    def desk(self) -> Desk:
        return self.house.desk

    @property
    def sync(self) -> Sync:
        assert self.desk.sync is not None
        return self.desk.sync

    def apply(self) -> Report:
        """One pass."""
        return self.sync.apply("tester")

    def plan(self) -> PlanView:
        """The plan as people see it."""
        return self.desk.look.plan()

    def lines(self) -> list[str]:
        """Every change with its verdict: `delete service/web [hold empty]`."""
        return sorted(
            f"{change.action} {change.key} [{rollout.verdict} {rollout.rule}]"
            for rollout in self.plan().rollouts
            for change in rollout.changes
        )

    def findings(self) -> list[str]:
        """What is wrong with the newest revision: `file:line message`."""
        return [f"{each.file}:{each.line} {each.message}" for each in self.plan().diagnostics]

    def world(self) -> dict[str, Any]:
        """What stands: key → normal form."""
        found: dict[str, Any] = {}
        for (kind, _), provider in self.house.connections.providers().items():
            for key, item in provider.observe([]).items.items():
                assert key.kind == kind
                found[str(key)] = to_data(item)
        return found

    def running(self) -> dict[str, Any]:
        """What stands: service → image."""
        return {key.partition("/")[2]: item["state"]["image"] for key, item in self.world().items() if key.startswith("service/")}

    def state_of(self, name: str) -> str:
        """How a service stands: `Synced`, `Held`, …"""
        return next(str(item.sync) for item in self.apply().statuses if item.key == Key("service", name))


def service(name: str, image: str = "web:1", **spec: Any) -> str:
    """A Service document."""
    return document("Service", name, {"image": image, **spec})


def document(kind: str, name: str, spec: Mapping[str, Any] | None = None, **envelope: Any) -> str:
    """A document (JSON is YAML), with its words on lines of their own."""
    return json.dumps({"kind": kind, "name": name, **envelope, "spec": dict(spec or {})}, indent=1) + "\n"


def policy(*rules: Mapping[str, Any], **spec: Any) -> str:
    """House rules."""
    return document("Policy", "house", {"rules": [dict(rule) for rule in rules], **spec})
