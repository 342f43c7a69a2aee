"""A clock whose time passes only when somebody waits or a test says so."""

from __future__ import annotations

from threading import Event as Flag
from threading import Lock


class HandClock:
    """`core.ports.Clock` by hand. Waiting for a flag lets the time pass at once, to its end."""

    def __init__(self, start: float = 1_795_000_000.0) -> None:
        self._lock = Lock()
        self._start = start
        self._passed = 0.0

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

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._passed += max(seconds, 0.0)
