"""The house's calendar: its days in its own time zone. A day has 23 or 25 hours when clocks change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property
from zoneinfo import ZoneInfo

from controller.usecases.look import Look

MOST_DAYS = 400
"""As long as history is kept."""


@dataclass(frozen=True)
class Calendar:
    """Days of a time zone by its IANA name ("" = the local time of this machine)."""

    zone: str

    @cached_property
    def _where(self) -> tzinfo | None:
        return ZoneInfo(self.zone) if self.zone else None

    def day(self, at: float) -> date:
        """The day of a moment."""
        return datetime.fromtimestamp(at, self._where).date()

    def begins(self, day: date) -> float:
        """The first moment of a day. One that has no midnight begins when its clocks do."""
        if self._where is None:
            return datetime(day.year, day.month, day.day).timestamp()  # noqa: DTZ001 (the machine's own time)
        return datetime(day.year, day.month, day.day, tzinfo=self._where).astimezone(UTC).timestamp()

    def last(self, count: int, now: float) -> tuple[Sequence[date], Sequence[float]]:
        """The last days with today, oldest first, and their bounds: one more, the last of them is now."""
        today = self.day(now)
        days = [today - timedelta(days=back) for back in reversed(range(count))]
        # A day that was never there (a zone that changed sides) is empty, and none ends before it begins.
        return days, [*(min(self.begins(day), now) for day in days), now]


def calendar_of(look: Look) -> Calendar:
    """The calendar of what is reconciled; before the first pass, of what git says. Raises SourceError."""
    shown = look.reconciler.shown
    if shown is not None:
        return Calendar(shown.estate.policy.timezone)
    return Calendar(look.reconciler.wanted().estate.policy.timezone)
