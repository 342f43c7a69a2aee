"""The health recorder: writes down when a pass found the health of something changed, and in which times passes were made."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping

from controller.core.errors import HomelabError
from controller.core.event import Report, Status
from controller.core.uptime import NO_MORE, HealthChange, HealthHistory, Watch

LASTS = 300.0
"""Seconds for which a look counts: in a longer time between two of them nobody looked. So often the end of a watch is written."""

_log = logging.getLogger(__name__)


class HealthRecorder:
    """`passed` hears the report of every pass, on the thread that makes them. It writes only while `leads` says so, and nothing
    where nothing is new, but for the end of the watch once in LASTS seconds. Never raises: what the store refuses is read again
    and written after the next pass. The record follows the clock of the reports, which may jump."""

    def __init__(self, history: HealthHistory, leads: Callable[[], bool]) -> None:
        self._history, self._leads = history, leads
        self._known: Mapping[str, str] | None = None
        """The health of every key as the record has it; None = it must be read."""
        self._watch = Watch(0.0, 0.0)
        self._seen = 0.0
        self._written = 0.0
        self._ahead = math.inf
        """The record goes on at this time already: it was written before the clock was set back."""
        self._statuses: tuple[Status, ...] = ()
        self._found: Mapping[str, str] = {}
        """The health of every key in those statuses."""
        self._broken = False

    def passed(self, report: Report | None) -> None:
        """A pass ended (None = it raised: nothing was seen)."""
        if not self._leads():
            self._known = None
        elif report is not None:
            self._safely(lambda: self._take(report.at, self._healths(report)))

    def stop(self) -> None:
        """Write the end of the watch."""
        if self._known is not None and self._leads() and self._written < self._watch.until:
            self._safely(lambda: self._history.note(self._watch))
            self._written = self._watch.until

    def _healths(self, report: Report) -> Mapping[str, str]:
        # A pass that found the same says so by the very same object.
        if report.statuses is not self._statuses:
            self._found = {str(line.key): line.health.value for line in report.statuses}
            self._statuses = report.statuses
        return self._found

    def _take(self, now: float, seen: Mapping[str, str]) -> None:
        known = self._known
        goes_on = known is not None and self._seen <= now < self._ahead and now - self._seen <= LASTS
        if known is None or not goes_on:
            known = self._begin(now)
        self._seen = now
        watch = Watch(self._watch.began, max(self._watch.until, now))
        changes = [] if seen is known else list(_changes(known, seen, now))
        if changes or not goes_on or now - self._written >= LASTS:
            self._history.note(watch, changes)
            self._written = now
        self._known, self._watch = seen, watch

    def _begin(self, now: float) -> Mapping[str, str]:
        """Read how the record stands at a time, and go on with its last watch unless that ended too long ago."""
        last, newest = self._history.watch(now), self._history.newest()
        self._watch = last if last is not None and now - last.until <= LASTS else Watch(now, now)
        self._ahead = newest if newest > now else math.inf
        return self._history.standing(now)

    def _safely(self, write: Callable[[], None]) -> None:
        try:
            write()
        except Exception as error:  # noqa: BLE001 (whatever goes wrong here, passes go on)
            self._known = None
            if not self._broken:
                exc_info = None if isinstance(error, HomelabError) else error
                _log.warning("how healthy everything is cannot be written down", exc_info=exc_info, extra={"error": str(error)})
            self._broken = True
        else:
            self._broken = False


def _changes(known: Mapping[str, str], seen: Mapping[str, str], now: float) -> Iterator[HealthChange]:
    yield from (HealthChange(key, now, health) for key, health in seen.items() if known.get(key) != health)
    yield from (HealthChange(key, now, NO_MORE) for key in known if key not in seen)
