"""Views: what faces show, as plain records. Their JSON form is the API and the `-o json` output; secrets appear by reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.core.change import Change
from controller.core.decision import Decision, Verdict
from controller.core.errors import Diagnostic
from controller.core.event import Report
from controller.core.plan import Plan, Rollout
from controller.core.run import Entry, Row, Run
from controller.core.secret import secret_in
from controller.core.state import State
from controller.usecases.fields import RowView, differing

FORMAT_VERSION = "1.0"
"""Minor = additive; unknown keys are to be ignored by readers."""


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field of a change, old and new as people may see them. Of a large value only what differs inside of it is here, under a
    path of its own (`body.actions[2].target`)."""

    path: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One change of a plan. `instructions` tell what a person must do, line by line ("" = nothing). `before` and `after` are the
    whole states, masked, where they were asked for (null = not asked for, or it is not there)."""

    key: str
    action: str
    cause: str
    provider: str
    address: str
    reversal: str
    fields: tuple[FieldView, ...] = ()
    needs: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    instructions: str = ""
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True)
class RolloutView:
    """Changes that stand or fall together, with the verdict of the house rules. `digest` is what an approval names; `concerns`
    are the names of what the built-in brakes see in it, also where a rule allows it."""

    digest: str
    verdict: str
    rule: str
    reason: str
    changes: tuple[ChangeView, ...]
    concerns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoteView:
    """A key that gets no change, and why."""

    key: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class DiagnosticView:
    """One finding about the specification."""

    severity: str
    message: str
    file: str
    line: int
    column: int
    hint: str
    snippet: str


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan with its decisions. `revision` is git's newest, `live` what is reconciled."""

    revision: str
    live: str
    digest: str
    world: str
    rollouts: tuple[RolloutView, ...] = ()
    notes: tuple[NoteView, ...] = ()
    diagnostics: tuple[DiagnosticView, ...] = ()
    reason: str = ""
    backends: dict[str, str] = field(default_factory=dict)
    format_version: str = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class StatusLine:
    """How one key stands: both truths and why they differ. `shared` is the end of `why` that others of its rollout or backend
    have too."""

    key: str
    sync: str
    health: str
    why: str
    attempted: str
    applied: str
    provider: str
    rollout: str
    address: str
    shared: str = ""


