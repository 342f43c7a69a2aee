"""Proposals as they are written down, and the branches behind them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import RLock

from controller.core.codec import from_json, to_json
from controller.core.errors import Refused, Severity, SourceError
from controller.core.event import Event
from controller.core.ports import Clock, Source, Store
from controller.core.proposal import FOLDER, PENDING, Branched, Branches, NoProposal, Overtaken, Proposal, Seen, Standing

_LEFT = "proposals.left"
"""The fact that lists branches which could not be dropped yet."""


@dataclass(frozen=True)
class Shelf:
    """The records, and what is done to a branch and its record together. `lock` is held by whoever changes one."""

    source: Source
    store: Store
    clock: Clock
    lock: RLock = field(default_factory=RLock)

    @property
    def branches(self) -> Branches:
        """Those of the repository. Raises Refused where there are none."""
        source: object = self.source
        if not isinstance(source, Branched):
            raise Refused("a plain folder has no branches, so nothing can be proposed: make it a git repository with `git init`")
        return source.branches

    def get(self, id_: str) -> Proposal:
        """One. Raises NoProposal."""
        found = self.store.proposals.get(id_)
        if found is None:
            raise NoProposal(f"there is no proposal {id_!r}; `homelab proposals` lists them")
        return from_json(Proposal, found)

    def all(self, standings: Collection[Standing] = PENDING) -> Sequence[Proposal]:
        """All that were written down with these standings, newest first."""
        return [from_json(Proposal, data) for data in self.store.proposals.list([str(each) for each in standings])]

    def put(self, proposal: Proposal) -> Proposal:
        """Write one down; gives it back."""
        self.store.proposals.put(proposal.id, proposal.created, str(proposal.standing), to_json(proposal))
        return proposal

    def pending(self, id_: str, seen: Seen = None) -> Proposal:
        """One that may still be decided, with the commit that its branch has now. Raises NoProposal, Refused, and Overtaken where
        it is not as it was `seen`."""
        found = self.get(id_)
        standing = found.at(self.clock.now())
        if not standing.pending:
            why = f" ({found.note})" if found.note else ""
            raise Refused(f"proposal {id_} is {standing}{why}: nothing can be decided about it any more")
        now = self.followed(found)
        if seen is not None and seen != (now.tip, now.standing):
            raise Overtaken(f"proposal {id_} is not what was shown of it any more: look at it again")
        return now

    def followed(self, proposal: Proposal) -> Proposal:
        """The record brought to what its branch is: whoever pushed to it has revised it. Raises Refused when it is gone."""
        tip = self.branches.tip_of(proposal.branch)
        if tip is None:
            raise Refused(f"the branch {proposal.branch} of this proposal is gone: propose it again")
        if tip.id == proposal.tip:
            return proposal
        self.tell("ProposalRevised", f"{tip.author or 'somebody'} pushed {tip.short} to {proposal.id}: {proposal.title}")
        return self.put(proposal.pushed_to(tip))

    def end(self, proposal: Proposal) -> Proposal:
        """Write down the end of one, and remove its branch; when that cannot be done now, `sweep` does it."""
        self._leave(lambda left: sorted({*left, proposal.branch}))
        self.put(proposal)
        self._drop(proposal)
        return proposal

    def sweep(self) -> None:
        """Remove the branches of ended proposals that are still there."""
        waiting = {proposal.branch for proposal in self.all()} if self.store.fact(_LEFT) else set()
        for branch in self.store.fact(_LEFT) or ():
            if branch in waiting:  # a crash came before its end was written down
                self._left_no_more(branch)
            else:
                self._drop(self.get(branch.removeprefix(FOLDER)))

    def _drop(self, proposal: Proposal) -> None:
        with suppress(SourceError):
            held = self.branches.tip_of(proposal.branch)
            if held is None or held.id == proposal.tip:  # nobody went on with it
                self.branches.drop(proposal.branch)
            self._left_no_more(proposal.branch)

    def _left_no_more(self, branch: str) -> None:
        self._leave(lambda left: [each for each in left if each != branch])

    def tell(self, reason: str, message: str, severity: Severity = Severity.INFO) -> None:
        """Something happened to a proposal."""
        self.store.append([Event(self.clock.now(), reason, message, severity)])

    def _leave(self, change: Callable[[Collection[str]], list[str]]) -> None:
        self.store.revise(_LEFT, lambda left: change(left or ()) or None)
