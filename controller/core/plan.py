"""A plan is data: rollouts that stand or fall together, and what could not be planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controller.core.change import Change
from controller.core.document import Revision
from controller.core.key import Key
from controller.core.state import fingerprint


@dataclass(frozen=True, slots=True)
class Rollout:
    """Changes connected by needs, references or claims, in the order in which they run; applied and undone as one.

    `digest` binds an approval to exactly what was shown: every change's identity and the policy version. An unrelated
    commit or live change does not alter it. `wanted` is the desired digest per key, which quarantine remembers."""

    changes: tuple[Change, ...]
    digest: str

    @classmethod
    def of(cls, changes: Sequence[Change], policy: str) -> Rollout:
        """Seal changes, already in running order, under a policy version."""
        return cls(tuple(changes), fingerprint([sorted(change.identity() for change in changes), policy]))

    @property
    def short(self) -> str:
        """The first twelve digits, enough for people and for `homelab approve`."""
        return self.digest[:12]

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys it touches, in running order."""
        return tuple(change.key for change in self.changes)

    @property
    def wanted(self) -> dict[str, str]:
        """Desired digest per key ("" = gone)."""
        return {str(change.key): change.digest for change in self.changes}

    @property
    def drift(self) -> bool:
        """True when every change only repairs what the world lost."""
        return all(change.drift for change in self.changes)


UNKNOWN = "Unknown"
"""The reason of a note about what could not be looked at or looked up."""


@dataclass(frozen=True, slots=True)
class Note:
    """A key that gets no change, and why: unknown, foreign, unmarked, suspended, quarantined, observed drift, waiting for a time
    (`until`, seconds since the epoch) or blocked by something that it needs (`wall`: the first in the row that is not there)."""

    key: Key
    reason: str
    message: str
    provider: str = ""
    until: float = 0.0
    wall: Key | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done to reach a revision. No rollouts = nothing to do."""

    revision: Revision
    rollouts: tuple[Rollout, ...] = ()
    notes: tuple[Note, ...] = ()
    policy: str = ""

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change of every rollout, in running order."""
        return tuple(change for rollout in self.rollouts for change in rollout.changes)

    @property
    def digest(self) -> str:
        """Identity of the whole plan: its rollouts' digests."""
        return fingerprint(sorted(rollout.digest for rollout in self.rollouts))
