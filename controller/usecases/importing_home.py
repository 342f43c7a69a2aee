"""Importing a home: what people made in Home Assistant's pages, as documents in files that people like to read.

Nothing in it is touched, and the first plan afterwards is empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import count
from typing import Any

from controller.core.discovery import Discovers, Discovery
from controller.core.errors import Refused, SpecError
from controller.core.estate import Estate
from controller.core.key import Key
from controller.core.resource import Resource
from controller.core.suggest import did_you_mean
from controller.usecases.importing import HOME, Importing
from controller.usecases.importing_sketch import SCHEMA_LINE, Handle, Left, Sketch

KINDS = ("floor", "label", "area", "helper", "script", "scene", "automation", "entity")
"""What is imported, in the order in which it is read: an object stands behind what it refers to."""
SNAPSHOT = "device"
_TOGETHER: Mapping[str, str] = {"floor": "floors", "label": "labels", "area": "areas", "helper": "helpers"}
_BY_DOMAIN: Mapping[str, str] = {"entity": "entities", SNAPSHOT: "devices"}
_FOLDER, _TRIAL = "home", "import-trial"
_SPOKEN = ("id", "name")
"""Fields that are written only where the document's own name says something else."""
_MOST = 200
"""Documents in one file: more are hard to read."""
_LONGEST = 63

Documents = Mapping[Key, Mapping[str, Any]]


@dataclass(frozen=True)
class HomeImport:
    """The use case behind `homelab import homeassistant`. `via` is the connection ("" = the only one); with `devices` the state
    of each device is written as well, to be watched and not enforced."""

    importing: Importing
    via: str = ""
    devices: bool = False

    def sketch(self, patterns: Sequence[str] = ()) -> Sketch:
        """The documents, or those whose key fits a shell pattern. Raises Refused without such a connection or when nothing fits a
        pattern, Transient, SpecError."""
        estate = self.importing.trial({})
        via, several = self._connection(estate)
        items, left = _wanted(_fitting(self._found(estate, via), patterns), estate, via)
        items, refused = self._accepted(_named(items, estate, via if several else ""))
        documents = self._compact(items)
        files = self._files(documents, items)
        made = self._made(self.importing.trial(files), estate, {item.key: item.handle for item in items})
        lost = tuple(Left(str(item.key), text) for item in items for text in item.lost)
        secrets = {ref: value for item in items for ref, value in item.secrets.items()}
        return self.importing.permitted(Sketch(files, secrets, tuple(made), (*left, *refused), lost))

    def _connection(self, estate: Estate) -> tuple[str, bool]:
        """The connection that is meant, and whether there are others."""
        known = sorted(name for name, declared in estate.homelab.connections.items() if declared.get("type") == HOME)
        if self.via and self.via not in known:
            hint = did_you_mean(self.via, known) or (f"known: {', '.join(known)}" if known else "none is declared")
            raise Refused(f"there is no Home Assistant {self.via!r} in homelab.yaml; {hint}")
        if not known:
            raise Refused("homelab.yaml declares no Home Assistant; add a connection of the type homeassistant")
        if not self.via and len(known) > 1:
            raise Refused(f"several Home Assistants are declared: {', '.join(known)}. Which one? Say it with --via NAME")
        return self.via or known[0], len(known) > 1

    def _found(self, estate: Estate, via: str) -> list[Discovery]:
        providers = self.importing.reconciler.connect(estate.homelab)
        asked: list[object] = [providers.get((kind, via)) for kind in (*KINDS, *([SNAPSHOT] if self.devices else []))]
        able = [provider for provider in asked if isinstance(provider, Discovers)]
        if not able:
            raise Refused(f"{via} cannot say what it holds: it is simulated, or `homelab status` tells what is wrong with it")
        return [item for provider in able for item in provider.discover()]

    def _accepted(self, items: Sequence[Discovery]) -> tuple[list[Discovery], list[Left]]:
        """The items whose documents are valid, and the others with the reason."""
        wanted, left = list(items), list[Left]()
        while True:
            places = {_place(item.key): item for item in wanted}
            try:
                self.importing.trial({path: self._text([self._document(item)]) for path, item in places.items()})
            except SpecError as error:
                refused = {each.origin.file: each.message for each in reversed(error.diagnostics) if each.origin.file in places}
                if not refused:
                    raise
                left += [Left(str(places[path].key), message) for path, message in sorted(refused.items())]
                wanted = [item for item in wanted if _place(item.key) not in refused]
            else:
                return wanted, left

    def _compact(self, items: Sequence[Discovery]) -> Documents:
        """The documents without fields that say what the document means without them."""
        documents: dict[Key, Mapping[str, Any]] = {item.key: self._document(item) for item in items}
        meant = self._meaning(documents)
        for field in _SPOKEN:
            shorter = {key: _without(field, each) for key, each in documents.items() if field in each["spec"]}
            means = self._meaning({**documents, **shorter})
            documents.update({key: each for key, each in shorter.items() if means.get(key) == meant[key]})
        return documents

    def _meaning(self, documents: Documents) -> Mapping[Key, Any]:
        """What each document stands for; what cannot be understood is left out."""
        wanted = dict(documents)
        while True:
            texts = {_place(key): self._text([each]) for key, each in wanted.items()}
            try:
                resources = self.importing.trial(texts).resources
            except SpecError as error:
                wrong = {each.origin.file for each in error.diagnostics} & texts.keys()
                if not wrong:
                    raise
                wanted = {key: each for key, each in wanted.items() if _place(key) not in wrong}
            else:
                return {key: _identity(resources[key]) for key in wanted if key in resources}

    def _files(self, documents: Documents, items: Sequence[Discovery]) -> dict[str, bytes]:
        """Small things of one kind in one file, bodies in files of their own."""
        taken = set(self.importing.paths())
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for item in items:
            groups.setdefault(_group(item), []).append(documents[item.key])
        files: dict[str, bytes] = {}
        for group, found in groups.items():
            for start in range(0, len(found), _MOST):
                path = next(each for each in _paths(group) if each not in taken)
                taken.add(path)
                files[path] = self._text(found[start : start + _MOST], path.count("/"))
        return files

    def _made(self, drafted: Estate, estate: Estate, handles: Mapping[Key, str]) -> Iterator[Handle]:
        """Everything that the new documents stand for: each is there already."""
        for key in drafted.resources:
            if key not in estate.resources:
                yield Handle(str(key), handles.get(key, ""))

    def _document(self, item: Discovery) -> Mapping[str, Any]:
        return {"kind": item.key.kind.capitalize(), "name": item.key.name, "spec": dict(item.spec)}

    def _text(self, documents: Iterable[Mapping[str, Any]], depth: int = 1) -> bytes:
        return (SCHEMA_LINE.format("../" * depth) + "---\n".join(map(self.importing.write, documents))).encode()


