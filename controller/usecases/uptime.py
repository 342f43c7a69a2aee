"""Uptime: how much of the time that somebody looked a thing did its work, day by day."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from controller.core.key import Key
from controller.core.state import Health
from controller.core.uptime import HealthChange, HealthRecord, Watch
from controller.usecases.calendar import calendar_of
from controller.usecases.look import Look
from controller.usecases.views import FORMAT_VERSION

DAYS = 90
GOOD, DEGRADED, DOWN, UNSEEN = "good", "degraded", "down", "unseen"
"""What a day is told as. The last: not looked at."""
_CONDITIONS: Mapping[str, int] = {Health.HEALTHY: 0, Health.DEGRADED: 1, Health.PROGRESSING: 1, Health.MISSING: 2}
"""Every other health says that nobody knows."""
_WORTH_TELLING = 60.0
"""Seconds that make a whole day's word: what a restart takes is in the numbers only."""


@dataclass(frozen=True, slots=True)
class DayUptime:
    """One day (`2026-11-22`). `stands` is its worst word that stood for a minute: good, degraded, down, or unseen. The others are
    seconds; together they are as long as the day is (today: until now)."""

    date: str
    stands: str
    good: float
    degraded: float
    down: float
    unseen: float


@dataclass(frozen=True, slots=True)
class UptimeView:
    """How one key stood, oldest day first. `percent` of the time that was observed it was good, rounded down, null where nobody
    ever looked. Seconds: degraded is there and does not do its work (or not yet), down is not there; in the unseen time nobody
    looked, or it was left alone or not declared. `zone` "" = the controller's local time."""

    key: str
    zone: str
    days: tuple[DayUptime, ...]
    percent: float | None
    good: float
    degraded: float
    down: float
    unseen: float
    format_version: str = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class UptimeLine:
    """One key among others: the same with `days` as words only, oldest first."""

    key: str
    percent: float | None
    good: float
    degraded: float
    down: float
    unseen: float
    days: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UptimesView:
    """Every key that is there, worst first: the days from `first` to `last`, which is today."""

    zone: str
    first: str
    last: str
    items: tuple[UptimeLine, ...]
    format_version: str = FORMAT_VERSION


def uptime(look: Look, key: Key, days: int = DAYS) -> UptimeView:
    """Of one key, also of one that is not there any more."""
    calendar, now = calendar_of(look), look.reconciler.bench.clock.now()
    dates, bounds = calendar.last(days, now)
    found = folded(look.store.health.between(bounds[0], now, key=str(key)), bounds).get(str(key)) or _nothing(bounds)
    told = tuple(_day(day.isoformat(), *each) for day, each in zip(dates, found, strict=True))
    return UptimeView(str(key), calendar.zone, told, *_sums(found))


def uptimes(look: Look, days: int = DAYS, kind: str = "service") -> UptimesView:
    """Of everything of a kind ("" = of all) that is there."""
    calendar, now = calendar_of(look), look.reconciler.bench.clock.now()
    dates, bounds = calendar.last(days, now)
    record = look.store.health.between(bounds[0], now, kind=kind)
    there = {change.key for change in _latest(record.changes) if change.health}
    found = {key: each for key, each in folded(record, bounds).items() if key in there}
    lines = [UptimeLine(key, *_sums(each), tuple(_word(*day) for day in each)) for key, each in found.items()]
    return UptimesView(calendar.zone, dates[0].isoformat(), dates[-1].isoformat(), tuple(sorted(lines, key=_worst_first)))


Parts = tuple[float, float, float, float]
"""Seconds: good, degraded, down, unseen."""


def folded(record: HealthRecord, bounds: Sequence[float]) -> Mapping[str, Sequence[Parts]]:
    """What a record says of each key, for each span between two neighbours of `bounds` (which rise). No second is counted twice,
    however watches overlap. Pure."""
    seen = _Seen(record.watches, bounds)
    return {key: seen.days(tuple(several)) for key, several in groupby(record.changes, lambda change: change.key)}


