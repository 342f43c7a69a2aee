"""Lines that differ, in the groups that stand beside each other on a wide page and below each other on a narrow one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from controller.usecases.compare_files import LineView


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that are alike (`same`: both halves hold them), or what went and what came in their place."""

    same: bool
    old: tuple[LineView, ...]
    new: tuple[LineView, ...]


def groups(hunk: Sequence[LineView]) -> Iterator[Group]:
    """The lines of one place, in order."""
    for same, lines in groupby(hunk, lambda line: line.sign == " "):
        several = tuple(lines)
        old = several if same else tuple(line for line in several if line.new is None)
        new = several if same else tuple(line for line in several if line.old is None)
        yield Group(same, old, new)
