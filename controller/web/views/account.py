"""One's own account: the password, and the browsers that are signed in."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from controller.core.errors import HomelabError
from controller.usecases.access import Denied, Scope, Throttled
from controller.usecases.people import LONGEST
from controller.web import page, people
from controller.web.bodies import Body, Query
from controller.web.call import Call, Face, Reply, Routes
from controller.web.lanes import Lane
from controller.web.page import Form
from controller.web.problem import Problem
from controller.web.views import forms

PATH = "/settings/account"
Secret = Annotated[SecretStr, Field(max_length=LONGEST + 1)]


class DoneQuery(Query):
    """What a form of this page has just done."""

    done: Literal["", "password", "session", "others"] = ""


class NewPassword(Body):
    """One's own new password, twice, and the one that one has ("" = none yet)."""

    password: Secret
    again: Secret
    current: Secret = SecretStr("")


def show(face: Face, call: Call) -> Reply:
    """The view."""
    return _page(face, call, Form(), 200, call.query.done)


def change_password(face: Face, call: Call) -> Reply:
    """A new password; every other session of this person ends."""
    try:
        given = {name: getattr(call.body, name).get_secret_value() for name in ("password", "current", "again")}
        again = given.pop("again")
        made = forms.checked(people.ChangePassword, given)
        if again != given["password"]:
            raise forms.wrong("again")
        done = people.change_password(face, replace(call, body=made))
    except (Problem, HomelabError) as error:
        at = "current" if isinstance(error, Denied | Throttled) else ""
        raise forms.refused(error, lambda form, status: _page(face, call, form, status), {}, at) from error
    return page.went(f"{PATH}?done=password", **done.headers)


def end_session(face: Face, call: Call) -> Reply:
    """End one of the sessions."""
    people.end_session(face, call)
    return page.went(f"{PATH}?done=session")


def end_others(face: Face, call: Call) -> Reply:
    """End all but this one."""
    people.end_others(face, call)
    return page.went(f"{PATH}?done=others")


def _page(face: Face, call: Call, form: Form, status: int, done: str = "") -> Reply:
    actor = call.actor
    assert actor is not None  # noqa: S101 (the operation has a scope)
    signed_in = actor.door == "session"
    about = {
        "form": form,
        "done": done,
        "me": next((person for person in face.access.people() if person.name == actor.name), None) if signed_in else None,
        "sessions": [view for view in face.access.sessions(actor) if signed_in and view.name == actor.name],
    }
    crumbs = (("Settings", "/settings"),)
    return page.render(
        face, call, "account.html", about, title="Your account", view="settings", crumbs=crumbs, status=status, live=False
    )


ROUTES: Routes = {
    PATH: {
        "GET": page.looks(show, "My password and my sessions.", query=DoneQuery),
        "POST": page.acts(change_password, "Change my password.", Scope.READ, NewPassword, Lane.PASSWORD),
    },
    f"{PATH}/sessions/{{id}}": {"POST": page.acts(end_session, "End one of my sessions.", Scope.READ, lane=Lane.QUICK)},
    f"{PATH}/others": {"POST": page.acts(end_others, "End my other sessions.", Scope.READ, lane=Lane.QUICK)},
}
