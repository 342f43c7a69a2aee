"""Importing a compose project: a Stack of its files, which takes over the containers where the project runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from controller.core.discovery import Discovery
from controller.core.errors import Refused, SpecError
from controller.core.key import Key, is_name
from controller.core.resource import Resource
from controller.usecases.compose_values import dotenv, expanded
from controller.usecases.importing import Importing
from controller.usecases.importing_files import ComposeFile, Where, named, read_files, refuse_tags, same
from controller.usecases.importing_moving import Moving, slug
from controller.usecases.importing_sketch import SCHEMA_LINE, Handle, Left, Sketch

Pairs = Mapping[tuple[Key, str], Discovery | None]
"""Parts of a Stack by key and address, with what stands for them now."""

_DOCUMENT = "stack.yaml"


@dataclass(frozen=True)
class ComposeImport:
    """The use case behind `import compose`: `where` the file is, and the `home` of who started the project."""

    importing: Importing
    where: Where
    home: str

    def split(self, name: str = "", project: str = "") -> Sketch:
        """One Service per running container of the project. Raises Refused when nothing of it runs."""
        running = self.importing.discover()
        project, _ = self._project(running, project or name)
        found = [item for item in running if item.group == project]
        if not found:
            raise Refused(f"nothing of the project {project!r} runs; leave out --split to import the file itself")
        return self.importing.draft(found)

    def stack(self, name: str = "", project: str = "") -> Sketch:
        """A Stack of the files, and which containers, networks and volumes it takes over. Raises Refused, SpecError."""
        running = self.importing.discover()
        project, entries = self._project(running, project)
        stack = name or slug(project)
        if not is_name(stack):
            raise Refused(f"{stack!r} is not a name for a Stack; give one with --name")
        files = read_files(self.where, entries, self.importing.reconciler.linker.reader)
        moving = Moving(stack, project, self.where.folder, self.home, self._env(), self.where.beside)
        draft = _Draft(self.importing, stack, project, moving, files, moving.move(files, entries), running)
        return draft.sketch(entries)

    def _project(self, running: Sequence[Discovery], wanted: str) -> tuple[str, tuple[str, ...]]:
        """The name of the project and the files that it is made of. Raises Refused when several were started from the file."""
        started = self.where.projects(running)
        if wanted or not started:
            return wanted or self._name(), started.get(wanted, self.where.entries())
        if len(started) > 1:
            names = ", ".join(sorted(started))
            raise Refused(f"several projects were started from this file: {names}. Which one? Say it with --project NAME")
        return next(iter(started.items()))

    def _name(self) -> str:
        """Compose's name for the project: what the file says, COMPOSE_PROJECT_NAME beside it, else its folder."""
        files = read_files(self.where, self.where.entries(), self.importing.reconciler.linker.reader)
        env = self._env()
        said = [str(file.data["name"]) for file in files if file.path in self.where.entries() and file.data.get("name")]
        name = expanded((said or [env.get("COMPOSE_PROJECT_NAME") or self.where.folder.rpartition("/")[2]])[-1], env)
        return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-") or "stack"

    def _env(self) -> dict[str, str]:
        around = {"HOME": self.home, "PWD": self.where.folder}
        return {**around, **dotenv(self.where.beside(".env"), around)}


