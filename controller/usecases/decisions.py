"""Decisions: what waits for a word, what people said, and what is left alone because of it."""

from __future__ import annotations

from dataclasses import dataclass

from controller.core.decision import Approval, Quarantine, Suspension, Verdict
from controller.engine.survey import Survey
from controller.usecases.look import Look
from controller.usecases.views import FORMAT_VERSION, RolloutView, rollout_view


@dataclass(frozen=True, slots=True)
class DecisionsView:
    """`at` is when the world was looked at last (seconds since the epoch, 0 = not yet). `open` are the rollouts of that look that
    the rules hold or deny; `said` the latest word about each rollout that was not done since, newest first; `quarantined` what
    failed and is not tried again; `suspended` what people had left alone."""

    at: float
    open: tuple[RolloutView, ...] = ()
    said: tuple[Approval, ...] = ()
    quarantined: tuple[Quarantine, ...] = ()
    suspended: tuple[Suspension, ...] = ()
    format_version: str = FORMAT_VERSION


def decisions(look: Look) -> DecisionsView:
    """As of the last pass, and what the store holds now: no backend is looked at."""
    return _told(look, look.reconciler.shown)


def decisions_now(look: Look) -> DecisionsView:
    """The same; where there was no pass, by a look now. Raises SpecError, SourceError."""
    return _told(look, look.reconciler.shown or look.reconciler.survey())


def _told(look: Look, found: Survey | None) -> DecisionsView:
    store = look.store
    waiting = () if found is None else tuple(rollout_view(item, found.decisions.get(item.digest)) for item in found.plan.rollouts)
    return DecisionsView(
        at=0.0 if found is None else found.report.at,
        open=tuple(view for view in waiting if view.verdict != Verdict.ALLOW),
        said=tuple(sorted(store.approvals().values(), key=lambda item: -item.at)),
        quarantined=tuple(sorted(store.quarantined(), key=lambda item: -item.at)),
        suspended=tuple(sorted(store.suspensions().values(), key=lambda item: -item.at)),
    )
