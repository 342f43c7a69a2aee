"""The stack kind: a whole compose file, expanded into services, networks and volumes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from controller.core.document import Draft
from controller.core.errors import Problem, Rejected
from controller.core.kind import Kind, Surroundings
from controller.kinds.stack import resources
from controller.kinds.stack.model import StackSpec
from controller.kinds.stack.names import key
from controller.kinds.stack.project import Loaded, load_project
from controller.kinds.stack.services import Expansion


def expand(name: str, spec: StackSpec, around: Surroundings) -> Sequence[Draft]:
    """The documents that a stack stands for: needs first. Raises Rejected with every problem."""
    loaded = load_project(name, spec, around)
    expansion = Expansion(loaded)
    services = expansion.drafts()
    problems = [*expansion.problems, *resources.problems(loaded), *_twins(loaded)]
    if problems:
        raise Rejected(list(dict.fromkeys(problems)))
    return [*resources.drafts(loaded), *services]


def _twins(loaded: Loaded) -> Iterator[Problem]:
    """Parts whose names differ only in letters that a name here cannot hold."""
    for section in ("services", "networks", "volumes"):
        seen: dict[str, str] = {}
        for name in getattr(loaded.project, section):
            part = key(section[:-1], loaded.stack, name).name
            first = seen.setdefault(part, name)
            if first != name:
                message = f"`{name}` and `{first}` would both be called {part} here"
                yield loaded.written.problem(section, name, (), message, "rename one of them")


KIND = Kind("stack", StackSpec, "A whole compose file: its services, networks and volumes as one.", expand=expand)
