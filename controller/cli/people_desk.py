"""People as verbs see them: the same questions and orders whether a controller runs or this process does the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from controller.cli.controller_socket import ControllerSocket
from controller.cli.recorded import recorded
from controller.core.codec import to_data
from controller.usecases.access import Access, Actor, Scope

Data = Mapping[str, Any]


class PeopleDesk(Protocol):
    """What verbs ask and order about people. An order raises what its use case raises, or Answered with the same exit code."""

    def people(self) -> Sequence[Data]:
        """`people.PersonView` of everybody."""

    def add(self, name: str, scopes: Sequence[str], password: str) -> Data:
        """Somebody new ("" = no password yet); their `people.PersonView`."""

    def remove(self, name: str) -> None:
        """Forget a person; all that they hold ends."""

    def grant(self, name: str, scopes: Sequence[str]) -> Data:
        """All that a person may do from now on; their `people.PersonView`."""

    def lock(self, name: str) -> None:
        """Take every right from a person; all that they hold ends."""

    def set_password(self, name: str, password: str) -> None:
        """A person's new password."""

    def sessions(self) -> Sequence[Data]:
        """`access.SessionView` of every session."""

    def end_session(self, id_: str) -> None:
        """End a session at once."""

    def end_sessions(self, name: str) -> None:
        """End every session of a person at once."""

    def audit(self, limit: int) -> Sequence[Data]:
        """`audit.Deed` of the newest rows, newest first."""

    def prove(self, noted: str) -> Data:
        """`audit.Proof`."""


class OwnPeople:
    """`PeopleDesk` by this process."""

    def __init__(self, access: Access, actor: Actor) -> None:
        self.access, self.actor = access, actor

    def people(self) -> Sequence[Data]:
        return [to_data(item) for item in self.access.people()]

    @recorded("add-person")
    def add(self, name: str, scopes: Sequence[str], password: str) -> Data:
        found: Data = to_data(self.access.add_person(name, [Scope(scope) for scope in scopes], password, self.actor.name))
        return found

    @recorded("remove-person")
    def remove(self, name: str) -> None:
        self.access.remove_person(name, self.actor)

    @recorded("grant")
    def grant(self, name: str, scopes: Sequence[str]) -> Data:
        found: Data = to_data(self.access.grant(name, [Scope(scope) for scope in scopes], self.actor))
        return found

    @recorded("lock-person")
    def lock(self, name: str) -> None:
        self.access.lock_person(name, self.actor)

    @recorded("set-password")
    def set_password(self, name: str, password: str) -> None:
        self.access.set_password(name, password)

    def sessions(self) -> Sequence[Data]:
        return [to_data(item) for item in self.access.sessions(self.actor)]

    @recorded("end-session")
    def end_session(self, id_: str) -> None:
        self.access.end_session(id_, self.actor)

    @recorded("end-sessions")
    def end_sessions(self, name: str) -> None:
        self.access.end_sessions(name, self.actor)

    def audit(self, limit: int) -> Sequence[Data]:
        return [to_data(row) for row in self.access.audit.list(limit)]

    def prove(self, noted: str) -> Data:
        found: Data = to_data(self.access.audit.prove(noted))
        return found


class RunningPeople:
    """`PeopleDesk` behind a running controller."""

    def __init__(self, socket: ControllerSocket) -> None:
        self._socket = socket

    def people(self) -> Sequence[Data]:
        found: Sequence[Data] = self._socket.get("people")["people"]
        return found

    def add(self, name: str, scopes: Sequence[str], password: str) -> Data:
        body = {"name": name, "scopes": list(scopes), "password": password or None}
        found: Data = self._socket.post("people", body)
        return found

    def remove(self, name: str) -> None:
        self._socket.delete(f"people/{_part(name)}")

    def grant(self, name: str, scopes: Sequence[str]) -> Data:
        found: Data = self._socket.post(f"people/{_part(name)}/scopes", {"scopes": list(scopes)})
        return found

    def lock(self, name: str) -> None:
        self._socket.delete(f"people/{_part(name)}/scopes")

    def set_password(self, name: str, password: str) -> None:
        self._socket.post(f"people/{_part(name)}/password", {"password": password})

    def sessions(self) -> Sequence[Data]:
        found: Sequence[Data] = self._socket.get("sessions")["sessions"]
        return found

    def end_session(self, id_: str) -> None:
        self._socket.delete(f"sessions/{_part(id_)}")

    def end_sessions(self, name: str) -> None:
        self._socket.delete(f"people/{_part(name)}/sessions")

    def audit(self, limit: int) -> Sequence[Data]:
        return self._socket.pages("audit", "rows", limit, 500)

    def prove(self, noted: str) -> Data:
        found: Data = self._socket.get("audit/proof", noted=noted or None)
        return found


def _part(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
