"""History by day: how many runs ended how, and how long it took to apply something."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from controller.core.run import Outcome, RunTime
from controller.usecases.calendar import Calendar, calendar_of
from controller.usecases.look import Look
from controller.usecases.views import FORMAT_VERSION

DAYS = 30
_APPLIED, _FAILED = (Outcome.APPLIED, Outcome.UNCHANGED), (Outcome.FAILED, Outcome.STUCK)


@dataclass(frozen=True, slots=True)
class DayRuns:
    """The runs that started on a day (`2026-11-22`). `failed` are also those that are stuck; `other` did not end, or were
    superseded, held or denied. `median` and `longest` are seconds that a run which was applied took, null where none was."""

    date: str
    runs: int
    applied: int
    rolled_back: int
    failed: int
    other: int
    median: float | None
    longest: float | None


@dataclass(frozen=True, slots=True)
class HistoryDays:
    """The last days with today, oldest first, and what they come to. `zone` "" = the controller's local time."""

    zone: str
    days: tuple[DayRuns, ...]
    whole: DayRuns
    format_version: str = FORMAT_VERSION


def history_days(look: Look, days: int = DAYS) -> HistoryDays:
    """Of so many days."""
    calendar, now = calendar_of(look), look.reconciler.bench.clock.now()
    dates, bounds = calendar.last(days, now)
    return told(calendar, dates, bounds, look.store.run_times(bounds[0]))


def told(calendar: Calendar, dates: Sequence[date], bounds: Sequence[float], runs: Iterable[RunTime]) -> HistoryDays:
    """What runs come to on days that begin at `bounds` (one more, the end of the last). What started later, by a clock that was
    ahead, counts for the last. Pure."""
    by_day: list[list[RunTime]] = [[] for _ in dates]
    for run in runs:
        index = min(bisect_right(bounds, run.started) - 1, len(by_day) - 1)
        if index >= 0:
            by_day[index].append(run)
    found = tuple(_day(day.isoformat(), several) for day, several in zip(dates, by_day, strict=True))
    return HistoryDays(calendar.zone, found, _day("", [run for several in by_day for run in several]))


def _day(name: str, runs: Sequence[RunTime]) -> DayRuns:
    outcomes = [run.outcome for run in runs]
    applied = sum(outcome in _APPLIED for outcome in outcomes)
    back, failed = outcomes.count(Outcome.ROLLED_BACK), sum(outcome in _FAILED for outcome in outcomes)
    took = [max(0.0, run.finished - run.started) for run in runs if run.outcome is Outcome.APPLIED and run.finished]
    return DayRuns(
        date=name,
        runs=len(runs),
        applied=applied,
        rolled_back=back,
        failed=failed,
        other=len(runs) - applied - back - failed,
        median=round(median(took), 1) if took else None,
        longest=round(max(took), 1) if took else None,
    )
