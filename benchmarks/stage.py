"""What measures run on: engines of one version, and homes of many services that several measures share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.fleet import Fleet
from benchmarks.home import Home
from benchmarks.peers import OLD, Project, binaries
from tests.support import engines
from tests.support.engines import Engine

VERSIONS = {"28.5": engines.NEW, "20.10": engines.OLD}


@dataclass
class Stage:
    """One engine version for one measure after the other. `ours` and `theirs` are twins, so that neither side's containers
    weigh on the other's calls; `quick` asks for fewer repetitions and small fleets."""

    version: str
    quick: bool = False
    _closing: ExitStack = field(default_factory=ExitStack)
    _engines: dict[str, Engine] = field(default_factory=dict)
    _fleets: dict[int, tuple[Fleet, Home, Project]] = field(default_factory=dict)

    @property
    def ours(self) -> Engine:
        """The engine that we work on."""
        return self._engine("ours")

    @property
    def theirs(self) -> Engine:
        """The engine that the peers work on."""
        return self._engine("theirs")

    @property
    def composes(self) -> dict[str, Path]:
        """The peers by version."""
        return binaries()

    def rounds(self, full: int, quick: int) -> int:
        """How often to repeat."""
        return quick if self.quick else full

    def fleet(self, count: int) -> tuple[Fleet, Home, Project]:
        """So many services running on both engines: ours applied from a home, theirs from a compose file. Kept for later
        measures; whoever changes something puts it back."""
        if count not in self._fleets:
            self.empty()
            fleet = Fleet.of(count, web=1)
            home = self.home(fleet)
            home.homelab("apply")
            self._fleets[count] = fleet, home, self.project(fleet)
            self._fleets[count][2].up(self.composes[OLD])
        return self._fleets[count]

    def home(self, fleet: Fleet | None = None) -> Home:
        """A new home on our engine."""
        home = Home(self.ours.url, fleet.documents() if fleet is not None else {})
        self._closing.callback(home.close)
        return home

    def project(self, fleet: Fleet, name: str = "pb") -> Project:
        """A new project of the peers on their engine."""
        project = Project(self.home_folder(name), self.theirs.url, name)
        project.write(fleet.compose())
        return project

    def home_folder(self, name: str) -> Path:
        """A folder that ends with the stage."""
        return self.theirs.space.folder / f"project-{name}-{os.urandom(3).hex()}"

    def empty(self) -> None:
        """Remove everything from both engines."""
        self._fleets.clear()
        for engine in self._engines.values():
            engine.clean()

    @contextmanager
    def open(self) -> Iterator[Stage]:
        """The stage, until the block ends."""
        with self._closing:
            yield self

    def _engine(self, role: str) -> Engine:
        if role not in self._engines:
            engine = Engine(VERSIONS[self.version])
            self._closing.callback(engine.close)
            self._engines[role] = engine
        return self._engines[role]
