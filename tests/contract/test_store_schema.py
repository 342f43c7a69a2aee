"""How a store comes to its schema: migrations, the copy before them, and what is refused."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from controller.core.errors import JournalError, LeaseHeld
from controller.core.run import Outcome, RunTime
from controller.core.uptime import HealthChange, HealthRecord, Watch
from controller.store import archive, schema
from controller.store.database import Database
from controller.store.records import encode
from controller.store.schema import REVISIONS, VERSION_TABLE, bring_up
from controller.store.sql import SqlStore
from controller.store.tables import metadata
from tests.contract.stores import Hand, a_deed, a_run, an_event, name_in, row
from tests.support.postgres import Postgres

MIGRATIONS = Path(schema.__file__).with_name("migrations")
LATER = tuple(f"{int(REVISIONS[-1]) + number:04}" for number in range(1, 5))
"""The revisions that the next versions of the program may have."""
NEXT = '''
"""{what}."""
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "{revision}", "{before}", None, None

def upgrade() -> None:
    op.add_column("runs", sa.Column("note_{revision}", sa.Text(), nullable=True))
    op.execute("UPDATE ledger SET data = replace(data, 'c0ffee', 'migrated')")
    {last}
'''


@dataclass
class Place:
    """A database by URL, and the later versions of the program that it may meet."""

    url: str
    clock: Hand
    folder: Path
    server: Postgres | None = None

    def open(self) -> SqlStore:
        return SqlStore(self.url, self.clock)

    def upgrade(self, *later: str, fails: bool = False) -> None:
        """Opens it as a version with further revisions does."""
        migrations = self.migrations(*later, fails=fails)
        with closing(Database(self.url, self.clock)) as database:
            bring_up(database, migrations, (*REVISIONS, *later))

    def migrations(self, *later: str, fails: bool = False) -> Path:
        """A folder of migrations with further revisions."""
        migrations = self.folder / f"migrations-{len(list(self.folder.glob('migrations-*')))}"
        shutil.copytree(MIGRATIONS, migrations)
        for before, revision in zip((REVISIONS[-1], *later), later, strict=False):
            last = 'raise RuntimeError("broken")' if fails and revision == later[-1] else ""
            text = NEXT.format(what="A later version", revision=revision, before=before, last=last)
            (migrations / "versions" / f"r{revision}.py").write_text(text)
        return migrations

    def sql(self, statement: str) -> list[str]:
        if self.server is not None:
            return self.server.sql(statement, name_in(self.url)).splitlines()
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            return ["|".join(map(str, found)) for found in connection.execute(statement)]

    def copies(self) -> list[str]:
        if self.server is not None:
            names = self.sql("SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'homelab_before_%'")
            return sorted(name.removeprefix("homelab_before_") for name in names)
        return sorted(file.name.removeprefix("state.db.before-") for file in (self.folder / "state").glob("*before*"))


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        yield Place(f"sqlite:///{tmp_path}/state/state.db", Hand(), tmp_path)
    else:
        server: Postgres = request.getfixturevalue("postgres")
        yield Place(server.create(), Hand(), tmp_path, server)


def filled(place: Place) -> None:
    with closing(place.open()) as store:
        assert store.claim("first", 30)
        store.put([row()])
        store.leave()


def test_the_known_revisions_are_the_migrations_in_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    walked = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(walked)) == REVISIONS


def test_the_migrations_make_the_tables_that_the_store_uses(place: Place) -> None:
    place.open().close()
    with closing(Database(place.url, place.clock)) as database, database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_new_store_needs_no_copy(place: Place) -> None:
    place.open().close()
    place.open().close()
    assert place.copies() == []


def test_a_migration_keeps_a_copy_and_the_content(place: Place) -> None:
    filled(place)
    place.upgrade(LATER[0])
    assert place.sql(f"SELECT version_num FROM {VERSION_TABLE}") == [LATER[0]]
    assert "migrated" in place.sql("SELECT data FROM ledger")[0]
    assert place.copies() == [LATER[0]]
    if place.server is not None:
        assert "c0ffee" in place.sql(f"SELECT data FROM homelab_before_{LATER[0]}.ledger")[0]
        return
    copy = Path(place.url.removeprefix("sqlite:///")).with_name(f"state.db.before-{LATER[0]}")
    with closing(SqlStore(f"sqlite:///{copy}", place.clock)) as store:
        assert store.rows() == {row().place: row()}


def test_a_store_of_the_first_version_gets_its_registers_and_keeps_its_content(place: Place) -> None:
    with closing(Database(place.url, place.clock)) as database:
        bring_up(database, revisions=REVISIONS[:1])
    data = encode(row())
    place.sql(f"INSERT INTO ledger (kind, name, provider, data) VALUES ('service', 'plex', 'local', '{data}')")
    with closing(place.open()) as store:
        assert store.rows() == {row().place: row()}
        assert (store.people.list(), store.audit.list(9), store.proposals.list(["open"])) == ((), (), ())
        assert store.audit.add(a_deed("approve")).number == 1
    assert place.copies() == [REVISIONS[-1]]


def test_the_runs_of_an_older_version_can_be_counted(place: Place) -> None:
    with closing(Database(place.url, place.clock)) as database:
        bring_up(database, revisions=REVISIONS[:2])
    runs = [a_run("a", 1.0), a_run("b", 2.0, Outcome.ROLLED_BACK), replace(a_run("c", 3.0, Outcome.RUNNING), finished=0.0)]
    for run in runs:
        place.sql(f"INSERT INTO runs (id, started, data) VALUES ('{run.id}', {run.started}, '{encode(run)}')")
    with closing(place.open()) as store:
        assert store.runs() == tuple(reversed(runs))
        assert store.run_times(0.0) == tuple(RunTime(run.started, run.finished, run.outcome) for run in runs)
        assert store.health.between(0.0, 9e9) == HealthRecord()
        assert store.claim("first", 30)
        store.health.note(Watch(5.0, 5.0), [HealthChange("service/plex", 5.0, "Healthy")])
        assert store.health.standing(5.0) == {"service/plex": "Healthy"}


def test_only_the_newest_copies_are_kept(place: Place) -> None:
    filled(place)
    for number in range(1, 5):
        place.upgrade(*LATER[:number])
    assert place.copies() == list(LATER[1:])


def test_a_migration_that_fails_changes_nothing(place: Place) -> None:
    filled(place)
    with pytest.raises(RuntimeError, match="broken"):
        place.upgrade(*LATER[:2], fails=True)
    assert place.sql(f"SELECT version_num FROM {VERSION_TABLE}") == [REVISIONS[-1]]
    with closing(place.open()) as store:
        assert store.rows() == {row().place: row()}
    place.upgrade(LATER[0])


def test_a_newer_schema_is_refused_and_left_alone(place: Place) -> None:
    filled(place)
    place.upgrade(LATER[0])
    with pytest.raises(
        JournalError, match=rf"was written by a newer version \(schema {LATER[0]}\): use that version, or restore a backup"
    ):
        place.open()
    assert place.sql(f"SELECT version_num FROM {VERSION_TABLE}") == [LATER[0]]


def test_an_older_version_that_works_is_not_migrated_under_its_feet(place: Place) -> None:
    with closing(place.open()) as store:
        assert store.claim("older", 30)
        with pytest.raises(LeaseHeld, match=r"older still works on .* stop it before the store is migrated") as raised:
            place.upgrade(LATER[0])
        assert raised.value.holder == "older"
        store.append([an_event("goes on")])
        store.leave()
        place.upgrade(LATER[0])
    assert place.copies() == [LATER[0]]


def test_tables_of_somebody_else_are_left_alone(place: Place) -> None:
    (place.folder / "state").mkdir()
    place.sql("CREATE TABLE events (whose TEXT)")
    with pytest.raises(JournalError, match="already holds other tables named events: give the controller a database of its own"):
        place.open()
    assert place.sql("SELECT * FROM events") == []


def test_a_backup_of_an_older_version_is_migrated_before_it_is_restored(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    migrations, revisions = place.migrations(LATER[0]), (*REVISIONS, LATER[0])

    def later(database: Database, revisions: tuple[str, ...] = revisions, *, keep: bool = True) -> None:
        bring_up(database, migrations, revisions, keep=keep)

    with closing(place.open()) as store:
        assert store.claim("first", 30)
        store.put([row()])
        store.backup(place.folder / "backup.db")
        monkeypatch.setattr(archive, "REVISIONS", revisions)
        monkeypatch.setattr(archive, "bring_up", later)
        store.restore(place.folder / "backup.db")
        assert store.rows()[row().place].handle == "migrated"
