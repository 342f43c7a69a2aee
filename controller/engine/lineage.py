"""Lineage: which revision is the deployed one, and which may take its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from controller.core.document import Revision
from controller.core.plan import Note, Plan, Rollout
from controller.core.ports import Source, Store
from controller.engine.hold import WALLS
from controller.engine.plan import Situation

_LIVE = "live-revision"
_ACCEPTED = "accepted-revision"


@dataclass(frozen=True)
class Lineage:
    """A revision that does not descend from the deployed one takes its place only when a person accepted it, even when its plan
    is empty: through an older commit that changes nothing, a second one could be reached that does."""

    source: Source
    store: Store

    @property
    def live(self) -> str:
        """The deployed revision; "" before the first."""
        return self.store.fact(_LIVE) or ""

    def doubt(self, revision: Revision) -> str:
        """Why a revision may not simply take the place of the deployed one; "" = it may."""
        live = self.live
        if not live or not revision.id or live == revision.id or revision.id == "worktree":
            return ""
        if self.source.descends(revision.id, live):
            return ""
        return f"{revision.short} does not descend from the deployed {live[:10]} (force-push or another branch?)"

    def plea(self, revision: Revision, doubt: str, plan: Plan) -> str:
        """What a person is told about a doubtful revision that has nothing else to approve; "" when it was accepted."""
        if not doubt or more_than_repairs(plan.rollouts) or self._accepted(revision):
            return ""
        return f"{doubt}; nothing is to be done for it now, and `homelab approve {revision.short}` accepts it"

    def accept(self, revision: Revision) -> None:
        """A person wants this revision although it does not descend: by an approval of it, or of something in its plan."""
        if self.doubt(revision):
            self.store.remember(_ACCEPTED, revision.id)

    def follow(self, revision: Revision, *, pending: bool) -> bool:
        """Let a revision be the deployed one as soon as it may; a doubtful one not while something of it is `pending`. False =
        nothing may be taken from it without a person."""
        live = self.live
        if revision.id in ("", live):
            return True
        doubtful = bool(self.doubt(revision))
        if doubtful and not self._accepted(revision):
            return False
        if not (doubtful and pending):
            self.store.remember(_LIVE, revision.id)
            if self.store.fact(_ACCEPTED):
                self.store.remember(_ACCEPTED, "")  # the word was for this once
        return True

    def _accepted(self, revision: Revision) -> bool:
        return bool(self.store.fact(_ACCEPTED) == revision.id)


def outstanding(plan: Plan, situation: Situation) -> bool:
    """True when something that the specification wants otherwise is not done yet: planned, or left out because its backend cannot
    be seen or asked for now."""
    return more_than_repairs(plan.rollouts) or any(_unsettled(note, situation) for note in plan.notes if note.reason in WALLS)


def _unsettled(note: Note, situation: Situation) -> bool:
    """True when what is wanted of a key is not what was done last."""
    resource = situation.estate.resources.get(note.key)
    row = situation.rows.get((note.key, note.provider or (resource.provider if resource else "")))
    return (resource.digest if resource else "") != (row.digest if row else "")


def more_than_repairs(rollouts: Iterable[Rollout]) -> bool:
    """True when some change is wanted by the specification, and not only by what somebody did to the world."""
    return any(not change.drift for rollout in rollouts for change in rollout.changes)
