"""Proposals when no controller runs: this process does the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from controller.cli.exits import ERROR, Answered
from controller.cli.proposal_desk import Data, Heard
from controller.cli.recorded import recorded
from controller.core.codec import to_data
from controller.core.proposal import PENDING, MergeByHand, Standing
from controller.usecases.access import Access, Actor, Scope
from controller.usecases.propose import Propose
from controller.usecases.proposing_files import Change
from controller.usecases.review import Reviewing


class OwnProposals:
    """`proposal_desk.ProposalDesk` by this process."""

    def __init__(
        self, propose: Propose, review: Reviewing, access: Access, actor: Actor, make_pass: Callable[[str, Heard], Data]
    ) -> None:
        self._propose, self._review, self._make_pass = propose, review, make_pass
        self.access, self.actor = access, actor

    def list(self, standing: str) -> Sequence[Data]:
        wanted = {"pending": PENDING, "all": tuple(Standing)}.get(standing) or (Standing(standing),)
        return [_data(item) for item in self._propose.list(wanted)]

    def show(self, id_: str) -> Data:
        return _data(self._propose.show(id_, self.actor.author, trusted=self._trusted))

    @recorded("propose")
    def open(self, title: str, reason: str, change: Change) -> Data:
        return _data(self._propose.open(title, reason, self.actor.author, change, trusted=self._trusted))

    @recorded("revise")
    def revise(self, id_: str, reason: str, change: Change) -> Data:
        return _data(self._propose.revise(id_, reason, self.actor.author, change, trusted=self._trusted))

    def approve(self, shown: Data, reason: str, heard: Heard | None) -> Data:
        made = self._approve(shown["proposal"]["id"], shown, reason)
        return {**made, "done": self._make_pass("proposal", heard) if heard else None}

    @recorded("approve-proposal")
    def _approve(self, id_: str, shown: Data, reason: str) -> Data:
        try:
            tip, digests = shown["proposal"]["tip"], shown["digests"]
            made = self._review.approve(id_, tip, digests, self.actor.author, reason, trusted=self._trusted)
        except MergeByHand as error:
            raise Answered(ERROR, str(error), by_hand=error.steps) from error
        return _data(made)

    @recorded("reject-proposal")
    def reject(self, id_: str, reason: str) -> Data:
        return _data(self._review.reject(id_, self.actor.author, reason))

    @recorded("request-changes")
    def request_changes(self, id_: str, reason: str) -> Data:
        return _data(self._review.request_changes(id_, self.actor.author, reason))

    @property
    def _trusted(self) -> bool:
        return self.actor.may(Scope.ADMIN)


def _data(view: object) -> Data:
    found: Data = to_data(view)
    return found
