"""The ledger as the stores hold it in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from types import MappingProxyType

from controller.core.ports import Place
from controller.core.run import Row


class Rows:
    """Ledger rows that hand out snapshots: one copy per snapshot that a write made old, none per write. For one thread."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._rows = {row.place: row for row in rows}
        self._snapshot: Mapping[Place, Row] | None = None

    def put(self, rows: Iterable[Row]) -> None:
        """Add or replace rows."""
        self._rows.update((row.place, row) for row in rows)
        self._snapshot = None

    def drop(self, places: Iterable[Place]) -> None:
        """Remove rows; unknown places are nothing to do."""
        for place in places:
            self._rows.pop(place, None)
        self._snapshot = None

    def snapshot(self) -> Mapping[Place, Row]:
        """The rows as they are now; never changes."""
        if self._snapshot is None:
            self._snapshot = MappingProxyType(dict(self._rows))
        return self._snapshot


class LedgerCache:
    """Decoded rows beside a database that others write too. Every write raises the database's ledger version by one, so rows are
    right exactly while their version is the database's. For many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._version = -1
        self._rows = Rows()

    def rows(self, version: int, load: Callable[[], Iterable[Row]]) -> Mapping[Place, Row]:
        """The rows at a version (or a newer one); `load` reads them from the database when they are not here."""
        with self._lock:
            if self._version == version:
                return self._rows.snapshot()
        # What is loaded may already be newer than `version`: the next look then only loads once more.
        loaded = Rows(load())
        with self._lock:
            if version > self._version:
                self._version, self._rows = version, loaded
        return loaded.snapshot()

    def wrote(self, version: int, put: Iterable[Row], drop: Iterable[Place]) -> None:
        """Follow our own write that made `version`; anything in between makes the rows unknown."""
        with self._lock:
            if self._version != version - 1:
                self._version = -1
                return
            self._rows.put(put)
            self._rows.drop(drop)
            self._version = version
