"""What each table holds: how a record becomes a table row and comes back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Select, Table, delete, insert, select

from controller.core.audit import Deed
from controller.core.decision import Approval, Quarantine, Suspension
from controller.core.errors import JournalError
from controller.core.event import Event
from controller.core.registers import Person
from controller.core.run import Entry, Row, Run
from controller.core.uptime import HealthChange, Watch
from controller.store import tables
from controller.store.records import Proposal, decode, encode, encode_anyway

T = TypeVar("T")
Values = dict[str, Any]
_AT_ONCE = 1000


@dataclass(frozen=True)
class Content(Generic[T]):
    """A table of records: `values` makes the columns, `read` the record; `keys` identify one, `order` sorts them all."""

    table: Table
    keys: tuple[str, ...]
    order: tuple[str, ...]
    values: Callable[[T], Values]
    read: Callable[[str], T]

    def select(self) -> Select[str]:
        """The JSON text of every record; narrow and sort it as needed."""
        return select(self.table.c.data)

    @cached_property
    def _ordered(self) -> Select[str]:
        return self.select().order_by(*(self.table.c[name] for name in self.order))

    def all(self, connection: Connection, statement: Select[str], **values: Any) -> tuple[T, ...]:
        """The records that a statement made from `select` finds, with values for its parameters."""
        return tuple(self.read(text) for text in connection.execute(statement, values).scalars())

    def every(self, connection: Connection) -> tuple[T, ...]:
        """Every record in order, of a table that stays small."""
        return self.all(connection, self._ordered)

    def whole(self, connection: Connection) -> Iterator[T]:
        """Every record in order, a few at a time."""
        found = connection.execute(self._ordered)
        for text in found.scalars().yield_per(_AT_ONCE):
            yield self.read(text)

    def replace(self, connection: Connection, records: Iterable[T]) -> None:
        """Empties the table and writes these records."""
        connection.execute(delete(self.table))
        self.add(connection, records)

    def add(self, connection: Connection, records: Iterable[T]) -> None:
        """Writes records that are not there yet."""
        for part in _parts(self.values(record) for record in records):
            connection.execute(insert(self.table), part)


@dataclass(frozen=True)
class Fact:
    """A small JSON value by name."""

    name: str
    value: Any


def fact_text(name: str, value: Any) -> str:
    """JSON text of a fact with its name, so that a row says everything in `data` as in every other table."""
    return json.dumps({"name": name, "value": value}, allow_nan=False)


def read_fact(text: str) -> Fact:
    """A fact from its text."""
    try:
        data: Mapping[str, Any] = json.loads(text)
        return Fact(data["name"], data["value"])
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError("a stored fact cannot be read; the store is damaged: restore a backup") from error


def _parts(values: Iterable[Values]) -> Iterator[list[Values]]:
    part: list[Values] = []
    for item in values:
        part.append(item)
        if len(part) == _AT_ONCE:
            yield part
            part = []
    if part:
        yield part


LEDGER = Content[Row](
    tables.ledger,
    ("kind", "name", "provider"),
    ("kind", "name", "provider"),
    lambda row: {"kind": row.key.kind, "name": row.key.name, "provider": row.provider, "data": encode(row)},
    lambda text: decode(Row, text),
)
ENTRIES = Content[Entry](
    tables.entries,
    ("run", "number"),
    ("sequence",),
    lambda entry: {"run": entry.run, "number": entry.number, "step": entry.step.value, "at": entry.at, "data": encode(entry)},
    lambda text: decode(Entry, text),
)
RUNS = Content[Run](
    tables.runs,
    ("id",),
    ("id",),
    lambda run: {
        "id": run.id,
        "started": run.started,
        "finished": run.finished,
        "outcome": run.outcome.value,
        "data": encode(run),
    },
    lambda text: decode(Run, text),
)
QUARANTINE = Content[Quarantine](
    tables.quarantine,
    ("digest",),
    ("at", "digest"),
    lambda item: {"digest": item.digest, "at": item.at, "data": encode(item)},
    lambda text: decode(Quarantine, text),
)
APPROVALS = Content[Approval](
    tables.approvals,
    ("digest",),
    ("digest",),
    lambda word: {"digest": word.digest, "at": word.at, "data": encode(word)},
    lambda text: decode(Approval, text),
)
SUSPENSIONS = Content[Suspension](
    tables.suspensions,
    ("key",),
    ("key",),
    lambda item: {"key": item.key, "data": encode(item)},
    lambda text: decode(Suspension, text),
)
EVENTS = Content[Event](
    tables.events,
    ("number",),
    ("number",),
    lambda event: {"number": event.number, "at": event.at, "key": event.key, "data": encode_anyway(event)},
    lambda text: decode(Event, text),
)
FACTS = Content[Fact](
    tables.facts,
    ("name",),
    ("name",),
    lambda fact: {"name": fact.name, "data": fact_text(fact.name, fact.value)},
    read_fact,
)
PEOPLE = Content[Person](
    tables.people,
    ("name",),
    ("name",),
    lambda person: {"name": person.name, "data": encode(person)},
    lambda text: decode(Person, text),
)
PROPOSALS = Content[Proposal](
    tables.proposals,
    ("id",),
    ("id",),
    lambda item: {"id": item.id, "at": item.at, "standing": item.standing, "data": encode(item)},
    lambda text: decode(Proposal, text),
)
HEALTH = Content[HealthChange](
    tables.health,
    ("key", "at"),
    ("key", "at"),
    lambda change: {"key": change.key, "at": change.at, "health": change.health, "data": encode(change)},
    lambda text: decode(HealthChange, text),
)
WATCHES = Content[Watch](
    tables.watches,
    ("began",),
    ("began",),
    lambda watch: {"began": watch.began, "until": watch.until, "data": encode(watch)},
    lambda text: decode(Watch, text),
)
AUDIT = Content[Deed](
    tables.audit,
    ("number",),
    ("number",),
    lambda deed: {"number": deed.number, "at": deed.at, "data": encode_anyway(deed)},
    lambda text: decode(Deed, text),
)
REPLACED: Sequence[Content[Any]] = (
    *(LEDGER, ENTRIES, RUNS, QUARANTINE, APPROVALS, SUSPENSIONS, EVENTS, FACTS),
    *(PEOPLE, PROPOSALS, HEALTH, WATCHES),
)
"""What a restored backup replaces."""
EVERYTHING: Sequence[Content[Any]] = (*REPLACED, AUDIT)
