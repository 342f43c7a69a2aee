"""One resource: why it is as it is, its fields, what the plan would do, its log and its past; rollback, suspend, resume."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from controller.core.key import Key
from controller.usecases.access import Scope
from controller.usecases.uptime import uptime
from controller.usecases.views import ResourceView, RunView
from controller.web import page, reads, writes
from controller.web.bodies import BackQuery, Body, GoBack, Line, Query, Retry, Suspend, SyncQuery
from controller.web.call import Call, Face, Reply, Routes
from controller.web.lanes import Lane
from controller.web.problem import Problem
from controller.web.views.charts import span, uptime_chart, uptime_signs
from controller.web.views.overview import recent

_PATH = "/resources/{kind}/{name}"
_SCANNED, _RUNS = 200, 8
_PACE = 5.0
"""A look at the backends at most every so many seconds, however much happens."""


class DoneQuery(Query):
    """What a form of this page has just done."""

    done: Literal["", "suspended", "resumed", "retried", "rolled-back"] = ""


class Why(Body):
    """The reason of a suspension."""

    reason: Line = ""


class Shown(Body):
    """The digest of the plan that was shown."""

    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def show(face: Face, call: Call) -> Reply:
    """The view; it looks at the backends."""
    last = face.desk.look.last_event()
    key = key_of(call)
    found = _found(face, call)
    about = {
        "key": str(key),
        "kind": key.kind,
        "name": key.name,
        "found": found,
        "done": call.query.done,
        "at": face.desk.look.reconciler.bench.clock.now(),
        "runs": _runs(face, str(key)),
        "events": recent(face, last, str(key)),
        **_over_time(face, key),
    }
    return page.render(face, call, "service.html", about, title=str(key), view="overview", crumbs=_CRUMBS, pace=_PACE)


def _found(face: Face, call: Call) -> ResourceView:
    """What is known of it. Raises Problem; while git cannot be read, nobody knows that it is not declared."""
    try:
        found: ResourceView = _content(reads.resource(face, call))
    except Problem as error:
        report = face.report
        if error.status == 404 and report is not None and not report.live:
            raise Problem(503, "source-unavailable", report.reason or "git cannot be read", {"Retry-After": "5"}) from error
        raise
    return found


_CRUMBS = (("Overview", "/"),)


def key_of(call: Call) -> Key:
    """The key in a path. Raises Problem."""
    try:
        return Key.parse(f"{call.path['kind']}/{call.path['name']}")
    except ValueError as error:
        raise Problem(404, "not-found", str(error)) from error


def suspend(face: Face, call: Call) -> Reply:
    """Leave it alone."""
    body = Suspend(key=str(key_of(call)), reason=call.body.reason)
    return _did(call, "suspended", writes.suspend(face, replace(call, body=body)))


def resume(face: Face, call: Call) -> Reply:
    """Take it up again."""
    return _did(call, "resumed", writes.resume(face, call))


def retry(face: Face, call: Call) -> Reply:
    """Try again what failed with it."""
    body = Retry(target=str(key_of(call)))
    return _did(call, "retried", writes.retry(face, replace(call, body=body)))


def way_back(face: Face, call: Call) -> Reply:
    """What a rollback of it would do, and the button that does exactly this."""
    key = key_of(call)
    way = _content(writes.way_back(face, replace(call, query=BackQuery(target=str(key)))))
    crumbs = (*_CRUMBS, (str(key), f"/resources/{key.kind}/{key.name}"))
    about = {"key": str(key), "kind": key.kind, "name": key.name, "way": way}
    return page.render(face, call, "rollback.html", about, title=f"Roll back {key}", view="overview", crumbs=crumbs, live=False)


def go_back(face: Face, call: Call) -> Reply:
    """Do what was shown; refused when it has become something else."""
    body = GoBack(target=str(key_of(call)), plan=call.body.plan)
    return _did(call, "rolled-back", writes.go_back(face, replace(call, body=body, query=SyncQuery())))


def _runs(face: Face, key: str) -> tuple[RunView, ...]:
    """The newest runs that changed a key."""
    found = (run for run in face.desk.look.history(_SCANNED) if any(name == key for name, _, _ in run.changes))
    return tuple(run for run, _ in zip(found, range(_RUNS), strict=False))


def _over_time(face: Face, key: Key) -> dict[str, Any]:
    """Its uptime as a chart and as numbers."""
    found = uptime(face.desk.look, key)
    return {"uptime": found, "chart": uptime_chart(found), "signs": uptime_signs(), "span": span}


def _did(call: Call, done: str, _reply: Reply) -> Reply:
    key = key_of(call)
    return page.went(f"/resources/{key.kind}/{key.name}?done={done}")


def _content(reply: Reply) -> Any:
    return reply.content


ROUTES: Routes = {
    _PATH: {"GET": page.looks(show, "One resource.", query=DoneQuery, lane=Lane.SLOW)},
    f"{_PATH}/suspend": {"POST": page.acts(suspend, "Leave it alone.", Scope.APPLY, Why)},
    f"{_PATH}/resume": {"POST": page.acts(resume, "Take it up again.", Scope.APPLY)},
    f"{_PATH}/retry": {"POST": page.acts(retry, "Try it again.", Scope.APPLY)},
    f"{_PATH}/rollback": {
        "GET": page.looks(way_back, "What a rollback of it would do.", Scope.PLAN, lane=Lane.SLOW),
        "POST": page.acts(go_back, "Roll it back as shown.", Scope.APPLY, Shown),
    },
}