class _Seen:
    """The time in which somebody looked: how much of it there was up to each moment."""

    def __init__(self, watches: Iterable[Watch], bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._begins: list[float] = []
        self._ends: list[float] = []
        self._before: list[float] = []
        total = 0.0
        for begin, end in _union(watches):
            self._begins.append(begin)
            self._ends.append(end)
            self._before.append(total)
            total += end - begin
        self._at_bounds = [self._up_to(bound) for bound in bounds]

    def _up_to(self, at: float) -> float:
        index = bisect_right(self._begins, at) - 1
        return self._before[index] + min(at, self._ends[index]) - self._begins[index] if index >= 0 else 0.0

    def days(self, changes: Sequence[HealthChange]) -> Sequence[Parts]:
        """Of one key, whose changes are in the order of their times."""
        found = [[0.0, 0.0, 0.0] for _ in self._bounds[1:]]
        ends = (*(change.at for change in changes[1:]), self._bounds[-1])
        for change, end in zip(changes, ends, strict=True):
            condition = _CONDITIONS.get(change.health)
            if condition is not None:
                self._spread(found, condition, max(change.at, self._bounds[0]), min(end, self._bounds[-1]))
        lengths = (end - begin for begin, end in pairwise(self._bounds))
        return [(good, bad, down, max(0.0, length - good - bad - down))
                for (good, bad, down), length in zip(found, lengths, strict=True)]  # fmt: skip

    def _spread(self, found: list[list[float]], condition: int, begin: float, end: float) -> None:
        """Give each day its part of a span in which the condition was the same."""
        if begin >= end:
            return
        index, done = bisect_right(self._bounds, begin) - 1, self._up_to(begin)
        while index < len(found) and self._bounds[index] < end:
            until = self._at_bounds[index + 1] if end >= self._bounds[index + 1] else self._up_to(end)
            found[index][condition] += until - done
            index, done = index + 1, until


def _union(watches: Iterable[Watch]) -> Iterator[tuple[float, float]]:
    """The same time as spans that neither touch nor overlap, in order."""
    begin = end = -math.inf
    for watch in sorted(watches, key=lambda each: each.began):
        if watch.began > end:
            if end > begin:
                yield begin, end
            begin, end = watch.began, watch.until
        else:
            end = max(end, watch.until)
    if end > begin:
        yield begin, end


def _latest(changes: Sequence[HealthChange]) -> Iterator[HealthChange]:
    for _, several in groupby(changes, lambda change: change.key):
        *_, last = several
        yield last


def _nothing(bounds: Sequence[float]) -> Sequence[Parts]:
    return [(0.0, 0.0, 0.0, end - begin) for begin, end in pairwise(bounds)]


def _day(name: str, good: float, degraded: float, down: float, unseen: float) -> DayUptime:
    return DayUptime(name, _word(good, degraded, down, unseen), *(round(each, 3) for each in (good, degraded, down, unseen)))


def _word(good: float, degraded: float, down: float, _unseen: float) -> str:
    if down >= _WORTH_TELLING:
        return DOWN
    if degraded + down >= _WORTH_TELLING:
        return DEGRADED
    most = max(good, degraded, down)
    if most <= 0:
        return UNSEEN
    return GOOD if most == good else DEGRADED if most == degraded else DOWN


def _sums(days: Sequence[Parts]) -> tuple[float | None, float, float, float, float]:
    good, degraded, down, unseen = (math.fsum(each) for each in zip(*days, strict=True))
    return percent(good, degraded + down), round(good, 3), round(degraded, 3), round(down, 3), round(unseen, 3)


def percent(good: float, wrong: float) -> float | None:
    """Good of both, rounded down to hundredths: 100 only where nothing was wrong. None where there is neither. Pure."""
    if good + wrong <= 0:
        return None
    return 100.0 if wrong <= 0 else min(99.99, math.floor(good / (good + wrong) * 10_000) / 100)


def _worst_first(line: UptimeLine) -> tuple[float, str]:
    return 101.0 if line.percent is None else line.percent, line.key
