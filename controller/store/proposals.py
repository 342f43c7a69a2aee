"""Proposals in a store: text that only the use case understands, by id."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import bindparam

from controller.store import tables
from controller.store.contents import PROPOSALS
from controller.store.database import Database
from controller.store.lease import Lease
from controller.store.records import Proposal

_COLUMNS = tables.proposals.c
_NAMED = PROPOSALS.select().where(_COLUMNS.id == bindparam("the_id"))


class SqlProposals:
    """`core.registers.Proposals` in a database."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database, self._lease = database, lease
        self._upsert = database.upsert(tables.proposals, PROPOSALS.keys)

    def put(self, id_: str, at: float, standing: str, data: str) -> None:
        values = PROPOSALS.values(Proposal(id_, at, standing, data))
        with self._database.writing() as connection:
            self._lease.refuse_when_lost(connection)
            connection.execute(self._upsert, values)

    def get(self, id_: str) -> str | None:
        with self._database.reading() as connection:
            return next((found.data for found in PROPOSALS.all(connection, _NAMED, the_id=id_)), None)

    def list(self, standings: Collection[str]) -> Sequence[str]:
        statement = PROPOSALS.select().where(_COLUMNS.standing.in_(list(standings)))
        statement = statement.order_by(_COLUMNS.at.desc(), _COLUMNS.id.desc())
        with self._database.reading() as connection:
            return tuple(found.data for found in PROPOSALS.all(connection, statement))
