"""Numbers and truth values as Compose writes them into text (Go's `%v`), and text as it reads them back."""

from __future__ import annotations

import math
import struct
from decimal import Decimal

from controller.clients.compose.data import Data
from controller.clients.compose.findings import Invalid

_TRUE = frozenset({"true", "y", "yes", "on"})
_FALSE = frozenset({"false", "n", "no", "off"})
_EXPONENT_FROM = 6
_LARGEST_INT, _SMALLEST_INT = 2**64, -(2**63)


def text_of(value: Data) -> str:
    """A scalar as the text that Compose puts into an environment, a label or an option; nothing becomes empty text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list) or (isinstance(value, int) and _SMALLEST_INT <= value < _LARGEST_INT):
        return str(value)
    return _float_text(float(value))


def _float_text(value: float) -> str:
    """The shortest digits that read back the same, with an exponent below 1e-4 and from 1e6 on (see `strconv.FormatFloat`)."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")
    number = Decimal(repr(value)).normalize()
    digits, power = "".join(map(str, number.as_tuple().digits)), number.adjusted()
    if value == 0 or -4 <= power < _EXPONENT_FROM:
        return f"{number:f}"
    sign = "-" if number.is_signed() else ""
    return f"{sign}{digits[0]}{'.' + digits[1:] if digits[1:] else ''}e{'-' if power < 0 else '+'}{abs(power):02}"


def single_precision(value: float) -> float:
    """The number that a 32-bit float of this value prints as (Compose holds processor shares in 32 bits)."""
    try:
        packed = struct.pack("f", value)
    except OverflowError:
        raise Invalid(f"{value} is too large") from None
    for digits in range(1, 10):
        near = float(f"{value:.{digits}g}")
        if struct.pack("f", near) == packed:
            return near
    return float(value)


def boolean_of(value: str) -> bool:
    """The truth value that a text stands for."""
    word = value.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise Invalid(f"`{value}` is neither true nor false", "write `true` or `false`")


def integer_of(value: str) -> int:
    """The whole number that a text stands for: an optional sign and decimal digits."""
    digits = value[1:] if value[:1] in ("+", "-") else value
    if not (digits.isascii() and digits.isdigit()):
        raise Invalid(f"`{value}` is not a whole number")
    return int(value)


def decimal_of(value: str) -> float:
    """The number that a text stands for."""
    try:
        if value.strip() != value or "_" in value:
            raise ValueError(value)
        return float(value)
    except ValueError:
        raise Invalid(f"`{value}` is not a number") from None
