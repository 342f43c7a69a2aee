"""People, the audit trail and proposals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# SQLite runs no trigger for the row that INSERT OR REPLACE removes: a number that was given out is refused before.
_REFUSED = "SELECT RAISE(ABORT, 'the audit trail is only ever added to')"
_OLD_NUMBER = "NEW.number <= (SELECT coalesce(max(number), 0) FROM audit)"
_SQLITE = (
    f"CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN {_REFUSED}; END",
    f"CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit BEGIN {_REFUSED}; END",
    f"CREATE TRIGGER audit_grows BEFORE INSERT ON audit WHEN {_OLD_NUMBER} BEGIN {_REFUSED}; END",
)
_FUNCTION = "$$ BEGIN RAISE EXCEPTION 'the audit trail is only ever added to'; END $$"
_POSTGRES = (
    f"CREATE FUNCTION audit_refused() RETURNS trigger LANGUAGE plpgsql AS {_FUNCTION}",
    "CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refused()",
    "CREATE TRIGGER audit_whole BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refused()",
)


def _text(name: str, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, primary_key=primary_key)


def _time(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=False)


def upgrade() -> None:
    op.create_table("people", _text("name", primary_key=True), _text("data"))
    op.create_table("audit", sa.Column("number", _NUMBER, primary_key=True, autoincrement=False), _time("at"), _text("data"))
    op.create_table("proposals", _text("id", primary_key=True), _time("at"), _text("standing"), _text("data"))
    op.create_index("proposals_standing", "proposals", ["standing", "at"])
    op.execute("INSERT INTO counters (name, value) VALUES ('audit', 0)")
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRES:
        op.execute(statement)
