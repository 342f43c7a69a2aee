"""Operations about people: who may sign in, their sessions, their passwords, and what everybody did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, SecretStr

from controller.core.audit import Deed, Proof
from controller.core.errors import Refused
from controller.usecases.access import PersonView, Scope, SessionView
from controller.usecases.people import LONGEST, NAME, SHORTEST, Changed
from controller.usecases.views import FORMAT_VERSION
from controller.web.answers import Me
from controller.web.bodies import Body, Query
from controller.web.call import Call, Face, Operation, Reply, Routes
from controller.web.doors import granted, signed_in
from controller.web.lanes import Lane
from controller.web.problem import Problem

PersonName = Annotated[str, Field(min_length=1, max_length=64, pattern=NAME)]
Password = Annotated[SecretStr, Field(min_length=SHORTEST, max_length=LONGEST)]
Scopes = Annotated[list[Scope], Field(min_length=1, max_length=len(Scope), strict=False)]


class AddPerson(Body):
    """Somebody new; without a password only links let them in."""

    name: PersonName
    scopes: Scopes = Field(default_factory=lambda: [Scope.READ])
    password: Password | None = None


class Grant(Body):
    """All that a person may do from now on."""

    scopes: Scopes


class SetPassword(Body):
    """A person's new password. Never logged, never answered."""

    password: Password


class ChangePassword(Body):
    """One's own new password, and the one that one has (null = none yet)."""

    password: Password
    current: Annotated[SecretStr, Field(max_length=LONGEST)] | None = None


class AuditQuery(Query):
    """A page of rows; `cursor` is the `next` of the page before."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: Annotated[int, Field(ge=1, le=2**53)] | None = None


class ProofQuery(Query):
    """`noted` is a head that somebody wrote down earlier."""

    noted: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""


@dataclass(frozen=True, slots=True)
class Persons:
    """Everybody who may sign in."""

    people: tuple[PersonView, ...]


@dataclass(frozen=True, slots=True)
class SessionList:
    """Sessions, the newest first; `mine` is the one that asks ("" = none)."""

    sessions: tuple[SessionView, ...]
    mine: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Rows, the newest first; `next` is the cursor of the following page, null at the end."""

    rows: tuple[Deed, ...]
    next: int | None
    format_version: str = FORMAT_VERSION


def people(face: Face, _call: Call) -> Reply:
    """Everybody who may sign in."""
    return Reply(Persons(face.access.people()))


def person(face: Face, call: Call) -> Reply:
    """Somebody; the entity tag is what If-Match of an order about them names."""
    found = face.access.person(call.path["name"])
    if found is None:
        raise Problem(404, "not-found", "there is nobody of this name")
    return Reply(found[0], headers={"ETag": f'"{found[1]}"'})


def add_person(face: Face, call: Call) -> Reply:
    """Somebody new."""
    password = call.body.password.get_secret_value() if call.body.password else ""
    return Reply(face.access.add_person(call.body.name, granted(call, call.body.scopes), password, call.by), 201)


def remove_person(face: Face, call: Call) -> Reply:
    """Forget a person; all that they hold ends."""
    assert call.actor is not None  # noqa: S101 (the operation has a scope)
    with _standing(face, call):
        face.access.remove_person(call.path["name"], call.actor, call.seen)
    return Reply(status=204)


def lock_person(face: Face, call: Call) -> Reply:
    """Lock a person out; all that they hold ends."""
    assert call.actor is not None  # noqa: S101 (the operation has a scope)
    with _standing(face, call):
        return Reply(face.access.lock_person(call.path["name"], call.actor, call.seen))


def grant(face: Face, call: Call) -> Reply:
    """All that a person may do from now on."""
    assert call.actor is not None  # noqa: S101 (the operation has a scope)
    with _standing(face, call):
        return Reply(face.access.grant(call.path["name"], granted(call, call.body.scopes), call.actor, call.seen))


def set_password(face: Face, call: Call) -> Reply:
    """A person's new password."""
    with _standing(face, call):
        face.access.set_password(call.path["name"], call.body.password.get_secret_value(), call.seen)
    return Reply(status=204)


def change_password(face: Face, call: Call) -> Reply:
    """One's own new password; every session ends but the one that is answered here."""
    assert call.actor is not None  # noqa: S101 (the operation has a scope)
    current = call.body.current.get_secret_value() if call.body.current else ""
    secret, actor = face.access.change_password(call.actor, current, call.body.password.get_secret_value(), call.peer)
    return signed_in(face, call, secret, actor, 200)


