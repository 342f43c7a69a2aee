"""Pull requests: what people review at a forge and the proposals here, kept the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from controller.core.codec import from_json, to_json
from controller.core.decision import Approval
from controller.core.errors import HomelabError, Refused, Severity, SourceError
from controller.core.forge import Check, Forge, PullRequest, Stage
from controller.core.policy import RULES, ProposalRules
from controller.core.proposal import FOLDER, Author, NoProposal, Proposal, Standing, Word
from controller.engine.reconcile import Reconciler
from controller.usecases import pull_words
from controller.usecases.actors import Scope
from controller.usecases.proposal_effects import Effects, effects_of, held
from controller.usecases.proposal_shelf import Shelf
from controller.usecases.pull_writers import Writers, objection, writers_of

MARK = "homelab plan"
"""What our comment is found by."""

_TRACKED = "pulls.tracked"
_AGAIN, _DAY = 600.0, 86_400.0
"""Seconds after which a plan that was told is made again: the world may have moved. So long a merged commit may take to come."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """What was last told in a pull request: of which commits, which rollouts a merge of them approves, and by which rules (those
    that were deployed then: a pull request does not choose the rules of its own merge). `at` in seconds since the epoch, 0 = it
    could not be told yet."""

    number: int
    tip: str
    head: str
    at: float
    title: str
    author: str
    held: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()
    own: str = "deny"
    second: tuple[str, ...] = ("*",)
    writers: Writers = field(default_factory=Writers)

    @property
    def rules(self) -> ProposalRules:
        """Who may approve it."""
        return ProposalRules.model_validate({"own": self.own, "second": self.second})


@dataclass
class Pulls:
    """One repository's pull requests. `forge` is the present one (None = none is declared), `base` the branch that is followed.
    Used by one thread."""

    shelf: Shelf
    reconciler: Reconciler
    forge: Callable[[], Forge | None]
    base: Callable[[], str]
    _told: dict[int, Tracked] = field(default_factory=dict, init=False)

    def keep(self) -> bool:
        """One round: open what has no pull request yet, tell the plans, take in what was merged or closed there. True when held
        rollouts got their word by that: another pass is needed.

        Raises Transient and Permanent (the forge), SourceError (git), JournalError."""
        forge, base = self.forge(), self.base()
        if forge is None or not base:
            return False
        failed: list[HomelabError] = []
        self._open(forge, base, failed)
        standing = forge.pulls(base)
        self._told = self._remembered()
        for pull in standing:
            try:
                self._show(forge, pull)
            except HomelabError as error:  # one that cannot be told must not hide the others
                failed.append(error)
        again = False
        for number in self._told.keys() - {pull.number for pull in standing}:
            try:
                again |= self._left(forge, number, base)
            except HomelabError as error:
                failed.append(error)
        if failed:
            raise failed[0]
        return again

    def _left(self, forge: Forge, number: int, base: str) -> bool:
        """One that is no longer open for this branch."""
        found, known = forge.pull(number), self._told[number]
        if found is not None and found.stage is Stage.OPEN:
            return False  # it asks for another branch now, or was opened again a moment ago
        here = found is not None and found.base == base
        if found is not None and here and found.stage is Stage.MERGED and not self._arrived(found):
            if self.shelf.clock.now() - known.at < _DAY:
                return False  # the commit is not here yet
            here = False
        again = self._ended(found, known) if found is not None and here else False
        self._remember({key: each for key, each in self._told.items() if key != number})
        return again

    def _arrived(self, pull: PullRequest) -> bool:
        """True when the followed branch holds what was merged there."""
        source = self.shelf.source
        return bool(pull.merge) and source.descends(source.head().id, pull.merge)

    def _open(self, forge: Forge, base: str, failed: list[HomelabError]) -> None:
        """A pull request for every proposal that waits."""
        with suppress(Refused):  # a folder has no branches
            branches = self.shelf.branches
            for proposal in self.shelf.all():
                if proposal.link or not proposal.at(self.shelf.clock.now()).pending or branches.tip_of(proposal.branch) is None:
                    continue
                try:
                    made = forge.open(proposal.branch, base, proposal.title, self._conceal(pull_words.opening(proposal)))
                except HomelabError as error:
                    failed.append(error)
                    continue
                with self.shelf.lock:
                    self.shelf.put(replace(self.shelf.get(proposal.id), link=made.url))

    def _show(self, forge: Forge, pull: PullRequest) -> None:
        proposal = self._proposal(pull)
        if proposal is not None and not proposal.standing.pending:
            forge.comment(pull.number, MARK, self._conceal(pull_words.ending(proposal)))
            forge.close(pull.number)
            return
        if not pull.branch:
            forge.comment(pull.number, MARK, pull_words.FORK)
            return
        now, known, head = self.shelf.clock.now(), self._told.get(pull.number), self.shelf.source.head()
        if known is not None and (known.tip, known.head) == (pull.tip, head.id) and now - known.at < _AGAIN:
            return
        # Until its plan can be read there, a merge approves nothing.
        told = Tracked(pull.number, pull.tip, head.id, 0.0, pull.title, pull.author)
        self._remember({**self._told, pull.number: told})
        try:
            effects = effects_of(self.reconciler, self.shelf.branches, pull.tip)
        except SourceError as error:
            forge.comment(pull.number, MARK, self._conceal(pull_words.unplanned(str(error))))
            forge.check(pull.tip, Check.FAILURE, self._conceal(pull_words.plain(str(error))))
            return
        told = replace(told, writers=writers_of(forge.commits(pull.number), pull.tip, proposal))
        said = pull_words.comment(effects, self._hint(effects, proposal, told), told.writers.names)
        forge.comment(pull.number, MARK, self._conceal(said.text))
        check, words = pull_words.status(effects)
        forge.check(pull.tip, check, self._conceal(words))
        rules = effects.rules
        told = replace(
            told, head=effects.head.id, at=now, held=said.held, concerns=effects.concerns, own=rules.own, second=rules.second
        )
        self._remember({**self._told, pull.number: told})

    def _hint(self, effects: Effects, proposal: Proposal | None, told: Tracked) -> str:
        """Why nobody's merge would approve, or its author's own would not; "" = it would."""
        record, rules, concerns = proposal or _as_proposal(told), effects.rules, effects.concerns
        # No account has a space in its name: this is somebody who did not write at it.
        anybody = objection(record, told.writers, Author("somebody else"), rules, concerns, trusted=True)
        author = Author(told.author)
        return anybody or objection(record, told.writers, author, rules, concerns, trusted=self._trusted(told.author))

    def _ended(self, pull: PullRequest, known: Tracked) -> bool:
        proposal = self._proposal(pull)
        if pull.stage is Stage.MERGED:
            return self._merged(pull, known, proposal)
        if proposal is not None and proposal.standing.pending:
            with self.shelf.lock:
                ended = proposal.ended(Standing.REJECTED, self.shelf.clock.now(), f"pull request {pull.number} was closed")
                self.shelf.end(ended)
            self.shelf.tell("ProposalRejected", f"pull request {pull.number} of {proposal.id} was closed: {proposal.title}")
        return False

    def _merged(self, pull: PullRequest, known: Tracked, proposal: Proposal | None) -> bool:
        """A merge there is a word, of whoever made it, about exactly what our comment showed."""
        if proposal is not None and any(review.word is Word.APPROVE for review in proposal.reviews):
            return False  # it was merged from here
        what = f"pull request {pull.number} ({known.title})"
        why = self._doubt(pull, known, proposal)
        found = self.reconciler.survey()
        # A word about anything that does not wait for one now would lie around for later.
        words = () if why else [each for each in held(found.plan.rollouts, found.decisions) if each in known.held]
        if why and (known.held or RULES in known.concerns):
            rest = "what it holds waits for a word" if known.held else "git has it all the same"
            self.shelf.tell("MergeApprovesNothing", f"{what}: {why}; {rest}", Severity.WARNING)
        elif words:
            now = self.shelf.clock.now()
            for digest in words:
                self.shelf.store.approve(Approval(digest, True, pull.by, now, f"merged pull request {pull.number}"))
            self.shelf.tell("ProposalApproved", f"{pull.by} merged {what}")
        if proposal is not None and proposal.standing.pending:
            with self.shelf.lock:
                note = f"{pull.by or 'somebody'} merged pull request {pull.number}"
                self.shelf.end(proposal.ended(Standing.MERGED, self.shelf.clock.now(), note, pull.merge))
        return bool(words)

    def _doubt(self, pull: PullRequest, known: Tracked, proposal: Proposal | None) -> str:
        """Why a merge there is no word of approval, "" when it is."""
        if pull.tip != known.tip:
            return f"it was merged at {pull.tip[:10]}, and its plan was shown for {known.tip[:10]}"
        if not pull.by:
            return "it was not merged by a person"
        record, by = proposal or _as_proposal(known), Author(pull.by)
        return objection(record, known.writers, by, known.rules, known.concerns, trusted=self._trusted(pull.by))

    def _trusted(self, login: str) -> bool:
        """True when the person whose name here is that login has the scope admin now."""
        person = self.shelf.store.people.get(login.casefold())
        return person is not None and Scope.ADMIN in person.scopes

    def _conceal(self, text: str) -> str:
        """Without any value that the vault keeps: others may read what stands at a forge."""
        return self.reconciler.bench.vault.conceal(text)

    def _proposal(self, pull: PullRequest) -> Proposal | None:
        """The proposal whose branch it is."""
        if not pull.branch.startswith(FOLDER):
            return None
        with suppress(NoProposal):
            return self.shelf.get(pull.branch.removeprefix(FOLDER))
        return None

    def _remembered(self) -> dict[int, Tracked]:
        return {each.number: each for each in (from_json(Tracked, text) for text in self.shelf.store.fact(_TRACKED) or ())}

    def _remember(self, told: dict[int, Tracked]) -> None:
        self.shelf.store.remember(_TRACKED, [to_json(each) for each in told.values()] or None)
        self._told = told


class Rounds:
    """Rounds of `keep`. That the forge does not answer is told once, and once when it answers again."""

    def __init__(self, keep: Callable[[], bool], tell: Callable[[str, str, Severity], None]) -> None:
        self._keep, self._tell = keep, tell
        self._broken = False

    def __call__(self) -> bool:
        """One round; never raises for what a forge or git refuses. True when another pass is needed."""
        try:
            again = self._keep()
        except HomelabError as error:
            if not self._broken:
                why = str(error) or type(error).__name__
                self._tell("ForgeDown", f"pull requests cannot be looked after: {why}", Severity.WARNING)
            self._broken = True
            return False
        if self._broken:
            self._tell("ForgeUp", "pull requests are looked after again", Severity.INFO)
        self._broken = False
        return again


def _as_proposal(told: Tracked) -> Proposal:
    """A pull request that somebody opened there, as far as it takes to know who may approve it."""
    return Proposal("", told.title, "", Author(told.author), "", told.tip, 0.0, 0.0)
