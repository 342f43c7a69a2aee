"""Importing a compose file: a Stack with its values, but secrets by reference and paths that still lead to the data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from controller.core.discovery import Discovery
from controller.core.document import Reader
from controller.core.errors import Refused
from controller.core.key import Key, is_name
from controller.core.resource import Resource
from controller.core.secret import is_sensitive, looks_sensitive
from controller.usecases.compose_values import as_map, as_paths, assigned, dotenv, expanded, secret_parts, variables_in
from controller.usecases.importing import SCHEMA_LINE, Handle, Importing, Left, Sketch

Pairs = Mapping[tuple[Key, str], Discovery | None]
"""Parts of a Stack by key and address, with what stands for them now."""

Beside = Callable[[str], bytes | None]
"""Content of a file by path relative to the compose file's folder; None when there is none or it is outside."""


@dataclass(frozen=True)
class ComposeImport:
    """The use case behind `import compose`: `folder` is where the file stands on this machine, `file` its name there."""

    importing: Importing
    folder: PurePosixPath
    file: str
    beside: Beside

    def split(self, name: str = "") -> Sketch:
        """One Service per running container of the project. Raises Refused when nothing of it runs."""
        project = name or self._project(self._data())
        found = [item for item in self.importing.discover() if item.group == project]
        if not found:
            raise Refused(f"nothing of the project {project!r} runs; leave out --split to import the file itself")
        return self.importing.draft(found)

    def stack(self, name: str = "") -> Sketch:
        """A Stack of the file, and which containers, networks and volumes it takes over. Raises Refused, SpecError."""
        data = self._data()
        project = self._project(data)
        stack = name or re.sub(r"[^a-z0-9]+", "-", project).strip("-")
        if not is_name(stack):
            raise Refused(f"{stack!r} is not a name for a Stack; give one with --name")
        moved = _Moving(stack, project, self.folder, dotenv(self.beside(".env")), self.beside)
        data = moved.compose(data)
        home = f"stacks/{stack}"
        files = {
            f"{home}/compose.yaml": self._text(data, touched=moved.touched),
            f"{home}/stack.yaml": self._document(stack, moved, data),
        }
        files |= {f"{home}/{path}": content for path, content in moved.files.items()}
        known = set(self.importing.paths())
        taken = sorted(path for path in files if path in known)
        if taken:
            raise Refused(f"{taken[0]} exists already; choose another --name")
        running = self.importing.discover()
        pairs = self._pairs(files, stack, project, running)
        if _keepvariables_in(pairs, data, stack):
            files[f"{home}/compose.yaml"] = self._text(data, touched=True)
            pairs = self._pairs(files, stack, project, running)
        objects = tuple(Handle(str(key), found.handle) for (key, _), found in pairs.items() if found is not None)
        idle = [Left(str(key), "it does not run: the next apply makes it") for (key, _), found in pairs.items() if found is None]
        return Sketch(files, moved.secrets, objects, (*moved.left, *idle))

    def _pairs(self, files: Mapping[str, bytes], stack: str, project: str, running: Sequence[Discovery]) -> Pairs:
        """Every part of the Stack, with what stands for it now. Raises SpecError."""
        resources = self.importing.trial(files).resources.values()
        mine = [each for each in resources if str(each.made_by) == f"stack/{stack}"]
        return {(each.key, each.address): _standing(each, stack, project, running) for each in mine}

    def _data(self) -> dict[str, Any]:
        content = self.beside(self.file)
        if content is None:
            raise Refused(f"{self.folder / self.file} cannot be read")
        reader: Reader = self.importing.reconciler.linker.reader
        found = reader(self.file, content)
        data = found[0].data if found else None
        if not isinstance(data, dict) or not isinstance(data.get("services"), dict):
            raise Refused(f"{self.file} has no `services:`; it is not a compose file")
        return data

    def _project(self, data: Mapping[str, Any]) -> str:
        """Compose's name for the project: what the file says, COMPOSE_PROJECT_NAME beside it, else its folder."""
        said = data.get("name") or dotenv(self.beside(".env")).get("COMPOSE_PROJECT_NAME") or self.folder.name
        return re.sub(r"[^a-z0-9_-]", "", str(said).lower()).lstrip("_-") or "stack"

    def _text(self, data: Mapping[str, Any], *, touched: bool) -> bytes:
        if not touched:
            return self.beside(self.file) or b""
        return self.importing.write(data).encode()

    def _document(self, stack: str, moved: _Moving, data: Mapping[str, Any]) -> bytes:
        variables = moved.variables(data)
        spec: dict[str, Any] = {"file": "compose.yaml", **({"variables": variables} if variables else {})}
        text = self.importing.write({"kind": "Stack", "name": stack, "spec": spec})
        return (SCHEMA_LINE.format("../../") + text).encode()


