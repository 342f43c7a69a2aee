"""What a provider can do before its time because a person asks for it: renew."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event as Flag
from typing import Protocol, runtime_checkable

from controller.core.state import State, Target


@dataclass(frozen=True, slots=True)
class Renewal:
    """One certificate in place of another, both as visitors got them: serial numbers in hex, who signed the new one, and until
    when it is valid (seconds since the epoch)."""

    host: str
    before: str
    after: str
    issuer: str
    until: float


@runtime_checkable
class Renews(Protocol):
    """A provider whose objects can be had anew while their declaration stays the same."""

    def renew(self, target: Target, state: State, interrupt: Flag) -> Renewal:
        """Have it anew as it is declared (`state`); returns when visitors get the new one. Raises Transient, Permanent (why there
        is none), Interrupted. What was there before is in force until then, as far as the backend allows."""
