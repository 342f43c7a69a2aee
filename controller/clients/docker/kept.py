"""A list of an engine's objects that is kept while the engine would tell of every change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """What a call gave last, good while `attached` (the event stream stands) and until `doubt`. Thread-safe."""

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._lock = Lock()
        self._attached = False
        self._doubts = 0
        self._value: tuple[int, T] | None = None

    def attach(self, attached: bool) -> None:
        """Say whether the event stream stands; what was read before is doubted."""
        with self._lock:
            self._attached = attached
            self._doubts += 1

    def doubt(self) -> None:
        """Something may have moved: read anew next time."""
        with self._lock:
            self._doubts += 1

    @contextmanager
    def moving(self) -> Iterator[None]:
        """A write of our own: its events may come later than a look."""
        self.doubt()
        try:
            yield
        finally:
            self.doubt()

    def get(self) -> T:
        """The list now. What is read while something moves is given, but not kept. Raises what the call raises."""
        with self._lock:
            doubts = self._doubts
            if self._attached and self._value is not None and self._value[0] == doubts:
                return self._value[1]
        found = self._read()
        with self._lock:
            self._value = doubts, found
        return found
