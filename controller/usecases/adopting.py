"""Adopting: objects that exist and are declared become ours exactly as they are. Nothing is recreated, nothing is restarted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controller.core.diff import FieldDiff, compare
from controller.core.estate import Estate
from controller.core.event import Event
from controller.core.key import Key
from controller.core.ports import Clock, Providers, Store
from controller.core.resource import Mode, Resource
from controller.core.run import Row
from controller.core.state import Observed, Present, Snapshot, Target, Unknown
from controller.engine import adapt as adapting
from controller.engine.reconcile import Reconciler
from controller.usecases.importing_sketch import Handle, Left

_Backend = tuple[str, str]
_RESTARTS_WITH = "labels.restarts-with."
"""What we add to a container because of its neighbours: one that lacks it is as declared all the same."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """An object that is ours from now on. `differs` are fields in which it is not as declared; it stays so until they change."""

    key: str
    handle: str
    differs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Adopting:
    """Taking over what is declared in an estate."""

    reconciler: Reconciler
    store: Store
    clock: Clock

    def adopt(self, estate: Estate, items: Iterable[Handle], by: str) -> tuple[tuple[Adopted, ...], tuple[Left, ...]]:
        """Write ledger rows for objects that exist: they are ours, exactly as they are. Lifts a suspension that `detach` left."""
        providers = self.reconciler.connect(estate.homelab)
        adopted: list[Adopted] = []
        left: list[Left] = []
        rows: list[Row] = []
        wanted = {Key.parse(item.key): item.handle for item in items}
        snapshots = self._look(estate, wanted, providers)
        for key, resource in ((key, estate.resources.get(key)) for key in wanted):
            if resource is None:
                left.append(Left(str(key), "nothing declares it; `homelab import docker` writes specs for what runs"))
                continue
            if resource.mode is Mode.OBSERVE:
                continue
            found = _seen(resource, snapshots)
            if not isinstance(found, Present):
                left.append(Left(str(key), _why_not(resource, found)))
                continue
            adapted = self._pinned(resource, found, providers)
            rows.append(self._row(adapted, found, estate))
            adopted.append(Adopted(str(key), found.handle, self._differs(adapted, found)))
        self.store.put(rows)
        for row in rows:
            self.store.resume(str(row.key))
        if adopted:
            names = ", ".join(item.key for item in adopted)
            self.store.append([Event(self.clock.now(), "Adopted", f"{by} takes over {len(adopted)} objects: {names}")])
        return tuple(adopted), tuple(left)

    def _look(self, estate: Estate, wanted: Mapping[Key, str], providers: Providers) -> Mapping[_Backend, Snapshot]:
        """One look at each backend that holds something wanted. Everything declared there is asked for: what shares something
        with another object shows that one by the name that it has here."""
        rows = self.store.rows()
        backends = {(key.kind, estate.resources[key].provider) for key in wanted if key in estate.resources}
        targets: dict[_Backend, list[Target]] = {backend: [] for backend in backends}
        for key, resource in estate.resources.items():
            row = rows.get((key, resource.provider))
            handle = wanted.get(key) or (row.handle if row is not None else "")
            if (key.kind, resource.provider) in targets:
                targets[key.kind, resource.provider].append(Target(key, resource.address, handle))
        return {backend: providers[backend].observe(asked) for backend, asked in targets.items() if backend in providers}

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
        """Fields that are not as declared."""
        kind = self.reconciler.linker.kinds[resource.key.kind]
        fields = compare(resource.state, found.state, same=kind.same, whole=kind.whole)
        return tuple(item.path for item in fields if not _only_for_neighbours(item))


def _seen(resource: Resource, snapshots: Mapping[_Backend, Snapshot]) -> Observed:
    snapshot = snapshots.get((resource.key.kind, resource.provider))
    if snapshot is None:
        return Unknown(f"no connection {resource.provider!r} is declared")
    return snapshot.of(resource.key)


def _only_for_neighbours(item: FieldDiff) -> bool:
    more_names = item.path.endswith(".aliases") and set(item.old or ()) <= set(item.new or ())
    return more_names or item.path.startswith(_RESTARTS_WITH)


def _why_not(resource: Resource, found: Observed) -> str:
    if isinstance(found, Unknown):
        return f"it could not be looked at: {found.reason}"
    return f"{resource.address!r} does not exist on {resource.provider}; `homelab apply` would make it"
