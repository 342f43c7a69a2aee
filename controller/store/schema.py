"""The schema of a database: which revision it has, and how it gets to ours."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select, text

from controller.core.errors import JournalError, LeaseHeld
from controller.store import embedded
from controller.store.database import Database
from controller.store.tables import metadata

VERSION_TABLE = "homelab_schema"
REVISIONS = ("0001", "0002", "0003")
"""Every revision, oldest first; a test holds it to the migrations."""

_VERSION = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32)))
_MIGRATIONS = Path(__file__).with_name("migrations")
# Any number will do, as long as nobody else in the database uses it.
_MIGRATION_LOCK = 7_312_051_420


def bring_up(
    database: Database, migrations: Path = _MIGRATIONS, revisions: tuple[str, ...] = REVISIONS, *, keep: bool = True
) -> None:
    """Brings a database to the newest of `revisions`, in one transaction; with `keep` after a copy of what was there and only
    while nobody leads. Raises JournalError for a schema that is newer or not ours, LeaseHeld while a controller works on it."""
    with database.reading() as connection:
        if revision(connection) == revisions[-1]:
            return
    # A quarter of a second to load and needed once per version: before the lock, for which others wait only so long.
    import alembic.command
    import alembic.config  # noqa: F401

    with database.writing() as connection:
        if database.path is None:
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MIGRATION_LOCK})
        found = revision(connection)
        if found == revisions[-1]:
            return
        if found is None:
            _refuse_strangers(database, connection)
        elif found not in revisions:
            raise JournalError(
                f"{database.name} was written by a newer version (schema {found}): use that version, or restore a backup"
            )
        elif keep:
            _refuse_while_led(database, connection)
            _keep_copy(database, connection, revisions[-1])
        _migrate(connection, migrations, revisions[-1])


def revision(connection: Connection) -> str | None:
    """The revision of a database, None for one without our tables."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(select(_VERSION.c.version_num)).scalar_one_or_none()


def _refuse_strangers(database: Database, connection: Connection) -> None:
    taken = sorted(set(inspect(connection).get_table_names()) & metadata.tables.keys())
    if taken:
        raise JournalError(
            f"{database.name} already holds other tables named {', '.join(taken)}: give the controller a database of its own"
        )


def _refuse_while_led(database: Database, connection: Connection) -> None:
    holder, until = connection.execute(text("SELECT holder, until FROM lease")).one()
    if holder and until > database.now(connection):
        raise LeaseHeld(
            f"{holder} still works on {database.name} with an older version: stop it before the store is migrated", holder
        )


def _keep_copy(database: Database, connection: Connection, target: str) -> None:
    if database.path is not None:
        embedded.copy_before(database.path, target)
        return
    # On a server the copy is a schema of the same database: no dump program is needed and it commits with the migration.
    name = f"homelab_before_{target}"
    connection.execute(text(f'CREATE SCHEMA "{name}"'))
    for table in (VERSION_TABLE, *metadata.tables):
        if inspect(connection).has_table(table):
            connection.execute(text(f'CREATE TABLE "{name}"."{table}" AS TABLE "{table}"'))
    kept = sorted(schema for schema in inspect(connection).get_schema_names() if schema.startswith("homelab_before_"))
    for old in kept[: -embedded.COPIES_KEPT]:
        connection.execute(text(f'DROP SCHEMA "{old}" CASCADE'))


def _migrate(connection: Connection, migrations: Path, target: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, target)
