"""Plan: what would be done now, why, and what a person says about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import Field

from controller.core.errors import Refused
from controller.usecases.access import Scope
from controller.usecases.compare_states import state_hunks
from controller.usecases.views import ChangeView, PlanView
from controller.web import page, reads, writes
from controller.web.bodies import Body, Line, PlanQuery, Query, Say
from controller.web.call import Call, Face, Handler, Reply, Routes
from controller.web.lanes import Lane
from controller.web.problem import of
from controller.web.views.diffs import Group, groups
from controller.web.views.looking import Asked, Outcome, outcome

UNDO = {
    "exact": "can be undone exactly",
    "delayed": "can be undone, but not at once",
    "lossy": "undoing it loses data",
    "none": "cannot be undone",
}
AWAY = {"replace": "is away for a moment unless something serves in its place", "delete": "is gone afterwards"}
AGAIN = {"Quarantined": ("retry", "Try again"), "Suspended": ("resume", "Resume")}
"""What takes up again what is left alone: the last step of its path, and what it is called."""
ACTIONS = ("create", "update", "replace", "delete", "adopt", "forget", "ask")


class DoneQuery(Query):
    """What a form of this page has just done; `asked` is when a pass was asked for."""

    done: Literal["", "approved", "rejected"] = ""
    asked: Asked | None = None


class Word(Body):
    """A word on the rollout that was shown."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    reason: Line = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan as the page tells it: how many changes of each sort, and the lines that differ by place (key and provider)."""

    plan: PlanView
    counts: tuple[tuple[str, int], ...]
    lines: dict[tuple[str, str], tuple[tuple[Group, ...], ...]]


def show(face: Face, call: Call) -> Reply:
    """The page around the plan, which comes by itself: backends may be slow."""
    return _page(face, call, done=call.query.done, asked=outcome(face, call.query.asked))


def now(face: Face, call: Call) -> Reply:
    """The page with the plan in it, for who has no script."""
    return _page(face, call, shown=_plan(face, call))


def found(face: Face, call: Call) -> Reply:
    """The plan alone."""
    return page.part("plan_found.html", {**_rights(face, call), "shown": _plan(face, call)})


def approve(face: Face, call: Call) -> Reply:
    """Yes to exactly what was shown."""
    return _say(face, call, writes.approve, "approved")


def reject(face: Face, call: Call) -> Reply:
    """No to it."""
    return _say(face, call, writes.reject, "rejected")


def told(plan: PlanView) -> Shown:
    """A plan with all that the page says of it. Pure."""
    changes = [change for rollout in plan.rollouts for change in rollout.changes]
    number = Counter(change.action for change in changes)
    counts = tuple((action, number[action]) for action in ACTIONS if action in number)
    return Shown(plan, counts, {(change.key, change.provider): _lines(change) for change in changes})


def words() -> dict[str, object]:
    """What templates of plans say of changes."""
    return {"undo": UNDO, "away": AWAY}


def _lines(change: ChangeView) -> tuple[tuple[Group, ...], ...]:
    return tuple(tuple(groups(hunk)) for hunk in state_hunks(change.before, change.after))


def _plan(face: Face, call: Call) -> Shown:
    reply: Any = reads.plan(face, replace(call, query=PlanQuery(full=True)))
    return told(reply.content)


def _rights(face: Face, call: Call) -> dict[str, object]:
    steers = face.desk.sync is not None
    may, applies = (call.actor is not None and call.actor.may(scope) for scope in (Scope.APPROVE, Scope.APPLY))
    return {**words(), "decides": may and steers, "may_decide": may, "acts": applies and steers, "again": AGAIN}


def _page(
    face: Face,
    call: Call,
    *,
    shown: Shown | None = None,
    done: str = "",
    refused: str = "",
    asked: Outcome | None = None,
    status: int = 200,
) -> Reply:
    about = {**_rights(face, call), "shown": shown, "done": done, "refused": refused, "asked": asked, "report": face.report}
    # The plan itself stays as it was shown; only what becomes of a pass that was asked for is followed.
    return page.render(face, call, "plan.html", about, title="Plan", view="plan", status=status, live=asked is not None)


def _say(face: Face, call: Call, word: Handler, done: str) -> Reply:
    """What moved since it was shown is refused: then the page says so, and shows what is planned now. Raises Problem."""
    try:
        word(face, replace(call, body=Say(digests=[call.body.digest], reason=call.body.reason)))
    except Refused as error:
        raise page.Told(of(error), _page(face, call, refused=str(error), status=409)) from error
    return page.went(f"/plan?done={done}")


ROUTES: Routes = {
    "/plan": {"GET": page.looks(show, "What would be done now.", Scope.PLAN, query=DoneQuery)},
    "/plan/now": {"GET": page.looks(now, "The same without waiting.", Scope.PLAN, lane=Lane.SLOW)},
    "/plan/approve": {"POST": page.acts(approve, "Approve what was shown.", Scope.APPROVE, Word)},
    "/plan/reject": {"POST": page.acts(reject, "Reject what was shown.", Scope.APPROVE, Word)},
    "/page/plan": {"GET": page.looks(found, "The plan alone.", Scope.PLAN, lane=Lane.SLOW)},
}
