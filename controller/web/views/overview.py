"""Overview: how the house stands, what waits for a person, what happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from controller.core.errors import Refused, Transient
from controller.core.event import Event
from controller.usecases.energy import energy as energy_used
from controller.usecases.uptime import UptimeLine, uptimes
from controller.usecases.views import StatusLine, StatusView, status_view
from controller.web import page
from controller.web.bodies import Query
from controller.web.call import Call, Face, Reply, Routes
from controller.web.lanes import Lane
from controller.web.views.charts import uptime_signs, uptime_strip
from controller.web.views.looking import Asked, outcome
from controller.web.views.waiting import waiting

_RUNS, _EVENTS, _STRIPS = 6, 12, 8
SYNC = ("Failed", "Held", "Drifted", "Unknown", "Pending", "Suspended", "Synced")
HEALTH = ("Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy")
"""Worst first."""
_NEW = 3600.0
"""Seconds for which a thing was observed when the overview begins to tell a percentage of it."""

_FIRST = ("service", "stack", "device")
"""What people mean by their things, before what belongs to them."""

Word = Annotated[str, Field(max_length=100)]


class GridQuery(Query):
    """Which resources are shown, and in which order; `asked` is when a pass was asked for."""

    q: Word = ""
    kind: Word = ""
    sync: Word = ""
    health: Word = ""
    sort: Literal["trouble", "name", "kind", "sync", "health"] = "trouble"
    asked: Asked | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """The resources that are shown, of how many, and what can be chosen. `counts` are (word, how many) of all of them."""

    items: tuple[StatusLine, ...]
    total: int
    kinds: tuple[str, ...]
    syncs: tuple[tuple[str, int], ...]
    healths: tuple[tuple[str, int], ...]


def show(face: Face, call: Call) -> Reply:
    """The view. It asks no backend: everything in it is of the last pass or of the store."""
    last, report = face.desk.look.last_event(), face.report
    status = status_view(report, face.desk.look.store.leader()[0]) if report is not None else None
    about = {
        "status": status,
        "grid": grid(status, call.query) if status else None,
        "query": call.query,
        "waits": waiting(face, call),
        "events": recent(face, last),
        "runs": face.desk.look.history(_RUNS),
        "asked": outcome(face, call.query.asked),
    }
    return page.render(face, call, "overview.html", about, title="Overview", view="overview")


def grid(status: StatusView, query: GridQuery) -> Grid:
    """What a person asked to see of the status. Pure."""
    words = query.q.lower().split()
    kept = [
        item
        for item in status.items
        if (not query.kind or kind_of(item) == query.kind)
        and (not query.sync or item.sync == query.sync)
        and (not query.health or item.health == query.health)
        and all(word in f"{item.key} {item.why} {item.provider}".lower() for word in words)
    ]
    return Grid(
        items=tuple(sorted(kept, key=_ORDERS[query.sort])),
        total=len(status.items),
        kinds=tuple(sorted({kind_of(item) for item in status.items})),
        syncs=_counted(SYNC, (item.sync for item in status.items)),
        healths=_counted(HEALTH, (item.health for item in status.items)),
    )


def kind_of(item: StatusLine) -> str:
    """The kind in a key."""
    return item.key.partition("/")[0]


def _rank(words: tuple[str, ...], word: str) -> int:
    return words.index(word) if word in words else len(words)


_ORDERS: dict[str, Callable[[StatusLine], tuple[object, ...]]] = {
    "trouble": lambda item: (min(_rank(SYNC, item.sync), _rank(HEALTH, item.health)), _rank(_FIRST, kind_of(item)), item.key),
    "name": lambda item: (item.key.partition("/")[2], item.key),
    "kind": lambda item: (item.key,),
    "sync": lambda item: (_rank(SYNC, item.sync), item.key),
    "health": lambda item: (_rank(HEALTH, item.health), item.key),
}


def _counted(order: tuple[str, ...], words: Iterable[str]) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    for word in words:
        found[word] = found.get(word, 0) + 1
    return tuple((word, found[word]) for word in sorted(found, key=lambda word: _rank(order, word)))


def recent(face: Face, last: int, key: str = "", count: int = _EVENTS) -> tuple[Event, ...]:
    """The newest events, newest first."""
    found = face.desk.look.events(max(0, last - (count if not key else 5000)), 5000, key)
    return tuple(reversed(found[-count:]))


def energy(face: Face, _call: Call) -> Reply:
    """The part that tells what the house used; asked for by itself, because a home may be slow to answer. Nothing where nothing
    measures."""
    try:
        found = energy_used(face.desk.look)
    except Refused:
        return Reply(status=204)
    except Transient as error:
        return page.part("energy.html", {"energy": None, "why": str(error)})
    return page.part("energy.html", {"energy": found, "today": found.days[-1]})


def _is_new(line: UptimeLine) -> bool:
    """True while a percentage would say more of its start than of it."""
    return line.good + line.degraded + line.down < _NEW


def uptime(face: Face, _call: Call) -> Reply:
    """The services that did their work least; asked for by itself, so that the overview waits for nothing. Nothing where nothing
    is recorded."""
    if face.desk.look.reconciler.shown is None:
        return Reply(status=204)
    found = uptimes(face.desk.look)
    if not found.items:
        return Reply(status=204)
    settled = sorted(found.items, key=_is_new)
    lines = [(line, uptime_strip(line), _is_new(line)) for line in settled[:_STRIPS]]
    about = {"found": found, "lines": lines, "more": len(found.items) - len(lines), "signs": uptime_signs()}
    return page.part("uptime.html", about)


ROUTES: Routes = {
    "/": {"GET": page.looks(show, "How the house stands.", query=GridQuery)},
    "/page/energy": {"GET": page.looks(energy, "What the house used.", lane=Lane.SLOW)},
    "/page/uptime": {"GET": page.looks(uptime, "How much of the time the services did their work.", lane=Lane.SLOW)},
}
