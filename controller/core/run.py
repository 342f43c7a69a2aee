"""What was done: runs, journal entries and the ledger of what is ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from controller.core.change import Change
from controller.core.key import Claim, Key
from controller.core.state import State


class Step(StrEnum):
    """Where an entry stands: intended → accepted → done → passed; intended → void; done → undoing → undone; any → stuck."""

    INTENDED = "intended"
    ACCEPTED = "accepted"
    DONE = "done"
    PASSED = "passed"
    VOID = "void"
    UNDOING = "undoing"
    UNDONE = "undone"
    STUCK = "stuck"

    @property
    def open(self) -> bool:
        """True while a crash would leave something to settle."""
        return self in (Step.INTENDED, Step.ACCEPTED, Step.DONE, Step.UNDOING)


class Outcome(StrEnum):
    """How a rollout or a run ended, best first."""

    RUNNING = "Running"
    APPLIED = "Applied"
    UNCHANGED = "Unchanged"
    HELD = "Held"
    DENIED = "Denied"
    WAITING = "Waiting"
    SUPERSEDED = "Superseded"
    ROLLED_BACK = "RolledBack"
    STUCK = "Stuck"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Row:
    """Ledger row: this object is ours. `applied` is the normal form written last (None = a create was intended and not yet
    confirmed), `shown` what the world showed right after. Written before create, dropped after confirmed delete. `found` = it was
    there as declared before it was ours, and we never gave it another meaning: it outlives its declaration."""

    key: Key
    provider: str
    address: str
    handle: str = ""
    applied: State | None = None
    shown: State | None = None
    digest: str = ""
    revision: str = ""
    needs: tuple[Key, ...] = ()
    claims: tuple[Claim, ...] = ()
    protect: bool = False
    stateful: bool = False
    adopted: bool = False
    found: bool = False
    at: float = 0.0
    not_before: float = 0.0

    @property
    def place(self) -> tuple[Key, str]:
        """Key and provider, the primary key of the ledger."""
        return self.key, self.provider


@dataclass(frozen=True, slots=True)
class Entry:
    """One journal line: written before the backend is touched and after each step. `number` orders entries of a run;
    `row` is the ledger row as it was before (None = there was none), which an undo puts back; `not_before` = its backend allows
    it from then on only (seconds since the epoch)."""

    run: str
    number: int
    rollout: str
    change: Change
    step: Step
    at: float
    handle: str = ""
    note: str = ""
    retained: tuple[str, ...] = ()
    row: Row | None = None
    not_before: float = 0.0

    def moved(self, step: Step, at: float, **rest: Any) -> Entry:
        """The same entry one step on."""
        return replace(self, step=step, at=at, **rest)


@dataclass(frozen=True, slots=True)
class RolloutRun:
    """How one rollout of a run ended. `changes` are (key, action, cause) for people; `not_before` = a backend allows it from then
    on only (seconds since the epoch)."""

    digest: str
    outcome: Outcome
    reason: str = ""
    changes: tuple[tuple[str, str, str], ...] = ()
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """One pass that wrote, or meant to. Times in seconds since the epoch; `finished` 0 = still running or died."""

    id: str
    revision: str
    cause: str
    by: str
    started: float
    finished: float = 0.0
    outcome: Outcome = Outcome.RUNNING
    reason: str = ""
    rollouts: tuple[RolloutRun, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class RunTime:
    """A run as far as it is counted: when it started and finished (0 = never), and how."""

    started: float
    finished: float
    outcome: Outcome


class RunTimes(Protocol):
    """A store that can count runs without reading what they did."""

    def run_times(self, since: float) -> Sequence[RunTime]:
        """Every run that started then or later (seconds since the epoch), oldest first."""
