"""History: what was done, one run with its steps, and the way back to a revision."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from controller.core.errors import Refused
from controller.usecases.access import Scope
from controller.usecases.compare import commits
from controller.usecases.history_days import history_days
from controller.web import page, reads, writes
from controller.web.bodies import BackQuery, Body, GoBack, Query, SyncQuery
from controller.web.call import Call, Face, Reply, Routes
from controller.web.lanes import Lane
from controller.web.problem import Problem, of
from controller.web.views.charts import run_signs, runs_chart, span, took_chart
from controller.web.views.plan import told, words

_RUNS, _COMMITS = 20, 50
Target = Annotated[str, Field(max_length=200, pattern=r"^([0-9A-Za-z][0-9A-Za-z._/-]*)?$")]


class RunsQuery(Query):
    """A page of runs; `cursor` is where the page before ended. `done` is what a form has just done."""

    cursor: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    done: Literal["", "rolled-back"] = ""


class Back(Body):
    """Where to go back to, and the digest of the plan that was shown."""

    target: Target = ""
    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def show(face: Face, call: Call) -> Reply:
    """Runs, newest first."""
    runs = face.desk.look.history(_RUNS, call.query.cursor)
    about = {
        "runs": runs,
        "next": runs[-1].started if len(runs) == _RUNS else None,
        "first": call.query.cursor is None,
        "done": call.query.done,
        "revisions": tuple(dict.fromkeys(run.revision for run in runs if run.revision)),
        **(_by_day(face) if call.query.cursor is None else {}),
    }
    return page.render(face, call, "history.html", about, title="History", view="history", live=call.query.cursor is None)


def _by_day(face: Face) -> dict[str, Any]:
    """The last days as charts and as numbers; before the first pass the house's time zone is not known."""
    if face.desk.look.reconciler.shown is None:
        return {"days": None}
    found = history_days(face.desk.look)
    return {"days": found, "charted": runs_chart(found), "took_chart": took_chart(found), "signs": run_signs(), "span": span}


def newest(face: Face, _call: Call) -> Reply:
    """The newest commits; asked for by itself, because git is a program of its own."""
    return page.part("commits.html", {"commits": commits(face.desk.look, _COMMITS)})


def run(face: Face, call: Call) -> Reply:
    """One run with every step."""
    reply: Any = reads.run(face, call)
    about = {"run": reply.content}
    return page.render(
        face, call, "run.html", about, title="Run", view="history", crumbs=_CRUMBS, live=not reply.content.finished
    )


_CRUMBS = (("History", "/history"),)


def way_back(face: Face, call: Call) -> Reply:
    """What going back would do, and the button that does exactly this."""
    reply: Any = writes.way_back(face, call)
    return _way(face, call, reply.content, call.query.target)


def go_back(face: Face, call: Call) -> Reply:
    """Do what was shown. When it has become something else, that is shown instead. Raises Problem."""
    body = GoBack(target=call.body.target, plan=call.body.plan)
    try:
        writes.go_back(face, replace(call, body=body, query=SyncQuery()))
    except (Refused, Problem) as error:
        found = of(error)
        if found.code != "refused":
            raise
        way: Any = writes.way_back(face, replace(call, query=BackQuery(target=call.body.target)))
        raise page.Told(found, _way(face, call, way.content, call.body.target, found.detail, 409)) from error
    return page.went("/history?done=rolled-back")


def _way(face: Face, call: Call, way: Any, target: str, refused: str = "", status: int = 200) -> Reply:
    may = call.actor is not None and call.actor.may(Scope.APPLY)
    about = {**words(), "way": way, "target": target, "shown": told(way.plan), "refused": refused, "may_apply": may}
    return page.render(
        face, call, "way_back.html", about, title="Roll back", view="history", crumbs=_CRUMBS, status=status, live=False
    )


ROUTES: Routes = {
    "/history": {"GET": page.looks(show, "What was done.", query=RunsQuery)},
    "/history/{id}": {"GET": page.looks(run, "One run.")},
    "/page/commits": {"GET": page.looks(newest, "The newest commits.", lane=Lane.SLOW)},
    "/rollback": {
        "GET": page.looks(way_back, "What going back would do.", Scope.PLAN, query=BackQuery, lane=Lane.SLOW),
        "POST": page.acts(go_back, "Go back as shown.", Scope.APPLY, Back),
    },
}
