"""Backup and restore: from any database into any, and nothing but a sound backup."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from controller.core.decision import Approval, Quarantine, Suspension
from controller.core.errors import JournalError, Refused
from controller.core.run import Step
from controller.core.uptime import HealthChange, Watch
from controller.store.schema import VERSION_TABLE
from controller.store.sql import SqlStore
from tests.contract.stores import Hand, a_run, an_event, entry, row


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


Open = Callable[[str], SqlStore]


@pytest.fixture
def opened(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens a store of a kind and takes its lease; the same kind again is another database."""
    with ExitStack() as stack:
        number = 0

        def make(kind: str) -> SqlStore:
            nonlocal number
            number += 1
            url = f"sqlite:///{tmp_path}/{number}/state.db"
            if kind == "postgres":
                url = request.getfixturevalue("postgres").create()
            store = stack.enter_context(closing(SqlStore(url, Hand())))
            assert store.claim(f"holder-{number}", 30)
            return store

        yield make


def fill(store: SqlStore, mark: str) -> None:
    store.record(entry(2, f"run-{mark}", name=mark), row(mark))
    store.record(entry(1, f"run-{mark}", Step.PASSED), row(mark, provider="nas"))
    store.save(a_run(f"run-{mark}", 3.0))
    store.quarantine(Quarantine(mark, {"service/plex": "abc"}, "service/plex", "not healthy", "f00", 4.0))
    store.approve(Approval(mark, True, "evin", 1.0))
    store.suspend(Suspension(f"service/{mark}", "evin", 1.0))
    store.append([an_event(f"{mark} one"), an_event(f"{mark} two", "service/plex")])
    store.remember("mark", mark)
    store.health.note(Watch(3.0, 9.0), [HealthChange(f"service/{mark}", 3.0, "Healthy")])


def content(store: SqlStore) -> list[Any]:
    return [
        store.rows(),
        store.open_entries(),
        [store.entries(run.id) for run in store.runs()],
        store.runs(),
        store.quarantined(),
        store.approvals(),
        store.suspensions(),
        store.events(),
        store.fact("mark"),
        store.health.between(0.0, 99.0),
        store.run_times(0.0),
    ]


@pytest.mark.parametrize("source", ["sqlite", "postgres"])
@pytest.mark.parametrize("target", ["sqlite", "postgres"])
def test_a_restored_store_holds_what_was_saved_and_goes_on(opened: Open, folder: Path, source: str, target: str) -> None:
    saved, restored = opened(source), opened(target)
    fill(saved, "saved")
    saved.backup(folder / "backup.db")
    expected = content(saved)
    fill(saved, "later")
    fill(restored, "gone")
    restored.append([an_event("gone")] * 3)
    assert restored.rows()
    restored.restore(folder / "backup.db")
    assert content(restored) == expected
    assert restored.leader()[0] == "holder-2", "the lease is not part of a backup"
    assert restored.last_event() == 5, "numbers never go back: a reader would miss events"
    restored.record(entry(3, "run-saved"), row("new"))
    assert [found.number for found in restored.open_entries()] == [2, 3]
    assert [path.name for path in folder.iterdir() if "unfinished" in path.name or "restore-" in path.name] == []


def test_a_backup_is_one_file_for_the_owner_only(opened: Open, folder: Path) -> None:
    store = opened("sqlite")
    fill(store, "saved")
    (folder / "out").mkdir()
    store.backup(folder / "out" / "backup.db")
    assert [(file.name, stat.S_IMODE(file.stat().st_mode)) for file in (folder / "out").iterdir()] == [("backup.db", 0o600)]
    with pytest.raises(Refused, match="already exists"):
        store.backup(folder / "out" / "backup.db")


