"""Days, peaks and costs out of hours: in the time zone of the house, also on the days when its clocks change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest

from controller.core.energy import Direction, Flow, Place, Source
from controller.core.errors import Refused
from controller.usecases.energy import EnergyView, told

BERLIN = Place("Europe/Berlin", "EUR")


def at(text: str) -> float:
    """A moment in UTC, `2026-03-28T23:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def hours(start: str, count: int, kwh: float = 1.0) -> dict[float, float]:
    return {at(start) + 3600 * each: kwh for each in range(count)}


def grid(
    kwh: Mapping[float, float],
    money: Mapping[float, float] | None = None,
    direction: Direction = Direction.IN,
    name: str = "grid",
) -> Flow:
    return Flow(Source.GRID, direction, name, kwh, money or {}, priced=money is not None)


def days(first: str, count: int) -> list[date]:
    return [date.fromisoformat(first) + timedelta(days=each) for each in range(count)]


def per_day(found: EnergyView) -> list[tuple[str, int, float | None]]:
    return [(day.date, day.hours, day.kwh) for day in found.days]


@pytest.mark.parametrize(
    ("first", "start", "total", "expected", "reason"),
    [
        ("2026-11-20", "2026-11-19T23:00", 48, [24, 24], "ordinary days begin at the house's midnight, not at that of UTC"),
        ("2026-03-28", "2026-03-27T23:00", 71, [24, 23, 24], "clocks go forward: that day has 23 hours"),
        ("2026-10-24", "2026-10-23T22:00", 73, [24, 25, 24], "clocks go back: that day has 25 hours"),
    ],
)
def test_an_hour_belongs_to_the_day_of_the_house(first: str, start: str, total: int, expected: list[int], reason: str) -> None:
    found = told("home", BERLIN, days(first, len(expected)), [grid(hours(start, total))])
    assert [day.hours for day in found.days] == expected, reason
    assert [day.kwh for day in found.days] == [float(each) for each in expected]
    assert found.kwh == float(total)
    assert found.until == at(start) + 3600 * total


def test_a_zone_of_half_an_hour_has_its_own_midnight() -> None:
    place = Place("Asia/Kolkata", "INR")
    found = told("home", place, days("2026-11-20", 2), [grid(hours("2026-11-19T18:00", 25))])
    assert per_day(found) == [("2026-11-20", 24, 24.0), ("2026-11-21", 0, None)], "18:00 UTC is 23:30 of the day before"


def test_the_peak_is_told_in_local_time() -> None:
    kwh = {**hours("2026-11-19T23:00", 24, 0.5), at("2026-11-20T17:00"): 3.25}
    found = told("home", BERLIN, days("2026-11-20", 1), [grid(kwh)])
    peak = found.days[0].peak
    assert peak is not None
    assert (peak.hour, peak.kwh, peak.start) == ("18:00", 3.25, at("2026-11-20T17:00"))
    assert found.peak == peak
    assert found.usual == "18:00"


def test_the_usual_hour_is_the_highest_on_average_and_not_the_one_peak() -> None:
    kwh = {
        at("2026-11-20T06:00"): 5.0,
        at("2026-11-21T06:00"): 0.0,
        at("2026-11-22T06:00"): 0.0,
        **{at(f"2026-11-{day}T18:00"): 2.0 for day in (20, 21, 22)},
    }
    found = told("home", Place("UTC"), days("2026-11-20", 3), [grid(kwh)])
    assert found.peak is not None
    assert (found.peak.hour, found.usual) == ("06:00", "18:00")


def test_what_the_house_used_is_what_came_in_less_what_left() -> None:
    hour = at("2026-11-20T10:00")
    flows = [
        grid({hour: 1.0}, {hour: 0.30}),
        grid({hour: 0.4}, {hour: 0.03}, Direction.OUT, "fed_in"),
        Flow(Source.SOLAR, Direction.IN, "panels", {hour: 2.0}),
        Flow(Source.BATTERY, Direction.IN, "battery_out", {hour: 0.5}),
        Flow(Source.BATTERY, Direction.OUT, "battery_in", {hour: 0.1}),
    ]
    found = told("home", Place("UTC", "EUR"), days("2026-11-20", 1), flows)
    assert found.kwh == 3.0
    assert found.cost == 0.27, "what was fed in brought money"
    assert [(flow.meter, flow.direction, flow.kwh, flow.cost) for flow in found.flows] == [
        ("grid", "in", 1.0, 0.3),
        ("fed_in", "out", 0.4, 0.03),
        ("panels", "in", 2.0, None),
        ("battery_out", "in", 0.5, None),
        ("battery_in", "out", 0.1, None),
    ]
    assert found.notes == ()


def test_without_a_price_nothing_is_said_of_cost() -> None:
    found = told("home", Place("UTC"), days("2026-11-20", 2), [grid(hours("2026-11-20T00:00", 30))])
    assert (found.cost, [day.cost for day in found.days]) == (None, [None, None])
    assert found.notes == ("grid has no price: what it costs is not counted",)


def test_a_day_without_records_is_unknown_and_not_zero() -> None:
    flow = grid(hours("2026-11-22T00:00", 3), {at("2026-11-22T01:00"): 0.5})
    found = told("home", Place("UTC"), days("2026-11-20", 3), [flow])
    assert per_day(found) == [("2026-11-20", 0, None), ("2026-11-21", 0, None), ("2026-11-22", 3, 3.0)]
    assert [day.cost for day in found.days] == [None, None, 0.5]
    assert [day.peak is None for day in found.days] == [True, True, False]


def test_a_meter_that_has_recorded_nothing_is_told() -> None:
    found = told("home", Place("UTC"), days("2026-11-22", 1), [grid({})])
    assert (found.kwh, found.cost, found.peak, found.usual, found.until) == (None, None, None, "", None)
    assert found.notes == ("grid has recorded nothing in these days; its hours appear when they are over",)


def test_an_hour_of_another_day_counts_nowhere() -> None:
    found = told("home", Place("UTC"), days("2026-11-22", 1), [grid(hours("2026-11-21T22:00", 4), {at("2026-11-21T22:00"): 9.0})])
    assert per_day(found) == [("2026-11-22", 2, 2.0)]
    assert found.cost == 0.0


def test_a_zone_that_this_machine_does_not_know_is_told() -> None:
    with pytest.raises(Refused, match="does not know the time zone 'Mars/Base'"):
        told("home", Place("Mars/Base"), days("2026-11-22", 1), [])
