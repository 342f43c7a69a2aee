"""Compose data as it comes from a YAML reader: plain values plus three markers.

A reader constructs the markers: `Reset` for `!reset`, `Override` for `!override`, and `Plain` for an unquoted scalar whose
spelling YAML 1.1 and 1.2 read differently (`0777`, `1_000`, `0b11`, `2020-01-01`), which Compose reads the YAML 1.1 way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from controller.clients.compose.findings import Findings, Path

Data: TypeAlias = Any
"""None, bool, int, float, str, list[Data], dict[str, Data], Reset, Override or Plain (a str)."""


class Reset:
    """The value of a key tagged `!reset`: the key must vanish, here and in every file below."""

    __slots__ = ()


class Override:
    """A value tagged `!override`: it replaces what the files below say instead of being merged."""

    __slots__ = ("value",)

    def __init__(self, value: Data) -> None:
        self.value = value


class Plain(str):
    """An unquoted scalar, kept as it is written, that Compose's own YAML reader would turn into a number or a date."""

    __slots__ = ()


_OCTAL = re.compile(r"([-+]?)0o?([0-7]+)")
_BINARY = re.compile(r"([-+]?)0b([01]+)")
_HEXADECIMAL = re.compile(r"([-+]?)0x([0-9a-fA-F]+)")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DATE = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d+))?(?:[ \t]*(Z|[-+]\d\d?(?::?\d\d)?))?)?"
)


def plain_value(text: str) -> Data:
    """What Compose's YAML reader makes of an unquoted spelling: a number or text (dates become Go's way to print them)."""
    digits = text.replace("_", "") if text[:1] != "_" else text
    for pattern, base in ((_BINARY, 2), (_OCTAL, 8), (_HEXADECIMAL, 16)):
        if match := pattern.fullmatch(digits):
            return int(match[1] + match[2], base)
    if _NUMBER.fullmatch(digits):
        return int(digits) if digits.lstrip("+-").isdigit() and digits.lstrip("+-")[0] != "0" else float(digits)
    if match := _DATE.fullmatch(text):
        return _date(match)
    return str(text)


def _date(match: re.Match[str]) -> str:
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    clock = f"{int(hour or 0):02}:{minute or '00'}:{second or '00'}"
    if fraction := (fraction or "").rstrip("0")[:9]:
        clock += f".{fraction}"
    offset, name = "+0000", "UTC"
    if zone and zone != "Z":
        hours, _, minutes = zone[1:].partition(":") if ":" in zone else (zone[1:3], "", zone[3:])
        offset = name = f"{zone[0]}{int(hours):02}{minutes or '00'}"
    return f"{year}-{int(month):02}-{int(day):02} {clock} {offset} {name}"


def resolved(data: Data, findings: Findings, forgotten: list[Path], path: Path = ()) -> Data:
    """A copy of `data` without markers: plain scalars read Compose's way, `!reset` keys gone, `!override` values bare.

    The paths of both tags are appended to `forgotten` (see `forget`); keys that are not text are findings."""
    if isinstance(data, dict):
        return dict(_entries(data, findings, forgotten, path))
    if isinstance(data, list):
        kept = (entry for entry in data if not isinstance(entry, Reset))
        return [resolved(entry, findings, forgotten, (*path, index)) for index, entry in enumerate(kept)]
    if isinstance(data, Plain):
        return plain_value(data)
    if isinstance(data, Override):
        forgotten.append(path)
        return resolved(data.value, findings, forgotten, path)
    return data


def _entries(data: dict[Any, Data], findings: Findings, forgotten: list[Path], path: Path) -> Iterator[tuple[str, Data]]:
    for key, value in data.items():
        if type(key) is not str:
            findings.add((*path, str(key)), f"the key `{key}` is not text", "write it in quotes")
        elif isinstance(value, Reset):
            forgotten.append((*path, key))
        elif type(value) is str:
            yield key, value
        else:
            yield key, resolved(value, findings, forgotten, (*path, key))


def forget(target: Data, paths: list[Path]) -> None:
    """Remove from `target` what another file tagged `!reset` or `!override`."""
    for path in paths:
        place = target
        for part in path[:-1]:
            place = place.get(part) if isinstance(place, dict) else None
        if isinstance(place, dict) and path:
            place.pop(path[-1], None)
