"""A small house for engine tests: a git-like source in memory, the simulated world, real store and engine, one simple kind.

`Box` stands for every kind: it has an image (health as the simulated world judges it), a size that can be updated in place, a
port that only one box may hold, and needs."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

from controller.clients.memory import BatchingProvider, MemoryProvider, MemoryWorld
from controller.clients.yaml import read_yaml
from controller.core.change import Action
from controller.core.diff import FieldDiff
from controller.core.document import Files, Revision
from controller.core.errors import SourceError
from controller.core.estate import HomelabSpec
from controller.core.event import Event, Report
from controller.core.key import Key
from controller.core.kind import Desired, Kind, Surroundings
from controller.core.ports import Clock, Providers, Store, Vault
from controller.core.resource import Gate, Risk, Rollback
from controller.core.secret import SecretVersion
from controller.core.state import fingerprint
from controller.engine.bench import Bench
from controller.engine.link import Linker
from controller.engine.reconcile import Reconciler
from controller.store.memory import MemoryStore
from tests.support.clock import GatheringClock


class BoxSpec(BaseModel):
    """Spec of the test kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str = "box:1"
    size: int = 1
    port: int | None = None
    environment: dict[str, str] = {}
    rollback: Rollback = Rollback.ALWAYS
    stateful: bool = False
    risky: bool = False
    uses: tuple[str, ...] = ()
    timeout: float = 0.2


def _resolve(name: str, spec: BoxSpec, around: Surroundings) -> Desired:
    state: dict[str, Any] = {"image": spec.image, "size": spec.size, "status": "running"}
    if spec.environment:
        state["environment"] = dict(spec.environment)
    if spec.port is not None:
        state["port"] = spec.port
    return Desired(
        state=state,
        provider="local",
        address=name,
        references=tuple(Key.parse(item) for item in spec.uses),
        claims=(f"port:{spec.port}/tcp@local",) if spec.port is not None else (),
        gate=Gate(timeout=spec.timeout),
        rollback=spec.rollback,
        stateful=spec.stateful,
        risks=(Risk("privileged", "it may do everything"),) if spec.risky else (),
    )


def _verb(fields: Sequence[FieldDiff]) -> Action:
    return Action.UPDATE if all(item.path in ("size", "status") for item in fields) else Action.REPLACE


BOX = Kind("box", BoxSpec, "a simulated box", resolve=_resolve, verb=_verb)


@dataclass
class Tree:
    """Files of one revision."""

    contents: Mapping[str, str]

    def paths(self) -> list[str]:
        return sorted(self.contents)

    def identity(self, path: str) -> str | None:
        return fingerprint(self.contents[path]) if path in self.contents else None

    def read(self, path: str) -> bytes | None:
        return self.contents[path].encode() if path in self.contents else None


@dataclass
class Book:
    """A source in memory: commits in a list, each with a parent."""

    trees: dict[str, Tree] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    tip: str = ""

    def write(self, contents: Mapping[str, str], *, parent: str | None = None) -> str:
        """Commit; `parent` "" starts an unrelated history."""
        name = fingerprint([dict(contents), self.tip, len(self.trees)])[:40]
        self.trees[name] = Tree(dict(contents))
        self.parents[name] = self.tip if parent is None else parent
        self.tip = name
        return name

    def head(self) -> Revision:
        if not self.tip:
            raise SourceError("the branch has no commit yet")
        return Revision(self.tip)

    def read(self, revision: str) -> Files:
        return self.trees[revision]

    def revision(self, name: str) -> Revision:
        if name not in self.trees:
            raise SourceError(f"no revision {name}")
        return Revision(name)

    def descends(self, revision: str, ancestor: str) -> bool:
        while revision and revision != ancestor:
            revision = self.parents.get(revision, "")
        return revision == ancestor

    def fetch(self) -> None:
        """Nothing is remote."""

    def revert(self, revision: str, message: str, author: str) -> Revision:
        return Revision(self.write(self.trees[revision].contents))

    def commit(self, edits: Mapping[str, bytes | None], message: str, author: str) -> Revision:
        contents = dict(self.trees[self.tip].contents) if self.tip else {}
        for path, content in edits.items():
            contents.pop(path, None)
            if content is not None:
                contents[path] = content.decode()
        return Revision(self.write(contents))

    def log(self, limit: int = 50) -> list[Revision]:
        found: list[Revision] = []
        name = self.tip
        while name and len(found) < limit:
            found.append(Revision(name))
            name = self.parents.get(name, "")
        return found

    def worktree(self) -> Files:
        return self.trees[self.tip]