def test_a_backup_that_cannot_be_written_leaves_nothing(opened: Open, folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(JournalError):
        opened("sqlite").backup(folder / "file" / "backup.db")


def test_a_backup_is_one_instant(opened: Open, folder: Path) -> None:
    store = opened("sqlite")
    store.append([an_event("one")])
    with store._database.picture() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM events").scalar()
        store.append([an_event("two")])
        assert connection.exec_driver_sql("SELECT count(*) FROM events").scalar() == before == 1
    assert len(store.events()) == 2


def test_restore_keeps_a_copy_of_what_was_there(opened: Open, folder: Path) -> None:
    store = opened("sqlite")
    fill(store, "saved")
    store.backup(folder / "backup.db")
    fill(store, "later")
    expected = content(store)
    store.restore(folder / "backup.db")
    store.restore(folder / "1" / "state.db.before-restore")
    assert content(store) == expected


def test_restore_needs_the_lease(opened: Open, folder: Path) -> None:
    store = opened("sqlite")
    store.backup(folder / "backup.db")
    fill(store, "kept")
    expected = content(store)
    store.leave()
    with pytest.raises(JournalError, match="does not hold the writing lease"):
        store.restore(folder / "backup.db")
    assert content(store) == expected


def test_others_see_what_was_restored(opened: Open, folder: Path) -> None:
    store = opened("sqlite")
    store.put([row("saved")])
    store.backup(folder / "backup.db")
    store.put([row("later")])
    with closing(SqlStore(f"sqlite:///{folder}/1/state.db", Hand())) as other:
        assert len(other.rows()) == 2
        store.restore(folder / "backup.db")
        assert set(other.rows()) == set(store.rows()) == {row("saved").place}


def sql(*statements: str) -> Callable[[Path], object]:
    def spoil(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(";".join(statements))

    return spoil


def other_bytes(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-4096] + os.urandom(4096))


def linked(path: Path) -> None:
    path.rename(path.with_name("real.db"))
    path.symlink_to("real.db")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


TRICKS: list[tuple[str, Callable[[Path], object], str, str]] = [
    ("missing", Path.unlink, "No such file", "nothing there"),
    ("link", linked, "cannot be read as a backup", "a link may point at anything, later at something else"),
    ("pipe", pipe, "not a regular file", "it would block for ever"),
    ("directory", directory, "not a regular file", "not a file"),
    ("text", lambda path: path.write_text("# state\n" * 99), "not a backup of the store", "another file"),
    ("empty", lambda path: path.write_bytes(b""), "not a backup of the store", "a copy that failed"),
    ("cut", lambda path: path.write_bytes(path.read_bytes()[:-8192]), "damaged|not a backup", "a copy that was cut off"),
    ("noise", other_bytes, "damaged|not a backup", "a page that rotted"),
    ("foreign", sql(f"DROP TABLE {VERSION_TABLE}"), "not a backup of the store", "somebody else's database"),
    ("newer", sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"), "schema 9999", "from a later version"),
    (
        "trigger",
        sql("CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM ledger; END"),
        "tables are not the ones",
        "runs later",
    ),
    ("view", sql("CREATE VIEW v AS SELECT * FROM ledger"), "tables are not the ones", "runs when read"),
    (
        "disguise",
        sql("DROP TABLE facts", "CREATE VIEW facts AS SELECT 'a' AS name, '1' AS data"),
        "tables are not",
        "a view as table",
    ),
    ("extra", sql("CREATE TABLE more (a)"), "tables are not the ones", "more than a store holds"),
    ("column", sql("ALTER TABLE runs ADD COLUMN more TEXT"), "tables are not the ones", "not what the version makes"),
    ("record", sql("UPDATE ledger SET data = '{}'"), "records that cannot be read", "the store would stumble over it later"),
    ("fact", sql("UPDATE facts SET data = 'x'"), "records that cannot be read", "the store would stumble over it later"),
    ("blob", sql("UPDATE events SET data = x'ff00'"), "records that cannot be read", "not text"),
]


@pytest.mark.parametrize(("name", "spoil", "said", "reason"), TRICKS, ids=[trick[0] for trick in TRICKS])
def test_a_file_that_is_no_sound_backup_is_refused_before_anything_is_written(
    opened: Open, folder: Path, name: str, spoil: Callable[[Path], object], said: str, reason: str
) -> None:
    saved, store = opened("sqlite"), opened("sqlite")
    fill(saved, "saved")
    fill(store, "kept")
    saved.backup(folder / "backup.db")
    expected = content(store)
    spoil(folder / "backup.db")
    with pytest.raises(Refused, match=said):
        store.restore(folder / "backup.db")
    assert content(store) == expected, reason
    assert sorted(file.name for file in (folder / "2").iterdir()) == ["state.db", "state.db-shm", "state.db-wal"]


def test_columns_that_contradict_their_record_are_made_again_from_it(opened: Open, folder: Path) -> None:
    store = opened("sqlite")
    fill(store, "saved")
    expected = content(store)
    store.backup(folder / "backup.db")
    sql("UPDATE ledger SET name = name || '-x'", "UPDATE entries SET step = 'void'")(folder / "backup.db")
    store.restore(folder / "backup.db")
    assert content(store) == expected
