"""The audit trail in a store. The database itself refuses to change or remove a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection, bindparam, insert, select

from controller.core.audit import Deed, Proof, link, prove
from controller.store import tables
from controller.store.contents import AUDIT
from controller.store.counters import count, raised
from controller.store.database import Database
from controller.store.records import decode, encode_anyway

COUNTER = "audit"
_AT_ONCE = 500
_COLUMNS = tables.audit.c
_NUMBERED = AUDIT.select().where(_COLUMNS.number == bindparam("the_number"))
_ALL = select(_COLUMNS.number, _COLUMNS.at, _COLUMNS.data).order_by(_COLUMNS.number)


class SqlTrail:
    """`core.registers.Trail` in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, deed: Deed) -> Deed:
        with self._database.writing() as connection:
            # The counter's row lock makes writers wait for each other: every row sees the one before it.
            number = raised(connection, COUNTER, 1)
            before = connection.execute(_NUMBERED, {"the_number": number - 1}).scalar_one_or_none()
            # A row before that is gone shows in the walk along the chain; it must not stop the record of what goes on.
            text = encode_anyway(replace(deed, number=number, before=link(before) if before else ""))
            written = decode(Deed, text)
            connection.execute(insert(tables.audit), {"number": number, "at": written.at, "data": text})
            return written

    def list(self, limit: int, before: int | None = None) -> Sequence[Deed]:
        statement = AUDIT.select().order_by(_COLUMNS.number.desc()).limit(limit)
        if before is not None:
            statement = statement.where(_COLUMNS.number < before)
        with self._database.reading() as connection:
            return AUDIT.all(connection, statement)

    def prove(self, noted: str = "") -> Proof:
        with self._database.picture() as connection:
            return prove(_rows(connection), count(connection, COUNTER), noted)


def _rows(connection: Connection) -> Iterator[tuple[int, float, str]]:
    for row in connection.execution_options(yield_per=_AT_ONCE).execute(_ALL):
        yield row.number, row.at, row.data
