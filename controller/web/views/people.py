"""People: who may sign in and what they may do, inviting somebody, and ending what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AfterValidator, Field

from controller.core.errors import HomelabError, Refused
from controller.usecases.access import PersonView, Scope
from controller.web import bodies, doors, page
from controller.web import people as api
from controller.web.bodies import Body, Query
from controller.web.call import Call, Face, Reply, Routes
from controller.web.lanes import Lane
from controller.web.page import Form
from controller.web.problem import Problem
from controller.web.views import account, forms

PATH = "/settings/people"
_ONE = f"{PATH}/{{name}}"
Typed = Annotated[str, Field(max_length=200)]


class DoneQuery(Query):
    """What a form has just done."""

    done: Literal["", "granted", "password", "sessions", "locked", "removed"] = ""


class Invited(Body):
    """Somebody new, as typed."""

    name: Annotated[Typed, AfterValidator(lambda typed: typed.strip().lower())] = ""
    scopes: list[Typed] = Field(default_factory=list, max_length=20)


class Order(Body):
    """What is done about a person as they were shown; `version` names how that was ("" = however they are)."""

    version: Annotated[str, Field(max_length=80)] = ""


class Granted(Order):
    """All that a person may do, as chosen."""

    scopes: list[Typed] = Field(default_factory=list, max_length=20)


class GivenPassword(Order):
    """A person's new password."""

    password: account.Secret


@dataclass(frozen=True, slots=True)
class Line:
    """A person, and when one of the browsers that they are signed in with was used last (0 = there is none)."""

    about: PersonView
    seen: float

    @property
    def state(self) -> str:
        """How they stand, in a word."""
        if not self.about.scopes:
            return "Locked out"
        if self.seen:
            return "Signed in"
        return "Signed out" if self.about.password or self.about.provider else "Needs a link"


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link, and for whom; `reached` = they can open it on another machine."""

    name: str
    url: str
    reached: bool


def show(face: Face, call: Call) -> Reply:
    """The view."""
    return _list(face, call, Form({"scopes": [Scope.READ]}), 200, call.query.done)


def add_person(face: Face, call: Call) -> Reply:
    """Somebody new, and the link that lets them in, which is shown only here."""
    name, typed = call.body.name, {"name": call.body.name, "scopes": call.body.scopes}
    try:
        made = forms.checked(api.AddPerson, typed)
        api.add_person(face, replace(call, body=made))
    except (Problem, HomelabError) as error:
        raise forms.refused(error, lambda form, status: _list(face, call, form, status), typed, "name") from error
    link = _link(face, call, name, made.scopes)
    face.access.audit.done(call.actor, call.peer, "invite", name)
    return _list(face, call, Form({"scopes": [Scope.READ]}), 201, link=link)


def person(face: Face, call: Call) -> Reply:
    """One person."""
    return _one(face, call, Form(), 200, call.query.done)


def invite(face: Face, call: Call) -> Reply:
    """Another link for a person, which is shown only here."""
    found = _line(face, call).about
    if not found.scopes:
        raise _refused(face, call, Refused(f"{found.name} is locked out; say first what they may do"))
    link = _link(face, call, found.name, [Scope(scope) for scope in found.scopes])
    return _one(face, call, Form(), 201, link=link)


def grant(face: Face, call: Call) -> Reply:
    """All that a person may do from now on."""
    try:
        api.grant(face, replace(_as_shown(call), body=forms.checked(api.Grant, {"scopes": call.body.scopes})))
    except (Problem, HomelabError) as error:
        raise _refused(face, call, error, {"scopes": call.body.scopes}, "scopes") from error
    return page.went(_place(call, "granted"))


def set_password(face: Face, call: Call) -> Reply:
    """A person's new password."""
    try:
        api.set_password(face, replace(_as_shown(call), body=forms.checked(api.SetPassword, {"password": call.body.password})))
    except (Problem, HomelabError) as error:
        raise _refused(face, call, error, at="password") from error
    return page.went(_place(call, "password"))


def end_sessions(face: Face, call: Call) -> Reply:
    """Sign a person out everywhere."""
    try:
        api.end_sessions(face, call)
    except (Problem, HomelabError) as error:
        raise _refused(face, call, error) from error
    return page.went(_place(call, "sessions"))


def end(face: Face, call: Call) -> Reply:
    """The question before a person is locked out or removed."""
    return _end(face, call, Form(), 200)


def lock_person(face: Face, call: Call) -> Reply:
    """Lock a person out."""
    try:
        api.lock_person(face, _as_shown(call))
    except (Problem, HomelabError) as error:
        raise forms.refused(error, lambda form, status: _end(face, call, form, status), {}) from error
    return page.went(_place(call, "locked"))


def remove_person(face: Face, call: Call) -> Reply:
    """Forget a person."""
    try:
        api.remove_person(face, _as_shown(call))
    except (Problem, HomelabError) as error:
        raise forms.refused(error, lambda form, status: _end(face, call, form, status), {}) from error
    return page.went(f"{PATH}?done=removed")


