"""First tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, primary_key=primary_key)


def _time(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "lease",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        _text("holder"),
        sa.Column("fence", _NUMBER, nullable=False),
        _time("until"),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", _NUMBER, nullable=False),
    )
    op.create_table(
        "ledger",
        _text("kind", primary_key=True),
        _text("name", primary_key=True),
        _text("provider", primary_key=True),
        _text("data"),
    )
    op.create_table(
        "entries",
        sa.Column("sequence", _NUMBER, sa.Identity(), primary_key=True),
        _text("run"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        _time("at"),
        _text("data"),
        sa.UniqueConstraint("run", "number", name="entries_run_number"),
    )
    op.create_index("entries_step", "entries", ["step"])
    op.create_table("runs", _text("id", primary_key=True), _time("started"), _text("data"))
    op.create_index("runs_started", "runs", ["started"])
    for table in ("quarantine", "approvals"):
        op.create_table(table, _text("digest", primary_key=True), _time("at"), _text("data"))
    op.create_table("suspensions", _text("key", primary_key=True), _text("data"))
    op.create_table(
        "events",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
        _time("at"),
        _text("key"),
        _text("data"),
    )
    op.create_index("events_key", "events", ["key", "number"])
    op.create_index("events_at", "events", ["at"])
    op.create_table("facts", _text("name", primary_key=True), _text("data"))
    op.execute("INSERT INTO lease (id, holder, fence, until) VALUES (1, '', 0, 0)")
    op.execute("INSERT INTO counters (name, value) VALUES ('ledger', 0), ('events', 0)")
