"""Refresh: the ledger follows a revision that changed nothing in the world. Pure."""

from __future__ import annotations

from dataclasses import replace

from controller.core.diff import compare
from controller.core.plan import Plan
from controller.core.resource import Mode
from controller.core.run import Row
from controller.core.state import Present
from controller.engine.plan import Situation


def refreshed(situation: Situation, made: Plan) -> list[Row]:
    """Ledger rows that must follow a revision which changed nothing in the world (needs, claims, spelling)."""
    busy = {change.key for change in made.changes} | {note.key for note in made.notes}
    found: list[Row] = []
    for key, resource in situation.estate.resources.items():
        row = situation.rows.get((key, resource.provider))
        if row is None or key in busy or resource.mode is Mode.OBSERVE:
            continue
        same = row.digest == resource.digest and row.needs == resource.needs and row.claims == resource.claims
        if same and row.protect == resource.protect and row.stateful == resource.stateful:
            continue
        observed = situation.world.of(key, resource.provider)
        if isinstance(observed, Present):
            kind = situation.kinds[key.kind]
            # A difference that is left alone must not become a spelling of the backend's.
            differs = compare(resource.state, observed.state, same=kind.same, whole=kind.whole)
            found.append(
                replace(
                    row,
                    applied=resource.state,
                    shown=row.shown if differs else observed.state,
                    digest=resource.digest,
                    revision=situation.estate.revision.id,
                    needs=resource.needs,
                    claims=resource.claims,
                    protect=resource.protect,
                    stateful=resource.stateful,
                )
            )
    return found
