"""Proposals: branches of the spec repository that people decide about before they are merged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Protocol, runtime_checkable

from controller.core.document import Files, Revision
from controller.core.errors import Refused, SourceError
from controller.core.policy import RULES, ProposalRules

FOLDER = "homelab/"
"""What the names of our branches begin with."""
OURS = "homelab@localhost"
"""The address of the committer of every commit that is made here."""

Edits = Mapping[str, bytes | None]
"""New contents by path below the spec folder; None = the file goes."""

Veil = Callable[[Sequence[str], int], str]
"""One of the lines of a file as it may be shown: without the value of a sensitive name."""


class Standing(StrEnum):
    """Where a proposal stands. The first two may become any other, the rest are ends."""

    OPEN = "open"
    CHANGES_REQUESTED = "changes-requested"
    MERGED = "merged"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def pending(self) -> bool:
        """True while somebody may still decide."""
        return self in PENDING


PENDING = (Standing.OPEN, Standing.CHANGES_REQUESTED)


class AuthorKind(StrEnum):
    """What somebody is. Only a person is somebody with a name of their own."""

    PERSON = "person"
    TOKEN = "token"  # noqa: S105 (a word)
    ASSISTANT = "assistant"
    CONTROLLER = "controller"


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote something or decides about it."""

    name: str
    kind: AuthorKind = AuthorKind.PERSON


CONTROLLER = Author("controller", AuthorKind.CONTROLLER)


class Word(StrEnum):
    """What was said about a proposal."""

    APPROVE = "approve"
    REJECT = "reject"
    REQUEST_CHANGES = "request-changes"


