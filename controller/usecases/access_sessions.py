"""Sessions: browsers that somebody signed in with. Only digests of their secrets are kept."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from controller.core.errors import JournalError, Refused
from controller.core.ports import Clock, Store
from controller.core.registers import Person
from controller.usecases.access_kept import DAY, MINUTE, Item, Items, Kept, digest
from controller.usecases.actors import Actor, Scope

SESSION = 30 * DAY
"""So long after it began a session ends, however much it is used."""
IDLE = 7 * DAY
"""So long after it was last used a session ends."""

_MOST = 100
_SEEN_EVERY = 10 * MINUTE
_ID = 12


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as people see it. `way` is how it began: link, password or provider; `peer` from where. Times in seconds since
    the epoch; `used` is exact to some minutes."""

    id: str
    name: str
    scopes: tuple[str, ...]
    way: str
    peer: str
    began: float
    used: float
    ends: float


class Sessions:
    """Sessions of persons. What a session may is never more than what its person may now: who is removed, locked out, or loses a
    right, has lost it with the next request, at every controller on this store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._people, self._clock = store.people, clock
        self._kept = Kept(store, clock, "access.sessions")

    def open(self, name: str, scopes: tuple[str, ...], way: str, peer: str) -> tuple[str, Actor]:
        """A new session: its secret, and who holds it."""
        secret, now = secrets.token_urlsafe(32), self._clock.now()
        item: Item = {"name": name, "scopes": sorted(scopes), "way": way, "peer": peer, "began": now, "used": now}
        self._kept.add(secret, item, SESSION, _MOST)
        actor = self._actor(digest(secret), item)
        if actor is None:
            raise Refused(f"there is no {name} any more, or they are locked out")
        return secret, actor

    def actor(self, secret: str) -> Actor | None:
        """Who holds a session; None when it has ended."""
        key = digest(secret)
        item = self._alive().get(key)
        actor = self._actor(key, item) if item is not None else None
        if actor is not None and item is not None:
            self._seen(key, item)
        return actor

    def list(self) -> tuple[SessionView, ...]:
        """Every session that works, the newest first."""
        people = {person.name: person for person in self._people.list() if person.scopes}
        found = [_view(key, item, people.get(item["name"])) for key, item in self._alive().items() if item["name"] in people]
        return tuple(sorted(found, key=lambda view: (-view.began, view.id)))

    def end(self, id_: str) -> None:
        """End one, by its id."""
        self._kept.drop(lambda key, _: key[:_ID] == id_)

    def end_of(self, name: str, keeping: str = "") -> None:
        """End every session of a person, but for the one with this id."""
        self._kept.drop(lambda key, item: item["name"] == name and key[:_ID] != keeping)

    def _alive(self) -> Items:
        since = self._clock.now() - IDLE
        return {key: item for key, item in self._kept.alive().items() if item.get("used", 0.0) > since}

    def _actor(self, key: str, item: Item) -> Actor | None:
        person = self._people.get(item["name"])
        if person is None or not person.scopes:
            return None
        return Actor(item["name"], _scopes(item, person), "session", key[:_ID])

    def _seen(self, key: str, item: Item) -> None:
        now = self._clock.now()
        if now - item["used"] < _SEEN_EVERY:
            return

        def used_now(known: Items) -> Items:
            return {**known, key: {**known[key], "used": now}} if key in known else known

        # Another controller may lead now: looking must go on working.
        with suppress(JournalError):
            self._kept.revise(used_now)


def _scopes(item: Item, person: Person | None) -> frozenset[Scope]:
    """What a session may now: nothing that its person may not, and nothing that it was not given."""
    given: set[Any] = set(item["scopes"])
    has = set(person.scopes) if person is not None else set()
    if Scope.ADMIN in has:
        return frozenset(map(Scope, given))
    if Scope.ADMIN in given:
        return frozenset(map(Scope, has))
    return frozenset(map(Scope, given & has))


def _view(key: str, item: Item, person: Person | None) -> SessionView:
    scopes = tuple(sorted(_scopes(item, person)))
    ends = min(item["until"], item["used"] + IDLE)
    return SessionView(key[:_ID], item["name"], scopes, item["way"], item["peer"], item["began"], item["used"], ends)
