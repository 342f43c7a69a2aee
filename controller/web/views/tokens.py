"""Tokens of programs: which there are, making one, and ending one."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from controller.core.errors import HomelabError
from controller.usecases.access import Scope, TokenView
from controller.web import bodies, doors, page
from controller.web.bodies import Body, Query
from controller.web.call import Call, Face, Reply, Routes
from controller.web.lanes import Lane
from controller.web.page import Form
from controller.web.problem import Problem
from controller.web.views import forms

PATH = "/settings/tokens"
DAYS = ("7", "30", "90", "365", "")
"""So many days a token may work; "" = until it is revoked."""
Typed = Annotated[str, Field(max_length=200)]


class DoneQuery(Query):
    """What a form has just done."""

    done: Literal["", "revoked"] = ""


class Wanted(Body):
    """A token to make, as typed."""

    name: Annotated[Typed, AfterValidator(str.strip)] = ""
    scopes: list[Typed] = Field(default_factory=list, max_length=20)
    days: Typed = ""
    assistant: Literal["", "yes"] = ""


_WORDS = {**forms.WORDS, "name": "Write 1 to 64 characters that can be seen."}
_EMPTY = Form({"scopes": [Scope.READ], "days": "90"})


def show(face: Face, call: Call) -> Reply:
    """The view."""
    return _page(face, call, _EMPTY, 200, call.query.done)


def issue(face: Face, call: Call) -> Reply:
    """A new token, whose text is shown only here."""
    body, assistant = call.body, call.body.assistant == "yes"
    typed = {"name": body.name, "scopes": body.scopes, "days": body.days, "assistant": assistant}
    try:
        given = {**typed, "days": body.days or None}
        made = doors.issue(face, replace(call, body=forms.checked(bodies.Issue, given))).content
    except (Problem, HomelabError) as error:
        at = "scopes" if assistant else ""
        raise forms.refused(error, lambda form, status: _page(face, call, form, status), typed, at, _WORDS) from error
    return _page(face, call, _EMPTY, 201, made=made)


def ask(face: Face, call: Call) -> Reply:
    """The question before a token is revoked."""
    found = _token(face, call)
    crumbs = (("Settings", "/settings"), ("Tokens", PATH))
    title = f"Revoke {found.name}"
    return page.render(face, call, "token_revoke.html", {"token": found}, title=title, view="settings", crumbs=crumbs, live=False)


def revoke(face: Face, call: Call) -> Reply:
    """End a token at once."""
    doors.revoke(face, call)
    return page.went(f"{PATH}?done=revoked")


def _token(face: Face, call: Call) -> TokenView:
    found = next((view for view in face.access.tokens() if view.id == call.path["id"]), None)
    if found is None:
        raise Problem(404, "not-found", "there is no such token; it may have ended")
    return found


def _page(face: Face, call: Call, form: Form, status: int, done: str = "", made: object = None) -> Reply:
    about = {
        "form": form,
        "tokens": face.access.tokens(),
        "done": done,
        "made": made,
        "rights": forms.RIGHTS,
        "days": DAYS,
    }
    crumbs = (("Settings", "/settings"),)
    return page.render(
        face, call, "tokens.html", about, title="Tokens", view="settings", crumbs=crumbs, status=status, live=False
    )


_REVOKE = f"{PATH}/{{id}}/revoke"
ROUTES: Routes = {
    PATH: {
        "GET": page.looks(show, "Which programs may come in.", Scope.ADMIN, query=DoneQuery),
        "POST": page.acts(issue, "Make a token for a program.", Scope.ADMIN, Wanted, Lane.QUICK),
    },
    _REVOKE: {
        "GET": page.looks(ask, "Whether to revoke a token.", Scope.ADMIN),
        "POST": page.acts(revoke, "Revoke a token.", Scope.ADMIN, lane=Lane.QUICK),
    },
}