@dataclass(frozen=True, slots=True)
class Review:
    """One word about one state of a proposal: its commit, and the digests of the rollouts that were shown with it. `at` in
    seconds since the epoch."""

    word: Word
    by: str
    at: float
    reason: str = ""
    tip: str = ""
    digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A branch that waits for a word, or what became of it. The record outlives the branch.

    `base` is the followed commit that it began on, `tip` its newest. `revisers` are others who changed it: it is their own too.
    `merged` is the commit that brought it in, `note` why it ended, `link` where else it is shown (a pull request), `remedies` the
    digest of the failed rollout that it takes back. `approving` is an approval that is being carried out: when a crash comes
    between the merge and the end, its word still counts. `made` are the commits that were made here, `pushed` the newest that
    somebody else put on its branch ("" = none). Times in seconds since the epoch; `closed` 0 = pending."""

    id: str
    title: str
    reason: str
    author: Author
    base: str
    tip: str
    created: float
    expires: float
    standing: Standing = Standing.OPEN
    reviews: tuple[Review, ...] = ()
    revisers: tuple[Author, ...] = ()
    merged: str = ""
    closed: float = 0.0
    note: str = ""
    link: str = ""
    remedies: str = ""
    approving: Review | None = field(default=None)
    made: tuple[str, ...] = ()
    pushed: str = ""

    @property
    def branch(self) -> str:
        """Its branch in the repository."""
        return FOLDER + self.id

    def at(self, now: float) -> Standing:
        """Where it stands at a time, whether that was written down already or not."""
        return Standing.EXPIRED if self.standing.pending and now >= self.expires else self.standing

    def revised(self, tip: str, by: Author) -> Proposal:
        """The same with a new commit: open again, whatever was said about the one before."""
        known = any(each.name == by.name and each.kind is by.kind for each in (self.author, *self.revisers))
        revisers = self.revisers if known else (*self.revisers, by)
        return replace(self, tip=tip, standing=Standing.OPEN, revisers=revisers, approving=None, made=(*self.made, tip))

    def pushed_to(self, tip: Revision) -> Proposal:
        """The same after somebody put a commit on its branch. Who that was is not known: a name in a commit is a claim."""
        revised = self.revised(tip.id, Author(tip.author or "somebody"))
        return replace(revised, made=self.made, pushed="" if tip.id in self.made[:1] else tip.id)

    def reviewed(self, review: Review, standing: Standing) -> Proposal:
        """The same after a word."""
        closed = 0.0 if standing.pending else review.at
        return replace(self, standing=standing, reviews=(*self.reviews, review), closed=closed, approving=None)

    def ended(self, standing: Standing, at: float, note: str, merged: str = "") -> Proposal:
        """The same at its end."""
        return replace(self, standing=standing, closed=at, note=note, merged=merged, approving=None)

    def objection(self, by: Author, rules: ProposalRules, concerns: Collection[str], *, trusted: bool = False) -> str:
        """Why somebody may not approve it, "" when they may. Law: an assistant and the controller never may; with `own: deny`
        nobody may who wrote at it; what `second` names takes a named person who did not write at it, and the same name through
        another door is the same person, and where somebody unknown pushed to it, everybody may have written at it; what may be
        done here (`rules`) is decided by those who are `trusted` with everything."""
        if by.kind in (AuthorKind.ASSISTANT, AuthorKind.CONTROLLER):
            return f"{by.name} proposes, and people decide"
        writers = {each.name.casefold() for each in (self.author, *self.revisers)}
        own = by.name.casefold() in writers and (self.author.kind is not AuthorKind.CONTROLLER or bool(self.revisers))
        weighty = [concern for concern in concerns if any(fnmatchcase(concern, pattern) for pattern in rules.second)]
        if weighty and by.kind is not AuthorKind.PERSON:
            return f"it takes a person ({', '.join(weighty)}): {by.name} is a token"
        unknown = f"commit {self.pushed[:10]} was pushed to its branch, so it may be anybody's own"
        if weighty and self.pushed and not own:
            return f"it takes a second person ({', '.join(weighty)}), and {unknown}: propose it anew"
        if weighty and (own or not by.name):
            return f"it takes a second person ({', '.join(weighty)}), and it is {by.name}'s own"
        if own and rules.own == "deny":
            return f"it is {by.name}'s own, and the rules want somebody else's word (`proposals: {{own: deny}}`)"
        if self.pushed and rules.own == "deny":
            return f"{unknown}, and the rules want somebody else's word (`proposals: {{own: deny}}`): propose it anew"
        if RULES in concerns and not trusted:
            return f"it changes what may be done here, which takes the scope admin: {by.name or 'nobody'} does not have it"
        waits = [each.by for each in self.reviews if each.tip == self.tip and each.word is Word.REQUEST_CHANGES]
        if self.standing is Standing.CHANGES_REQUESTED and waits and waits[-1] != by.name:
            return f"{waits[-1]} asked for changes first"
        return ""


@dataclass(frozen=True, slots=True)
class Preview:
    """A branch merged with the followed one, without writing it: the spec folder's `files` as they would be (of the branch alone
    where there are `conflicts`), the followed commit it was merged with. `same` = nothing would change any more."""

    files: Files
    head: Revision
    conflicts: tuple[str, ...] = ()
    same: bool = False


class Moved(SourceError):
    """A branch is no longer where it was looked at."""


class NotTaken(SourceError):
    """The remote does not take a commit on this branch."""


class MergeByHand(SourceError):
    """Only a person can merge here; `steps` are what they do."""

    def __init__(self, message: str, steps: Sequence[str]) -> None:
        self.steps = tuple(steps)
        super().__init__(message)


class NoProposal(Refused):
    """There is no proposal of that name."""


class Stale(Refused):
    """What was decided about is not what there is now; the message says what moved."""


class Overtaken(Stale):
    """The proposal is not at the commit, or does not stand, as somebody saw it who decides only then."""


Seen = tuple[str, Standing] | None
"""The commit and the standing for which an order about a proposal counts; None = any."""


class Branches(Protocol):
    """Branches of a spec repository. No work tree is touched but those that have a branch checked out; nothing is ever forced."""

    def offer(self, branch: str, edits: Edits, message: str, author: str, *, on: str) -> Revision:
        """Commit contents on top of the commit that they were made for: of the branch, or any where it is new. Raises Moved when
        the branch is not at `on`, and other SourceErrors: nothing changes, a bad name or path, the remote does not take it."""

    def tip_of(self, branch: str) -> Revision | None:
        """Its newest commit; None where there is no such branch."""

    def preview(self, tip: str) -> Preview:
        """A commit merged with the followed branch's newest, as objects only. Raises SourceError (git is too old, no common
        history)."""

    def merge(self, tip: str, head: str, message: str, author: str) -> Revision:
        """Merge a commit into the followed branch, which must be at `head`, by a commit with both as parents. Raises Moved,
        NotTaken, MergeByHand and other SourceErrors, and has then changed nothing."""

    def drop(self, branch: str) -> None:
        """Remove a branch; nothing to do where there is none, or a work tree has it checked out. Raises SourceError."""


@runtime_checkable
class Branched(Protocol):
    """A source that has branches."""

    @property
    def branches(self) -> Branches:
        """Them."""
