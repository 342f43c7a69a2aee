"""The ledger in memory: right exactly while nobody else wrote."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from controller.core.key import Key
from controller.core.run import Row
from controller.store.ledger import LedgerCache

OLD, NEW = Row(Key("service", "plex"), "local", "plex"), Row(Key("service", "n8n"), "local", "n8n")


class Database:
    """Rows at a version; counts how often they are read."""

    def __init__(self) -> None:
        self.version, self.rows, self.reads = 0, [OLD], 0

    def load(self) -> Iterable[Row]:
        self.reads += 1
        return list(self.rows)

    def write(self) -> None:
        self.version += 1
        self.rows = [OLD, NEW]


def look(cache: LedgerCache, database: Database) -> set[str]:
    return {key.name for key, _ in cache.rows(database.version, database.load)}


def test_rows_are_read_once() -> None:
    cache, database = LedgerCache(), Database()
    assert look(cache, database) == look(cache, database) == {"plex"}
    assert database.reads == 1


def test_our_own_write_needs_no_read() -> None:
    cache, database = LedgerCache(), Database()
    look(cache, database)
    database.write()
    cache.wrote(database.version, [NEW], [OLD.place])
    assert look(cache, database) == {"n8n"}
    assert database.reads == 1


@pytest.mark.parametrize(("ours", "reason"), [(False, "somebody else's"), (True, "ours after somebody else's")])
def test_a_write_of_somebody_else_is_read(ours: bool, reason: str) -> None:
    cache, database = LedgerCache(), Database()
    look(cache, database)
    database.write()
    if ours:
        database.write()
        cache.wrote(database.version, [NEW], [])
    assert look(cache, database) == {"plex", "n8n"}, reason
    assert database.reads == 2


def test_a_slow_reader_does_not_bring_back_what_was() -> None:
    cache, database = LedgerCache(), Database()
    look(cache, database)

    def slow() -> Iterable[Row]:
        found = database.load()
        database.write()
        look(cache, database)
        return found

    cache.rows(-5, slow)
    assert look(cache, database) == {"plex", "n8n"}
    assert database.reads == 3


def test_a_write_during_a_read_is_seen_by_the_next_look() -> None:
    cache, database = LedgerCache(), Database()

    def overtaken() -> Iterable[Row]:
        found = database.load()
        database.write()
        cache.wrote(database.version, [NEW], [])
        return found

    assert {key.name for key, _ in cache.rows(0, overtaken)} == {"plex"}
    assert look(cache, database) == {"plex", "n8n"}
