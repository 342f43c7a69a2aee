"""Unquoted scalars as the core schema of YAML 1.2 reads them, so `yes`, `22:22` and `12:30:45` are text.

A spelling that Compose's own reader takes for a number or a date, and the core schema does not (`0777`, `1_000`,
`2026-11-22`), stays text as it is written, marked `Plain`: whoever reads a compose file decides what it means."""

from __future__ import annotations

import math
import re

from controller.clients.compose.data import Plain, plain_value

Scalar = None | bool | int | float | str

_CONSTANTS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_FIRST = frozenset("0123456789+-.")
_DECIMAL = re.compile(r"0|[-+]?[1-9][0-9]*")
_BASED = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_ENDLESS = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LEAST, _MOST = -(2**63), 2**64 - 1
_DIGITS = 40


def plain_scalar(text: str) -> Scalar:
    """The value of an unquoted scalar. Raises ValueError, with a sentence, for a number that cannot be kept exactly enough."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _FIRST:
        return text
    if _DECIMAL.fullmatch(text):
        return _integer(text, 10)
    if _BASED.fullmatch(text):
        return _integer(text[2:].lstrip("0") or "0", 16 if text[1] == "x" else 8)
    if _ENDLESS.fullmatch(text):
        raise ValueError(f"{text} is not a number that can be kept")
    if _FLOAT.fullmatch(text) and not _INTEGER.fullmatch(text):
        return _float(text)
    if len(text) <= _DIGITS and plain_value(text) != text:
        return Plain(text)
    return text


def _integer(text: str, base: int) -> int:
    value = int(text, base) if len(text) <= _DIGITS else _MOST + 1
    if not _LEAST <= value <= _MOST:
        raise ValueError("this number does not fit into 64 bits")
    return value


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("this number is too large")
    return value
