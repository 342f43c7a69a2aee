"""From the spec of a stack to its compose project, with every problem where it is written."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from controller.clients.compose import ComposeError, Project, load, unset_hint, unset_references
from controller.clients.compose.findings import Invalid
from controller.clients.compose.substitute import Variables, substitute
from controller.core.document import Path
from controller.core.errors import Problem, Rejected
from controller.core.kind import Surroundings
from controller.kinds.stack.marks import Marks, shown
from controller.kinds.stack.model import StackSpec
from controller.kinds.stack.repository import ROOT, Repository, bare
from controller.kinds.stack.written import Written

_PROJECT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
PLACES = ", in `variables` of the stack, or in a .env beside the compose file"
"""Where else a variable of a stack may get its value."""
_SECTIONS = ("networks", "volumes", "configs", "secrets")


@dataclass(frozen=True)
class Loaded:
    """The compose project of a stack, where its parts are written, and the secrets that marks in it stand for. `words` are what
    the stack says about each of its services; `problems` what is wrong with it so far."""

    stack: str
    words: Mapping[str, Any]
    project: Project
    repository: Repository
    written: Written
    marks: Marks
    problems: tuple[Problem, ...] = ()


def load_project(stack: str, spec: StackSpec, around: Surroundings) -> Loaded:
    """Read everything that the spec names. Raises Rejected with every problem where nothing can be understood, SpecError for a
    file that is not YAML."""
    marks = Marks()
    repository = Repository(around, spec.inline, marks)
    entries = _entries(spec, repository, around.base)
    variables = {**around.variables(), **{name: _value(value, marks) for name, value in spec.variables.items()}}
    name = _project_name(stack, entries, repository, variables)
    problems: list[Problem] = []
    try:
        project = load(
            repository,
            entries,
            project=name,
            variables=variables,
            profiles=spec.profiles,
            read=repository.read,
            root=ROOT,
        )
    except ComposeError as error:
        problems = [_local(problem, repository) for problem in error.problems]
        if not isinstance(error.partial, Project):
            raise Rejected(problems) from error
        project = error.partial
        for problem in problems:
            if problem.path[:1] == ("services",) and len(problem.path) > 2:
                project.services.get(str(problem.path[1]), {}).pop(str(problem.path[2]), None)
    words = {"project": stack, "host": spec.host, "rollback": spec.rollback}
    loaded = Loaded(stack, words, project, repository, Written(repository, entries, project.variables), marks)
    unset = dict(_unset(loaded))
    # What is wrong with a text without its variable is no second error.
    problems = [each for each in problems if (each.file, each.path) not in unset]
    return replace(loaded, problems=(*problems, *unset.values()))


def _entries(spec: StackSpec, repository: Repository, base: str) -> list[str]:
    """The files that override each other, by path from the top of the repository."""
    first: list[tuple[Path, str]] = [] if spec.file is None else [(("file",), spec.file)]
    problems: list[Problem] = []
    found = [repository.inline] if spec.inline is not None else []
    for path, file in [*first, *((("files", index), file) for index, file in enumerate(spec.files))]:
        full = posixpath.normpath(posixpath.join(base, file))
        if file.startswith("/") or full == ".." or full.startswith("../") or "\0" in file:
            problems.append(Problem(path, f"{file!r} is outside the repository", "use a path beside this document"))
        elif repository.read(full) is None:
            problems.append(Problem(path, f"{file!r} does not exist in the repository", "the path starts beside this document"))
        found.append(full)
    if problems:
        raise Rejected(problems)
    return found


def _value(value: Any, marks: Marks) -> str:
    return value if isinstance(value, str) else marks.mark(value.model_dump(exclude_none=True))


def _project_name(stack: str, entries: Iterable[str], repository: Repository, variables: Mapping[str, str]) -> str:
    """Compose's project name: what the last file says, else the stack's name."""
    name, where = stack, ""
    for file in entries:
        data = repository[file]
        given = bare(data.get("name")) if isinstance(data, dict) else None
        if isinstance(given, str):
            name, where = given, file
    try:
        name = substitute(name, Variables(variables))
    except Invalid as error:
        raise Rejected([Problem(("name",), error.message, error.hint, repository.local(where))]) from error
    if not _PROJECT_NAME.fullmatch(name):
        hint = "use a-z, 0-9, - and _, starting with a letter or a digit"
        raise Rejected([Problem(("name",), f"{name!r} is not a project name", hint, repository.local(where))])
    return name


def _local(problem: Problem, repository: Repository) -> Problem:
    file = repository.local(problem.file) if problem.file else ""
    return replace(problem, message=shown(problem.message), hint=shown(problem.hint), file=file)


def _unset(loaded: Loaded) -> Iterable[tuple[tuple[str, Path], Problem]]:
    """A problem for each variable without a value that something in use refers to, by its place."""
    project, written, repository = loaded.project, loaded.written, loaded.repository
    layers = [layer for name in project.services for layer in written.layers("services", name)]
    for section in _SECTIONS:
        layers += [layer for name in getattr(project, section) for layer in written.layers(section, name)]
    layers += written.top("name", "include")
    told: set[str] = set()
    for file, path in layers:
        for rest, name in unset_references(written.at((file, path)), project.variables):
            if name in project.unset and name not in told:
                told.add(name)
                hint = unset_hint(name, project.variables, PLACES)
                place = repository.local(file), (*path, *rest)
                yield place, Problem(place[1], f"the variable {name} is not set", hint, place[0])
