"""Topology: what hangs on what, from the zone of a host down to the volume, as the last pass saw it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.core.event import Status
from controller.core.key import Key
from controller.core.resource import Resource
from controller.engine.survey import Survey
from controller.usecases.domains import AddressRecords, hosts_of
from controller.usecases.look import Look
from controller.usecases.views import FORMAT_VERSION

ZONE, VOLUME = "zone", "volume"
_RECORD, _CERTIFICATE, _ROUTE = "record", "certificate", "route"
_WORDS = {VOLUME: "keeps data in", "network": "is connected to"}


@dataclass(frozen=True, slots=True)
class NodeView:
    """One thing. `id` is its key; a zone (`zone/example.net`) and a volume that only its service names have one too, but neither
    `sync` nor `health` ("" both). `part_of` is the document that it was made from ("" = it is written itself)."""

    id: str
    kind: str
    name: str
    connection: str = ""
    sync: str = ""
    health: str = ""
    why: str = ""
    part_of: str = ""

    @property
    def key(self) -> str:
        """Its key, "" for what has none."""
        return self.id if self.sync else ""


@dataclass(frozen=True, slots=True)
class EdgeView:
    """`source` comes before `target` on the way from a visitor to the data; `word` says how, to be read from source to target."""

    source: str
    target: str
    word: str


@dataclass(frozen=True, slots=True)
class TopologyView:
    """Everything that is declared, as the pass at `at` (seconds since the epoch) saw it, and how it hangs together. An edge that
    follows from two others is left out, but for volumes and networks. `backends`: connection → why it does not answer ("" = it
    does)."""

    at: float
    revision: str
    live: str
    world: str
    reason: str
    nodes: tuple[NodeView, ...] = ()
    edges: tuple[EdgeView, ...] = ()
    backends: dict[str, str] = field(default_factory=dict)
    format_version: str = FORMAT_VERSION


def topology(look: Look) -> TopologyView | None:
    """As the last pass saw it, None before the first: no backend is looked at."""
    found = look.reconciler.shown
    return None if found is None else topology_of(found)


def topology_now(look: Look) -> TopologyView:
    """As the last pass saw it; where there was none, by a look now. Raises SpecError, SourceError."""
    return topology(look) or topology_of(look.reconciler.survey())


def topology_of(found: Survey) -> TopologyView:
    """The same of one look. Pure."""
    report, resources = found.report, found.estate.resources
    statuses = {status.key: status for status in report.statuses}
    nodes = {str(key): _node(resource, statuses.get(key)) for key, resource in resources.items()}
    edges: dict[tuple[str, str], str] = {}
    for source, target, word in (*_hosts(resources), *_needs(resources), *_mounts(resources)):
        for end in (source, target):
            kind, _, name = end.partition("/")
            nodes.setdefault(end, NodeView(end, kind, name))
        if source != target:
            edges.setdefault((source, target), word)
    for source, target in _made(resources, edges):
        edges.setdefault((source, target), "stands for")
    return TopologyView(
        at=report.at,
        revision=report.revision.id,
        live=report.live,
        world=report.world,
        reason=report.reason,
        nodes=tuple(nodes[name] for name in sorted(nodes)),
        edges=tuple(EdgeView(*ends, edges[ends]) for ends in sorted(_direct(edges))),
        backends=dict(report.backends),
    )


def _node(resource: Resource, status: Status | None) -> NodeView:
    key, part_of = resource.key, resource.made_by
    sync, health, why = (status.sync.value, status.health.value, status.why) if status else ("Unknown", "Unknown", "")
    return NodeView(str(key), key.kind, _label(resource), resource.provider, sync, health, why, str(part_of) if part_of else "")


def _label(resource: Resource) -> str:
    """What people call it: a record by its name and type, a certificate by its host, anything else by its own name."""
    state = resource.state
    if resource.key.kind == _RECORD:
        return f"{state['name']} {state['type']}"
    if resource.key.kind in (_CERTIFICATE, _ROUTE):
        return ", ".join(hosts_of(resource)) or resource.key.name
    return resource.key.name


def _hosts(resources: Mapping[Key, Resource]) -> Iterator[tuple[str, str, str]]:
    """The way of a host: zone → record → certificate → route."""
    records = AddressRecords(resources.values())
    for key, resource in resources.items():
        if key.kind == _RECORD:
            yield f"{ZONE}/{resource.state['zone']}", str(key), "holds"
        if key.kind in (_CERTIFICATE, _ROUTE):
            word = "is secured by" if key.kind == _CERTIFICATE else "is answered by"
            for record in (record for host in hosts_of(resource) for record in records.of(host)):
                yield str(record.key), str(key), word
    secured: dict[str, list[Key]] = {}
    for key, resource in resources.items():
        for host in hosts_of(resource) if key.kind == _CERTIFICATE else ():
            secured.setdefault(host, []).append(key)
    for key, resource in resources.items():
        for host in hosts_of(resource) if key.kind == _ROUTE else ():
            for certificate in secured.get(host, ()):
                yield str(certificate), str(key), "secures"


def _needs(resources: Mapping[Key, Resource]) -> Iterator[tuple[str, str, str]]:
    """What each needs. What the way of a host says already is not said again the other way round."""
    for key, resource in resources.items():
        for need in resource.needs:
            if need.kind == _RECORD:
                yield str(need), str(key), "is needed by"
            elif {key.kind, need.kind} == {_CERTIFICATE, _ROUTE}:
                certificate, route = (key, need) if key.kind == _CERTIFICATE else (need, key)
                yield str(certificate), str(route), "secures"
            elif (key.kind, need.kind) == (_ROUTE, "service"):
                yield str(key), str(need), "leads to"
            else:
                yield str(key), str(need), _WORDS.get(need.kind, "needs")


def _mounts(resources: Mapping[Key, Resource]) -> Iterator[tuple[str, str, str]]:
    """Volumes that a service names without a document of their own."""
    declared = {(item.provider, item.address): str(key) for key, item in resources.items() if key.kind == VOLUME}
    for key, resource in resources.items():
        mounts = resource.state.get("volumes")
        for mount in mounts.values() if key.kind == "service" and isinstance(mounts, Mapping) else ():
            name = _volume(mount)
            if name:
                yield str(key), declared.get((resource.provider, name), f"{VOLUME}/{name}"), _WORDS[VOLUME]


def _volume(mount: Any) -> str:
    named = isinstance(mount, Mapping) and mount.get("type") == VOLUME
    return str(mount.get("source") or "") if named else ""


def _made(resources: Mapping[Key, Resource], edges: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """What one declared thing was made from another, where nothing else connects them."""
    known = {frozenset(ends) for ends in edges}
    for key, resource in resources.items():
        parent = resource.made_by
        if parent is None or parent not in resources or frozenset((str(parent), str(key))) in known:
            continue
        if key.kind not in (_CERTIFICATE, _ROUTE, _RECORD):
            yield str(parent), str(key)


def _direct(edges: Mapping[tuple[str, str], str]) -> Iterator[tuple[str, str]]:
    """The edges that do not follow from two others. A volume or a network is used by each thing for itself."""
    after: dict[str, set[str]] = {}
    for source, target in edges:
        after.setdefault(source, set()).add(target)
    nothing: set[str] = set()
    for (source, target), word in edges.items():
        if word in _WORDS.values() or not any(
            target in after.get(between, nothing) for between in after[source] if between not in (source, target)
        ):
            yield source, target
