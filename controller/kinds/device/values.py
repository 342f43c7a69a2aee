"""Values under `desired`: how they are read, when an entity can take them, and when two of them mean the same. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Shows = Mapping[str, Any]
"""Attributes of an entity as Home Assistant shows them; capabilities are among them."""
Read = Callable[[Any], Any]
"""A written value in its normal form. Raises ValueError with what may be written."""
Able = Callable[[Any, Shows], str]
"""Why an entity with these attributes cannot take a value, "" when it can."""
Near = Callable[[Any, Any], bool]
"""True when a wanted and a shown value mean the same."""

_MIRED = 1_000_000
_FEW = 20


def words(*known: str, yes: str = "", no: str = "") -> Read:
    """One of some words; `true` and `false` are read as the two that are given for them."""

    def read(value: Any) -> str:
        if isinstance(value, bool):
            value = yes if value else no
        if value in known and isinstance(value, str):
            return value
        raise ValueError(f"one of {', '.join(known)}")

    return read


def text(value: Any) -> str:
    """Any text; what a person writes as a number is one."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or value == "":
        raise ValueError("text")
    return str(value)


def flag(value: Any) -> bool:
    """True or false; on and off mean the same."""
    if isinstance(value, bool):
        return value
    if value in ("on", "off"):
        return bool(value == "on")
    raise ValueError("true or false")


def whole(least: int, most: int) -> Read:
    """A whole number in a range."""

    def read(value: Any) -> int:
        number = _number(value)
        if number is None or number != int(number) or not least <= number <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(number)

    return read


def number(least: float, most: float) -> Read:
    """A number in a range."""

    def read(value: Any) -> float:
        found = _number(value)
        if found is None or not least <= found <= most:
            raise ValueError(f"a number from {least:g} to {most:g}")
        return found

    return read


def numbers(*ranges: tuple[float, float], whole: bool = True) -> Read:
    """A list of numbers, each in its range."""

    def read(value: Any) -> list[float]:
        items = list(value) if isinstance(value, (list, tuple)) else []
        found = [_number(item) for item in items]
        good = len(found) == len(ranges) and all(
            each is not None and least <= each <= most and (not whole or each == int(each))
            for each, (least, most) in zip(found, ranges, strict=True)
        )
        if not good:
            spans = ", ".join(f"{least:g} to {most:g}" for least, most in ranges)
            raise ValueError(f"a list of {len(ranges)} numbers: {spans}")
        return [each for each in found if each is not None]

    return read


def any_entity(_value: Any, _shows: Shows) -> str:
    """Every entity can."""
    return ""


def listed(attribute: str) -> Able:
    """What an attribute lists."""

    def able(value: Any, shows: Shows) -> str:
        known = shows.get(attribute)
        choices = [str(item) for item in known] if isinstance(known, (list, tuple)) else []
        if value in choices:
            return ""
        return f"it knows only {_some(choices)}" if choices else f"it has no {attribute}"

    return able


def between(least: str, most: str, step: str = "") -> Able:
    """What two attributes bound; with `step`, on the grid that starts at the lower one."""

    def able(value: Any, shows: Shows) -> str:
        low, high = _number(shows.get(least)), _number(shows.get(most))
        if (low is not None and value < low) or (high is not None and value > high):
            return f"it takes {_span(low, high)}"
        width = _number(shows.get(step)) if step else None
        if width and low is not None and not _multiple(value - low, width):
            return f"it takes steps of {width:g}, counted from {low:g}"
        return ""

    return able


def featured(bit: int, what: str, then: Able = any_entity) -> Able:
    """What a bit of `supported_features` allows."""

    def able(value: Any, shows: Shows) -> str:
        features = shows.get("supported_features")
        if isinstance(features, int) and not features & bit:
            return f"it cannot {what}"
        return then(value, shows)

    return able


def within(tolerance: float) -> Near:
    """Numbers, or lists of them, that differ by so much at most."""

    def near(wanted: Any, shown: Any) -> bool:
        if isinstance(wanted, (list, tuple)):
            if not isinstance(shown, (list, tuple)) or len(shown) != len(wanted):
                return False
            return all(near(one, other) for one, other in zip(wanted, shown, strict=True))
        one, other = _number(wanted), _number(shown)
        return one is not None and other is not None and abs(one - other) <= tolerance + 1e-9

    return near


def same_hue(wanted: Any, shown: Any) -> bool:
    """Hue in degrees on a circle, and saturation in percent; lamps round both."""
    if not isinstance(shown, (list, tuple)) or len(shown) != len(wanted):
        return False
    turn = abs(wanted[0] - shown[0]) % 360
    pale = min(wanted[1], shown[1]) <= 3  # without saturation there is no hue
    return bool(abs(wanted[1] - shown[1]) <= 3 and (pale or min(turn, 360 - turn) <= 3))


def same_warmth(wanted: Any, shown: Any) -> bool:
    """Kelvin. Lamps are told in mireds, so a step is 6 K for a warm light and 40 K for a cold one."""
    one, other = _number(wanted) or 0.0, _number(shown) or 0.0
    return min(one, other) > 0 and abs(_MIRED / one - _MIRED / other) <= 2.5


def same_value(wanted: Any, shown: Any) -> bool:
    """Texts that are equal, or numbers that are."""
    return bool(wanted == shown) or within(1e-6)(wanted, shown)


def exactly(wanted: Any, shown: Any) -> bool:
    """Equal data."""
    return bool(wanted == shown)


def shown_number(value: Any) -> float | None:
    """A number that Home Assistant shows, also as text; None for what is none."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    found = _number(value)
    return found if found is not None and math.isfinite(found) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return int(value) if value == int(value) else value


def _multiple(distance: float, width: float) -> bool:
    steps = distance / width
    return abs(steps - round(steps)) < 1e-6


def _span(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"at least {low:g}" if low is not None else f"at most {high:g}"
    return f"{low:g} to {high:g}"


def _some(choices: Sequence[str]) -> str:
    more = f" and {len(choices) - _FEW} more" if len(choices) > _FEW else ""
    return f"{', '.join(choices[:_FEW])}{more}"
