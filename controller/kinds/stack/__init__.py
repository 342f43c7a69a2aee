"""The stack kind: a whole compose file, expanded into services, networks and volumes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from controller.core.document import Draft
from controller.core.errors import Problem, Rejected
from controller.core.key import Key
from controller.core.kind import Kind, Surroundings
from controller.kinds.stack import resources
from controller.kinds.stack.model import StackSpec
from controller.kinds.stack.names import key
from controller.kinds.stack.project import Loaded, load_project
from controller.kinds.stack.services import Expansion


def expand(name: str, spec: StackSpec, around: Surroundings) -> Sequence[Draft]:
    """The documents that a stack stands for: needs first. Raises Rejected with every problem, and with the documents that can be
    made all the same."""
    loaded = load_project(name, spec, around)
    expansion = Expansion(loaded)
    services = expansion.drafts()
    drafts = [*resources.drafts(loaded), *services]
    told = {(each.file, each.path) for each in loaded.problems}
    further = [*expansion.problems, *resources.problems(loaded), *_twins(loaded)]
    problems = [*loaded.problems, *(each for each in further if (each.file, each.path) not in told)]
    if problems:
        raise Rejected(list(dict.fromkeys(problems)), _sound(drafts, problems, loaded))
    return drafts


def _sound(drafts: Sequence[Draft], problems: Sequence[Problem], loaded: Loaded) -> list[Draft]:
    """The drafts that can be judged without repeating what was told: those that lack nothing they cannot do without."""
    lame = {
        each.path[1] for each in problems if each.path[:1] == ("services",) and (len(each.path) == 2 or each.path[2] == "image")
    }
    left_out = {key("service", loaded.stack, str(name)) for name in lame}
    known = {Key(draft.kind, draft.name) for draft in drafts} - left_out
    return [
        replace(draft, needs=tuple(need for need in draft.needs if need in known))
        for draft in drafts
        if Key(draft.kind, draft.name) in known
    ]


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
