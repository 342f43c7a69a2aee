"""Importing: specs for what already runs, and taking it over as it is. Nothing is recreated, nothing is restarted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, cast

from controller.core.diff import FieldDiff, compare
from controller.core.discovery import Discovers, Discovery
from controller.core.document import Files, Revision
from controller.core.errors import Refused, SpecError
from controller.core.estate import Estate
from controller.core.event import Event
from controller.core.key import Key
from controller.core.ports import Clock, Providers, Source, Store, Vault
from controller.core.resource import Mode, Resource
from controller.core.run import Row
from controller.core.secret import SecretVersion
from controller.core.state import Observed, Present, Target, Unknown
from controller.engine import adapt as adapting
from controller.engine.link import Linker
from controller.engine.reconcile import Reconciler
from controller.usecases.rollback import Overlay
from controller.usecases.secrets import SecretKeeper

SCHEMA_LINE = "# yaml-language-server: $schema={}schemas/homelab.json\n"


_USED = ("network", "volume")
"""Kinds of objects that are worth a declaration only where something uses them."""


@dataclass(frozen=True, slots=True)
class Handle:
    """An object to take over: its key, and which one it is on the backend ("" = the one at the declared address)."""

    key: str
    handle: str = ""


@dataclass(frozen=True, slots=True)
class Adopted:
    """An object that is ours from now on. `differs` are fields in which it is not as declared; it stays so until they change."""

    key: str
    handle: str
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """An object that was not taken, and why."""

    key: str
    reason: str


@dataclass(frozen=True)
class Sketch:
    """What an import would write: files by path below the spec folder, secret values by reference, and what it takes over."""

    files: Mapping[str, bytes]
    secrets: Mapping[str, str]
    objects: tuple[Handle, ...]
    left: tuple[Left, ...] = ()


@dataclass(frozen=True)
class Importing:
    """The use cases behind `import`, `adopt` and `detach`'s way back. `write` turns a document into YAML text."""

    reconciler: Reconciler
    source: Source
    store: Store
    keeper: SecretKeeper
    clock: Clock
    write: Callable[[Mapping[str, Any]], str]

    # What runs

    def discover(self) -> tuple[Discovery, ...]:
        """Every object that is there without being ours, behind every connection. Raises Transient when a backend does not
        answer."""
        _, _, estate = self._now()
        ours = {row.handle for row in self.store.rows().values()}
        found: dict[Key, Discovery] = {}
        for provider in self.reconciler.connect(estate.homelab).values():
            asked: object = provider
            if isinstance(asked, Discovers):
                for item in asked.discover():
                    if item.handle not in ours:
                        found.setdefault(item.key, item)
        return tuple(found[key] for key in sorted(found))

    def draft(self, items: Sequence[Discovery]) -> Sketch:
        """The documents for discovered objects, one file each. What is declared already, or what the house could not declare, is
        left out with the reason."""
        _, files, estate = self._now()
        taken = set(files.paths())
        left: list[Left] = []
        wanted: list[Discovery] = []
        for item in items:
            declared = estate.resources.get(item.key)
            if declared is not None:
                left.append(
                    Left(str(item.key), f"declared already at {declared.origin}; `homelab adopt {item.key}` takes it over")
                )
            elif file_of(item.key) in taken:
                left.append(Left(str(item.key), f"{file_of(item.key)} exists already"))
            else:
                wanted.append(item)
        while True:
            known = {*estate.resources, *(item.key for item in wanted)}
            drafted = {file_of(item.key): self.document(item, known) for item in wanted}
            secrets = {ref: value for item in wanted for ref, value in item.secrets.items()}
            try:
                self.trial(drafted)
            except SpecError as error:
                refused = {item.origin.file: item.message for item in reversed(error.diagnostics)}
                out = [item for item in wanted if file_of(item.key) in refused]
                if not out:
                    raise
                left += [Left(str(item.key), refused[file_of(item.key)]) for item in out]
                wanted = [item for item in wanted if item not in out]
            else:
                objects = tuple(Handle(str(item.key), item.handle) for item in wanted)
                return Sketch(drafted, secrets, objects, tuple(left))

    def trial(self, drafted: Mapping[str, bytes | None]) -> Estate:
        """The estate with the drafted files; secrets that do not exist yet are stood in for. Raises SpecError."""
        head, files, _ = self._now()
        linker, promised = self.reconciler.linker, cast(Vault, Promised(self.reconciler.linker.vault))
        return Linker(linker.reader, linker.kinds, promised, linker.blobs).estate(head, Overlay(files, drafted))

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
        """Write ledger rows for objects that exist and are declared: they are ours, exactly as they are. Lifts a suspension that
        `detach` left. Raises SpecError, SourceError."""
        _, _, estate = self._now()
        providers = self.reconciler.connect(estate.homelab)
        adopted: list[Adopted] = []
        left: list[Left] = []
        rows: list[Row] = []
        for item in items:
            resource = estate.resources.get(Key.parse(item.key))
            if resource is None:
                left.append(Left(item.key, "nothing declares it; `homelab import docker` writes specs for what runs"))
                continue
            if resource.mode is Mode.OBSERVE:
                continue
            found = self._look(resource, item.handle, providers)
            if not isinstance(found, Present):
                left.append(Left(item.key, _why_not(resource, found)))
                continue
            adapted = self._pinned(resource, found, providers)
            rows.append(self._row(adapted, found, estate))
            adopted.append(Adopted(item.key, found.handle, self._differs(adapted, found)))
        self.store.put(rows)
        for row in rows:
            self.store.resume(str(row.key))
        if adopted:
            names = ", ".join(item.key for item in adopted)
            self.store.append([Event(self.clock.now(), "Adopted", f"{by} takes over {len(adopted)} objects: {names}")])
        return tuple(adopted), tuple(left)

    def _now(self) -> tuple[Revision, Files, Estate]:
        head = self.source.head()
        files = self.source.read(head.id)
        return head, files, self.reconciler.linker.estate(head, files)

    def _look(self, resource: Resource, handle: str, providers: Providers) -> Observed:
        provider = providers.get((resource.key.kind, resource.provider))
        if provider is None:
            return Unknown(f"no connection {resource.provider!r} is declared")
        known = self.store.rows().get((resource.key, resource.provider))
        target = Target(resource.key, resource.address, handle or (known.handle if known else ""))
        return provider.observe([target]).of(resource.key)

    def _pinned(self, resource: Resource, found: Present, providers: Providers) -> Resource:
        """The resource as the backend stores it, with what runs now kept (an image tag stays the digest that runs)."""
        row = Row(resource.key, resource.provider, resource.address, applied=found.state)
        adapted, _ = adapting.adapt({resource.key: resource}, {row.place: row}, providers, {})
        return adapted[resource.key]

    def _row(self, resource: Resource, found: Present, estate: Estate) -> Row:
        return Row(
            key=resource.key,
            provider=resource.provider,
            address=resource.address,
            handle=found.handle,
            applied=resource.state,
            shown=found.state,
            digest=resource.digest,
            revision=estate.revision.id,
            needs=resource.needs,
            claims=resource.claims,
            protect=resource.protect,
            stateful=resource.stateful,
            adopted=True,
            at=self.clock.now(),
        )

    def _differs(self, resource: Resource, found: Present) -> tuple[str, ...]:
        """Fields that are not as declared; names in a network that only we add are none."""
        kind = self.reconciler.linker.kinds[resource.key.kind]
        fields = compare(resource.state, found.state, same=kind.same, whole=kind.whole)
        return tuple(item.path for item in fields if not (item.path.endswith(".aliases") and _only_more(item)))


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


