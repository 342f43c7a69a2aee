"""Observe: one read-only look at every backend that matters, in parallel. Could not look is never read as gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from controller.core.errors import ProviderError
from controller.core.key import Key
from controller.core.ports import Place, Providers
from controller.core.resource import Resource
from controller.core.run import Row
from controller.core.state import Observed, Snapshot, Target, Unknown

_T = TypeVar("_T")
_Job = tuple[tuple[str, str], list[Target]]
_Looks = dict[tuple[str, str], Snapshot]


@dataclass(frozen=True)
class World:
    """What every look showed, by (kind, connection)."""

    snapshots: Mapping[tuple[str, str], Snapshot] = field(default_factory=dict)

    def of(self, key: Key, provider: str) -> Observed:
        """The answer for one object."""
        snapshot = self.snapshots.get((key.kind, provider))
        return snapshot.of(key) if snapshot is not None else Unknown(f"nobody looked for {key.kind} on {provider!r}")

    def backends(self) -> dict[str, str]:
        """Connection → "" when every look at it was complete, else the reason."""
        found: dict[str, str] = {}
        for (_, connection), snapshot in self.snapshots.items():
            found[connection] = found.get(connection) or ("" if snapshot.complete else snapshot.reason)
        return found


def targets(resources: Iterable[Resource], rows: Mapping[Place, Row]) -> dict[tuple[str, str], list[Target]]:
    """What to look for, per (kind, connection): all that is desired and all that is ours."""
    found: dict[Place, Target] = {}
    for resource in resources:
        place = (resource.key, resource.provider)
        row = rows.get(place)
        found[place] = Target(resource.key, resource.address, row.handle if row else "")
    for place, row in rows.items():
        if place not in found:
            found[place] = Target(row.key, row.address, row.handle)
    grouped: dict[tuple[str, str], list[Target]] = {}
    for (key, provider), target in found.items():
        grouped.setdefault((key.kind, provider), []).append(target)
    return grouped


def observe(providers: Providers, wanted: Mapping[tuple[str, str], list[Target]]) -> World:
    """Look at every connection at once. A provider that fails or does not exist gives an incomplete snapshot."""
    jobs: dict[str, list[_Job]] = {}
    for job in sorted(wanted.items(), key=lambda item: -len(item[1])):
        jobs.setdefault(job[0][1], []).append(job)
    found = _at_once(lambda several: _in_turn(providers, several), list(jobs.values()))
    return World({place: snapshot for part in found for place, snapshot in part.items()})


def _in_turn(providers: Providers, jobs: list[_Job]) -> _Looks:
    """The looks at one connection one after the other: most are answered from what events told, and starting a thread takes
    longer. Once one fails the others may hang as long, so they go together."""
    found: _Looks = {}
    for done, (place, items) in enumerate(jobs, 1):
        found[place] = look(providers, place, items)
        if not found[place].complete:
            rest = _at_once(lambda job: {job[0]: look(providers, *job)}, jobs[done:])
            return {**found, **{each: snapshot for part in rest for each, snapshot in part.items()}}
    return found


def _at_once(work: Callable[[_T], _Looks], parts: list[_T]) -> list[_Looks]:
    if len(parts) <= 1:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(max_workers=min(8, len(parts)), thread_name_prefix="observe") as pool:
        return list(pool.map(work, parts))


def look(providers: Providers, name: tuple[str, str], items: list[Target]) -> Snapshot:
    """One look at the objects of a kind behind a connection. Raises nothing: what cannot be seen is incomplete."""
    provider = providers.get(name)
    if provider is None:
        return Snapshot({}, complete=False, reason=f"no connection {name[1]!r} that holds {name[0]}s is declared")
    try:
        return provider.observe(items)
    except ProviderError as error:
        return Snapshot({}, complete=False, reason=str(error))
