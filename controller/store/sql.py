"""The store in an SQL database: SQLite in the state folder, or PostgreSQL for several controllers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select

from controller.core.decision import Approval, Quarantine, Suspension
from controller.core.event import Event
from controller.core.ports import Clock, Place
from controller.core.registers import People, Proposals, Trail
from controller.core.run import Entry, Outcome, Row, Run, RunTime, Step
from controller.core.secret import SecretVersion
from controller.core.uptime import HealthHistory
from controller.store import archive, embedded, tables
from controller.store.audit import SqlTrail
from controller.store.contents import (
    APPROVALS,
    ENTRIES,
    EVENTS,
    FACTS,
    LEDGER,
    QUARANTINE,
    REPLACED,
    RUNS,
    SUSPENSIONS,
    Content,
    Fact,
)
from controller.store.counters import count, raised
from controller.store.database import Database
from controller.store.health import SqlHealth, forgetting
from controller.store.journal import Journal
from controller.store.lease import Lease
from controller.store.ledger import LedgerCache
from controller.store.mentions import named_in
from controller.store.people import SqlPeople
from controller.store.proposals import SqlProposals
from controller.store.schema import bring_up

_OPEN = [step.value for step in Step if step.open]
# Statements that every pass makes are built once.
_OPEN_ENTRIES = ENTRIES.select().where(tables.entries.c.step.in_(_OPEN)).order_by(tables.entries.c.sequence)
_THE_FACT = FACTS.select().where(tables.facts.c.name == bindparam("the_name"))


class SqlStore:
    """`core.ports.Store` in the database at a SQLAlchemy URL. Opening it brings the schema up to date (after a copy), settles
    nothing and takes no lease. Usable from many threads; `close` it.

    Ledger, journal, runs and quarantine are written by the holder of the lease only; approvals, suspensions and events by
    everybody; facts by everybody but a holder that lost its lease. Every such check is part of the transaction that it guards.
    Raises JournalError for whatever the database refuses, SettingsError for a URL it cannot use, LeaseHeld when a controller
    of an older version works on the database."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._clock = clock
        self._database = Database(url, clock)
        self._lease = Lease(self._database)
        self._cache = LedgerCache()
        self._journal = Journal(self._database, self._lease, self._cache)
        self.people: People = SqlPeople(self._database, self._lease)
        self.audit: Trail = SqlTrail(self._database)
        self.proposals: Proposals = SqlProposals(self._database, self._lease)
        self.health: HealthHistory = SqlHealth(self._database, self._lease)
        self._upsert = {content.table: self._database.upsert(content.table, content.keys) for content in REPLACED}
        try:
            bring_up(self._database)
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Ends every connection; the lease, if held, runs out unless `leave` came first."""
        self._database.close()

    # The lease

    def claim(self, holder: str, seconds: float) -> bool:
        with self._database.writing() as connection:
            fence = self._lease.claim(connection, holder, seconds)
        self._lease.settle(fence, seconds)
        return fence is not None

    def leave(self) -> None:
        with self._database.writing() as connection:
            self._lease.leave(connection)
        self._lease.settle(None)

    def leader(self) -> tuple[str, float]:
        with self._database.reading() as connection:
            return self._lease.leader(connection)

    @contextmanager
    def _leading(self) -> Iterator[Connection]:
        with self._database.writing() as connection:
            self._lease.require(connection)
            yield connection

    # Ledger and journal

    def rows(self) -> Mapping[Place, Row]:
        with self._database.reading() as connection:
            version = count(connection, "ledger")
            return self._cache.rows(version, lambda: LEDGER.all(connection, LEDGER.select()))

    def put(self, rows: Iterable[Row]) -> None:
        self._journal.change(put=rows)

    def drop(self, places: Iterable[Place]) -> None:
        self._journal.change(drop=list(places))

    def record(self, entry: Entry, row: Row | None = None, drop: bool = False) -> None:
        if row is not None and drop:
            raise ValueError("an entry either puts a row or drops one")
        self._journal.change(entry, [row] if row is not None else [], [entry.change.place] if drop else [])

    def open_entries(self) -> Sequence[Entry]:
        with self._database.reading() as connection:
            return ENTRIES.all(connection, _OPEN_ENTRIES)

    def entries(self, run: str) -> Sequence[Entry]:
        columns = tables.entries.c
        with self._database.reading() as connection:
            return ENTRIES.all(connection, ENTRIES.select().where(columns.run == run).order_by(columns.number))

    # Runs and rollouts

    def save(self, run: Run) -> None:
        with self._leading() as connection:
            connection.execute(self._upsert[tables.runs], RUNS.values(run))

    def run(self, name: str) -> Run | None:
        if not name:
            return None
        # Not LIKE: it ignores case in SQLite.
        starts = func.substr(tables.runs.c.id, 1, len(name)) == name
        statement = RUNS.select().where(starts).order_by(func.length(tables.runs.c.id)).limit(2)
        with self._database.reading() as connection:
            found = RUNS.all(connection, statement)
        return found[0] if len(found) == 1 or (found and found[0].id == name) else None

    def runs(self, limit: int = 50, before: float | None = None) -> Sequence[Run]:
        columns = tables.runs.c
        statement = RUNS.select().order_by(columns.started.desc(), columns.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(columns.started < before)
        with self._database.reading() as connection:
            return RUNS.all(connection, statement)

    def run_times(self, since: float) -> Sequence[RunTime]:
        columns = tables.runs.c
        statement = select(columns.started, columns.finished, columns.outcome).where(columns.started >= since)
        with self._database.reading() as connection:
            found = connection.execute(statement.order_by(columns.started, columns.id)).all()
        return tuple(RunTime(started, finished, Outcome(outcome or Outcome.RUNNING)) for started, finished, outcome in found)

    def quarantined(self) -> Sequence[Quarantine]:
        with self._database.reading() as connection:
            return QUARANTINE.every(connection)

    def quarantine(self, item: Quarantine) -> None:
        with self._leading() as connection:
            connection.execute(self._upsert[tables.quarantine], QUARANTINE.values(item))

    def absolve(self, digest: str) -> None:
        with self._leading() as connection:
            connection.execute(delete(tables.quarantine).where(tables.quarantine.c.digest == digest))

    # What people said, events and facts

    def approvals(self) -> Mapping[str, Approval]:
        with self._database.reading() as connection:
            return {word.digest: word for word in APPROVALS.every(connection)}

    def approve(self, approval: Approval) -> None:
        self._say(APPROVALS, approval)

    def suspensions(self) -> Mapping[str, Suspension]:
        with self._database.reading() as connection:
            return {item.key: item for item in SUSPENSIONS.every(connection)}

    def suspend(self, item: Suspension) -> None:
        self._say(SUSPENSIONS, item)

    def resume(self, key: str) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(tables.suspensions).where(tables.suspensions.c.key == key))

    def _say(self, content: Content[Any], record: object) -> None:
        with self._database.writing() as connection:
            connection.execute(self._upsert[content.table], content.values(record))

    def append(self, events: Iterable[Event]) -> None:
        new = list(events)
        if not new:
            return
        self._journal.append(new)

    def events(self, after: int = 0, limit: int = 200, key: str = "") -> Sequence[Event]:
        columns = tables.events.c
        statement = EVENTS.select().where(columns.number > after).order_by(columns.number).limit(limit)
        if key:
            statement = statement.where(columns.key == key)
        with self._database.reading() as connection:
            return EVENTS.all(connection, statement)

    def last_event(self) -> int:
        with self._database.reading() as connection:
            return count(connection, "events")

    def fact(self, name: str) -> Any:
        with self._database.reading() as connection:
            return _fact(connection, name)

    def remember(self, name: str, value: Any) -> None:
        with self._database.writing() as connection:
            self._write_fact(connection, name, value)

    def revise(self, name: str, change: Callable[[Any], Any]) -> None:
        with self._database.writing() as connection:
            self._lease.wait(connection)
            self._write_fact(connection, name, change(_fact(connection, name)))

    def _write_fact(self, connection: Connection, name: str, value: Any) -> None:
        self._lease.refuse_when_lost(connection)
        if value is None:
            connection.execute(delete(tables.facts).where(tables.facts.c.name == name))
        else:
            connection.execute(self._upsert[tables.facts], FACTS.values(Fact(name, value)))

    # Upkeep

    def secrets_named(self) -> set[SecretVersion]:
        """Every secret version that ledger or journal names."""
        with self._database.picture() as connection:
            return named_in(connection)

    def prune(self, before_history: float, before_events: float) -> int:
        """Forget runs, closed entries, approvals and how healthy things were before one time, events before another (seconds
        since the epoch). Runs with an open entry stay. Returns how many records went."""
        runs, entries, approvals, events = tables.runs.c, tables.entries.c, tables.approvals.c, tables.events.c
        unsettled = select(entries.run).where(entries.step.in_(_OPEN))
        with self._leading() as connection:
            gone = [
                delete(tables.runs).where(runs.started < before_history, runs.id.not_in(unsettled)),
                delete(tables.entries).where(
                    entries.at < before_history, entries.run.not_in(unsettled), entries.run.not_in(select(runs.id))
                ),
                delete(tables.approvals).where(approvals.at < before_history),
                delete(tables.events).where(events.at < before_events),
                *forgetting(before_history),
            ]
            return sum(connection.execute(statement).rowcount for statement in gone)

    def backup(self, path: Path) -> None:
        """Write everything but the lease to a new SQLite file (0600), as it stands at one instant; complete or not there."""
        archive.backup(self._database, path, self._clock)

    def restore(self, path: Path) -> None:
        """Replace everything but the lease by a backup, in one transaction, after a copy of what was there. Needs the lease.
        Raises Refused, before anything is written, for a file that is not a sound backup of this or an older version."""
        live = self._database.path
        with archive.opened(path, live.parent if live else None, self._clock) as backup, self._leading() as connection:
            if live:
                embedded.copy_before(live, "restore")
            archive.transfer(backup, connection)
            raised(connection, "ledger", 1)


def _fact(connection: Connection, name: str) -> Any:
    return next((fact.value for fact in FACTS.all(connection, _THE_FACT, the_name=name)), None)
