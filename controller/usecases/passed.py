"""One pass made on request, and what a person or a script is told about how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controller.core.errors import Severity
from controller.core.event import Report
from controller.core.event import Sync as Standing
from controller.core.run import Outcome
from controller.engine.busy import UNSETTLED
from controller.usecases.look import Look
from controller.usecases.sync import Sync, exit_code
from controller.usecases.views import FORMAT_VERSION, RunView, StatusView, status_view

_INVALID, _UNREACHABLE = 3, 8
_RECENT = 20


@dataclass(frozen=True, slots=True)
class PassView:
    """A pass that ended: its worst outcome, the published exit code for it, the runs it made or ended (newest first; none =
    nothing was written) and how the house stands now."""

    outcome: str
    exit_code: int
    runs: tuple[RunView, ...]
    status: StatusView
    format_version: str = FORMAT_VERSION


def pass_now(look: Look, sync: Sync, by: str, cause: str = "asked") -> PassView:
    """Make one pass happen and wait for it."""
    earlier = {run.id: bool(run.finished) for run in look.history(_RECENT)}
    report = sync.apply(by, cause)
    runs = tuple(run for run in look.history(_RECENT) if not earlier.get(run.id))
    # An interrupted run that had to be taken back first is no failure where this pass has made it anew.
    made = [run for run in runs if run.id not in earlier] or runs
    outcome = _outcome(report, [Outcome(run.outcome) for run in made])
    return PassView(outcome, _code(report, outcome), runs, status_view(report, look.store.leader()[0]))


def _outcome(report: Report, made: Sequence[Outcome]) -> Outcome:
    """The worst of the runs; a rollout that is held, denied, or not settled yet says so even where others were applied."""
    standing = {status.sync for status in report.statuses if status.rollout}
    left = [Outcome.HELD] if Standing.HELD in standing else []
    # A failed key that still has a rollout is one that the rules deny; a quarantined one has none.
    left += [Outcome.DENIED] if Standing.FAILED in standing else []
    left += [Outcome.WAITING] if any(status.why.startswith(UNSETTLED) for status in report.statuses) else []
    return max((*made, *left), key=list(Outcome).index, default=Outcome.UNCHANGED)


def _code(report: Report, outcome: Outcome) -> int:
    code = exit_code(outcome)
    if code:
        return code
    if report.reason and any(item.severity is Severity.ERROR for item in report.diagnostics):
        return _INVALID
    return _UNREACHABLE if any(report.backends.values()) else 0
