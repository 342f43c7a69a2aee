"""Adapt: desired states as their backends will really store them (an image tag becomes a digest)."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from controller.core.errors import Permanent, ProviderError
from controller.core.key import Key
from controller.core.plan import UNKNOWN, Note
from controller.core.ports import Adapts, Follows, Place, Providers
from controller.core.resource import Resource
from controller.core.run import Row

_WORKERS = 8

Memory = dict[Key, tuple[Resource, Row | None, Resource, str]]
"""Per key: what was adapted, under which ledger row, the result, and the token of what the provider follows. Reused while the
first two are the same objects and the token is equal."""


def followed(providers: Providers) -> list[tuple[Follows, str]]:
    """The providers that follow something outside, and what they stand on now."""
    return [(provider, provider.token()) for provider in providers.values() if isinstance(provider, Follows)]


def adapt(
    resources: Mapping[Key, Resource], rows: Mapping[Place, Row], providers: Providers, memory: Memory
) -> tuple[dict[Key, Resource], list[Note]]:
    """Adapted resources, and a note for each that cannot be adapted now (it gets no change in this pass)."""
    adapted: dict[Key, Resource] = {}
    fresh: list[tuple[Resource, Row | None, Adapts]] = []
    # Before the look: what moves during it is seen by the next one.
    tokens = {place: provider.token() for place, provider in providers.items() if isinstance(provider, Follows)}
    for key, resource in resources.items():
        row = rows.get((key, resource.provider))
        known = memory.get(key)
        token = tokens.get((key.kind, resource.provider), "") if tokens else ""
        if known is not None and known[0] is resource and known[1] is row and known[3] == token:
            adapted[key] = known[2]
            continue
        provider: object = providers.get((key.kind, resource.provider))
        adapted[key] = resource
        if isinstance(provider, Adapts):
            fresh.append((resource, row, provider))
    notes: list[Note] = []
    for (resource, row, _), result in zip(fresh, _all(fresh), strict=True):
        if isinstance(result, Note):
            notes.append(result)
            memory.pop(resource.key, None)
        else:
            adapted[resource.key] = result
            token = tokens.get((resource.key.kind, resource.provider), "")
            memory[resource.key] = (resource, row, result, token)
    for key in memory.keys() - resources.keys():
        memory.pop(key, None)
    return adapted, notes


def _all(jobs: list[tuple[Resource, Row | None, Adapts]]) -> list[Resource | Note]:
    if len(jobs) <= 2:
        return [adapt_one(*job) for job in jobs]
    size = max(1, len(jobs) // (_WORKERS * 4))
    pieces = [jobs[start : start + size] for start in range(0, len(jobs), size)]
    with ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="adapt") as pool:
        return [result for piece in pool.map(lambda piece: [adapt_one(*job) for job in piece], pieces) for result in piece]


def adapt_one(resource: Resource, row: Row | None, provider: Adapts) -> Resource | Note:
    """A resource as its backend will store it, or why that cannot be told now."""
    try:
        state = provider.adapt(resource.state, row.applied if row else None)
    except Permanent as error:
        return Note(resource.key, "Refused", str(error), resource.provider)
    except ProviderError as error:
        return Note(resource.key, UNKNOWN, str(error), resource.provider)
    return resource if state is resource.state else replace(resource, state=state)
