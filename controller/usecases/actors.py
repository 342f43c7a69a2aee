"""Actors: who asks, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from controller.core.errors import HomelabError
from controller.core.proposal import Author, AuthorKind


class Scope(StrEnum):
    """What a caller may do: look, ask for a plan, propose a change of the specification, approve, make changes, or everything
    (people, tokens, secrets, detach)."""

    READ = "read"
    PLAN = "plan"
    PROPOSE = "propose"
    APPROVE = "approve"
    APPLY = "apply"
    ADMIN = "admin"


ASSISTANTS = frozenset({Scope.READ, Scope.PLAN, Scope.PROPOSE})
"""All that an assistant may ever be given: it proposes, people decide."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `door` is how they came in: socket, cli (no controller runs), session or token; `id` names that session or
    token."""

    name: str
    scopes: frozenset[Scope]
    door: str
    id: str = ""
    kind: AuthorKind = AuthorKind.PERSON

    @property
    def person(self) -> bool:
        """True for somebody who can be asked why; False for programs and assistants."""
        return self.kind is AuthorKind.PERSON

    @property
    def author(self) -> Author:
        """The same as who proposes something."""
        return Author(self.name, self.kind)

    def may(self, scope: Scope) -> bool:
        """True when allowed: admin may everything, everyone who is let in may look, and a person who may apply may propose."""
        proposes = scope is Scope.PROPOSE and self.person and Scope.APPLY in self.scopes
        return proposes or scope is Scope.READ or scope in self.scopes or Scope.ADMIN in self.scopes


class Denied(HomelabError):
    """The credential is unknown, used up, expired or revoked."""


class Throttled(HomelabError):
    """Too many wrong credentials from this address or for this name; `retry_after` in seconds."""

    def __init__(self, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(f"too many wrong credentials from this address; wait {retry_after:.0f} seconds")


def local(user: str, door: str = "socket") -> Actor:
    """The operator on the controller's own machine: everything is allowed."""
    return Actor(user, frozenset(Scope), door)
