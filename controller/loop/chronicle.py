"""The chronicle: events go to the store a few at a time, and whoever waits for news is woken."""

from __future__ import annotations

from threading import Condition, Thread
from threading import Event as Flag

from controller.core.errors import HomelabError
from controller.core.event import Event
from controller.core.ports import Clock, Store

GATHER = 0.02
"""Seconds in which events are gathered into one write."""
AGAIN = 1.0
"""Seconds between two attempts while the store refuses, and between two looks for what other processes wrote."""
_MOST = 10_000


class Chronicle:
    """Events of one process on their way into the store. Telling never blocks on the disk and never raises: what the store
    refuses is kept (the newest 10,000) and tried again. A SIGKILL may lose what was told within `GATHER`; the journal, not this,
    is what a restart relies on."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._told: list[Event] = []
        self._writing = 0
        self._news = Condition()
        self._some = Flag()
        self._closed = Flag()
        self._writer: Thread | None = None

    def start(self) -> None:
        """Write on a thread of its own from now on; before, `tell` writes at once."""
        self._writer = Thread(target=self._run, name="chronicle", daemon=True)
        self._writer.start()

    def tell(self, event: Event) -> None:
        """Something happened."""
        with self._news:
            self._told.append(event)
            del self._told[:-_MOST]
        if self._writer is None:
            self.flush()
        self._some.set()

    def wait(self, after: int, seconds: float) -> int:
        """Wait until an event with a number above `after` exists, or the time is over; the newest number."""
        deadline = self._clock.monotonic() + seconds
        with self._news:
            while True:
                newest = self._store.last_event()
                left = deadline - self._clock.monotonic()
                if newest > after or left <= 0 or self._closed.is_set():
                    return newest
                self._news.wait(min(left, AGAIN))

    def flush(self) -> bool:
        """Write what was told; False when the store refuses."""
        with self._news:
            told, self._told = self._told, []
            if not told:
                return True
            self._writing += 1
        refused: list[Event] = []
        try:
            self._store.append(told)
        except HomelabError:
            refused = told
        finally:
            with self._news:
                self._writing -= 1
                self._told = [*refused, *self._told][-_MOST:]
                self._news.notify_all()
        return not refused

    def settled(self, seconds: float) -> bool:
        """Wait until everything that was told is in the store; False when it is not within so many seconds."""
        with self._news:
            return self._news.wait_for(lambda: not self._told and not self._writing, seconds)

    def close(self) -> None:
        """Write what is left and wake everybody who waits."""
        self._closed.set()
        self._some.set()
        if self._writer is not None:
            self._writer.join()
        self.flush()
        with self._news:
            self._news.notify_all()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._clock.wait(self._some, 3600.0)
            self._clock.wait(self._closed, GATHER)
            self._some.clear()
            if not self.flush():
                self._clock.wait(self._closed, AGAIN)
                self._some.set()
