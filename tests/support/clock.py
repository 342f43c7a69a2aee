"""Clocks of tests: one whose time passes only when somebody waits or a test says so, and what gathers until all have come."""

from __future__ import annotations

from threading import Event as Flag
from threading import Lock

from controller.clients.clock import SystemClock
from controller.engine.batch import _NEVER, Gathering

_HANGS = 12_000
"""So many hundredths of a second work may take for real: far more than it takes on any machine."""


class HandClock:
    """`core.ports.Clock` by hand. Waiting for a flag lets the time pass at once, to its end; but work of other threads is done
    before its time has come, unless `over` is set (which counts once)."""

    def __init__(self, start: float = 1_795_000_000.0) -> None:
        self._lock = Lock()
        self._start = start
        self._passed = 0.0
        self.over = Flag()

    def now(self) -> float:
        with self._lock:
            return self._start + self._passed

    def monotonic(self) -> float:
        with self._lock:
            return self._passed

    def wait(self, flag: Flag, seconds: float) -> bool:
        if not flag.is_set():
            self.advance(seconds)
        return flag.is_set()

    def until(self, done: Flag, at: float) -> bool:
        for _ in range(_HANGS):
            if done.wait(0.01):
                return True
            if self.over.is_set():
                self.over.clear()
                self.advance(at - self.monotonic())
                return done.is_set()
        raise AssertionError("work of another thread hangs; a test that means it sets `over`")

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._passed += max(seconds, 0.0)


class GatheringClock(SystemClock):
    """The real one, but that a batch is gathered until nothing has come for as long as its provider gathers: on a busy
    machine too, what is ready together is one write."""

    def __init__(self, gathering: Gathering | None = None) -> None:
        self.gathering = gathering

    def wait(self, flag: Flag, seconds: float) -> bool:
        if flag is _NEVER and self.gathering is not None:
            gather(self.gathering, seconds)
            return False
        return super().wait(flag, seconds)


def gather(gathering: Gathering, seconds: float) -> None:
    """Returns when no change has come for so long."""
    before = -1
    while before != (now := sum(len(batch.changes) for batch in tuple(gathering._open.values()))):
        before = now
        Flag().wait(seconds)
