"""Where the parts of a stack are written: overridden, included and extended files, strongest first."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from controller.clients.compose import Data, Reset
from controller.clients.compose.findings import Invalid
from controller.clients.compose.substitute import Variables, substitute
from controller.core.document import Path
from controller.core.errors import Problem
from controller.kinds.stack.repository import Repository, bare

Layer = tuple[str, Path]
"""A file, by its path from the top of the repository, and a path in it."""
_DEEPEST = 40


class Written:
    """The places of a project that was loaded from `entries`, as far as they can be understood."""

    def __init__(self, repository: Repository, entries: Sequence[str], variables: Mapping[str, str]) -> None:
        self._repository = repository
        self._entries = tuple(entries)
        self._variables = Variables(variables)
        self._known: dict[tuple[str, str], tuple[Layer, ...]] = {}

    def layers(self, section: str, name: str) -> tuple[Layer, ...]:
        """Every place where a service, network, volume, config or secret is written."""
        if (section, name) not in self._known:
            folder = posixpath.dirname(self._entries[0])
            found = self._search(section, name, self._entries, folder, 0)
            self._known[section, name] = tuple(dict.fromkeys(found))
        return self._known[section, name]

    def top(self, *keys: str) -> Iterator[Layer]:
        """Top-level keys of the entries."""
        for file in reversed(self._entries):
            yield from ((file, (key,)) for key in keys if key in (self._repository.raw.get(file) or {}))

    def at(self, layer: Layer) -> Data:
        """What is written at a place, or None."""
        data: Any = self._repository.raw.get(layer[0])
        for part in layer[1]:
            data = bare(data)
            inside = part in data if isinstance(data, dict) else isinstance(data, list) and part in range(len(data))
            data = data[part] if inside else None
        return data

    def draft(self, section: str, name: str) -> Mapping[str, Any]:
        """`at`, `file` and `also` of the draft that stands for a part."""
        layers = self.layers(section, name) or ((self._entries[0], ()),)
        places = [(self._repository.local(file), path) for file, path in layers]
        return {"file": places[0][0], "at": places[0][1], "also": tuple(places[1:])}

    def problem(self, section: str, name: str, rest: Path, message: str, hint: str = "") -> Problem:
        """A problem with a part of something, where that part is written."""
        layers = self.layers(section, name) or ((self._entries[0], (section, name)),)
        while rest:
            for file, path in layers:
                if self.at((file, (*path, *rest[:-1]))) is not None and self._has((file, (*path, *rest))):
                    return Problem((*path, *rest), message, hint, self._repository.local(file))
            rest = rest[:-1]
        file, path = layers[0]
        return Problem(path, message, hint, self._repository.local(file))

    def ours(self, service: str, attribute: str) -> dict[str, tuple[Any, Layer]]:
        """The entries of a map of ours of a service, with where each is written."""
        found: dict[str, tuple[Any, Layer]] = {}
        for file, path in reversed(self.layers("services", service)):
            written = bare(self.at((file, path)))
            entries = written.get(attribute) if isinstance(written, dict) else None
            if isinstance(entries, Reset) or entries is not bare(entries):
                found = {}
            entries = bare(entries)
            if isinstance(entries, dict):
                found.update({name: (value, (file, (*path, attribute, name))) for name, value in entries.items()})
        return {name: entry for name, entry in found.items() if not isinstance(entry[0], Reset)}

    def _has(self, layer: Layer) -> bool:
        owner = bare(self.at((layer[0], layer[1][:-1])))
        last = layer[1][-1]
        return last in owner if isinstance(owner, dict) else isinstance(owner, list) and last in range(len(owner))

    def _search(self, section: str, name: str, files: Sequence[str], folder: str, depth: int) -> Iterator[Layer]:
        if depth > _DEEPEST:
            return
        for file in reversed(files):
            data = self._repository.raw.get(file)
            if not isinstance(data, dict):
                continue
            if self._has((file, (section, name))):
                yield file, (section, name)
                if section == "services":
                    yield from self._extended(file, name, folder, depth)
            included = bare(data.get("include"))
            for entry in reversed(included if isinstance(included, list) else []):
                given = entry if isinstance(entry, dict) else {"path": entry}
                paths = given.get("path")
                inner = [self._path(path, folder) for path in (paths if isinstance(paths, list) else [paths])]
                if not inner:
                    continue
                home = given.get("project_directory")
                start = self._path(home, folder) if home else posixpath.dirname(inner[0])
                yield from self._search(section, name, inner, start, depth + 1)

    def _extended(self, file: str, name: str, folder: str, depth: int) -> Iterator[Layer]:
        service = bare(self.at((file, ("services", name))))
        extends = bare(service.get("extends")) if isinstance(service, dict) else None
        said = {"service": extends} if isinstance(extends, str) else extends if isinstance(extends, dict) else {}
        base, other = said.get("service"), said.get("file")
        if base is None or depth > _DEEPEST:
            return
        origin = self._path(other, folder) if other else file
        yield origin, ("services", str(base))
        yield from self._extended(origin, str(base), posixpath.dirname(origin) if other else folder, depth + 1)

    def _path(self, text: Any, folder: str) -> str:
        try:
            found = substitute(str(text), self._variables)
        except Invalid:
            found = str(text)
        return posixpath.normpath(posixpath.join(folder, found))
