"""Concealing of what a plan and its findings say: known secret values that somebody wrote in plain text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from controller.core.errors import Diagnostic
from controller.usecases.concealing import Conceal, concealed
from controller.usecases.views import ChangeView, DiagnosticView, NoteView, RolloutView

Said = tuple[tuple[RolloutView, ...], tuple[NoteView, ...], tuple[DiagnosticView, ...]]


def concealed_effects(
    rollouts: Sequence[RolloutView], notes: Sequence[NoteView], diagnostics: Sequence[DiagnosticView], conceal: Conceal
) -> Said:
    """The same with every value and every sentence concealed. Keys, paths, addresses and digests stay: an approval names them.
    Whole states (`before`, `after`) are concealed too."""
    said = [
        [[each.reason, [_said(change) for change in each.changes]] for each in rollouts],
        [note.message for note in notes],
        [[item.message, item.hint, item.snippet] for item in diagnostics],
    ]
    planned, noted, found = concealed(said, conceal)
    return (
        tuple(_rollout(each, *shown) for each, shown in zip(rollouts, planned, strict=True)),
        tuple(replace(note, message=message) for note, message in zip(notes, noted, strict=True)),
        tuple(
            replace(item, message=message, hint=hint, snippet=snippet)
            for item, (message, hint, snippet) in zip(diagnostics, found, strict=True)
        ),
    )


def concealed_diagnostics(found: Sequence[Diagnostic], conceal: Conceal) -> list[Diagnostic]:
    """Findings with every sentence concealed."""
    texts = concealed([[item.message, item.hint, item.snippet] for item in found], conceal)
    return [
        replace(item, message=message, hint=hint, snippet=snippet)
        for item, (message, hint, snippet) in zip(found, texts, strict=True)
    ]


def _said(change: ChangeView) -> list[Any]:
    return [change.instructions, [[field.old, field.new] for field in change.fields], change.before, change.after]


def _rollout(rollout: RolloutView, reason: str, changes: Sequence[Sequence[Any]]) -> RolloutView:
    shown = tuple(_change(change, *said) for change, said in zip(rollout.changes, changes, strict=True))
    return replace(rollout, reason=reason, changes=shown)


def _change(change: ChangeView, instructions: str, values: Sequence[Sequence[Any]], before: Any, after: Any) -> ChangeView:
    fields = tuple(replace(field, old=old, new=new) for field, (old, new) in zip(change.fields, values, strict=True))
    return replace(change, instructions=instructions, fields=fields, before=before, after=after)
