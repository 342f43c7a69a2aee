"""Uptime by day: no second is counted twice, days are those of the house, and 100 % is only where nothing was wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.key import Key
from controller.core.run import Outcome, RunTime
from controller.core.state import Health
from controller.core.uptime import NO_MORE, HealthChange, HealthRecord, Watch
from controller.usecases.calendar import MOST_DAYS, Calendar
from controller.usecases.history_days import told
from controller.usecases.look import Look
from controller.usecases.uptime import DayUptime, folded, percent, uptime, uptimes
from tests.support.clock import HandClock
from tests.support.house import House

HOUR, DAY = 3600.0, 86_400.0
BERLIN = "Europe/Berlin"
POLICY = "kind: Policy\nname: here\nspec: {timezone: %s}\n"
ZONES = (BERLIN, "UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "America/Santiago", "")


def at(text: str, zone: str = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


class Told:
    """A house with one box, at a time of its own, of which a record is kept."""

    def __init__(self, now: str, zone: str = BERLIN) -> None:
        self.house = House(clock=HandClock(at(now, zone)))
        self.house.book.write({"one.yaml": "kind: Box\nname: one\nspec: {}\n", "policy/here.yaml": POLICY % zone})
        self.look = Look(self.house.reconciler, self.house.book, self.house.store)

    def note(self, began: str, until: str, *changes: tuple[str, str, str]) -> None:
        noted = [HealthChange(key, at(when), health) for key, when, health in changes]
        self.house.store.health.note(Watch(at(began), at(until)), noted)

    def days(self, count: int = 3) -> Sequence[DayUptime]:
        return uptime(self.look, Key("box", "one"), count).days


def test_a_day_has_the_hours_that_it_has() -> None:
    told_ = Told("2026-10-26 12:00")
    told_.note("2026-10-24 00:00", "2026-10-26 12:00", ("box/one", "2026-10-24 00:00", "Healthy"))
    assert [(day.date, day.stands, day.good, day.unseen) for day in told_.days()] == [
        ("2026-10-24", "good", 24 * HOUR, 0.0),
        ("2026-10-25", "good", 25 * HOUR, 0.0),
        ("2026-10-26", "good", 12 * HOUR, 0.0),
    ]


def test_every_second_is_good_degraded_down_or_not_looked_at() -> None:
    told_ = Told("2026-11-23 12:00")
    told_.note(
        "2026-11-22 06:00",
        "2026-11-23 06:00",
        ("box/one", "2026-11-22 06:00", "Healthy"),
        ("box/one", "2026-11-22 10:00", "Progressing"),
        ("box/one", "2026-11-22 11:00", "Degraded"),
        ("box/one", "2026-11-22 12:00", "Missing"),
        ("box/one", "2026-11-22 12:30", "Unknown"),
        ("box/one", "2026-11-22 13:30", "Suspended"),
        ("box/one", "2026-11-22 14:00", "Healthy"),
        ("box/one", "2026-11-23 05:00", NO_MORE),
    )
    assert told_.days() == (
        DayUptime("2026-11-21", "unseen", 0.0, 0.0, 0.0, DAY),
        DayUptime("2026-11-22", "down", 14 * HOUR, 2 * HOUR, HOUR / 2, 7.5 * HOUR),
        DayUptime("2026-11-23", "good", 5 * HOUR, 0.0, 0.0, 7 * HOUR),
    )
    whole = uptime(told_.look, Key("box", "one"), 3)
    assert (whole.zone, whole.percent) == (BERLIN, 88.37)
    assert (whole.good, whole.degraded, whole.down, whole.unseen) == (19 * HOUR, 2 * HOUR, HOUR / 2, 38.5 * HOUR)


def test_a_blink_is_in_the_numbers_and_not_in_the_word() -> None:
    told_ = Told("2026-11-23 12:00")
    told_.note(
        "2026-11-22 00:00",
        "2026-11-23 12:00",
        ("box/one", "2026-11-22 00:00", "Healthy"),
        ("box/one", "2026-11-22 10:00:00", "Missing"),
        ("box/one", "2026-11-22 10:00:30", "Healthy"),
        ("box/one", "2026-11-23 10:00:00", "Degraded"),
        ("box/one", "2026-11-23 10:01:00", "Healthy"),
    )
    yesterday, today = told_.days(2)
    assert (yesterday.stands, yesterday.down) == ("good", 30.0)
    assert (today.stands, today.degraded) == ("degraded", 60.0)
    assert uptime(told_.look, Key("box", "one"), 2).percent == 99.93


def test_what_stood_before_the_first_day_stands_on() -> None:
    told_ = Told("2026-11-23 12:00")
    told_.note("2026-01-01 00:00", "2026-11-23 12:00", ("box/one", "2026-01-01 00:00", "Healthy"))
    assert uptime(told_.look, Key("box", "one"), 90).percent == 100.0
    assert uptime(told_.look, Key("box", "other"), 90).percent is None
    assert {day.stands for day in uptime(told_.look, Key("box", "other"), 90).days} == {"unseen"}


def test_what_is_there_is_listed_worst_first() -> None:
    told_ = Told("2026-11-23 12:00")
    told_.note(
        "2026-11-22 00:00",
        "2026-11-23 12:00",
        *((f"service/{name}", "2026-11-22 00:00", "Healthy") for name in ("b", "a", "gone", "worst")),
        ("service/worst", "2026-11-22 10:00", "Degraded"),
        ("service/gone", "2026-11-23 10:00", NO_MORE),
        ("service/new", "2026-11-23 12:00", "Unknown"),
        ("volume/data", "2026-11-22 00:00", "Healthy"),
    )
    found = uptimes(told_.look, 2)
    assert (found.first, found.last, found.zone) == ("2026-11-22", "2026-11-23", BERLIN)
    assert [(line.key, line.percent, line.days) for line in found.items] == [
        ("service/worst", 27.77, ("degraded", "degraded")),
        ("service/a", 100.0, ("good", "good")),
        ("service/b", 100.0, ("good", "good")),
        ("service/new", None, ("unseen", "unseen")),
    ]
    assert [line.key for line in uptimes(told_.look, 2, "volume").items] == ["volume/data"]
    assert len(uptimes(told_.look, 2, "").items) == 5


@pytest.mark.parametrize(
    ("good", "wrong", "expected"), [(0, 0, None), (1, 0, 100.0), (0, 1, 0.0), (1e9, 0.001, 99.99), (2, 1, 66.66)]
)
def test_only_nothing_wrong_is_a_hundred(good: float, wrong: float, expected: float | None) -> None:
    assert percent(good, wrong) == expected


NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC).timestamp()
MOMENTS = st.integers(-5 * 86_400, 3600).map(lambda seconds: NOW + seconds)
WATCHES = st.lists(st.tuples(MOMENTS, MOMENTS).map(lambda two: Watch(min(two), max(two))), max_size=6)
HEALTHS = st.sampled_from([*(health.value for health in Health), NO_MORE, "Unheard"])
CHANGES = st.dictionaries(st.tuples(st.sampled_from(["a/a", "a/b"]), MOMENTS), HEALTHS, max_size=12)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(watches=WATCHES, changes=CHANGES, zone=st.sampled_from(ZONES), count=st.integers(1, 6))
def test_no_order_of_changes_and_watches_makes_more_than_everything(
    watches: list[Watch], changes: dict[tuple[str, float], str], zone: str, count: int
) -> None:
    _, bounds = Calendar(zone).last(count, NOW)
    record = HealthRecord(tuple(HealthChange(key, when, changes[key, when]) for key, when in sorted(changes)), tuple(watches))
    watched = _length(watches, bounds[0], NOW)
    for days in folded(record, bounds).values():
        assert len(days) == count
        for parts, (begin, end) in zip(days, pairwise(bounds), strict=True):
            assert min(parts) >= -1e-3
            assert math.fsum(parts) == pytest.approx(end - begin, abs=1e-3)
            assert math.fsum(parts[:3]) <= _length(watches, begin, end) + 1e-3
        good, degraded, down, _ = (math.fsum(each) for each in zip(*days, strict=True))
        assert good + degraded + down <= watched + 1e-3
        share = percent(good, degraded + down)
        assert share is None or 0 <= share <= 100


def _length(watches: Sequence[Watch], begin: float, end: float) -> float:
    """How much of a span is in any watch, counted between all the moments at which that can change."""
    edges = sorted({begin, end, *(min(max(edge, begin), end) for watch in watches for edge in (watch.began, watch.until))})
    middles = ((one, other, (one + other) / 2) for one, other in pairwise(edges))
    return math.fsum(b - a for a, b, middle in middles if any(each.began <= middle <= each.until for each in watches))


@pytest.mark.parametrize("zone", ZONES)
def test_days_follow_each_other_whatever_the_clocks_do(zone: str) -> None:
    calendar = Calendar(zone)
    for year in (2011, 2018, 2026):
        now = datetime(year, 12, 31, 23, 59, tzinfo=UTC).timestamp()
        dates, bounds = calendar.last(MOST_DAYS, now)
        assert bounds == sorted(bounds)
        assert bounds[-1] == now
        assert dates[-1] == calendar.day(now)
        for day, begin, end in zip(dates, bounds, bounds[1:], strict=False):
            if begin < end:
                assert calendar.day(begin) == day
                assert calendar.day(end - 1) == day
            assert 0 <= (end - begin) / HOUR <= 25


def test_a_night_without_midnight_begins_an_hour_later() -> None:
    santiago = Calendar("America/Santiago")
    begin = santiago.begins(date(2026, 9, 6))
    assert datetime.fromtimestamp(begin, ZoneInfo("America/Santiago")).hour == 1
    assert santiago.begins(date(2026, 9, 7)) - begin == 23 * HOUR


def test_runs_are_counted_on_the_day_on_which_they_started() -> None:
    calendar = Calendar(BERLIN)
    dates, bounds = calendar.last(3, at("2026-11-23 12:00"))
    runs = [
        RunTime(at("2026-11-20 23:59"), 0.0, Outcome.APPLIED),
        RunTime(at("2026-11-22 00:00"), at("2026-11-22 00:01"), Outcome.APPLIED),
        RunTime(at("2026-11-22 01:00"), at("2026-11-22 01:00:10"), Outcome.APPLIED),
        RunTime(at("2026-11-22 02:00"), at("2026-11-22 02:00:01"), Outcome.UNCHANGED),
        RunTime(at("2026-11-22 23:59:59"), at("2026-11-23 00:09:59"), Outcome.ROLLED_BACK),
        RunTime(at("2026-11-23 01:00"), at("2026-11-23 00:30"), Outcome.APPLIED),
        RunTime(at("2026-11-23 02:00"), at("2026-11-23 02:30"), Outcome.STUCK),
        RunTime(at("2026-11-23 03:00"), at("2026-11-23 02:30"), Outcome.FAILED),
        RunTime(at("2026-11-23 03:00"), 0.0, Outcome.RUNNING),
        RunTime(at("2026-11-24 03:00"), 0.0, Outcome.SUPERSEDED),
    ]
    found = told(calendar, dates, bounds, runs)
    shown = [(day.date, day.runs, day.applied, day.rolled_back, day.failed, day.other) for day in (*found.days, found.whole)]
    assert shown == [
        ("2026-11-21", 0, 0, 0, 0, 0),
        ("2026-11-22", 4, 3, 1, 0, 0),
        ("2026-11-23", 5, 1, 0, 2, 2),
        ("", 9, 4, 1, 2, 2),
    ]
    assert [(day.median, day.longest) for day in (*found.days, found.whole)] == [
        (None, None),
        (35.0, 60.0),
        (0.0, 0.0),
        (10.0, 60.0),
    ]
