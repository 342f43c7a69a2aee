"""Verdicts are data: which rule allows, holds or denies a rollout, and what a person said about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """allow < hold (a person may approve) < deny (only another policy helps); the strongest wins."""

    ALLOW = "allow"
    HOLD = "hold"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Decision:
    """One rule's verdict on one rollout, with a reason that a person understands. `concerns` are the names of everything that the
    built-in brakes and risks had to say about it, whatever was decided about that."""

    verdict: Verdict
    rule: str
    reason: str
    concerns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's yes or no to exactly one rollout digest. `at` in seconds since the epoch."""

    digest: str
    approved: bool
    by: str
    at: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A rollout that failed. It is not tried again while every key of it is still desired with the digest that failed.
    `repair` = what failed was to bring the world to what is deployed already: its keys then get no repair either."""

    digest: str
    wanted: dict[str, str]
    culprit: str
    reason: str
    revision: str
    at: float
    repair: bool = False


@dataclass(frozen=True, slots=True)
class Suspension:
    """A key that a person told us to leave alone, on purpose and until resumed."""

    key: str
    by: str
    at: float
    reason: str = ""
