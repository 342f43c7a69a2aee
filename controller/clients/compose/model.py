"""One compose model out of its files: interpolated, completed by `include` and `extends`, merged, checked, in long syntax.

The order of the steps is Compose's (interpolate, include, tags, extends, merge, check, long syntax), for every file in turn."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from controller.clients.compose.data import Data, forget, resolved
from controller.clients.compose.files import Read, read_env_files
from controller.clients.compose.findings import Findings, Invalid, Path
from controller.clients.compose.interpolate import interpolate
from controller.clients.compose.merge import merge, merge_files
from controller.clients.compose.places import Places, resolve_paths
from controller.clients.compose.resources import check_resources
from controller.clients.compose.shape import shape
from controller.clients.compose.spec_file import compose_file
from controller.clients.compose.substitute import Variables
from controller.clients.compose.text import text_of
from controller.clients.compose.unique import unify
from controller.core.errors import Problem

Parse = Callable[[bytes], Data]
"""Compose data out of the bytes of a YAML file; raises ValueError with a sentence for a file that is not YAML."""

_SECTIONS = ("services", "volumes", "networks", "secrets", "configs", "models")
_MOST_FILES = 100


@dataclass
class Library:
    """The files that a project may read, each parsed once. `seen` holds them in the order of their first use."""

    given: Mapping[str, Data]
    read: Read
    parse: Parse
    places: Places
    seen: dict[str, Data] = field(default_factory=dict)

    def data(self, file: str) -> Data:
        """The data of a file of the repository; raises Invalid when it is missing, broken or one too many."""
        if file not in self.seen:
            if len(self.seen) >= _MOST_FILES:
                raise Invalid(f"more than {_MOST_FILES} files belong to this project", "split it")
            self.seen[file] = self.given[file] if file in self.given else self._parsed(file)
        return self.seen[file]

    def _parsed(self, file: str) -> Data:
        content = self.read(file)
        if content is None:
            raise Invalid(f"`{file}` does not exist", "paths are relative to the file that names them")
        try:
            return self.parse(content)
        except ValueError as error:
            raise Invalid(f"`{file}` cannot be read: {error}") from error


@dataclass(frozen=True)
class Scope:
    """What the files of one model share: where their paths start, what they may interpolate, and which files led here."""

    folder: str
    variables: Variables
    trail: tuple[str, ...] = ()


class ModelLoader:
    """Loads models from a library into one collection of findings."""

    def __init__(self, library: Library, findings: Findings) -> None:
        self.library, self.findings = library, findings

    def load(self, files: Sequence[str], scope: Scope) -> dict[str, Data]:
        """The model of `files`, later ones overriding earlier ones, with absolute paths. Raises Invalid without a file."""
        model: dict[str, Data] = {}
        for file in files:
            scope = replace(scope, trail=(*scope.trail, file))
            model = self._add(model, file, scope)
        self._check_resources(model)
        resolve_paths(model, scope.folder, self.library.places, self.findings)
        _fill_lists(model, scope.variables)
        return model

    def _add(self, model: dict[str, Data], file: str, scope: Scope) -> dict[str, Data]:
        found = self.findings.within(file)
        forgotten: list[Path] = []
        over = self.read_file(file, scope.variables, found, forgotten)
        self._include(over, scope, found)
        forget(model, forgotten)
        _Extends(self, file, scope, found, forgotten).apply(over)
        model = merge_files(model, over, self.findings) if model else over
        return self._checked(model)

    def read_file(self, file: str, variables: Variables, found: Findings, forgotten: list[Path]) -> dict[str, Data]:
        """One file without its tags, interpolated; raises Invalid when there is nothing to read."""
        data = resolved(self.library.data(file), found, forgotten)
        if not isinstance(data, dict):
            raise Invalid(f"`{file or 'the compose file'}` is empty" if data is None else f"`{file}` is not a map of sections")
        interpolate(data, variables, found)
        return data

    def _checked(self, model: dict[str, Data]) -> dict[str, Data]:
        unify(model)
        before = len(self.findings.problems)
        compose_file(model, (), self.findings)
        drop_broken(model, self.findings.problems[before:])
        model.pop("version", None)
        shape(model, self.findings)
        unify(model, self.findings)
        return model

    def _check_resources(self, model: dict[str, Data]) -> None:
        check_resources(model, self.findings)
        if model.pop("jobs", None):
            self.findings.add(("jobs",), "`jobs` are not supported", "use a service, or a scheduled job of the host")

    def _include(self, over: dict[str, Data], scope: Scope, found: Findings) -> None:
        included = over.pop("include", None)
        if included is not None and not isinstance(included, list):
            found.add(("include",), "`include` must be a list", "put `- ` before the path")
            included = None
        for index, entry in enumerate(included or []):
            try:
                imported = self._included(entry if isinstance(entry, dict) else {"path": entry}, scope)
            except Invalid as error:
                found.add_invalid(("include", index), error)
                continue
            for section in _SECTIONS:
                for name, resource in (imported.get(section) or {}).items():
                    known = over.setdefault(section, {})
                    if not isinstance(known, dict):
                        continue
                    known[name] = merge(resource, known[name], (section, name)) if known.get(name) is not None else resource

    def _included(self, entry: dict[str, Data], scope: Scope) -> dict[str, Data]:
        places = self.library.places
        files = [places.file(text_of(path), scope.folder) for path in _listed(entry.get("path"))]
        if not files:
            raise Invalid("an include without a path", "say `path:`")
        if files[0] in scope.trail:
            raise Invalid("files include each other: " + " → ".join([*scope.trail, files[0]]))
        given = entry.get("project_directory")
        folder = places.absolute(text_of(given), scope.folder) if given else places.folder(files[0])
        variables = dict(scope.variables.values)
        found = read_env_files(self._env_files(entry, folder, scope), self.library.read, variables)
        inner = Variables({**found, **variables})
        model = self.load(files, Scope(folder, inner, scope.trail))
        scope.variables.unset.update(inner.unset)
        return model

    def _env_files(self, entry: dict[str, Data], folder: str, scope: Scope) -> list[str]:
        places = self.library.places
        named = _listed(entry.get("env_file"))
        if not named:
            return [places.file(".env", folder)]
        files = [places.file(text_of(path), scope.folder) for path in named if path != "/dev/null"]
        for file in files:
            if self.library.read(file) is None:
                raise Invalid(f"`{file}` does not exist", at=("env_file",))
        return files


class _Extends:
    """Completes the services of one file by what they extend."""

    def __init__(self, loader: ModelLoader, file: str, scope: Scope, found: Findings, forgotten: list[Path]) -> None:
        self.loader, self.file, self.scope, self.found, self.forgotten = loader, file, scope, found, forgotten
        self.others: dict[str, tuple[dict[str, Data], list[Problem]]] = {}

    def apply(self, over: dict[str, Data]) -> None:
        services = over.get("services")
        if not isinstance(services, dict):
            return
        for name in list(services):
            try:
                self._complete(name, services, self.file, self.scope.folder, ())
            except Invalid as error:
                self.found.add_invalid(("services", name, "extends"), error)
                services[name].pop("extends", None)

    def _complete(self, name: str, services: dict[str, Data], file: str, folder: str, trail: tuple[tuple[str, str], ...]) -> Data:
        service = services[name]
        if not isinstance(service, dict) or "extends" not in service:
            return service
        if (file, name) in trail:
            raise Invalid(
                "services extend each other: " + " → ".join(f"{one} in {place}" for place, one in [*trail, (file, name)])
            )
        extends = service["extends"]
        said = extends if isinstance(extends, dict) else {"service": extends}
        base_name, base_file = said.get("service"), said.get("file")
        if not isinstance(base_name, str):
            raise Invalid("`extends` does not say which service", "say `service:`")
        origin, place = file, folder
        known = services
        if isinstance(base_file, str):
            origin = self.loader.library.places.file(base_file, folder)
            place, known = self.loader.library.places.folder(origin), self._services(origin, base_name)
        if base_name not in known:
            raise Invalid(f"there is no service `{base_name}` in `{origin}`", "extend a service that exists")
        base = self._complete(base_name, known, origin, place, (*trail, (file, name)))
        if isinstance(base, dict):
            source = copy.deepcopy(base)
            forget({"services": {name: source}}, self.forgotten)
            service = merge(source, service, ("services", name))
        services[name] = {key: value for key, value in service.items() if key != "extends"}
        return services[name]

    def _services(self, file: str, wanted: str) -> dict[str, Data]:
        if file not in self.others:
            scratch = Findings(file)
            data = self.loader.read_file(file, self.scope.variables, scratch, [])
            if not isinstance(data.get("services"), dict):
                raise Invalid(f"`{file}` has no services")
            unify(data)
            compose_file({"services": data["services"]}, (), scratch)
            drop_broken(data, scratch.problems)
            shape(data, scratch)
            unify(data, scratch)
            resolve_paths(data, self.loader.library.places.folder(file), self.loader.library.places, scratch)
            self.others[file] = data["services"], scratch.problems
        services, problems = self.others[file]
        # What is wrong with the other services of that file is none of this project's business.
        self.loader.findings.problems += [one for one in problems if one.path[:2] == ("services", wanted) or len(one.path) < 2]
        problems[:] = [one for one in problems if one.path[:2] != ("services", wanted)]
        return services


def _listed(value: Data) -> list[Data]:
    return value if isinstance(value, list) else [] if value is None else [value]


def drop_broken(model: dict[str, Data], problems: Iterable[Problem]) -> None:
    """Remove the attributes that problems are about, so that later steps meet only what they can read; names stay known."""
    for problem in problems:
        section, name, attribute = (*problem.path[:3], None, None, None)[:3]
        owner = model.get(section) if isinstance(section, str) else None
        if name is None or not isinstance(owner, dict):
            model.pop(str(section), None)
        elif attribute is None or not isinstance(owner.get(name), dict):
            owner[name] = {}
        else:
            owner[name].pop(attribute, None)


def _fill_lists(model: dict[str, Data], variables: Variables) -> None:
    """Give names without a value in an environment written as a list the value that this model knows for them."""
    for service in (model.get("services") or {}).values():
        environment = service.get("environment") if isinstance(service, dict) else None
        if isinstance(environment, list):
            values = variables.values
            service["environment"] = [f"{entry}={values[entry]}" if entry in values else entry for entry in environment]
