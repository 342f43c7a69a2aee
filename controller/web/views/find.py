"""Find: everything that a person can go to and do from anywhere, by its name. The palette of the page is made from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import Field

from controller.core.key import Key
from controller.usecases.access import Scope
from controller.usecases.domains import domains
from controller.usecases.views import StatusLine, status_view
from controller.web import page
from controller.web.bodies import Query
from controller.web.call import Call, Face, Reply, Routes
from controller.web.views.waiting import pending_proposals

_RUNS = 8


class FindQuery(Query):
    """Words that a name must have; without any only what does not grow with the house is shown, unless `all` is wanted."""

    q: Annotated[str, Field(max_length=100)] = ""
    all: Literal["", "yes"] = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to go to or to do. `action` "" = `href` is a page; else `href` is where a form goes, with `fields`. `group` says
    what it is, `words` what else people call it."""

    group: str
    text: str
    href: str
    fields: tuple[tuple[str, str], ...] = ()
    action: str = ""
    words: str = ""

    @property
    def name(self) -> str:
        """Where words are looked for."""
        return f"{self.group} {self.text} {self.words}".lower()


def show(face: Face, call: Call) -> Reply:
    """The view. It asks no backend."""
    words = call.query.q.lower().split()
    hides = () if words or call.query.all else ("Resource", "Domain", "Act")
    everything = tuple(offers(face, call))
    found = [offer for offer in everything if offer.group not in hides and all(word in offer.name for word in words)]
    groups = tuple(dict.fromkeys(offer.group for offer in found))
    about = {
        "groups": [(group, [offer for offer in found if offer.group == group]) for group in groups],
        "query": call.query,
        "total": len(everything),
        "looked": face.report is not None,
    }
    return page.render(face, call, "find.html", about, title="Find", live=False)


def offers(face: Face, call: Call) -> Iterator[Offer]:
    """All that whoever asks may go to and do here, the most wanted first."""
    for view in page.views(face, call):
        yield Offer("View", view.title, view.path)
    yield from _everywhere(face, call)
    for item in pending_proposals(face, call):
        if item.href:
            yield Offer("Waits", f"Proposal {item.mark}: {item.lines[0][0]}", item.href)
    lines = status_view(face.report).items if face.report is not None else ()
    yield from (Offer("Resource", line.key, _page(line.key)) for line in lines)
    hosts = domains(face.desk.look)
    for host in hosts.hosts if hosts is not None else ():
        yield Offer("Domain", host.host, f"/domains?q={quote(host.host, safe='')}")
    for run in face.desk.look.history(_RUNS):
        keys = ", ".join(dict.fromkeys(key for key, _, _ in run.changes[:3]))
        yield Offer("Run", f"Run {run.id} {run.outcome} {keys}".rstrip(), f"/history/{quote(run.id, safe='')}")
    yield from _about(face, call, lines)


def _may(face: Face, call: Call, scope: Scope) -> bool:
    return call.actor is not None and call.actor.may(scope) and face.desk.sync is not None


def _everywhere(face: Face, call: Call) -> Iterator[Offer]:
    if _may(face, call, Scope.APPLY):
        yield Offer("Do", "Look now", "/look", (("back", "overview"),), "Look now", "sync reconcile refresh")
    if _may(face, call, Scope.PROPOSE):
        yield Offer("Do", "Propose a change…", "/propose", words="new file")
    if _may(face, call, Scope.PLAN):
        yield Offer("Do", "Roll everything back…", "/rollback", words="rollback undo")
    if "/settings/api" in face.paths:
        yield Offer("Do", "Read the API", "/settings/api")


def _about(face: Face, call: Call, lines: Iterable[StatusLine]) -> Iterator[Offer]:
    """What can be done with each resource, as it stands."""
    store = face.desk.look.store
    suspended, quarantined = set(store.suspensions()), {key for item in store.quarantined() for key in item.wanted}
    applies, proposes, plans = (_may(face, call, scope) for scope in (Scope.APPLY, Scope.PROPOSE, Scope.PLAN))
    for line in lines:
        key, there = line.key, _page(line.key)
        if applies and key in quarantined:
            yield Offer("Act", f"Try again {key}", f"{there}/retry", action="Try again", words="retry")
        if applies and key in suspended:
            yield Offer("Act", f"Resume {key}", f"{there}/resume", action="Resume", words="take up again")
        elif applies:
            yield Offer("Act", f"Suspend {key}…", f"{there}#reason", words="pause leave alone")
        if proposes and line.attempted:
            yield Offer("Act", f"Change {key}…", f"/propose?key={quote(key, safe='')}", words="propose edit")
        if plans:
            yield Offer("Act", f"Roll back {key}…", f"{there}/rollback", words="rollback undo")


def _page(text: str) -> str:
    key = Key.parse(text)
    return f"/resources/{quote(key.kind, safe='')}/{quote(key.name, safe='')}"


ROUTES: Routes = {"/find": {"GET": page.looks(show, "Everything to go to and to do, by its name.", query=FindQuery)}}
