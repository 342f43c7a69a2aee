"""What a proposal would do: the same load and plan as for a commit, held against the plan that there is without it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from controller.core.change import Action, Reversal
from controller.core.decision import Decision, Verdict
from controller.core.document import Files, Revision
from controller.core.errors import Diagnostic, Severity, SourceError, SpecError, Transient
from controller.core.estate import Estate
from controller.core.key import Key
from controller.core.plan import UNKNOWN, Note, Rollout
from controller.core.policy import RULES, Policy, ProposalRules
from controller.core.proposal import Branches
from controller.core.state import fingerprint
from controller.engine.judge import judge
from controller.engine.reconcile import Reconciler
from controller.engine.survey import Survey
from controller.usecases.proposing_files import difference, is_protected

_GRADES = tuple(Reversal)


def held(rollouts: Iterable[Rollout], decisions: Mapping[str, Decision]) -> tuple[str, ...]:
    """Digests that wait for a word, and may get one: no word lifts what has to be done by hand."""
    free = (each for each in rollouts if all(change.action is not Action.ASK for change in each.changes))
    return tuple(sorted(each.digest for each in free if decisions[each.digest].verdict is Verdict.HOLD))


@dataclass(frozen=True)
class Effects:
    """What merging the commit `tip` into `head` would do now: `rollouts` that are not planned without it. `old` and `new` are the
    spec folder without it and with it, `protected` the changed paths that say what may be done here. `problem` says why it
    cannot be merged or planned ("" = it can)."""

    tip: str
    head: Revision
    old: Files
    new: Files
    rules: ProposalRules
    protected: tuple[str, ...] = ()
    same: bool = False
    conflicts: tuple[str, ...] = ()
    problem: str = ""
    findings: tuple[Diagnostic, ...] = ()
    rollouts: tuple[Rollout, ...] = ()
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    backends: Mapping[str, str] = field(default_factory=dict)
    world: str = ""

    @property
    def digests(self) -> tuple[str, ...]:
        """What an approval names."""
        return tuple(sorted(rollout.digest for rollout in self.rollouts))

    @property
    def held(self) -> tuple[str, ...]:
        """Digests that wait for a word, and may get one."""
        return held(self.rollouts, self.decisions)

    @property
    def denied(self) -> tuple[Rollout, ...]:
        """What no word lifts."""
        return tuple(rollout for rollout in self.rollouts if self.decisions[rollout.digest].verdict is Verdict.DENY)

    @property
    def concerns(self) -> tuple[str, ...]:
        """Every concern that speaks of some of it, and `rules` where it changes what may be done here."""
        found = (name for each in self.rollouts for name in self.decisions[each.digest].concerns)
        return tuple(dict.fromkeys([*found, *([RULES] if self.protected else [])]))

    @property
    def reversal(self) -> Reversal:
        """How well the worst of it can be taken back."""
        grades = [change.reversal for rollout in self.rollouts for change in rollout.changes]
        return max(grades, key=_GRADES.index, default=Reversal.EXACT)

    def version(self, standing: str) -> str:
        """Changes exactly when something does that a decision rests on."""
        return fingerprint([self.tip, standing, self.digests, self.problem, self.conflicts])[:32]


def effects_of(reconciler: Reconciler, branches: Branches, tip: str) -> Effects:
    """What a commit would do, looked at anew. Raises SourceError when git cannot tell."""
    seen = branches.preview(tip)
    policy = reconciler.wanted().estate.policy
    old = reconciler.source.read(seen.head.id)
    base = Effects(
        tip=tip,
        head=seen.head,
        old=old,
        new=seen.files,
        rules=policy.proposals,
        protected=tuple(sorted(filter(is_protected, difference(old, seen.files)))),
        same=seen.same,
        world=reconciler.world_name,
    )
    if seen.conflicts:
        what = f"it conflicts with {seen.head.short} in {', '.join(seen.conflicts)}: revise it on the newest revision"
        return replace(base, conflicts=seen.conflicts, problem=what)
    try:
        now, then = reconciler.compare(seen.files)
    except SpecError as error:
        return replace(base, problem=f"it is not valid: {_first(error.diagnostics)}", findings=error.diagnostics)
    except (SourceError, Transient) as error:
        return replace(base, problem=str(error))
    planned = {rollout.digest for rollout in now.plan.rollouts}
    told = set(now.plan.notes)
    return replace(
        base,
        problem=unseen(now, then),
        findings=tuple(item for item in then.estate.warnings if item not in now.estate.warnings),
        rollouts=tuple(rollout for rollout in then.plan.rollouts if rollout.digest not in planned),
        decisions=_judged(then, policy),
        notes=tuple(note for note in then.plan.notes if note not in told),
        backends={name: reason for name, reason in then.report.backends.items() if reason},
    )


def unseen(now: Survey, then: Survey) -> str:
    """Why it is not known what would be done to some of what `then` changes, itself unanswered or waiting for what is; "" = it is
    known. Whoever approved that would approve nothing, or anything. What is looked at only once its connection is declared
    otherwise is no reason: that comes after the merge."""
    old, new = now.estate, then.estate
    silent = [
        note
        for note in then.plan.notes
        if note.reason == UNKNOWN
        and (note in then.situation.unready or not _looked(then, note))
        and new.homelab.connections.get(note.provider) == old.homelab.connections.get(note.provider)
    ]
    walls = {note.key for note in silent}
    told = {
        note.key: f"{note.key}: {note.message}"
        for note in (*silent, *(note for note in then.plan.notes if note.wall in walls))
        if _digest(old, note.key) != _digest(new, note.key)
    }
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    return f"what it would do cannot be told now: {next(iter(told.values()))}{more}; look at it again later" if told else ""


def _looked(found: Survey, note: Note) -> bool:
    """True when the backend answered: then it is the object itself that cannot be seen, such as a lamp without power."""
    snapshot = found.world.snapshots.get((note.key.kind, note.provider))
    return snapshot is not None and snapshot.complete


def _digest(estate: Estate, key: Key) -> str:
    resource = estate.resources.get(key)
    return resource.digest if resource is not None else ""


def _judged(then: Survey, deployed: Policy) -> Mapping[str, Decision]:
    """The decisions, with the concerns of its own rules and of the deployed ones: loosening a brake must not silence it."""
    before = judge(then.plan, replace(then.facts, policy=deployed))
    return {
        digest: replace(decision, concerns=tuple(dict.fromkeys([*decision.concerns, *before[digest].concerns])))
        for digest, decision in then.decisions.items()
    }


def _first(found: Sequence[Diagnostic]) -> str:
    wrong = [item for item in found if item.severity is Severity.ERROR] or list(found)
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return f"{wrong[0].origin}: {wrong[0].message}{more}" if wrong else "its documents cannot be understood"
