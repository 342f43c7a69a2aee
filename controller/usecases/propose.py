"""Propose: branches that ask for a decision. Nothing here approves, and nothing here touches the world."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from itertools import product

from controller.core.document import Files
from controller.core.edit import Splices
from controller.core.errors import Refused, SourceError, SpecError
from controller.core.proposal import FOLDER, PENDING, Author, AuthorKind, Edits, Moved, Proposal, Seen, Stale, Standing
from controller.engine.reconcile import Reconciler
from controller.usecases.compare_files import differing_files, patch
from controller.usecases.concealing_effects import concealed_diagnostics
from controller.usecases.proposal_effects import Effects, effects_of
from controller.usecases.proposal_shelf import Shelf
from controller.usecases.proposal_views import ProposalLine, ProposalView, proposal_line, proposal_view
from controller.usecases.proposing_files import Change, check_edits, check_words, contents

MOST_PENDING = 100
"""So many proposals wait at once. Those of the controller, one for each failure, come all the same."""
_DAY = 86_400.0
_FIRST = tuple("".join(each) for each in product("gklmnprstvz", "aeiou"))
_SYLLABLES = (*_FIRST, *("".join(each) for each in product("bdf", "aeiou")))


def speakable() -> str:
    """A short name that people can say, and that cannot be read as a digest."""
    return secrets.choice(_FIRST) + secrets.choice(_SYLLABLES) + secrets.choice(_SYLLABLES)


@dataclass(frozen=True)
class Propose:
    """The use cases of whoever proposes. `must_lead` raises LeaseHeld where another controller writes."""

    reconciler: Reconciler
    shelf: Shelf
    splices: Splices
    must_lead: Callable[[], None]
    new_id: Callable[[], str] = speakable

    def open(
        self, title: str, reason: str, author: Author, change: Change, *, trusted: bool = False, remedies: str = ""
    ) -> ProposalView:
        """A new proposal on the newest revision, with all that it would do. One that is not valid is kept, and not approved.

        `trusted` = the author may do everything. Raises Refused (words, limits, protected paths, nothing changes, too many wait),
        SpecError (an edit cannot be made), SourceError (a hostile path, the repository cannot be written)."""
        self.must_lead()
        title, reason = check_words(title, reason)
        with self.shelf.lock:
            if len(self.shelf.all()) >= MOST_PENDING and author.kind is not AuthorKind.CONTROLLER:
                raise Refused(f"{MOST_PENDING} proposals wait already: decide about some of them first")
            head = self.shelf.source.head()
            edits = self._edits(change, self.shelf.source.read(head.id), author, trusted=trusted)
            id_, now = self._free(), self.shelf.clock.now()
            tip = self.shelf.branches.offer(FOLDER + id_, edits, _message(title, reason, author), _signature(author), on=head.id)
            days = self.reconciler.wanted().estate.policy.proposals.expires
            proposal = Proposal(id_, title, reason, author, head.id, tip.id, now, now + days * _DAY)
            proposal = replace(proposal, remedies=remedies, made=(tip.id,))
            self.shelf.put(proposal)
        self.shelf.tell("ProposalOpened", f"{author.name} proposes {id_}: {title}")
        return self.view(proposal, author, trusted=trusted)

    def revise(
        self, id_: str, reason: str, author: Author, change: Change, *, trusted: bool = False, seen: Seen = None
    ) -> ProposalView:
        """A new commit on top of a proposal: what was said about the one before no longer counts. Raises as `open` does,
        NoProposal, Stale (somebody pushed to it meanwhile), Overtaken (it is not as it was `seen`), and Refused when it
        has ended."""
        self.must_lead()
        with self.shelf.lock:
            proposal = self.shelf.pending(id_, seen)
            _, reason = check_words(proposal.title, reason)
            edits = self._edits(change, self.shelf.source.read(proposal.tip), author, trusted=trusted)
            message = _message(reason.split("\n")[0] or f"Revise {proposal.title}", reason, author)
            try:
                tip = self.shelf.branches.offer(proposal.branch, edits, message, _signature(author), on=proposal.tip)
            except Moved as error:
                raise Stale(f"this was made from what the proposal is no longer: {error}") from error
            proposal = self.shelf.put(proposal.revised(tip.id, author))
        self.shelf.tell("ProposalRevised", f"{author.name} revises {id_}: {proposal.title}")
        return self.view(proposal, author, trusted=trusted)

    def list(self, standings: Collection[Standing] = PENDING) -> tuple[ProposalLine, ...]:
        """Proposals that stand so now, newest first."""
        now = self.shelf.clock.now()
        asked = {*standings, *(PENDING if Standing.EXPIRED in standings else ())}
        return tuple(proposal_line(item, now) for item in self.shelf.all(asked) if item.at(now) in standings)

    def show(self, id_: str, viewer: Author | None = None, *, trusted: bool = False) -> ProposalView:
        """One, with all that it would do now; `viewer` is who would decide, `trusted` = they may do everything.

        Raises NoProposal, SourceError."""
        proposal = self.shelf.get(id_)
        if proposal.at(self.shelf.clock.now()).pending:
            return self.view(proposal, viewer, trusted=trusted)
        return self._ended(proposal)

    def view(self, proposal: Proposal, viewer: Author | None, *, trusted: bool = False) -> ProposalView:
        """A pending proposal, looked at anew."""
        tip = self.shelf.branches.tip_of(proposal.branch)
        now = self.shelf.clock.now()
        if tip is None:
            return ProposalView(proposal_line(proposal, now), "gone", problem=f"its branch {proposal.branch} is gone")
        if tip.id != proposal.tip:
            # Somebody pushed to it: written down by the next that may write.
            proposal = proposal.pushed_to(tip)
        effects = effects_of(self.reconciler, self.shelf.branches, proposal.tip)
        return proposal_view(proposal, effects, viewer, now, self.conceal, trusted=trusted)

    def effects(self, proposal: Proposal) -> Effects:
        """What a pending proposal would do now."""
        return effects_of(self.reconciler, self.shelf.branches, proposal.tip)

    def _ended(self, proposal: Proposal) -> ProposalView:
        line = proposal_line(proposal, self.shelf.clock.now())
        try:
            old, new = self.shelf.source.read(proposal.base), self.shelf.source.read(proposal.tip)
        except SourceError:
            return ProposalView(line, str(line.standing))
        files = differing_files(old, new, self.conceal)
        return ProposalView(line, str(line.standing), files=files, patch=patch(files))

    def _edits(self, change: Change, files: Files, author: Author, *, trusted: bool) -> Edits:
        try:
            edits = contents(change, files, self.reconciler.linker.reader, self.splices)
        except SpecError as error:
            raise SpecError(concealed_diagnostics(error.diagnostics, self.conceal)) from None
        check_edits(edits, author, trusted=trusted)
        return edits

    def _free(self) -> str:
        while True:
            id_ = self.new_id()
            if self.shelf.store.proposals.get(id_) is None and self.shelf.branches.tip_of(FOLDER + id_) is None:
                return id_

    def conceal(self, text: str) -> str:
        """A text without any value that the vault keeps."""
        return self.reconciler.bench.vault.conceal(text)


def signature(name: str) -> str:
    """A name as git takes it for an author."""
    return "".join(each for each in name if each.isprintable() and each not in "<>").strip() or "somebody"


def _signature(author: Author) -> str:
    return signature(author.name)


def _message(title: str, reason: str, author: Author) -> str:
    parts = [title, reason, f"Proposed-by: {signature(author.name)} ({author.kind})"]
    return "\n\n".join(part for part in parts if part)
