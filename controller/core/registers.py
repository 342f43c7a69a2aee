"""Registers: the parts of a store beside ledger and journal. People, what they did and propose; how healthy things were."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from controller.core.audit import Deed, Proof
from controller.core.uptime import HealthHistory


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in. `password` is an encoded hash, "" = none (then only a link or a provider lets them in). `subject`
    is who they are at their OpenID provider, as `issuer subject`, "" = known here only."""

    name: str
    scopes: tuple[str, ...]
    password: str = ""
    subject: str = ""
    by: str = ""
    at: float = 0.0


class People(Protocol):
    """Persons by name. Writes are refused with JournalError to a holder that lost its lease."""

    def get(self, name: str) -> Person | None:
        """One person."""

    def list(self) -> Sequence[Person]:
        """Everybody, by name."""

    def revise(self, name: str, change: Callable[[Person | None], Person | None]) -> None:
        """Store what `change` makes of a person (None = nobody), with no writer in between; it must not use the store. When it
        raises, nothing is stored."""


class Trail(Protocol):
    """The audit trail: rows are added, never changed and never removed. Everybody may add."""

    def add(self, deed: Deed) -> Deed:
        """Writes the next row; gives it back with its number and link. Text that is not Unicode becomes `?`."""

    def list(self, limit: int, before: int | None = None) -> Sequence[Deed]:
        """Newest first, of rows with a number below `before`."""

    def prove(self, noted: str = "") -> Proof:
        """Walks along the whole chain; see `core.audit.prove`."""


class Proposals(Protocol):
    """Proposals as JSON text by id. Writes are refused with JournalError to a holder that lost its lease."""

    def put(self, id_: str, at: float, standing: str, data: str) -> None:
        """Write or replace one."""

    def get(self, id_: str) -> str | None:
        """The data of one."""

    def list(self, standings: Collection[str]) -> Sequence[str]:
        """The data of all with one of these standings, newest first."""


class Registers(Protocol):
    """What a store holds of them."""

    people: People
    audit: Trail
    proposals: Proposals
    health: HealthHistory
