"""The files that a compose project is made of: the first one, those that override it, and those that they include or extend."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.core.discovery import Discovery
from controller.core.document import Reader
from controller.core.errors import Refused
from controller.usecases.compose_values import as_list, as_paths

Beside = Callable[[str], bytes | None]
"""Content of a file by path relative to the compose file's folder; None when there is none or it is outside."""

_BY_ITSELF = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_OVERRIDE = ".override"
_DEEPEST = 100


@dataclass(frozen=True)
class ComposeFile:
    """One file of a project: its path from the project's folder, the folder that its relative paths start in, and its data."""

    path: str
    base: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Where:
    """Where a compose file is: its folder and name, the absolute paths under which that file is known, and what is beside it."""

    folder: str
    file: str
    paths: tuple[str, ...]
    beside: Beside

    def projects(self, running: Sequence[Discovery]) -> Mapping[str, tuple[str, ...]]:
        """The names of the projects that were started from this file, with all files of each as paths from its folder."""
        found: dict[str, tuple[str, ...]] = {}
        for item in running:
            if item.group and any(path in item.files for path in self.paths):
                files = tuple(self.file if path in self.paths else self._relative(path) for path in item.files)
                found[item.group] = max(found.get(item.group, ()), files, key=len)
        return found

    def entries(self) -> tuple[str, ...]:
        """The files that Compose takes by itself when it is started in the folder."""
        stem, dot, suffix = self.file.rpartition(".")
        override = f"{stem}{_OVERRIDE}{dot}{suffix}"
        return (self.file, override) if self.file in _BY_ITSELF and self.beside(override) is not None else (self.file,)

    def _relative(self, path: str) -> str:
        folder = next((posixpath.dirname(each) for each in self.paths if path.startswith(posixpath.dirname(each) + "/")), "")
        return posixpath.relpath(path, folder) if folder else path


def read_files(where: Where, entries: Sequence[str], reader: Reader) -> list[ComposeFile]:
    """The entries and whatever they include or extend beside them. Raises Refused for an entry that cannot be read, SpecError."""
    found: dict[str, ComposeFile] = {}
    queue = [(path, ".") for path in entries]
    while queue:
        path, base = queue.pop(0)
        if path in found or len(found) > _DEEPEST:
            continue
        content = where.beside(path)
        if content is None:
            if path in entries:
                raise Refused(f"{posixpath.join(where.folder, path)} cannot be read, and the project is made of it")
            continue
        documents = reader(path, content)
        data = documents[0].data if documents else None
        if not isinstance(data, dict):
            raise Refused(f"{path} is not a compose file")
        found[path] = ComposeFile(path, base, data)
        queue += [*_included(data, base), *_extended(data, base)]
    if not any(isinstance(found[path].data.get("services"), dict) or "include" in found[path].data for path in entries):
        raise Refused(f"{entries[0]} has no `services:`; it is not a compose file")
    return list(found.values())


def _included(data: Mapping[str, Any], base: str) -> Iterator[tuple[str, str]]:
    for entry in as_list(data.get("include")):
        given = entry if isinstance(entry, Mapping) else {"path": entry}
        paths = [posixpath.normpath(posixpath.join(base, path)) for path in as_paths(given.get("path"))]
        home = given.get("project_directory")
        start = posixpath.normpath(posixpath.join(base, str(home))) if home else posixpath.dirname(paths[0]) if paths else base
        yield from ((path, start or ".") for path in paths)


def _extended(data: Mapping[str, Any], base: str) -> Iterator[tuple[str, str]]:
    for service in (data.get("services") or {}).values():
        extends = service.get("extends") if isinstance(service, Mapping) else None
        file = extends.get("file") if isinstance(extends, Mapping) else None
        if isinstance(file, str):
            path = posixpath.normpath(posixpath.join(base, file))
            yield path, posixpath.dirname(path) or "."
