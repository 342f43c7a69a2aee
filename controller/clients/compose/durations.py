"""Durations as Compose reads and writes them (Go's notation plus days and weeks), in nanoseconds."""

from __future__ import annotations

import re

from controller.clients.compose.findings import Invalid

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5
    "μs": 1_000,  # U+03BC
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
    "w": 604_800_000_000_000,
}
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]+)")
_LARGEST = 2**63


def parse_duration(text: str) -> int:
    """Nanoseconds of `1h30m`, `1.5s`, `250ms`, `1d`, `2w`, `0`; raises Invalid."""
    sign = -1 if text.startswith("-") else 1
    body = text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return 0
    position, total = 0, 0
    while body and position < len(body):
        match = _PART.match(body, position)
        if match is None or not (match[1] or match[2]) or match[3] not in _UNITS:
            break
        unit = _UNITS[match[3]]
        fraction = match[2] or ""
        total += int(match[1] or 0) * unit + int(int(fraction or 0) * unit / 10 ** len(fraction))
        position = match.end()
    if not body or position < len(body) or total >= _LARGEST:
        raise Invalid(f"`{text}` is not a duration", "write a number with a unit, such as `30s` or `1m30s`")
    return sign * total


def format_duration(nanoseconds: int) -> str:
    """Compose's spelling: `1h30m0s`, `1m30s`, `1.5s`, `250ms`, `0s`."""
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest == 0:
        return "0s"
    for unit, size in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000)):
        if rest < size * 1_000:
            return f"{sign}{_decimal(rest, size)}{unit}"
    minutes, rest = divmod(rest, _UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    seconds = f"{_decimal(rest, _UNITS['s'])}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else f"{sign}{seconds}"


def _decimal(amount: int, unit: int) -> str:
    whole, rest = divmod(amount, unit)
    if not rest:
        return str(whole)
    return f"{whole}.{str(rest).rjust(len(str(unit)) - 1, '0').rstrip('0')}"
