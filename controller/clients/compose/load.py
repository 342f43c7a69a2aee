"""A whole compose project, or a single service, out of data: pure, no file and no environment but what is handed in."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from controller.clients.compose.canonical import canonical
from controller.clients.compose.data import Data
from controller.clients.compose.files import Read, Source, fill_environment, fill_labels, read_env_files
from controller.clients.compose.findings import ComposeError, Findings, Invalid
from controller.clients.compose.model import Library, ModelLoader, Parse, Scope
from controller.clients.compose.normalize import normalize
from controller.clients.compose.places import Places
from controller.clients.compose.project import Project
from controller.clients.compose.references import Names, check_container_names, check_cycles, check_service, used_names
from controller.clients.compose.resources import SECTIONS, canonical_resources
from controller.clients.compose.substitute import Variables
from controller.core.errors import Problem

ROOT = "/repository"
"""Where relative paths lead when the caller does not say where the repository will be."""


def _absent(_path: str) -> bytes | None:
    return None


def _no_parser(_content: bytes) -> Data:
    raise ValueError("no reader for YAML was given")


def load(
    files: Mapping[str, Data],
    entry: str | Sequence[str],
    *,
    project: str,
    variables: Mapping[str, str],
    profiles: Collection[str] = (),
    read: Read = _absent,
    parse: Parse = _no_parser,
    root: str = ROOT,
    home: str = "",
) -> Project:
    """The project that `entry` (one file, or several that override each other in turn) describes.

    `files` holds data that is parsed already, by path from the top of the repository; others come through `read` and `parse`.
    Values for interpolation are `variables`, then a `.env` beside the first file, never the environment of this process.
    `profiles` defaults to COMPOSE_PROFILES among those values. Relative paths are resolved below `root`, `~` below `home`.
    Raises ComposeError with every problem, and with the project as far as it could be understood."""
    entries = [entry] if isinstance(entry, str) else list(entry)
    places = Places(posixpath.normpath(root), home)
    findings = Findings()
    library = Library(files, read, parse, places)
    session = _Session(library, findings, project)
    loaded: Project | None = None
    try:
        values = _values(entries[0], variables, project, library)
        model = ModelLoader(library, findings).load(entries, Scope(places.folder(entries[0]), values))
        loaded = session.finish(model, values, profiles)
    except Invalid as error:
        findings.add_invalid((), error)
    if findings.problems:
        raise ComposeError(_located(findings.problems, library.seen, entries[0]), loaded)
    assert loaded is not None  # noqa: S101 (what kept it from being loaded is a problem)
    return loaded


def canonical_service(
    entry: Data,
    *,
    name: str = "service",
    project: str = "service",
    variables: Mapping[str, str] | None = None,
    file: str = "",
    read: Read = _absent,
    parse: Parse = _no_parser,
    root: str = ROOT,
    home: str = "",
) -> dict[str, Data]:
    """The canonical form of one `services:` entry that stands alone, so that what it refers to is not looked up.

    `file` is the document that holds it: relative paths start in its folder. Without `variables` nothing is interpolated away:
    a reference to a variable is then a variable without a value, as in Compose. Raises ComposeError; paths start in the entry."""
    places = Places(posixpath.normpath(root), home)
    findings = Findings()
    library = Library({file: {"services": {name: entry}}}, read, parse, places)
    session = _Session(library, findings, project, alone=True)
    loaded: Project | None = None
    try:
        values = Variables({**(variables or {}), "COMPOSE_PROJECT_NAME": project})
        model = ModelLoader(library, findings).load([file], Scope(places.folder(file), values))
        loaded = session.finish(model, values, ["*"])
    except Invalid as error:
        findings.add_invalid(("services", name), error)
    if findings.problems:
        located = _located(findings.problems, library.seen, file)
        problems = [replace(one, path=one.path[2:], file="") if one.file == file else one for one in located]
        raise ComposeError(problems, loaded.services.get(name) if loaded is not None else None)
    assert loaded is not None  # noqa: S101 (what kept it from being loaded is a problem)
    return loaded.services[name]


def _values(entry: str, variables: Mapping[str, str], project: str, library: Library) -> Variables:
    known = dict(variables)
    beside = posixpath.join(posixpath.dirname(entry), ".env")
    found = read_env_files([beside], library.read, known)
    return Variables({**found, **known, "COMPOSE_PROJECT_NAME": project})


@dataclass
class _Session:
    """The steps from a model in long syntax to a project."""

    library: Library
    findings: Findings
    project: str
    alone: bool = False

    def finish(self, model: dict[str, Data], values: Variables, profiles: Collection[str]) -> Project:
        """The project; findings that it collects on the way make it useless."""
        source = Source(self.library.read, self.library.places, values.values)
        services = {name: service or {} for name, service in (model.get("services") or {}).items()}
        model["services"] = services
        active = set(profiles or (values.get("COMPOSE_PROFILES") or "").split(","))
        disabled = {name: list(one["profiles"]) for name, one in services.items() if not _active(one.get("profiles"), active)}
        normalize(model, self.project)
        names = self._names(model, disabled)
        found: dict[str, dict[str, Data]] = {}
        for name, raw in services.items():
            service = canonical(raw, self.findings, ("services", name))
            if name not in disabled:
                self._complete(name, service, raw, source, names)
                found[name] = service
        if not self.alone:
            check_cycles(found, self.findings)
            check_container_names(found, self.findings)
        used = used_names(found.values())
        sections = {section: canonical_resources(model, section, used[section], self.findings) for section in SECTIONS}
        return Project(
            name=self.project,
            services=found,
            **sections,
            extensions={key: value for key, value in model.items() if key.startswith("x-")},
            disabled=disabled,
            variables=values.values,
            unset=tuple(values.unset),
        )

    def _names(self, model: dict[str, Data], disabled: Mapping[str, list[str]]) -> Names:
        everything = ("services", "networks", "volumes", "configs", "secrets", "models")
        names = Names(model, open_sections=everything if self.alone else ())
        names.disable(disabled)
        return names

    def _complete(self, name: str, service: dict[str, Data], raw: dict[str, Data], source: Source, names: Names) -> None:
        path = ("services", name)
        if "scale" in service and "deploy" in service:
            service["deploy"].setdefault("replicas", service["scale"])
        fill_environment(service, raw, source, self.findings, path)
        fill_labels(service, raw, source, self.findings, path)
        check_service(name, service, names, self.findings)


def _active(wanted: Data, active: Collection[str]) -> bool:
    return not wanted or "*" in active or any(profile in active for profile in wanted)


def _located(problems: Sequence[Problem], seen: Mapping[str, Data], entry: str) -> list[Problem]:
    """The problems with the file that each is about, in the order of the files, each once."""
    found = [one if one.file else replace(one, file=_file_of(one, seen, entry)) for one in problems]
    return list(dict.fromkeys(found))


def _file_of(problem: Problem, seen: Mapping[str, Data], entry: str) -> str:
    best, depth = entry, -1
    for file, data in seen.items():
        reached = _depth(data, problem)
        if reached >= depth and (reached > depth or file != entry):
            best, depth = file, reached
    return best


def _depth(data: Data, problem: Problem) -> int:
    for depth, part in enumerate(problem.path):
        if not isinstance(data, dict) or part not in data:
            return depth
        data = data[part]
    return len(problem.path)
