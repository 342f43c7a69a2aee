"""The API as people read it: every operation with who may, what it takes and answers, and a command line that calls it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from controller.web import page
from controller.web.call import Call, Face, Reply, Routes
from controller.web.gate import cookie_name
from controller.web.openapi import document
from controller.web.problem import Problem
from controller.web.reference import Subject, reference


def show(face: Face, call: Call) -> Reply:
    """How a program comes in, and the subjects."""
    about = {"subjects": _found(face, call), "address": _address(call)}
    return page.render(face, call, "api.html", about, title="API", view="settings", crumbs=_SETTINGS, live=False)


def subject(face: Face, call: Call) -> Reply:
    """The operations of one subject."""
    found = next((each for each in _found(face, call) if each.name == call.path["subject"]), None)
    if found is None:
        raise Problem(404, "not-found", "the API has no such subject")
    crumbs = (*_SETTINGS, ("API", "/settings/api"))
    about = {"subject": found}
    return page.render(face, call, "api_subject.html", about, title=found.title, view="settings", crumbs=crumbs, live=False)


_SETTINGS = (("Settings", "/settings"),)


def _address(call: Call) -> str:
    return f"{'https' if call.https else 'http'}://{call.host}"


def _found(face: Face, call: Call) -> tuple[Subject, ...]:
    return reference(_document(cookie_name(face, call)), _address(call))


@lru_cache(maxsize=2)
def _document(cookie: str) -> dict[str, Any]:
    from controller.web.routes import routes  # the table holds this view too

    return document(routes(), cookie)


ROUTES: Routes = {
    "/settings/api": {"GET": page.looks(show, "What programs can ask for.")},
    "/settings/api/{subject}": {"GET": page.looks(subject, "The operations of one subject.")},
}