@dataclass(frozen=True, slots=True)
class StatusView:
    """How the house stands. `at` in seconds since the epoch; `world` says docker or memory (simulated); `untold` are targets of
    notifications whose messages do not arrive, with why."""

    at: float
    revision: str
    live: str
    world: str
    reason: str
    items: tuple[StatusLine, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    backends: dict[str, str] = field(default_factory=dict)
    diagnostics: tuple[DiagnosticView, ...] = ()
    leader: str = ""
    untold: dict[str, str] = field(default_factory=dict)
    format_version: str = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class StepView:
    """One journal entry of a run."""

    number: int
    key: str
    action: str
    step: str
    cause: str
    at: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class RunView:
    """One run with its rollouts; `steps` only in the detail view."""

    id: str
    revision: str
    cause: str
    by: str
    started: float
    finished: float
    outcome: str
    reason: str
    changes: tuple[tuple[str, str, str], ...] = ()
    rollouts: tuple[tuple[str, str, str], ...] = ()
    steps: tuple[StepView, ...] = ()


@dataclass(frozen=True, slots=True)
class ResourceView:
    """Everything known about one key. `fields` are the states side by side; `rollouts` those of the present plan that touch it,
    `notes` why it gets no change."""

    status: StatusLine | None
    origin: str
    desired: Any
    observed: Any
    applied: Any
    needs: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    handle: str = ""
    fields: tuple[RowView, ...] = ()
    rollouts: tuple[RolloutView, ...] = ()
    notes: tuple[NoteView, ...] = ()


def plan_view(plan: Plan, decisions: dict[str, Decision], report: Report, *, full: bool = False) -> PlanView:
    """A plan as faces show it; with `full`, each change with its whole states."""
    return PlanView(
        revision=report.revision.id,
        live=report.live,
        digest=plan.digest,
        world=report.world,
        rollouts=tuple(rollout_view(rollout, decisions.get(rollout.digest), full=full) for rollout in plan.rollouts),
        notes=tuple(NoteView(str(note.key), note.reason, note.message) for note in plan.notes),
        diagnostics=tuple(map(diagnostic_view, report.diagnostics)),
        reason=report.reason,
        backends=dict(report.backends),
    )


def rollout_view(rollout: Rollout, decision: Decision | None, *, full: bool = False) -> RolloutView:
    """A rollout as faces show it."""
    said = decision or Decision(Verdict.ALLOW, "default", "")
    changes = tuple(_change(change, full=full) for change in rollout.changes)
    return RolloutView(rollout.digest, said.verdict, said.rule, said.reason, changes, said.concerns)


def _change(change: Change, *, full: bool) -> ChangeView:
    return ChangeView(
        key=str(change.key),
        action=change.action,
        cause=change.cause,
        provider=change.provider,
        address=change.address,
        reversal=change.reversal,
        fields=tuple(
            FieldView(*each) for item in change.fields for each in differing(item.path, masked(item.old), masked(item.new))
        ),
        needs=tuple(map(str, change.needs)),
        risks=tuple(risk.name for risk in change.risks),
        instructions=change.instructions,
        before=_whole(change.before) if full else None,
        after=_whole(change.after) if full else None,
    )


def _whole(state: State | None) -> Any:
    return None if state is None else masked(dict(state))


def masked(value: Any) -> Any:
    """A value of a state for people: secrets as `secret NAME vN #fingerprint`."""
    secret = secret_in(value)
    if secret is not None:
        named = f"{secret.ref} v{secret.version} " if secret.ref else ""
        return f"secret {named}#{secret.fingerprint[:8]}"
    if isinstance(value, dict):
        return {name: masked(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(item) for item in value]
    return value


def diagnostic_view(item: Diagnostic) -> DiagnosticView:
    """A finding as faces show it."""
    where = item.origin
    return DiagnosticView(item.severity, item.message, where.file, where.line, where.column, item.hint, item.snippet)


def status_view(report: Report, leader: str = "", untold: Mapping[str, str] | None = None) -> StatusView:
    """A report as faces show it."""
    lines = tuple(
        StatusLine(str(s.key), s.sync, s.health, s.why, s.attempted, s.applied, s.provider, s.rollout, s.address, s.shared)
        for s in report.statuses
    )
    counts: dict[str, int] = {}
    for line in lines:
        counts[line.sync] = counts.get(line.sync, 0) + 1
    return StatusView(
        at=report.at,
        revision=report.revision.id,
        live=report.live,
        world=report.world,
        reason=report.reason,
        items=lines,
        counts=counts,
        backends=dict(report.backends),
        diagnostics=tuple(map(diagnostic_view, report.diagnostics)),
        leader=leader,
        untold=dict(untold or {}),
    )


def run_view(run: Run, entries: tuple[Entry, ...] = ()) -> RunView:
    """A run as faces show it."""
    return RunView(
        id=run.id,
        revision=run.revision,
        cause=run.cause,
        by=run.by,
        started=run.started,
        finished=run.finished,
        outcome=run.outcome,
        reason=run.reason,
        changes=tuple(change for rollout in run.rollouts for change in rollout.changes),
        rollouts=tuple((rollout.digest, rollout.outcome.value, rollout.reason) for rollout in run.rollouts),
        steps=tuple(
            StepView(e.number, str(e.change.key), e.change.action, e.step, e.change.cause, e.at, e.note) for e in entries
        ),
    )


def row_state(row: Row | None) -> Any:
    """What was applied last, masked."""
    return masked(dict(row.applied)) if row is not None and row.applied is not None else None
