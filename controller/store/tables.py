"""The tables: every record is JSON text in `data`; the other columns are what queries need."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Identity, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()

# SQLite numbers rows by itself only for INTEGER; PostgreSQL's INTEGER would end at 2^31.
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

lease = Table(
    "lease",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("holder", Text, nullable=False),
    Column("fence", _NUMBER, nullable=False),
    Column("until", Double, nullable=False),
)

# `ledger` = version of the ledger table, `events` and `audit` = number of the newest row.
counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", _NUMBER, nullable=False),
)

ledger = Table(
    "ledger",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("data", Text, nullable=False),
)

# `sequence` is the order in which entries were first written, across runs.
entries = Table(
    "entries",
    metadata,
    Column("sequence", _NUMBER, Identity(), primary_key=True),
    Column("run", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("step", String(16), nullable=False),
    Column("at", Double, nullable=False),
    Column("data", Text, nullable=False),
    UniqueConstraint("run", "number", name="entries_run_number"),
    Index("entries_step", "step"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("started", Double, nullable=False),
    Column("finished", Double, nullable=False, server_default="0"),
    Column("outcome", Text, nullable=False, server_default=""),
    Column("data", Text, nullable=False),
    Index("runs_started", "started"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("data", Text, nullable=False),
)

approvals = Table(
    "approvals",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("data", Text, nullable=False),
)

suspensions = Table(
    "suspensions",
    metadata,
    Column("key", Text, primary_key=True),
    Column("data", Text, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("number", _NUMBER, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("key", Text, nullable=False),
    Column("data", Text, nullable=False),
    Index("events_key", "key", "number"),
    Index("events_at", "at"),
)

facts = Table(
    "facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("data", Text, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("name", Text, primary_key=True),
    Column("data", Text, nullable=False),
)

# Triggers keep rows from being changed or removed.
audit = Table(
    "audit",
    metadata,
    Column("number", _NUMBER, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("data", Text, nullable=False),
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("standing", Text, nullable=False),
    Column("data", Text, nullable=False),
    Index("proposals_standing", "standing", "at"),
)

# How healthy every key was, as changes; when somebody was looking stands in `watches`.
health = Table(
    "health",
    metadata,
    Column("key", Text, primary_key=True),
    Column("at", Double, primary_key=True),
    Column("health", Text, nullable=False),
    Column("data", Text, nullable=False),
    Index("health_at", "at"),
)

watches = Table(
    "watches",
    metadata,
    Column("began", Double, primary_key=True, autoincrement=False),
    Column("until", Double, nullable=False),
    Column("data", Text, nullable=False),
)
