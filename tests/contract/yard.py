"""A yard: one kind of object on one world, with the hands of a person who changes things behind our back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from typing import Any, Protocol

from pydantic import BaseModel

from controller.clients.blobs import BlobStore
from controller.clients.clock import SystemClock
from controller.clients.docker import DockerHost
from controller.clients.memory import Effect, Fault, MemoryProvider, MemoryWorld
from controller.clients.vault import AgeVault
from controller.clients.yaml import read_yaml
from controller.core.change import Action, Change
from controller.core.diff import compare
from controller.core.estate import HomelabSpec
from controller.core.key import Key
from controller.core.kind import Desired, Kind
from controller.core.ports import Adapts, Provider, Retains
from controller.core.state import Observed, Present, Receipt, State, Target
from controller.engine.surroundings import RepositorySurroundings
from controller.kinds import network, service, volume
from controller.wire import load_kinds
from tests.support.engines import Engine
from tests.support.house import Tree

NO = Flag()
KINDS: Mapping[str, Kind] = load_kinds()


@dataclass
class Specs:
    """Turns specs into desired objects, with the files of a small repository beside them."""

    folder: Path
    files: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, BaseModel]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.vault = AgeVault(self.folder / "state" / "vault")
        self.blobs = BlobStore(self.folder / "state" / "content")

    def resolve(self, kind: str, name: str, spec: Mapping[str, Any], files: Mapping[str, str] | None = None) -> Desired:
        tree = Tree(self.files if files is None else files)
        paths = tuple(tree.paths())
        around = RepositorySurroundings(tree, "", read_yaml, self.vault, self.blobs, HomelabSpec(), set(), paths, self.others)
        resolve = KINDS[kind].resolve
        assert resolve is not None
        return resolve(name, KINDS[kind].model.model_validate(spec), around)


class Hands(Protocol):
    """What a test needs a person, a network or a power cut to do."""

    def edit(self, yard: Yard) -> None:
        """Change the object by hand, in a declared field."""

    def remove(self, yard: Yard) -> None:
        """Remove it by hand."""

    def cut(self) -> None:
        """Make the backend unreachable."""

    def mend(self) -> None:
        """Make it reachable again."""


@dataclass
class Yard:
    """One object called `it`, and everything that can happen to it."""

    kind: str
    specs: Specs
    provider: Provider
    hands: Hands
    first: Mapping[str, Any]
    second: Mapping[str, Any] | None
    impossible: Mapping[str, Any] | None
    address: str = "it"

    @property
    def key(self) -> Key:
        return Key(self.kind, "it")

    def desired(self, spec: Mapping[str, Any]) -> tuple[Desired, State]:
        desired = self.specs.resolve(self.kind, "it", spec)
        self.specs.vault.keep(self.specs_named(desired.state))
        if isinstance(self.provider, Adapts):
            return desired, self.provider.adapt(desired.state, None)
        return desired, desired.state

    @staticmethod
    def specs_named(state: State) -> list[Any]:
        from controller.core.secret import secrets_in

        return list(secrets_in(state))

    def look(self) -> Observed:
        target = Target(self.key, self.address)
        return self.provider.observe([target]).of(self.key)

    def shown(self) -> State:
        found = self.look()
        assert isinstance(found, Present), found
        return found.state

    def change(self, after: Mapping[str, Any] | None) -> Change:
        """The change from what is there now to a spec (None = nothing)."""
        found = self.look()
        before = found.state if isinstance(found, Present) else None
        handle = found.handle if isinstance(found, Present) else ""
        if after is None:
            return Change(self.key, "local", self.address, Action.DELETE, before, None, "test", handle=handle)
        desired, state = self.desired(after)
        action = Action.CREATE
        if before is not None:
            kind = KINDS[self.kind]
            action = kind.verb(compare(state, before, same=kind.same, whole=kind.whole))
        return Change(self.key, "local", self.address, action, before, state, "test", handle=handle, gate=desired.gate)

    def make(self, spec: Mapping[str, Any]) -> Receipt:
        """Bring it to a spec and commit."""
        change = self.change(spec)
        return self.commit(change, self.provider.apply(change, NO))

    def commit(self, change: Change, receipt: Receipt) -> Receipt:
        return self.provider.release(change, receipt) if isinstance(self.provider, Retains) else receipt

    def differing(self, wanted: State) -> list[str]:
        kind = KINDS[self.kind]
        return [each.path for each in compare(wanted, self.shown(), same=kind.same, whole=kind.whole)]


EDITED: Mapping[str, Mapping[str, Any]] = {
    "service": {"mem_limit": 96 * 2**20},
    "network": {"internal": False},
    "volume": {"labels": {"tier": "other"}},
}


@dataclass
class MemoryHands:
    world: MemoryWorld

    def edit(self, yard: Yard) -> None:
        self.world.edit(yard.kind, "local", "it", **EDITED[yard.kind])

    def remove(self, yard: Yard) -> None:
        self.world.remove(yard.kind, "local", "it")

    def cut(self) -> None:
        self.world.cut("local")

    def mend(self) -> None:
        self.world.mend("local")

    def lose(self) -> None:
        self.world.faults.add(Fault(Effect.LOSE))


@dataclass
class DockerHands:
    engine: Engine

    def edit(self, yard: Yard) -> None:
        api = self.engine.api
        if yard.kind == "service":
            api.update_container("it", mem_limit=96 * 2**20, memswap_limit=-1)
        elif yard.kind == "network":
            api.remove_network("it")
            api.create_network("it", internal=False, labels={"tier": "one"})
        else:
            api.remove_volume("it")
            api.create_volume("it", labels={"tier": "other"})

    def remove(self, yard: Yard) -> None:
        api = self.engine.api
        if yard.kind == "service":
            api.remove_container("it", force=True)
        elif yard.kind == "network":
            api.remove_network("it")
        else:
            api.remove_volume("it")

    def cut(self) -> None:
        self.engine.stop()

    def mend(self) -> None:
        self.engine.start()


STORIES: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any] | None, Mapping[str, Any] | None]] = {
    "service": (
        {"image": "lab/web:1", "mem_limit": "64m", "restart": "unless-stopped", "stop_grace_period": "1s"},
        {"image": "lab/web:2", "mem_limit": "64m", "restart": "unless-stopped", "stop_grace_period": "1s"},
        {"image": "lab/web:2", "mem_limit": "1m", "stop_grace_period": "1s"},
    ),
    "network": (
        {"internal": True, "labels": {"tier": "one"}},
        {"internal": True, "labels": {"tier": "two"}},
        {"internal": True, "ipam": {"config": [{"subnet": "10.1.2.3/33"}]}},
    ),
    "volume": ({"labels": {"tier": "one"}}, None, None),
}


def docker_provider(kind: str, host: DockerHost, specs: Specs) -> Provider:
    if kind == "network":
        return network.NetworkProvider(host)
    if kind == "volume":
        return volume.VolumeProvider(host)
    data = str(specs.folder / "data")
    return service.ServiceProvider(host, specs.vault, specs.blobs, SystemClock(), data=data)


@contextmanager
def docker_yard(kind: str, engine: Engine, folder: Path) -> Iterator[Yard]:
    specs = Specs(folder)
    host = DockerHost("local", engine.url)
    yield Yard(kind, specs, docker_provider(kind, host, specs), DockerHands(engine), *STORIES[kind])
    host.close()


def memory_yard(kind: str, folder: Path) -> Yard:
    world = MemoryWorld(SystemClock())
    return Yard(kind, Specs(folder), MemoryProvider(KINDS[kind], world), MemoryHands(world), *STORIES[kind])
