"""The journal: entries with the ledger rows that follow from them, and events; what waits to be written is one commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from threading import Event as Flag
from threading import Lock

from sqlalchemy import Connection, Executable, and_, bindparam, delete

from controller.core.errors import JournalError
from controller.core.event import Event
from controller.core.ports import Place
from controller.core.run import Entry, Row, Step
from controller.store.contents import ENTRIES, EVENTS, LEDGER, Values
from controller.store.counters import raised
from controller.store.database import Database
from controller.store.lease import Lease
from controller.store.ledger import LedgerCache
from controller.store.tables import approvals, entries, events, ledger

_SPEND = delete(approvals).where(approvals.c.digest == bindparam("the_digest"))
_DROP_ROW = delete(ledger).where(and_(*(ledger.c[name] == bindparam(f"the_{name}") for name in ("kind", "name", "provider"))))


@dataclass(eq=False, slots=True)
class _Write:
    """What one caller wants written, and what became of it. `taken` = somebody is writing it."""

    leading: bool = False
    entry: Values | None = None
    put: Sequence[tuple[Values, Row]] = ()
    drop: Sequence[Place] = ()
    events: Sequence[Event] = ()
    spent: str = ""
    turn: Flag = field(default_factory=Flag)
    taken: bool = False
    done: bool = False
    error: Exception | None = None


class Journal:
    """Group commit, for many threads. Who finds nobody writing writes; what comes meanwhile is the next group: one transaction
    with one check of the lease. A write returns when it is durable. A group that is refused is written one by one, so that what
    is wrong with one is nobody else's failure. Raises JournalError."""

    def __init__(self, database: Database, lease: Lease, cache: LedgerCache) -> None:
        self._database = database
        self._lease = lease
        self._cache = cache
        self._upsert_entry = database.upsert(entries, ENTRIES.keys)
        self._upsert_row = database.upsert(ledger, LEDGER.keys)
        self._guard = Lock()
        self._queue: list[_Write] = []
        """What is not written yet. The first one's caller writes, or is about to."""

    def change(self, entry: Entry | None = None, put: Iterable[Row] = (), drop: Sequence[Place] = ()) -> None:
        """Write an entry, put rows and drop rows of the ledger, together. An entry that passed uses up the word about its
        rollout. Needs the lease."""
        written = ENTRIES.values(entry) if entry is not None else None
        spent = entry.rollout if entry is not None and entry.step is Step.PASSED else ""
        self._write(_Write(True, written, [_settled(row) for row in put], drop, spent=spent))

    def append(self, new: Sequence[Event]) -> None:
        """Number and write events."""
        self._write(_Write(events=new))

    def _write(self, new: _Write) -> None:
        with self._guard:
            self._queue.append(new)
            first = self._queue[0] is new
        if not first:
            self._wait(new)
        if not new.done:
            self._lead(new)
        if new.error is not None:
            raise new.error

    def _wait(self, new: _Write) -> None:
        """Return when it is written, or when it is this caller's turn to write."""
        try:
            new.turn.wait()
        except BaseException:
            with self._guard:
                if not new.taken and not new.done:
                    self._queue.remove(new)
                    self._pass_on()
            raise

    def _lead(self, new: _Write) -> None:
        """Write what waits; `new` is the first of it."""
        group = [new]
        try:
            try:
                with self._database.writing() as connection:
                    group = self._take()
                    version = self._execute(connection, group)
            except Exception as error:  # noqa: BLE001 (it is raised by who wanted it written)
                if len(group) == 1:
                    new.error = error
                else:
                    self._apart(group)
            else:
                self._follow(group, version)
                for each in group:
                    each.done = True
        finally:
            self._leave(group)

    def _apart(self, group: Sequence[_Write]) -> None:
        """Write each by itself: nothing of the group was kept."""
        for each in group:
            try:
                with self._database.writing() as connection:
                    version = self._execute(connection, [each])
            except Exception as error:  # noqa: BLE001 (as above)
                each.error = error
            else:
                self._follow([each], version)
                each.done = True

    def _take(self) -> list[_Write]:
        with self._guard:
            for each in self._queue:
                each.taken = True
            return list(self._queue)

    def _leave(self, group: Sequence[_Write]) -> None:
        """Let the callers of a group go, and the next in line write."""
        with self._guard:
            del self._queue[: len(group)]
            for each in group:
                if not each.done and each.error is None:  # whoever wrote was stopped
                    each.error = JournalError(f"{self._database.name}: writing was interrupted")
                each.done = True
            self._pass_on()
        for each in group:
            each.turn.set()

    def _pass_on(self) -> None:
        if self._queue:
            self._queue[0].turn.set()

    def _execute(self, connection: Connection, group: Sequence[_Write]) -> int | None:
        """The version of the ledger that a group makes, None when it leaves that alone."""
        if any(each.leading for each in group):
            self._lease.require(connection)
        journal = {(values["run"], values["number"]): values for each in group if (values := each.entry) is not None}
        _many(connection, self._upsert_entry, list(journal.values()))
        _many(connection, _SPEND, [{"the_digest": digest} for each in group if (digest := each.spent)])
        told = [event for each in group for event in each.events]
        if told:
            # The counter's row lock lets numbers become visible in order: a reader that remembers the newest misses none.
            first = raised(connection, "events", len(told)) - len(told) + 1
            numbered = (replace(event, number=number) for number, event in enumerate(told, first))
            _many(connection, events.insert(), [EVENTS.values(event) for event in numbered])
        after = _after(group)
        _many(connection, self._upsert_row, [found[0] for found in after.values() if found is not None])
        _many(connection, _DROP_ROW, [_place(place) for place, found in after.items() if found is None])
        return raised(connection, "ledger", 1) if after else None

    def _follow(self, group: Sequence[_Write], version: int | None) -> None:
        if version is not None:
            after = _after(group)
            rows = [found[1] for found in after.values() if found is not None]
            self._cache.wrote(version, rows, [place for place, found in after.items() if found is None])


def _settled(row: Row) -> tuple[Values, Row]:
    """What is written of a row, and the row as it will come back from the database: as JSON data."""
    values = LEDGER.values(row)
    return values, LEDGER.read(values["data"])


def _after(group: Sequence[_Write]) -> dict[Place, tuple[Values, Row] | None]:
    """What the ledger holds at each place that a group touches (None = nothing): no statement may touch one twice."""
    found: dict[Place, tuple[Values, Row] | None] = {}
    for each in group:
        found.update((row.place, (values, row)) for values, row in each.put)
        found.update(dict.fromkeys(each.drop))
    return found


def _many(connection: Connection, statement: Executable, values: list[Values]) -> None:
    if values:
        connection.execute(statement, values)


def _place(place: Place) -> dict[str, str]:
    key, provider = place
    return {"the_kind": key.kind, "the_name": key.name, "the_provider": provider}