def sessions(face: Face, call: Call) -> Reply:
    """One's own sessions; with admin everybody's."""
    assert call.actor is not None  # noqa: S101 (the operation has a scope)
    mine = call.actor.id if call.actor.door == "session" else ""
    return Reply(SessionList(face.access.sessions(call.actor), mine))


def end_session(face: Face, call: Call) -> Reply:
    """End a session at once."""
    assert call.actor is not None  # noqa: S101 (the operation has a scope)
    try:
        face.access.end_session(call.path["id"], call.actor)
    except Refused as error:
        raise Problem(404, "not-found", str(error)) from error
    return Reply(status=204)


def end_sessions(face: Face, call: Call) -> Reply:
    """End every session of a person at once."""
    assert call.actor is not None  # noqa: S101 (the operation has a scope)
    _known(face, call)
    face.access.end_sessions(call.path["name"], call.actor)
    return Reply(status=204)


def end_others(face: Face, call: Call) -> Reply:
    """End one's own sessions at once, but for the one that asks."""
    if call.actor is None or call.actor.door != "session":
        raise Problem(409, "no-session", "only who is signed in has sessions of their own")
    face.access.end_sessions(call.actor.name, call.actor, call.actor.id)
    return Reply(status=204)


def audit(face: Face, call: Call) -> Reply:
    """What everybody did, the newest first."""
    rows = tuple(face.access.audit.list(call.query.limit, call.query.cursor))
    more = len(rows) == call.query.limit and rows[-1].number > 1
    return Reply(AuditPage(rows, rows[-1].number if more else None))


def proof(face: Face, call: Call) -> Reply:
    """Whether every row is still as it was written."""
    return Reply(face.access.audit.prove(call.query.noted))


@contextmanager
def _standing(face: Face, call: Call) -> Iterator[None]:
    """Around an order about somebody who is to be as they were seen. Raises Problem."""
    _known(face, call)
    try:
        yield
    except Changed as error:
        raise Problem(412, "stale", str(error)) from error


def _known(face: Face, call: Call) -> None:
    if call.path["name"] not in {person.name for person in face.access.people()}:
        raise Problem(404, "not-found", "there is nobody of this name")


_ADMIN = Scope.ADMIN
ROUTES: Routes = {
    "/api/v1/people": {
        "GET": Operation(people, "Everybody who may sign in.", _ADMIN, Persons),
        "POST": Operation(
            add_person, "Somebody new.", _ADMIN, PersonView, 201, body=AddPerson, lane=Lane.PASSWORD, problems=(409, 503)
        ),
    },
    "/api/v1/people/{name}": {
        "GET": Operation(person, "Somebody who may sign in.", _ADMIN, PersonView, etag=True, problems=(404,)),
        "DELETE": Operation(
            remove_person, "Forget a person; all that they hold ends.", _ADMIN, status=204, problems=(404, 409, 412, 503)
        ),
    },
    "/api/v1/people/{name}/scopes": {
        "POST": Operation(grant, "What a person may do.", _ADMIN, PersonView, body=Grant, problems=(404, 409, 412, 503)),
        "DELETE": Operation(
            lock_person, "Lock a person out; all that they hold ends.", _ADMIN, PersonView, problems=(404, 409, 412, 503)
        ),
    },
    "/api/v1/people/{name}/sessions": {
        "DELETE": Operation(end_sessions, "End every session of a person.", _ADMIN, status=204, problems=(404, 409, 503))
    },
    "/api/v1/people/{name}/password": {
        "POST": Operation(
            set_password,
            "A person's new password.",
            _ADMIN,
            status=204,
            body=SetPassword,
            lane=Lane.PASSWORD,
            problems=(404, 409, 412, 503),
        )
    },
    "/api/v1/me/password": {
        "POST": Operation(
            change_password,
            "One's own new password; every other session ends.",
            Scope.READ,
            Me,
            body=ChangePassword,
            lane=Lane.PASSWORD,
            problems=(409, 503),
        )
    },
    "/api/v1/sessions": {
        "GET": Operation(sessions, "One's own sessions; with admin everybody's.", Scope.READ, SessionList),
        "DELETE": Operation(end_others, "End one's own other sessions.", Scope.READ, status=204, problems=(409, 503)),
    },
    "/api/v1/sessions/{id}": {
        "DELETE": Operation(end_session, "End a session at once.", Scope.READ, status=204, problems=(404, 503))
    },
    "/api/v1/audit": {"GET": Operation(audit, "What everybody did, newest first.", _ADMIN, AuditPage, query=AuditQuery)},
    "/api/v1/audit/proof": {
        "GET": Operation(proof, "Whether the audit trail is whole.", _ADMIN, Proof, query=ProofQuery, lane=Lane.SLOW)
    },
}
