"""Persons in a store."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import bindparam, delete

from controller.core.registers import Person
from controller.store import tables
from controller.store.contents import PEOPLE
from controller.store.database import Database
from controller.store.lease import Lease

_NAMED = PEOPLE.select().where(tables.people.c.name == bindparam("the_name"))


class SqlPeople:
    """`core.registers.People` in a database."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database, self._lease = database, lease
        self._upsert = database.upsert(tables.people, PEOPLE.keys)

    def get(self, name: str) -> Person | None:
        with self._database.reading() as connection:
            return next(iter(PEOPLE.all(connection, _NAMED, the_name=name)), None)

    def list(self) -> Sequence[Person]:
        with self._database.reading() as connection:
            return PEOPLE.every(connection)

    def revise(self, name: str, change: Callable[[Person | None], Person | None]) -> None:
        with self._database.writing() as connection:
            self._lease.wait(connection)
            self._lease.refuse_when_lost(connection)
            person = change(next(iter(PEOPLE.all(connection, _NAMED, the_name=name)), None))
            if person is None:
                connection.execute(delete(tables.people).where(tables.people.c.name == name))
            else:
                connection.execute(self._upsert, PEOPLE.values(person))
