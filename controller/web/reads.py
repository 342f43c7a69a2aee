"""Reading operations. They answer from the last report and the store; only a plan and a single resource look at backends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event as Flag

from controller.core.errors import HomelabError, Refused, SourceError
from controller.core.key import Key
from controller.usecases.energy import energy as energy_used
from controller.usecases.notices import failing
from controller.usecases.views import status_view
from controller.web.answers import Alive, EventsPage, HistoryPage, Me, Ready
from controller.web.call import Call, Face, Flow, Reply, Stream
from controller.web.metrics import TEXT
from controller.web.problem import Problem


def alive(_face: Face, _call: Call) -> Reply:
    """The process answers."""
    return Reply(Alive())


def ready(face: Face, _call: Call) -> Reply:
    """Each dependency in a word; reasons and names are not for strangers. Only the store and the first pass are needed to serve:
    a backend that is down is the controller's daily work."""
    report = face.report
    checks = {"store": "ok", "git": "waiting", "look": "waiting", "backends": "waiting"}
    try:
        face.desk.look.last_event()
    except HomelabError:
        checks["store"] = "failing"
    if report is not None:
        answering = sum(1 for reason in report.backends.values() if not reason)
        checks["look"] = "ok"
        checks["git"] = "ok" if report.revision.id else "failing"
        checks["backends"] = "ok" if answering == len(report.backends) else f"{answering} of {len(report.backends)}"
    good = checks["store"] == "ok" and checks["look"] == "ok"
    return Reply(Ready(good, checks), 200 if good else 503)


def metrics(face: Face, _call: Call) -> Reply:
    """For Prometheus."""
    return Reply(face.meter.text(), media=TEXT)


def me(face: Face, call: Call) -> Reply:
    """Who the caller is."""
    actor = call.actor
    assert actor is not None  # noqa: S101 (the operation has a scope)
    return Reply(Me(actor.name, tuple(sorted(actor.scopes)), actor.door, face.desk.world, face.desk.instance))


def status(face: Face, _call: Call) -> Reply:
    """How every key stood in the last pass."""
    report = face.report
    if report is None:
        raise Problem(503, "not-ready", "the first pass has not ended yet", {"Retry-After": "1"})
    store = face.desk.look.store
    return Reply(status_view(report, store.leader()[0], failing(store)))


def plan(face: Face, call: Call) -> Reply:
    """What would be done now."""
    query = call.query
    if query.worktree and not call.local:
        raise Problem(403, "socket-only", "uncommitted files are planned only at the controller's own socket")
    if query.revision is None:
        return Reply(face.desk.look.plan(worktree=query.worktree, full=query.full))
    if query.worktree or ".." in query.revision:
        raise Problem(422, "invalid-query", "name either a revision or the work tree")
    with naming(face):
        return Reply(face.desk.look.plan_of(query.revision, full=query.full))


@contextmanager
def naming(face: Face) -> Iterator[None]:
    """Around the use of a revision that somebody named: while git answers, an error about it is theirs. Raises Problem."""
    try:
        yield
    except SourceError as error:
        face.desk.look.source.head()
        raise Problem(404, "not-found", str(error)) from error


def history(face: Face, call: Call) -> Reply:
    """Runs, newest first."""
    runs = face.desk.look.history(call.query.limit, call.query.cursor)
    return Reply(HistoryPage(runs, runs[-1].started if len(runs) == call.query.limit else None))


def run(face: Face, call: Call) -> Reply:
    """One run with its steps."""
    try:
        return Reply(face.desk.look.run(call.path["id"]))
    except Refused as error:
        raise Problem(404, "not-found", str(error)) from error


def resource(face: Face, call: Call) -> Reply:
    """Everything known about one key."""
    try:
        key = Key.parse(f"{call.path['kind']}/{call.path['name']}")
        return Reply(face.desk.look.resource(key))
    except (ValueError, Refused) as error:
        raise Problem(404, "not-found", str(error)) from error


def energy(face: Face, call: Call) -> Reply:
    """How much the house used."""
    return Reply(energy_used(face.desk.look, call.query.days, call.query.via))


PLAIN = "text/plain; charset=utf-8"


def logs(face: Face, call: Call) -> Reply | Flow:
    """What an object writes."""
    look, query = face.desk.look, call.query
    try:
        key = Key.parse(f"{call.path['kind']}/{call.path['name']}")
    except ValueError as error:
        raise Problem(404, "not-found", str(error)) from error
    if not query.follow:
        return Reply(look.log(key, query.lines, query.back).encode("utf-8", "replace"), media=PLAIN)
    stop = Flag()
    return Flow(look.follow_log(key, query.lines, query.back, stop), stop, PLAIN)


def events(face: Face, call: Call) -> Reply | Stream:
    """Events as a list, or as a stream for who accepts one."""
    look, query = face.desk.look, call.query
    if "text/event-stream" in call.headers.get("accept", ""):
        newest = look.last_event()
        begin = _begin(call.headers.get("last-event-id", ""), query.after, newest)
        return Stream(min(max(begin, newest - REPLAY), newest))
    found = tuple(look.events(query.after or 0, query.limit, query.key))
    return Reply(EventsPage(found, found[-1].number if found else query.after or 0))


REPLAY = 5000
"""As many old events as a stream repeats at most."""


def _begin(last: str, after: int | None, newest: int) -> int:
    """Where a stream goes on: what the browser saw last; what cannot be a number of ours means from now on."""
    if last:
        return int(last) if last.isascii() and last.isdigit() and len(last) < 16 else newest
    return newest if after is None else after
