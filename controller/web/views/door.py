"""The door as a form: signing in without a script."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field, SecretStr

from controller.core.errors import HomelabError
from controller.usecases.access import Scope
from controller.usecases.people import LONGEST
from controller.web import bodies, doors, page
from controller.web.bodies import Body
from controller.web.call import Call, Face, Reply, Routes
from controller.web.lanes import Lane
from controller.web.problem import Problem
from controller.web.views import forms

PATH = "/enter"
_WORDS = {"name": "Write your name.", "password": "Write your password.", "token": "This is no token of a link."}


class Entering(Body):
    """A name and a password, or the one-time token of a link, as typed."""

    name: Annotated[str, Field(max_length=200)] = ""
    password: Annotated[SecretStr, Field(max_length=LONGEST + 1)] = SecretStr("")
    token: Annotated[SecretStr, Field(max_length=300)] = SecretStr("")


def enter(face: Face, call: Call) -> Reply:
    """Trade them for a session."""
    body, token = call.body, call.body.token.get_secret_value().strip()
    given = {"token": token} if token else {"name": body.name, "password": body.password.get_secret_value()}
    try:
        done = doors.enter(face, replace(call, body=forms.checked(bodies.Enter, given)))
    except (Problem, HomelabError) as error:
        at = "token" if token else "password"
        typed = {"name": body.name}
        raise forms.refused(error, lambda form, status: page.door(face, call, form, status), typed, at, _WORDS) from error
    return page.went("/", **done.headers)


_ENTER = page.acts(enter, "Sign in.", Scope.READ, Entering, Lane.PASSWORD)
ROUTES: Routes = {PATH: {"POST": replace(_ENTER, scope=None, page=True)}}
