"""Access: who may call the controller, and how they are let in. People, sessions, tokens, one-time invitations, and the
webhook's secret."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from threading import Lock

from controller.core.errors import HomelabError, Refused, Severity
from controller.core.event import Event
from controller.core.ports import Clock, Store, Vault
from controller.usecases.access_kept import DAY, MINUTE, Kept
from controller.usecases.access_sessions import Sessions, SessionView
from controller.usecases.access_tokens import Tokens, TokenView
from controller.usecases.access_tries import NAME_TRIES, TRIES, WINDOW, Tries
from controller.usecases.actors import ASSISTANTS, Actor, Denied, Scope, Throttled, local
from controller.usecases.audit import Audit
from controller.usecases.people import Passwords, People, PersonView, Seen

__all__ = [
    "ASSISTANTS", "NAME_TRIES", "TRIES", "WEBHOOK_REF", "WINDOW", "Access", "Actor", "Denied", "PersonView", "Scope",
    "SessionView", "Throttled", "TokenView", "local",
]  # fmt: skip

WEBHOOK_REF = "controller/webhook"
"""The vault's name for the secret that git servers sign with."""

_INVITATION = 15 * MINUTE
_INVITATIONS = 200
_ENTERED = "access.entered"


class Access:
    """Credentials. Random ones (links, sessions, tokens) are kept only as SHA-256, passwords as `passwords` encodes them. Usable
    from many threads, and by several controllers on one store: each change is one transaction.

    `peer` is the network address a credential came from ("" = the socket, never throttled). Wrong ones are counted durably, per
    door and address and per name. A right token or signature always passes; a throttled address trades no invitation for a
    while, and nobody tries passwords for a throttled name."""

    def __init__(self, store: Store, clock: Clock, vault: Vault, passwords: Passwords) -> None:
        self._store, self._clock, self._vault = store, clock, vault
        self._tries = Tries(store, clock, self._tell)
        self._invitations = Kept(store, clock, "access.invitations")
        self._sessions, self._tokens = Sessions(store, clock), Tokens(store, clock)
        self._people = People(store, clock, passwords)
        self._admins = Lock()
        self.audit = Audit(store, clock)

    # Signing in

    def first_invitation(self) -> str | None:
        """An invitation to print at start while nobody has ever entered; else None."""
        return None if self._store.fact(_ENTERED) else self.invite(seconds=DAY)

    def invite(self, name: str = "owner", scopes: Collection[Scope] = tuple(Scope), seconds: float = _INVITATION) -> str:
        """A fresh one-time token that a browser trades for a session. Raises Refused."""
        self._people.check(name, scopes)
        if self._people.locked(name):
            raise Refused(f"{name} is locked out; `homelab user grant {name}` lets them in again")
        token = f"hlo_{secrets.token_urlsafe(32)}"
        self._invitations.add(token, {"name": name, "scopes": sorted(scopes)}, seconds, _INVITATIONS)
        return token

    def enter(self, invitation: str, peer: str) -> tuple[str, Actor]:
        """Trade an invitation for a session's secret; who was invited is a person from then on. Raises Denied, Throttled."""
        self._tries.check("link", peer)
        found = self._invitations.take(invitation)
        if found is None:
            raise self._tries.failed(
                "link", peer, "this link was used before or has expired; `homelab token url` makes a new one"
            )
        scopes = [Scope(scope) for scope in found["scopes"]]
        self._people.admit(found["name"], scopes, "a link")
        return self._begin(found["name"], scopes, "link", peer)

    def sign_in(self, name: str, password: str, peer: str) -> tuple[str, Actor]:
        """Trade a name and a password for a session's secret. Raises Denied, Throttled."""
        name = name.strip().lower()
        self._tries.check("password", peer, name)
        person = self._people.verified(name, password)
        if person is None:
            raise self._tries.failed("password", peer, "name or password is wrong", name)
        if not person.scopes:
            raise Denied("you are locked out; who looks after this house can let you in again")
        return self._begin(name, [Scope(scope) for scope in person.scopes], "password", peer)

    def may_try_provider(self, peer: str) -> None:
        """Raises Throttled when too many answers of a provider from this address proved nothing."""
        self._tries.check("provider", peer)

    def vouched(self, name: str, subject: str, scopes: Collection[Scope], peer: str) -> tuple[str, Actor]:
        """A session for somebody whom an OpenID provider vouches for; tokens of theirs that may more than it says now end. Raises
        Denied."""
        self._people.provided(name, subject, scopes)
        if Scope.ADMIN not in scopes:
            self._tokens.end_of(name, keeping=scopes)
        return self._begin(name, scopes, "provider", peer)

    def withdrawn(self, subject: str) -> None:
        """A provider gives somebody no rights any more: what they hold here ends at once, under whatever name they have it."""
        for name in self._people.withdraw(subject):
            self._end_all(name)

    def not_vouched(self, peer: str, why: str) -> HomelabError:
        """Count an answer of a provider that proves nothing; the error to raise."""
        return self._tries.failed("provider", peer, why)

    def _begin(self, name: str, scopes: Collection[Scope], way: str, peer: str) -> tuple[str, Actor]:
        secret, actor = self._sessions.open(name, tuple(scopes), way, peer)
        self._store.remember(_ENTERED, True)
        self._tell("SignedIn", f"{name} signed in from {peer or 'the socket'}")
        return secret, actor

    # Sessions

    def session(self, secret: str) -> Actor | None:
        """Who holds a session; None when it has ended (not counted as wrong: every browser comes back with an old cookie)."""
        return self._sessions.actor(secret)

    def leave(self, id_: str) -> None:
        """End a session, by the actor's id."""
        self._sessions.end(id_)

    def sessions(self, of: Actor) -> tuple[SessionView, ...]:
        """The sessions that somebody may see, newest first: their own, and with admin everybody's."""
        mine = of.name if of.person else None
        return tuple(view for view in self._sessions.list() if of.may(Scope.ADMIN) or view.name == mine)

    def end_session(self, id_: str, of: Actor) -> None:
        """End a session that somebody may see. Raises Refused when there is none of that id."""
        if id_ not in {view.id for view in self.sessions(of)}:
            raise Refused(f"there is no session {id_!r}; `homelab session list` shows them")
        self._sessions.end(id_)

    def end_sessions(self, name: str, of: Actor, keeping: str = "") -> None:
        """End every session of a person, but for the one with the id `keeping`. Raises Refused when there is nobody of that
        name."""
        self._people.must_know(name)
        if not keeping:
            self._can_come_back(name, of)
        self._sessions.end_of(name, keeping)

    # People

    def people(self) -> tuple[PersonView, ...]:
        """Everybody who may sign in."""
        return self._people.list()

    def add_person(self, name: str, scopes: Collection[Scope], password: str, by: str) -> PersonView:
        """A new person; "" as password = only links let them in until they have one. Raises Refused."""
        return self._people.add(name, scopes, password, by)

    def person(self, name: str) -> tuple[PersonView, str] | None:
        """Somebody and their version, which `seen` of the orders below names; None when there is nobody of that name."""
        return self._people.one(name)

    def remove_person(self, name: str, of: Actor, seen: Seen = None) -> None:
        """Forget a person; their sessions, invitations and tokens end at once. Raises Refused."""
        with self._admins:
            self._leaves_an_admin(name, of)
            self._people.remove(name, seen)
        self._end_all(name)

    def lock_person(self, name: str, of: Actor, seen: Seen = None) -> PersonView:
        """Take every right from a person, who stays known and is let in by nothing until they are granted some again; their
        sessions, invitations and tokens end at once. Raises Refused."""
        with self._admins:
            self._leaves_an_admin(name, of)
            view = self._people.lock(name, seen)
        self._end_all(name)
        return view

    def _leaves_an_admin(self, name: str, of: Actor) -> None:
        """Raises Refused where nobody could come in any more who may everything. The operator at the machine always can."""
        if self._is_last(name, of):
            raise Refused(f"nobody but {name} may everything and can sign in by themselves; let somebody else do so first")

    def _can_come_back(self, name: str, of: Actor) -> None:
        """Raises Refused where nobody could come in any more who may everything once a person is signed out."""
        if not self._people.signs_in(name) and self._is_last(name, of):
            raise Refused(f"nobody but {name} may everything, and without a password they could not sign in again; set one first")

    def _is_last(self, name: str, of: Actor) -> bool:
        """True for the last who may everything, where that is asked over the network."""
        inside = of.name if of.door == "session" else ""
        return of.door not in ("socket", "cli") and self._people.last_admin(name, inside)

    def _end_all(self, name: str) -> None:
        self._invitations.drop(lambda _, item: item["name"] == name)
        self._sessions.end_of(name)
        self._tokens.end_of(name)

    def grant(self, name: str, scopes: Collection[Scope], of: Actor, seen: Seen = None) -> PersonView:
        """Give a person these rights, and no others. Where that changes what they may, they sign in again, and their tokens that
        may more end. Raises Refused."""
        with self._admins:
            before = self._people.one(name)
            if Scope.ADMIN not in scopes:
                self._leaves_an_admin(name, of)
            view = self._people.grant(name, scopes, seen)
        if before is None or _all_of(before[0].scopes) != _all_of(view.scopes):
            self._sessions.end_of(name)
        if Scope.ADMIN not in scopes:
            self._tokens.end_of(name, keeping=scopes)
        return view

    def set_password(self, name: str, password: str, seen: Seen = None) -> None:
        """Give a person a password; they sign in again everywhere. Raises Refused."""
        self._people.set_password(name, password, seen)
        self._sessions.end_of(name)

    def change_password(self, of: Actor, current: str, password: str, peer: str) -> tuple[str, Actor]:
        """Somebody's own password, who must know the one they have; every session of theirs ends, and a new one begins. Raises
        Denied, Refused, Throttled."""
        if of.door != "session":
            raise Refused("only who is signed in has a password of their own; `homelab user passwd NAME` sets anybody's")
        if self._people.has_password(of.name):
            self._tries.check("password", peer, of.name)
            if self._people.verified(of.name, current) is None:
                raise self._tries.failed("password", peer, "the current password is wrong", of.name)
        self.set_password(of.name, password)
        return self._sessions.open(of.name, tuple(of.scopes), "password", peer)

    # Tokens

    def issue(
        self, name: str, scopes: Collection[Scope], days: float | None, by: str, *, assistant: bool = False
    ) -> tuple[str, TokenView]:
        """A new token (shown only now) that ends after `days` (None = never), when it is revoked, or when `by` is removed. Raises
        Refused."""
        token, view = self._tokens.issue(name, scopes, days, by, assistant=assistant)
        self._tell("TokenIssued", f"{by} issues token {view.id} ({name}) for {', '.join(sorted(scopes))}")
        return token, view

    def tokens(self) -> Sequence[TokenView]:
        """Every token that works, oldest first."""
        return self._tokens.list()

    def revoke(self, id_: str, by: str) -> None:
        """End a token at once. Raises Refused when there is none of that id."""
        self._tokens.revoke(id_)
        self._tell("TokenRevoked", f"{by} revokes token {id_}")

    def bearer(self, token: str, peer: str) -> Actor:
        """Who holds a token. Raises Denied, Throttled."""
        actor = self._tokens.actor(token)
        if actor is None:
            raise self._tries.failed("token", peer, "the token is unknown, expired or revoked")
        return actor

    # The webhook's secret

    def webhook_secret(self, *, make: bool = False) -> str | None:
        """What git servers sign with; None while there is none and `make` is not asked for."""
        try:
            version = self._vault.current(WEBHOOK_REF, 48 if make else None)
        except KeyError:
            return None
        self._vault.keep([version])
        return self._vault.reveal(version)

    def wrong_signature(self, peer: str, why: str) -> HomelabError:
        """Count a webhook that is not signed with our secret; the error to raise."""
        return self._tries.failed("hook", peer, why)

    def _tell(self, reason: str, message: str, severity: Severity = Severity.INFO) -> None:
        self._store.append([Event(self._clock.now(), reason, message, severity)])


def _all_of(scopes: Collection[str]) -> frozenset[str]:
    """What somebody may with these: with admin everything."""
    return frozenset(Scope) if Scope.ADMIN in scopes else frozenset(scopes)
