"""Points in time, in words."""

from __future__ import annotations

from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo


def clock_time(at: float, now: float, zone: str) -> str:
    """`14:05:00`, with the date when it is not today; times are seconds since the epoch, `zone` a time zone ("" = ours)."""
    where: tzinfo | None = ZoneInfo(zone) if zone else None
    moment, today = (datetime.fromtimestamp(each, where) for each in (at, now))
    return f"{moment:%H:%M:%S}" if moment.date() == today.date() else f"{moment:%Y-%m-%d %H:%M:%S}"