@dataclass
class _Moving:
    """What must change in a compose file when it leaves its folder. `touched` = the text cannot stay as it is."""

    stack: str
    project: str
    folder: PurePosixPath
    env: Mapping[str, str]
    beside: Beside
    secrets: dict[str, str] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    tainted: frozenset[str] = frozenset()
    touched: bool = False

    def compose(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The file's data, ready to stand in the repository."""
        self.tainted = self._tainted(data["services"])
        made = dict(data)
        if str(data.get("name", "")) != self.project:
            made = {"name": self.project, **made}
            self.touched = True
        made["services"] = {name: self._service(name, each or {}) for name, each in data["services"].items()}
        for section in ("configs", "secrets"):
            for entry in (data.get(section) or {}).values():
                if isinstance(entry, dict) and isinstance(entry.get("file"), str):
                    self._copy(entry["file"])
        return made

    def variables(self, data: Any) -> dict[str, Any]:
        """The Stack's `variables`: everything that the file refers to, secrets by reference."""
        found: dict[str, Any] = {}
        for name in dict.fromkeys(variables_in(data)):
            if name in self.references:
                found[name] = {"ref": self.references[name]}
            elif name in self.env and (looks_sensitive(name) or name in self.tainted):
                found[name] = {"ref": self._keep(f"{self.stack}/{_slug(name)}", self.env[name])}
            elif name in self.env:
                found[name] = self.env[name]
        return found

    def _tainted(self, services: Mapping[str, Any]) -> frozenset[str]:
        """Variables that are secret whatever they are called: they are all of a secret, or the password of a URL."""
        found: set[str] = set()
        for service in services.values():
            for name, value in as_map((service or {}).get("environment")).items():
                if isinstance(value, str) and is_sensitive(name, expanded(value, self.env)):
                    found.update(secret_parts(name, value))
        return frozenset(name for name in found if self.env.get(name))

    def _service(self, name: str, service: Mapping[str, Any]) -> dict[str, Any]:
        made = dict(service)
        if "build" in made:
            del made["build"]
            made.setdefault("image", f"{self.project}-{name}")
            self.touched = True
            self.left.append(Left(f"{name}: build", f"images are not built here; it goes on with the image {made['image']}"))
        environment = as_map(made.get("environment"))
        found = {key: self._value(name, key, value) for key, value in environment.items()}
        for path in as_paths(made.get("env_file")):
            found = {**self._env_file(name, path, environment), **found}
        if found != environment:
            made["environment"] = found
            self.touched = True
        if "volumes" in made:
            volumes = [self._mount(entry) for entry in made["volumes"] or ()]
            self.touched = self.touched or volumes != made["volumes"]
            made["volumes"] = volumes
        return made

    def _value(self, service: str, name: str, value: Any) -> Any:
        """A variable's value, by reference when it is secret or made of something secret."""
        if not isinstance(value, str) or not value:
            return value
        plain = expanded(value, self.env)
        made_of_secrets = any(looks_sensitive(each) or each in self.tainted for each in variables_in(value))
        if not plain or not (made_of_secrets or is_sensitive(name, plain)):
            return value
        variable = re.sub(r"\W+", "_", f"{service}_{name}").upper()
        self.references[variable] = self._keep(f"{self.stack}/{_slug(service)}-{_slug(name)}", plain)
        return f"${{{variable}}}"

    def _env_file(self, service: str, path: str, environment: Mapping[str, Any]) -> dict[str, str]:
        """Copies an env file without what is secret in it; that, as variables of the service."""
        content = self.beside(path)
        if content is None:
            return {}
        values = dotenv(content)
        secret = {name: value for name, value in values.items() if is_sensitive(name, value)}
        kept = [line for line in content.decode("utf-8", "replace").splitlines() if assigned(line) not in secret]
        self.files[_inside(path)] = ("\n".join(kept) + "\n").encode()
        moved = {name: value.replace("$", "$$") for name, value in secret.items() if name not in environment}
        return {name: self._value(service, name, value) for name, value in moved.items()}

    def _mount(self, entry: Any) -> Any:
        """A relative folder of the host leads to the same place from wherever the file stands."""
        if isinstance(entry, str) and entry.startswith(("./", "../", "~/", ".:")):
            source, colon, rest = entry.partition(":")
            return self._absolute(source) + colon + rest
        if isinstance(entry, dict) and entry.get("type") == "bind" and not str(entry.get("source", "")).startswith(("/", "$")):
            return {**entry, "source": self._absolute(str(entry.get("source", "")))}
        return entry

    def _absolute(self, path: str) -> str:
        if path.startswith("~/"):
            return path
        parts: list[str] = []
        for part in (self.folder / path).parts:
            if part == "..":
                parts.pop()
            else:
                parts.append(part)
        return str(PurePosixPath(*parts))

    def _copy(self, path: str) -> None:
        content = self.beside(path)
        if content is not None:
            self.files[_inside(path)] = content

    def _keep(self, ref: str, value: str) -> str:
        self.secrets[ref] = value
        return ref


def _keepvariables_in(pairs: Pairs, data: dict[str, Any], stack: str) -> bool:
    """A container keeps its name where the Stack would give it another; True when one does."""
    kept = False
    for (key, address), found in pairs.items():
        if key.kind == "service" and found is not None and found.address != address:
            name = next(each for each in data["services"] if f"{stack}-{_slug(each)}" == key.name)
            data["services"][name]["container_name"] = found.address
            kept = True
    return kept


def _standing(resource: Resource, stack: str, project: str, running: Sequence[Discovery]) -> Discovery | None:
    """What stands for a part of the stack now: by Docker's name for it, or by the name that Compose gives a container."""
    for item in running:
        if item.key.kind != resource.key.kind:
            continue
        if item.address == resource.address:
            return item
        part = re.fullmatch(rf"{re.escape(project)}[-_](.+)[-_]1", item.address)
        if item.group == project and part and f"{stack}-{_slug(part[1])}" == resource.key.name:
            return item
    return None


def _inside(path: str) -> str:
    return str(PurePosixPath(path)).removeprefix("./")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
