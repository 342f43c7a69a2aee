"""Uptime: how healthy things were over time, kept as changes, and when somebody was looking at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

NO_MORE = ""
"""The health of what is neither declared nor ours any more."""


@dataclass(frozen=True, slots=True)
class HealthChange:
    """From `at` (seconds since the epoch) on the health of a key was this word of `core.state.Health`, or NO_MORE."""

    key: str
    at: float
    health: str


@dataclass(frozen=True, slots=True)
class Watch:
    """A time in which the controller looked again and again. What is in no watch was not looked at, whatever the changes say."""

    began: float
    until: float


@dataclass(frozen=True, slots=True)
class HealthRecord:
    """What is known of a span of time: `changes` by key and time, each key's last one before the span among them; `watches` that
    reach into it, by their beginning. Watches may overlap where a clock was set back."""

    changes: Sequence[HealthChange] = ()
    watches: Sequence[Watch] = ()


class HealthHistory(Protocol):
    """The kept record. Its clock may have jumped: later writes may have earlier times."""

    def note(self, watch: Watch, changes: Iterable[HealthChange] = ()) -> None:
        """Write or prolong the watch that began then, together with changes (of which one key has one at a time). Needs the
        lease; raises JournalError without it."""

    def standing(self, at: float) -> Mapping[str, str]:
        """The health of every key as its last change up to `at` says, without what is no more."""

    def watch(self, at: float) -> Watch | None:
        """The last watch that began at `at` or before."""

    def newest(self) -> float:
        """The latest time of a change (0 = none)."""

    def between(self, start: float, end: float, *, key: str = "", kind: str = "") -> HealthRecord:
        """What is known of a span, of one key or one kind ("" = all). One statement for the changes, one for the watches."""