def _fitting(found: Sequence[Discovery], patterns: Sequence[str]) -> list[Discovery]:
    """What fits one of the patterns. Raises Refused for a pattern that nothing fits."""
    for pattern in patterns:
        if not any(fnmatchcase(str(item.key), pattern) for item in found):
            raise Refused(f"nothing in Home Assistant fits {pattern!r}; leave out --only to see what there is")
    return [item for item in found if not patterns or any(fnmatchcase(str(item.key), pattern) for pattern in patterns)]


def _wanted(found: Sequence[Discovery], estate: Estate, via: str) -> tuple[list[Discovery], list[Left]]:
    """What gets a document, and what does not with the reason."""
    declared = {(key.kind, each.address): key for key, each in estate.resources.items() if each.provider == via}
    wanted: list[Discovery] = []
    left: list[Left] = []
    for item in found:
        key = declared.get((item.key.kind, item.address))
        if key is not None:
            left.append(Left(str(key), "declared already"))
        elif item.obstacle:
            left.append(Left(f"{item.key.kind} {item.address}", item.obstacle))
        else:
            wanted.append(item)
    return wanted, left


def _named(items: Sequence[Discovery], estate: Estate, via: str) -> list[Discovery]:
    """The items under names that nobody else has, with the connection written out where it must be."""
    taken = set(estate.resources)
    found: list[Discovery] = []
    for item in items:
        key = next(key for key in _names(item.key) if key not in taken)
        taken.add(key)
        found.append(replace(item, key=key, spec={**({"via": via} if via else {}), **item.spec}))
    return found


def _names(key: Key) -> Iterator[Key]:
    yield key
    for number in count(2):
        tail = f"-{number}"
        yield Key(key.kind, key.name[: _LONGEST - len(tail)].rstrip("-") + tail)


def _group(item: Discovery) -> str:
    """The file of a document, without its ending."""
    kind = item.key.kind
    if kind in _TOGETHER:
        return f"{_FOLDER}/{_TOGETHER[kind]}"
    if kind in _BY_DOMAIN:
        return f"{_FOLDER}/{_BY_DOMAIN[kind]}/{item.address.partition('.')[0]}"
    return f"{_FOLDER}/{kind}s/{item.key.name}"


def _paths(group: str) -> Iterator[str]:
    yield f"{group}.yaml"
    yield from (f"{group}-{number}.yaml" for number in count(2))


def _place(key: Key) -> str:
    return f"{_TRIAL}/{key.kind}/{key.name}.yaml"


def _identity(resource: Resource) -> Any:
    """What a document means, wherever it is written."""
    return resource.provider, resource.address, resource.state


def _without(field: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
    spec: Mapping[str, Any] = document["spec"]
    return {**document, "spec": {name: value for name, value in spec.items() if name != field}}
