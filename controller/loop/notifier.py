"""The notifier: tells people what passes found, on threads of its own, so that no pass ever waits for a message."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event as Flag
from threading import Lock, Thread

from controller.core.errors import HomelabError
from controller.core.event import Report
from controller.core.ports import Clock
from controller.usecases.notices import Notices

_LAST_WORDS = 10.0
"""Seconds that messages under way get at the end; what has not arrived then is sent after the next start."""
_SETTLE = 5.0
"""Seconds to wait for the events of a pass; those that come later are told after the next one."""
_APART = 1.0
"""Seconds between two looks at passes: a restless home makes many."""

_log = logging.getLogger(__name__)


class Notifier:
    """`passed` hears of every pass. While `leads` says so, what there is to tell is decided on one thread, and each target with
    something to be sent has a thread of its own for as long as that takes: a target that is slow or away holds up nobody."""

    def __init__(self, notices: Notices, leads: Callable[[], bool], clock: Clock, settled: Callable[[float], bool]) -> None:
        """`settled` waits until the events of the pass are in the store, for so many seconds at most."""
        self._notices, self._leads, self._clock, self._settled = notices, leads, clock, settled
        self._due, self._closed = Flag(), Flag()
        self._lock = Lock()
        self._report: Report | None = None
        self._couriers: list[Thread] = []
        self._thread = Thread(target=self._run, name="notifier", daemon=True)
        self._broken = False

    def start(self) -> None:
        """Tell from now on."""
        self._thread.start()

    def passed(self, report: Report | None, _seconds: float) -> None:
        """A pass has ended; None = it raised. Only the newest waits to be told of: events carry what happened in between."""
        with self._lock:
            self._report = report
        self._due.set()

    def stop(self) -> None:
        """End; messages under way get a moment to arrive."""
        self._closed.set()
        self._due.set()
        for thread in (self._thread, *self._couriers):
            if thread.ident is not None:
                thread.join(_LAST_WORDS)

    def _run(self) -> None:
        while not self._closed.is_set():
            if not self._clock.wait(self._due, 3600.0) or self._closed.is_set():
                continue
            self._due.clear()
            with self._lock:
                report = self._report
            if self._leads():
                self._settled(_SETTLE)
                self._tell(report)
                self._clock.wait(self._closed, _APART)

    def _tell(self, report: Report | None) -> None:
        try:
            names = self._notices.take_in(report)
        except Exception as error:  # noqa: BLE001 (whatever goes wrong with messages, the next pass is told of all the same)
            if not self._broken:
                _log.error("notices failed", exc_info=None if isinstance(error, HomelabError) else error)
            self._broken = True
            return
        self._broken = False
        self._couriers = [thread for thread in self._couriers if thread.is_alive()]
        for name in names:  # one that finds another at work for the same target ends at once
            courier = Thread(target=self._bring, args=(name,), name=f"courier-{name}", daemon=True)
            self._couriers.append(courier)
            courier.start()

    def _bring(self, name: str) -> None:
        try:
            self._notices.deliver(name)
        except HomelabError as error:
            # The store refuses: what was sent is sent again, nothing is lost.
            _log.warning("a message could not be written down", extra={"target": name, "error": str(error)})
