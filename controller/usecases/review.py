"""Review: what people say about proposals. An approval is for exactly what was shown, and merges exactly that."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace

from controller.core.decision import Approval
from controller.core.document import Revision
from controller.core.errors import Refused, SourceError
from controller.core.proposal import Author, MergeByHand, Proposal, Review, Seen, Stale, Standing, Word
from controller.usecases.proposal_effects import Effects
from controller.usecases.proposal_shelf import Shelf
from controller.usecases.proposal_views import ProposalLine, problem_of, proposal_line
from controller.usecases.propose import Propose, signature
from controller.usecases.proposing_files import check_words

ATTEMPTS = 3
"""So often an approval goes on when somebody else was faster."""


@dataclass(frozen=True, slots=True)
class Merged:
    """An approved proposal, the commit that brought it in, and the held rollouts that the word counts for."""

    proposal: ProposalLine
    revision: str
    digests: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reviewing:
    """The use cases of whoever decides, and the upkeep of proposals. A pass has to follow an approval."""

    propose: Propose
    must_lead: Callable[[], None]
    _seen: dict[str, tuple[str, str]] = field(default_factory=dict, init=False, repr=False)

    @property
    def shelf(self) -> Shelf:
        """Where the records are."""
        return self.propose.shelf

    def approve(
        self,
        id_: str,
        tip: str,
        digests: Collection[str],
        by: Author,
        reason: str = "",
        *,
        trusted: bool = False,
        seen: Seen = None,
    ) -> Merged:
        """Merge a proposal whose commit is `tip` and whose rollouts are exactly `digests`, as they were shown.

        Raises Stale (it would do something else by now), Overtaken (it is not as it was `seen`), Refused (not valid, denied, not
        by this one, ended), NoProposal, MergeByHand, and other SourceErrors when it cannot be written; then nothing was merged.
        `trusted` = `by` may do everything."""
        self.must_lead()
        check_words("title", reason)
        for _ in range(ATTEMPTS):
            with self.shelf.lock:
                proposal = self.shelf.pending(id_, seen)
            effects = self.propose.effects(proposal)  # as long as backends take: other decisions do not wait for that
            with self.shelf.lock:
                proposal = self.shelf.pending(id_, seen)  # with whatever was said about it meanwhile
                self._check(proposal, effects, tip, digests)
                if objection := proposal.objection(by, effects.rules, effects.concerns, trusted=trusted):
                    raise Refused(f"{by.name or 'nobody'} cannot approve proposal {proposal.id}: {objection}")
                word = Review(Word.APPROVE, by.name, self._now, reason, proposal.tip, effects.held)
                if (merged := self._merged(proposal, effects, word, _message(proposal, by, reason))) is not None:
                    return merged
        raise Stale(f"others commit faster than proposal {id_} can be merged: look at it again")

    def reject(self, id_: str, by: Author, reason: str = "", seen: Seen = None) -> ProposalLine:
        """Say no: it ends. Raises Refused, NoProposal, Overtaken (it is not as it was `seen`)."""
        proposal = self._said(Review(Word.REJECT, by.name, self._now, reason), id_, Standing.REJECTED, seen)
        self.shelf.tell("ProposalRejected", _told(by, proposal, reason))
        return proposal_line(proposal, self._now)

    def request_changes(self, id_: str, by: Author, reason: str, seen: Seen = None) -> ProposalLine:
        """Say what has to change first. Raises Refused, NoProposal, Overtaken (it is not as it was `seen`)."""
        if not reason.strip():
            raise Refused("say what has to change")
        word = Review(Word.REQUEST_CHANGES, by.name, self._now, reason)
        proposal = self._said(word, id_, Standing.CHANGES_REQUESTED, seen)
        self.shelf.tell("ChangesRequested", _told(by, proposal, reason))
        return proposal_line(proposal, self._now)

    def expire(self, proposal: Proposal, note: str) -> Proposal:
        """End one that nobody is to decide about any more."""
        ended = self.shelf.end(proposal.ended(Standing.EXPIRED, self._now, note))
        self.shelf.tell("ProposalExpired", f"{ended.id}: {ended.title}: {note}")
        return ended

    def tend(self) -> bool:
        """Write down what became of proposals by time and by what others did in git. True when held rollouts got their word by
        that: another pass is needed. Only for who leads."""
        again = False
        with self.shelf.lock:
            pending = self.shelf.all()
            head = self.shelf.source.head().id if pending else ""
            for proposal in pending:
                with suppress(SourceError, Refused):
                    again |= self._tended(proposal, head)
            self.shelf.sweep()
        return again

    # An approval

    def _check(self, proposal: Proposal, effects: Effects, tip: str, digests: Collection[str]) -> None:
        if len(tip) < 6 or not proposal.tip.startswith(tip) or effects.tip != proposal.tip:
            raise self._stale(proposal, f"it was revised since: {proposal.tip[:10]} is its newest commit, not {tip[:10]}")
        if problem := problem_of(effects):
            raise Refused(f"proposal {proposal.id} cannot be approved: {self.propose.conceal(problem)}")
        if sorted(digests) != sorted(effects.digests):
            raise self._stale(proposal, _moved(digests, effects))

    def _stale(self, proposal: Proposal, why: str) -> Stale:
        why = self.propose.conceal(why)
        self.shelf.tell("ProposalStale", f"{proposal.id}: {proposal.title}: {why}")
        return Stale(f"this is not what was shown of proposal {proposal.id} any more: {why}; look at it again")

    def _merged(self, proposal: Proposal, effects: Effects, word: Review, message: str) -> Merged | None:
        """Merge it; None when somebody else was faster."""
        try:
            return self._merge(proposal, effects, word, message)
        except SourceError as error:
            if isinstance(error, MergeByHand) or not self._overtaken(effects.head):
                raise
            head = self.shelf.source.head()
            if self.shelf.source.descends(head.id, proposal.tip):  # it went through, and only the answer was lost
                return self._brought_in(proposal, word, head, word.digests)
            return None

    def _merge(self, proposal: Proposal, effects: Effects, word: Review, message: str) -> Merged:
        self.shelf.put(replace(proposal, approving=word))
        try:
            made = self.shelf.branches.merge(proposal.tip, effects.head.id, message, signature(word.by))
        except MergeByHand:
            # The word stays: it counts as soon as somebody has merged this commit.
            self.shelf.put(proposal.reviewed(word, Standing.OPEN))
            raise
        except SourceError:
            self.shelf.put(proposal)
            raise
        return self._brought_in(proposal, word, made, word.digests)

    def _brought_in(self, proposal: Proposal, word: Review, made: Revision, digests: Collection[str]) -> Merged:
        """Let the word count for rollouts, and write the end down; in this order, so that a crash in between repeats it."""
        for digest in digests:
            said = f"proposal {proposal.id}" + (f": {word.reason}" if word.reason else "")
            self.shelf.store.approve(Approval(digest, True, word.by, self._now, said))
        known = word in proposal.reviews
        ended = proposal if known else proposal.reviewed(word, Standing.MERGED)
        ended = self.shelf.end(ended.ended(Standing.MERGED, self._now, f"approved by {word.by}", made.id))
        self.shelf.tell("ProposalApproved", _told(Author(word.by), ended, word.reason))
        return Merged(proposal_line(ended, self._now), made.id, tuple(digests))

    def _overtaken(self, head: Revision) -> bool:
        """True when the branch has moved on: by now it is another merge."""
        self.shelf.source.fetch()
        return self.shelf.source.head().id != head.id

    def _said(self, word: Review, id_: str, standing: Standing, seen: Seen) -> Proposal:
        self.must_lead()
        check_words("title", word.reason)
        with self.shelf.lock:
            proposal = self.shelf.pending(id_, seen)
            said = proposal.reviewed(replace(word, tip=proposal.tip), standing)
            return self.shelf.put(said) if standing.pending else self.shelf.end(said)

    # Upkeep

    def _tended(self, proposal: Proposal, head: str) -> bool:
        tip = self.shelf.branches.tip_of(proposal.branch)
        if tip is not None:
            proposal = self.shelf.followed(proposal)
        if self._is_in(proposal, tip, head):
            return self._recognised(proposal, head)
        if proposal.approving is not None:
            proposal = self.shelf.put(replace(proposal, approving=None))
        if tip is None:
            self.expire(proposal, "its branch was removed")
        elif not proposal.at(self._now).pending:
            self.expire(proposal, "nobody decided in time")
        return False

    def _is_in(self, proposal: Proposal, tip: Revision | None, head: str) -> bool:
        """True when the followed branch holds all of it: merged with its history, or as one commit at a forge."""
        if self._seen.get(proposal.id) == (proposal.tip, head):
            return False
        if self.shelf.source.descends(head, proposal.tip):
            return True
        if tip is not None and head != proposal.base and self.shelf.branches.preview(proposal.tip).same:
            return True
        self._seen[proposal.id] = proposal.tip, head
        return False

    def _recognised(self, proposal: Proposal, head: str) -> bool:
        """It was merged, by us before a crash or by somebody else."""
        said = [word for word in proposal.reviews if word.word is Word.APPROVE and word.tip == proposal.tip]
        word = proposal.approving or (said[-1] if said else None)
        made = self.shelf.source.revision(head)
        if word is not None:
            # What was done since used the word up.
            planned = {rollout.digest for rollout in self.propose.reconciler.survey().plan.rollouts}
            left = [digest for digest in word.digests if digest in planned]
            return bool(self._brought_in(proposal, word, made, left).digests)
        ended = self.shelf.end(proposal.ended(Standing.MERGED, self._now, "merged in git", made.id))
        self.shelf.tell("ProposalApproved", f"{ended.id} was merged in git: {ended.title}")
        return False

    @property
    def _now(self) -> float:
        return self.shelf.clock.now()


def _told(by: Author, proposal: Proposal, reason: str) -> str:
    return f"{by.name}: {proposal.id} ({proposal.title})" + (f": {reason}" if reason else "")


def _moved(digests: Collection[str], effects: Effects) -> str:
    """Which rollouts are no longer the ones that were shown."""
    shown = {rollout.digest: rollout for rollout in effects.rollouts}
    come = [f"{shown[each].short} ({', '.join(map(str, shown[each].keys))})" for each in effects.digests if each not in digests]
    gone = [each[:12] for each in digests if each not in shown]
    said = [f"it would do {', '.join(come)} too"] if come else []
    return " and ".join([*said, *([f"{', '.join(gone)} is no longer among it"] if gone else [])]) + (
        ": the specification, the world or the rules have moved"
    )


def _message(proposal: Proposal, by: Author, reason: str) -> str:
    parts = [f"Merge proposal {proposal.id}: {proposal.title}", proposal.reason, f"Approved: {reason}" if reason else ""]
    people = [f"Proposed-by: {signature(proposal.author.name)} ({proposal.author.kind})"]
    people += [f"Approved-by: {signature(by.name)} ({by.kind})"]
    return "\n\n".join(part for part in (*parts, "\n".join(people)) if part)
