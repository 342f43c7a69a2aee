"""Reviews: keeps pull requests at a forge and proposals here the same, on a thread of its own, so that no pass waits for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event as Flag
from threading import Thread

from controller.core.errors import HomelabError, Severity
from controller.core.event import Event
from controller.core.ports import Clock

_log = logging.getLogger(__name__)
_IDLE = 3600.0


class Reviews:
    """One round of `keep` after each pass, while `leads` says so. That the forge does not answer is told once, and once when it
    answers again; everything else goes on meanwhile."""

    def __init__(self, keep: Callable[[], None], leads: Callable[[], bool], clock: Clock, tell: Callable[[Event], None]) -> None:
        self._keep, self._leads, self._clock, self._tell = keep, leads, clock, tell
        self._due, self._closed = Flag(), Flag()
        self._broken = ""
        self._thread = Thread(target=self._run, name="reviews", daemon=True)

    def start(self) -> None:
        """Begin with the next pass."""
        self._thread.start()

    def passed(self) -> None:
        """A pass has ended."""
        self._due.set()

    def stop(self) -> None:
        """End; a call that is out comes back first."""
        self._closed.set()
        self._due.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            if self._clock.wait(self._due, _IDLE) and not self._closed.is_set():
                self._due.clear()
                if self._leads():
                    self.round()

    def round(self) -> None:
        """One round; never raises."""
        try:
            self._keep()
        except Exception as error:  # noqa: BLE001 (whatever goes wrong with a forge, the next round comes)
            if not isinstance(error, HomelabError):
                _log.error("pull requests failed", exc_info=error)
            why = str(error) or type(error).__name__
            if not self._broken:
                self._say("ForgeDown", f"pull requests cannot be looked after: {why}", Severity.WARNING)
            self._broken = why
        else:
            if self._broken:
                self._say("ForgeUp", "pull requests are looked after again", Severity.INFO)
            self._broken = ""

    def _say(self, reason: str, message: str, severity: Severity) -> None:
        self._tell(Event(self._clock.now(), reason, message, severity))