def _as_shown(call: Call) -> Call:
    """The order for the version that the form was made of, as the API takes it."""
    return replace(call, headers={**call.headers, "if-match": f'"{call.body.version}"'}) if call.body.version else call


def _refused(
    face: Face, call: Call, error: Problem | HomelabError, typed: Mapping[str, Any] | None = None, at: str = ""
) -> page.Told:
    return forms.refused(error, lambda form, status: _one(face, call, form, status), typed or {}, at)


def _link(face: Face, call: Call, name: str, scopes: list[Scope]) -> Link:
    """Where they choose a password. The token stands behind the `#`: no server sees it, and no log."""
    made = doors.invite(face, replace(call, body=bodies.Invite(name=name, scopes=scopes))).content
    address, reached = forms.address_for_others(face, call)
    return Link(name, f"{address}{account.PATH}#token={made.token}", reached)


def _lines(face: Face, call: Call) -> list[Line]:
    assert call.actor is not None  # noqa: S101 (the operation has a scope)
    seen: dict[str, float] = {}
    for view in face.access.sessions(call.actor):
        seen[view.name] = max(seen.get(view.name, 0.0), view.used)
    return [Line(each, seen.get(each.name, 0.0)) for each in face.access.people()]


def _line(face: Face, call: Call) -> Line:
    found = next((line for line in _lines(face, call) if line.about.name == call.path["name"]), None)
    if found is None:
        raise Problem(404, "not-found", "there is nobody of this name")
    return found


def _version(face: Face, name: str) -> str:
    found = face.access.person(name)
    return found[1] if found else ""


def _place(call: Call, done: str) -> str:
    return f"{PATH}/{quote(call.path['name'], safe='')}?done={done}"


def _list(face: Face, call: Call, form: Form, status: int, done: str = "", link: Link | None = None) -> Reply:
    about = {"form": form, "lines": _lines(face, call), "done": done, "link_for": link, "rights": forms.RIGHTS}
    crumbs = (("Settings", "/settings"),)
    return page.render(
        face, call, "people.html", about, title="People", view="settings", crumbs=crumbs, status=status, live=False
    )


def _one(face: Face, call: Call, form: Form, status: int, done: str = "", link: Link | None = None) -> Reply:
    assert call.actor is not None  # noqa: S101 (the operation has a scope)
    found = _line(face, call)
    name = found.about.name
    about = {
        "form": replace(form, values={"scopes": found.about.scopes, **form.values}),
        "person": found.about,
        "version": _version(face, name),
        "line": found,
        "sessions": [view for view in face.access.sessions(call.actor) if view.name == name],
        "tokens": [view for view in face.access.tokens() if view.by == name],
        "done": done,
        "link_for": link,
        "rights": forms.RIGHTS,
    }
    crumbs = (("Settings", "/settings"), ("People", PATH))
    return page.render(face, call, "person.html", about, title=name, view="settings", crumbs=crumbs, status=status, live=False)


def _end(face: Face, call: Call, form: Form, status: int) -> Reply:
    found = _line(face, call).about
    crumbs = (("Settings", "/settings"), ("People", PATH), (found.name, f"{PATH}/{quote(found.name, safe='')}"))
    title = f"Lock out or remove {found.name}"
    about = {"form": form, "person": found, "version": _version(face, found.name)}
    return page.render(
        face, call, "person_end.html", about, title=title, view="settings", crumbs=crumbs, status=status, live=False
    )


_ADMIN, _QUICK = Scope.ADMIN, Lane.QUICK
ROUTES: Routes = {
    PATH: {
        "GET": page.looks(show, "Who may sign in.", _ADMIN, query=DoneQuery),
        "POST": page.acts(add_person, "Invite somebody.", _ADMIN, Invited, _QUICK),
    },
    _ONE: {
        "GET": page.looks(person, "One person.", _ADMIN, query=DoneQuery),
        "POST": page.acts(invite, "Another link for a person.", _ADMIN, lane=_QUICK),
    },
    f"{_ONE}/scopes": {"POST": page.acts(grant, "What a person may do.", _ADMIN, Granted, _QUICK)},
    f"{_ONE}/password": {"POST": page.acts(set_password, "A person's new password.", _ADMIN, GivenPassword, Lane.PASSWORD)},
    f"{_ONE}/sessions": {"POST": page.acts(end_sessions, "Sign a person out everywhere.", _ADMIN, lane=_QUICK)},
    f"{_ONE}/end": {"GET": page.looks(end, "Whether to lock a person out, or to remove them.", _ADMIN)},
    f"{_ONE}/lock": {"POST": page.acts(lock_person, "Lock a person out.", _ADMIN, Order, _QUICK)},
    f"{_ONE}/remove": {"POST": page.acts(remove_person, "Remove a person.", _ADMIN, Order, _QUICK)},
}
