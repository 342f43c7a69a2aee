"""Values of helpers in their one form, whoever wrote them: a person, or Home Assistant (numbers as floats, durations as 0:05:00).

The readers raise Unfit for what Home Assistant would refuse, or take and not do."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

from controller.clients.homeassistant.names import Unfit
from controller.clients.homeassistant.values import boolean, plain
from controller.clients.homeassistant.values import duration as seconds_of

LONGEST_STATE = 255
_TIME = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def truth(value: Any) -> bool:
    """True or false, in any word that Home Assistant takes."""
    found = boolean(value)
    if not isinstance(found, bool):
        raise Unfit(f"{value!r} is neither true nor false", "write true or false")
    return found


def number(value: Any) -> int | float:
    """A number; whole ones without a fraction."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise Unfit(f"{value!r} is not a number") from None
    if isinstance(value, bool) or not math.isfinite(found):
        raise Unfit(f"{value!r} is not a number")
    return int(found) if found.is_integer() else found


def positive(value: Any) -> int | float:
    """A number above zero."""
    found = number(value)
    if found < 1e-9:
        raise Unfit("it must be above zero")
    return found


def whole(value: Any) -> int:
    """A whole number."""
    found = number(value)
    if not isinstance(found, int):
        raise Unfit(f"{value!r} is not a whole number")
    return found


def length(value: Any) -> int:
    """How many characters a text may have."""
    found = whole(value)
    if not 0 <= found <= LONGEST_STATE:
        raise Unfit(f"a text has between 0 and {LONGEST_STATE} characters")
    return found


def counted(value: Any) -> int:
    """How far a counter goes in one step."""
    found = whole(value)
    if found < 1:
        raise Unfit("it must be 1 or more")
    return found


def text(value: Any) -> str:
    """Any text."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise Unfit(f"{value!r} is not text", "write it in quotes")
    return str(plain(value))


def pattern(value: Any) -> str:
    """A regular expression."""
    found = text(value)
    try:
        re.compile(found)
    except re.error as error:
        raise Unfit(f"{found!r} is not a regular expression: {error}") from None
    return found


def one_of(*words: str) -> Callable[[Any], str]:
    """A reader of one of a few words."""

    def read(value: Any) -> str:
        found = text(value)
        if found not in words:
            raise Unfit(f"{found!r} is not known here", f"write {' or '.join(words)}")
        return found

    return read


def options(value: Iterable[Any]) -> list[str]:
    """What can be chosen, in order."""
    found = [text(each) for each in value]
    twice = sorted({each for each in found if found.count(each) > 1})
    if not found or twice:
        raise Unfit(f"{twice[0]!r} stands there twice" if twice else "there is nothing to choose", "each option stands once")
    return found


def duration(value: Any) -> str:
    """How long, as H:MM:SS: `"00:05:00"`, `300` and `{minutes: 5}` are the same."""
    found = seconds_of(value)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise Unfit(f"{value!r} is not a duration", "write 0:05:00, a number of seconds, or {minutes: 5}")
    if found < 0 or found != int(found):
        raise Unfit(f"{value!r} is not a whole number of seconds, or it is below zero", "Home Assistant drops parts of seconds")
    minutes, seconds = divmod(int(found), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def time_of_day(value: Any) -> str:
    """A time, as HH:MM:SS."""
    found = _TIME.fullmatch(str(value).strip())
    parts = [int(part or 0) for part in found.groups()] if found else [99]
    if not found or parts[0] > 23 or parts[1] > 59 or parts[2] > 59:
        raise Unfit(f"{value!r} is not a time of day", "write HH:MM or HH:MM:SS, in quotes")
    return ":".join(f"{part:02}" for part in parts)


def moment(value: Any) -> str:
    """A date, a time, or both, as YYYY-MM-DD HH:MM:SS."""
    date, _, time = str(value).strip().replace("T", " ").partition(" ")
    if not time and not _DATE.fullmatch(date):
        return time_of_day(date)
    try:
        datetime.strptime(date, "%Y-%m-%d")  # noqa: DTZ007 (a day in the house's own zone)
    except ValueError:
        raise Unfit(f"{value!r} is not a date or a time", "write YYYY-MM-DD, HH:MM:SS, or both with a space between") from None
    return f"{date} {time_of_day(time)}" if time else date


def periods(value: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Times of a day in order, which must not overlap."""
    found = sorted((_period(each) for each in value), key=lambda each: str(each["from"]))
    for earlier, later in pairwise(found):
        if earlier["to"] > later["from"]:
            raise Unfit(f"{earlier['from']} to {earlier['to']} overlaps {later['from']} to {later['to']}")
    return found


def _period(each: Mapping[str, Any]) -> dict[str, Any]:
    start, end = time_of_day(each["from"]), str(each["to"]).strip()
    end = "24:00:00" if end in ("24:00", "24:00:00") else time_of_day(end)
    if start >= end:
        raise Unfit(f"{start} is not before {end}", "a time over midnight is two: until 24:00, and from 00:00 on the next day")
    data = {name: plain(item) for name, item in (each.get("data") or {}).items()}
    return {"from": start, "to": end, **({"data": data} if data else {})}
