"""What a backend says to a change before it is tried: yes, only a person can, not yet, or never."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Yes:
    """The backend can do it now."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Only a person can do it. `instructions` says what exactly to do, the shortest form on its first line; values in full, so
    that they can be copied. When the world shows the wanted state, nothing is asked any more."""

    instructions: str


@dataclass(frozen=True, slots=True)
class Wait:
    """The backend allows it from `until` on (seconds since the epoch); `why` in words."""

    until: float
    why: str


@dataclass(frozen=True, slots=True)
class Never:
    """The backend cannot do it, and no person can do it for it there; `why` in words, with what to declare instead."""

    why: str


Limit = Yes | Ask | Wait | Never
YES = Yes()
