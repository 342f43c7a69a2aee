"""What only the embedded store must stand: files, crashes, broken disks and other programs."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from controller.core.errors import JournalError, SettingsError
from controller.core.run import Step
from controller.store import database
from controller.store.sql import SqlStore
from tests.contract.stores import Hand, an_event, entry, row

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "state.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlStore]:
    with closing(opened(path)) as store:
        assert store.claim("first", 30)
        yield store


def opened(path: Path) -> SqlStore:
    return SqlStore(f"sqlite:///{path}", Hand())


def script(text: str, *arguments: object) -> list[str]:
    prelude = """
        import sys
        from contextlib import closing
        from controller.store.sql import SqlStore
        from tests.contract.stores import Hand, entry, row
    """
    return [sys.executable, "-c", textwrap.dedent(prelude) + textwrap.dedent(text), *map(str, arguments)]


def test_only_the_owner_may_read_the_files(path: Path, store: SqlStore) -> None:
    store.put([row()])
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (path.parent, *path.parent.iterdir())}
    assert modes == {"state": 0o700, "state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600}


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    opened(path).close()
    path.chmod(0o644)
    opened(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_commits_wait_for_the_disk(store: SqlStore) -> None:
    found = {}
    with store._database.writing() as connection:
        for pragma in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema"):
            found[pragma] = connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "trusted_schema": 0}


def test_what_was_written_is_there_after_opening_again(path: Path) -> None:
    with closing(opened(path)) as before:
        assert before.claim("first", 30)
        before.record(entry(), row())
        before.append([an_event("one")])
    with closing(opened(path)) as after:
        assert after.rows() == {row().place: row()}
        assert after.open_entries() == (entry(),)
        assert after.last_event() == 1
        assert after.leader()[0] == "first"


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(path: Path) -> None:
    text = """
        with closing(SqlStore(f"sqlite:///{sys.argv[1]}", Hand())) as store:
            assert store.claim("first", 30)
            number = 0
            while True:
                number += 1
                store.record(entry(number), row(f"s{number}"))
                print(number, flush=True)
    """
    acknowledged = 0
    for _ in range(5):
        process = subprocess.Popen(script(text, path), cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            acknowledged = int(line)
            if acknowledged == 25:
                break
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
        process.stdout.close()
        process.wait()
        acknowledged = int(rest[-1]) if rest else acknowledged
        with closing(opened(path)) as store:
            numbers = {found.number for found in store.open_entries()}
            assert set(range(1, acknowledged + 1)) <= numbers
            assert {f"service/s{number}" for number in numbers} == {str(key) for key, _ in store.rows()}, "entry and row are one"
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            connection.execute("DELETE FROM entries")
            connection.execute("DELETE FROM ledger")
            connection.commit()


def test_many_processes_may_open_a_new_store_at_once(path: Path) -> None:
    text = """
        with closing(SqlStore(f"sqlite:///{sys.argv[1]}", Hand())) as store:
            print(store.claim(sys.argv[2], 30))
    """
    processes = [subprocess.Popen(script(text, path, number), cwd=ROOT, stdout=subprocess.PIPE, text=True) for number in range(6)]
    said = [process.communicate()[0].strip() for process in processes]
    assert sorted(said) == ["False"] * 5 + ["True"]


def test_a_writer_waits_a_bounded_time_for_another_program(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with closing(opened(path)) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        assert store.claim("first", 30)
        store.put([row()])
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match=r"state\.db: another program keeps it locked"):
            store.record(entry())
        assert store.rows() == {row().place: row()}, "readers go on"
        other.execute("ROLLBACK")
        store.record(entry())
        assert store.entries("r1") == (entry(),)


def test_a_write_that_starts_with_a_look_never_fails_because_somebody_wrote_meanwhile(path: Path) -> None:
    with closing(opened(path)) as one, closing(opened(path)) as other:
        assert one.claim("one", 30)
        with one._database.writing() as connection:
            one._lease.require(connection)
            with pytest.raises(sqlite3.OperationalError, match="locked"), closing(sqlite3.connect(path, timeout=0)) as third:
                third.execute("DELETE FROM events")
        other.append([an_event("after")])
        one.put([row()])


FULL = """
    store = SqlStore(f"sqlite:///{sys.argv[1]}/state.db", Hand())
    with closing(store):
        assert store.claim("first", 30)
        number = 0
        try:
            while True:
                number += 1
                store.record(entry(number), row(f"s{number}", revision="x" * 20_000))
        except JournalError as error:
            print(error)
        assert [found.number for found in store.open_entries()] == list(range(1, number)), "readers go on, nothing half written"
        assert len(store.rows()) == number - 1
        try:
            store.record(entry(number), row("again", revision="x" * 20_000))
        except JournalError as error:
            print(error)
    with closing(SqlStore(f"sqlite:///{sys.argv[1]}/state.db", Hand())) as store:
        assert len(store.rows()) == number - 1
