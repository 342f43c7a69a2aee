"""What is wrong with a compose file, collected so that a person sees everything at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TypeAlias

from controller.core.errors import Problem, Rejected

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list positions from the top of a file."""


class ComposeError(Rejected):
    """A compose file that cannot be loaded; carries every problem at once."""


class Invalid(ValueError):
    """One value that means nothing; `at` leads to the culprit inside it. Loaders turn it into a finding."""

    def __init__(self, message: str, hint: str = "", at: Path = ()) -> None:
        self.message, self.hint, self.at = message, hint, at
        super().__init__(message)


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
        self.add((*path, *error.at), error.message, error.hint)

    def unknown(self, path: Path, key: str, known: Iterable[str], where: str) -> None:
        self.add((*path, key), f"unknown key `{key}` in {where}", suggestion(key, known))


def suggestion(word: str, known: Iterable[str]) -> str:
    """The sentence that offers the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else ""
