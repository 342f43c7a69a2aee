"""The nearest known word to one that was mistyped."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST = 64


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that a mistyped word was most likely meant to be, or None when none is near."""
    known = {choice.lower(): choice for choice in sorted(choices)}
    near = difflib.get_close_matches(word[:_LONGEST].lower(), known, n=1, cutoff=0.6)
    return known[near[0]] if near else None


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A question that offers the nearest of the choices (``did you mean `image`?``), or "" when none is near."""
    near = nearest(word, choices)
    return f"did you mean `{near}`?" if near is not None else ""
