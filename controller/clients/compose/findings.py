"""What is wrong with a compose file, collected so that a person sees everything at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TypeAlias

from controller.core.errors import Problem, Rejected

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list positions from the top of a file."""


class ComposeError(Rejected):
    """A compose file that cannot be loaded; carries every problem at once. `partial` is the project (of a service that stands
    alone: its canonical form) without the attributes that are wrong, or None."""


class Invalid(ValueError):
    """A value that means nothing; `at` leads to the culprit inside it, `others` are further ones. Loaders make findings of it."""

    def __init__(self, message: str, hint: str = "", at: Path = (), others: tuple[Invalid, ...] = ()) -> None:
        self.message, self.hint, self.at, self.others = message, hint, at, others
        super().__init__(message)


class Faults:
    """What is invalid among the parts of one value, so that all of it is raised together."""

    def __init__(self) -> None:
        self.found: list[Invalid] = []

    def add(self, part: str | int, error: Invalid) -> None:
        """Keep an error, and those that came with it, about one part of the value."""
        self.found += [Invalid(one.message, one.hint, (part, *one.at)) for one in (error, *error.others)]

    def settle(self) -> None:
        """Raise what was kept, if anything."""
        if self.found:
            first, *others = self.found
            raise Invalid(first.message, first.hint, first.at, tuple(others))


class Findings:
    """The problems found so far in one file."""

    def __init__(self, file: str = "", problems: list[Problem] | None = None) -> None:
        self.file = file
        self.problems: list[Problem] = [] if problems is None else problems

    def within(self, file: str) -> Findings:
        """The same collection, for what is found in another file."""
        return Findings(file, self.problems)

    def add(self, path: Path, message: str, hint: str = "") -> None:
        self.problems.append(Problem(path, message, hint, self.file))

    def add_invalid(self, path: Path, error: Invalid) -> None:
        for one in (error, *error.others):
            self.add((*path, *one.at), one.message, one.hint)

    def unknown(self, path: Path, key: str, known: Iterable[str], where: str) -> None:
        self.add((*path, key), f"unknown key `{key}` in {where}", suggestion(key, known))


def suggestion(word: str, known: Iterable[str]) -> str:
    """The sentence that offers the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else ""
