"""The watcher: keeps one provider listening to its backend, however often its watch ends or breaks."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Flag
from threading import Lock, Thread

from controller.core.key import Key
from controller.core.ports import Clock, Watches
from controller.engine.patience import pause

LONGEST = 30.0
"""Seconds between two attempts to listen, at most."""
STOOD = 10.0
"""A watch that lasts so many seconds works again."""
_OFTEN = 2
"""Watches in a row that end before it counts as broken: a backend that goes away, or starts again, ends each of them once."""

Moved = Callable[[Key | None], None]


class Watcher:
    """One watch on a thread of its own. `moved` hears what the provider tells, and None (anything may have) when the watch ended:
    what happened since is not told by anybody."""

    def __init__(self, name: str, provider: Watches, clock: Clock, moved: Moved) -> None:
        self.provider = provider
        self._clock = clock
        self._moved = moved
        self._stop = Flag()
        self._again = Flag()
        self._lock = Lock()
        self._failures = 0
        self._counted = 0
        self._why = ""
        self._began: float | None = None
        self._thread = Thread(target=self.run, name=name, daemon=True)

    def start(self) -> None:
        """Listen from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End soon."""
        self._stop.set()
        self._again.set()

    def join(self, seconds: float) -> None:
        """Wait until it ended."""
        self._thread.join(seconds)

    def silence(self) -> str:
        """Why changes are not heard of; "" = they are, or it is too early to say."""
        with self._lock:
            if self._stands():
                self._counted = 0
            return self._why if self._counted >= _OFTEN else ""

    def excuse(self) -> None:
        """The whole backend is away: what failed meanwhile does not count."""
        with self._lock:
            self._counted = 0

    def hurry(self) -> None:
        """The backend is back: try again at once."""
        with self._lock:
            self._failures = self._counted = 0
        self._again.set()

    def run(self) -> None:
        """Listen until it is told to stop."""
        while not self._stop.is_set():
            pausing = self.listen()
            if self._stop.is_set():
                return
            self._moved(None)
            self._clock.wait(self._again, pausing)

    def listen(self) -> float:
        """Listen once; the seconds until the next attempt."""
        self._again.clear()
        with self._lock:
            self._began = self._clock.monotonic()
        try:
            self.provider.watch(self._moved, self._stop)
            why = "its watch ended"
        except Exception as error:  # noqa: BLE001 (whatever goes wrong in a watch, it must be tried again)
            why = str(error) or type(error).__name__
        return self._failed(why)

    def _failed(self, why: str) -> float:
        """A watch ended: the seconds until the next one."""
        with self._lock:
            if self._stands():
                self._failures = self._counted = 0
            self._failures, self._counted = self._failures + 1, self._counted + 1
            self._began, self._why = None, why
            return min(pause(self._failures), LONGEST)

    def _stands(self) -> bool:
        return self._began is not None and self._clock.monotonic() - self._began >= STOOD
