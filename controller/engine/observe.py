"""Observe: one read-only look at every backend that matters, in parallel. Could not look is never read as gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from controller.core.errors import ProviderError
from controller.core.key import Key
from controller.core.ports import Place, Providers
from controller.core.resource import Resource
from controller.core.run import Row
from controller.core.state import Observed, Snapshot, Target, Unknown


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
    """Look everywhere at once. A provider that fails or does not exist gives an incomplete snapshot."""
    jobs = sorted(wanted.items(), key=lambda job: len(job[1]))
    if not jobs:
        return World()
    name, items = jobs.pop()  # the longest look is made by this thread: starting another one takes a while on a busy machine
    if not jobs:
        return World({name: _look(providers, name, items)})
    with ThreadPoolExecutor(max_workers=min(8, len(jobs)), thread_name_prefix="observe") as pool:
        looks = {place: pool.submit(_look, providers, place, several) for place, several in jobs}
        own = _look(providers, name, items)
        return World({**{place: look.result() for place, look in looks.items()}, name: own})


def _look(providers: Providers, name: tuple[str, str], items: list[Target]) -> Snapshot:
    provider = providers.get(name)
    if provider is None:
        return Snapshot({}, complete=False, reason=f"no connection {name[1]!r} that holds {name[0]}s is declared")
    try:
        return provider.observe(items)
    except ProviderError as error:
        return Snapshot({}, complete=False, reason=str(error))
