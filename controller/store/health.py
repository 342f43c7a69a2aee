"""How healthy everything was over time, in a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, Delete, Select, and_, delete, func, select, union_all

from controller.core.uptime import NO_MORE, HealthChange, HealthRecord, Watch
from controller.store import tables
from controller.store.contents import HEALTH, WATCHES
from controller.store.database import Database
from controller.store.lease import Lease

_HEALTH, _WATCHES = tables.health.c, tables.watches.c


class SqlHealth:
    """`core.uptime.HealthHistory` in a database."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database, self._lease = database, lease
        self._change = database.upsert(tables.health, HEALTH.keys)
        self._watch = database.upsert(tables.watches, WATCHES.keys)

    def note(self, watch: Watch, changes: Iterable[HealthChange] = ()) -> None:
        rows = [HEALTH.values(change) for change in changes]
        with self._database.writing() as connection:
            self._lease.require(connection)
            connection.execute(self._watch, WATCHES.values(watch))
            if rows:
                connection.execute(self._change, rows)

    def standing(self, at: float) -> Mapping[str, str]:
        with self._database.reading() as connection:
            rows = connection.execute(_last(_HEALTH.at <= at)).all()
        return {row.key: row.health for row in rows if row.health != NO_MORE}

    def watch(self, at: float) -> Watch | None:
        statement = WATCHES.select().where(_WATCHES.began <= at).order_by(_WATCHES.began.desc()).limit(1)
        with self._database.reading() as connection:
            return next(iter(WATCHES.all(connection, statement)), None)

    def newest(self) -> float:
        with self._database.reading() as connection:
            return float(connection.execute(select(func.max(_HEALTH.at))).scalar_one() or 0.0)

    def between(self, start: float, end: float, *, key: str = "", kind: str = "") -> HealthRecord:
        kept = [_HEALTH.key == key] if key else []
        kept += [func.substr(_HEALTH.key, 1, len(kind) + 1) == f"{kind}/"] if kind else []
        within = select(_HEALTH.key, _HEALTH.at, _HEALTH.health).where(_HEALTH.at >= start, _HEALTH.at <= end, *kept)
        both = union_all(_last(and_(_HEALTH.at < start, *kept)), within).subquery()
        watches = WATCHES.select().where(_WATCHES.until >= start, _WATCHES.began <= end).order_by(_WATCHES.began)
        with self._database.picture() as connection:
            rows = connection.execute(select(both).order_by(both.c.key, both.c.at)).all()
            changes = tuple(HealthChange(row.key, row.at, row.health) for row in rows)
            return HealthRecord(changes, WATCHES.all(connection, watches))


def forgetting(before: float) -> tuple[Delete, ...]:
    """What a store forgets of the time before: every key's last change of it stays, for that is how it stood then."""
    newer = tables.health.alias()
    follows = select(newer.c.key).where(newer.c.key == _HEALTH.key, newer.c.at > _HEALTH.at, newer.c.at <= before)
    return (
        delete(tables.health).where(_HEALTH.at <= before, follows.exists()),
        delete(tables.health).where(_HEALTH.at <= before, _HEALTH.health == NO_MORE),
        delete(tables.watches).where(_WATCHES.until < before),
    )


def _last(where: ColumnElement[bool]) -> Select[tuple[str, float, str]]:
    """Every key's last change among those that fit."""
    last = select(_HEALTH.key, func.max(_HEALTH.at).label("at")).where(where).group_by(_HEALTH.key).subquery()
    joined = and_(last.c.key == _HEALTH.key, last.c.at == _HEALTH.at)
    return select(_HEALTH.key, _HEALTH.at, _HEALTH.health).join(last, joined)