def _only_more(item: FieldDiff) -> bool:
    return set(item.old or ()) <= set(item.new or ())


def uses(spec: Any) -> Iterator[Key]:
    """Keys that a spec refers to by `resource`."""
    if isinstance(spec, Mapping):
        if isinstance(spec.get("resource"), str):
            yield Key.parse(spec["resource"])
        for value in spec.values():
            yield from uses(value)
    elif isinstance(spec, (list, tuple)):
        for value in spec:
            yield from uses(value)


def chosen(items: Sequence[Discovery], patterns: Sequence[str]) -> tuple[Discovery, ...]:
    """Those whose key fits a shell pattern, with what they use and need; without patterns all but what nothing uses."""
    by_key = {item.key: item for item in items}
    wanted = patterns or [f"{kind}/*" for kind in {item.key.kind for item in items}.difference(_USED)]
    queue = [item for item in items if any(fnmatchcase(str(item.key), pattern) for pattern in wanted)]
    found: dict[Key, Discovery] = {}
    while queue:
        item = queue.pop()
        if item.key not in found:
            found[item.key] = item
            queue += [by_key[key] for key in (*uses(item.spec), *item.needs) if key in by_key]
    return tuple(found[key] for key in sorted(found))


def file_of(key: Key) -> str:
    """Where an importer declares a key."""
    return f"{key.kind}s/{key.name}.yaml"


def _why_not(resource: Resource, found: Observed) -> str:
    if isinstance(found, Unknown):
        return f"it could not be looked at: {found.reason}"
    return f"{resource.address!r} does not exist on {resource.provider}; `homelab apply` would make it"
