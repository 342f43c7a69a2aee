"""A registry that takes connections and never answers, and a clock on which a dry run ends when a test says so."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from threading import Event as Flag
from threading import Thread
from threading import enumerate as enumerate_threads

from tests.support.clock import GatheringClock


class SilentRegistry:
    """`asked` are the connections that were taken."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.asked: list[socket.socket] = []
        Thread(target=self._take, name="silent-registry", daemon=True).start()

    @property
    def name(self) -> str:
        """As an image names it."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.asked.append(self._listener.accept()[0])


@contextlib.contextmanager
def silent_registry(listen: Callable[[], socket.socket] | None = None) -> Iterator[SilentRegistry]:
    """It, until the block ends: then who still asks is cut off. `listen` makes its socket, in whichever network."""
    with listen() if listen is not None else socket.create_server(("127.0.0.1", 0)) as listener:
        registry = SilentRegistry(listener)
        try:
            yield registry
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept
            for connection in registry.asked:
                connection.close()


def under_way(what: str) -> int:
    """How many threads of a dry run are at work in this process: `look` at backends, or `lookup` of what is adapted."""
    return sum(each.name.startswith(f"{what}_") for each in enumerate_threads())


class PatientClock(GatheringClock):
    """A dry run waits for its answers until all are there, or `over` is set (which counts once)."""

    def __init__(self) -> None:
        super().__init__()
        self.over = Flag()

    def until(self, done: Flag, at: float) -> bool:
        while not done.wait(0.01):
            if self.over.is_set():
                self.over.clear()
                return done.is_set()
        return True
