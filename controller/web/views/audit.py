"""Actions and audit: what waits for a word, what is left alone and why, and who did what."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from controller.usecases.access import Scope
from controller.usecases.decisions import decisions
from controller.web import page, people, writes
from controller.web.bodies import Body, KeyText, Query, Retry
from controller.web.call import Call, Face, Reply, Routes

_ROWS = 50


class TrailQuery(Query):
    """A page of the trail; `cursor` is where the page before ended. `done` is what a form has just done."""

    cursor: Annotated[int, Field(ge=1, le=2**53)] | None = None
    done: Literal["", "retried", "resumed"] = ""


class Which(Body):
    """The rollout to try again, by its whole digest."""

    target: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Key(Body):
    """The key to take up again."""

    key: KeyText


def show(face: Face, call: Call) -> Reply:
    """The view. The trail is only for who may see it."""
    trail: Any = None
    if call.actor is not None and call.actor.may(Scope.ADMIN):
        trail = people.audit(face, replace(call, query=people.AuditQuery(limit=_ROWS, cursor=call.query.cursor))).content
    may = call.actor is not None and call.actor.may(Scope.APPLY)
    about = {
        "found": decisions(face.desk.look),
        "report": face.report,
        "trail": trail,
        "first": call.query.cursor is None,
        "done": call.query.done,
        "acts": may and face.desk.sync is not None,
    }
    return page.render(face, call, "audit.html", about, title="Actions and audit", view="audit", live=call.query.cursor is None)


def retry(face: Face, call: Call) -> Reply:
    """Try again what failed."""
    writes.retry(face, replace(call, body=Retry(target=call.body.target)))
    return page.went("/audit?done=retried")


def resume(face: Face, call: Call) -> Reply:
    """Take a key up again."""
    kind, _, name = call.body.key.partition("/")
    writes.resume(face, replace(call, path={"kind": kind, "name": name}))
    return page.went("/audit?done=resumed")


ROUTES: Routes = {
    "/audit": {"GET": page.looks(show, "Who decided and did what.", query=TrailQuery)},
    "/audit/retry": {"POST": page.acts(retry, "Try again what failed.", Scope.APPLY, Which)},
    "/audit/resume": {"POST": page.acts(resume, "Take a key up again.", Scope.APPLY, Key)},
}
