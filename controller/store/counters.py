"""Counters: numbers that only rise, each in a row whose lock lets numbers become visible in order."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, update

from controller.store.tables import counters

# Statements that every pass makes are built once.
_NAMED = counters.c.name == bindparam("the_name")
_COUNT = select(counters.c.value).where(_NAMED)
_RAISE = update(counters).where(_NAMED).values(value=counters.c.value + bindparam("the_number"))


def count(connection: Connection, name: str) -> int:
    """The value of a counter."""
    return int(connection.execute(_COUNT, {"the_name": name}).scalar_one())


def raised(connection: Connection, name: str, by: int) -> int:
    """The value of a counter after raising it."""
    connection.execute(_RAISE, {"the_name": name, "the_number": by})
    return count(connection, name)
