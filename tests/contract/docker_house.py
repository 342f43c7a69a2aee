"""A whole controller on a real engine: specs in a repository in memory, real providers, plan text as the oracle."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from controller.clients.clock import SystemClock
from controller.clients.docker import DockerHost
from controller.clients.memory import MemoryProvider
from controller.core.event import Report
from controller.core.key import Key
from controller.core.kind import Kind
from controller.core.run import Run
from controller.core.state import Present, Snapshot, Target
from controller.kinds import network, service, volume
from tests.contract.yard import KINDS, Specs
from tests.support.engines import Engine
from tests.support.house import House


@dataclass
class DockerHouse:
    """One repository, one engine, one controller. Files are specs by name, or anything else by path."""

    house: House
    engine: Engine
    files: dict[str, str]

    def commit(self, documents: Mapping[str, Mapping[str, Any] | None], **files: str) -> str:
        """Commit documents by key (`service/web`: spec; None removes one) on top of what is there."""
        for name, spec in documents.items():
            key = Key.parse(name)
            path = f"{key.kind}-{key.name}.yaml"
            self.files.pop(path, None)
            if spec is not None:
                self.files[path] = json.dumps({"kind": key.kind.capitalize(), "name": key.name, "spec": dict(spec)})
        self.files.update(files)
        return self.house.book.write(dict(self.files))

    def write(self, path: str, content: str) -> str:
        """Commit one other file."""
        self.files[path] = content
        return self.house.book.write(dict(self.files))

    def plan(self) -> str:
        """The plan as text."""
        return self.house.plan()

    def reconcile(self) -> Report:
        """One pass, to its end."""
        return self.house.reconcile()

    def run(self) -> Run:
        """The newest run."""
        return self.house.store.runs()[0]

    def shown(self, name: str, kind: str = "service") -> Mapping[str, Any]:
        """The normal form that the engine shows."""
        found = self.look(name, kind).of(Key(kind, name))
        assert isinstance(found, Present), found
        return found.state

    def look(self, name: str, kind: str = "service") -> Snapshot:
        """One look at one object."""
        return self.house.providers[kind, "local"].observe([Target(Key(kind, name), name)])


@contextmanager
def docker_house(engine: Engine, folder: Path, simulated: Mapping[tuple[str, str], Kind] | None = None) -> Iterator[DockerHouse]:
    """A controller on an engine. `simulated` are further kinds, by name and connection, whose objects are not real."""
    more = simulated or {}
    specs = Specs(folder)
    clock = SystemClock()
    host = DockerHost("local", engine.url)
    house = House(clock=clock, kinds={**KINDS, **{kind.name: kind for kind in more.values()}}, vault=specs.vault)
    house.providers = {
        ("service", "local"): service.ServiceProvider(host, specs.vault, specs.blobs, clock, data=str(folder / "data")),
        ("network", "local"): network.NetworkProvider(host),
        ("volume", "local"): volume.VolumeProvider(host),
        **{place: MemoryProvider(kind, house.world, place[1]) for place, kind in more.items()},
    }
    house.reconciler.linker = replace(house.reconciler.linker, blobs=specs.blobs)
    yield DockerHouse(house, engine, {})
    host.close()
