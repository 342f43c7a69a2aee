"""Energy: how much a house used, as its meters recorded it hour by hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable


class Source(StrEnum):
    """Where energy comes from or goes to."""

    GRID = "grid"
    SOLAR = "solar"
    BATTERY = "battery"


class Direction(StrEnum):
    """IN = the house got it, OUT = it left the house again (fed into the grid, kept in a battery)."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Place:
    """The house's time zone (IANA name) and currency (ISO 4217; "" = not said)."""

    zone: str
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """One way of energy into the house or out of it. `kwh` are kilowatt hours by the start of their hour (seconds since the
    epoch), a negative one takes an earlier hour back; `money` is what these hours cost, or brought for OUT, as far as known.
    `priced` = somebody said what it costs. A meter that began anew counts from zero."""

    source: Source
    direction: Direction
    meter: str
    kwh: Mapping[float, float]
    money: Mapping[float, float] = field(default_factory=dict)
    priced: bool = False


@runtime_checkable
class Measures(Protocol):
    """A provider whose backend records how much energy the house uses."""

    def place(self) -> Place:
        """Whose days and money these are. Raises Transient."""

    def flows(self, since: float, until: float) -> Sequence[Flow]:
        """Every flow with its hours that begin at `since` or later and before `until` (seconds since the epoch). Raises
        Transient, and Refused with what a person must set up first."""
