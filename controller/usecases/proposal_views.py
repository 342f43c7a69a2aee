"""Proposals as faces show them."""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.core.proposal import Author, Proposal
from controller.usecases.compare_files import FileView, differing_files, patch
from controller.usecases.concealing import Conceal, concealed
from controller.usecases.concealing_effects import concealed_effects
from controller.usecases.proposal_effects import Effects
from controller.usecases.views import FORMAT_VERSION, DiagnosticView, NoteView, RolloutView, diagnostic_view, rollout_view


@dataclass(frozen=True, slots=True)
class ReviewView:
    """One word about a proposal: approve, reject or request-changes, and the commit that it was about."""

    word: str
    by: str
    at: float
    reason: str
    tip: str
    digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProposalLine:
    """One proposal in a list. `author_kind` is person, token, assistant or controller, `revisers` are others who changed it.
    `standing` is open, changes-requested, merged, rejected or expired, `note` why it ended so; `merged` the commit that brought
    it in, `link` where else it is shown, `remedies` the digest of the failed rollout that it takes back. Times in seconds since
    the epoch; `closed` 0 = pending."""

    id: str
    title: str
    reason: str
    author: str
    author_kind: str
    standing: str
    created: float
    expires: float
    branch: str
    base: str
    tip: str
    revisers: tuple[str, ...] = ()
    reviews: tuple[ReviewView, ...] = ()
    merged: str = ""
    closed: float = 0.0
    note: str = ""
    link: str = ""
    remedies: str = ""


@dataclass(frozen=True, slots=True)
class ProposalView:
    """A proposal with all that it would do now. `head` is the commit that it was held against, `version` names what a decision
    rests on. `files` and `patch` are its difference to `head`, `rollouts` what would be planned because of it, `digests` name
    these for an approval; `concerns` speak of some of them, `reversal` is the undo grade of the worst. `problem` says why it
    cannot be approved by anybody ("" = it can), `objection` why not by who asks."""

    proposal: ProposalLine
    version: str
    head: str = ""
    world: str = ""
    problem: str = ""
    objection: str = ""
    files: tuple[FileView, ...] = ()
    patch: str = ""
    rollouts: tuple[RolloutView, ...] = ()
    digests: tuple[str, ...] = ()
    notes: tuple[NoteView, ...] = ()
    diagnostics: tuple[DiagnosticView, ...] = ()
    conflicts: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()
    reversal: str = ""
    backends: dict[str, str] = field(default_factory=dict)
    format_version: str = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class ProposalList:
    """Proposals, newest first."""

    proposals: tuple[ProposalLine, ...]
    format_version: str = FORMAT_VERSION


def proposal_line(proposal: Proposal, now: float) -> ProposalLine:
    """One proposal as it stands at a time."""
    return ProposalLine(
        id=proposal.id,
        title=proposal.title,
        reason=proposal.reason,
        author=proposal.author.name,
        author_kind=proposal.author.kind,
        standing=proposal.at(now),
        created=proposal.created,
        expires=proposal.expires,
        branch=proposal.branch,
        base=proposal.base,
        tip=proposal.tip,
        revisers=tuple(each.name for each in proposal.revisers),
        reviews=tuple(ReviewView(r.word, r.by, r.at, r.reason, r.tip, r.digests) for r in proposal.reviews),
        merged=proposal.merged,
        closed=proposal.closed,
        note=proposal.note,
        link=proposal.link,
        remedies=proposal.remedies,
    )


def proposal_view(
    proposal: Proposal, effects: Effects, viewer: Author | None, now: float, conceal: Conceal, *, trusted: bool
) -> ProposalView:
    """A pending proposal with its effects, for somebody (None = nobody in particular) who is `trusted` with everything or not."""
    files = differing_files(effects.old, effects.new, conceal)
    objection = "" if viewer is None else proposal.objection(viewer, effects.rules, effects.concerns, trusted=trusted)
    rollouts, notes, diagnostics = concealed_effects(
        tuple(rollout_view(each, effects.decisions[each.digest]) for each in effects.rollouts),
        tuple(NoteView(str(note.key), note.reason, note.message) for note in effects.notes),
        tuple(map(diagnostic_view, effects.findings)),
        conceal,
    )
    return ProposalView(
        proposal=proposal_line(proposal, now),
        version=effects.version(proposal.at(now)),
        head=effects.head.id,
        world=effects.world,
        problem=conceal(problem_of(effects)),
        objection=objection,
        files=files,
        patch=patch(files),
        rollouts=rollouts,
        digests=effects.digests,
        notes=notes,
        diagnostics=diagnostics,
        conflicts=effects.conflicts,
        concerns=effects.concerns,
        reversal=effects.reversal,
        backends=concealed(dict(effects.backends), conceal),
    )


def problem_of(effects: Effects) -> str:
    """Why nobody may approve it, "" when somebody may."""
    if effects.problem:
        return effects.problem
    if effects.denied:
        decision = effects.decisions[effects.denied[0].digest]
        return f"rollout {effects.denied[0].short} is denied by {decision.rule}: {decision.reason}; an approval cannot lift that"
    return "git holds all of it already" if effects.same else ""
