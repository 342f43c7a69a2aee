"""How healthy everything was over time, and how runs ended without reading them."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_AT_ONCE = 500


def _text(name: str, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, primary_key=primary_key)


def _time(name: str, primary_key: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=False, primary_key=primary_key, autoincrement=False)


def upgrade() -> None:
    op.create_table("health", _text("key", primary_key=True), _time("at", primary_key=True), _text("health"), _text("data"))
    op.create_index("health_at", "health", ["at"])
    op.create_table("watches", _time("began", primary_key=True), _time("until"), _text("data"))
    op.add_column("runs", sa.Column("finished", sa.Double(), nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("outcome", sa.Text(), nullable=False, server_default=""))
    _fill_runs()


def _fill_runs() -> None:
    """What the runs from before say about themselves."""
    connection = op.get_bind()
    runs = sa.table("runs", sa.column("id"), sa.column("finished"), sa.column("outcome"), sa.column("data"))
    fill = sa.update(runs).where(runs.c.id == sa.bindparam("the_id"))
    fill = fill.values(finished=sa.bindparam("the_end"), outcome=sa.bindparam("the_outcome"))
    names = connection.execute(sa.select(runs.c.id)).scalars().all()
    for begin in range(0, len(names), _AT_ONCE):
        rows = connection.execute(sa.select(runs.c.id, runs.c.data).where(runs.c.id.in_(names[begin : begin + _AT_ONCE]))).all()
        found = [(row.id, json.loads(row.data)) for row in rows]
        values = [{"the_id": id_, "the_end": run["finished"], "the_outcome": run["outcome"]} for id_, run in found]
        connection.execute(fill, values)
