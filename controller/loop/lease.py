"""The seat: who may write. The lease in the store decides between machines, a lock file between processes of one state folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event as Flag
from threading import Lock, Thread

from controller.core.errors import HomelabError, LeaseHeld
from controller.core.ports import Clock, Store

SECONDS = 15.0
"""How long a lease lasts without renewal: the longest time that a house is without a writer after a crash."""
RENEWALS = 3
"""Attempts to renew within that time."""


class FileLock:
    """A lock that ends with the process that holds it, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """True when it is ours now."""
        if self._descriptor is not None:
            return True
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def leave(self) -> None:
        """Let others take it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Seat:
    """Our hold on the writing lease under the name `holder`, which a process that is started again in the same state folder must
    have too: with `lock` it then takes over at once, without it after the lease ended. For many threads."""

    def __init__(self, store: Store, clock: Clock, holder: str, lock: FileLock | None = None) -> None:
        self.holder = holder
        self._store = store
        self._clock = clock
        self._lock = lock
        self._held = False
        self._guard = Lock()
        self._stop = Flag()
        self._keeper: Thread | None = None

    @property
    def held(self) -> bool:
        """True while the last attempt to take or renew it succeeded."""
        return self._held

    def take(self) -> bool:
        """Take or renew it; False while somebody else holds it. Raises JournalError."""
        with self._guard:
            try:
                held = (self._lock is None or self._lock.take()) and self._store.claim(self.holder, SECONDS)
            except HomelabError:
                self._held = False
                raise
            if not held and self._lock is not None:
                self._lock.leave()
            self._held = held
            return held

    def require(self) -> None:
        """Take it; raises LeaseHeld when somebody else holds it."""
        if not self.take():
            raise self.refusal()

    def refusal(self) -> LeaseHeld:
        """Why a write is refused here."""
        holder = self._store.leader()[0]
        who = holder if holder and holder != self.holder else "another process on this state folder"
        return LeaseHeld(f"{who} holds the writing lease; only one controller may write", holder)

    def keep(self, turned: Callable[[bool], None]) -> None:
        """Take and renew it on a thread of its own from now on; `turned` hears when it comes (True) and goes (False)."""
        self._keeper = Thread(target=self._keep, args=(turned,), name="lease", daemon=True)
        self._keeper.start()

    def leave(self) -> None:
        """Stop keeping it and give it back, so that another takes over at once."""
        self._stop.set()
        if self._keeper is not None:
            self._keeper.join()
        with self._guard:
            try:
                if self._held:
                    self._store.leave()
            finally:
                self._held = False
                if self._lock is not None:
                    self._lock.leave()

    def _keep(self, turned: Callable[[bool], None]) -> None:
        held = self._held
        while not self._clock.wait(self._stop, SECONDS / RENEWALS):
            try:
                now = self.take()
            except HomelabError:
                now = False
            if now is not held:
                held = now
                turned(now)
