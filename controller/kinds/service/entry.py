"""A Service as it was written, taken apart: what Compose understands in its canonical form, and what is ours."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from controller.clients.compose import canonical_service, unsupported
from controller.core.errors import Problem, Rejected
from controller.core.kind import Surroundings
from controller.kinds.service.model import ConfigFile, SecretFile, SecretValue, ServiceSpec

ROOT = "/repository"
_OWN_OF_MOUNTS = ("resource", "external")
_HERE = "./"
M = TypeVar("M", bound=BaseModel)


@dataclass
class Entry:
    """A service in canonical form and the parts of it that Compose has no words for. `mounts` and `networks` are our words
    about an entry, by target or name; problems are collected."""

    compose: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, SecretValue] = field(default_factory=dict)
    secrets: dict[str, SecretFile] = field(default_factory=dict)
    configs: list[ConfigFile] = field(default_factory=list)
    mounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def reject(self, *path: str | int, message: str, hint: str = "") -> None:
        """One more problem."""
        self.problems.append(Problem(path, message, hint))


def read(name: str, spec: ServiceSpec, around: Surroundings) -> Entry:
    """Take a spec apart. Raises Rejected with what Compose refuses; other problems are in the result."""
    entry = Entry()
    written = _own(entry, spec.compose())
    if spec.canonical:
        entry.compose = written
    else:
        folder = around.base
        entry.compose = canonical_service(
            written,
            name=name,
            project=spec.project or name,
            variables=dict(around.variables()),
            file=posixpath.join(folder, "service.yaml"),
            read=lambda path: around.file(posixpath.relpath(path, folder or ".")),
            parse=lambda content: around.parse("service.yaml", content),
            root=ROOT,
        )
        entry.compose["volumes"] = [_relative(mount, folder) for mount in entry.compose.get("volumes") or ()]
    entry.problems += unsupported(entry.compose)
    return entry


def _relative(mount: dict[str, Any], folder: str) -> dict[str, Any]:
    """A mount with a path of the repository written from the document's folder, starting with `./` or `../`."""
    source = str(mount.get("source", ""))
    if mount["type"] != "bind" or not (source == ROOT or source.startswith(ROOT + "/")):
        return mount
    found = posixpath.relpath(source, posixpath.join(ROOT, folder))
    return {**mount, "source": found if found.startswith("..") else _HERE + found}


def _own(entry: Entry, written: dict[str, Any]) -> dict[str, Any]:
    """What is left for Compose once our words are taken out."""
    taken: dict[str, Callable[[Entry, Any], Any]] = {
        "environment": _environment,
        "secrets": _secrets,
        "configs": _configs,
        "expose": _expose,
        "volumes": _mounts,
        "networks": _networks,
    }
    left = {key: taken[key](entry, value) if key in taken else value for key, value in written.items()}
    return {key: value for key, value in left.items() if value is not None}


def _environment(entry: Entry, written: Any) -> Any:
    if not isinstance(written, Mapping):
        return written
    for name, value in written.items():
        if isinstance(value, Mapping):
            found = _model(entry, SecretValue, value, "environment", name)
            entry.environment.update({name: found} if found is not None else {})
    return {name: value for name, value in written.items() if not isinstance(value, Mapping)}


def _secrets(entry: Entry, written: Any) -> Any:
    if isinstance(written, Mapping):
        for name, value in written.items():
            found = _model(entry, SecretFile, value, "secrets", name)
            entry.secrets.update({name: found} if found is not None else {})
        return None
    if written:
        message = "a list of secrets names top-level secrets, and a Service alone has none"
        entry.reject("secrets", message=message, hint="write a map, NAME: {ref: …}, or use a Stack")
    return None


def _configs(entry: Entry, written: Any) -> Any:
    for index, value in enumerate(written if isinstance(written, list) else [written] if written else []):
        if isinstance(value, Mapping) and ("content" in value or "file" in value):
            found = _model(entry, ConfigFile, value, "configs", index)
            entry.configs += [found] if found is not None else []
        else:
            message = "this names a top-level config, and a Service alone has none"
            entry.reject(
                "configs", index, message=message, hint="give the entry `target` and `content` or `file`, or use a Stack"
            )
    return None


def _expose(entry: Entry, written: Any) -> Any:
    if not isinstance(written, Mapping):
        return written
    message = "`expose` as a map makes a route, which is not available yet"
    entry.reject("expose", message=message, hint="publish a port with `ports:` for now")
    return None


def _mounts(entry: Entry, written: Any) -> Any:
    if not isinstance(written, list):
        return written
    return [_stripped(value, entry.mounts, value.get("target")) if isinstance(value, Mapping) else value for value in written]


def _networks(entry: Entry, written: Any) -> Any:
    if not isinstance(written, Mapping):
        return written
    return {
        name: _stripped(value, entry.networks, name) if isinstance(value, Mapping) else value for name, value in written.items()
    }


def _stripped(value: Mapping[str, Any], own: dict[str, dict[str, Any]], name: Any) -> dict[str, Any]:
    found = {word: value[word] for word in _OWN_OF_MOUNTS if word in value}
    if found:
        own[str(name)] = found
    return {word: each for word, each in value.items() if word not in _OWN_OF_MOUNTS}


def _model(entry: Entry, model: type[M], value: Any, *path: str | int) -> M | None:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            entry.reject(*path, *each["loc"], message=each["msg"])
        return None


def raise_for(problems: list[Problem]) -> None:
    """Raise Rejected when there are problems."""
    if problems:
        raise Rejected(problems)
