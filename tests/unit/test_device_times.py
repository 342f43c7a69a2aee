"""Weekly windows and conditions of a Device: local time, midnight, the day on which clocks change."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from controller.kinds.device.times import fits, opens_at

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def window(start: str, end: str, *days: str) -> dict[str, Any]:
    return {"from": start, "to": end, "days": list(days), "timezone": ""}


@pytest.mark.parametrize(
    ("when", "now", "opens", "reason"),
    [
        (window("08:00", "10:00"), "2026-11-23T09:00", "2026-11-23T09:00", "inside it is open now"),
        (window("08:00", "10:00"), "2026-11-23T08:00", "2026-11-23T08:00", "it opens with its first minute"),
        (window("08:00", "10:00"), "2026-11-23T10:00", "2026-11-24T08:00", "and is closed from its last on"),
        (window("22:00", "06:00"), "2026-11-23T23:00", "2026-11-23T23:00", "open before midnight"),
        (window("22:00", "06:00"), "2026-11-23T05:59", "2026-11-23T05:59", "and after it"),
        (window("22:00", "06:00"), "2026-11-23T06:00", "2026-11-23T22:00", "until the morning"),
        (window("22:00", "06:00", "fri"), "2026-11-28T05:00", "2026-11-28T05:00", "Friday's night lasts until Saturday morning"),
        (window("22:00", "06:00", "sat"), "2026-11-28T05:00", "2026-11-28T22:00", "Saturday's has not begun then"),
        (window("08:00", "10:00", "mon"), "2026-11-23T10:30", "2026-11-30T08:00", "a week until the next Monday"),
        (window("02:30", "04:00"), "2026-03-29T01:00", "2026-03-29T03:30", "2:30 does not exist when clocks go forward"),
        (window("03:00", "04:00"), "2026-10-24T12:00", "2026-10-25T03:00", "a day of 25 hours"),
    ],
)
def test_when_a_window_is_open(when: dict[str, Any], now: str, opens: str, reason: str) -> None:
    assert opens_at(when, at(now), BERLIN) == at(opens), reason


@pytest.mark.parametrize(
    ("shown", "wanted", "holds", "reason"),
    [
        ("on", "on", True, "a state"),
        ("off", "on", False, "another state"),
        ("21.0", 21, True, "numbers are numbers, however they are shown"),
        ("21.5", [20, 21.5], True, "one of several"),
        ("unavailable", "on", False, "nobody knows"),
        ("unknown", [], False, "nothing fits nothing"),
    ],
)
def test_what_a_condition_asks_for(shown: str, wanted: Any, holds: bool, reason: str) -> None:
    assert fits(shown, wanted) is holds, reason
