"""Alembic's entry: migrates the connection that `controller.store.schema` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from controller.store.schema import VERSION_TABLE
from controller.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
