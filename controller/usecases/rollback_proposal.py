"""A rollback that the repository does not take from here: it waits as a proposal, or a person is told what to do."""

from __future__ import annotations

from controller.core.errors import Refused, SourceError
from controller.core.proposal import Author, NotTaken
from controller.usecases.propose import Propose
from controller.usecases.proposing_files import TITLE, Change, difference
from controller.usecases.rollback import Rollback, WayBack


def instead(
    propose: Propose | None, rollback: Rollback, way: WayBack, by: Author, error: SourceError
) -> tuple[str, tuple[str, ...]]:
    """Why a rollback was not written, and what can be done: approve the proposal that waits now, where only the followed branch
    is closed; else the steps by hand."""
    if propose is not None and isinstance(error, NotTaken):
        try:
            return _proposed(propose, rollback, way, by, error)
        except (Refused, SourceError) as other:
            return f"{error}; and it cannot be proposed: {other}", rollback.by_hand(way)
    return str(error), rollback.by_hand(way)


def _proposed(propose: Propose, rollback: Rollback, way: WayBack, by: Author, error: SourceError) -> tuple[str, tuple[str, ...]]:
    source = rollback.source
    old, new = source.read(way.revision), source.read(source.head().id)
    edits = {path: old.read(path) for path in way.files} if way.files else difference(new, old)
    title, _, reason = way.message.partition("\n")
    view = propose.open(title[:TITLE], reason.strip(), by, Change(edits, seen=new))
    id_ = view.proposal.id
    return f"{error}: it waits as proposal {id_}", (f"homelab approve {id_}", f"(or merge {view.proposal.branch} where you may)")
