"""The steps by which a host comes to be served, in the words and the order in which people follow them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum, StrEnum

from controller.core.state import State


class Stage(StrEnum):
    """One step of a host on its way to its visitors, in order."""

    VALIDATE = "validate"
    ADDRESS = "public IP"
    RECORD = "record"
    PROPAGATION = "propagation"
    ROUTE = "route"
    LOAD = "load"
    CERTIFICATE = "certificate"
    CHECK = "HTTPS check"

    @property
    def heading(self) -> str:
        """Its place among all of them, and its name: `4/8 propagation`."""
        stages = list(Stage)
        return f"{stages.index(self) + 1}/{len(stages)} {self}"


class Moment(IntEnum):
    """Where a change stands when a step is behind it: planned and allowed, about to be written, accepted by its backend, proved
    by its gate."""

    PLANNED = 1
    BEGUN = 2
    DONE = 3
    PROVED = 4


Stages = Mapping[Moment, tuple[Stage, Callable[[State], str]]]
"""The steps that a kind's changes are part of, by the moment at which each is behind them, with what to say of the desired
state then."""