class OpenVault:
    """A vault for houses whose specs hold no secrets."""

    def current(self, ref: str, generate: int | None = None) -> SecretVersion:
        if generate is None:
            raise KeyError(ref)
        return SecretVersion(ref, 1, fingerprint(ref)[:16])

    def literal(self, value: str) -> SecretVersion:
        return SecretVersion(f"literal/{fingerprint(value)[:12]}", 1, fingerprint(value)[:16])

    def keep(self, versions: Any) -> None:
        list(versions)

    def reveal(self, version: SecretVersion) -> str:
        return version.ref

    def fingerprint(self, value: str) -> str:
        return fingerprint(value)[:16]

    def conceal(self, text: str) -> str:
        return text


class Drawer:
    """File contents by digest."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        digest = fingerprint(content.hex())
        self.contents[digest] = content
        return digest


class House:
    """Everything one controller needs, on the simulated world. A second House on the same book, world and store is a
    controller that was started again."""

    def __init__(
        self,
        book: Book | None = None,
        world: MemoryWorld | None = None,
        store: Store | None = None,
        clock: Clock | None = None,
        kinds: Mapping[str, Kind] | None = None,
        holder: str = "test",
        vault: Vault | None = None,
        gather: float | None = None,
    ) -> None:
        """`holder` takes the lease for an hour ("" = somebody else does); with `gather` one write makes all that gets
        ready until nothing has come for so many seconds (with another clock: within them)."""
        self.clock = clock or GatheringClock()
        self.book = book or Book()
        self.world = world or MemoryWorld(self.clock)
        self.store = store or MemoryStore(self.clock)
        self.kinds = kinds or {"box": BOX}
        self.said: list[Event] = []
        self.gather = gather
        self.providers: Providers = {(name, "local"): self._provider(kind) for name, kind in self.kinds.items()}
        vault = vault or OpenVault()
        self.bench = Bench(lambda: self.providers, self.kinds, self.store, vault, self.clock, self.said.append)
        if isinstance(self.clock, GatheringClock):
            self.clock.gathering = self.bench.gathering
        linker = Linker(read_yaml, self.kinds, vault, Drawer())
        numbers = itertools.count(1)
        prefix = f"run-{os.getpid()}-{id(self)}"
        if holder:
            self.store.claim(holder, 3600)
        self.reconciler = Reconciler(
            self.book, linker, self.bench, self._connect, lambda: f"{prefix}-{next(numbers)}", "memory (simulated)"
        )

    def _provider(self, kind: Kind) -> MemoryProvider:
        if self.gather is None:
            return MemoryProvider(kind, self.world)
        return BatchingProvider(kind, self.world, gather=self.gather)

    def _connect(self, homelab: HomelabSpec) -> Providers:
        return self.providers

    def commit(self, boxes: Mapping[str, Mapping[str, Any] | None], **envelopes: Mapping[str, Any]) -> str:
        """Commit one file per box (spec as data); None leaves it out."""
        return self.book.write(
            {f"{name}.yaml": box(name, spec, **envelopes.get(name, {})) for name, spec in boxes.items() if spec is not None}
        )

    def reconcile(self, cause: str = "test") -> Report:
        """One pass."""
        return self.reconciler.reconcile(cause, "tester")

    def plan(self) -> str:
        """The plan as text: the oracle of the tests."""
        found = self.reconciler.survey()
        lines = [
            f"{change.action} {change.key}: {change.cause} [{found.decisions[rollout.digest].verdict}]"
            for rollout in found.plan.rollouts
            for change in rollout.changes
        ]
        return "\n".join(sorted(lines))

    def boxes(self) -> dict[str, Any]:
        """What stands in the world: name → image and size."""
        return {
            name: (thing.state["image"], thing.state["size"], thing.state["status"])
            for name, thing in self.world.things("box", "local").items()
        }

    def restarted(self) -> House:
        """A new controller on the same git, world and store."""
        return House(self.book, self.world, self.store, self.clock, self.kinds, gather=self.gather)


def box(name: str, spec: Mapping[str, Any], **envelope: Any) -> str:
    """A Box document (JSON is YAML)."""
    import json

    return json.dumps({"kind": "Box", "name": name, "spec": dict(spec), **envelope})
