"""A Service as it was written, taken apart: what Compose understands in its canonical form, and what is ours."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from controller.clients.compose import ComposeError, canonical_service, unset_hint, unset_references, unsupported
from controller.core.errors import Problem, Rejected
from controller.core.explain import explain
from controller.core.kind import Surroundings
from controller.kinds.service.model import ConfigFile, SecretFile, SecretValue, ServiceSpec

ROOT = "/repository"
_OWN_OF_MOUNTS = ("resource", "external")
_HERE = "./"
_STAND_IN = "image"
"""For an image whose name cannot be known: a service has one."""
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
    refused: set[str] = field(default_factory=set)
    """Fields of Compose's that were set aside because something in them is wrong."""

    def reject(self, *path: str | int, message: str, hint: str = "") -> None:
        """One more problem."""
        self.problems.append(Problem(path, message, hint))


def read(name: str, spec: ServiceSpec, around: Surroundings) -> Entry:
    """Take a spec apart. What is wrong is in the result; raises Rejected where nothing can be understood."""
    entry = Entry()
    written = _own(entry, spec.compose())
    if spec.canonical:
        entry.compose = written
    else:
        entry.compose = _canonical(entry, _interpolable(entry, written, around.variables()), name, spec.project or name, around)
        entry.compose["volumes"] = [_relative(mount, around.base) for mount in entry.compose.get("volumes") or ()]
    entry.problems += unsupported(entry.compose)
    return entry


def _interpolable(entry: Entry, written: dict[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """The fields without a reference to a variable that is not set."""
    told: set[str] = set()
    for path, name in unset_references(written, variables):
        entry.refused.add(str(path[0]))
        if name not in told:
            told.add(name)
            entry.reject(*path, message=f"the variable {name} is not set", hint=unset_hint(name, variables))
    kept = {name: value for name, value in written.items() if name not in entry.refused}
    return {**kept, "image": _STAND_IN} if "image" in entry.refused else kept


def _canonical(entry: Entry, written: dict[str, Any], name: str, project: str, around: Surroundings) -> dict[str, Any]:
    """The canonical form of what is Compose's; what that refuses is set aside."""
    folder = around.base
    try:
        found = canonical_service(
            written,
            name=name,
            project=project,
            variables=dict(around.variables()),
            file=posixpath.join(folder, "service.yaml"),
            read=lambda path: around.file(posixpath.relpath(path, folder or ".")),
            parse=lambda content: around.parse("service.yaml", content),
            root=ROOT,
        )
    except ComposeError as error:
        entry.problems += error.problems
        entry.refused |= {str(each.path[0]) for each in error.problems if each.path}
        if not isinstance(error.partial, dict):
            raise Rejected(entry.problems) from error
        found = error.partial
    return {field: value for field, value in found.items() if field not in entry.refused}


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


def _expose(_entry: Entry, written: Any) -> Any:
    """A map is ours: see `exposure`."""
    return None if isinstance(written, Mapping) else written


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
            message, hint = explain(each, model, value)
            entry.reject(*path, *each["loc"], message=message, hint=hint)
        return None
