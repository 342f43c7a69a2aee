"""The pace: what reports changes again and again is looked at less and less often, so that it cannot starve the rest."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from threading import Lock

from controller.core.ports import Clock

FIRST, LONGEST = 0.05, 30.0
"""Seconds between the first two passes for the same thing, and the longest pause: it doubles with each pass."""
QUIET = 60.0
"""Seconds without a report after which a thing is looked at at once again."""


@dataclass(slots=True)
class _Restless:
    """A thing that reported: when it did last, when a pass was or will be made for it, and how long after that one the next."""

    heard: float
    due: float
    pause: float


class Pace:
    """When a pass is due for each thing that reports changes. What comes before a pass that is already due is served by it, so
    that the last report is always followed by a pass. For many threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._known: dict[Hashable, _Restless] = {}
        self._swept = clock.monotonic()

    def delay(self, thing: Hashable, settle: float) -> float:
        """A thing reported a change: the seconds until the pass for it, `settle` at least when it was quiet."""
        now = self._clock.monotonic()
        with self._lock:
            known = self._known.get(thing)
            if known is None or now - known.heard > QUIET:
                self._sweep(now)
                self._known[thing] = _Restless(now, now + settle, FIRST)
                return settle
            known.heard = now
            if now >= known.due:
                known.due = max(now + settle, known.due + known.pause)
                known.pause = min(2 * known.pause, LONGEST)
            return known.due - now

    def forgive(self, thing: Hashable) -> None:
        """Something was done about it: its next report is one of a quiet thing."""
        with self._lock:
            self._known.pop(thing, None)

    def _sweep(self, now: float) -> None:
        """Forget what is quiet, once in a while: names come from outside."""
        if now - self._swept > QUIET:
            self._swept = now
            self._known = {thing: each for thing, each in self._known.items() if now - each.heard <= QUIET}