@dataclass
class _Draft:
    """A Stack on its way into the repository."""

    importing: Importing
    stack: str
    project: str
    moving: Moving
    read: Sequence[ComposeFile]
    moved: dict[str, dict[str, Any]]
    running: Sequence[Discovery]

    def sketch(self, entries: Sequence[str]) -> Sketch:
        """The files, and what stands for the parts of the Stack."""
        profiles = self._profiles()
        files = self._files(entries, profiles)
        known = set(self.importing.paths())
        taken = sorted(path for path in files if path in known)
        if taken:
            raise Refused(f"{taken[0]} exists already; choose another --name")
        self._name_images()
        files = self._files(entries, profiles)
        pairs = self._pairs(files)
        if self._keep_names(pairs):
            files = self._files(entries, profiles)
            pairs = self._pairs(files)
        objects = tuple(
            Handle(str(key), found.handle) for (key, _), found in pairs.items() if found is not None and not found.obstacle
        )
        left, lost = [*_left(pairs), *self._orphans(pairs)], [*self.moving.lost, *_lost(pairs)]
        return self.importing.permitted(Sketch(files, self.moving.secrets, objects, tuple(left), tuple(lost)))

    def _files(self, entries: Sequence[str], profiles: Sequence[str]) -> dict[str, bytes]:
        home = f"stacks/{self.stack}"
        variables = self.moving.variables(self.moved)
        spec: dict[str, Any] = {
            "file": _called(entries[0]),
            "files": [_called(path) for path in entries[1:]],
            "profiles": list(profiles),
            "variables": variables,
        }
        document = {"kind": "Stack", "name": self.stack, "spec": {key: value for key, value in spec.items() if value}}
        made = {f"{home}/{_DOCUMENT}": (SCHEMA_LINE.format("../../") + self.importing.write(document)).encode()}
        made |= {f"{home}/{path}": content for path, content in self.moving.files.items()}
        return made | {f"{home}/{_called(file.path)}": self._text(file) for file in self.read}

    def _text(self, file: ComposeFile) -> bytes:
        """The file as its author wrote it, as far as that can stay; else its data anew."""
        content, data = self.moving.beside(file.path) or b"", self.moved[file.path]
        if file.path not in self.moving.touched:
            for text in (content, named(file, content, data)):
                with suppress(SpecError):
                    if same(self.importing.reconciler.linker.reader(file.path, text)[0].data, data):
                        return text
        refuse_tags(file.path, data)
        return self.importing.write(data).encode()

    def _profiles(self) -> list[str]:
        """The profiles that are active: those that the project is told, and those of services that run."""
        told = [name for name in self.moving.env.get("COMPOSE_PROFILES", "").split(",") if name]
        for file in self.moved.values():
            for name, service in (file.get("services") or {}).items():
                wanted = [str(each) for each in service.get("profiles") or ()]
                if wanted and not set(wanted) & set(told) and self._made_for(name, service) is not None:
                    told.append(wanted[0])
        return told

    def _made_for(self, name: str, service: Mapping[str, Any]) -> Discovery | None:
        """The container of a service of the files."""
        given = service.get("container_name")
        return next(
            (item for item in self._containers() if given == item.address or _part(item, self.project) == slug(name)), None
        )

    def _containers(self) -> Iterator[Discovery]:
        """Containers of the project. One that was replaced here does not name its project any more."""
        return (item for item in self.running if item.key.kind == "service" and item.group in ("", self.project))

    def _name_images(self) -> None:
        """Images that Compose built go on under the name that they run by."""
        for name in sorted(self.moving.built):
            services = [file["services"][name] for file in self.moved.values() if name in (file.get("services") or {})]
            if not any("image" in service for service in services):
                made = self._made_for(name, services[0])
                services[0]["image"] = (
                    f"{self.project}-{name}" if made is None else made.spec.get("image", f"{self.project}-{name}")
                )
            image = next(str(service["image"]) for service in services if "image" in service)
            self.moving.lost.append(Left(f"{name}: build", f"images are not built here; it goes on with the image {image}"))

    def _pairs(self, files: Mapping[str, bytes]) -> Pairs:
        """Every part of the Stack, with what stands for it now. Raises SpecError."""
        resources = self.importing.trial(files).resources.values()
        mine = [each for each in resources if str(each.made_by) == f"stack/{self.stack}"]
        return {(each.key, each.address): self._standing(each) for each in mine}

    def _standing(self, resource: Resource) -> Discovery | None:
        """What stands for a part of the stack now: by Docker's name for it, or by the name that Compose gives a container."""
        same = [item for item in self.running if item.key.kind == resource.key.kind]
        found = next((item for item in same if item.address == resource.address), None)
        parts = ((item, _part(item, self.project)) for item in self._containers())
        return found or next((item for item, part in parts if part and str(resource.key) == f"service/{self.stack}-{part}"), None)

    def _orphans(self, pairs: Pairs) -> Iterator[Left]:
        """Containers of the project that its files do not declare (any more, or under a profile that is not active)."""
        known = {found.handle for found in pairs.values() if found is not None}
        for item in self.running:
            if item.group == self.project and item.key.kind == "service" and item.handle not in known:
                yield Left(str(item.key), item.obstacle or "its project has it, and the files do not declare it")

    def _keep_names(self, pairs: Pairs) -> bool:
        """A container keeps its name where the Stack would give it another; True when one does."""
        kept = False
        for (key, address), found in pairs.items():
            if key.kind == "service" and found is not None and found.address != address:
                path, name = next(
                    (path, name)
                    for path, file in self.moved.items()
                    for name in file.get("services") or {}
                    if f"{self.stack}-{slug(name)}" == key.name
                )
                self.moved[path]["services"][name]["container_name"] = found.address
                kept = True
        return kept


def _part(item: Discovery, project: str) -> str:
    """The service of a compose project that a container was made for, as far as its name tells."""
    found = re.fullmatch(rf"{re.escape(project)}[-_](.+)[-_]\d+", item.address)
    return slug(found[1]) if found else ""


def _left(pairs: Pairs) -> Iterator[Left]:
    for (key, _), found in pairs.items():
        if found is None:
            yield Left(str(key), "it does not exist: the next apply makes it")
        elif found.obstacle:
            yield Left(str(key), found.obstacle)


def _lost(pairs: Pairs) -> Iterator[Left]:
    for (key, _), found in pairs.items():
        if found is not None and not found.obstacle:
            yield from (Left(str(key), text) for text in found.lost)


def _called(path: str) -> str:
    """The name of a compose file in the repository: its own, but not that of the document."""
    return "compose.yaml" if path == _DOCUMENT else path
