"""The files that a compose project is made of: the first one, those that override it, and those that they include or extend."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
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
_MOVED = ("command", "entrypoint", "build", "environment", "env_file", "volumes")
_KEY = (
    r"(?P<key>^(?P<outer>[ ]+)(?P<quote>['\"]?){}(?P=quote):[ ]*(?:#.*)?\n)"
    r"(?=(?:[ ]*(?:#.*)?\n)*(?P<inner>(?P=outer)[ ]+)[^ #\n])"
)
"""The line of a service in block style, up to its first attribute."""


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


def refuse_moved_tags(file: ComposeFile) -> None:
    """Tags of Compose where an import must understand what stands there. Raises Refused."""
    for section in ("services", "secrets", "configs"):
        entries = file.data.get(section) or {}
        refuse_tags(file.path, {} if isinstance(entries, Mapping) else entries, (section,))
        for name, entry in entries.items():
            given = entry if section == "services" and isinstance(entry, Mapping) else {"": entry}
            parts = {part: value for part, value in given.items() if part in _MOVED or section != "services"}
            refuse_tags(file.path, parts if isinstance(entry, Mapping | NoneType) else entry, (section, name))


def refuse_tags(file: str, data: Any, path: tuple[str, ...] = ()) -> None:
    """What Compose's tags say cannot be written again. Raises Refused."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            refuse_tags(file, value, (*path, str(name)))
    elif isinstance(data, list):
        for value in data:
            refuse_tags(file, value, path)
    elif not isinstance(data, (str, int, float, NoneType)):
        raise Refused(
            f"{file}: {'.'.join(path)} has a tag of Compose (`!override`, `!reset`), and this file must be changed "
            "to be imported: put the files into one first (`docker compose config`)"
        )


def secrets_used(data: Mapping[str, Any]) -> Iterator[str]:
    """Top-level secrets that services of a file are given."""
    for service in (data.get("services") or {}).values():
        given = (service or {}).get("secrets")
        yield from (str(each.get("source") if isinstance(each, Mapping) else each) for each in as_list(given))


def env_files_of_includes(file: ComposeFile) -> Iterator[str]:
    """Files with values for what is included: they become variables of the Stack."""
    for each in as_list(file.data.get("include")):
        for path in as_paths(each.get("env_file")) if isinstance(each, Mapping) else ():
            yield posixpath.normpath(posixpath.join(file.base, path))


def without_env_file(include: Any) -> Any:
    """An entry of `include` that names no such file."""
    return {key: value for key, value in include.items() if key != "env_file"} if isinstance(include, Mapping) else include


def from_environment(data: Any) -> Iterator[str]:
    """Variables that secrets and configs are filled from."""
    for file in data.values():
        for section in ("secrets", "configs"):
            for entry in (file.get(section) or {}).values():
                if isinstance(entry, Mapping) and isinstance(entry.get("environment"), str):
                    yield entry["environment"]


def named(file: ComposeFile, content: bytes, data: Mapping[str, Any]) -> bytes:
    """A file's text with the project's name on top, and the name of its container under each service, where data has them and
    the file does not. Whether that worked out must be read: not every way of writing has a line for it."""
    head, *services = re.split(r"(?m)^(?=services:)", content.decode("utf-8", "replace"), maxsplit=1)
    rest = "".join(services)
    if "name" in data and "name" not in file.data:
        head = re.sub(r"\A(---[^\n]*\n)?", lambda found: f"{found[1] or ''}name: {data['name']}\n", head, count=1)
    for service, entry in (data.get("services") or {}).items():
        if "container_name" in entry and "container_name" not in (file.data["services"][service] or {}):
            key = re.compile(_KEY.format(re.escape(service)), re.MULTILINE)
            found = key.search(rest)
            if found is not None:
                at = found.end("key")
                rest = f"{rest[:at]}{found['inner']}container_name: {entry['container_name']}\n{rest[at:]}"
    return (head + rest).encode()


def same(one: Any, other: Any) -> bool:
    """True for equal data; a tag of Compose is only itself."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if not isinstance(one, (str, int, float, NoneType)):
        return type(one) is type(other) and same(getattr(one, "value", None), getattr(other, "value", None))
    return type(one) is type(other) and bool(one == other)
