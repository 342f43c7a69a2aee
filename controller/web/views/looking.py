"""Looking: a pass that a person asks for, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from controller.core.event import Sync
from controller.usecases.access import Scope
from controller.web import page, writes
from controller.web.bodies import Body, SyncQuery
from controller.web.call import Call, Face, Reply, Routes
from controller.web.lanes import Lane

Asked = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""When a pass was asked for, in seconds since the epoch: the view that the form leads back to is told."""
_UNDER_WAY = (Sync.PENDING, Sync.DRIFTED)


class Ask(Body):
    """Where to go afterwards."""

    back: Literal["overview", "plan"] = "overview"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a pass that was asked for. `at` is when it had looked (0 = not yet); `well` of `total` resources are as git
    wants them, `moving` change now, `waiting` for a person; `away` are the backends that do not answer."""

    at: float = 0.0
    well: int = 0
    total: int = 0
    moving: int = 0
    waiting: int = 0
    away: tuple[str, ...] = ()


def sync(face: Face, call: Call) -> Reply:
    """Ask for a pass; it is told on the page that asked."""
    asked = face.desk.look.reconciler.bench.clock.now()
    writes.sync(face, replace(call, query=SyncQuery()))
    return page.went(f"{'/plan' if call.body.back == 'plan' else '/'}?asked={asked:.3f}")


def outcome(face: Face, asked: float | None) -> Outcome | None:
    """What is known of a pass that was asked for then, or None when none was."""
    if asked is None:
        return None
    report = face.report
    if report is None or report.at < asked:
        return Outcome()
    standing = [status.sync for status in report.statuses]
    return Outcome(
        at=report.at,
        well=standing.count(Sync.SYNCED),
        total=len(standing),
        moving=sum(standing.count(word) for word in _UNDER_WAY),
        waiting=standing.count(Sync.HELD),
        away=tuple(name for name, why in sorted(report.backends.items()) if why),
    )


ROUTES: Routes = {"/look": {"POST": page.acts(sync, "Make a pass soon.", Scope.APPLY, Ask, Lane.QUICK)}}
