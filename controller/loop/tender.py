"""The tender: looks after proposals when a pass has ended, on a thread of its own. A remote that is slow stops no pass."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event as Flag
from threading import Thread

from controller.core.errors import HomelabError
from controller.core.event import Report
from controller.core.ports import Clock

_DAY, _PATIENCE = 86_400.0, 5.0

_log = logging.getLogger(__name__)


class Tender:
    """Calls `tend` after passes of the one who leads, and asks for another pass where it says so. What comes while it is busy is
    one call afterwards. What fails is told once, and once that it works again."""

    def __init__(self, tend: Callable[[], bool], kick: Callable[[], None], leads: Callable[[], bool], clock: Clock) -> None:
        self._tend, self._kick, self._leads, self._clock = tend, kick, leads, clock
        self._due, self._ends = Flag(), Flag()
        self._thread: Thread | None = None
        self._broken = False

    def start(self) -> None:
        """Look after them from now on."""
        self._thread = Thread(target=self._run, name="tender", daemon=True)
        self._thread.start()

    def passed(self, report: Report | None) -> None:
        """A pass ended (None = it raised). Never blocks."""
        if report is not None and self._leads():
            self._due.set()

    def stop(self) -> None:
        """End, after what is under way unless a remote is too slow with it."""
        self._ends.set()
        self._due.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    def _run(self) -> None:
        while not self._ends.is_set():
            if not self._clock.wait(self._due, _DAY):
                continue
            self._due.clear()
            if not self._ends.is_set():
                self._look()

    def _look(self) -> None:
        try:
            if self._leads() and self._tend():
                self._kick()
        except Exception as error:  # noqa: BLE001 (whatever goes wrong with proposals, they are looked after again after the next pass)
            if not self._broken:
                _log.error("looking after proposals failed", exc_info=None if isinstance(error, HomelabError) else error)
            self._broken = True
            return
        if self._broken:
            _log.info("proposals are looked after again")
        self._broken = False
