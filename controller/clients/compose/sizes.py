"""Amounts of memory as Compose reads them: binary units whatever their spelling."""

from __future__ import annotations

from controller.clients.compose.findings import Invalid
from controller.clients.compose.text import decimal_of

_UNITS = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50}
_HINT = "write a number and a unit, such as `512m` or `1.5g`"


def parse_bytes(value: str | int) -> int:
    """Bytes of `512m`, `1.5g`, `64 KiB`, `1024`, 1024; -1 stands for unlimited. Raises Invalid."""
    if isinstance(value, int):
        return value
    if value == "-1":
        return -1
    end = max((position for position, sign in enumerate(value) if sign in "0123456789. "), default=-1)
    if end < 0:
        raise Invalid(f"`{value}` is not a size", _HINT)
    number, suffix = (value[:end] if value[end] == " " else value[: end + 1]), value[end + 1 :].lower()
    try:
        size = decimal_of(number)
    except Invalid:
        raise Invalid(f"`{value}` is not a size", _HINT) from None
    if size < 0 or suffix not in _SUFFIXES:
        raise Invalid(f"`{value}` is not a size", _HINT)
    return int(size * _SUFFIXES[suffix])


_SUFFIXES = {"": 1, "b": 1} | {unit + tail: factor for unit, factor in _UNITS.items() for tail in ("", "b", "ib")}
