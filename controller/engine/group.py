"""Group: changes that stand or fall together become one rollout, in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter

from controller.core.change import Change
from controller.core.estate import Estate
from controller.core.key import Claim, Key
from controller.core.plan import Rollout
from controller.core.ports import Place
from controller.core.run import Row

Edges = Mapping[Place, Sequence[Place]]
"""For each change those that must run first."""


def rollouts(changes: Sequence[Change], edges: Edges, policy: str) -> tuple[Rollout, ...]:
    """Connected changes grouped and ordered, by their `dependencies`; deletes come after creates and after their last user let
    go. Edges to what is not among the changes do not count."""
    by_place = {change.place: change for change in changes}
    sealed: list[Rollout] = []
    for group in _components(list(by_place), edges):
        order: Iterable[Place] = group
        if len(group) > 1:
            members = set(group)
            order = TopologicalSorter({place: [p for p in edges[place] if p in members] for place in group}).static_order()
        sealed.append(Rollout.of([by_place[place] for place in order], policy))
    return tuple(sorted(sealed, key=lambda rollout: all(change.after is None for change in rollout.changes)))


def outdated(changes: Iterable[Change], estate: Estate) -> bool:
    """True when an estate wants something else than these changes of the specification lead to."""
    resources = estate.resources
    return any(
        (resources[change.key].digest if change.key in resources else "") != change.digest
        for change in changes
        if not change.drift
    )


def dependencies(changes: Iterable[Change], rows: Mapping[Place, Row]) -> dict[Place, list[Place]]:
    """For each change the changes that must run first: what it needs; before something goes, whatever used it; before a
    claim is taken, whoever lets it go. Free of cycles."""
    changes = list(changes)
    by_key: dict[Key, list[Change]] = {}
    for change in changes:
        by_key.setdefault(change.key, []).append(change)
    before: dict[Place, list[Place]] = {change.place: [] for change in changes}
    for change in changes:
        row = rows.get(change.place)
        for used in dict.fromkeys((*change.needs, *(row.needs if row else ()))):
            for other in by_key.get(used, ()):
                if other.after is None:
                    before[other.place].append(change.place)
                elif used in change.needs and change.after is not None:
                    before[change.place].append(other.place)
        if change.after is None:
            before[change.place] += [twin.place for twin in by_key[change.key] if twin.after is not None]
    for taker, holder in _handovers(changes, rows):
        if not _reaches(before, holder, taker):
            before[taker].append(holder)
    return before


def _handovers(changes: list[Change], rows: Mapping[Place, Row]) -> Iterable[tuple[Place, Place]]:
    """(who takes a claim, who lets it go)."""
    leaving: dict[Claim, Place] = {}
    for change in changes:
        row = rows.get(change.place)
        kept = change.claims if change.after is not None else ()
        leaving.update({claim: change.place for claim in (row.claims if row else ()) if claim not in kept})
    for change in changes:
        if change.after is not None:
            for claim in change.claims:
                holder = leaving.get(claim)
                if holder is not None and holder != change.place:
                    yield change.place, holder


def _reaches(before: dict[Place, list[Place]], start: Place, goal: Place) -> bool:
    """True when `goal` must already run before `start`: a further edge would close a circle."""
    stack, seen = [start], {start}
    while stack:
        place = stack.pop()
        if place == goal:
            return True
        fresh = [p for p in before[place] if p not in seen]
        seen.update(fresh)
        stack += fresh
    return False


def _components(places: list[Place], edges: Edges) -> list[list[Place]]:
    """Connected components, each in the order of `places`, by union-find."""
    parent = {place: place for place in places}

    def root(place: Place) -> Place:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for place in places:
        for other in edges[place]:
            if other in parent:
                parent[root(place)] = root(other)
    groups: dict[Place, list[Place]] = {}
    for place in places:
        groups.setdefault(root(place), []).append(place)
    return list(groups.values())
