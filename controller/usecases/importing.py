"""Importing: specs for what already runs, and taking it over as it is. Nothing is recreated, nothing is restarted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from controller.core.discovery import Discovers, Discovery
from controller.core.document import Files, Revision
from controller.core.errors import Refused, SourceError, SpecError
from controller.core.estate import Estate
from controller.core.key import Key
from controller.core.ports import Clock, Source, Store, Vault
from controller.core.secret import SecretVersion
from controller.engine.link import Linker
from controller.engine.reconcile import Reconciler
from controller.usecases import importing_policy
from controller.usecases.adopting import Adopted, Adopting
from controller.usecases.importing_sketch import SCHEMA_LINE, Handle, Left, Sketch, chosen, file_of, unused
from controller.usecases.rollback import Overlay
from controller.usecases.secrets import SecretKeeper

HOME = "homeassistant"
"""The type of connection that holds a home, which is imported by itself."""


@dataclass(frozen=True)
class Importing:
    """The use cases behind `import` and `adopt`. `write` turns a document into YAML text."""

    reconciler: Reconciler
    source: Source
    store: Store
    keeper: SecretKeeper
    clock: Clock
    write: Callable[[Mapping[str, Any]], str]

    # What runs

    def discover(self) -> tuple[Discovery, ...]:
        """Every object that runs without being ours, behind every connection. Raises Transient when a backend does not answer."""
        _, _, estate = self._now()
        ours = {row.handle for row in self.store.rows().values()}
        homes = {name for name, declared in estate.homelab.connections.items() if declared.get("type") == HOME}
        found: dict[Key, Discovery] = {}
        for (_, connection), provider in self.reconciler.connect(estate.homelab).items():
            asked: object = provider
            if isinstance(asked, Discovers) and connection not in homes:
                for item in asked.discover():
                    if item.handle not in ours:
                        found.setdefault(item.key, item)
        return tuple(found[key] for key in sorted(found))

    def whole(self, patterns: Sequence[str] = ()) -> Sketch:
        """The documents for everything that runs, or for what fits shell patterns, with what that uses and needs. Raises Refused
        when nothing fits a pattern."""
        found = self.discover()
        picked = chosen(found, patterns)
        missed = [pattern for pattern in patterns if not chosen(found, [pattern])]
        if missed:
            raise Refused(f"nothing that could be imported fits {missed[0]!r}; `homelab import docker --dry-run` shows what does")
        sketch = self.draft(picked)
        return replace(sketch, left=(*sketch.left, *(() if patterns else unused(found, picked))))

    def draft(self, items: Sequence[Discovery]) -> Sketch:
        """The documents for discovered objects, one file each. What is declared already, does not run, or could not be declared
        is left out with the reason."""
        _, files, estate = self._now()
        taken = set(files.paths())
        left = [Left(str(item.key), reason) for item in items if (reason := _why_left(item, estate, taken))]
        out = {item.key for item in left}
        wanted = [item for item in items if str(item.key) not in out]
        while True:
            known = {*estate.resources, *(item.key for item in wanted)}
            drafted = {file_of(item.key): self.document(item, known) for item in wanted}
            try:
                self.trial(drafted)
            except SpecError as error:
                refused = {item.origin.file: item.message for item in reversed(error.diagnostics)}
                dropped = [item for item in wanted if file_of(item.key) in refused]
                if not dropped:
                    raise
                left += [Left(str(item.key), refused[file_of(item.key)]) for item in dropped]
                wanted = [item for item in wanted if item not in dropped]
            else:
                secrets = {ref: value for item in wanted for ref, value in item.secrets.items()}
                objects = tuple(Handle(str(item.key), item.handle) for item in wanted)
                lost = tuple(Left(str(item.key), loss) for item in wanted for loss in item.lost)
                return self.permitted(Sketch(drafted, secrets, objects, tuple(left), lost))

    def trial(self, drafted: Mapping[str, bytes | None]) -> Estate:
        """The estate with the drafted files; secrets that do not exist yet are stood in for. Raises SpecError."""
        head, files, _ = self._now()
        linker, promised = self.reconciler.linker, cast(Vault, Promised(self.reconciler.linker.vault))
        return Linker(linker.reader, linker.kinds, promised, linker.blobs).estate(head, Overlay(files, drafted))

    def permitted(self, sketch: Sketch) -> Sketch:
        """The sketch with the house rules that its objects need; they are not among its files, for a person commits those."""
        estate = self._now()[2]
        drafted = self.trial(sketch.files)
        fresh = [resource for key, resource in drafted.resources.items() if key not in estate.resources]
        wanted = importing_policy.permits(drafted, fresh, self.clock.now())
        found = importing_policy.policy(fresh, wanted, set(self._lying()))
        made = {path: (SCHEMA_LINE.format("../") + self.write(data)).encode() for path, data in found.items()}
        return replace(sketch, policy=made, permits=wanted)

    def paths(self) -> Sequence[str]:
        """Every file of the specs now."""
        return tuple(self._now()[1].paths())

    def document(self, item: Discovery, known: Collection[Key]) -> bytes:
        """The file that declares a discovered object; needs that nothing declares are left out."""
        data: dict[str, Any] = {"kind": item.key.kind.capitalize(), "name": item.key.name, "spec": dict(item.spec)}
        needs = [str(need) for need in item.needs if need in known]
        if needs:
            data["needs"] = needs
        return (SCHEMA_LINE.format("../") + self.write(data)).encode()

    # Taking over

    def commit(self, draft: Sketch, by: str, what: str) -> str:
        """Keep the secrets, then write the files as one commit; the revision. Raises SourceError, Refused."""
        if not draft.files:
            raise Refused("there is nothing to import")
        for ref, value in draft.secrets.items():
            self.keeper.set(ref, value)
        return self.source.commit(draft.files, f"Import {what}", by).id

    def adopt(self, items: Iterable[Handle], by: str) -> tuple[tuple[Adopted, ...], tuple[Left, ...]]:
        """Take over objects that exist and are declared, as they are. Raises SpecError, SourceError."""
        return Adopting(self.reconciler, self.store, self.clock).adopt(self._now()[2], items, by)

    def _lying(self) -> Sequence[str]:
        """Every file of the specs, committed or not."""
        try:
            return (*self.paths(), *self.source.worktree().paths())
        except SourceError:
            return self.paths()

    def _now(self) -> tuple[Revision, Files, Estate]:
        head = self.source.head()
        files = self.source.read(head.id)
        return head, files, self.reconciler.linker.estate(head, files)


@dataclass(frozen=True)
class Promised:
    """A vault in which every secret exists, so that a specification can be tried before its secrets are kept."""

    vault: Vault

    def current(self, ref: str, generate: int | None = None) -> SecretVersion:
        """What there is, else a stand-in."""
        try:
            return self.vault.current(ref, generate)
        except KeyError:
            return SecretVersion(ref, 1, self.vault.fingerprint(ref))

    def literal(self, value: str) -> SecretVersion:
        """As the vault."""
        return self.vault.literal(value)


def _why_left(item: Discovery, estate: Estate, taken: Collection[str]) -> str:
    """Why an object gets no document; "" when it does."""
    declared = estate.resources.get(item.key)
    if declared is not None:
        return f"declared already at {declared.origin}; `homelab adopt {item.key}` takes it over"
    if item.obstacle:
        return item.obstacle
    if item.stopped:
        return f"it does not run ({item.stopped}); start it and import again, or declare it by hand"
    return f"{file_of(item.key)} exists already" if file_of(item.key) in taken else ""
