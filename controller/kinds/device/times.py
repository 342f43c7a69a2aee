"""When a Device may be written: weekly windows in local time, and what other entities must show. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from controller.kinds.device.values import shown_number

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_AHEAD = 8


def opens_at(window: Mapping[str, Any], now: float, zone: tzinfo) -> float:
    """When a window (`from`, `to`, `days`) is open next, in seconds since the epoch: `now` while it is. One that ends before it
    starts runs over midnight and belongs to the day on which it opens."""
    today = datetime.fromtimestamp(now, zone).date()
    found: list[float] = []
    for ahead in range(-1, _AHEAD + 1):
        day = today + timedelta(days=ahead)
        if window["days"] and _DAYS[day.weekday()] not in window["days"]:
            continue
        opens, closes = _at(day, window["from"], zone), _at(day, window["to"], zone)
        if window["to"] <= window["from"]:
            closes = _at(day + timedelta(days=1), window["to"], zone)
        if opens <= now < closes:
            return now
        if opens > now:
            found.append(opens)
    return min(found)


def window_words(window: Mapping[str, Any]) -> str:
    """`22:00 to 06:00 on sat, sun`."""
    days = f" on {', '.join(window['days'])}" if window["days"] else ""
    return f"{window['from']} to {window['to']}{days}"


def fits(shown: str, wanted: Any) -> bool:
    """True when a state is a wanted one, or one of several."""
    if isinstance(wanted, list):
        return any(fits(shown, each) for each in wanted)
    number = shown_number(wanted)
    return shown == wanted or (number is not None and number == shown_number(shown))


def _at(day: date, clock: str, zone: tzinfo) -> float:
    return datetime.combine(day, time.fromisoformat(clock), zone).timestamp()
