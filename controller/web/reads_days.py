"""Reading operations about days: how healthy everything was, and what was done. They ask the store alone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from controller.core.key import Key
from controller.usecases import history_days as by_day
from controller.usecases import uptime as by_health
from controller.usecases.access import Scope
from controller.usecases.calendar import MOST_DAYS
from controller.usecases.history_days import HistoryDays
from controller.usecases.uptime import UptimesView, UptimeView
from controller.web.bodies import Query
from controller.web.call import Call, Face, Operation, Reply, Routes
from controller.web.lanes import Lane
from controller.web.problem import Problem
from controller.web.reads_estate import ended

Days = Annotated[int, Field(ge=1, le=MOST_DAYS)]


class UptimeQuery(Query):
    """So many days with today."""

    days: Days = by_health.DAYS


class UptimesQuery(UptimeQuery):
    """So many days with today, of one kind ("" = of all)."""

    kind: Annotated[str, Field(pattern=r"^([a-z][a-z0-9-]{0,31})?$")] = "service"


class HistoryDaysQuery(Query):
    """So many days with today."""

    days: Days = by_day.DAYS


def uptimes(face: Face, call: Call) -> Reply:
    """Everything of a kind."""
    ended(face.desk.look.reconciler.shown)  # it knows the time zone
    return Reply(by_health.uptimes(face.desk.look, call.query.days, call.query.kind))


def uptime(face: Face, call: Call) -> Reply:
    """One key."""
    ended(face.desk.look.reconciler.shown)
    try:
        key = Key.parse(f"{call.path['kind']}/{call.path['name']}")
    except ValueError as error:
        raise Problem(404, "not-found", str(error)) from error
    return Reply(by_health.uptime(face.desk.look, key, call.query.days))


def history_days(face: Face, call: Call) -> Reply:
    """Runs by day."""
    ended(face.desk.look.reconciler.shown)
    return Reply(by_day.history_days(face.desk.look, call.query.days))


ROUTES: Routes = {
    "/api/v1/uptime": {
        "GET": Operation(
            uptimes,
            "How much of the time everything of a kind did its work, worst first.",
            Scope.READ,
            UptimesView,
            query=UptimesQuery,
            lane=Lane.SLOW,
            etag=True,
            problems=(503,),
        )
    },
    "/api/v1/uptime/{kind}/{name}": {
        "GET": Operation(
            uptime,
            "How much of the time one thing did its work, day by day; also of one that is not there any more.",
            Scope.READ,
            UptimeView,
            query=UptimeQuery,
            etag=True,
            problems=(404, 503),
        )
    },
    "/api/v1/history/days": {
        "GET": Operation(
            history_days,
            "How many runs ended how on each day, and how long it took to apply.",
            Scope.READ,
            HistoryDays,
            query=HistoryDaysQuery,
            etag=True,
            problems=(503,),
        )
    },
}
