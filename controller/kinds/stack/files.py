"""Configs and secrets of a compose file as files of one service."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.clients.compose import unset_hint
from controller.core.errors import Problem
from controller.kinds.stack.project import PLACES, Loaded

_FOLDERS = {"configs": "/", "secrets": "/run/secrets"}
_OWNERSHIP = ("uid", "gid", "mode")
_READABLE = "0444"
"""Compose lets everybody in the container read a secret unless it is told otherwise."""


@dataclass
class Delivered:
    """The files of one service, in the words of a Service spec."""

    configs: list[dict[str, Any]] = field(default_factory=list)
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add_secret(self, name: str, secret: dict[str, Any]) -> None:
        """Keep a secret under its name, or the next free one."""
        free = (name, *(f"{name}-{number}" for number in range(2, len(self.secrets) + 3)))
        self.secrets[next(each for each in free if each not in self.secrets)] = secret


def delivered(service: str, canonical: Mapping[str, Any], loaded: Loaded) -> Delivered:
    """Everything that the `configs` and `secrets` of a canonical service put into its container."""
    found = Delivered()
    for section in _FOLDERS:
        for index, mount in enumerate(canonical.get(section) or ()):
            _deliver(found, section, mount, loaded)
            for path, ref in loaded.marks.inside(mount):
                found.problems.append(misplaced(service, (section, index, *path), ref, loaded))
    for name, (value, (file, path)) in loaded.written.ours(service, "secrets").items():
        if isinstance(value, dict):
            here = _from_here(value, file, loaded)
            found.secrets[name] = here
        else:
            hint = "write {ref: path/of/secret} or {file: path}"
            found.problems.append(Problem(path, f"the secret {name!r} says nothing", hint, loaded.repository.local(file)))
    return found


def misplaced(service: str, path: tuple[str | int, ...], ref: str, loaded: Loaded) -> Problem:
    """A secret in a place where it would be seen."""
    message = f"the secret {ref} can only be the whole value of a variable in `environment`, or a file"
    return loaded.written.problem("services", service, path, message, "give the container its parts as variables of their own")


def _deliver(found: Delivered, section: str, mount: Mapping[str, Any], loaded: Loaded) -> None:
    name = str(mount.get("source", ""))
    resource = getattr(loaded.project, section).get(name)
    if resource is None:
        return  # told already: it is not declared
    problems = list(_problems(section, name, resource, loaded))
    if problems:
        found.problems += [problem for problem in problems if problem not in found.problems]
        return
    entry = {key: str(mount[key]) for key in _OWNERSHIP if key in mount}
    entry["target"] = posixpath.join(_FOLDERS[section], mount.get("target") or name)
    variable = resource.get("environment")
    value = loaded.project.variables[variable] if variable else resource.get("content")
    secret = loaded.marks.secret(value)
    if secret is not None:
        found.add_secret(name, {"mode": _READABLE, **entry, **secret})
    elif resource.get("file") and section == "secrets":
        found.add_secret(name, {"mode": _READABLE, **entry, "file": loaded.repository.mounted(resource["file"])})
    elif resource.get("file"):
        found.configs.append({**entry, "file": loaded.repository.mounted(resource["file"])})
    else:
        found.configs.append({**entry, "content": value})


def _problems(section: str, name: str, resource: Mapping[str, Any], loaded: Loaded) -> Iterator[Problem]:
    def problem(path: Iterable[str], message: str, hint: str) -> Problem:
        return loaded.written.problem(section, name, tuple(path), message, hint)

    what = section[:-1]
    if resource.get("external"):
        yield problem(["external"], f"the {what} {name!r} is external, which needs Docker Swarm", "say `file:` or `environment:`")
        return
    for key in ("driver", "driver_opts", "template_driver"):
        if key in resource:
            yield problem([key], f"`{key}` of a {what} needs Docker Swarm", "remove it")
    variable, file = resource.get("environment"), str(resource.get("file") or "")
    if variable and variable not in loaded.project.variables:
        hint = unset_hint(variable, loaded.project.variables, PLACES)
        yield problem(["environment"], f"the variable {variable} is not set", hint)
    inside = loaded.repository.inside(file)
    if file and inside is None:
        yield problem(
            ["file"], f"`{file}` is outside the repository", "use a path beside the compose file, or mount it as a volume"
        )
    elif inside is not None and loaded.repository.read(inside) is None:
        yield problem(["file"], f"{loaded.repository.mounted(file)!r} does not exist in the repository", "create it")
    for path, ref in loaded.marks.inside(resource.get("content")):
        if loaded.marks.secret(resource["content"]) is None:
            message = f"the secret {ref} can only be the whole content"
            yield problem(["content", *map(str, path)], message, "give the container its parts as files of their own")


def _from_here(secret: Mapping[str, Any], file: str, loaded: Loaded) -> dict[str, Any]:
    """A secret of ours with its `file`, if any, as seen from the stack's folder."""
    given = secret.get("file")
    if not isinstance(given, str):
        return dict(secret)
    return {**secret, "file": loaded.repository.local(posixpath.normpath(posixpath.join(posixpath.dirname(file), given)))}
