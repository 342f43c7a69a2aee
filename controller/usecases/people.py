"""People: who may sign in, with which rights, and by which password."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol

from controller.core.errors import Refused
from controller.core.ports import Clock, Store
from controller.core.registers import Person
from controller.usecases.actors import Denied, Scope

NAME = r"^[a-z0-9][a-z0-9._@+-]{0,63}$"
"""A name has one spelling: what looks like another person's would be taken for them."""
SHORTEST, LONGEST = 10, 1024
"""Characters of a password."""

Seen = Collection[str] | None
"""Versions of somebody (`version_of`) for which an order counts: for any other it raises Changed. None = for all."""


class Passwords(Protocol):
    """What turns passwords into hashes. Slow and hungry on purpose, and never for more than a few at a time."""

    def encode(self, password: str) -> str:
        """A salted hash with everything that is needed to check it."""

    def right(self, encoded: str, password: str) -> bool:
        """True when the password is the one that was encoded; "" (nobody's) takes as long and is never right."""

    def outdated(self, encoded: str) -> bool:
        """True when it would be encoded with more care today."""


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person as people see them. `password` and `provider` say by what else than a link they may sign in; who has no scopes is
    locked out."""

    name: str
    scopes: tuple[str, ...]
    password: bool
    provider: bool
    by: str
    at: float


class Changed(Refused):
    """Somebody is no longer as they were shown: what was wanted of them was not done."""


def version_of(person: Person) -> str:
    """Names what a person is now: another one as soon as anything of it is."""
    said = (person.name, person.scopes, person.password, person.subject, person.by, person.at)
    return sha256(repr(said).encode()).hexdigest()[:32]


class People:
    """Persons and their passwords. Ending what they hold is for whoever calls."""

    def __init__(self, store: Store, clock: Clock, passwords: Passwords) -> None:
        self._people, self._clock, self._passwords = store.people, clock, passwords

    def list(self) -> tuple[PersonView, ...]:
        """Everybody, by name."""
        return tuple(_view(person) for person in self._people.list())

    def check(self, name: str, scopes: Collection[Scope]) -> None:
        """Raises Refused for a name that nobody can have, or no scope at all."""
        _rights(name, scopes)

    def add(self, name: str, scopes: Collection[Scope], password: str, by: str) -> PersonView:
        """A new person; "" as password = only links let them in until they have one. Raises Refused."""
        rights = _rights(name, scopes)
        encoded = self._encoded(password) if password else ""
        made = Person(name, rights, encoded, by=by, at=self._clock.now())

        def as_new(known: Person | None) -> Person:
            if known is not None:
                raise Refused(f"there is somebody called {name} already; `homelab user list` shows them")
            return made

        self._people.revise(name, as_new)
        return _view(made)

    def admit(self, name: str, scopes: Collection[Scope], by: str) -> None:
        """Make sure that a person who was invited is there; who is there already keeps what they have. Raises Refused."""
        made = Person(name, _rights(name, scopes), by=by, at=self._clock.now())
        if self._people.get(name) is None:
            self._people.revise(name, lambda known: known or made)

    def provided(self, name: str, subject: str, scopes: Collection[Scope]) -> None:
        """A person whom an OpenID provider vouches for gets exactly the rights that the provider's groups stand for. Raises
        Denied when the name is another person's: a provider must not be able to name somebody else."""
        if not re.fullmatch(NAME, name):
            raise Denied("the provider's name for you cannot be used here: it has other characters than a-z 0-9 . _ @ + -")
        made = Person(name, tuple(sorted(scopes)), subject=subject, by="provider", at=self._clock.now())

        def bound(known: Person | None) -> Person:
            if known is not None and known.subject != subject:
                raise Denied(f"{name} is somebody else here; `homelab user remove {name}` makes the name free")
            return replace(known, scopes=made.scopes) if known is not None else made

        known = self._people.get(name)
        if known is None or bound(known) != known:
            self._people.revise(name, bound)

    def withdraw(self, subject: str) -> tuple[str, ...]:
        """Take every right from whom a provider gives none any more; the names that they have here."""
        names = tuple(person.name for person in self._people.list() if person.subject == subject)
        for name in names:
            self._people.revise(name, lambda known: replace(known, scopes=()) if known and known.subject == subject else known)
        return names

    def one(self, name: str) -> tuple[PersonView, str] | None:
        """Somebody, and what names them as they are now (`version_of`); None when there is nobody of that name."""
        person = self._people.get(name)
        return None if person is None else (_view(person), version_of(person))

    def lock(self, name: str, seen: Seen = None) -> PersonView:
        """Take every right from a person: nothing lets them in until they are granted some again. Raises Refused."""
        made = list[Person]()

        def without_any(known: Person | None) -> Person:
            made.append(replace(_grantable(_as_seen(known, seen), name), scopes=()))
            return made[-1]

        self._people.revise(name, without_any)
        return _view(made[-1])

    def must_know(self, name: str) -> None:
        """Raises Refused when there is nobody of that name."""
        _must_be(self._people.get(name), name)

    def locked(self, name: str) -> bool:
        """True for somebody who is known and has no right at all."""
        person = self._people.get(name)
        return person is not None and not person.scopes

    def signs_in(self, name: str) -> bool:
        """True for somebody who needs no link to come in."""
        person = self._people.get(name)
        return person is not None and bool(person.password or person.subject)

    def last_admin(self, name: str, inside: str) -> bool:
        """True when a person may everything and nobody else who does could sign in by themselves; `inside` is somebody who
        need not, being signed in ("" = nobody is)."""
        admins = [person for person in self._people.list() if Scope.ADMIN in person.scopes]
        others = [each for each in admins if each.name != name and (each.password or each.subject or each.name == inside)]
        return not others and any(each.name == name for each in admins)

    def remove(self, name: str, seen: Seen = None) -> None:
        """Forget a person. Raises Refused when there is none of that name."""

        def nobody(known: Person | None) -> None:
            _must_be(_as_seen(known, seen), name)

        self._people.revise(name, nobody)

    def grant(self, name: str, scopes: Collection[Scope], seen: Seen = None) -> PersonView:
        """Give a person these rights, and no others. Raises Refused."""
        rights, made = _rights(name, scopes), list[Person]()

        def with_them(known: Person | None) -> Person:
            made.append(replace(_grantable(_as_seen(known, seen), name), scopes=rights))
            return made[-1]

        self._people.revise(name, with_them)
        return _view(made[-1])

    def set_password(self, name: str, password: str, seen: Seen = None) -> None:
        """Give a person a password. Raises Refused, also for whom an OpenID provider vouches for: a password would let them in
        when the provider no longer does."""
        encoded = self._encoded(password)

        def with_it(known: Person | None) -> Person:
            found = _must_be(_as_seen(known, seen), name)
            if found.subject:
                raise Refused(f"{name} signs in at the OpenID provider; a password would outlive what the provider says of them")
            return replace(found, password=encoded)

        self._people.revise(name, with_it)

    def has_password(self, name: str) -> bool:
        """True when a person can sign in by a password."""
        person = self._people.get(name)
        return person is not None and person.password != ""

    def verified(self, name: str, password: str) -> Person | None:
        """The person who has this name and password. It takes as long for a name that nobody has."""
        person = self._people.get(name)
        encoded = person.password if person is not None else ""
        if not self._passwords.right(encoded, password[: LONGEST + 1]) or person is None:
            return None
        if self._passwords.outdated(encoded):
            again = self._passwords.encode(password)
            self._people.revise(name, lambda known: replace(known, password=again) if known == person else known)
        return person

    def _encoded(self, password: str) -> str:
        if not SHORTEST <= len(password) <= LONGEST:
            raise Refused(f"a password has {SHORTEST} to {LONGEST} characters; three or four words that belong to nobody do well")
        return self._passwords.encode(password)


def _must_be(known: Person | None, name: str) -> Person:
    if known is None:
        raise Refused(f"there is nobody called {name!r}; `homelab user list` shows who is there")
    return known


def _as_seen(known: Person | None, seen: Seen) -> Person | None:
    if known is not None and seen is not None and version_of(known) not in seen:
        raise Changed(f"{known.name} is not as shown any more: somebody changed them meanwhile; look again")
    return known


def _grantable(known: Person | None, name: str) -> Person:
    found = _must_be(known, name)
    if found.subject:
        raise Refused(f"the rights of {name} follow from their groups at the OpenID provider")
    return found


def _rights(name: str, scopes: Collection[Scope]) -> tuple[str, ...]:
    if not re.fullmatch(NAME, name):
        raise Refused("the name of a person has 1 to 64 of a-z, 0-9 and . _ @ + -, and begins with a letter or digit")
    if not scopes:
        raise Refused(f"name at least one scope of: {', '.join(Scope)}")
    return tuple(sorted(scopes))


def _view(person: Person) -> PersonView:
    return PersonView(person.name, person.scopes, bool(person.password), bool(person.subject), person.by, person.at)
