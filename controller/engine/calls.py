"""Calls: work on threads of its own that is waited for until a given time, and not a moment longer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from threading import Event as Flag
from threading import Lock, Thread
from typing import Generic, TypeVar

from controller.core.ports import Clock

K = TypeVar("K")
V = TypeVar("V")


class Calls(Generic[K, V]):
    """Calls by name, begun at once, so many at a time as there are `workers`. One that hangs is left behind: its thread ends when
    the call does, and keeps no process alive; what had not begun by then never begins."""

    def __init__(self, calls: Mapping[K, Callable[[], V]], workers: int, name: str) -> None:
        self._waiting = deque(calls.items())
        self._open = len(calls)
        self._answers: dict[K, V] = {}
        self._error: Exception | None = None
        self._lock = Lock()
        self._ended = Flag()
        if not calls:
            self._ended.set()
        for number in range(min(workers, len(calls))):
            Thread(target=self._work, name=f"{name}_{number}", daemon=True).start()

    def answers(self, clock: Clock, until: float) -> dict[K, V]:
        """What has answered when all have, or at a time of the clock (monotonic seconds). Raises what a call raised."""
        clock.until(self._ended, until)
        with self._lock:
            self._waiting.clear()
            if self._error is not None:
                raise self._error
            return dict(self._answers)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    return
                name, call = self._waiting.popleft()
            try:
                answer = call()
            except Exception as error:  # noqa: BLE001 (it is raised where it is waited for)
                self._end(error)
            else:
                with self._lock:
                    self._answers[name] = answer
                self._end()

    def _end(self, error: Exception | None = None) -> None:
        with self._lock:
            self._error = self._error or error
            self._open -= 1
            if not self._open:
                self._ended.set()