"""
READ_ONLY = """
    import subprocess
    with closing(SqlStore(f"sqlite:///{sys.argv[1]}/state.db", Hand())) as store:
        assert store.claim("first", 30)
    subprocess.run(["mount", "-o", "remount,ro", sys.argv[1]], check=True)
    try:
        SqlStore(f"sqlite:///{sys.argv[1]}/state.db", Hand())
    except JournalError as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("text", "said", "reason"),
    [
        (FULL, ["the disk is full: free some space"] * 2, "a full disk"),
        (READ_ONLY, ["the store cannot be opened: Read-only file system"], "a disk that the kernel made read-only"),
    ],
    ids=["full", "read-only"],
)
def test_a_disk_that_takes_no_writes_is_a_sentence(tmp_path: Path, text: str, said: list[str], reason: str) -> None:
    mount = 'mount -t tmpfs -o size=1m tmpfs "$1" && shift && exec "$@"'
    command = script("from controller.core.errors import JournalError\n" + textwrap.dedent(text), tmp_path)
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mount, "sh", str(tmp_path), *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{tmp_path}/state.db: {line}" for line in said], reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"SQLite format 3\0" + b"\xff" * 8192, "a header and rubbish"), (b"# not a database\n" * 100, "another file")],
    ids=["rubbish", "text"],
)
def test_a_damaged_file_is_refused_and_left_alone(path: Path, content: bytes, reason: str) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(JournalError, match="it is damaged: restore a backup"):
        opened(path)
    assert path.read_bytes() == content, reason


def test_damaged_pages_are_a_sentence(path: Path) -> None:
    opened(path).close()
    schema = path.stat().st_size
    with closing(opened(path)) as store:
        assert store.claim("first", 30)
        store.put([row(f"s{number}", revision="x" * 1000) for number in range(200)])
    content = path.read_bytes()
    path.write_bytes(content[:schema] + b"\xff" * (len(content) - schema))
    with closing(opened(path)) as store, pytest.raises(JournalError, match="damaged"):
        store.rows()


def test_a_record_that_is_not_ours_is_a_sentence(path: Path, store: SqlStore) -> None:
    store.record(entry(step=Step.DONE))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("""UPDATE entries SET data = '{"run": 1}'""")
        connection.commit()
    with pytest.raises(JournalError, match="a stored Entry cannot be read"):
        store.entries("r1")


@pytest.mark.parametrize(
    ("url", "said", "reason"),
    [
        ("nonsense", "the database is not a URL", "a word"),
        ("mysql://evin:hunter2@host/name", "is neither an SQLite file nor", "another server"),
        ("sqlite://", "is neither an SQLite file nor", "memory forgets"),
        ("sqlite:///:memory:", "is neither an SQLite file nor", "memory forgets"),
        ("sqlite:///file:x?mode=ro&uri=true", "is neither an SQLite file nor", "options that change what we rely on"),
    ],
)
def test_a_database_we_cannot_use_is_a_settings_error(url: str, said: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=said) as raised:
        SqlStore(url, Hand())
    assert "hunter2" not in str(raised.value), reason


def test_a_server_that_is_not_there_is_a_sentence_without_the_password() -> None:
    with pytest.raises(JournalError, match=r"postgresql\+psycopg2://evin:\*\*\*@127\.0\.0\.1:1/name: .*refused") as raised:
        SqlStore("postgres://evin:hunter2@127.0.0.1:1/name", Hand())
    assert "hunter2" not in str(raised.value)


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match="the store cannot be opened"):
        opened(tmp_path / "file" / "state.db")


def test_the_memory_store_loads_no_database_library() -> None:
    text = "import sys, controller.store.memory; print(sorted({'sqlalchemy', 'alembic', 'sqlite3'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_open_store_of_the_newest_schema_loads_no_migration_library(path: Path) -> None:
    opened(path).close()
    text = """
        with closing(SqlStore(f"sqlite:///{sys.argv[1]}", Hand())) as store:
            print("alembic" in sys.modules, store.last_event())
    """
    done = subprocess.run(script(text, path), cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False 0"
